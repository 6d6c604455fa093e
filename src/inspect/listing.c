#include "inspect/listing.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "input/session.h"
#include "inspect/complain.h"
#include "inspect/listing_print.h"

/* A stream and where it stands. */
struct source {
	struct walk *walk;
	struct listing_entry entry;
	const bool *wanted; /* by number of the event; NULL: all */
	int64_t begin, end; /* what is printed */
	int64_t key;	    /* its place in the order: never steps back, whatever the clock does */
	size_t rank;	    /* decides between equal keys */
	int state;	    /* enum walk_state */
};

struct machine {
	const struct recording *recording;
	int64_t begin, end; /* by its own clock, inclusive */
	bool *wanted;
	struct source *sources; /* one per stream */
};

struct listing {
	struct session session;
	VEC(struct machine) machines;
	bool printed;	      /* something that lies between begin and end */
	struct source **heap; /* those with something to print; heap[0] is next */
	size_t n_heap;
	const struct listing_printer *printer;
	void *printer_ctx;
};

/* Tracers that have subsystems may write them before the name ("sched:sched_switch"). */
static bool passes(const struct listing_options *o, const char *name)
{
	const char *prefix_end = strchr(name, ':');

	for (size_t i = 0; i < o->n_filters; i++) {
		if (!fnmatch(o->filters[i], name, 0) ||
		    (prefix_end && !fnmatch(o->filters[i], prefix_end + 1, 0)))
			return true;
	}
	return false;
}

/*
 * Return: for each event of the recording whether it passes the filters; NULL when there are none.
 */
