/*
 * sink: where the model sends what it finds out, in pieces as they are finished.
 *
 * Of each vCPU the intervals come in time order, without gap or overlap; together they are its
 * lane. All times are ns on the reference clock.
 */
#ifndef VMSCOPE_MODEL_SINK_H
#define VMSCOPE_MODEL_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "schema/state.h"

#define NO_EXIT	  UINT64_MAX
#define NO_CPU	  UINT32_MAX
#define NO_THREAD UINT32_MAX

/* Why a vCPU left the guest. */
struct exit_cause {
	uint64_t reason; /* as the hardware gives it, or NO_EXIT */
	uint8_t isa;	 /* 1 Intel VMX, 2 AMD SVM; 0 not recorded */
};

struct vcpu_interval {
	uint32_t vcpu; /* index in the identity */
	enum vcpu_state state;
	int64_t begin, end;
	struct exit_cause cause;  /* that it is, or was when interrupted, in the hypervisor for */
	int64_t userspace_reason; /* VCPU_USERSPACE: KVM_EXIT_*, or NO_VALUE */
	uint32_t cpu;	   /* of its host: where it ran, or was queued; NO_CPU when on none */
	uint32_t occupant; /* PREEMPTED, WAITING: the thread that had that CPU, or NO_THREAD */
};

/* From a kvm_exit to the next kvm_entry of the same vCPU. The four parts add up to end - begin. */
struct vm_exit {
	uint32_t vcpu;
	int64_t begin;
	int64_t end; /* INT64_MIN: not seen, the trace ended or lost it; the parts mean nothing then
		      */
	int64_t early; /* how long before `begin` the guest had stopped already */
	struct exit_cause cause;
	uint64_t rip; /* of the guest, 0 when not recorded */
	int64_t handled, userspace, preempted, blocked;
};

/* A thread of a host, as it was when it was last heard of. */
struct model_thread {
	uint32_t machine;
	int64_t tid;
	int64_t pid;  /* or NO_VALUE */
	int64_t ppid; /* or NO_VALUE */
	int vcpu;     /* that it runs, or -1 */
	char comm[17];
};

struct model_sink {
	void *ctx;
	void (*vcpu_interval)(void *ctx, const struct vcpu_interval *interval);
	void (*vm_exit)(void *ctx, const struct vm_exit *exit);
};

#endif
