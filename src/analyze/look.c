#include "analyze/look.h"

#include <stdlib.h>

#include "analyze/doubt.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "sync/observe.h"

/* What reading one stream has shown. */
struct look_found {
	uint64_t n[EV_N]; /* how often each event was read, of a CPU that has several streams */
	struct gaps damaged;
	bool is_disordered;
	uint64_t n_doubtful; /* events: what they contradict is among `damaged` */
};

/* One stream of a CPU. It has several where the trace has several channels. */
struct channel {
	struct reader *reader;
	size_t at; /* in the reader's events */
	struct doubt doubt;
	struct look_found *found;
};

struct reading {
	struct evidence_stream evidence;
	struct observer *observer; /* or NULL */
	struct channel *channels;
	size_t n;
	int64_t lost_to; /* until then events of a channel are missing */
};

static void take_event(struct reading *r, const struct event *e)
{
	evidence_stream_event(&r->evidence, e);
	if (r->observer)
		observer_event(r->observer, e, r->evidence.tid);
}

/* ---- the only stream of its CPU -------------------------------------------------------------- */

static void read_alone(struct reading *r)
{
	struct reader *f = r->channels[0].reader;

	while (reader_read(f)) {
		for (size_t i = 0; i < f->n; i++) {
			doubt_event(&r->channels[0].doubt, &f->events[i]);
			take_event(r, &f->events[i]);
		}
	}
}

/* ---- several --------------------------------------------------------------------------------- */

/* Return: the channel's next event, NULL at its end. */
static const struct event *head(struct channel *c)
{
	if (c->at == c->reader->n) {
		c->at = 0;
		reader_read(c->reader);
	}
	return c->reader->n ? &c->reader->events[c->at] : NULL;
}

/* Return: the first event of all; valid until the next call. NULL at the end. */
static const struct event *next_event(struct reading *r)
{
	struct channel *from = NULL;
	const struct event *first = NULL;

	for (size_t i = 0; i < r->n; i++) {
		const struct event *e = head(&r->channels[i]);

		if (e && (!first || e->ts < first->ts)) {
			first = e;
			from = &r->channels[i];
		}
	}
	if (from) {
		doubt_event(&from->doubt, first);
		from->at++;
	}
	if (first && first->id < EV_N)
		from->found->n[first->id]++;
	return first;
}

/*
 * What one channel has lost makes the others' events of that time tell nothing of who was on the
 * CPU.
 */
static void read_together(struct reading *r)
{
	static const struct event lost = {.id = EV_LOST};
	const struct event *e;

	while ((e = next_event(r))) {
		if (e->id == EV_LOST && e->lost.to > r->lost_to)
			r->lost_to = e->lost.to;
		take_event(r, e);
		if (e->ts < r->lost_to)
			take_event(r, &lost);
	}
}

/* ---- a CPU ----------------------------------------------------------------------------------- */

static void look_keep_damage(struct look_found *found, struct channel *c)
{
	const struct reader *r = c->reader;

	found->n_doubtful = doubt_end(&c->doubt, &found->damaged);
	if (r->damaged)
		gaps_absorb(&found->damaged, r->damaged);
	if (r->is_disordered)
		found->is_disordered |= *r->is_disordered;
}

static void end_reading(struct reading *r, struct diag_list *diags)
{
	int64_t first = INT64_MAX, last = INT64_MIN;
	uint64_t n_events = 0, n_lost = 0;

	for (size_t i = 0; i < r->n; i++) {
		struct reader *c = r->channels[i].reader;
		const struct stream_totals *t = &c->totals;

		n_events += t->n_events;
		n_lost += t->n_lost;
		first = t->first_ns < first ? t->first_ns : first;
		last = t->last_ns > last ? t->last_ns : last;
		diag_merge(diags, c->diags);
		look_keep_damage(r->channels[i].found, &r->channels[i]);
		reader_free(c);
	}
	evidence_stream_end(&r->evidence, n_events, n_lost, first, last);
}

/* One CPU of a machine: its part of what is found. */
struct look_cpu {
	const struct look *look;
	size_t number;	/* among the machine's CPUs */
	size_t from, n; /* streams of the recording */
	struct evidence evidence;
	struct diag_list diags;
};

static void look_at_cpu(struct look_cpu *c)
{
	const struct look *l = c->look;
	struct observer observer;
	struct reading r = {.channels = mem_zalloc(c->n, sizeof(*r.channels)),
			    .n = c->n,
			    .observer = l->observed ? &observer : NULL,
			    .lost_to = INT64_MIN};

	evidence_init(&c->evidence, &l->options);
	evidence_stream_begin(&r.evidence, &c->evidence, l->trace->streams.at[c->from].cpu);
	if (r.observer)
		observer_begin(&observer, &l->observed->cpus.at[c->number], l->is_guest,
			       l->is_host);
	for (size_t i = 0; i < c->n; i++) {
		r.channels[i] = (struct channel){
			.reader = reader_new(l->trace, c->from + i, l->plan, 0, INT64_MIN),
			.found = &l->found[c->from + i]};
		doubt_init(&r.channels[i].doubt);
	}
	if (c->n == 1)
		read_alone(&r);
	else
		read_together(&r);
	if (r.observer)
		observer_end(&observer);
	end_reading(&r, &c->diags);
	free(r.channels);
}

