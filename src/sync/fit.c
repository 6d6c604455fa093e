#include "sync/fit.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "sync/limits.h"

/* A stretch of bounds that one line satisfies; [first, end) as found, [core_first, core_end) to
 * use. */
struct segment {
	size_t first, end;
	size_t core_first, core_end;
	bool bent; /* ended by a contradiction, not by its length */
};

struct scan {
	const struct sync_bound *bounds;
	size_t n;
	const struct sync_fit_options *options;
	uint8_t *dropped; /* by bound */
	VEC(struct segment) segments;
	struct sync_hull hull, fresh;
};

struct sync_fit_options sync_fit_defaults(int64_t begin, int64_t end)
{
	return (struct sync_fit_options){
		.begin = begin,
		.end = end,
		.max_drift_ppb = 1000000,
		.max_span = INT64_C(60000000000),
		.drop_false = true,
	};
}

/*
 * Bound i contradicts the line so far. Either it is false, or the clock bends there. Follow both
 * hypotheses: the old line without it, and a new line from it on. Whichever contradicts itself
 * first is wrong (the old line, told by many bounds, may leave out FIT_MAX_FALSE - 1 of them). If
 * the end comes first the bounds are believed, unless what is left of them makes no line.
 *
 * Return: i when the clock bends there, else the index of the next bound to take.
 */
static size_t settle_contradiction(struct scan *s, size_t i)
{
	size_t rejected[FIT_MAX_FALSE] = {i}, n_rejected = 1, k = i + 1;

	sync_hull_reset(&s->fresh, s->options->max_drift_ppb);
	bool hypothesis = !sync_hull_add(&s->fresh, &s->bounds[i]);
	while (hypothesis && k < s->n) {
		if (sync_hull_add(&s->hull, &s->bounds[k]))
			rejected[n_rejected++] = k;
		if (n_rejected == FIT_MAX_FALSE)
			return i;
		hypothesis = !sync_hull_add(&s->fresh, &s->bounds[k++]);
	}
	if (hypothesis && sync_hull_closed(&s->fresh))
		return i;
	while (n_rejected)
		s->dropped[rejected[--n_rejected]] = 1;
	return k;
}

/* Takes bounds from `first` on into one segment. Return: where the next begins. */
static size_t take_segment(struct scan *s, size_t first)
{
	struct segment *segment = vec_push(&s->segments);
	int64_t last = s->bounds[first].at + s->options->max_span;
	size_t i = first, next;

	sync_hull_reset(&s->hull, s->options->max_drift_ppb);
	while (i < s->n && s->bounds[i].at <= last && !segment->bent) {
		if (!sync_hull_add(&s->hull, &s->bounds[i])) {
			i++;
			continue;
		}
		next = s->options->drop_false || i == first ? settle_contradiction(s, i) : i;
		segment->bent = next == i;
		i = next;
	}
	segment->first = segment->core_first = first;
	segment->end = segment->core_end = i;
	return i;
}

static struct sync_bound mirrored(struct sync_bound b)
{
	b.at = -b.at;
	return b;
}

/* Return: the first bound that the line of `later` explains too, going back into `earlier`. */
static size_t reach_back(struct scan *s, const struct segment *earlier, const struct segment *later)
{
	size_t i = later->core_end;

	sync_hull_reset(&s->hull, s->options->max_drift_ppb);
	while (i > earlier->first) {
		struct sync_bound b = mirrored(s->bounds[i - 1]);

		if (!s->dropped[i - 1] && sync_hull_add(&s->hull, &b))
			break;
		i--;
	}
	return i < later->first ? i : later->first;
}

static bool has_both_sides(const struct scan *s, size_t first, size_t end)
{
	bool seen[2] = {false, false};

	for (size_t i = first; i < end && !(seen[0] && seen[1]); i++)
		seen[s->bounds[i].side] |= !s->dropped[i];
	return seen[0] && seen[1];
}

/*
 * Leaves to each segment only the bounds that are surely its own, if some are left then. From the
 * last on: what is surely the later's own tells what may be the earlier's.
 */
