#include "sync/step.h"

#include <stdlib.h>

#include "base/mem.h"

/* Two pieces of a fit between which its clock was set, and the stretch in which both lines hold. */
struct step {
	size_t before, after; /* pieces */
	int64_t from, to;     /* guest ns */
};

/* Where a hull lets the difference be. */
struct story {
	const struct sync_hull *hull;
	int64_t play; /* ns, for turns that were not seen: as much as its corridor is wide */
};

static struct story story_of(const struct sync_fit *f, size_t piece, int64_t t)
{
	struct story s = {.hull = &f->hulls[f->pieces[piece].hull]};
	int64_t low, high;

	sync_hull_range(s.hull, t, &low, &high);
	s.play = high - low;
	return s;
}

/*
 * Whether by the story the event at t happened in a window. Before the first and after the last one it may
 * have happened as well, but then the other line, which has a window for it, knows better.
 */
static bool explains(const struct story *s, const struct sync_thread *thread, int64_t t)
{
	int64_t low, high;

	sync_hull_range(s->hull, t, &low, &high);
	size_t i = sync_first_window(thread, t + low - s->play);
	return i < thread->n && thread->windows[i].begin <= t + high + s->play;
}

static size_t first_event_after(const struct sync_cpu *cpu, int64_t t)
{
	size_t low = 0, high = cpu->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (cpu->events[middle].ts < t)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Return: behind the last event before t, but not before `least`, that the story does not explain. */
static int64_t look_back(const struct story *s, const struct sync_pair *p, int64_t t, int64_t least)
{
	for (size_t i = first_event_after(p->cpu, t); i > 0; i--) {
		int64_t at = p->cpu->events[i - 1].ts;

		if (at < least)
			break;
		if (!explains(s, p->thread, at))
			return at + 1;
	}
	return least;
}

/* Return: the first event from t on, up to `most`, that the story does not explain. */
static int64_t look_ahead(const struct story *s, const struct sync_pair *p, int64_t t, int64_t most)
{
	for (size_t i = first_event_after(p->cpu, t); i < p->cpu->n; i++) {
		int64_t at = p->cpu->events[i].ts;

		if (at >= most)
			break;
		if (!explains(s, p->thread, at))
			return at;
	}
	return most;
}

/* Return: whether the step's stretch grew. */
static bool widen(const struct sync_fit *f, struct step *s, const struct sync_pair *pairs,
		  size_t n_pairs)
{
	struct story old = story_of(f, s->before, s->from), new = story_of(f, s->after, s->to);
	int64_t from = f->map.pieces[s->before].from, to = f->map.pieces[s->after].to;

	for (size_t i = 0; i < n_pairs; i++) {
		from = look_back(&new, &pairs[i], s->from, from);
		to = look_ahead(&old, &pairs[i], s->to, to);
	}
	if (from == s->from && to == s->to)
		return false;
	s->from = from;
	s->to = to;
	return true;
}

/* Whether no difference at t is one of both hulls. */
static bool is_apart(const struct sync_hull *a, const struct sync_hull *b, int64_t t)
{
	int64_t low_a, high_a, low_b, high_b;

	sync_hull_range(a, t, &low_a, &high_a);
	sync_hull_range(b, t, &low_b, &high_b);
	return high_a < low_b || high_b < low_a;
}

static bool is_of_one(const struct sync_fit *f, size_t piece)
{
	const struct sync_fit_piece *p = &f->pieces[piece];

	return p->hull == p->other && sync_hull_closed(&f->hulls[p->hull]);
}

/* Return: whether there is a step behind piece `before`. */
static bool find_step(const struct sync_fit *f, size_t before, struct step *s)
{
	size_t after = before + 1;

	while (after < f->map.n_pieces && f->pieces[after].hull != f->pieces[after].other)
		after++;
	if (!is_of_one(f, before) || after == f->map.n_pieces || !is_of_one(f, after))
		return false;
	*s = (struct step){before, after, f->map.pieces[before].to, f->map.pieces[after].from};
	return is_apart(&f->hulls[f->pieces[before].hull], &f->hulls[f->pieces[after].hull],
			s->from);
}

struct pieces {
	VEC(struct clock_piece) map;
	VEC(struct sync_fit_piece) of;
};

static void add(struct pieces *p, struct clock_piece piece, struct sync_fit_piece of, int64_t from,
		int64_t to)
{
	if (from >= to)
		return;
	piece.offset = clock_piece_apply(&piece, from) - from;
	piece.from = from;
	piece.to = to;
	*vec_push(&p->map) = piece;
	*vec_push(&p->of) = of;
}

/* The stretch of a step from `from` on, half of it by either line. */
static void add_step(struct pieces *p, const struct sync_fit *f, const struct step *s, int64_t from)
{
	const struct sync_fit_piece *old = &f->pieces[s->before], *new = &f->pieces[s->after];
	int64_t middle = from + (s->to - from) / 2;

	add(p, f->map.pieces[s->before],
	    (struct sync_fit_piece){old->hull, new->hull, old->unseen, new->unseen}, from, middle);
	add(p, f->map.pieces[s->after],
	    (struct sync_fit_piece){new->hull, old->hull, new->unseen, old->unseen}, middle, s->to);
}

/* Gives the fit pieces of which the stretches of the steps are as long as they say. */
static void replace_pieces(struct sync_fit *f, const struct step *steps, size_t n)
{
	struct pieces p = {0};
	const struct step *next = steps, *end = steps + n;
	int64_t from = f->map.pieces[0].from;

	for (size_t i = 0; i < f->map.n_pieces; i++) {
		bool stepped = next < end && next->before == i;
		int64_t to = stepped ? next->from : f->map.pieces[i].to;

		add(&p, f->map.pieces[i], f->pieces[i], from, to);
		from = to > from ? to : from;
		if (!stepped)
			continue;
		add_step(&p, f, next, from);
		from = next->to > from ? next->to : from;
		i = next++->after - 1;
	}
	free(f->map.pieces);
	free(f->pieces);
	f->map = (struct clock_map){p.map.at, p.map.n};
	f->pieces = p.of.at;
}

bool sync_step_widen(struct sync_fit *f, const struct sync_pair *pairs, size_t n_pairs)
{
	VEC(struct step) steps = {0};
	struct step s;
	bool grew = false;

	for (size_t i = 0; i < f->map.n_pieces; i++) {
		if (!find_step(f, i, &s))
			continue;
		grew |= widen(f, &s, pairs, n_pairs);
		*vec_push(&steps) = s;
	}
	if (grew)
		replace_pieces(f, steps.at, steps.n);
	vec_deinit(&steps);
	return grew;
}