/* ---- a machine ------------------------------------------------------------------------------- */

static bool look_is_known_to_be_lost(const struct recording *r, int64_t cpu)
{
	vec_each (lost, &r->lost_cpus) {
		if (*lost == cpu)
			return true;
	}
	return false;
}

/* Where streams do not tell their CPU, what is there is of any. */
static void find_missing(struct evidence *e, struct diag_list *diags, const struct recording *trace)
{
	struct diag where = {.first_ns = DIAG_NO_TIME};

	vec_each (s, &trace->streams) {
		if (!s->has_cpu)
			e->targets.n = 0;
	}
	vec_each (g, &e->targets) {
		if (evidence_is_missing(e, g) && !look_is_known_to_be_lost(trace, g->cpu))
			diag_add(diags, DIAG_CPU_MISSING, 1, &where);
	}
}

static void settle_first(const struct look *l)
{
	evidence_settle_first(l->evidence);
	vec_each (c, &l->evidence->cpus) {
		if (l->observed && c->first_tid == NO_VALUE)
			observed_forget_first(l->observed, c->cpu);
	}
}

/* ---- events in several channels -------------------------------------------------------------- */

/* How often the event was read from all streams of a channel. */
static uint64_t count_in_channel(const struct recording *r, const struct look_found *found,
				 uint32_t group, enum event_id id)
{
	uint64_t n = 0;

	for (size_t i = 0; i < r->streams.n; i++)
		n += r->streams.at[i].group == group ? found[i].n[id] : 0;
	return n;
}

/* Whether a CPU has the event in this stream and, of another channel, in one behind it. */
static bool is_in_two(const struct recording *r, const struct look_found *found, size_t i,
		      enum event_id id)
{
	const struct recording_stream *s = &r->streams.at[i];

	for (size_t k = i + 1; k < r->streams.n && r->streams.at[k].cpu == s->cpu; k++) {
		if (r->streams.at[k].group != s->group && r->streams.at[k].part == s->part &&
		    found[k].n[id])
			return found[i].n[id] > 0;
	}
	return false;
}

/*
 * Of an event that some CPU has in two streams of one session. Return: whether it is one, with the
 * channel that has most of it.
 */
static bool find_keeper(const struct recording *r, const struct look_found *found, uint32_t part,
			enum event_id id, uint32_t *groupp)
{
	bool doubled = false;
	uint64_t most = 0;

	for (size_t i = 0; i < r->streams.n; i++) {
		uint32_t group = r->streams.at[i].group;
		uint64_t n = count_in_channel(r, found, group, id);

		if (r->streams.at[i].part != part)
			continue;
		doubled |= is_in_two(r, found, i, id);
		*groupp = n > most ? group : *groupp;
		most = n > most ? n : most;
	}
	return doubled;
}

/*
 * A user can have the same event recorded in several channels or instances. Marks it in all streams
 * but those of the channel that has most of it as doubled (struct recording_stream), so that it is
 * read once.
 * Return: whether there is any; then what was found out before counts some things twice.
 */
static bool find_doubled_of_part(struct recording *r, const struct look_found *found, uint32_t part)
{
	bool any = false;

	for (enum event_id id = 0; id < EV_N; id++) {
		uint32_t keeper;

		if (!find_keeper(r, found, part, id, &keeper))
			continue;
		any = true;
		vec_each (s, &r->streams) {
			if (s->part == part && s->group != keeper)
				s->doubled.bits |= UINT64_C(1) << id;
		}
	}
	return any;
}

static bool find_doubled(struct recording *r, const struct look_found *found)
{
	uint32_t n_parts = 0;
	bool any = false;

	vec_each (s, &r->streams)
		n_parts = s->part >= n_parts ? s->part + 1 : n_parts;
	for (uint32_t part = 0; part < n_parts; part++)
		any |= find_doubled_of_part(r, found, part);
	return any;
}

/* ---- damage ---------------------------------------------------------------------------------- */

/*
 * Says of a stream what reading it has shown. Where its packets are in disorder all else that was
 * found may follow from that. What is left out because of it is not met again: that it was there is
 * kept with the recording. Return: whether anything of it is new.
 */
static bool look_take_damage(struct look *l, struct recording_stream *s, struct look_found *found)
{
	struct diag where = {.first_ns = DIAG_NO_TIME};

	if (found->is_disordered && !s->is_disordered) {
		s->is_disordered = true;
		gaps_deinit(&found->damaged);
		return true;
	}
	bool is_new = gaps_absorb(&s->gaps, &found->damaged);

	if (found->n_doubtful)
		diag_add(l->diags, DIAG_EVENT_DOUBTFUL, found->n_doubtful, &where);
	if (found->n_doubtful && is_new)
		diag_add(&l->trace->diags, DIAG_EVENT_DOUBTFUL, found->n_doubtful, &where);
	return is_new;
}

