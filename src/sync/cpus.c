#include "sync/cpus.h"

#include <stdlib.h>

#include "base/mem.h"
#include "sync/count.h"
#include "sync/follow.h"
#include "sync/limits.h"

/* A CPU by itself, or several that share a clock. */
struct part {
	VEC(uint32_t) cpus;
	int64_t difference; /* ns, host - guest, roughly */
	uint64_t n_events;
	struct sync_fit fit; /* of all of them; if `fits` */
	bool fits;
};

typedef VEC(struct part) part_vec;

bool sync_cpus_may_differ(const struct sync_estimate *e)
{
	return e->outside > e->n_events / CPUS_MANY_OUTSIDE;
}

/* ---- following ------------------------------------------------------------------------------- */

static struct observed_guest part_guest(const struct part *p, const struct observed_guest *all)
{
	struct observed_guest guest = *all;

	guest.cpus = p->cpus.at;
	guest.n_cpus = p->cpus.n;
	return guest;
}

/* Counts the events of some CPUs by a map into the estimate, which is of that map. */
static void part_count(const struct observed_guest *guest, struct sync_estimate *e)
{
	struct sync_count count = {.map = &e->map,
				   .outside = mem_zalloc(e->map.n_pieces, sizeof(uint64_t))};

	sync_count(guest, &count, 1);
	sync_estimate_take_count(e, &count);
	free(count.outside);
}

/* Return: of n events that have windows before and after, how many the fit leaves outside. */
static uint64_t count_outside(const struct observed_guest *guest, const struct sync_fit *fit,
			      uint64_t *np)
{
	struct sync_estimate e = {0};

	sync_estimate_take_fit(&e, fit);
	part_count(guest, &e);
	sync_estimate_deinit(&e);
	*np = e.n_events;
	return e.outside;
}

/* Return: whether the fit leaves hardly an event of these CPUs outside. */
static bool part_holds(const struct observed_guest *guest, const struct sync_fit *fit)
{
	uint64_t n, outside = fit->doubtful ? 1 : count_outside(guest, fit, &n);

	return !fit->doubtful && n && outside <= n / CPUS_MANY_OUTSIDE;
}

static void part_follow(struct part *p, const struct observed_guest *all)
{
	struct observed_guest guest = part_guest(p, all);
	struct sync_followed by = {0};

	if (!sync_follow(&guest, p->difference, &p->fit, &by)) {
		p->fits = part_holds(&guest, &p->fit);
		if (!p->fits)
			sync_fit_deinit(&p->fit);
	}
	vec_deinit(&by.chunks);
}

static void part_deinit(struct part *p)
{
	if (p->fits)
		sync_fit_deinit(&p->fit);
	vec_deinit(&p->cpus);
}

static void parts_deinit(part_vec *parts)
{
	vec_each (p, parts)
		part_deinit(p);
	vec_deinit(parts);
}

/* Return: whether the CPU is that of one of the guest's vCPUs. */
static bool has_vcpu(const struct observed_guest *guest, uint32_t cpu)
{
	vec_each (v, &guest->id->vcpus) {
		if (v->vm == guest->id->machines.at[guest->machine].vm && v->guest_cpu == cpu)
			return true;
	}
	return false;
}

/* Each CPU that has events, followed alone. */
static void follow_each(part_vec *parts, const struct observed_guest *guest,
			const struct sync_found *found)
{
	vec_each (c, &guest->observed->machines[guest->machine].cpus) {
		if (!c->events.records)
			continue;
		struct part *p = vec_push(parts);

		*p = (struct part){.difference = sync_found_of_cpu(found, c->cpu),
				   .n_events = c->events.records};
		*vec_push(&p->cpus) = c->cpu;
		if (has_vcpu(guest, c->cpu))
			part_follow(p, guest);
	}
}

/* ---- comparing ------------------------------------------------------------------------------- */

/* The host's time, from the part's first event to its last. */
static void part_span(const struct part *p, int64_t *fromp, int64_t *top)
{
	const struct clock_map *m = &p->fit.map;

	*fromp = clock_map_apply(m, m->pieces[0].from);
	*top = clock_map_apply(m, m->pieces[m->n_pieces - 1].to - 1);
}

/* What the bounds leave of the difference when it is t on the host. Return: as sync_fit_range(). */
static int part_range(const struct part *p, int64_t t, int64_t *lowp, int64_t *highp)
{
	return sync_fit_range(&p->fit, clock_map_invert(&p->fit.map, t), lowp, highp);
}

