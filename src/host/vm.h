/*
 * vm: what is known of a VM beside the trace. What could not be read is NULL, -1 or 0, as said.
 */
#ifndef VMSCOPE_HOST_VM_H
#define VMSCOPE_HOST_VM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

/* A counter or setting of KVM's in debugfs ("halt_poll_success_ns"). */
struct host_counter {
	char *name; /* owned */
	int64_t value;
};

struct host_vcpu {
	int tid;
	int number;   /* -1: not known */
	char *thread; /* owned: the thread's name */
	char *cpus;   /* owned: the host's CPUs that it may run on ("0-3"), or NULL */
	bool has_tsc_offset;
	int64_t tsc_offset;	  /* cycles: the guest's TSC is the host's and this */
	uint64_t ran_ns, wait_ns; /* of schedstat since the thread began: ran, waited for a CPU */
	bool has_schedstat;
	VEC(struct host_counter) counters; /* of this vCPU */
};

struct host_vm {
	int pid;
	char *name;	  /* owned: as its command line or libvirt says, or NULL */
	char *uuid;	  /* owned, or NULL */
	char *monitor;	  /* owned: "qemu", "cloud-hypervisor", "firecracker", its program's name */
	char *cgroup;	  /* owned: path below the hierarchy that limits CPUs, or NULL */
	int64_t quota_us; /* of each period, the tightest of the cgroup and its parents; -1: none */
	int64_t period_us;
	int64_t n_throttled, throttled_us; /* of that one, since it was made; -1: not known */
	char *quota_cgroup;		   /* owned: the one that has that limit, or NULL */
	bool quotas_seen; /* groups of all its vCPUs were looked at, up to the topmost: no other */
	VEC(struct host_vcpu) vcpus; /* by number, then by thread */
	VEC(struct host_counter) counters;
};

#endif
