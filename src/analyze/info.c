#include "analyze/info.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ctf/cursor.h"

const char *info_presence_name(enum info_presence presence)
{
	static const char *const names[] = {[INFO_ABSENT] = "not described",
					    [INFO_NEVER] = "never recorded",
					    [INFO_RECORDED] = "recorded",
					    [INFO_NOT_NEEDED] = "not needed"};

	return names[presence];
}

static bool env_integer(const struct ctf_trace_type *t, const char *name, int64_t *valuep)
{
	for (uint32_t i = 0; i < t->n_env; i++) {
		if (!t->env[i].string && !strcmp(t->env[i].name, name)) {
			*valuep = t->env[i].integer;
			return true;
		}
	}
	return false;
}

char *info_tracer(const struct ctf_trace_type *t)
{
	static const char *const parts[] = {"tracer_major", "tracer_minor", "tracer_patchlevel",
					    "tracer_patch"};
	const char *name = ctf_env_string(t, "tracer_name");
	char *text = mem_strdup(name ? name : "unknown tracer");
	bool first = true;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		int64_t value;

		if (!env_integer(t, parts[i], &value))
			continue;
		char *longer = mem_printf("%s%c%" PRId64, text, first ? ' ' : '.', value);

		free(text);
		text = longer;
		first = false;
	}
	return text;
}

static bool want_nothing(void *ctx, const struct ctf_event_class *cls,
			 struct ctf_interest *interestp)
{
	(void)ctx;
	(void)cls;
	(void)interestp;
	return false;
}

static void widen_span(struct info_machine *m, const struct ctf_cursor *c)
{
	int64_t first, last;

	if (!ctf_cursor_span(c, &first, &last))
		return;
	m->first_ns = !m->has_span || first < m->first_ns ? first : m->first_ns;
	m->last_ns = !m->has_span || last > m->last_ns ? last : m->last_ns;
	m->has_span = true;
}

static void add_cpu(struct info_machine *m, const struct ctf_stream *s)
{
	/* Streams are sorted by CPU. */
	if (s->has_cpu && (!m->cpus.n || m->cpus.at[m->cpus.n - 1] != s->cpu))
		*vec_push(&m->cpus) = s->cpu;
}

static void read_stream(struct info_machine *m, const struct ctf_stream *s,
			const struct ctf_plan *plan, uint64_t *counts)
{
	struct ctf_cursor c;
	int r;

	ctf_cursor_init(&c, m->trace, s, plan, true, INT64_MIN);
	while ((r = ctf_cursor_next(&c, NULL)) != CTF_CURSOR_END) {
		if (r == CTF_CURSOR_EVENT)
			counts[c.cls->index]++;
	}
	m->n_events += c.n_events;
	m->n_packets += c.n_packets;
	m->n_lost += c.n_lost;
	widen_span(m, &c);
	add_cpu(m, s);
	diag_merge(&m->diags, &c.diags);
	ctf_cursor_deinit(&c);
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
	const struct ctf_trace_type *t = &m->trace->type;

	for (uint32_t i = 0; i < t->n_streams; i++) {
		for (uint32_t j = 0; j < t->streams[i]->n_events; j++) {
			const struct ctf_event_class *cls = t->streams[i]->events[j];

			*vec_push(&m->events) = (struct info_event){cls->name, counts[cls->index]};
		}
	}
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
static bool is_needed(const struct info_machine *m, const struct required_event *r)
{
	unsigned role = m->role == ROLE_UNKNOWN ? ROLE_GUEST : m->role;

	return (r->roles & role) != 0;
}

static enum info_presence presence_of(const struct info_machine *m, const struct required_event *r)
{
	enum info_presence presence = INFO_ABSENT;

	if (!is_needed(m, r))
		return INFO_NOT_NEEDED;
	vec_each (e, &m->events) {
		if (!required_matches(r, e->name))
			continue;
		if (e->count)
			return INFO_RECORDED;
		presence = r->is_rare ? INFO_NOT_NEEDED : INFO_NEVER;
	}
	return presence;
}

static void read_machine(struct info_machine *m, const struct ctf_trace *t)
{
	struct ctf_plan *plan = ctf_plan_new(&t->type, want_nothing, NULL);
	uint64_t *counts = mem_zalloc(t->type.n_event_classes + 1, sizeof(*counts));

	m->trace = t;
	m->diags = t->diags;
	vec_each (s, &t->streams)
		read_stream(m, s, plan, counts);
	list_events(m, counts);
	find_role(m);
	m->required = mem_zalloc(n_required_events, sizeof(*m->required));
	for (size_t i = 0; i < n_required_events; i++)
		m->required[i] = presence_of(m, &required_events[i]);
	free(counts);
	ctf_plan_free(plan);
}

int info_init(struct info *info, char *const *traces, size_t n_traces, struct error *err)
{
	*info = (struct info){0};
	int r = ctf_session_open(&info->session, traces, n_traces, err);

	info->worst = diag_worst(&info->session.diags);
	if (r)
		return r;
	vec_each (t, &info->session.traces) {
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
	ctf_session_deinit(&info->session);
}
