#include "results/blame.h"

#include <stdlib.h>
#include <string.h>

void blames_init(struct blames *b, const struct results *r)
{
	*b = (struct blames){.r = r};
	b->at = mem_zalloc(r->machines.n * CAUSE_N + 1, sizeof(*b->at));
}

void blames_deinit(struct blames *b)
{
	for (size_t i = 0; i < b->r->machines.n * CAUSE_N; i++)
		vec_deinit(&b->at[i].culprits);
	free(b->at);
	arena_deinit(&b->texts);
}

struct blame *blames_get(const struct blames *b, int machine, enum cause cause)
{
	return &b->at[(size_t)machine * CAUSE_N + cause];
}

/* ---- one part of a cost ---------------------------------------------------------------------- */

static void blame_add(struct blame *to, int vcpu, int64_t ns, uint64_t times)
{
	to->n_vcpus += !to->n_vcpus || to->vcpu != vcpu;
	to->vcpu = vcpu;
	to->times += times;
	tally_add_ns(&to->cost, ns);
}

static void blame_add_worst(struct blame *to, int vcpu, int64_t at, int64_t ns)
{
	if (ns > to->worst.ns)
		to->worst = (struct blame_worst){vcpu, at, ns};
}

static void blame_add_culprit(struct blame *to, const char *name, int vm, int64_t pid, int64_t ns,
			      uint64_t times)
{
	*vec_push(&to->culprits) = (struct blame_culprit){
		.name = name, .vm = vm, .pid = pid, .n = 1, .ns = ns, .times = times};
}

/* ---- what it lost ---------------------------------------------------------------------------- */

/* Kernel threads of all CPUs are one: kworker/0:1 and kworker/3:0 are kworker. */
static const char *blame_kernel_name(struct blames *b, const struct res_thread *t)
{
	const char *name = t->comm ? t->comm : "?";

	return arena_strndup(&b->texts, name, strcspn(name, "/"));
}

static const char *blame_process_name(const struct blames *b, const struct res_thread *t)
{
	const char *name =
		t->pid == TABLE_NULL ? NULL : results_process_name(b->r, t->machine, t->pid);

	return name ? name : t->comm ? t->comm : "?";
}

static void blame_occupant(struct blames *b, struct blame *to, enum cause cause,
			   const struct res_vcpu *v, const struct summary_occupant *s, int64_t ns)
{
	struct res_occupant o = occupant_of(b->r, s);

	switch (cause) {
	case CAUSE_NEIGHBOUR:
		blame_add_culprit(to, b->r->machines.at[o.vm].name, o.vm,
				  b->r->machines.at[o.vm].pid, ns, s->times);
		break;
	case CAUSE_PROCESS:
		blame_add_culprit(to, blame_process_name(b, o.thread), NOBODY, o.thread->pid, ns,
				  s->times);
		break;
	case CAUSE_KERNEL:
		blame_add_culprit(to, blame_kernel_name(b, o.thread), NOBODY, TABLE_NULL, ns,
				  s->times);
		break;
	case CAUSE_SIBLINGS:
		blame_add_culprit(to, b->r->machines.at[o.vm].name, o.vm, TABLE_NULL, ns, s->times);
		break;
	case CAUSE_EMULATOR:
		blame_add_culprit(to, o.thread->comm ? o.thread->comm : "?", o.vm, o.thread->pid,
				  ns, s->times);
		break;
	case CAUSE_INTERRUPTS:
		blame_add_culprit(to, occupant_label(b->r, &o, v, &b->texts), NOBODY, TABLE_NULL,
				  ns, s->times);
		break;
	default:
		break;
	}
}

/* Adds what an occupant took; all: its stretches as well, otherwise they are of its other part. */
static void blame_part(struct blames *b, int vcpu, const struct summary_occupant *s,
		       enum cause cause, int64_t ns, bool all)
{
	const struct res_vcpu *v = &b->r->vcpus.at[vcpu];
	struct blame *to = blames_get(b, v->machine, cause);

	if (!ns)
		return;
	blame_add(to, vcpu, ns, all ? s->stretches : 0);
	if (all)
		blame_add_worst(to, vcpu, s->worst.begin, s->worst.ns);
	to->taken += s->times;
	if (s->certainty == CERTAINTY_LIKELY)
		tally_add_ns(&to->unsure, ns);
	blame_occupant(b, to, cause, v, s, ns);
}

