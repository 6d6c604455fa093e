#include "schema/state.h"

static const struct state_label vcpu_labels[] = {
#define VCPU_STATE(id, name, color, sets, help) {name, help, color, sets},
#include "schema/state.def"
#undef VCPU_STATE
};

static const struct state_label thread_labels[] = {
#define THREAD_STATE(id, name, color, sets, help) {name, help, color, sets},
#include "schema/state.def"
#undef THREAD_STATE
};

static const struct state_label cpu_labels[] = {
#define CPU_STATE(id, name, color, sets, help) {name, help, color, sets},
#include "schema/state.def"
#undef CPU_STATE
};

/* Sets of states are masks of 32 bits, and the page has paints for 16 of a kind (palette.ts). */
_Static_assert(VCPU_N_STATES <= 16 && THREAD_N_STATES <= 16 && CPU_N_STATES <= 16, "");

const struct state_labels vcpu_state_labels = {vcpu_labels, VCPU_N_STATES};
const struct state_labels thread_state_labels = {thread_labels, THREAD_N_STATES};
const struct state_labels cpu_state_labels = {cpu_labels, CPU_N_STATES};

const char *vcpu_state_name(enum vcpu_state state)
{
	return vcpu_labels[state].name;
}

const char *vcpu_state_help(enum vcpu_state state)
{
	return vcpu_labels[state].help;
}

const char *thread_state_name(enum thread_state state)
{
	return thread_labels[state].name;
}

const char *cpu_state_name(enum cpu_state state)
{
	return cpu_labels[state].name;
}

const char *state_set_name(enum state_set set)
{
	switch (set) {
	case STATE_UNKNOWN:
		return "unknown";
	case STATE_RAN:
		return "ran";
	case STATE_TAKEN:
		return "taken";
	case STATE_LOST:
		return "lost";
	case STATE_CHARGED:
		return "charged";
	case STATE_IDLE:
		return "idle";
	case STATE_ASLEEP:
		return "asleep";
	case STATE_ABSENT:
		return "absent";
	}
	return "";
}
