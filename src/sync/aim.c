#include "sync/aim.h"

#include <math.h>
#include <stdlib.h>

#include "sync/limits.h"
enum { N_LEVELS = 4 };

/* How long a stretch may be. */
struct level {
	int64_t half; /* ns to either side */
	size_t events;
};

static const struct level levels[N_LEVELS] = {
	{10000000, 512},
	{20000000, 4096},
	{100000000, 8192},
	{500000000, 8192},
};

/* The events of a pair in a stretch. */
struct part {
	const struct sync_pair *pair;
	size_t first, end;
};

struct stretch {
	int64_t at, half; /* guest ns */
	struct part *parts;
	size_t n_parts;
	size_t events;
};

/* What is tried: differences in [low, low + n * AIM_GRAIN) at the middle of the stretch. */
struct aim {
	const struct stretch *stretch;
	int64_t low;
	size_t n;
	int speeds; /* to either side of none */
	double step;
	int64_t play;	  /* ns */
	int32_t *votes;	  /* by difference; n + 1 */
	int32_t *outside; /* at least, by speed */
	size_t voters;
	size_t least; /* voters for a speed to count */
};

/* The pair's events of the level around t. */
static struct part part_of(const struct sync_pair *pair, int64_t t, const struct level *l, size_t n)
{
	struct part p = {pair, sync_first_event(pair->cpu, t - l->half),
			 sync_first_event(pair->cpu, t + l->half + 1)};
	size_t middle = sync_first_event(pair->cpu, t), most = l->events / n / 2 + 1;

	if (middle - p.first > most)
		p.first = middle - most;
	if (p.end - middle > most)
		p.end = middle + most;
	return p;
}

static void stretch_init(struct stretch *s, const struct sync_view *v, int64_t t,
			 const struct level *l)
{
	*s = (struct stretch){.at = t, .n_parts = v->n_pairs};
	s->parts = mem_zalloc(v->n_pairs, sizeof(*s->parts));
	for (size_t i = 0; i < v->n_pairs; i++) {
		struct part p = part_of(&v->pairs[i], t, l, v->n_pairs);
		const struct sync_guest_event *e = v->pairs[i].cpu->events;

		s->parts[i] = p;
		s->events += p.end - p.first;
		if (p.first == p.end)
			continue;
		s->half = t - e[p.first].ts > s->half ? t - e[p.first].ts : s->half;
		s->half = e[p.end - 1].ts - t > s->half ? e[p.end - 1].ts - t : s->half;
	}
}

/* An event that would have happened at host time t, were the difference the lowest one, votes. */
static void vote(struct aim *a, const struct sync_thread *thread, size_t w, int64_t t)
{
	int64_t last = t + (int64_t)a->n * AIM_GRAIN;
	size_t next = 0;

	for (; w < thread->n && thread->windows[w].begin - a->play <= last; w++) {
		int64_t low = thread->windows[w].begin - a->play - t;
		int64_t high = thread->windows[w].end + a->play - t;
		size_t from = low < 0 ? 0 : (size_t)(low / AIM_GRAIN);
		size_t to = high < 0 ? 0 : (size_t)(high / AIM_GRAIN) + 1;

		from = from < next ? next : from;
		to = to < a->n ? to : a->n;
		if (from >= to)
			continue;
		a->votes[from]++;
		a->votes[to]--;
		next = to;
	}
}

/* Before the first window and after the last it may have run all the same, untraced: no vote. */
static void let_vote(struct aim *a, const struct part *p, double speed)
{
	const struct sync_thread *thread = p->pair->thread;
	int64_t range = (int64_t)a->n * AIM_GRAIN;
	size_t w = 0;

	if (!thread->n)
		return;
	for (size_t i = p->first; i < p->end; i++) {
		int64_t ts = p->pair->cpu->events[i].ts;
		int64_t t = ts + a->low + (int64_t)((double)(ts - a->stretch->at) * speed);

		if (t < thread->windows[0].begin || t + range > thread->windows[thread->n - 1].end)
			continue;
		if (i == p->first || thread->windows[w].end < t - a->play)
			w = sync_first_window(thread, t - a->play);
		while (w > 0 && thread->windows[w - 1].end >= t - a->play)
			w--;
		a->voters++;
		vote(a, thread, w, t);
	}
}