static void find_cores(struct scan *s)
{
	for (size_t i = s->segments.n - 1; i > 0; i--) {
		struct segment *a = &s->segments.at[i - 1], *b = a + 1;

		if (!a->bent)
			continue;
		size_t end = reach_back(s, a, b);
		if (end > a->core_first && has_both_sides(s, a->core_first, end))
			a->core_end = end;
	}
}

static void fill_hull(const struct scan *s, struct sync_hull *h, const struct segment *segment)
{
	sync_hull_init(h, s->options->max_drift_ppb);
	for (size_t i = segment->core_first; i < segment->core_end; i++)
		if (!s->dropped[i])
			sync_hull_add(h, &s->bounds[i]);
}

/* The line of a closed hull, as a piece that starts at `from`. */
static struct clock_piece middle_line(const struct sync_hull *h, int64_t from)
{
	struct clock_piece p = {.from = from, .error = CLOCK_ERROR_UNKNOWN};

	sync_hull_middle(h, from, &p.offset, &p.drift);
	return p;
}

static int64_t max(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t min(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t difference_at(const struct clock_piece *p, int64_t t)
{
	return clock_piece_apply(p, t) - t;
}

/* How far p is from the edges of h at t. Both are convex in t: the ends of a piece decide. */
static int64_t error_at(const struct clock_piece *p, const struct sync_hull *h, int64_t t)
{
	int64_t low, high, middle = difference_at(p, t);

	sync_hull_range(h, t, &low, &high);
	return max(high - middle, middle - low);
}

static int64_t piece_error(const struct clock_piece *p, const struct sync_hull *h)
{
	int64_t last = p->to > p->from ? p->to - 1 : p->from;

	if (!sync_hull_closed(h))
		return CLOCK_ERROR_UNKNOWN;
	/* a ns for what rounding adds between the ends */
	return max(error_at(p, h, p->from), error_at(p, h, last)) + 1;
}

static int64_t worse(int64_t a, int64_t b)
{
	return a < 0 || b < 0 ? CLOCK_ERROR_UNKNOWN : max(a, b);
}

struct builder {
	const struct scan *scan;
	struct sync_fit *fit;
	bool bends; /* the clock was seen to */
	VEC(struct clock_piece) map;
	VEC(struct sync_fit_piece) pieces;
};

/* Where a hull has no line, the one before it that has (else the one after) must do. */
static const struct sync_hull *line_hull(const struct sync_fit *f, size_t hull)
{
	size_t i = hull;

	while (i > 0 && !sync_hull_closed(&f->hulls[i]))
		i--;
	while (i + 1 < f->n_hulls && !sync_hull_closed(&f->hulls[i]))
		i++;
	return &f->hulls[i];
}

/* ---- turns that contradict no bound ---- */

/*
 * The clock may run faster or slower than a line by `rise` at any time. Then a bound still tells
 * something of the times around it, the less the farther they are.
 */
struct reach {
	const struct scan *scan;
	const struct clock_piece *line;
	size_t first, end; /* bounds to use */
	double rise;
};

/* How far above (below) the line bound i lets the truth be; lets it be anywhere: INFINITY. */
static double room(const struct reach *r, size_t i, enum sync_side side)
{
	const struct sync_bound *b = &r->scan->bounds[i];
	double d = (double)(b->value - difference_at(r->line, b->at));

	if (b->side != side || r->scan->dropped[i])
		return INFINITY;
	return side == SYNC_UPPER ? d : -d;
}

static double rise_between(const struct reach *r, size_t i, size_t k)
{
	return r->rise * (double)(r->scan->bounds[k].at - r->scan->bounds[i].at);
}

/* Into rooms: how far from the line all bounds together let the truth be, at the time of each. */
static void find_rooms(const struct reach *r, enum sync_side side, double *rooms)
{
	size_t n = r->end - r->first;

	for (size_t i = 0; i < n; i++) {
		rooms[i] = room(r, r->first + i, side);
		if (i)
			rooms[i] = fmin(rooms[i], rooms[i - 1] + rise_between(r, r->first + i - 1,
									      r->first + i));
	}
	for (size_t i = n - 1; i-- > 0;)
		rooms[i] = fmin(rooms[i],
				rooms[i + 1] + rise_between(r, r->first + i, r->first + i + 1));
}

/* The most room that there is anywhere in the line's piece. */
static double most_room(const struct reach *r, const double *rooms)
{
	const struct sync_bound *b = &r->scan->bounds[r->first];
	const struct clock_piece *p = r->line;
	size_t n = r->end - r->first;
	double most = 0;

	if (p->from < b[0].at)
		most = rooms[0] + r->rise * (double)(b[0].at - p->from);
	if (p->to > b[n - 1].at)
		most = fmax(most, rooms[n - 1] + r->rise * (double)(p->to - b[n - 1].at));
	for (size_t i = 0; i + 1 < n; i++) {
		double rise = rise_between(r, r->first + i, r->first + i + 1);

		if (b[i + 1].at >= p->from && b[i].at < p->to)
			most = fmax(most, (rooms[i] + rooms[i + 1] + rise) / 2);
	}
	return most;
}

/* Return: ns that the truth may be from the line anywhere in its piece. */
static int64_t reach_error(const struct reach *r)
{
	double *rooms = mem_alloc((r->end - r->first) * sizeof(*rooms));
	double most = 0;

	for (int side = SYNC_LOWER; side <= SYNC_UPPER; side++) {
		find_rooms(r, (enum sync_side)side, rooms);
		most = fmax(most, most_room(r, rooms));
	}
	free(rooms);
	return (int64_t)ceil(fmin(most, FIT_MAX_ROOM));
}

/* What a bend in a piece can do without contradicting a bound: about the width of the corridor. */
static int64_t unseen_bend(const struct sync_hull *h, const struct clock_piece *p)
{
	int64_t low, high;

	sync_hull_range(h, p->from + (p->to - p->from) / 2, &low, &high);
	return high - low;
}

/* By how much the speed surely changes from one hull's line to the next one's. */
static double sure_turn(const struct sync_hull *a, const struct sync_hull *b)
{
	struct clock_piece p, q;

	if (!sync_hull_closed(a) || !sync_hull_closed(b))
		return 0;
	p = middle_line(a, 0);
	q = middle_line(b, 0);
	return fmax(0, fabs(p.drift - q.drift) - sync_hull_play(a) - sync_hull_play(b));
}

/* How fast the truth may leave the line of a hull, unseen. */
static double unseen_rise(const struct builder *b, size_t hull)
{
	const struct segment *s = &b->scan->segments.at[hull];
	const struct sync_hull *h = &b->fit->hulls[hull];
	double length = (double)(b->scan->bounds[s->end - 1].at - b->scan->bounds[s->first].at);
	double rise = fmin(FIT_MAX_UNSEEN_PPB * 1e-9, FIT_UNSEEN_TURN / fmax(length, 1));

	if (hull > 0)
		rise = fmax(rise, sure_turn(h - 1, h));
	if (hull + 1 < b->fit->n_hulls)
		rise = fmax(rise, sure_turn(h, h + 1));
	return rise;
}

/*
 * What a turn that no bound contradicts adds to the error of a hull's own line in [from, to). The
 * bounds around the hull's count, too.
 */
static int64_t unseen_error(const struct builder *b, size_t hull, int64_t from, int64_t to)
{
	const struct segment *s = &b->scan->segments.at[hull];
	const struct sync_hull *h = &b->fit->hulls[hull];
	size_t first = hull ? s[-1].core_end : s->first;

	if (!sync_hull_closed(h))
		return 0;
	struct clock_piece line = middle_line(h, from);
	line.to = to;
	int64_t error =
		reach_error(&(struct reach){b->scan, &line, first, s->end, unseen_rise(b, hull)});
	int64_t more = max(0, error - piece_error(&line, h));

	return b->bends ? more + unseen_bend(h, &line) : more;
}

/*
 * By how much a piece's line is wrong at most if the line of a hull holds, give or take `unseen`.
 */
static int64_t error_by(const struct builder *b, const struct clock_piece *p, size_t hull,
			int64_t unseen)
{
	int64_t error = piece_error(p, &b->fit->hulls[hull]);

	return error == CLOCK_ERROR_UNKNOWN ? error : error + unseen;
}

/* Appends [from, to) with the line of hulls[hull], its error covering hulls[other] as well. */
static void add_piece(struct builder *b, int64_t from, int64_t to, size_t hull, size_t other)
{
	struct sync_fit_piece of = {.hull = hull, .other = other};

	if (to <= from)
		return;
	struct clock_piece p = middle_line(line_hull(b->fit, hull), from);
	p.to = to;
	of.unseen = unseen_error(b, hull, from, to);
	of.other_unseen = hull == other ? of.unseen : unseen_error(b, other, from, to);
	p.error = worse(error_by(b, &p, hull, of.unseen), error_by(b, &p, other, of.other_unseen));
	if (!b->bends && to - from > FIT_SETTLED)
		of.unseen = of.other_unseen = 0;
	*vec_push(&b->map) = p;
	*vec_push(&b->pieces) = of;
}

/* Where in [from, to] to change lines: where they cross, for a bend; else (a step) in the middle.
 */
static int64_t crossing(const struct sync_hull *a, const struct sync_hull *b, int64_t from,
			int64_t to)
{
	struct clock_piece p = middle_line(a, from), q = middle_line(b, from);
	double at = (double)(q.offset - p.offset) / (p.drift - q.drift);

	if (isfinite(at) && at >= 0 && at <= (double)(to - from))
		return from + (int64_t)at;
	return from + (to - from) / 2;
}

static void add_bend(struct builder *b, size_t i, int64_t from, int64_t to)
{
	int64_t change = crossing(line_hull(b->fit, i), line_hull(b->fit, i + 1), from, to);

	add_piece(b, from, change, i, i + 1);
	add_piece(b, change, to, i + 1, i);
}

static void build_pieces(struct builder *b)
{
	const struct scan *s = b->scan;
	int64_t from = s->options->begin;

	if (from > s->bounds[0].at)
		from = s->bounds[0].at;
	for (size_t i = 0; i < s->segments.n; i++) {
		const struct segment *segment = &s->segments.at[i];

		if (i + 1 == s->segments.n) {
			add_piece(b, from, max(s->options->end, s->bounds[s->n - 1].at) + 1, i, i);
			return;
		}
		int64_t next = s->bounds[segment->end].at;
		int64_t to = segment->bent ? s->bounds[segment->core_end - 1].at + 1 : next;

		add_piece(b, from, to, i, i);
		add_bend(b, i, max(to, from), next);
		from = max(next, from);
	}
}

/* A bound with a whole ns of play is satisfied: the line is rounded. */
static bool satisfies(const struct clock_piece *p, const struct sync_bound *b)
{
	int64_t d = difference_at(p, b->at);

	return b->side == SYNC_UPPER ? d <= b->value + 1 : d >= b->value - 1;
}

/*
 * A bound was left out: if it is not far off, by what the error was without any such, it may be
 * true, and the clock turned.
 */
static void cover_dropped(struct clock_piece *p, const struct sync_bound *b, int64_t error)
{
	int64_t off = llabs(difference_at(p, b->at) - b->value);

	if (error != CLOCK_ERROR_UNKNOWN && off / FIT_FAR_OFF <= error)
		p->error = max(p->error, off);
}

static void count_bounds(struct sync_fit *f, const struct scan *s)
{
	struct clock_piece *p = f->map.pieces, *last = p + f->map.n_pieces - 1;
	int64_t error = p->error;

	for (size_t i = 0; i < s->n; i++) {
		while (p < last && s->bounds[i].at >= p->to)
			error = (++p)->error;
		bool violated = s->dropped[i] || !satisfies(p, &s->bounds[i]);

		if (s->dropped[i])
			cover_dropped(p, &s->bounds[i], error);
		p->constraints++;
		p->violations += violated;
		f->violations += violated;
		f->dropped += s->dropped[i];
	}
	f->constraints = s->n;
}

void sync_fit_deinit(struct sync_fit *f)
{
	for (size_t i = 0; i < f->n_hulls; i++)
		sync_hull_deinit(&f->hulls[i]);
	free(f->hulls);
	free(f->pieces);
	clock_map_deinit(&f->map);
	*f = (struct sync_fit){0};
}

static int build_fit(struct sync_fit *f, const struct scan *s)
{
	struct builder b = {.scan = s, .fit = f};

	f->n_hulls = s->segments.n;
	f->hulls = mem_zalloc(f->n_hulls, sizeof(*f->hulls));
	for (size_t i = 0; i < f->n_hulls; i++)
		fill_hull(s, &f->hulls[i], &s->segments.at[i]);
	if (!sync_hull_closed(line_hull(f, 0))) {
		sync_fit_deinit(f);
		return SYNC_NO_FIT;
	}
	vec_each (segment, &s->segments)
		b.bends |= segment->bent;
	build_pieces(&b);
	f->map = (struct clock_map){b.map.at, b.map.n};
	f->pieces = b.pieces.at;
	count_bounds(f, s);
	return 0;
}

int sync_fit_init(struct sync_fit *f, const struct sync_bound *bounds, size_t n,
		  const struct sync_fit_options *o)
{
	struct scan s = {.bounds = bounds, .n = n, .options = o};

	*f = (struct sync_fit){0};
	if (!n)
		return SYNC_NO_FIT;
	s.dropped = mem_zalloc(n, 1);
	sync_hull_init(&s.hull, o->max_drift_ppb);
	sync_hull_init(&s.fresh, o->max_drift_ppb);
	for (size_t i = 0; i < n;)
		i = take_segment(&s, i);
	find_cores(&s);
	int rc = build_fit(f, &s);
	sync_hull_deinit(&s.hull);
	sync_hull_deinit(&s.fresh);
	vec_deinit(&s.segments);
	free(s.dropped);
	return rc;
}

void sync_fit_doubt(struct sync_fit *f)
{
	f->doubtful = true;
	sync_fit_doubt_between(f, INT64_MIN, INT64_MAX);
}

void sync_fit_doubt_between(struct sync_fit *f, int64_t from, int64_t to)
{
	for (size_t i = 0; i < f->map.n_pieces; i++) {
		struct clock_piece *p = &f->map.pieces[i];

		if ((i == 0 || p->from <= to) && (i + 1 == f->map.n_pieces || p->to > from))
			p->error = CLOCK_ERROR_UNKNOWN;
	}
}

int sync_fit_range(const struct sync_fit *f, int64_t t, int64_t *lowp, int64_t *highp)
{
	const struct clock_piece *piece = clock_map_piece(&f->map, t);
	const struct sync_fit_piece *p = &f->pieces[piece - f->map.pieces];
	const struct sync_hull *a = &f->hulls[p->hull], *b = &f->hulls[p->other];
	int64_t low, high;

	if (piece->error == CLOCK_ERROR_UNKNOWN || !sync_hull_closed(a) || !sync_hull_closed(b))
		return SYNC_NO_FIT;
	sync_hull_range(a, t, lowp, highp);
	sync_hull_range(b, t, &low, &high);
	*lowp = min(*lowp - p->unseen, low - p->other_unseen);
	*highp = max(*highp + p->unseen, high + p->other_unseen);
	return 0;
}

int64_t sync_fit_width(const struct sync_fit *f, int64_t t)
{
	int64_t low, high;

	return sync_fit_range(f, t, &low, &high) ? CLOCK_ERROR_UNKNOWN : high - low;
}

double sync_fit_errors(const struct sync_fit *f, double unknown)
{
	double sum = 0;

	for (size_t i = 0; i < f->map.n_pieces; i++) {
		const struct clock_piece *p = &f->map.pieces[i];
		double error = p->error == CLOCK_ERROR_UNKNOWN ? unknown : (double)p->error;

		sum += error * (double)(p->to - p->from);
	}
	return sum;
}
