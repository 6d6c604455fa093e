/*
 * state: the states that lanes can be in, their names, what they mean and how they look, in every
 * output.
 */
#ifndef VMSCOPE_SCHEMA_STATE_H
#define VMSCOPE_SCHEMA_STATE_H

/* What a vCPU truly did. */
enum vcpu_state {
	VCPU_UNKNOWN,	 /* not recorded, or lost */
	VCPU_GUEST,	 /* ran guest code */
	VCPU_HYPERVISOR, /* in KVM, on behalf of an exit */
	VCPU_USERSPACE,	 /* in the VMM process (QEMU), on behalf of an exit to user space */
	VCPU_PREEMPTED,	 /* runnable, but another thread was given the CPU */
	VCPU_WAITING,	 /* woken up, but not yet on a CPU (run-queue delay) */
	VCPU_HALTED,	 /* idle: the guest halted the vCPU */
	VCPU_BLOCKED,	 /* asleep in the hypervisor or in user space for another reason */
	VCPU_N_STATES,
};

/* What a thread truly did. */
enum thread_state {
	THREAD_UNKNOWN, /* not recorded, or lost */
	THREAD_USER,
	THREAD_SYSCALL,
	THREAD_IRQ,	   /* it is current, but an interrupt is handled */
	THREAD_SOFTIRQ,	   /* it is current, but a softirq is handled */
	THREAD_WAIT_CPU,   /* runnable, not current anywhere */
	THREAD_BLOCKED,	   /* asleep */
	THREAD_DEAD,	   /* not made yet, or gone */
	THREAD_STOLEN,	   /* current on a vCPU that is preempted or waiting */
	THREAD_HYPERVISOR, /* current on a vCPU that is not in the guest for another reason */
	THREAD_N_STATES,
};

/* What a CPU of a machine did. */
enum cpu_state {
	CPU_UNKNOWN, /* not recorded, or lost */
	CPU_IDLE,
	CPU_USER,
	CPU_SYSCALL,
	CPU_IRQ,
	CPU_SOFTIRQ,
	CPU_VM, /* ran guest code */
	CPU_N_STATES,
};

/*
 * Colours are hues of Okabe and Ito, which the colour-blind can tell apart, by meaning: what ran as it
 * wanted is green and blue, overhead yellow and orange, being kept from running red, idling grey.
 */
struct state_label {
	const char *name, *help;
	const char *color; /* "#rrggbb" */
};

/* The states of one kind of lane, by number. */
struct state_labels {
	const struct state_label *at;
	int n;
};

extern const struct state_labels vcpu_state_labels, thread_state_labels, cpu_state_labels;

const char *vcpu_state_name(enum vcpu_state state);
const char *vcpu_state_help(enum vcpu_state state);
const char *thread_state_name(enum thread_state state);
const char *cpu_state_name(enum cpu_state state);

#endif
