#include "model/summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- histogram --------------------------------------------------------------------------------
 */

/*
 * Values below HISTOGRAM_STEPS have a place each, in octave 0; from there on every octave, [2^k,
 * 2^(k+1)), is cut into HISTOGRAM_STEPS equal steps.
 */
static void place_of(int64_t value, unsigned *octave, unsigned *step)
{
	if (value < HISTOGRAM_STEPS) {
		*octave = 0;
		*step = (unsigned)value;
		return;
	}
	unsigned log = 63 - (unsigned)__builtin_clzll((uint64_t)value);

	*octave = log - 6;
	*step = (unsigned)((uint64_t)value >> (log - 7)) - HISTOGRAM_STEPS;
}

static int64_t highest_in(unsigned octave, unsigned step)
{
	if (octave == 0)
		return step;
	uint64_t next = ((uint64_t)HISTOGRAM_STEPS + step + 1) << (octave - 1);

	return (int64_t)(next - 1);
}

void histogram_add(struct histogram *h, int64_t value)
{
	unsigned octave, step;

	if (value < 0)
		value = 0;
	place_of(value, &octave, &step);
	if (!h->octaves[octave])
		h->octaves[octave] = mem_zalloc(HISTOGRAM_STEPS, sizeof(uint64_t));
	h->octaves[octave][step]++;
	h->min = h->n && h->min < value ? h->min : value;
	h->max = h->n && h->max > value ? h->max : value;
	h->n++;
	h->sum += value;
}

void histogram_merge(struct histogram *h, const struct histogram *from)
{
	if (!from->n)
		return;
	for (unsigned o = 0; o < HISTOGRAM_OCTAVES; o++) {
		if (!from->octaves[o])
			continue;
		if (!h->octaves[o])
			h->octaves[o] = mem_zalloc(HISTOGRAM_STEPS, sizeof(uint64_t));
		for (unsigned s = 0; s < HISTOGRAM_STEPS; s++)
			h->octaves[o][s] += from->octaves[o][s];
	}
	h->min = h->n && h->min < from->min ? h->min : from->min;
	h->max = h->n && h->max > from->max ? h->max : from->max;
	h->n += from->n;
	h->sum += from->sum;
}

int64_t histogram_quantile(const struct histogram *h, double share)
{
	uint64_t wanted = (uint64_t)ceil(share * (double)h->n), seen = 0;

	for (unsigned o = 0; o < HISTOGRAM_OCTAVES; o++) {
		for (unsigned s = 0; h->octaves[o] && s < HISTOGRAM_STEPS; s++) {
			seen += h->octaves[o][s];
			if (seen && seen >= wanted) {
				int64_t high = highest_in(o, s);

				return high < h->max ? high : h->max;
			}
		}
	}
	return 0;
}

void histogram_deinit(struct histogram *h)
{
	for (unsigned o = 0; o < HISTOGRAM_OCTAVES; o++)
		free(h->octaves[o]);
	*h = (struct histogram){0};
}

/* ---- the sink ---------------------------------------------------------------------------------
 */

static struct summary_cpu *get_cpu(struct summary_vcpu *v, uint32_t cpu)
{
	vec_each (c, &v->cpus) {
		if (c->cpu == cpu)
			return c;
	}
	struct summary_cpu *c = vec_push(&v->cpus);

	c->cpu = cpu;
	return c;
}

static struct summary_occupant *get_occupant(struct summary_vcpu *v, uint32_t thread)
{
	uint64_t *i = map_put(&v->occupant_by_thread, thread, v->occupants.n);

	if (*i == v->occupants.n)
		vec_push(&v->occupants)->thread = thread;
	return &v->occupants.at[*i];
}

static struct summary_exits *get_exits(struct summary_vcpu *v, struct exit_cause cause)
{
	/* Reasons have 32 bits; the ISA fits above them. */
	uint64_t key = (uint64_t)cause.isa << 33 ^ cause.reason;
	uint64_t *i = map_put(&v->exits_by_cause, key, v->exits.n);

	if (*i == v->exits.n)
		vec_push(&v->exits)->cause = cause;
	return &v->exits.at[*i];
}

static bool is_off(enum vcpu_state state)
{
	return state == VCPU_PREEMPTED || state == VCPU_WAITING;
}

