/*
 * host: what is on this host beside its trace: which VMs there are, what they are called, which
 * threads are their vCPUs, and what limits them.
 *
 * All is read from /proc and /sys below a given root, and what is not there is left out: a field is
 * NULL, -1 or 0 then, as said below. Nothing is guessed; a process that ends meanwhile is not told.
 */
#ifndef VMSCOPE_HOST_HOST_H
#define VMSCOPE_HOST_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "host/vm.h"

struct host {
	char *name, *release;	 /* owned: the machine's and its kernel's, or NULL */
	char *clocksource;	 /* owned, or NULL */
	char *virtualization;	 /* owned: the CPU's "vmx", "svm", or NULL */
	int64_t halt_poll_ns;	 /* KVM's parameter; -1: not known */
	unsigned n_cpus;	 /* online; 0: not known */
	VEC(struct host_vm) vms; /* by process id */
};

/*
 * Looks at the host. root: where its /proc and /sys are: "" for this one, a directory for another
 * (a test's). Return: 0, or ERR with err set if there is no /proc. Deinitialize in every case.
 */
int host_init(struct host *h, const char *root, struct error *err);

void host_deinit(struct host *h);

/* Return: what to call it: its name, else "monitor-PID"; to be freed. */
char *host_vm_label(const struct host_vm *vm);

#endif
