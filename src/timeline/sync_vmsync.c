#include "timeline/sync_vmsync.h"

#include <stdlib.h>

#include "timeline/sync_fit.h"

enum {
	COARSE_NS = 20000000,  /* pairs of one stretch differ less than this, drift and delays
				  included */
	FINE_NS = 100000,      /* and undelayed ones less than this */
	FULL_VOTE = 4096,      /* of an event with a single candidate */
	MAX_CANDIDATES = 4096, /* pairs for one count: events^2 is not for input to choose */
	NEIGHBOURS = 8,	       /* guest events on each side that show what votes are to be had */
	FAIR_PART = 4,
	NO_MATCH = -1,
};

struct candidate {
	int64_t difference;
	size_t host, guest;
	uint32_t vote;
	uint64_t coarse, fine; /* votes of the candidates with nearly the same difference */
};

struct matcher {
	const struct sync_vmsync_event *host, *guest;
	size_t n_host, n_guest;
	VEC(struct candidate) candidates;
	int64_t *host_of;  /* by guest event: its host event, or NO_MATCH */
	int64_t *guest_of; /* by host event */
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

static void add_candidate(struct matcher *m, size_t host, size_t guest, uint32_t vote)
{
	int64_t h = m->host[host].ts, g = m->guest[guest].ts;

	if (!in_limits(h) || !in_limits(g) || !in_limits(h - g))
		return;
	*vec_push(&m->candidates) =
		(struct candidate){.difference = h - g, .host = host, .guest = guest, .vote = vote};
}

static void add_group(struct matcher *m, const struct keyed *host, size_t n_host,
		      const struct keyed *guest, size_t n_guest)
{
	if (n_host > MAX_CANDIDATES || n_guest > MAX_CANDIDATES ||
	    n_host * n_guest > MAX_CANDIDATES)
		return;
	for (size_t h = 0; h < n_host; h++)
		for (size_t g = 0; g < n_guest; g++)
			add_candidate(m, host[h].index, guest[g].index, FULL_VOTE / n_host);
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

static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->difference != y->difference)
		return x->difference < y->difference ? -1 : 1;
	return (x->guest > y->guest) - (x->guest < y->guest);
}

/* Return: into coarse or fine, the votes of all candidates within `reach`. */
static void count_votes(struct matcher *m, int64_t reach, bool fine)
{
	struct candidate *c = m->candidates.at;
	size_t low = 0, high = 0, n = m->candidates.n;
	uint64_t votes = 0;

	for (size_t i = 0; i < n; i++) {
		while (high < n && c[high].difference - c[i].difference <= reach)
			votes += c[high++].vote;
		while (c[i].difference - c[low].difference > reach)
			votes -= c[low++].vote;
		*(fine ? &c[i].fine : &c[i].coarse) = votes;
	}
}

/* Whether x is the likelier partner of an event that y is a candidate for too. */
static bool is_likelier(const struct candidate *x, const struct candidate *y)
{
	if (x->coarse / 2 > y->coarse || y->coarse / 2 > x->coarse)
		return x->coarse > y->coarse;
	return x->fine > y->fine;
}

/* Return: by guest event, its likeliest candidate, or NULL. To be freed. */
static const struct candidate **likeliest(const struct matcher *m)
{
	const struct candidate **best = mem_zalloc(m->n_guest + 1, sizeof(*best));

	for (size_t i = 0; i < m->candidates.n; i++) {
		const struct candidate *c = &m->candidates.at[i];

		if (!best[c->guest] || is_likelier(c, best[c->guest]))
			best[c->guest] = c;
	}
	return best;
}

/* What a candidate for guest event g needs: a fair part of what those of its neighbours have. */
static uint64_t least_votes(const struct matcher *m, const struct candidate **best, size_t g)
{
	size_t end = g + NEIGHBOURS < m->n_guest ? g + NEIGHBOURS : m->n_guest;
	uint64_t most = 0;

	for (size_t i = g > NEIGHBOURS ? g - NEIGHBOURS : 0; i < end; i++)
		if (best[i] && best[i]->coarse > most)
			most = best[i]->coarse;
	return most / FAIR_PART;
}

static void choose(struct matcher *m)
{
	const struct candidate **best = likeliest(m);

	for (size_t g = 0; g < m->n_guest; g++) {
		const struct candidate *c = best[g];

		if (!c || c->coarse < least_votes(m, best, g) || m->guest_of[c->host] != NO_MATCH)
			continue;
		m->host_of[g] = (int64_t)c->host;
		m->guest_of[c->host] = (int64_t)g;
	}
	free(best);
}

static void add_bounds(struct sync_vmsync *v, const struct matcher *m)
{
	for (size_t g = 0; g < m->n_guest; g++) {
		const struct sync_vmsync_event *e = &m->guest[g];

		if (m->host_of[g] == NO_MATCH) {
			v->lost_host++;
			continue;
		}
		*vec_push(&v->bounds) = (struct sync_bound){
			.at = e->ts,
			.value = m->host[m->host_of[g]].ts - e->ts,
			.side = e->to_guest ? SYNC_LOWER : SYNC_UPPER,
		};
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
	return m->guest_of[h] != NO_MATCH && m->host[h].to_guest == to_guest;
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

static int64_t *new_matches(size_t n)
{
	int64_t *matches = mem_alloc(n * sizeof(*matches) + 1);

	for (size_t i = 0; i < n; i++)
		matches[i] = NO_MATCH;
	return matches;
}

void sync_vmsync_init(struct sync_vmsync *v, const struct sync_vmsync_event *host, size_t n_host,
		      const struct sync_vmsync_event *guest, size_t n_guest)
{
	struct matcher m = {.host = host,
			    .guest = guest,
			    .n_host = n_host,
			    .n_guest = n_guest,
			    .host_of = new_matches(n_guest),
			    .guest_of = new_matches(n_host)};

	*v = (struct sync_vmsync){0};
	find_candidates(&m);
	if (m.candidates.n)
		qsort(m.candidates.at, m.candidates.n, sizeof(*m.candidates.at),
		      compare_candidates);
	count_votes(&m, COARSE_NS, false);
	count_votes(&m, FINE_NS, true);
	choose(&m);
	add_bounds(v, &m);
	count_unmatched(v, &m, false);
	count_unmatched(v, &m, true);
	vec_deinit(&m.candidates);
	free(m.host_of);
	free(m.guest_of);
}

void sync_vmsync_deinit(struct sync_vmsync *v)
{
	vec_deinit(&v->bounds);
}
