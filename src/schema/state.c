#include "schema/state.h"

static const struct {
	const char *name, *help;
} vcpu_states[VCPU_N_STATES] = {
	[VCPU_UNKNOWN] = {"unknown", "not recorded, or lost"},
	[VCPU_GUEST] = {"guest", "ran guest code"},
	[VCPU_HYPERVISOR] = {"hypervisor", "in KVM, handling an exit"},
	[VCPU_USERSPACE] = {"userspace", "in the VMM process, handling an exit"},
	[VCPU_PREEMPTED] = {"preempted", "runnable, but its CPU was given to another thread"},
	[VCPU_WAITING] = {"waiting", "woken up, waiting for a CPU"},
	[VCPU_HALTED] = {"halted", "idle: the guest had halted it"},
	[VCPU_BLOCKED] = {"blocked", "asleep in the host for another reason than a halt"},
};

const char *vcpu_state_name(enum vcpu_state state)
{
	return vcpu_states[state].name;
}

const char *vcpu_state_help(enum vcpu_state state)
{
	return vcpu_states[state].help;
}
