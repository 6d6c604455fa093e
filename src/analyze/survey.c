#include "analyze/survey.h"

#include <stdlib.h>

#include "base/mem.h"
#include "input/input.h"

/* One stream of a CPU. It has several where the trace has several channels. */
struct channel {
	struct reader *reader;
	size_t at; /* in the reader's events */
	struct survey_counts *counts;
};

struct reading {
	struct evidence_stream evidence;
	struct channel *channels;
	size_t n;
	int64_t lost_to; /* until then events of a channel are missing */
};

/* ---- the only stream of its CPU --------------------------------------------------------------- */

static void read_alone(struct reading *r)
{
	struct reader *f = r->channels[0].reader;

	while (reader_read(f)) {
		for (size_t i = 0; i < f->n; i++)
			evidence_stream_event(&r->evidence, &f->events[i]);
	}
}

/* ---- several ---------------------------------------------------------------------------------- */

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
	if (from)
		from->at++;
	if (first && first->id < EV_N)
		from->counts->n[first->id]++;
	return first;
}

/* What one channel has lost makes the others' events of that time tell nothing of who was on the CPU. */
static void read_together(struct reading *r)
{
	static const struct event lost = {.id = EV_LOST};
	const struct event *e;

	while ((e = next_event(r))) {
		if (e->id == EV_LOST && e->lost.to > r->lost_to)
			r->lost_to = e->lost.to;
		evidence_stream_event(&r->evidence, e);
		if (e->ts < r->lost_to)
			evidence_stream_event(&r->evidence, &lost);
	}
}

/* ---- a CPU ------------------------------------------------------------------------------------ */

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
		reader_free(c);
	}
	evidence_stream_end(&r->evidence, n_events, n_lost, first, last);
}

/* Streams from..from + n of the recording are the CPU's. */
static void survey_cpu(struct evidence *e, struct diag_list *diags, const struct recording *trace,
		       const struct input_plan *plan, struct survey_counts *counts, size_t from,
		       size_t n)
{
	struct reading r = {
		.channels = mem_zalloc(n, sizeof(*r.channels)), .n = n, .lost_to = INT64_MIN};

	evidence_stream_begin(&r.evidence, e, trace->streams.at[from].cpu);
	for (size_t i = 0; i < n; i++)
		r.channels[i] =
			(struct channel){.reader = reader_new(trace, from + i, plan, 0, INT64_MIN),
					 .counts = &counts[from + i]};
	if (n == 1)
		read_alone(&r);
	else
		read_together(&r);
	end_reading(&r, diags);
	free(r.channels);
}

/* Where streams do not tell their CPU, what is there is of any. */
static void find_missing(struct evidence *e, struct diag_list *diags, const struct recording *trace)
{
	struct diag where = {.first_ns = DIAG_NO_TIME};

	vec_each (s, &trace->streams) {
		if (!s->has_cpu)
			e->goals.n = 0;
	}
	vec_each (g, &e->goals) {
		if (evidence_is_missing(e, g))
			diag_add(diags, DIAG_CPU_MISSING, 1, &where);
	}
}

void survey_trace(struct evidence *e, struct diag_list *diags, const struct recording *trace,
		  const struct input_plan *plan, struct survey_counts *counts)
{
	const struct recording_stream *streams = trace->streams.at;

	for (size_t from = 0, to; from < trace->streams.n; from = to) {
		for (to = from + 1; to < trace->streams.n && streams[to].cpu == streams[from].cpu;)
			to++;
		survey_cpu(e, diags, trace, plan, counts, from, to - from);
	}
	if (trace->cpus_apart)
		evidence_settle_first(e);
	find_missing(e, diags, trace);
}

/* ---- events in several channels --------------------------------------------------------------- */

/* How often the event was read from all streams of a channel. */
static uint64_t count_in_channel(const struct recording *r, const struct survey_counts *counts,
				 uint32_t group, enum event_id id)
{
	uint64_t n = 0;

	for (size_t i = 0; i < r->streams.n; i++)
		n += r->streams.at[i].group == group ? counts[i].n[id] : 0;
	return n;
}

/* Whether a CPU has the event in this stream and, of another channel, in one behind it. */
static bool is_in_two(const struct recording *r, const struct survey_counts *counts, size_t i,
		      enum event_id id)
{
	const struct recording_stream *s = &r->streams.at[i];

	for (size_t k = i + 1; k < r->streams.n && r->streams.at[k].cpu == s->cpu; k++) {
		if (r->streams.at[k].group != s->group && counts[k].n[id])
			return counts[i].n[id] > 0;
	}
	return false;
}

/* Of an event that some CPU has in two streams. Return: whether it is one, with the channel that has most of it. */
static bool find_keeper(const struct recording *r, const struct survey_counts *counts,
			enum event_id id, uint32_t *groupp)
{
	bool doubled = false;
	uint64_t most = 0;

	for (size_t i = 0; i < r->streams.n; i++) {
		uint32_t group = r->streams.at[i].group;
		uint64_t n = count_in_channel(r, counts, group, id);

		doubled |= is_in_two(r, counts, i, id);
		*groupp = n > most ? group : *groupp;
		most = n > most ? n : most;
	}
	return doubled;
}

bool survey_find_doubled(struct recording *r, const struct survey_counts *counts)
{
	bool any = false;

	for (enum event_id id = 0; id < EV_N; id++) {
		uint32_t keeper;

		if (!find_keeper(r, counts, id, &keeper))
			continue;
		any = true;
		vec_each (s, &r->streams) {
			if (s->group != keeper)
				s->doubled.bits |= UINT64_C(1) << id;
		}
	}
	return any;
}