static void add_occupant(struct summary_vcpu *v, const struct vcpu_interval *i)
{
	struct summary_occupant *o = get_occupant(v, i->occupant);
	int64_t dur = i->end - i->begin;

	if (i->state == VCPU_PREEMPTED)
		o->preempted += dur;
	else
		o->waiting += dur;
	/* The lane is cut where the CPU changes hands; only the first piece is a preemption. */
	o->times += i->state == VCPU_PREEMPTED && v->last_state != VCPU_PREEMPTED;
}

static void on_interval(void *ctx, const struct vcpu_interval *i)
{
	struct summary_vcpu *v = &((struct summary *)ctx)->vcpus[i->vcpu];
	int64_t dur = i->end - i->begin;

	v->time[i->state] += dur;
	v->intervals++;
	if (is_off(i->state))
		add_occupant(v, i);
	else if (i->cpu != NO_CPU && i->state == VCPU_GUEST)
		get_cpu(v, i->cpu)->guest += dur;
	else if (i->cpu != NO_CPU)
		get_cpu(v, i->cpu)->other += dur;
	v->last_state = i->state;
}

static void on_exit_(void *ctx, const struct vm_exit *x)
{
	struct summary_exits *e = get_exits(&((struct summary *)ctx)->vcpus[x->vcpu], x->cause);

	e->n++;
	e->early += x->early;
	if (x->end == INT64_MIN)
		return;
	histogram_add(&e->whole, x->end - x->begin);
	e->handled += x->handled;
	e->userspace += x->userspace;
	e->preempted += x->preempted;
	e->blocked += x->blocked;
}

struct model_sink summary_sink(struct summary *s)
{
	return (struct model_sink){.ctx = s, .vcpu_interval = on_interval, .vm_exit = on_exit_};
}

/* ---- life, order ------------------------------------------------------------------------------
 */

void summary_init(struct summary *s, size_t n_vcpus)
{
	s->vcpus = mem_zalloc(n_vcpus, sizeof(*s->vcpus));
	s->n_vcpus = n_vcpus;
}

void summary_deinit(struct summary *s)
{
	for (size_t i = 0; i < s->n_vcpus; i++) {
		struct summary_vcpu *v = &s->vcpus[i];

		vec_each (e, &v->exits)
			histogram_deinit(&e->whole);
		vec_deinit(&v->cpus);
		vec_deinit(&v->occupants);
		vec_deinit(&v->exits);
		map_deinit(&v->occupant_by_thread);
		map_deinit(&v->exits_by_cause);
	}
	free(s->vcpus);
	*s = (struct summary){0};
}

static int by_number(const void *a, const void *b)
{
	const struct summary_cpu *x = a, *y = b;

	return x->cpu < y->cpu ? -1 : x->cpu > y->cpu;
}

static int by_time_taken(const void *a, const void *b)
{
	const struct summary_occupant *x = a, *y = b;
	int64_t s = x->preempted + x->waiting, t = y->preempted + y->waiting;

	if (s != t)
		return s > t ? -1 : 1;
	return x->thread < y->thread ? -1 : x->thread > y->thread;
}

static int by_total(const void *a, const void *b)
{
	const struct summary_exits *x = a, *y = b;

	if (x->whole.sum != y->whole.sum)
		return x->whole.sum > y->whole.sum ? -1 : 1;
	return x->cause.reason < y->cause.reason ? -1 : x->cause.reason > y->cause.reason;
}

void summary_sort(struct summary *s)
{
	for (size_t i = 0; i < s->n_vcpus; i++) {
		struct summary_vcpu *v = &s->vcpus[i];

		if (v->cpus.n)
			qsort(v->cpus.at, v->cpus.n, sizeof(*v->cpus.at), by_number);
		if (v->occupants.n)
			qsort(v->occupants.at, v->occupants.n, sizeof(*v->occupants.at),
			      by_time_taken);
		if (v->exits.n)
			qsort(v->exits.at, v->exits.n, sizeof(*v->exits.at), by_total);
	}
}

int64_t summary_span(const struct summary_vcpu *v)
{
	int64_t sum = 0;

	for (int s = 0; s < VCPU_N_STATES; s++)
		sum += v->time[s];
	return sum;
}

uint64_t summary_n_exits(const struct summary_vcpu *v)
{
	uint64_t n = 0;

	vec_each (e, &v->exits)
		n += e->n;
	return n;
}
