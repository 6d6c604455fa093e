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
	vec_deinit(&v->topics);
	vec_deinit(&v->waits);
	map_deinit(&v->cpu_by_number);
	map_deinit(&v->occupant_by_who);
	map_deinit(&v->exits_by_cause);
	vec_deinit(&v->details);
	map_deinit(&v->detail_by_name);
	map_deinit(&v->topic_by_exits);
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

static bool tally_is_who(const struct tally_who *a, const struct tally_who *b)
{
	return a->thread == b->thread && a->busy == b->busy && a->irq == b->irq &&
	       a->handler == b->handler && a->certainty == b->certainty &&
	       a->throttled == b->throttled;
}

static uint64_t tally_hash_who(const struct tally_who *who)
{
	const int64_t values[] = {who->thread, who->irq, who->handler, who->busy, who->certainty};
	uint64_t hash = who->throttled;

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		hash = (hash ^ (uint64_t)values[i]) * UINT64_C(0x9E3779B97F4A7C15);
	return hash;
}

/* A forged file can have any number of them. */
enum { MOST_OCCUPANTS = 1 << 16 };

static struct tally_occupant *tally_find_occupant(struct tally_vcpu *v, const struct tally_who *who)
{
	static const struct tally_who nobody = {
		.thread = TABLE_NULL, .irq = TABLE_NULL, .handler = TABLE_NULL};
	size_t n = v->occupants.n;

	if (v->recent_occupant < n && tally_is_who(&v->occupants.at[v->recent_occupant].who, who))
		return &v->occupants.at[v->recent_occupant];
	if (n >= MOST_OCCUPANTS)
		who = &nobody;
	for (uint64_t key = tally_hash_who(who);; key++) {
		uint64_t i = *map_put(&v->occupant_by_who, key, n);

		if (i == n)
			vec_push(&v->occupants)->who = *who;
		else if (!tally_is_who(&v->occupants.at[i].who, who))
			continue;
		v->recent_occupant = (size_t)i;
		return &v->occupants.at[i];
	}
}

/* Adds a piece to the latest of some stretches, and keeps the longest of them. */
static void tally_add_piece(struct tally_stretch *now, struct tally_stretch *longest, int64_t ns)
{
	tally_add_ns(&now->ns, ns);
	if (now->ns > longest->ns)
		*longest = *now;
}

static void tally_add_lost(struct tally_vcpu *v, const struct tally_state *s)
{
	bool taken = vcpu_state_is(s->state, STATE_TAKEN);
	const struct tally_who who = {
		.thread = s->busy > BUSY_IDLE ? TABLE_NULL : s->occupant,
		.busy = s->busy,
		.irq = s->occupant_irq,
		.handler = s->occupant_handler,
		.certainty = s->certainty,
		.throttled = s->state == VCPU_THROTTLED,
	};
	struct tally_occupant *o = tally_find_occupant(v, &who);

	v->stretch += !vcpu_state_is(v->before, STATE_LOST);
	/* The first one may have begun before what is added up. */
	if (!o->stretches || o->now.number != v->stretch) {
		o->now = (struct tally_stretch){.begin = s->begin, .number = v->stretch};
		o->stretches++;
	}
	tally_add_piece(&o->now, &o->worst, s->dur);
	tally_add_ns(who.throttled ? &o->throttled : taken ? &o->preempted : &o->waiting, s->dur);
	/* The lane is cut where the CPU changes hands; only the first piece is a preemption. */
	o->times += taken && !vcpu_state_is(v->before, STATE_TAKEN);
}

static void tally_add_blocked(struct tally_vcpu *v, const struct tally_state *s)
{
	if (!v->n_blocked || v->before != VCPU_BLOCKED)
		v->blocked = (struct tally_stretch){.begin = s->begin, .number = ++v->n_blocked};
	tally_add_piece(&v->blocked, &v->longest, s->dur);
}