/* Turns a->votes into how many events are in windows, by difference. */
static void count_votes(struct aim *a, int speed)
{
	int32_t sum = 0;

	for (size_t i = 0; i <= a->n; i++)
		a->votes[i] = 0;
	a->voters = 0;
	for (size_t i = 0; i < a->stretch->n_parts; i++)
		let_vote(a, &a->stretch->parts[i], speed * a->step);
	for (size_t i = 0; i < a->n; i++) {
		sum += a->votes[i];
		a->votes[i] = sum;
	}
}

/*
 * The least number of events that a difference leaves outside, by a speed whose votes are counted.
 */
static int32_t least_outside(const struct aim *a)
{
	int32_t most = 0;

	for (size_t i = 0; i < a->n; i++)
		most = a->votes[i] > most ? a->votes[i] : most;
	return (int32_t)a->voters - most;
}

/*
 * Tries all speeds. Not all have as many voters: fewer events may lie before the first window or
 * after the last. Return: the least outside by any speed; by each into a->outside.
 */
static int32_t try_speeds(struct aim *a, struct sync_mark *m)
{
	int32_t least = INT32_MAX;

	for (int k = -a->speeds; k <= a->speeds; k++) {
		count_votes(a, k);
		int32_t outside = a->voters < a->least ? INT32_MAX : least_outside(a);

		a->outside[k + a->speeds] = outside;
		if (outside < least) {
			least = outside;
			m->events = a->voters;
		}
	}
	m->outside = least == INT32_MAX ? 0 : (size_t)least;
	return least;
}

/* The least and the greatest difference that leave no more outside by any speed. */
static void find_left(struct aim *a, int32_t outside, struct sync_mark *m)
{
	size_t first = a->n, last = 0;

	for (int k = -a->speeds; k <= a->speeds; k++) {
		if (a->outside[k + a->speeds] > outside)
			continue;
		count_votes(a, k);
		for (size_t i = 0; i < a->n; i++) {
			if ((int32_t)a->voters - a->votes[i] > outside)
				continue;
			first = i < first ? i : first;
			last = i > last ? i : last;
		}
	}
	m->low = a->low + (int64_t)first * AIM_GRAIN - a->play;
	m->high = a->low + (int64_t)(last + 1) * AIM_GRAIN + a->play;
}

/* Which speeds to try, so that a play of AIM_DRIFT_PLAY covers those between. */
static void choose_speeds(struct aim *a)
{
	double most = (double)a->stretch->half * AIM_DRIFT_PPB * 1e-9;

	a->speeds = (int)ceil(fmin(most / AIM_DRIFT_PLAY, AIM_MAX_SPEEDS));
	a->step = a->speeds ? AIM_DRIFT_PPB * 1e-9 / a->speeds : 0;
	a->play = 1 + (int64_t)((double)a->stretch->half * a->step / 2);
}

/* Where to look, and for what. */
struct target {
	int64_t at;	   /* guest ns */
	int64_t low, high; /* ns: the difference there */
	size_t least;	   /* events, below which a stretch tells nothing */
};

enum verdict { AGREED, DISAGREED, TOO_FEW };

/* Where some events are false, it is not known which: so many more outside are as good. */
static int32_t play_of(int32_t outside)
{
	return outside ? 1 + (int32_t)sqrt((double)outside) : 0;
}

/* Takes what one round of all speeds costs from what is left. Return: whether it was enough. */
static bool spend(uint64_t *effort, const struct aim *a)
{
	uint64_t cost = (a->n + a->stretch->events) * ((uint64_t)a->speeds * 2 + 1);
	bool enough = cost <= *effort;

	*effort -= enough ? cost : *effort;
	return enough;
}

