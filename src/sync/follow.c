#include "sync/follow.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sync/limits.h"
#include "sync/track.h"

/* One CPU of the guest, and whose windows its events lie in. */
struct side {
	struct observed_events stream;
	size_t vcpu;
	VEC(struct sync_guest_event) events; /* of the chunk before, then of this one */
	size_t fresh;			     /* where this one begins */
};

struct guest {
	const struct observed_guest *of;
	struct sync_track track;
	const struct sync_fit *fit; /* in the second look, else NULL */
	struct sync_track *first;   /* then: what was found in the first */
	int64_t difference;	    /* ns, host - guest, somewhere in the trace */
	int64_t reach;		    /* ns: at the trace's begin it may be that far from there */
	VEC(struct side) sides;
	VEC(size_t) vcpus;
	struct sync_windows *windows; /* owned; by vCPU of the identity */
	size_t n_windows;
	size_t n_events;    /* in the chunk */
	size_t chunk;	    /* events that make it full */
	uint64_t left;	    /* events of its trace that no chunk has had */
	bool gap;	    /* it was silent while its vCPUs ran */
	int64_t gap_host;   /* host ns: when that began */
	uint64_t since_gap; /* events after that */
	int64_t reached;    /* guest ns: all before is in a chunk */
	bool lost;	    /* it could not be followed: the track is worth nothing */
};

static void guest_add_side(struct guest *g, const struct observed_machine *m, size_t vcpu,
			   int64_t guest_cpu)
{
	vec_each (c, &m->cpus) {
		if ((int64_t)c->cpu != guest_cpu)
			continue;
		struct side *s = vec_push(&g->sides);

		s->vcpu = vcpu;
		observed_events_init(&s->stream, m, c);
	}
}

/* What ran on a CPU that is missing lies in no window, wherever the clock is looked for. */
static bool guest_host_is_incomplete(const struct observed_guest *of)
{
	const struct identity *id = of->id;
	int host = id->vms.at[id->machines.at[of->machine].vm].host;
	const struct evidence *e = id->machines.at[host].evidence;

	vec_each (target, &e->targets) {
		if (evidence_is_missing(e, target))
			return true;
	}
	return false;
}

/* Return: guest ns of the first event that is in no chunk yet, INT64_MAX at the end. */
static int64_t next_event(const struct guest *g)
{
	int64_t next = INT64_MAX;

	vec_each (s, &g->sides) {
		if (!s->stream.at_end && s->stream.next.ts < next)
			next = s->stream.next.ts;
	}
	return next;
}

/* The span of what is followed: the machine's, or that of some of its CPUs. */
static void guest_set_span(struct guest *g)
{
	const struct observed_machine *m = &g->of->observed->machines[g->of->machine];
	int64_t first = next_event(g), last = INT64_MIN;

	vec_each (c, &m->cpus) {
		if (observed_guest_has(g->of, c->cpu) && c->events.records && c->events.last > last)
			last = c->events.last;
	}
	if (!g->of->cpus || first > last) {
		first = m->first_ns;
		last = m->last_ns;
	}
	struct sync_fit_options options = sync_fit_defaults(first, last);

	g->reach = (last - first) / 1000000 * FOLLOW_DRIFT_PPM + FOLLOW_LEAST_REACH;
	sync_track_init(&g->track, &options);
	g->track.vain = guest_host_is_incomplete(g->of);
}

static void guest_init(struct guest *g, const struct observed_guest *of, int64_t difference)
{
	const struct observed_machine *m = &of->observed->machines[of->machine];
	const struct identity *id = of->id;
	*g = (struct guest){.of = of,
			    .difference = difference,
			    .n_windows = id->vcpus.n,
			    .chunk = FOLLOW_FIRST_CHUNK,
			    .reached = INT64_MIN};
	g->windows = mem_zalloc(g->n_windows, sizeof(*g->windows));
	vec_each (c, &m->cpus)
		g->left += observed_guest_has(of, c->cpu) ? c->events.records : 0;
	for (size_t v = 0; v < id->vcpus.n; v++) {
		const struct ident_vcpu *vcpu = &id->vcpus.at[v];

		if (vcpu->vm != id->machines.at[of->machine].vm)
			continue;
		*vec_push(&g->vcpus) = v;
		if (observed_guest_has(of, vcpu->guest_cpu))
			guest_add_side(g, m, v, vcpu->guest_cpu);
	}
	guest_set_span(g);
}