static bool look_take_all_damage(struct look *l)
{
	bool any = false;

	for (size_t i = 0; i < l->trace->streams.n; i++)
		any |= look_take_damage(l, &l->trace->streams.at[i], &l->found[i]);
	return any;
}

/* ---- all machines ---------------------------------------------------------------------------- */

typedef VEC(struct look_cpu) cpus_t;

static void look_begin(struct look *l, struct observed *all, cpus_t *cpus)
{
	const struct recording_stream *streams = l->trace->streams.at;
	struct event_set wanted = evidence_events(&l->options);
	size_t number = 0;

	wanted.bits |= l->observed ? observer_events(l->is_guest, l->is_host).bits : 0;
	l->plan = input_plan_new(l->trace, wanted, l->observed && l->is_guest);
	l->found = mem_zalloc(l->trace->streams.n, sizeof(*l->found));
	for (size_t from = 0, to; from < l->trace->streams.n; from = to) {
		for (to = from + 1;
		     to < l->trace->streams.n && streams[to].cpu == streams[from].cpu;)
			to++;
		*vec_push(cpus) = (struct look_cpu){
			.look = l, .number = number++, .from = from, .n = to - from};
		if (l->observed)
			observed_add_cpu(all, l->observed, streams[from].cpu);
	}
}

/* Return: whether only now it is known how to look at it. */
static bool look_needs_more(struct look *l)
{
	bool doubled = find_doubled(l->trace, l->found);
	bool relived = evidence_find_lives(l->evidence, l->lives);

	l->options.lives = relived ? l->lives : NULL;
	return doubled || relived;
}

/* Each reason to read a machine once more can be found out only without the one before. */
enum { LOOK_AGAIN = 3 };

/* Puts together what is known of the machine's CPUs. Return: whether it is to be done again. */
static bool look_end(struct look *l, cpus_t *cpus)
{
	int64_t last_ns;

	evidence_init(l->evidence, &l->options);
	l->take_told(l->evidence, l->ctx);
	*l->diags = l->trace->diags;
	vec_each (c, cpus) {
		if (c->look != l)
			continue;
		evidence_absorb(l->evidence, &c->evidence);
		diag_merge(l->diags, &c->diags);
	}
	if (l->trace->cpus_apart)
		settle_first(l);
	if (l->observed) {
		evidence_span(l->evidence, &l->observed->first_ns, &l->observed->last_ns);
		l->observed->has_idle = evidence_has(l->evidence, EV_POWER_CPU_IDLE);
	}
	find_missing(l->evidence, l->diags, l->trace);
	bool damaged = look_take_all_damage(l);
	bool again = damaged || (!l->is_settled && look_needs_more(l));

	l->is_settled |= !damaged;
	again &= l->n_again < LOOK_AGAIN;
	evidence_span(l->evidence, &l->trace->first_ns, &last_ns);
	free(l->found);
	input_plan_free(l->trace, l->plan);
	return again;
}

static void look_at_part(void *ctx, size_t i)
{
	cpus_t *cpus = ctx;

	look_at_cpu(&cpus->at[i]);
}

/* Those of n machines of which `which` says so. */
static void look_at_some(struct look *looks, size_t n, const bool *which, struct observed *all,
			 unsigned threads)
{
	bool *again = mem_zalloc(n, sizeof(*again)), any = false;
	cpus_t cpus = {0};

	for (size_t i = 0; i < n; i++) {
		if (which[i])
			look_begin(&looks[i], all, &cpus);
	}
	parallel_each(cpus.n, threads, look_at_part, &cpus);
	for (size_t i = 0; i < n; i++) {
		again[i] = which[i] && look_end(&looks[i], &cpus);
		any |= again[i];
		if (!again[i])
			continue;
		looks[i].n_again++;
		evidence_deinit(looks[i].evidence);
		if (looks[i].observed)
			observed_clear(looks[i].observed);
	}
	vec_deinit(&cpus);
	if (any)
		look_at_some(looks, n, again, all, threads);
	free(again);
}

/* Return: whether a machine other than `machine` entered guests. */
static bool has_host(const struct look *looks, size_t n, size_t machine)
{
	for (size_t i = 0; i < n; i++) {
		if (i != machine && looks[i].evidence->n[EV_KVM_ENTRY])
			return true;
	}
	return false;
}

void look_at(struct look *looks, size_t n, struct observed *all, unsigned threads)
{
	bool *which = mem_zalloc(n, sizeof(*which));
	size_t last = 0;

	for (size_t i = 0; i < n; i++)
		last = looks[i].trace->size > looks[last].trace->size ? i : last;
	for (size_t i = 0; i < n; i++)
		which[i] = i != last;
	look_at_some(looks, n, which, all, threads);
	if (n)
		looks[last].is_guest &= has_host(looks, n, last);
	for (size_t i = 0; i < n; i++)
		which[i] = i == last;
	look_at_some(looks, n, which, all, threads);
	free(which);
}
