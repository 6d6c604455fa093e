#include "timeline/sync_vmsync.h"

#include <stdlib.h>

#include "timeline/sync_fit.h"
#include "timeline/sync_vote.h"

/* Pairs for one count: a product is not for input to choose. */
enum { MAX_CANDIDATES = 4096 };

/* ns that an exchange may take (the vCPU may be preempted in it) to be recognized all the same. */
enum { DELAY = 20000000 };

struct matcher {
	const struct sync_vmsync_event *host, *guest;
	size_t n_host, n_guest;
	struct sync_votes votes;
	const struct sync_candidate **chosen; /* by guest event: its pair, or NULL */
	uint8_t *matched;		      /* by host event */
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
	if (n_host > MAX_CANDIDATES || n_guest > MAX_CANDIDATES ||
	    n_host * n_guest > MAX_CANDIDATES)
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

static void add_bounds(struct sync_vmsync *v, const struct matcher *m)
{
	for (size_t g = 0; g < m->n_guest; g++) {
		const struct sync_vmsync_event *e = &m->guest[g];

		if (!m->chosen[g]) {
			v->lost_host++;
			continue;
		}
		*vec_push(&v->bounds) = (struct sync_bound){
			.at = e->ts,
			.value = m->chosen[g]->difference,
			.side = e->to_guest ? SYNC_LOWER : SYNC_UPPER,
		};
		m->matched[m->chosen[g]->host] = 1;
		v->pairs_hg += e->to_guest;
		v->pairs_gh += !e->to_guest;
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

/* Counts host events of one direction in (before, after), two neighbouring pairs' host events. */
static void count_between(struct sync_vmsync *v, const struct matcher *m, size_t before,
			  size_t after)
{
	const struct sync_vmsync_event *e = m->host;

	for (size_t h = before + 1; h < after; h++) {
		if (e[h].to_guest != e[before].to_guest)
			continue;
		if (in_sequence(e[before].cnt, e[h].cnt, e[after].cnt))
			v->lost_guest++;
		else
			v->decoys++;
	}
}

static void count_unmatched(struct sync_vmsync *v, const struct matcher *m, bool to_guest)
{
	size_t before = SIZE_MAX;

	for (size_t h = 0; h < m->n_host; h++) {
		if (!is_matched(m, h, to_guest))
			continue;
		if (before != SIZE_MAX)
			count_between(v, m, before, h);
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
	sync_votes_count(&m.votes, n_guest, DELAY);
	sync_votes_choose(&m.votes, n_host, n_guest, 0, m.chosen);
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