static void guest_deinit(struct guest *g)
{
	vec_each (s, &g->sides) {
		vec_deinit(&s->events);
		observed_events_deinit(&s->stream);
	}
	vec_deinit(&g->sides);
	vec_deinit(&g->vcpus);
	for (size_t i = 0; i < g->n_windows; i++)
		vec_deinit(&g->windows[i].at);
	free(g->windows);
	sync_track_deinit(&g->track);
}

static int guest_vm(const struct guest *g)
{
	return g->of->id->machines.at[g->of->machine].vm;
}

static int guest_host(const struct guest *g)
{
	return g->of->id->vms.at[guest_vm(g)].host;
}

/* Those of its vCPUs, from host ns `from` on, or some earlier ones. */
static struct observed_windows *guest_windows(const struct guest *g, int64_t from)
{
	return observed_windows_new(g->of->observed, g->of->id, guest_host(g), guest_vm(g), from);
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

/* ---- windows --------------------------------------------------------------------------------- */

/* Return: index of the first window that does not end before host time t. */
static size_t first_window(const struct sync_windows *w, int64_t t)
{
	return sync_first_window(&(struct sync_thread){w->at.at, w->at.n}, t);
}

/* Forgets the windows that end before host time t, but for the last of them. */
static void drop_windows(struct sync_windows *w, int64_t t)
{
	size_t first = first_window(w, t);

	if (first < 2 || first - 1 < w->at.n / 2)
		return;
	w->at.n -= first - 1;
	memmove(w->at.at, &w->at.at[first - 1], w->at.n * sizeof(*w->at.at));
}

/* Where the difference may be at guest time t. */
static void range_at(const struct guest *f, int64_t t, int64_t *lowp, int64_t *highp)
{
	int64_t play = FOLLOW_PLAY;

	if (f->fit) {
		if (sync_fit_range(f->fit, t, lowp, highp))
			*lowp = *highp = clock_map_apply(&f->fit->map, t) - t;
	} else if (sync_track_range(&f->track, t, lowp, highp)) {
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
	range_at(g, t, &low, &high);
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

/* ---- gaps ------------------------------------------------------------------------------------ */

/*
 * Return: of the windows that begin in [from, to), how many ended for a cause; FOLLOW_GAP_WINDOWS
 * at most.
 */
static size_t count_causes(const struct guest *g, int64_t from, int64_t to)
{
	size_t n = 0;

	vec_each (s, &g->sides) {
		const struct sync_windows *w = &g->windows[s->vcpu];
		size_t i = first_window(w, from);

		for (; i < w->at.n && w->at.at[i].begin < to && n < FOLLOW_GAP_WINDOWS; i++)
			n += w->at.at[i].begin >= from && w->at.at[i].cause != SYNC_CAUSE_NONE;
	}
	return n;
}

/*
 * A guest whose clock is set forward seems to be silent for that long, while its vCPUs run as ever.
 * If there come few events after that, nothing may contradict that the clock went on as before.
 */
static void note_gap(struct guest *g, int64_t next, int64_t until)
{
	int64_t low, high;

	if (g->reached == INT64_MIN || next - g->reached < FOLLOW_SLICE)
		return;
	range_at(g, g->reached, &low, &high);
	if (next < until - low)
		until = next + low;
	if (count_causes(g, g->reached + high, until) < FOLLOW_GAP_WINDOWS)
		return;
	g->gap = true;
	g->gap_host = g->reached + low;
	g->since_gap = 0;
}

/* ---- chunks ---------------------------------------------------------------------------------- */

static void take_slice(struct guest *g, int64_t until)
{
	size_t n = 0;

	vec_each (s, &g->sides) {
		for (; !s->stream.at_end && s->stream.next.ts < until;
		     observed_events_step(&s->stream), n++)
			*vec_push(&s->events) = s->stream.next;
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
		const struct sync_windows *w = &g->windows[s->vcpu];

		vec_each (e, &s->events) {
			range_at(g, e->ts, &low, &high);
			if (!w->at.n || e->ts + low < w->at.at[0].begin ||
			    e->ts + high > w->at.at[w->at.n - 1].end)
				continue;
			from = e->ts < from ? e->ts : from;
			to = e->ts > to ? e->ts : to;
			n++;
		}
	}
	if (n)
		sync_track_skip(&g->track, from, to, n);
	drop_chunks(g);
}

/* A search that found nothing goes on with more events, up to a point. */
static void next_chunk(struct guest *g, bool found)
{
	bool following = g->track.following;
	size_t most = following ? FOLLOW_MAX_CHUNK : FOLLOW_MAX_FIRST_CHUNK;
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
		const struct sync_windows *w = &g->windows[s->vcpu];
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

/* anew: the clock was set before the chunk. */
static void compare(struct guest *g, bool anew)
{
	struct sync_cpu *cpus = mem_zalloc(2 * g->sides.n, sizeof(*cpus));
	struct sync_thread *threads = mem_zalloc(g->sides.n, sizeof(*threads));
	struct sync_pair *pairs = make_pairs(g, cpus, threads, false);
	struct sync_pair *longer = make_pairs(g, cpus + g->sides.n, threads, true);
	size_t n = g->sides.n;

	g->track.hasty = g->chunk < FOLLOW_MAX_FIRST_CHUNK;
	if (g->fit)
		sync_track_refine(g->first, g->fit, pairs, n);
	else
		next_chunk(g, anew ? !sync_track_anew(&g->track, pairs, n)
				   : !sync_track_chunk(&g->track, pairs,
						       has_chunk_before(g) ? longer : NULL, n));
	g->lost = !g->fit && sync_track_is_lost(&g->track, g->left);
	free(cpus);
	free(threads);
	free(pairs);
	free(longer);
	if (g->fit)
		drop_chunks(g);
	forget_windows(g);
}

static void compare_chunk(struct guest *g)
{
	compare(g, false);
}

/* Takes what happened before host time `until`, as far as the difference is known. */
static void advance(struct guest *g, int64_t until)
{
	while (!g->lost) {
		int64_t next = next_event(g), low, high;

		if (next == INT64_MAX)
			return;
		note_gap(g, next, until);
		next = (next > g->reached ? next : g->reached) + FOLLOW_SLICE;
		range_at(g, next, &low, &high);
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
	bool following = g->fit || g->track.following;

	if (count_windows(g) < (following ? FOLLOW_MAX_WINDOWS : FOLLOW_MAX_FIRST_WINDOWS))
		return;
	if (!following)
		g->chunk = FOLLOW_MAX_FIRST_CHUNK; /* there is no room for more */
	if (g->n_events) {
		compare_chunk(g);
	} else {
		drop_chunks(g);
		forget_windows(g);
	}
}

/*
 * Whether the clock may have been set forward so far that the events after that seem to come after
 * the host's.
 */
static bool may_have_strayed(const struct guest *g)
{
	return g->gap && g->since_gap < FOLLOW_AFTER_GAP && next_event(g) != INT64_MAX;
}

/*
 * Ends where the guest's events do, or a step later: then the last of them have windows behind
 * them.
 */
static void walk(struct guest *g, struct observed_windows *windows, int64_t from, int64_t step)
{
	bool more = true, ended = false;

	for (int64_t t = from; more && !g->lost && !ended; t += step) {
		ended = next_event(g) == INT64_MAX;
		more = observed_windows_read(windows, t, false, g->windows);
		advance(g, t);
		limit_windows(g);
	}
}

/*
 * Nothing that was read contradicts the line so far, for what came after the gap seems to lie
 * behind the host's end. So it is compared with the windows since the gap, whatever the difference
 * is, and followed from there.
 */
static void walk_behind_gap(struct guest *g)
{
	int64_t step = observed_windows_step(g->of->observed, guest_host(g), FOLLOW_STEP_WINDOWS);
	int64_t t = g->gap_host;
	struct observed_windows *windows = guest_windows(g, t);
	bool more = true;

	if (g->n_events)
		compare_chunk(g);
	drop_chunks(g);
	vec_each (v, &g->vcpus)
		g->windows[*v].at.n = 0;
	for (; more && count_windows(g) < FOLLOW_MAX_WINDOWS; t += step)
		more = observed_windows_read(windows, t, false, g->windows);
	while (g->n_events < FOLLOW_MAX_CHUNK && next_event(g) != INT64_MAX) {
		g->reached = next_event(g) + FOLLOW_SLICE;
		take_slice(g, g->reached);
	}
	compare(g, true);
	walk(g, windows, t, step);
	observed_windows_free(windows);
}

static void end_guest(struct guest *g, int64_t last)
{
	int64_t low, high;

	range_at(g, last, &low, &high);
	take_slice(g, last - low);
	g->chunk = FOLLOW_MAX_FIRST_CHUNK; /* there will be no more */
	if (g->n_events)
		compare_chunk(g);
	g->lost = may_have_strayed(g) || sync_track_is_lost(&g->track, 0);
}

/* Reads all of a guest, from the first windows that it may need on. */
static void walk_all(struct guest *g)
{
	const struct observed *o = g->of->observed;
	int host = guest_host(g);
	int64_t low, high, begin = o->machines[host].first_ns, first = next_event(g);

	if (first == INT64_MAX)
		return;
	range_at(g, first, &low, &high);
	begin = first + low > begin ? first + low : begin;
	struct observed_windows *windows = guest_windows(g, begin);

	walk(g, windows, begin, observed_windows_step(o, host, FOLLOW_STEP_WINDOWS));
	observed_windows_free(windows);
}

/* Return: whether it is worth being done once more. */
static bool look_again(struct guest *first, struct sync_fit *fit)
{
	struct guest g;

	guest_init(&g, first->of, first->difference);
	g.fit = fit;
	g.first = &first->track;
	g.chunk = FOLLOW_MAX_CHUNK;
	walk_all(&g);
	if (g.n_events)
		compare_chunk(&g);
	guest_deinit(&g);
	return sync_track_finish_again(&first->track, fit);
}

int sync_follow(const struct observed_guest *guest, int64_t difference, struct sync_fit *fit,
		struct sync_followed *followed)
{
	struct guest g;

	guest_init(&g, guest, difference);
	int64_t last = guest->observed->machines[guest_host(&g)].last_ns;

	walk_all(&g);
	note_gap(&g, next_event(&g), last);
	if (may_have_strayed(&g))
		walk_behind_gap(&g);
	end_guest(&g, last);
	int r = g.lost ? SYNC_NO_FIT : sync_track_finish(&g.track, fit);

	/*
	 * Chunks of a short recording say more when all is known; of a long one each says enough.
	 */
	for (int i = 0; !r && i < FOLLOW_MOST_LOOKS && g.track.chunks.n <= FOLLOW_MAX_AGAIN; i++) {
		if (!sync_track_can_refine(fit) || !look_again(&g, fit))
			break;
	}
	if (!r && g.track.chunks.n > FOLLOW_MAX_AGAIN) {
		vec_each (c, &g.track.chunks)
			*vec_push(&followed->chunks) = *c;
	}
	guest_deinit(&g);
	return r;
}
