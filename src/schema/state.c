#include "schema/state.h"

static const struct state_label vcpu_states[VCPU_N_STATES] = {
	[VCPU_UNKNOWN] = {"unknown", "not recorded, or lost", "#ffffff"},
	[VCPU_GUEST] = {"guest", "ran guest code", "#009e73"},
	[VCPU_HYPERVISOR] = {"hypervisor", "in KVM, handling an exit", "#f0e442"},
	[VCPU_USERSPACE] = {"userspace", "in the VMM process, handling an exit", "#e69f00"},
	[VCPU_PREEMPTED] = {"preempted", "runnable, but its CPU was given to another thread",
			    "#d55e00"},
	[VCPU_WAITING] = {"waiting", "woken up, waiting for a CPU", "#cc79a7"},
	[VCPU_HALTED] = {"halted", "idle: the guest had halted it", "#d9d9d9"},
	[VCPU_BLOCKED] = {"blocked", "asleep in the host for another reason than a halt",
			  "#999999"},
};

static const struct state_label thread_states[THREAD_N_STATES] = {
	[THREAD_UNKNOWN] = {"unknown", "not recorded, or lost", "#ffffff"},
	[THREAD_USER] = {"user", "ran user code", "#009e73"},
	[THREAD_SYSCALL] = {"syscall", "ran in the kernel, in a system call or as a kernel thread",
			    "#0072b2"},
	[THREAD_IRQ] = {"irq", "current, but its CPU handled an interrupt", "#e69f00"},
	[THREAD_SOFTIRQ] = {"softirq", "current, but its CPU handled a softirq", "#b37a00"},
	[THREAD_WAIT_CPU] = {"wait-cpu", "runnable, waiting for a CPU", "#cc79a7"},
	[THREAD_BLOCKED] = {"blocked", "asleep", "#d9d9d9"},
	[THREAD_DEAD] = {"dead", "not made yet, or gone", "#f2f2f2"},
	[THREAD_STOLEN] = {"stolen", "current on a vCPU that had no CPU itself", "#d55e00"},
	[THREAD_HYPERVISOR] = {"hypervisor", "current on a vCPU that was out of the guest",
			       "#f0e442"},
};

static const struct state_label cpu_states[CPU_N_STATES] = {
	[CPU_UNKNOWN] = {"unknown", "not recorded, or lost", "#ffffff"},
	[CPU_IDLE] = {"idle", "nothing to run", "#d9d9d9"},
	[CPU_USER] = {"user", "ran user code", "#56b4e9"},
	[CPU_SYSCALL] = {"syscall", "ran in the kernel, in a system call or as a kernel thread",
			 "#0072b2"},
	[CPU_IRQ] = {"irq", "handled an interrupt", "#e69f00"},
	[CPU_SOFTIRQ] = {"softirq", "handled a softirq", "#b37a00"},
	[CPU_VM] = {"vm", "ran guest code", "#009e73"},
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
