#include "analyze/listing.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/complain.h"
#include "analyze/listing_print.h"
#include "base/mem.h"
#include "ctf/session.h"

/* A stream and where it stands. */
struct source {
	struct ctf_cursor cursor;
	struct listing_entry entry;
	const bool *wanted; /* by event class index; NULL: all */
	int64_t key;	    /* its place in the order: never steps back, whatever the clock does */
	size_t rank;	    /* decides between equal keys */
	int state;	    /* enum ctf_cursor_result */
	uint64_t damage;    /* what was met up to the last loss that was printed */
};

struct machine {
	const struct ctf_trace *trace;
	struct ctf_plan *plan;
	bool *wanted;
	struct source *sources; /* one per stream */
};

struct listing {
	struct ctf_session session;
	VEC(struct machine) machines;
	struct source **heap; /* those with something to print; heap[0] is next */
	size_t n_heap;
	int64_t begin, end;
	const struct listing_printer *printer;
	void *printer_ctx;
};

static bool nothing_in_particular(void *ctx, const struct ctf_event_class *cls,
				  struct ctf_interest *interestp)
{
	(void)ctx;
	(void)cls;
	(void)interestp;
	return false;
}

static bool passes(const struct listing_options *o, const char *name)
{
	for (size_t i = 0; i < o->n_filters; i++) {
		if (!fnmatch(o->filters[i], name, 0))
			return true;
	}
	return false;
}

/* Return: for each event class whether it passes the filters; NULL when there are none. */
static bool *wanted_classes(const struct listing_options *o, const struct ctf_trace_type *t)
{
	if (!o->n_filters)
		return NULL;
	bool *wanted = mem_zalloc(t->n_event_classes + 1, sizeof(*wanted));

	for (uint32_t i = 0; i < t->n_streams; i++) {
		for (uint32_t j = 0; j < t->streams[i]->n_events; j++) {
			const struct ctf_event_class *cls = t->streams[i]->events[j];

			wanted[cls->index] = passes(o, cls->name);
		}
	}
	return wanted;
}

static bool was_named(char *const *args, size_t n_args, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n_args; i++) {
		if (!strncmp(args[i], name, n) && args[i][n] == '=')
			return true;
	}
	return false;
}

/* The host name, as babeltrace2 prints it, unless the user chose a name or two hosts share it. */
static const char *display_name(const struct ctf_session *s, const struct ctf_trace *t,
				char *const *args, size_t n_args)
{
	const char *host = ctf_env_string(&t->type, "hostname");

	if (!host || was_named(args, n_args, t->name))
		return t->name;
	vec_each (other, &s->traces) {
		const char *theirs = ctf_env_string(&(*other)->type, "hostname");

		if (*other != t && theirs && !strcmp(host, theirs))
			return t->name;
	}
	return host;
}

static void open_sources(struct listing *l, struct machine *m, const char *host)
{
	m->sources = mem_zalloc(m->trace->streams.n, sizeof(*m->sources));
	for (size_t i = 0; i < m->trace->streams.n; i++) {
		struct source *s = &m->sources[i];

		ctf_cursor_init(&s->cursor, m->trace, &m->trace->streams.at[i], m->plan, true,
				l->begin);
		s->entry = (struct listing_entry){
			.cursor = &s->cursor, .machine = m->trace->name, .host = host};
		s->wanted = m->wanted;
		s->key = INT64_MIN;
	}
}

/* Moves to the next thing to print. */
static void advance(struct source *s)
{
	do {
		s->state = ctf_cursor_next(&s->cursor, NULL);
	} while (s->state == CTF_CURSOR_EVENT && s->wanted && !s->wanted[s->cursor.cls->index]);
	if (s->cursor.ns > s->key)
		s->key = s->cursor.ns;
}

static bool comes_before(const struct source *a, const struct source *b)
{
	return a->key != b->key ? a->key < b->key : a->rank < b->rank;
}

/* Puts heap[i], which may have become later than what is below it, in its place. */
static void sift_down(struct listing *l, size_t i)
{
	struct source *s = l->heap[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= l->n_heap)
			break;
		if (child + 1 < l->n_heap && comes_before(l->heap[child + 1], l->heap[child]))
			child++;
		if (comes_before(s, l->heap[child]))
			break;
		l->heap[i] = l->heap[child];
		i = child;
	}
	l->heap[i] = s;
}

static void build_heap(struct listing *l)
{
	size_t n = 0, rank = 0;

	vec_each (m, &l->machines)
		n += m->trace->streams.n;
	l->heap = mem_zalloc(n + 1, sizeof(struct source *));
	vec_each (m, &l->machines) {
		for (size_t i = 0; i < m->trace->streams.n; i++) {
			struct source *s = &m->sources[i];

			s->rank = rank++;
			advance(s);
			if (s->state != CTF_CURSOR_END)
				l->heap[l->n_heap++] = s;
		}
	}
	for (size_t i = l->n_heap / 2; i--;)
		sift_down(l, i);
}

static uint64_t damage_so_far(const struct diag_list *diags)
{
	uint64_t n = 0;

	for (int i = 0; i < DIAG_N; i++) {
		/* That a packet is cut is known, and counted, when the one before it is read. */
		if (i != DIAG_EVENTS_LOST && i != DIAG_PACKET_CUT &&
		    diag_kind((enum diag_id)i)->severity == DIAG_DAMAGE)
			n += diags->at[i].count;
	}
	return n;
}