static bool *wanted_events(const struct listing_options *o, const struct recording *r)
{
	if (!o->n_filters)
		return NULL;
	bool *wanted = mem_zalloc(r->events.n + 1, sizeof(*wanted));

	for (size_t i = 0; i < r->events.n; i++)
		wanted[i] = passes(o, r->events.at[i].name);
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
static const char *display_name(const struct session *s, const struct recording *r,
				char *const *args, size_t n_args)
{
	if (!r->hostname || was_named(args, n_args, r->name))
		return r->name;
	vec_each (other, &s->recordings) {
		const char *theirs = (*other)->hostname;

		if (*other != r && theirs && !strcmp(r->hostname, theirs))
			return r->name;
	}
	return r->hostname;
}

static void open_sources(struct machine *m, const char *host)
{
	const struct recording *r = m->recording;

	m->sources = mem_zalloc(r->streams.n, sizeof(*m->sources));
	for (size_t i = 0; i < r->streams.n; i++) {
		struct source *s = &m->sources[i];

		s->walk = walk_new(r, i, m->begin);
		s->entry = (struct listing_entry){
			.walk = s->walk,
			.machine = r->name,
			.host = host,
			.origin = recording_stream_origin(r, &r->streams.at[i])};
		s->wanted = m->wanted;
		s->begin = m->begin;
		s->end = m->end;
		s->key = INT64_MIN;
	}
}

/* Moves to the next thing to print. */
static void advance(struct source *s)
{
	do {
		s->state = walk_next(s->walk);
	} while (s->state == WALK_EVENT && s->wanted && !s->wanted[s->walk->event]);
	if (s->walk->ns > s->key)
		s->key = s->walk->ns;
	if (s->key > s->end)
		s->state = WALK_END;
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
		n += m->recording->streams.n;
	l->heap = mem_zalloc(n + 1, sizeof(struct source *));
	vec_each (m, &l->machines) {
		for (size_t i = 0; i < m->recording->streams.n; i++) {
			struct source *s = &m->sources[i];

			s->rank = rank++;
			advance(s);
			if (s->state != WALK_END)
				l->heap[l->n_heap++] = s;
		}
	}
	for (size_t i = l->n_heap / 2; i--;)
		sift_down(l, i);
}

static void print_source(struct listing *l, const struct source *s)
{
	bool lost = s->state == WALK_LOST;

	if ((lost ? s->walk->lost_to_ns : s->walk->ns) < s->begin)
		return;
	l->printed = true;
	if (lost)
		l->printer->lost(l->printer_ctx, &s->entry);
	else
		l->printer->event(l->printer_ctx, &s->entry);
}

static void print_all(struct listing *l, FILE *data)
{
	while (l->n_heap && !ferror(data)) {
		struct source *s = l->heap[0];

		print_source(l, s);
		advance(s);
		if (s->state == WALK_END)
			l->heap[0] = l->heap[--l->n_heap];
		if (l->n_heap)
			sift_down(l, 0);
	}
}

/* A packet begins before its first event, which is where all else counts from. */
static int64_t stream_begin(const struct recording *r, size_t stream)
{
	struct walk *w = walk_new(r, stream, INT64_MIN);

	int state = walk_next(w);

	while (state == WALK_LOST)
		state = walk_next(w);
	int64_t begin = state == WALK_EVENT ? w->ns : INT64_MAX;

	walk_free(w);
	return begin;
}

static int64_t recording_begin(const struct recording *r)
{
	int64_t first = INT64_MAX;

	for (size_t i = 0; i < r->streams.n; i++) {
		int64_t begin = stream_begin(r, i);

		first = begin < first ? begin : first;
	}
	return first;
}

/*
 * When the recording begins, and with it all others that have a wall clock if it has one: a time of
 * day without a date is meant to be near that.
 */
static int64_t first_time(const struct session *session, const struct recording *r)
{
	int64_t first = INT64_MAX;

	if (recording_origin(r) != CLOCK_ORIGIN_EPOCH) {
		first = recording_begin(r);
	} else {
		vec_each (other, &session->recordings) {
			int64_t begin = recording_origin(*other) == CLOCK_ORIGIN_EPOCH
						? recording_begin(*other)
						: INT64_MAX;

			first = begin < first ? begin : first;
		}
	}
	return first == INT64_MAX ? 0 : first;
}

/* Return: 0, LISTING_NO_TIME or ERR, as listing_run(). */
static int read_time(const char *option, const char *text, const struct clock_text *clock,
		     const struct listing *l, const struct recording *r, int64_t *nsp,
		     struct error *err)
{
	int status = text ? clock_text_parse(clock, text, first_time(&l->session, r), nsp, err) : 0;

	if (status == CLOCK_TEXT_NO_DAY && l->session.recordings.n > 1)
		error_wrap(err, "'%s'", r->name);
	if (status)
		error_wrap(err, "%s", option);
	return status == CLOCK_TEXT_NO_DAY ? LISTING_NO_TIME : status;
}

static int read_range(const struct listing *l, struct machine *m, const struct listing_options *o,
		      struct error *err)
{
	struct clock_text clock = o->clock;

	m->begin = INT64_MIN;
	m->end = INT64_MAX;
	clock.origin = recording_origin(m->recording);
	int r = read_time("--begin", o->begin, &clock, l, m->recording, &m->begin, err);

	if (!r)
		r = read_time("--end", o->end, &clock, l, m->recording, &m->end, err);
	if (r || m->begin <= m->end)
		return r;
	error_set(err, "--end %s is before --begin %s", o->end, o->begin);
	return LISTING_NO_TIME;
}

/* ---- a range that nothing is in -------------------------------------------------------------- */

static int64_t recording_last(const struct recording *r)
{
	int64_t last = INT64_MIN;

	for (size_t i = 0; i < r->streams.n; i++) {
		struct walk *w = walk_new(r, i, INT64_MIN);

		while (walk_next(w) != WALK_END)
			;
		if (w->totals.first_ns <= w->totals.last_ns && w->totals.last_ns > last)
			last = w->totals.last_ns;
		walk_free(w);
	}
	return last;
}

/* Return: LISTING_NO_TIME with err set. */
static int say_outside(const struct listing_options *o, struct clock_text *clock, int64_t first,
		       int64_t last, struct error *err)
{
	char *span = clock_text_span(clock, first, last);

	error_set(err, "%s%s%s%s%s is outside of the traces, which are %s",
		  o->begin ? "--begin " : "", o->begin ? o->begin : "",
		  o->begin && o->end ? " " : "", o->end ? "--end " : "", o->end ? o->end : "",
		  span);
	free(span);
	return LISTING_NO_TIME;
}

/*
 * That takes reading all of the traces, so it is asked when nothing was printed. Return: 0, or
 * LISTING_NO_TIME with err set.
 */
static int check_range(const struct listing *l, const struct listing_options *o, struct error *err)
{
	struct clock_text clock = o->clock;
	int64_t first = INT64_MAX, last = INT64_MIN;

	vec_each (m, &l->machines) {
		int64_t begin = recording_begin(m->recording), end = recording_last(m->recording);

		if (begin > end || (m->begin <= end && m->end >= begin))
			return 0;
		/* Those that count from the same are told of as one. */
		if (first > last)
			clock.origin = recording_origin(m->recording);
		if (clock.origin != recording_origin(m->recording))
			continue;
		first = begin < first ? begin : first;
		last = end > last ? end : last;
	}
	return first > last ? 0 : say_outside(o, &clock, first, last, err);
}

/* ---- all ------------------------------------------------------------------------------------- */

static void say_unknown_filters(const struct listing *l, const struct listing_options *o,
				FILE *messages)
{
	for (size_t i = 0; i < o->n_filters; i++) {
		struct listing_options one = {.filters = &o->filters[i], .n_filters = 1};
		bool any = false;

		vec_each (m, &l->machines) {
			bool *wanted = wanted_events(&one, m->recording);

			any |= memchr(wanted, true, m->recording->events.n) != NULL;
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
	struct input_options all = o->input;

	all.with_user_space = true;
	int r = session_open(&l->session, args, n_args, &all, err);

	/* A failure speaks of the first note itself. */
	if (!r || l->session.notes.n > 1)
		complain_session(messages, &l->session);
	if (r)
		return r;
	vec_each (recording, &l->session.recordings) {
		struct machine m = {.recording = *recording};

		r = read_range(l, &m, o, err);
		if (r)
			return r;
		m.wanted = wanted_events(o, *recording);
		open_sources(&m, display_name(&l->session, *recording, args, n_args));
		*vec_push(&l->machines) = m;
	}
	say_unknown_filters(l, o, messages);
	return 0;
}

static void listing_deinit(struct listing *l)
{
	vec_each (m, &l->machines) {
		for (size_t i = 0; i < m->recording->streams.n; i++)
			walk_free(m->sources[i].walk);
		free(m->sources);
		free(m->wanted);
	}
	vec_deinit(&l->machines);
	free(l->heap);
	session_deinit(&l->session);
}

/* Return: 0 or LISTING_DAMAGED. */
static int sum_up(const struct listing *l, FILE *messages)
{
	int worst = diag_worst(&l->session.diags);

	vec_each (m, &l->machines) {
		struct diag_list all = m->recording->diags;

		for (size_t i = 0; i < m->recording->streams.n; i++)
			diag_merge(&all, m->sources[i].walk->diags);
		complain_diags(messages, m->recording, &all);
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
		r = l.printed || !(o->begin || o->end) ? 0 : check_range(&l, o, err);
		if (!r)
			r = sum_up(&l, messages);
	}
	listing_deinit(&l);
	return r;
}