/* Return: at how many of some times of both the bounds leave no difference that both allow. */
static size_t count_apart(const struct part *a, const struct part *b)
{
	int64_t from, to, begin, end;
	size_t n = 0;

	part_span(a, &from, &to);
	part_span(b, &begin, &end);
	from = begin > from ? begin : from;
	to = end < to ? end : to;
	for (int64_t i = 0; i < CPUS_SAMPLES && from < to; i++) {
		int64_t t = from + (to - from) / CPUS_SAMPLES * i, low_a, high_a, low_b, high_b;

		n += !part_range(a, t, &low_a, &high_a) && !part_range(b, t, &low_b, &high_b) &&
		     (high_a < low_b || high_b < low_a);
	}
	return n;
}

/* Return: whether two of them prove that they do not share a clock. */
static bool any_differ(const part_vec *parts)
{
	vec_each (a, parts) {
		for (const struct part *b = parts->at; a->fits && b < a; b++) {
			if (b->fits && count_apart(a, b) >= CPUS_SAMPLES / 2)
				return true;
		}
	}
	return false;
}

/* ---- together -------------------------------------------------------------------------------- */

/*
 * Return: whether the CPUs of *b became ones of *a, which are followed together since; then *b is
 * left without any.
 */
static bool part_absorb(struct part *a, struct part *b, const struct observed_guest *guest)
{
	struct part both = {.difference = a->difference, .n_events = a->n_events + b->n_events};

	if (!a->fits || !b->fits || count_apart(a, b))
		return false;
	vec_each (cpu, &a->cpus)
		*vec_push(&both.cpus) = *cpu;
	vec_each (cpu, &b->cpus)
		*vec_push(&both.cpus) = *cpu;
	part_follow(&both, guest);
	if (!both.fits) {
		part_deinit(&both);
		return false;
	}
	part_deinit(a);
	part_deinit(b);
	*a = both;
	*b = (struct part){0};
	return true;
}

static void join_parts(part_vec *parts, const struct observed_guest *guest)
{
	for (size_t i = 1; i < parts->n; i++) {
		for (size_t k = 0; k < i; k++) {
			if (part_absorb(&parts->at[k], &parts->at[i], guest))
				break;
		}
	}
}

/*
 * Return: the one part that the CPU of `alone`, which has too few events to be followed, may belong
 * to: it leaves none of them outside, and each other leaves many, as chance would. NULL: not known.
 */
static struct part *find_home(part_vec *parts, const struct part *alone,
			      const struct observed_guest *all)
{
	struct observed_guest guest = part_guest(alone, all);
	struct part *home = NULL;

	vec_each (p, parts) {
		uint64_t n,
			outside = p->fits ? count_outside(&guest, &p->fit, &n) : CPUS_FEW_OUTSIDE;

		if (outside >= CPUS_FEW_OUTSIDE)
			continue;
		if (outside || home)
			return NULL;
		home = p;
	}
	return home;
}

static void join_small(part_vec *parts, const struct observed_guest *guest)
{
	vec_each (p, parts) {
		struct part *home = p->fits || !p->cpus.n ? NULL : find_home(parts, p, guest);

		if (!home)
			continue;
		*vec_push(&home->cpus) = p->cpus.at[0];
		part_deinit(p);
		*p = (struct part){0};
	}
}

static int by_cpus(const void *x, const void *y)
{
	const struct part *a = x, *b = y;
	size_t n = a->fits ? a->cpus.n : 0, m = b->fits ? b->cpus.n : 0;

	if (n != m)
		return n > m ? -1 : 1;
	return !a->cpus.n || !b->cpus.n ? 0 : a->cpus.at[0] < b->cpus.at[0] ? -1 : 1;
}

static void take_part(const struct part *p, const struct observed_guest *all, sync_cpu_clocks *to)
{
	struct observed_guest guest = *all;
	size_t group = to->n ? to->at[to->n - 1].group + 1 : 0;

	vec_each (cpu, &p->cpus) {
		struct sync_cpu_clock *c = vec_push(to);

		*c = (struct sync_cpu_clock){.cpu = *cpu, .group = group};
		if (!p->fits)
			continue;
		guest.cpus = cpu;
		guest.n_cpus = 1;
		sync_estimate_take_fit(&c->estimate, &p->fit);
		part_count(&guest, &c->estimate);
	}
}

void sync_cpus_find(const struct observed_guest *guest, const struct sync_found *found,
		    sync_cpu_clocks *cpus)
{
	part_vec parts = {0};

	follow_each(&parts, guest, found);
	if (any_differ(&parts)) {
		join_parts(&parts, guest);
		join_small(&parts, guest);
		qsort(parts.at, parts.n, sizeof(*parts.at), by_cpus);
		vec_each (p, &parts)
			take_part(p, guest, cpus);
	}
	parts_deinit(&parts);
}