/* What nearly all events of a stretch agree on. */
static enum verdict judge(const struct sync_view *v, const struct stretch *s,
			  const struct target *t, struct sync_mark *m)
{
	struct aim a = {
		.stretch = s, .low = t->low, .n = (size_t)((t->high - t->low) / AIM_GRAIN) + 1};
	enum verdict verdict = AGREED;

	choose_speeds(&a);
	if (!spend(v->effort, &a))
		return DISAGREED;
	a.votes = mem_alloc((a.n + 1) * sizeof(*a.votes));
	a.outside = mem_alloc(((size_t)a.speeds * 2 + 1) * sizeof(*a.outside));

	*m = (struct sync_mark){
		.at = s->at, .from = s->at - s->half, .to = s->at + s->half, .all = s->events};
	int32_t outside = try_speeds(&a, m);

	if (outside == INT32_MAX)
		verdict = TOO_FEW;
	else if (m->outside > m->events / v->false_part)
		verdict = DISAGREED;
	else
		find_left(&a, outside + play_of(outside), m);
	free(a.votes);
	free(a.outside);
	return verdict;
}

/*
 * Takes longer and longer stretches until few differences are left. Return: whether there are at
 * most `enough` ns of them.
 */
static bool take_aim(const struct sync_view *v, const struct target *t, int64_t enough,
		     struct sync_mark *m)
{
	enum verdict verdict = TOO_FEW;

	if (t->high - t->low > AIM_MAX_RANGE)
		return false;
	for (size_t i = 0; i < N_LEVELS && verdict != DISAGREED; i++) {
		struct stretch s;

		stretch_init(&s, v, t->at, &levels[i]);
		verdict = s.events < t->least ? TOO_FEW : judge(v, &s, t, m);
		free(s.parts);
		if (verdict == AGREED && m->high - m->low <= AIM_NARROW)
			return true;
	}
	return verdict == AGREED && m->high - m->low <= enough;
}

int sync_aim(const struct sync_view *v, int64_t at, int64_t difference, int64_t reach,
	     struct sync_mark *mark)
{
	struct target t = {at, difference - reach, difference + reach, AIM_LEAST_EVENTS};

	return take_aim(v, &t, AIM_FEW_ENOUGH, mark) ? 0 : SYNC_NO_FIT;
}

/* ---- following ------------------------------------------------------------------------------- */

/*
 * The mark at guest time `at`, going by the one before. Where there is little to see it only grows.
 * Return: whether the clock goes on like this.
 */
static bool next_mark(const struct sync_view *v, const struct sync_mark *before, int64_t at,
		      struct sync_mark *mark)
{
	int64_t more = (int64_t)((double)llabs(at - before->at) * AIM_DRIFT_PPB * 1e-9) + AIM_PLAY;
	struct target t = {at, before->low - more, before->high + more, AIM_LEAST_FOLLOWED};

	return take_aim(v, &t, AIM_MAX_RANGE, mark);
}

/* Adds marks from `first` on, forwards or backwards, in that order. */
static void follow(const struct sync_view *v, struct sync_mark first, int64_t end,
		   struct sync_marks *marks)
{
	bool forward = end > first.at;

	while (forward ? first.to < end : first.from > end) {
		int64_t t = forward ? first.to : first.from;
		struct sync_mark next;

		if (t == first.at || !next_mark(v, &first, t, &next))
			return;
		*vec_push(&marks->at) = next;
		first = next;
	}
}

static int compare_marks(const void *a, const void *b)
{
	const struct sync_mark *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

void sync_aim_follow(const struct sync_view *v, const struct sync_mark *first, int64_t begin,
		     int64_t end, struct sync_marks *marks)
{
	struct sync_mark mark;

	/* a shorter stretch does, now that so much is known */
	if (!next_mark(v, first, first->at, &mark))
		mark = *first;
	*vec_push(&marks->at) = mark;
	follow(v, mark, end, marks);
	follow(v, mark, begin, marks);
	qsort(marks->at.at, marks->at.n, sizeof(*marks->at.at), compare_marks);
}
