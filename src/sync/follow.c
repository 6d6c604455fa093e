#include "sync/follow.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
	HOST_STEP = 8192,	     /* host events between two looks at the guests */
	SLICE = 20000000,	     /* guest ns that are read at once */
	FIRST_CHUNK = 8192,	     /* guest events: enough for a search */
	MAX_CHUNK = 32768,	     /* and for all others */
	MAX_FIRST_CHUNK = 131072,    /* of the search, when fewer did not do */
	MAX_WINDOWS = 131072,	     /* in a chunk: then it is full as well */
	MAX_FIRST_WINDOWS = 1048576, /* the same while searching */
	PLAY = 1000000,		     /* ns: that windows are kept for longer than needed */
	GAP_WINDOWS = 16,	     /* in which a guest that is not silent has events */
	AFTER_GAP = 1024,	     /* events: enough to tell that the clock was not set in it */
};

/* One stream of the guest, and whose windows its events lie in. */
struct side {
	struct guest_stream *stream;
	size_t vcpu;
	VEC(struct sync_guest_event) events; /* of the chunk before, then of this one */
	size_t fresh;			     /* where this one begins */
	size_t window;			     /* where the last look-up ended */
	bool begun;			     /* the first window has begun */
};

struct guest {
	struct followed *followed;
	struct guest_reader *reader;
	VEC(struct side) sides;
	VEC(size_t) vcpus;
	struct gathered_windows *windows; /* owned; by vCPU of the identity */
	size_t n_windows;
	size_t n_events;	 /* in the chunk */
	size_t chunk;		 /* events that make it full */
	uint64_t left;		 /* events of its trace that no chunk has had */
	bool gap;		 /* it was silent while its vCPUs ran */
	uint64_t since_gap;	 /* events after that */
	int64_t reached;	 /* guest ns: all before is in a chunk */
	int64_t complete;	 /* host ns: the windows that begin before it are there */
	struct worker_task step; /* take_step() */
};

static void free_windows(struct gathered_windows *windows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		vec_deinit(&windows[i].at);
	free(windows);
}

static void guest_init(struct guest *g, const struct recording *trace,
		       const struct identity *identity, int machine)
{
	*g = (struct guest){.n_windows = identity->vcpus.n,
			    .chunk = FIRST_CHUNK,
			    .reached = INT64_MIN,
			    .left = identity->machines.at[machine].evidence->n_events};
	g->windows = mem_zalloc(g->n_windows, sizeof(*g->windows));
	g->reader = guest_reader_new(trace, identity->machines.at[machine].evidence);
	for (size_t v = 0; v < identity->vcpus.n; v++) {
		const struct ident_vcpu *vcpu = &identity->vcpus.at[v];

		if (vcpu->vm != identity->machines.at[machine].vm)
			continue;
		*vec_push(&g->vcpus) = v;
		for (size_t i = 0; i < g->reader->n_streams; i++) {
			if ((int64_t)g->reader->streams[i].cpu == vcpu->guest_cpu)
				*vec_push(&g->sides) =
					(struct side){.stream = &g->reader->streams[i], .vcpu = v};
		}
	}
}

static void guest_deinit(struct guest *g)
{
	vec_each (s, &g->sides)
		vec_deinit(&s->events);
	vec_deinit(&g->sides);
	vec_deinit(&g->vcpus);
	free_windows(g->windows, g->n_windows);
	guest_reader_free(g->reader);
}

/* Return: guest ns of the first event that is in no chunk yet, INT64_MAX at the end. */
static int64_t next_event(const struct guest *g)
{
	int64_t next = INT64_MAX;

	vec_each (s, &g->sides) {
		if (!s->stream->at_end && s->stream->next.ts < next)
			next = s->stream->next.ts;
	}
	return next;
}

/* Return: guest ns of the first event that is not compared yet. */
static int64_t first_needed(const struct guest *g)
{
	int64_t first = next_event(g);

	vec_each (s, &g->sides) {
		if (s->events.n && s->events.at[0].ts < first)
			first = s->events.at[0].ts;
	}
	return first;
}

/* ---- windows ---------------------------------------------------------------------------------- */

/* Return: index of the first window that does not end before host time t. */
static size_t first_window(const struct gathered_windows *w, int64_t t)
{
	return sync_first_window(&(struct sync_thread){w->at.at, w->at.n}, t);
}

/* Forgets the windows that end before host time t, but for the last of them. */
static void drop_windows(struct gathered_windows *w, int64_t t)
{
	size_t first = first_window(w, t);

	if (first < 2 || first - 1 < w->at.n / 2)
		return;
	w->at.n -= first - 1;
	memmove(w->at.at, &w->at.at[first - 1], w->at.n * sizeof(*w->at.at));
}

