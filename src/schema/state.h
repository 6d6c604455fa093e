/*
 * state: the states that lanes can be in, their names, what they mean, what they count as and how
 * they look, in every output. state.def has them.
 */
#ifndef VMSCOPE_SCHEMA_STATE_H
#define VMSCOPE_SCHEMA_STATE_H

#include <stdbool.h>
#include <stdint.h>

/* VCPU_UNKNOWN, VCPU_GUEST, ...; VCPU_N_STATES */
enum vcpu_state {
#define VCPU_STATE(id, name, color, sets, help) VCPU_##id,
#include "schema/state.def"
#undef VCPU_STATE
	VCPU_N_STATES,
};

/* THREAD_UNKNOWN, THREAD_USER, ...; THREAD_N_STATES */
enum thread_state {
#define THREAD_STATE(id, name, color, sets, help) THREAD_##id,
#include "schema/state.def"
#undef THREAD_STATE
	THREAD_N_STATES,
};

/* CPU_UNKNOWN, CPU_IDLE, ...; CPU_N_STATES */
enum cpu_state {
#define CPU_STATE(id, name, color, sets, help) CPU_##id,
#include "schema/state.def"
#undef CPU_STATE
	CPU_N_STATES,
};

/* What states count as, ORed. Whoever adds some of them up, or draws them alike, asks for a set. */
enum state_set {
	STATE_UNKNOWN = 1,  /* nothing is known of it */
	STATE_RAN = 2,	    /* was on a CPU, for itself */
	STATE_TAKEN = 4,    /* its CPU was taken from it while it ran */
	STATE_LOST = 8,	    /* could run, and the host gave it no CPU: steal */
	STATE_CHARGED = 16, /* its own machine takes it for running */
	STATE_IDLE = 32,    /* had nothing to do */
	STATE_ASLEEP = 64,  /* its host waited for something on its behalf */
	STATE_ABSENT = 128, /* was not there */
};

/* Return: a bit, 1 << state, for each state that is in any of the sets. Constant if `sets` is. */
static inline uint32_t vcpu_states(unsigned wanted)
{
	return 0
#define VCPU_STATE(id, name, color, sets, help) | ((wanted & (sets)) ? 1u << VCPU_##id : 0u)
#include "schema/state.def"
#undef VCPU_STATE
		;
}

static inline uint32_t thread_states(unsigned wanted)
{
	return 0
#define THREAD_STATE(id, name, color, sets, help) | ((wanted & (sets)) ? 1u << THREAD_##id : 0u)
#include "schema/state.def"
#undef THREAD_STATE
		;
}

static inline uint32_t cpu_states(unsigned wanted)
{
	return 0
#define CPU_STATE(id, name, color, sets, help) | ((wanted & (sets)) ? 1u << CPU_##id : 0u)
#include "schema/state.def"
#undef CPU_STATE
		;
}

/* Return: whether a state, as a file has it, is in one of the sets. */
static inline bool vcpu_state_is(int64_t state, unsigned wanted)
{
	return state >= 0 && state < VCPU_N_STATES && vcpu_states(wanted) >> state & 1;
}

struct state_label {
	const char *name, *help;
	const char *color; /* "#rrggbb" */
	unsigned sets;	   /* enum state_set, ORed */
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

/* Return: "idle" and the like, of one set. */
const char *state_set_name(enum state_set set);

enum { STATE_N_SETS = 8 };

#endif
