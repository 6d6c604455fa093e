#include "results/split.h"

#include "results/cause.h"

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

static enum split_ready split_ready_of(enum cause cause)
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
static int64_t *split_part(struct split *s, enum vcpu_state state)
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
		int64_t *part = split_part(s, (enum vcpu_state)state);

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
	tally_add_ns(&s->run, more->run);
	tally_add_ns(&s->ready, more->ready);
	tally_add_ns(&s->exit, more->exit);
	tally_add_ns(&s->poll, more->poll);
	tally_add_ns(&s->idle, more->idle);
	tally_add_ns(&s->blocked, more->blocked);
	tally_add_ns(&s->unknown, more->unknown);
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