/* Where the difference may be at guest time t. */
static void range_at(const struct followed *f, int64_t t, int64_t *lowp, int64_t *highp)
{
	int64_t play = PLAY;

	if (sync_track_range(&f->track, t, lowp, highp)) {
		*lowp = *highp = f->difference;
		play = f->reach;
	}
	*lowp -= play;
	*highp += play;
}

static void forget_windows(struct guest *g)
{
	int64_t t = first_needed(g), low, high;

	if (t == INT64_MAX) {
		vec_each (v, &g->vcpus)
			g->windows[*v].at.n = 0;
		return;
	}
	range_at(g->followed, t, &low, &high);
	vec_each (v, &g->vcpus)
		drop_windows(&g->windows[*v], t + low);
}

static size_t count_windows(const struct guest *g)
{
	size_t n = 0;

	vec_each (v, &g->vcpus)
		n += g->windows[*v].at.n;
	return n;
}

/* ---- gaps ------------------------------------------------------------------------------------- */

/* Return: of the windows that begin in [from, to), how many ended for a cause; GAP_WINDOWS at most. */
static size_t count_causes(const struct guest *g, int64_t from, int64_t to)
{
	size_t n = 0;

	vec_each (v, &g->vcpus) {
		const struct gathered_windows *w = &g->windows[*v];
		size_t i = first_window(w, from);

		for (; i < w->at.n && w->at.at[i].begin < to && n < GAP_WINDOWS; i++)
			n += w->at.at[i].begin >= from && w->at.at[i].cause != SYNC_CAUSE_NONE;
	}
	return n;
}

/*
 * A guest whose clock is set forward seems to be silent for that long, while its vCPUs run as ever. If there
 * come few events after that, nothing may contradict that the clock went on as before.
 */
static void note_gap(struct guest *g, int64_t next, int64_t until)
{
	int64_t low, high;

	if (g->reached == INT64_MIN || next - g->reached < SLICE)
		return;
	range_at(g->followed, g->reached, &low, &high);
	if (next < until - low)
		until = next + low;
	if (count_causes(g, g->reached + high, until) < GAP_WINDOWS)
		return;
	g->gap = true;
	g->since_gap = 0;
}

/* ---- chunks ----------------------------------------------------------------------------------- */

static void take_slice(struct guest *g, int64_t until)
{
	size_t n = 0;

	vec_each (s, &g->sides) {
		for (; !s->stream->at_end && s->stream->next.ts < until;
		     guest_stream_step(s->stream), n++)
			*vec_push(&s->events) = s->stream->next;
	}
	g->n_events += n;
	g->since_gap += n;
	g->left -= n < g->left ? n : g->left;
}

/* The chunk becomes the one before. */
static void retain_chunk(struct guest *g)
{
	vec_each (s, &g->sides) {
		s->events.n -= s->fresh;
		if (s->fresh)
			memmove(s->events.at, s->events.at + s->fresh,
				s->events.n * sizeof(*s->events.at));
		s->fresh = s->events.n;
	}
	g->n_events = 0;
}

static void drop_chunks(struct guest *g)
{
	vec_each (s, &g->sides)
		s->events.n = s->fresh = 0;
	g->n_events = 0;
}

/* Counts the events that fit nowhere although there were windows around them. */
static void skip_chunk(struct guest *g)
{
	int64_t from = INT64_MAX, to = INT64_MIN, low, high;
	uint64_t n = 0;

	vec_each (s, &g->sides) {
		const struct gathered_windows *w = &g->windows[s->vcpu];

		vec_each (e, &s->events) {
			range_at(g->followed, e->ts, &low, &high);
			if (!w->at.n || e->ts + low < w->at.at[0].begin ||
			    e->ts + high > w->at.at[w->at.n - 1].end)
				continue;
			from = e->ts < from ? e->ts : from;
			to = e->ts > to ? e->ts : to;
			n++;
		}
	}
	if (n)
		sync_track_skip(&g->followed->track, from, to, n);
	drop_chunks(g);
}

/* A search that found nothing goes on with more events, up to a point. */
static void next_chunk(struct guest *g, bool found)
{
	bool following = g->followed->track.following;
	size_t most = following ? MAX_CHUNK : MAX_FIRST_CHUNK;
	bool full = g->chunk >= most;

	g->chunk = g->chunk * 2 < most ? g->chunk * 2 : most;
	if (found || following)
		retain_chunk(g);
	else if (full)
		skip_chunk(g);
}

/* Pairs of the sides, with their events from the chunk before on, or only those of this one. */
static struct sync_pair *make_pairs(struct guest *g, struct sync_cpu *cpus,
				    struct sync_thread *threads, bool longer)
{
	struct sync_pair *pairs = mem_zalloc(g->sides.n, sizeof(*pairs));

