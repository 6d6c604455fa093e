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

#include "events/exit_detail.h"
#include "schema/busy.h"
#include "schema/state.h"

#define NO_EXIT	  UINT64_MAX
#define NO_CPU	  UINT32_MAX
#define NO_THREAD UINT32_MAX
#define NO_IRQ	  (-1)

/* Of the lanes of a machine, or of its guests' vCPUs. */
struct model_span {
	int64_t begin, end; /* reference ns, [begin, end) */
};

/* What a CPU is busy with. */
struct occupant {
	enum busy busy;
	uint32_t thread; /* current on it, or NO_THREAD */
	int32_t irq;	 /* BUSY_IRQ: its line, or else its vector; BUSY_SOFTIRQ: its number; -1 */
	const char *handler; /* BUSY_IRQ, BUSY_SOFTIRQ, BUSY_TIMER: a name, or NULL; the model's */
};

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
	uint32_t cpu; /* of its host: where it ran, or was queued; NO_CPU when on none */
	struct occupant occupant; /* PREEMPTED, WAITING: of that CPU */
	enum certainty throttled; /* PREEMPTED, WAITING, THROTTLED */
};

/* From a kvm_exit to the next kvm_entry of the same vCPU. The four parts, if known, add up to end -
 * begin. */
struct vm_exit {
	uint32_t vcpu;
	int64_t begin;
	int64_t end;   /* INT64_MIN: not seen, the trace ended or lost it; without parts then */
	int64_t early; /* how long before `begin` the guest had stopped already */
	struct exit_cause cause;
	uint64_t rip;	/* of the guest, 0 when not recorded */
	bool has_parts; /* what the four are is known */
	int64_t handled, userspace, preempted, blocked;
	int64_t polled;	       /* of handled */
	int64_t throttled;     /* of preempted */
	uint32_t guest_thread; /* that was current in the guest, or NO_THREAD */
	int64_t vector; /* of the first interrupt injected since it was blocked: what it waited for;
			   or NO_VALUE */
	struct exit_detail detail; /* what it was about */
};

struct thread_interval {
	uint32_t thread;
	enum thread_state state;
	int64_t begin, end;
	uint32_t cpu; /* of its machine: where it is current, or was queued; NO_CPU when on none */
	const char *syscall; /* that it is in, or NULL; lives as long as the traces */
	void **own; /* the sink's, for what it has of this thread; NULL at first, until its end */
};

/* The fused view: what a CPU ran, through all VMs down to the innermost one that was traced. */
struct cpu_interval {
	uint32_t machine, cpu;
	enum cpu_state state;
	int64_t begin, end;
	uint32_t thread;       /* current on it, or NO_THREAD when not known */
	int vm;		       /* CPU_VM: the innermost VM, -1 otherwise; index in the identity */
	int vcpu;	       /* of that VM */
	uint32_t guest_thread; /* of that VM, or NO_THREAD */
	void **own;	       /* the sink's, for what it has of this CPU; NULL at first */
};

/*
 * A thread of a guest was woken, and what had to happen until it ran. Stages in ns since ts, or
 * NO_VALUE when they were not needed: its vCPU's thread is woken, gets a CPU, enters the guest; the
 * thread runs (NO_VALUE: that was not seen).
 */
struct wakeup {
	uint32_t machine;
	uint32_t thread, waker; /* waker: current where it was woken, or NO_THREAD */
	int vcpu;		/* that it came to run on, or -1 */
	int64_t ts;
	int64_t vcpu_woken, vcpu_ran, entered, ran;
};

/* Who sends a VM interrupts of a vector; learned from those that were seen on their way. */
enum irq_source { IRQ_TIMER, IRQ_IPI, IRQ_NETWORK, IRQ_DEVICE, IRQ_N_SOURCES };

/* A thread, as it was when it was last heard of. */
struct model_thread {
	uint32_t id; /* as intervals name it */
	uint32_t machine;
	int64_t tid;
	int64_t pid;   /* or NO_VALUE */
	int64_t ppid;  /* or NO_VALUE */
	int vcpu;      /* that it runs, or -1 */
	int container; /* index in the model's containers, or -1 */
	char comm[17];
};

/* A PID namespace below the machine's own. */
struct model_container {
	uint32_t machine;
	int parent; /* the container around it, or -1 */
	int64_t ns_inum;
};

struct identity;

struct model_sink {
	void *ctx;
	/* Before all else: whose numbers the others use. */
	void (*begin)(void *ctx, const struct identity *identity);
	void (*vcpu_interval)(void *ctx, const struct vcpu_interval *interval);
	void (*vm_exit)(void *ctx, const struct vm_exit *exit);
	void (*thread_interval)(void *ctx, const struct thread_interval *interval);
	void (*cpu_interval)(void *ctx, const struct cpu_interval *interval);
	void (*wakeup)(void *ctx, const struct wakeup *wakeup);
	/*
	 * Once per thread: what it was, when neither intervals nor wake-ups of it will follow.
	 * Other things may still name it.
	 */
	void (*thread_end)(void *ctx, const struct model_thread *thread);
};

#endif
