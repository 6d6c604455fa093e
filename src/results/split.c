#include "results/split.h"

#include <stdlib.h>
#include <strings.h>

const char *split_part_name(enum split_part part)
{
	static const char *const names[SPLIT_N] = {
		[SPLIT_RUN] = "RUN",	     [SPLIT_READY] = "READY", [SPLIT_EXIT] = "EXIT",
		[SPLIT_POLL] = "POLL",	     [SPLIT_IDLE] = "IDLE",   [SPLIT_BLOCKED] = "BLOCKED",
		[SPLIT_UNKNOWN] = "UNKNOWN",
	};

	return names[part];
}

enum split_part split_part_of_name(const char *name)
{
	int part = 0;

	while (part < SPLIT_N && strcasecmp(name, split_part_name((enum split_part)part)) != 0)
		part++;
	return (enum split_part)part;
}

const char *split_ready_name(enum split_ready ready)
{
	static const char *const names[READY_N] = {
		[READY_NEIGHBOUR] = "neighbour",
		[READY_SIBLING] = "sibling",
		[READY_OWN] = "own",
		[READY_PROCESS] = "process",
		[READY_KERNEL] = "kernel",
		[READY_INTERRUPT] = "interrupt",
		[READY_QUOTA] = "quota",
		[READY_LATENCY] = "latency",
		[READY_UNCLEAR] = "unclear",
	};

	return names[ready];
}

enum split_ready split_ready_of(enum cause cause)
{
	switch (cause) {
	case CAUSE_NEIGHBOUR:
		return READY_NEIGHBOUR;
	case CAUSE_SIBLINGS:
		return READY_SIBLING;
	case CAUSE_EMULATOR:
		return READY_OWN;
	case CAUSE_PROCESS:
		return READY_PROCESS;
	case CAUSE_KERNEL:
		return READY_KERNEL;
	case CAUSE_INTERRUPTS:
		return READY_INTERRUPT;
	case CAUSE_QUOTA:
		return READY_QUOTA;
	case CAUSE_LATENCY:
		return READY_LATENCY;
	default:
		return READY_UNCLEAR;
	}
}

/* Where the time in each state goes. */
static int64_t *split_part_of(struct split *s, enum vcpu_state state)
{
	switch (state) {
	case VCPU_GUEST:
		return &s->run;
	case VCPU_PREEMPTED:
	case VCPU_WAITING:
	case VCPU_THROTTLED:
		return &s->ready;
	case VCPU_HYPERVISOR:
	case VCPU_USERSPACE:
		return &s->exit;
	case VCPU_POLLING:
		return &s->poll;
	case VCPU_HALTED:
		return &s->idle;
	case VCPU_BLOCKED:
		return &s->blocked;
	case VCPU_UNKNOWN:
		return &s->unknown;
	case VCPU_ABSENT:
	case VCPU_N_STATES:
		break;
	}
	return NULL;
}

void split_of(struct split *s, const struct results *r, const struct res_vcpu *v)
{
	int64_t told = 0;

	*s = (struct split){0};
	for (int state = 0; state < VCPU_N_STATES; state++) {
		int64_t *part = split_part_of(s, (enum vcpu_state)state);

		if (part)
			tally_add_ns(part, v->sum.time[state]);
		if (part)
			tally_add_ns(&s->whole, v->sum.time[state]);
	}
	vec_each (o, &v->sum.occupants) {
		tally_add_ns(&s->of_ready[split_ready_of(cause_of_occupant(r, v, o, true))],
			     (int64_t)((uint64_t)summary_taken(o) - (uint64_t)o->preempted));
		tally_add_ns(&s->of_ready[split_ready_of(cause_of_occupant(r, v, o, false))],
			     o->preempted);
		tally_add_ns(&told, summary_taken(o));
	}
	tally_add_ns(&s->of_ready[READY_UNCLEAR], (int64_t)((uint64_t)s->ready - (uint64_t)told));
}

void split_add(struct split *s, const struct split *more)
{
	for (int i = 0; i < SPLIT_N; i++)
		tally_add_ns(&s->parts[i], more->parts[i]);
	tally_add_ns(&s->whole, more->whole);
	for (int i = 0; i < READY_N; i++)
		tally_add_ns(&s->of_ready[i], more->of_ready[i]);
}

int64_t split_wanted(const struct split *s)
{
	int64_t sum = s->run;

	tally_add_ns(&sum, s->ready);
	tally_add_ns(&sum, s->exit);
	return sum;
}

/* ---- shares ---------------------------------------------------------------------------------- */

struct split_rest {
	int part;
	uint64_t left; /* of the division */
};

static int split_by_rest(const void *a, const void *b)
{
	const struct split_rest *x = a, *y = b;

	if (x->left != y->left)
		return x->left > y->left ? -1 : 1;
	return x->part - y->part;
}

/* Those with the largest rests are rounded up. */
static void split_tenths(const struct split *s, unsigned tenths[SPLIT_N])
{
	enum { ALL = 1000 };
	struct split_rest rests[SPLIT_N];
	unsigned sum = 0;

	for (int i = 0; i < SPLIT_N; i++) {
		unsigned __int128 whole = (unsigned __int128)s->whole;
		unsigned __int128 part = (unsigned __int128)s->parts[i] * ALL;

		tenths[i] = whole ? (unsigned)(part / whole) : 0;
		rests[i] = (struct split_rest){i, whole ? (uint64_t)(part % whole) : 0};
		sum += tenths[i];
	}
	qsort(rests, SPLIT_N, sizeof(*rests), split_by_rest);
	for (int i = 0; i < SPLIT_N && sum < ALL && s->whole; i++, sum++)
		tenths[rests[i].part]++;
}

void split_shares(const struct split *s, const char *shares[SPLIT_N], struct arena *arena)
{
	unsigned tenths[SPLIT_N];

	split_tenths(s, tenths);
	for (int i = 0; i < SPLIT_N; i++) {
		if (!s->parts[i])
			shares[i] = "";
		else if (!tenths[i])
			shares[i] = "<0.1 %";
		else
			shares[i] = arena_printf(arena, "%u.%u %%", tenths[i] / 10, tenths[i] % 10);
	}
}
