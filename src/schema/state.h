/*
 * state: the states that lanes can be in, their names and what they mean; the words of every
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

const char *vcpu_state_name(enum vcpu_state state);
const char *vcpu_state_help(enum vcpu_state state);

#endif
