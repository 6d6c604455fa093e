/*
 * identity: the verdict on the evidence: hosts, guests, VMs, vCPUs.
 *
 * What a machine is, its own events tell (events/role.h); one that is found to be a VM is a guest
 * too. The threads of one process that enter guests are the vCPUs of one VM,
 * whether or not that VM was traced itself. A vCPU is the VM and its number there: threads that run
 * the same one after the other are its runs. What ties a VM to a guest's trace is the vm_uid that
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
#include "timeline/clock_map.h"

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
	char *given;	     /* owned; how the user calls it if it was not traced, or NULL */
	int host;	     /* machine */
	int guest;	     /* machine, or IDENT_NONE: not traced */
	int64_t pid;	     /* its process on the host, or NO_VALUE */
	unsigned process;    /* which one of those that had this pid */
	int64_t vm_uid;	     /* vmsync's, or NO_VALUE */
	bool is_whole;	     /* which vCPUs it has is proved; else it may have more */
	bool is_shared;	     /* threads run several of its vCPUs by turns: each entry says which */
	const char *why_one; /* why these are one VM's, where that is not their process; or NULL */
	char *why;	     /* owned; why these vCPUs are one VM and which trace is its own */
};

struct ident_vcpu {
	int vm;
	int64_t index;	   /* its number in the VM, or NO_VALUE */
	int64_t guest_cpu; /* the CPU that it is in the guest's trace; its index unless proved
			      otherwise */
	int64_t tid;	   /* of the first thread that ran it, on the VM's host */
	uint64_t entries, exits;
	bool is_told; /* by the host itself: it may never enter a guest */
	char comm[COMM_SIZE + 1];
	size_t number; /* while they are sorted: where it was */
};

/*
 * In [from, to) this thread runs the vCPU. Times are ns by the host's clock until
 * identity_set_clock(), then on the reference clock.
 */
struct ident_run {
	int vcpu;
	int64_t tid;
	int64_t from;	 /* INT64_MIN: since the recording began */
	int64_t to;	 /* INT64_MAX: to its end */
	bool is_born;	 /* `from` is when the thread was made: nothing ran the vCPU just before */
	unsigned life;	 /* of the tid */
	int64_t only_id; /* as in the evidence of it */
	int64_t last_ns; /* of its entries and exits, by the host's clock */
};

struct identity {
	VEC(struct ident_machine) machines; /* as given */
	VEC(struct ident_vm) vms;	    /* by host, then pid */
	VEC(struct ident_vcpu) vcpus;	    /* by VM, then index */
	VEC(struct ident_run) runs;	    /* by vCPU, then time */
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

/* Says how to call a VM as long as no trace is its own. */
void identity_name_vm(struct identity *id, int vm, const char *name);

/* Puts the runs of a host's vCPUs on the reference clock; the map leads there from the host's. */
void identity_set_clock(struct identity *id, int host, const struct clock_map *map);

/*
 * Says that the vCPUs of VM `b` are those of VM `a` of the same host, and why (which is taken
 * over). Numbers of VMs above b become one less, and vCPUs are put in order anew: moved[v], of
 * id->vcpus.n, becomes where vCPU v went.
 */
void identity_join(struct identity *id, int a, int b, char *why, size_t *moved);

/* Return: the machine of this name, or else of this host name; IDENT_SEVERAL where more than one
 * has that; or IDENT_NONE. */
int identity_machine_of_name(const struct identity *id, const char *name);

/*
 * Return: the vCPU that the thread of machine `host` with this tid runs at ts, one of several, or
 * IDENT_NONE.
 */
int identity_vcpu_of_thread(const struct identity *id, int host, int64_t tid, int64_t ts);

/*
 * Return: the vCPU that the thread enters at ts; where threads run several, the entry's vcpu_id
 * says which.
 */
int identity_entered_vcpu(const struct identity *id, int host, int64_t tid, int64_t ts,
			  int64_t vcpu_id);

/* Return: the VM of a vCPU that a thread of machine `host` with this tid runs, or IDENT_NONE. */
int identity_vm_of_thread(const struct identity *id, int host, int64_t tid);

/*
 * Return: when the next thread is made that runs the vCPU, where none does at ts; INT64_MAX: none
 * does from ts on; INT64_MIN: one does, or that was not seen.
 */
int64_t identity_next_birth(const struct identity *id, int vcpu, int64_t ts);

/* Return: the vCPU with this index in the VM, or IDENT_NONE. */
int identity_vcpu_of_index(const struct identity *id, int vm, int64_t index);

/* By its own events, and since it is a guest's: that it was found to be one. */
enum role identity_role(const struct ident_machine *m);

#endif
