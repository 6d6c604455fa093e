#include "sync/bounds.h"
#include "sync/limits.h"
#include "sync/vmsync.h"

#include <stdlib.h>

#include "sync/fit.h"
#include "sync/vote.h"

/* Of matcher.usual: there is none, and no pair is in doubt. */
#define UNKNOWN_GAP UINT64_MAX

struct matcher {
	const struct sync_vmsync_event *host, *guest;
	size_t n_host, n_guest;
	struct sync_votes votes;
	const struct sync_candidate **chosen; /* by guest event: its pair, or NULL */
	uint8_t *matched;		      /* by host event */
	uint64_t usual;			      /* ns from gh to hg of one call, on the host */
};

struct keyed {
	uint64_t cnt;
	size_t index;
	bool to_guest;
};

static int compare_keyed(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;

	if (x->to_guest != y->to_guest)
		return x->to_guest ? 1 : -1;
	if (x->cnt != y->cnt)
		return x->cnt < y->cnt ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

static struct keyed *sort_by_count(const struct sync_vmsync_event *events, size_t n)
{
	struct keyed *keyed = mem_alloc(n * sizeof(*keyed) + 1);

	for (size_t i = 0; i < n; i++)
		keyed[i] = (struct keyed){events[i].cnt, i, events[i].to_guest};
	qsort(keyed, n, sizeof(*keyed), compare_keyed);
	return keyed;
}

static bool same_count(const struct keyed *a, const struct keyed *b)
{
	return a->cnt == b->cnt && a->to_guest == b->to_guest;
}

static size_t group_end(const struct keyed *keyed, size_t i, size_t n)
{
	size_t end = i + 1;

	while (end < n && same_count(&keyed[i], &keyed[end]))
		end++;
	return end;
}

static bool in_limits(int64_t x)
{
	return x > -SYNC_LIMIT && x < SYNC_LIMIT;
}

static void add_candidate(struct matcher *m, size_t host, size_t guest)
{
	int64_t h = m->host[host].ts, g = m->guest[guest].ts;

	if (!in_limits(h) || !in_limits(g) || !in_limits(h - g))
		return;
	*vec_push(&m->votes.candidates) = (struct sync_candidate){
		.difference = h - g, .host = (uint32_t)host, .guest = (uint32_t)guest};
}

static void add_group(struct matcher *m, const struct keyed *host, size_t n_host,
		      const struct keyed *guest, size_t n_guest)
{
	if (n_host > VMSYNC_MAX_CANDIDATES || n_guest > VMSYNC_MAX_CANDIDATES ||
	    n_host * n_guest > VMSYNC_MAX_CANDIDATES)
		return;
	for (size_t h = 0; h < n_host; h++)
		for (size_t g = 0; g < n_guest; g++)
			add_candidate(m, host[h].index, guest[g].index);
}

static void find_candidates(struct matcher *m)
{
	struct keyed *host = sort_by_count(m->host, m->n_host);
	struct keyed *guest = sort_by_count(m->guest, m->n_guest);

	for (size_t h = 0, g = 0; h < m->n_host && g < m->n_guest;) {
		size_t h_end = group_end(host, h, m->n_host);
		size_t g_end = group_end(guest, g, m->n_guest);

		if (same_count(&host[h], &guest[g])) {
			add_group(m, &host[h], h_end - h, &guest[g], g_end - g);
			h = h_end;
			g = g_end;
		} else if (host[h].to_guest != guest[g].to_guest ? guest[g].to_guest
								 : host[h].cnt < guest[g].cnt) {
			h = h_end;
		} else {
			g = g_end;
		}
	}
	free(host);
	free(guest);
}

static void mark_matched(struct matcher *m)
{
	for (size_t g = 0; g < m->n_guest; g++)
		if (m->chosen[g])
			m->matched[m->chosen[g]->host] = 1;
}

static bool is_weaker(const struct matcher *m, const struct sync_candidate *a,
		      const struct sync_candidate *b)
{
	return m->guest[a->guest].to_guest ? a->difference < b->difference
					   : a->difference > b->difference;
}

/*
 * A decoy may stand right beside the event that it looks like. Whichever of the two is the
 * exchange's, the bound that says less holds.
 */
static void choose_weakest(struct matcher *m)
{
	vec_each (c, &m->votes.candidates) {
		const struct sync_candidate **chosen = &m->chosen[c->guest];

		if (!*chosen || m->matched[c->host] || !is_weaker(m, c, *chosen) ||
		    llabs(c->difference - (*chosen)->difference) > VMSYNC_SAME_CALL)
			continue;
		m->matched[(*chosen)->host] = 0;
		m->matched[c->host] = 1;
		*chosen = c;
	}
}

/* ---- pairs that are sure ---- */

/* Return: the hg host event of the exchange of gh host event h, or SIZE_MAX. */
static size_t find_answer(const struct matcher *m, size_t h)
{
	const struct sync_vmsync_event *e = m->host;

	for (size_t i = h + 1; i < m->n_host && i - h <= VMSYNC_NEAR; i++)
		if (e[i].to_guest && (e[i].cnt == e[h].cnt || e[i].cnt == e[h].cnt + 1))
			return i;
	return SIZE_MAX;
}

static uint64_t gap(const struct matcher *m, size_t h, size_t answer)
{
	return (uint64_t)m->host[answer].ts - (uint64_t)m->host[h].ts;
}

static int compare_gaps(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Return: the median of whole exchanges, or UNKNOWN_GAP. */
static uint64_t usual_gap(const struct matcher *m)
{
	VEC(uint64_t) gaps = {0};
	uint64_t usual = UNKNOWN_GAP;

	for (size_t h = 0; h < m->n_host; h++) {
		size_t answer =
			m->matched[h] && !m->host[h].to_guest ? find_answer(m, h) : SIZE_MAX;

		if (answer != SIZE_MAX && m->matched[answer])
			*vec_push(&gaps) = gap(m, h, answer);
	}
	if (gaps.n) {
		qsort(gaps.at, gaps.n, sizeof(*gaps.at), compare_gaps);
		usual = gaps.at[gaps.n / 2];
	}
	vec_deinit(&gaps);
	return usual;
}

/*
 * A gh pair may be of a decoy, whose place fits that of a host event which was lost. Then the claim
 * is false by so little that no line need contradict it. But a call that is an exchange has an hg
 * right behind its gh; from a decoy to the hg of the exchange there is a way through the guest.
 */
static bool is_sure(const struct matcher *m, const struct sync_candidate *c)
{
	if (m->guest[c->guest].to_guest || m->usual == UNKNOWN_GAP)
		return true;
	size_t answer = find_answer(m, c->host);
	return answer != SIZE_MAX && gap(m, c->host, answer) / VMSYNC_SLOW <= m->usual;
}

/* Return: guest events between the first and the last pair that have no host's. */
static size_t count_holes(const struct matcher *m)
{
	size_t holes = 0, open = 0;
	bool began = false;

	for (size_t g = 0; g < m->n_guest; g++) {
		if (!m->chosen[g]) {
			open += began;
			continue;
		}
		holes += open;
		open = 0;
		began = true;
	}
	return holes;
}

/* Where the host lost nothing, no decoy has taken the place of a lost event: all are sure. */
static void learn_usual_gap(struct matcher *m)
{
	size_t pairs = 0, sure = 0;

	m->usual = usual_gap(m);
	for (size_t g = 0; g < m->n_guest; g++) {
		if (!m->chosen[g] || m->guest[g].to_guest)
			continue;
		pairs++;
		sure += is_sure(m, m->chosen[g]);
	}
	if (!count_holes(m) || sure < pairs / VMSYNC_FAIR_PART)
		m->usual = UNKNOWN_GAP;
}

static void add_bounds(struct sync_vmsync *v, const struct matcher *m)
{
	for (size_t g = 0; g < m->n_guest; g++) {
		const struct sync_vmsync_event *e = &m->guest[g];

		if (!m->chosen[g]) {
			v->lost_host++;
			continue;
		}
		v->pairs_hg += e->to_guest;
		v->pairs_gh += !e->to_guest;
		if (!is_sure(m, m->chosen[g]))
			continue;
		*vec_push(&v->bounds) = (struct sync_bound){
			.at = e->ts,
			.value = m->chosen[g]->difference,
			.side = e->to_guest ? SYNC_LOWER : SYNC_UPPER,
		};
	}
	sync_bounds_sort(v->bounds.at, v->bounds.n);
}

/* Whether cnt can stand between the counts of two exchanges, around which the count may restart. */
static bool in_sequence(uint64_t before, uint64_t cnt, uint64_t after)
{
	return before < after ? before < cnt && cnt < after : cnt > before || cnt < after;
}

static bool is_matched(const struct matcher *m, size_t h, bool to_guest)
{
	return m->matched[h] && m->host[h].to_guest == to_guest;
}

/* Whether the counts of one direction are all odd or all even, as an exchange takes two of them. */
static bool counts_by_two(const struct matcher *m, bool to_guest)
{
	uint64_t first = 0;
	bool seen = false;

	for (size_t h = 0; h < m->n_host; h++) {
		if (!is_matched(m, h, to_guest))
			continue;
		if (seen && (m->host[h].cnt ^ first) & 1)
			return false;
		first = m->host[h].cnt;
		seen = true;
	}
	return seen;
}

/* Counts host events of one direction in (before, after), two neighbouring pairs' host events. */
static void count_between(struct sync_vmsync *v, const struct matcher *m, size_t before,
			  size_t after, bool by_two)
{
	const struct sync_vmsync_event *e = m->host;

	for (size_t h = before + 1; h < after; h++) {
		if (e[h].to_guest != e[before].to_guest)
			continue;
		if (in_sequence(e[before].cnt, e[h].cnt, e[after].cnt) &&
		    !(by_two && (e[h].cnt ^ e[before].cnt) & 1))
			v->lost_guest++;
		else
			v->decoys++;
	}
}

static void count_unmatched(struct sync_vmsync *v, const struct matcher *m, bool to_guest)
{
	bool by_two = counts_by_two(m, to_guest);
	size_t before = SIZE_MAX;

	for (size_t h = 0; h < m->n_host; h++) {
		if (!is_matched(m, h, to_guest))
			continue;
		if (before != SIZE_MAX)
			count_between(v, m, before, h, by_two);
		before = h;
	}
}

void sync_vmsync_init(struct sync_vmsync *v, const struct sync_vmsync_event *host, size_t n_host,
		      const struct sync_vmsync_event *guest, size_t n_guest)
{
	struct matcher m = {.host = host, .guest = guest, .n_host = n_host, .n_guest = n_guest};

	*v = (struct sync_vmsync){0};
	m.chosen = mem_zalloc(n_guest + 1, sizeof(*m.chosen));
	m.matched = mem_zalloc(n_host + 1, 1);
	find_candidates(&m);
	sync_votes_count(&m.votes, n_guest, VMSYNC_DELAY);
	sync_votes_choose(&m.votes, n_host, n_guest, 0, m.chosen);
	mark_matched(&m);
	choose_weakest(&m);
	learn_usual_gap(&m);
	add_bounds(v, &m);
	count_unmatched(v, &m, false);
	count_unmatched(v, &m, true);
	sync_votes_deinit(&m.votes);
	free(m.chosen);
	free(m.matched);
}

void sync_vmsync_deinit(struct sync_vmsync *v)
{
	vec_deinit(&v->bounds);
}