/*
 * Of events that the tracer counted as discarded it is not known whether they were before or behind
 * a packet, and the cursor tells of both places; the first one is enough for people.
 */
static bool is_second_place(struct source *s)
{
	uint64_t damage = damage_so_far(&s->cursor.diags);
	const struct ctf_packet *p = &s->cursor.packet;
	bool again = !s->cursor.lost && damage == s->damage && !p->cut && !p->follows_damage;

	s->damage = damage;
	return again;
}

static void print_source(const struct listing *l, struct source *s)
{
	if (s->state == CTF_CURSOR_LOST) {
		if (!is_second_place(s) && s->cursor.lost_to_ns >= l->begin)
			l->printer->lost(l->printer_ctx, &s->entry);
	} else if (s->cursor.ns >= l->begin) {
		l->printer->event(l->printer_ctx, &s->entry);
	}
}

static void print_all(struct listing *l, FILE *data)
{
	while (l->n_heap && l->heap[0]->key <= l->end && !ferror(data)) {
		struct source *s = l->heap[0];

		print_source(l, s);
		advance(s);
		if (s->state == CTF_CURSOR_END)
			l->heap[0] = l->heap[--l->n_heap];
		if (l->n_heap)
			sift_down(l, 0);
	}
}

/* When the first of the traces begins: a time of day without a date is meant to be near it. */
static int64_t first_time(const struct ctf_session *session)
{
	int64_t first = INT64_MAX;

	vec_each (t, &session->traces) {
		vec_each (s, &(*t)->streams) {
			int64_t ns = ctf_clock_ns(s->cls->clock, s->files.at[0]->first.begin);

			first = ns < first ? ns : first;
		}
	}
	return first == INT64_MAX ? 0 : first;
}

static int read_range(struct listing *l, const struct listing_options *o, struct error *err)
{
	int64_t near = first_time(&l->session);

	l->begin = INT64_MIN;
	l->end = INT64_MAX;
	if (o->begin && clock_text_parse(&o->clock, o->begin, near, &l->begin, err))
		return error_wrap(err, "--begin");
	if (o->end && clock_text_parse(&o->clock, o->end, near, &l->end, err))
		return error_wrap(err, "--end");
	return 0;
}

static void say_unknown_filters(const struct listing *l, const struct listing_options *o,
				FILE *messages)
{
	for (size_t i = 0; i < o->n_filters; i++) {
		struct listing_options one = {.filters = &o->filters[i], .n_filters = 1};
		bool any = false;

		vec_each (m, &l->machines) {
			bool *wanted = wanted_classes(&one, &m->trace->type);

			any |= memchr(wanted, true, m->trace->type.n_event_classes) != NULL;
			free(wanted);
		}
		if (!any)
			fprintf(messages, "vmscope: no trace describes an event named '%s'\n",
				o->filters[i]);
	}
}

static int listing_open(struct listing *l, char *const *args, size_t n_args,
			const struct listing_options *o, FILE *messages, struct error *err)
{
	int r = ctf_session_open(&l->session, args, n_args, err);

	/* A failure speaks of the first note itself. */
	if (!r || l->session.notes.n > 1)
		complain_session(messages, &l->session);
	if (!r)
		r = read_range(l, o, err);
	if (r)
		return r;
	vec_each (t, &l->session.traces) {
		struct machine *m = vec_push(&l->machines);

		m->trace = *t;
		m->plan = ctf_plan_new(&m->trace->type, nothing_in_particular, NULL);
		m->wanted = wanted_classes(o, &m->trace->type);
		open_sources(l, m, display_name(&l->session, *t, args, n_args));
	}
	say_unknown_filters(l, o, messages);
	return 0;
}

static void listing_deinit(struct listing *l)
{
	vec_each (m, &l->machines) {
		for (size_t i = 0; i < m->trace->streams.n; i++)
			ctf_cursor_deinit(&m->sources[i].cursor);
		free(m->sources);
		free(m->wanted);
		ctf_plan_free(m->plan);
	}
	vec_deinit(&l->machines);
	free(l->heap);
	ctf_session_deinit(&l->session);
}

/* Return: 0 or LISTING_DAMAGED. */
static int sum_up(const struct listing *l, FILE *messages)
{
	int worst = diag_worst(&l->session.diags);

	vec_each (m, &l->machines) {
		struct diag_list all = m->trace->diags;

		for (size_t i = 0; i < m->trace->streams.n; i++)
			diag_merge(&all, &m->sources[i].cursor.diags);
		complain_diags(messages, m->trace->name, &all);
		worst = diag_worst(&all) > worst ? diag_worst(&all) : worst;
	}
	return worst == DIAG_DAMAGE ? LISTING_DAMAGED : 0;
}

int listing_run(char *const *traces, size_t n_traces, const struct listing_options *o, FILE *data,
		FILE *messages, struct error *err)
{
	struct listing l = {0};
	int r = listing_open(&l, traces, n_traces, o, messages, err);

	if (!r) {
		l.printer = o->json ? listing_json_new(data, &l.printer_ctx)
				    : listing_text_new(data, &o->clock, &l.printer_ctx);
		build_heap(&l);
		print_all(&l, data);
		l.printer->free(l.printer_ctx);
		r = sum_up(&l, messages);
	}
	listing_deinit(&l);
	return r;
}