static void blame_lost(struct blames *b, int vcpu)
{
	const struct res_vcpu *v = &b->r->vcpus.at[vcpu];

	vec_each (s, &v->sum.occupants) {
		enum cause taken = cause_of_occupant(b->r, v, s, false);
		enum cause woken = cause_of_occupant(b->r, v, s, true);
		int64_t waited = (int64_t)((uint64_t)summary_taken(s) - (uint64_t)s->preempted);

		if (taken == woken) {
			blame_part(b, vcpu, s, taken, summary_taken(s), true);
			continue;
		}
		blame_part(b, vcpu, s, taken, s->preempted, s->preempted > waited);
		blame_part(b, vcpu, s, woken, waited, s->preempted <= waited);
	}
}

/* ---- exits, sleep, polling ------------------------------------------------------------------- */

/* "MSR, msr-write TSC_DEADLINE" */
static const char *blame_exit_name(struct blames *b, const struct summary_topic *d)
{
	const struct summary_exits e = {.reason = d->reason, .name = d->name};
	const char *name = exit_label(&e, &b->texts);

	return d->detail ? arena_printf(&b->texts, "%s, %s", name, d->detail) : name;
}

static void blame_exits(struct blames *b, int vcpu)
{
	const struct res_vcpu *v = &b->r->vcpus.at[vcpu];

	vec_each (d, &v->sum.topics) {
		struct blame *to = blames_get(b, v->machine, cause_of_exit(d->name, d->detail));

		if (d->cost <= 0)
			continue;
		blame_add(to, vcpu, d->cost, d->n);
		blame_add_worst(to, vcpu, (int64_t)((uint64_t)d->worst.number << TALLY_WINDOW_BITS),
				d->worst.ns);
		blame_add_culprit(to, blame_exit_name(b, d), NOBODY, TABLE_NULL, d->cost, d->n);
	}
}

void blames_add_taken(struct blames *b, int vcpu)
{
	blame_lost(b, vcpu);
	blame_exits(b, vcpu);
}

void blames_add_vcpu(struct blames *b, int vcpu)
{
	const struct res_vcpu *v = &b->r->vcpus.at[vcpu];
	int64_t blocked = v->sum.time[VCPU_BLOCKED], polled = v->sum.time[VCPU_POLLING];

	blames_add_taken(b, vcpu);
	if (blocked) {
		struct blame *to = blames_get(b, v->machine, CAUSE_BLOCKED);

		blame_add(to, vcpu, blocked, v->sum.n_blocked);
		blame_add_worst(to, vcpu, v->sum.blocked.begin, v->sum.blocked.ns);
	}
	if (polled)
		blame_add(blames_get(b, v->machine, CAUSE_POLLING), vcpu, polled, 0);
}

/* ---- culprits -------------------------------------------------------------------------------- */

static int culprit_by_name(const void *a, const void *b)
{
	const struct blame_culprit *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	if (order)
		return order;
	if (x->vm != y->vm)
		return x->vm < y->vm ? -1 : 1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static int culprit_by_cost(const void *a, const void *b)
{
	const struct blame_culprit *x = a, *y = b;

	return x->ns != y->ns ? (x->ns > y->ns ? -1 : 1) : culprit_by_name(a, b);
}

/* Adds up those of one name, which stand in order. */
static size_t blame_merge(struct blame_culprit *at, size_t n)
{
	size_t out = 0;
	int64_t pid = TABLE_NULL; /* the last one that was added */

	for (size_t i = 0; i < n; i++) {
		struct blame_culprit *to = out ? &at[out - 1] : NULL;

		if (!to || strcmp(to->name, at[i].name) != 0 || to->vm != at[i].vm) {
			pid = at[i].pid;
			at[out++] = at[i];
			continue;
		}
		to->n += at[i].pid != pid;
		if (at[i].pid != pid)
			to->pid = TABLE_NULL;
		pid = at[i].pid;
		to->times += at[i].times;
		tally_add_ns(&to->ns, at[i].ns);
	}
	return out;
}

void blames_finish(struct blames *b)
{
	for (size_t i = 0; i < b->r->machines.n * CAUSE_N; i++) {
		struct blame *blame = &b->at[i];

		if (!blame->culprits.n)
			continue;
		qsort(blame->culprits.at, blame->culprits.n, sizeof(*blame->culprits.at),
		      culprit_by_name);
		blame->culprits.n = blame_merge(blame->culprits.at, blame->culprits.n);
		qsort(blame->culprits.at, blame->culprits.n, sizeof(*blame->culprits.at),
		      culprit_by_cost);
	}
}
