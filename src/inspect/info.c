#include "inspect/info.h"

#include <stdlib.h>
#include <string.h>

static void take_totals(struct info_machine *m, const struct stream_totals *t)
{
	m->n_events += t->n_events;
	m->n_packets += t->n_packets;
	m->n_lost += t->n_lost;
	if (t->first_ns > t->last_ns)
		return;
	m->first_ns = !m->has_span || t->first_ns < m->first_ns ? t->first_ns : m->first_ns;
	m->last_ns = !m->has_span || t->last_ns > m->last_ns ? t->last_ns : m->last_ns;
	m->has_span = true;
}

static void add_cpu(struct info_machine *m, const struct recording_stream *s)
{
	/* Streams are sorted by CPU. */
	if (s->has_cpu && (!m->cpus.n || m->cpus.at[m->cpus.n - 1] != s->cpu))
		*vec_push(&m->cpus) = s->cpu;
}

static void read_stream(struct info_machine *m, size_t stream, uint64_t *counts)
{
	struct walk *w = walk_new(m->trace, stream, INT64_MIN);
	int r;

	while ((r = walk_next(w)) != WALK_END) {
		if (r == WALK_EVENT)
			counts[w->event]++;
	}
	take_totals(m, &w->totals);
	add_cpu(m, w->stream);
	diag_merge(&m->diags, w->diags);
	walk_free(w);
}

static int by_name(const void *a, const void *b)
{
	const struct info_event *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int by_count(const void *a, const void *b)
{
	const struct info_event *x = a, *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* An event may be described once per channel: adds those up that follow one another. */
static void join_equal_names(struct info_machine *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->events.n; i++) {
		if (n && !strcmp(m->events.at[n - 1].name, m->events.at[i].name))
			m->events.at[n - 1].count += m->events.at[i].count;
		else
			m->events.at[n++] = m->events.at[i];
	}
	m->events.n = n;
}

static void list_events(struct info_machine *m, const uint64_t *counts)
{
	const struct recording *r = m->trace;

	for (size_t i = 0; i < r->events.n; i++)
		*vec_push(&m->events) = (struct info_event){r->events.at[i].name, counts[i]};
	if (!m->events.n)
		return;
	qsort(m->events.at, m->events.n, sizeof(*m->events.at), by_name);
	join_equal_names(m);
	qsort(m->events.at, m->events.n, sizeof(*m->events.at), by_count);
}

static void find_role(struct info_machine *m, const uint64_t *counts)
{
	uint64_t n[EV_N] = {0};

	for (size_t i = 0; i < m->trace->events.n; i++) {
		if (m->trace->events.at[i].id < EV_N)
			n[m->trace->events.at[i].id] += counts[i];
	}
	m->role = role_of_counts(n);
	m->why = m->trace->is_user_space
			 ? mem_strdup("a user-space trace, which the analysis leaves out")
			 : role_why(n);
}

bool info_is_unreadable(const struct info_machine *m, enum diag_id id)
{
	bool is_counted = id == DIAG_EVENTS_LOST || id == DIAG_PACKETS_LOST;

	return m->diags.at[id].count && diag_kind(id)->severity == DIAG_DAMAGE && !is_counted;
}

const char *info_without(const struct info_machine *m, const struct required_event *r)
{
	return required_without(r, role_to_look_for(m->role), m->trace->knows_threads);
}

static void find_missing(struct info_machine *m)
{
	struct required_seen *seen = mem_zalloc(m->events.n + 1, sizeof(*seen));
	struct required_recording in = {.tracer = m->tracer,
					.roles = role_to_look_for(m->role),
					.lists_unrecorded = m->trace->lists_unrecorded,
					.seen = seen,
					.n_seen = m->events.n};

	for (size_t i = 0; i < m->events.n; i++)
		seen[i] = (struct required_seen){m->events.at[i].name, m->events.at[i].count > 0};
	m->required = mem_zalloc(n_required_events, sizeof(*m->required));
	for (size_t i = 0; i < n_required_events; i++)
		m->required[i] = m->trace->is_user_space
					 ? REQUIRED_NOT_NEEDED
					 : required_presence(&required_events[i], &in);
	free(seen);
}

static void read_machine(struct info_machine *m, const struct recording *t)
{
	uint64_t *counts = mem_zalloc(t->events.n + 1, sizeof(*counts));

	m->trace = t;
	m->tracer = tracer_of(t->tracer);
	m->diags = t->diags;
	for (size_t i = 0; i < t->streams.n; i++)
		read_stream(m, i, counts);
	list_events(m, counts);
	find_role(m, counts);
	find_missing(m);
	free(counts);
}

int info_init(struct info *info, char *const *traces, size_t n_traces,
	      const struct input_options *options, struct error *err)
{
	struct input_options all = {.with_user_space = true,
				    .tsc_frequency = options->tsc_frequency};

	*info = (struct info){0};
	int r = session_open(&info->session, traces, n_traces, &all, err);

	info->worst = diag_worst(&info->session.diags);
	if (r)
		return r;
	vec_each (t, &info->session.recordings) {
		struct info_machine *m = vec_push(&info->machines);
		int worst;

		read_machine(m, *t);
		worst = diag_worst(&m->diags);
		info->worst = worst > info->worst ? worst : info->worst;
	}
	return 0;
}

void info_deinit(struct info *info)
{
	vec_each (m, &info->machines) {
		vec_deinit(&m->events);
		vec_deinit(&m->cpus);
		free(m->why);
		free(m->required);
	}
	vec_deinit(&info->machines);
	session_deinit(&info->session);
}