	for (size_t i = 0; i < g->sides.n; i++) {
		const struct side *s = &g->sides.at[i];
		const struct gathered_windows *w = &g->windows[s->vcpu];
		size_t first = longer ? 0 : s->fresh;

		cpus[i].n = s->events.n - first;
		cpus[i].events = cpus[i].n ? &s->events.at[first] : NULL;
		threads[i] = (struct sync_thread){.windows = w->at.at, .n = w->at.n};
		pairs[i] = (struct sync_pair){.cpu = &cpus[i], .thread = &threads[i]};
	}
	return pairs;
}

static bool has_chunk_before(const struct guest *g)
{
	vec_each (s, &g->sides) {
		if (s->fresh)
			return true;
	}
	return false;
}

static void compare_chunk(struct guest *g)
{
	struct sync_cpu *cpus = mem_zalloc(2 * g->sides.n, sizeof(*cpus));
	struct sync_thread *threads = mem_zalloc(g->sides.n, sizeof(*threads));
	struct sync_pair *pairs = make_pairs(g, cpus, threads, false);
	struct sync_pair *longer = make_pairs(g, cpus + g->sides.n, threads, true);
	struct sync_track *track = &g->followed->track;

	next_chunk(g, !sync_track_chunk(track, pairs, has_chunk_before(g) ? longer : NULL,
					g->sides.n));
	g->followed->lost = sync_track_is_lost(track, g->left);
	free(cpus);
	free(threads);
	free(pairs);
	free(longer);
	forget_windows(g);
}

/* Takes what happened before host time `until`, as far as the difference is known. */
static void advance(struct guest *g, int64_t until)
{
	while (!g->followed->lost) {
		int64_t next = next_event(g), low, high;

		if (next == INT64_MAX)
			return;
		note_gap(g, next, until);
		next = (next > g->reached ? next : g->reached) + SLICE;
		range_at(g->followed, next, &low, &high);
		if (next + high >= until)
			return;
		g->reached = next;
		take_slice(g, next);
		if (g->n_events >= g->chunk)
			compare_chunk(g);
	}
}

/* Windows that no guest event needs must not pile up, nor those of a chunk that hardly grows. */
static void limit_windows(struct guest *g)
{
	bool following = g->followed->track.following;

	if (count_windows(g) < (following ? MAX_WINDOWS : MAX_FIRST_WINDOWS))
		return;
	if (!following)
		g->chunk = MAX_FIRST_CHUNK; /* there is no room for more */
	if (g->n_events) {
		compare_chunk(g);
	} else {
		drop_chunks(g);
		forget_windows(g);
	}
}

/* Whether the clock may have been set forward so far that the events after that seem to come after the host's. */
static bool may_have_strayed(const struct guest *g)
{
	return g->gap && g->since_gap < AFTER_GAP && next_event(g) != INT64_MAX;
}

static void take_step(void *guest)
{
	struct guest *g = guest;

	advance(g, g->complete);
	limit_windows(g);
}

/* Guests have nothing to do with each other, nor with what is read next of the host. */
static void begin_steps(struct guest *guests, size_t n, int64_t complete, struct worker *helper)
{
	for (size_t i = 0; i < n; i++) {
		guests[i].complete = complete;
		if (helper)
			worker_begin(helper, &guests[i].step);
		else
			take_step(&guests[i]);
	}
}

static void finish_steps(struct guest *guests, size_t n, struct worker *helper)
{
	for (size_t i = n; helper && i--;)
		worker_finish(helper, &guests[i].step);
}

static void end_guest(struct guest *g, int64_t last)
{
	int64_t low, high;

	note_gap(g, next_event(g), last);
	range_at(g->followed, last, &low, &high);
	take_slice(g, last - low);
	g->chunk = MAX_FIRST_CHUNK; /* there will be no more */
	if (g->n_events)
		compare_chunk(g);
	g->followed->lost = may_have_strayed(g) || sync_track_is_lost(&g->followed->track, 0);
}

static int64_t last_of(const struct evidence *e)
{
	int64_t last = INT64_MIN;

	vec_each (cpu, &e->cpus)
		last = cpu->last_ns > last ? cpu->last_ns : last;
	return last;
}

/* Gives the guests their vCPUs' windows that were read last. Those of others are needed no more. */
static void hand_over(struct gathered_windows *fresh, size_t n_vcpus, struct guest *guests,
		      size_t n)
{
	for (size_t i = 0; i < n; i++) {
		vec_each (v, &guests[i].vcpus) {
			struct gathered_windows *w = &guests[i].windows[*v];

			if (guests[i].followed->lost)
				w->at.n = 0;
			else
				vec_each (window, &fresh[*v].at)
					gathered_windows_add(w, window);
		}
	}
	for (size_t v = 0; v < n_vcpus; v++)
		fresh[v].at.n = 0;
}

