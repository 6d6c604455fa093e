#include "inspect/info.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *info_presence_name(enum info_presence presence)
{
	static const char *const names[] = {[INFO_ABSENT] = "not described",
					    [INFO_NEVER] = "never recorded",
					    [INFO_NONE] = "not recorded",
					    [INFO_RECORDED] = "recorded",
					    [INFO_NOT_NEEDED] = "not needed"};

	return names[presence];
}

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

/* "12 kvm_x86_entry": of the events that tell the role, the most frequent one; NULL without any. */
static char *strongest_evidence(const struct info_machine *m, enum role role)
{
	vec_each (e, &m->events) {
		if (e->count && role_told_by(e->name) == role)
			return mem_printf("%" PRIu64 " %s", e->count, e->name);
	}
	return NULL;
}

static char *explain_role(const char *host, const char *guest)
{
	if (host && guest)
		return mem_printf("%s and %s events: a guest that runs guests itself", host, guest);
	if (host)
		return mem_printf("%s events", host);
	if (guest)
		return mem_printf("%s events", guest);
	return mem_strdup("no kvm_* event, as a host would have, and no guest event of vmsync; a "
			  "guest recorded without vmsync looks like this too");
}

static void find_role(struct info_machine *m)
{
	char *host = strongest_evidence(m, ROLE_HOST);
	char *guest = strongest_evidence(m, ROLE_GUEST);

	m->role = (enum role)((host ? ROLE_HOST : 0) | (guest ? ROLE_GUEST : 0));
	m->why = explain_role(host, guest);
	free(host);
	free(guest);
}

/* A machine of unknown role is looked at as a guest: a host's events it does not have. */
static unsigned role_to_look_at(const struct info_machine *m)
{
	return m->role == ROLE_UNKNOWN ? ROLE_GUEST : m->role;
}

/* Return: whether it is not known for sure how many counts of a clock there are in a second. */
static bool is_of_unknown_rate(const struct recording *r)
{
	if (r->diags.at[DIAG_CLOCK_RATE].count)
		return true;
	vec_each (c, &r->clocks) {
		if (c->is_tsc && c->frequency_error)
			return true;
	}
	return false;
}

static bool is_needed(const struct info_machine *m, const struct required_event *r)
{
	return (r->roles & role_to_look_at(m)) && required_by(r, m->tracer) &&
	       (!r->for_cycles || is_of_unknown_rate(m->trace));
}

const char *info_without(const struct info_machine *m, const struct required_event *r)
{
	return required_without(r, role_to_look_at(m), m->trace->knows_threads);
}

/* Return: what it means that the event is described, but none was recorded. */
static enum info_presence meaning_of_none(const struct info_machine *m,
					  const struct required_event *r)
{
	if (r->is_rare)
		return INFO_NOT_NEEDED;
	return m->trace->lists_unrecorded ? INFO_NONE : INFO_NEVER;
}

static enum info_presence presence_of(const struct info_machine *m, const struct required_event *r)
{
	enum info_presence presence = INFO_ABSENT;

	if (!is_needed(m, r))
		return INFO_NOT_NEEDED;
	vec_each (e, &m->events) {
		if (!required_matches(r, m->tracer, e->name))
			continue;
		if (e->count)
			return INFO_RECORDED;
		presence = meaning_of_none(m, r);
	}
	return presence;
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
	find_role(m);
	m->required = mem_zalloc(n_required_events, sizeof(*m->required));
	for (size_t i = 0; i < n_required_events; i++)
		m->required[i] = presence_of(m, &required_events[i]);
	free(counts);
}

int info_init(struct info *info, char *const *traces, size_t n_traces,
	      const struct input_options *options, struct error *err)
{
	*info = (struct info){0};
	int r = session_open(&info->session, traces, n_traces, options, err);

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
