#include "sync/count.h"

#include <stdlib.h>
#include <string.h>

#include "sync/limits.h"
/* The events of one CPU by one map, and whose windows they lie in. */
struct counted {
	struct sync_count *count;
	struct observed_events events;
	size_t vcpu;
	size_t window; /* where the last look-up ended */
	size_t piece;  /* of the map, likewise */
	bool begun;    /* the first window has begun */
};

struct counting {
	VEC(struct counted) at;
	struct sync_windows *windows; /* owned; by vCPU of the identity */
	size_t n_windows;
};

static void counting_add(struct counting *c, const struct observed_machine *m,
			 const struct ident_vcpu *vcpu, size_t v, struct sync_count *count)
{
	vec_each (cpu, &m->cpus) {
		if ((int64_t)cpu->cpu != vcpu->guest_cpu)
			continue;
		struct counted *x = vec_push(&c->at);

		x->count = count;
		x->vcpu = v;
		observed_events_init(&x->events, m, cpu);
	}
}

static void counting_init(struct counting *c, const struct observed_guest *guest,
			  struct sync_count *counts, size_t n)
{
	const struct observed_machine *m = &guest->observed->machines[guest->machine];
	const struct identity *id = guest->id;

	*c = (struct counting){.n_windows = id->vcpus.n};
	c->windows = mem_zalloc(c->n_windows, sizeof(*c->windows));
	for (size_t v = 0; v < id->vcpus.n; v++) {
		const struct ident_vcpu *vcpu = &id->vcpus.at[v];

		if (vcpu->vm != id->machines.at[guest->machine].vm ||
		    !observed_guest_has(guest, vcpu->guest_cpu))
			continue;
		for (size_t i = 0; i < n; i++)
			counting_add(c, m, vcpu, v, &counts[i]);
	}
}

static void counting_deinit(struct counting *c)
{
	vec_each (x, &c->at)
		observed_events_deinit(&x->events);
	vec_deinit(&c->at);
	for (size_t v = 0; v < c->n_windows; v++)
		vec_deinit(&c->windows[v].at);
	free(c->windows);
}

/* Events come in order, so the next one's piece is most often the last one's. */
static const struct clock_piece *counted_piece(struct counted *x, int64_t t)
{
	const struct clock_map *m = x->count->map;

	while (x->piece + 1 < m->n_pieces && m->pieces[x->piece + 1].from <= t)
		x->piece++;
	return &m->pieces[x->piece];
}

/* The events before host time `until`. What comes after the last window waits for one more. */
static void count_cpu(struct counted *x, const struct sync_windows *w, int64_t until)
{
	for (; !x->events.at_end; observed_events_step(&x->events)) {
		const struct clock_piece *p = counted_piece(x, x->events.next.ts);
		int64_t at = clock_piece_apply(p, x->events.next.ts);

		if (at >= until)
			return;
		while (x->window < w->at.n && w->at.at[x->window].end < at)
			x->window++;
		if (x->window == w->at.n)
			return;
		bool outside = at < w->at.at[x->window].begin;

		x->begun |= !outside || x->window;
		x->count->n_events += x->begun;
		x->count->outside[p - x->count->map->pieces] += outside && x->begun;
	}
}

/* Forgets the windows that no events need any more. */
static void drop_passed(struct counting *c, size_t vcpu)
{
	struct sync_windows *w = &c->windows[vcpu];
	size_t passed = w->at.n;

	vec_each (x, &c->at) {
		if (x->vcpu == vcpu && !x->events.at_end && x->window < passed)
			passed = x->window;
	}
	if (!passed || passed < w->at.n / 2)
		return;
	w->at.n -= passed;
	memmove(w->at.at, w->at.at + passed, w->at.n * sizeof(*w->at.at));
	vec_each (x, &c->at) {
		if (x->vcpu == vcpu)
			x->window -= x->window < passed ? x->window : passed;
	}
}

static void count_until(struct counting *c, int64_t until)
{
	vec_each (x, &c->at)
		count_cpu(x, &c->windows[x->vcpu], until);
	for (size_t v = 0; v < c->n_windows; v++)
		drop_passed(c, v);
}

void sync_count(const struct observed_guest *guest, struct sync_count *counts, size_t n)
{
	const struct observed *o = guest->observed;
	const struct identity *id = guest->id;
	int vm = id->machines.at[guest->machine].vm, host = id->vms.at[vm].host;
	int64_t step = observed_windows_step(o, host, COUNT_STEP_WINDOWS);
	struct observed_windows *windows = observed_windows_new(o, id, host, vm, INT64_MIN);
	struct counting c;
	bool more = true;

	counting_init(&c, guest, counts, n);
	for (int64_t t = o->machines[host].first_ns; more; t += step) {
		more = observed_windows_read(windows, t, false, c.windows);
		count_until(&c, more ? t : INT64_MAX);
	}
	observed_windows_free(windows);
	counting_deinit(&c);
}