void follow_guests(struct recording *const *traces, const struct identity *identity, int host,
		   struct followed *followed, size_t n, struct worker *helper)
{
	struct gathered_windows *fresh = mem_zalloc(identity->vcpus.n, sizeof(*fresh));
	struct guest *guests = mem_zalloc(n, sizeof(*guests));
	struct window_reader *reader =
		window_reader_new(traces[host], identity, host, fresh, INT64_MIN);
	bool more = true;

	for (size_t i = 0; i < n; i++) {
		guest_init(&guests[i], traces[followed[i].machine], identity, followed[i].machine);
		guests[i].followed = &followed[i];
		guests[i].step = (struct worker_task){.run = take_step, .ctx = &guests[i]};
	}
	while (more) {
		more = window_reader_read(reader, INT64_MAX, HOST_STEP);
		finish_steps(guests, n, helper);
		hand_over(fresh, identity->vcpus.n, guests, n);
		if (more)
			begin_steps(guests, n, window_reader_complete(reader), helper);
	}
	for (size_t i = 0; i < n; i++) {
		end_guest(&guests[i], last_of(identity->machines.at[host].evidence));
		guest_deinit(&guests[i]);
	}
	window_reader_free(reader);
	free(guests);
	free_windows(fresh, identity->vcpus.n);
}

/* ---- counting --------------------------------------------------------------------------------- */

struct count {
	const struct clock_map *map;
	uint64_t n_events;
	uint64_t *outside_of_piece;
};

/* The windows of all other VMs. */
static void drop_others(struct guest *g, const struct identity *identity)
{
	for (size_t v = 0; v < g->n_windows; v++) {
		if (identity->vcpus.at[v].vm != identity->machines.at[g->followed->machine].vm)
			g->windows[v].at.n = 0;
	}
}

/*
 * The side's events before host time `until`. What comes after the last window waits for one more.
 */
static void count_side(struct count *c, const struct guest *g, struct side *s, int64_t until)
{
	const struct gathered_windows *w = &g->windows[s->vcpu];

	for (; !s->stream->at_end; guest_stream_step(s->stream)) {
		const struct clock_piece *p = clock_map_piece(c->map, s->stream->next.ts);
		int64_t at = clock_piece_apply(p, s->stream->next.ts);

		if (at >= until)
			return;
		while (s->window < w->at.n && w->at.at[s->window].end < at)
			s->window++;
		if (s->window == w->at.n)
			return;
		bool outside = at < w->at.at[s->window].begin;

		s->begun |= !outside || s->window;
		c->n_events += s->begun;
		c->outside_of_piece[p - c->map->pieces] += outside && s->begun;
	}
}

/* Forgets the windows that no side needs any more. */
static void drop_passed(struct guest *g, size_t vcpu)
{
	struct gathered_windows *w = &g->windows[vcpu];
	size_t passed = w->at.n;

	vec_each (s, &g->sides) {
		if (s->vcpu == vcpu && !s->stream->at_end && s->window < passed)
			passed = s->window;
	}
	if (passed < w->at.n / 2)
		return;
	w->at.n -= passed;
	memmove(w->at.at, w->at.at + passed, w->at.n * sizeof(*w->at.at));
	vec_each (s, &g->sides) {
		if (s->vcpu == vcpu)
			s->window -= s->window < passed ? s->window : passed;
	}
}

static void count_before(struct count *c, struct guest *g, int64_t until)
{
	vec_each (s, &g->sides)
		count_side(c, g, s, until);
	vec_each (v, &g->vcpus) {
		if (g->windows[*v].at.n)
			drop_passed(g, *v);
	}
}

void follow_count_outside(struct recording *const *traces, const struct identity *identity,
			  int machine, const struct clock_map *map, uint64_t *n_eventsp,
			  uint64_t *outside_of_piece)
{
	int host = identity->vms.at[identity->machines.at[machine].vm].host;
	struct count c = {.map = map, .outside_of_piece = outside_of_piece};
	struct followed alone = {.machine = machine};
	struct guest g;

	guest_init(&g, traces[machine], identity, machine);
	g.followed = &alone;
	struct window_reader *reader =
		window_reader_new(traces[host], identity, host, g.windows, INT64_MIN);

	while (window_reader_read(reader, INT64_MAX, HOST_STEP)) {
		count_before(&c, &g, window_reader_complete(reader));
		drop_others(&g, identity);
	}
	count_before(&c, &g, INT64_MAX);
	*n_eventsp = c.n_events;
	window_reader_free(reader);
	guest_deinit(&g);
}
