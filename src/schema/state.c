#include "schema/state.h"

static const struct state_label vcpu_states[VCPU_N_STATES] = {
	[VCPU_UNKNOWN] = {"unknown", "not recorded, or lost"},
	[VCPU_GUEST] = {"guest", "ran guest code"},
	[VCPU_HYPERVISOR] = {"hypervisor", "in KVM, handling an exit"},
	[VCPU_USERSPACE] = {"userspace", "in the VMM process, handling an exit"},
	[VCPU_PREEMPTED] = {"preempted", "runnable, but its CPU was given to another thread"},
	[VCPU_WAITING] = {"waiting", "woken up, waiting for a CPU"},
	[VCPU_HALTED] = {"halted", "idle: the guest had halted it"},
	[VCPU_BLOCKED] = {"blocked", "asleep in the host for another reason than a halt"},
};

static const struct state_label thread_states[THREAD_N_STATES] = {
	[THREAD_UNKNOWN] = {"unknown", "not recorded, or lost"},
	[THREAD_USER] = {"user", "ran user code"},
	[THREAD_SYSCALL] = {"syscall", "ran in the kernel, in a system call or as a kernel thread"},
	[THREAD_IRQ] = {"irq", "current, but its CPU handled an interrupt"},
	[THREAD_SOFTIRQ] = {"softirq", "current, but its CPU handled a softirq"},
	[THREAD_WAIT_CPU] = {"wait-cpu", "runnable, waiting for a CPU"},
	[THREAD_BLOCKED] = {"blocked", "asleep"},
	[THREAD_DEAD] = {"dead", "not made yet, or gone"},
	[THREAD_STOLEN] = {"stolen", "current on a vCPU that had no CPU itself"},
	[THREAD_HYPERVISOR] = {"hypervisor", "current on a vCPU that was out of the guest"},
};

static const struct state_label cpu_states[CPU_N_STATES] = {
	[CPU_UNKNOWN] = {"unknown", "not recorded, or lost"},
	[CPU_IDLE] = {"idle", "nothing to run"},
	[CPU_USER] = {"user", "ran user code"},
	[CPU_SYSCALL] = {"syscall", "ran in the kernel, in a system call or as a kernel thread"},
	[CPU_IRQ] = {"irq", "handled an interrupt"},
	[CPU_SOFTIRQ] = {"softirq", "handled a softirq"},
	[CPU_VM] = {"vm", "ran guest code"},
};

const struct state_labels vcpu_state_labels = {vcpu_states, VCPU_N_STATES};
const struct state_labels thread_state_labels = {thread_states, THREAD_N_STATES};
const struct state_labels cpu_state_labels = {cpu_states, CPU_N_STATES};

const char *vcpu_state_name(enum vcpu_state state)
{
	return vcpu_states[state].name;
}

const char *vcpu_state_help(enum vcpu_state state)
{
	return vcpu_states[state].help;
}

const char *thread_state_name(enum thread_state state)
{
	return thread_states[state].name;
}

const char *cpu_state_name(enum cpu_state state)
{
	return cpu_states[state].name;
}
