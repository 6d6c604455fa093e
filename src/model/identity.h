/*
 * identity: the verdict on the evidence: hosts, guests, VMs, vCPUs.
 *
 * What a machine is, its own events tell (events/role.h); one that is found to be a VM is a guest
 * too. The threads of one process that enter guests are the vCPUs of one VM,
 * whether or not that VM was traced itself. What ties a VM to a guest's trace is the vm_uid that
 * both sides of vmsync give. Every tie keeps the sentence that says why.
 */
#ifndef VMSCOPE_MODEL_IDENTITY_H
#define VMSCOPE_MODEL_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "events/role.h"
#include "model/evidence.h"

enum { IDENT_NONE = -1, IDENT_SEVERAL = -2 };

struct ident_machine {
	const char *name;		 /* borrowed */
	const char *hostname;		 /* borrowed; or NULL */
	const struct evidence *evidence; /* borrowed */
	bool is_host, is_guest;
	int vm;	   /* the VM that this machine is, or IDENT_NONE */
	char *why; /* owned; the evidence for its role, for people */
};

struct ident_vm {
	char *name;	     /* owned; the guest machine's, or made from its process */
	int host;	     /* machine */
	int guest;	     /* machine, or IDENT_NONE: not traced */
	int64_t pid;	     /* its process on the host, or NO_VALUE */
	int64_t vm_uid;	     /* vmsync's, or NO_VALUE */
	bool is_whole;	     /* which vCPUs it has is proved; else it may have more */
	const char *why_one; /* why these are one VM's, where that is not their process; or NULL */
	char *why;	     /* owned; why these vCPUs are one VM and which trace is its own */
};

struct ident_vcpu {
	int vm;
	int64_t index;	   /* its number in the VM, or NO_VALUE */
	int64_t guest_cpu; /* the CPU that it is in the guest's trace; its index unless proved
			      otherwise */
	int64_t tid;	   /* on the VM's host */
	uint64_t entries, exits;
	char comm[COMM_SIZE + 1];
};

struct identity {
	VEC(struct ident_machine) machines; /* as given */
	VEC(struct ident_vm) vms;	    /* by host, then pid */
	VEC(struct ident_vcpu) vcpus;	    /* by VM, then index */
};

/* Judges the evidence of n machines. names, hostnames (which may be NULL) and evidence must outlive
 * the identity. */
void identity_init(struct identity *id, const char *const *names, const char *const *hostnames,
		   const struct evidence *const *evidence, size_t n);
void identity_deinit(struct identity *id);

/*
 * Says that a machine is this VM, and why (which is taken over). Undoes what tied either before. A
 * machine that would become its own guest's guest is left alone.
 */
void identity_tie(struct identity *id, int vm, int machine, char *why);

/*
 * Says that the vCPUs of VM `b` are those of VM `a` of the same host, and why (which is taken
 * over). Numbers of VMs above b become one less, and vCPUs are put in order anew: moved[v], of
 * id->vcpus.n, becomes where vCPU v went.
 */
void identity_join(struct identity *id, int a, int b, char *why, size_t *moved);

/* Return: the machine of this name, or else of this host name; IDENT_SEVERAL where more than one
 * has that; or IDENT_NONE. */
int identity_machine_of_name(const struct identity *id, const char *name);

/* Return: the vCPU that this thread of machine `host` runs, or IDENT_NONE. */
int identity_vcpu_of_thread(const struct identity *id, int host, int64_t tid);

/* Return: the VM of the vCPU that this thread of machine `host` runs, or IDENT_NONE. */
int identity_vm_of_thread(const struct identity *id, int host, int64_t tid);

/* Return: the vCPU with this index in the VM, or IDENT_NONE. */
int identity_vcpu_of_index(const struct identity *id, int vm, int64_t index);

/* By its own events, and since it is a guest's: that it was found to be one. */
enum role identity_role(const struct ident_machine *m);

#endif