void tally_add_state(struct tally_vcpu *v, const struct tally_state *s)
{
	if (vcpu_state_is(s->state, STATE_LOST))
		tally_add_lost(v, s);
	else if (s->cpu != TABLE_NULL && s->state == VCPU_GUEST)
		tally_add_ns(&tally_find_cpu(v, s->cpu)->guest, s->dur);
	else if (s->cpu != TABLE_NULL)
		tally_add_ns(&tally_find_cpu(v, s->cpu)->other, s->dur);
	if (s->state == VCPU_BLOCKED)
		tally_add_blocked(v, s);
	v->before = s->state;
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

int64_t tally_cost(const struct tally_exit *x)
{
	int64_t cost = (int64_t)((uint64_t)x->handled + (uint64_t)x->userspace);

	return x->polled == TABLE_NULL ? cost : (int64_t)((uint64_t)cost - (uint64_t)x->polled);
}

/* A forged file can have any number of them: what comes after so many is about nothing. */
enum { MOST_TOPICS = 1 << 13 };

static struct tally_topic *tally_find_topic(struct tally_vcpu *v, size_t exits, int64_t detail)
{
	if (v->topics.n >= MOST_TOPICS)
		detail = TABLE_NULL;
	for (uint64_t key = (uint64_t)detail * UINT64_C(0x9E3779B97F4A7C15) + exits;; key++) {
		uint64_t i = *map_put(&v->topic_by_exits, key, v->topics.n);

		if (i == v->topics.n) {
			struct tally_topic *d = vec_push(&v->topics);

			d->exits = exits;
			d->detail = detail;
		}
		if (v->topics.at[i].exits == exits && v->topics.at[i].detail == detail)
			return &v->topics.at[i];
	}
}

static void tally_add_cost(struct tally_vcpu *v, size_t exits, const struct tally_exit *x)
{
	struct tally_topic *d = tally_find_topic(v, exits, x->detail);
	int64_t window = x->ts >> TALLY_WINDOW_BITS, cost = tally_cost(x);

	if (d->now.number != window)
		d->now = (struct tally_window){.number = window};
	d->n++;
	tally_add_ns(&d->cost, cost);
	tally_add_ns(&d->now.ns, cost);
	if (d->now.ns > d->worst.ns)
		d->worst = d->now;
}

static void tally_add_parts(struct tally_exits *e, const struct tally_exit *x)
{
	e->n_split++;
	tally_add_ns(&e->polled, x->polled == TABLE_NULL ? 0 : x->polled);
	tally_add_ns(&e->handled, x->handled);
	tally_add_ns(&e->userspace, x->userspace);
	tally_add_ns(&e->preempted, x->preempted);
	tally_add_ns(&e->blocked, x->blocked);
}

void tally_merge_detail(struct tally_detail *to, const struct tally_detail *from)
{
	to->n += from->n;
	to->n_whole += from->n_whole;
	to->n_split += from->n_split;
	tally_add_ns(&to->total, from->total);
	tally_add_ns(&to->cost, from->cost);
	to->max = from->max > to->max ? from->max : to->max;
}

static void tally_add_detail(struct tally_vcpu *v, const struct tally_exit *x)
{
	uint64_t *i = map_put(&v->detail_by_name, (uint64_t)x->detail, v->details.n);
	bool whole = x->dur != TABLE_NULL, split = whole && x->handled != TABLE_NULL;
	struct tally_detail one = {.n = 1, .n_whole = whole, .n_split = split};

	if (*i == v->details.n)
		vec_push(&v->details)->name = x->detail;
	if (whole)
		one.total = one.max = x->dur;
	if (split)
		one.cost = tally_cost(x);
	tally_merge_detail(&v->details.at[*i], &one);
}

static void tally_add_split(struct tally_vcpu *v, struct tally_exits *e, const struct tally_exit *x)
{
	tally_add_parts(e, x);
	tally_add_cost(v, (size_t)(e - v->exits.at), x);
}

void tally_add_exit(struct tally_vcpu *v, const struct tally_exit *x)
{
	struct tally_exits *e = tally_find_exits(v, x);

	e->n++;
	tally_add_ns(&e->early, x->early);
	if (x->detail != TABLE_NULL)
		tally_add_detail(v, x);
	if (x->blocked > 0)
		histogram_add(tally_find_wait(v, x->vector), x->blocked);
	if (x->dur == TABLE_NULL)
		return;
	histogram_add(&e->whole, x->dur);
	if (x->handled == TABLE_NULL)
		v->n_unsplit++;
	else
		tally_add_split(v, e, x);
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
