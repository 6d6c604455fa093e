#include "tally/tally.h"

#include <stdlib.h>

#include "schema/table.h"

struct tally *tally_new(size_t n_vcpus)
{
	struct tally *t = mem_zalloc(1, sizeof(*t));

	t->vcpus = mem_zalloc(n_vcpus, sizeof(*t->vcpus));
	t->n = n_vcpus;
	return t;
}

static void tally_deinit_vcpu(struct tally_vcpu *v)
{
	vec_each (e, &v->exits)
		histogram_deinit(&e->whole);
	vec_each (w, &v->waits)
		histogram_deinit(&w->times);
	for (int i = 0; i < STAGE_N; i++)
		histogram_deinit(&v->stages[i]);
	vec_deinit(&v->cpus);
	vec_deinit(&v->occupants);
	vec_deinit(&v->exits);
	vec_deinit(&v->waits);
	map_deinit(&v->cpu_by_number);
	map_deinit(&v->occupant_by_thread);
	map_deinit(&v->exits_by_cause);
}

void tally_free(struct tally *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++)
		tally_deinit_vcpu(&t->vcpus[i]);
	free(t->vcpus);
	free(t);
}

/* ---- states ---------------------------------------------------------------------------------- */

static struct tally_cpu *tally_find_cpu(struct tally_vcpu *v, int64_t cpu)
{
	if (v->recent < v->cpus.n && v->cpus.at[v->recent].cpu == cpu)
		return &v->cpus.at[v->recent];
	uint64_t *i = map_put(&v->cpu_by_number, (uint64_t)cpu, v->cpus.n);

	if (*i == v->cpus.n)
		vec_push(&v->cpus)->cpu = cpu;
	v->recent = (size_t)*i;
	return &v->cpus.at[*i];
}

static struct tally_occupant *tally_find_occupant(struct tally_vcpu *v, int64_t thread)
{
	uint64_t *i = map_put(&v->occupant_by_thread, (uint64_t)thread, v->occupants.n);

	if (*i == v->occupants.n)
		vec_push(&v->occupants)->thread = thread;
	return &v->occupants.at[*i];
}

static void tally_add_lost(struct tally_vcpu *v, enum vcpu_state state, int64_t dur, int64_t thread)
{
	struct tally_occupant *o = tally_find_occupant(v, thread);

	tally_add_ns(vcpu_state_is(state, STATE_TAKEN) ? &o->preempted : &o->waiting, dur);
	/* The lane is cut where the CPU changes hands; only the first piece is a preemption. */
	o->times += vcpu_state_is(state, STATE_TAKEN) && !vcpu_state_is(v->before, STATE_TAKEN);
}

void tally_add_state(struct tally_vcpu *v, enum vcpu_state state, int64_t dur, int64_t cpu,
		     int64_t occupant)
{
	if (vcpu_state_is(state, STATE_LOST))
		tally_add_lost(v, state, dur, occupant);
	else if (cpu != TABLE_NULL && state == VCPU_GUEST)
		tally_add_ns(&tally_find_cpu(v, cpu)->guest, dur);
	else if (cpu != TABLE_NULL)
		tally_add_ns(&tally_find_cpu(v, cpu)->other, dur);
	v->before = state;
}

/* ---- exits ----------------------------------------------------------------------------------- */

static struct tally_exits *tally_find_exits(struct tally_vcpu *v, const struct tally_exit *x)
{
	uint64_t *i = map_put(&v->exits_by_cause, tally_cause_key(x->reason, x->isa), v->exits.n);

	if (*i == v->exits.n) {
		struct tally_exits *e = vec_push(&v->exits);

		e->reason = x->reason;
		e->isa = x->isa;
		e->name = x->name;
	}
	return &v->exits.at[*i];
}

static struct histogram *tally_find_wait(struct tally_vcpu *v, int64_t vector)
{
	/* It has 8 bits; a forged file has others. */
	if (vector != TABLE_NULL)
		vector &= 0xff;
	vec_each (w, &v->waits) {
		if (w->vector == vector)
			return &w->times;
	}
	struct tally_wait *w = vec_push(&v->waits);

	w->vector = vector;
	return &w->times;
}

static void tally_add_parts(struct tally_exits *e, const struct tally_exit *x)
{
	e->n_split++;
	tally_add_ns(&e->handled, x->handled);
	tally_add_ns(&e->userspace, x->userspace);
	tally_add_ns(&e->preempted, x->preempted);
	tally_add_ns(&e->blocked, x->blocked);
}

void tally_add_exit(struct tally_vcpu *v, const struct tally_exit *x)
{
	struct tally_exits *e = tally_find_exits(v, x);

	e->n++;
	tally_add_ns(&e->early, x->early);
	if (x->blocked > 0)
		histogram_add(tally_find_wait(v, x->vector), x->blocked);
	if (x->dur == TABLE_NULL)
		return;
	histogram_add(&e->whole, x->dur);
	if (x->handled == TABLE_NULL)
		v->n_unsplit++;
	else
		tally_add_parts(e, x);
}

/* ---- wake-ups -------------------------------------------------------------------------------- */

void tally_add_wakeup(struct tally_vcpu *v, const int64_t stages[STAGE_WHOLE])
{
	int64_t reached = 0;

	if (stages[STAGE_RAN] == TABLE_NULL)
		return;
	for (int s = 0; s < STAGE_WHOLE; s++) {
		if (stages[s] == TABLE_NULL)
			continue;
		histogram_add(&v->stages[s], (int64_t)((uint64_t)stages[s] - (uint64_t)reached));
		reached = stages[s];
	}
	histogram_add(&v->stages[STAGE_WHOLE], reached);
}
