#include "model/lives.h"

#include <stdlib.h>

void lives_deinit(struct lives *l)
{
	vec_deinit(&l->at);
	vec_deinit(&l->shared);
}

void lives_add(struct lives *l, int64_t tid, int64_t ts)
{
	*vec_push(&l->at) = (struct lives_cut){.tid = tid, .ts = ts};
}

static int lives_by_tid_and_ts(const void *a, const void *b)
{
	const struct lives_cut *x = a, *y = b;

	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return x->ts < y->ts ? -1 : x->ts > y->ts;
}

void lives_sort(struct lives *l)
{
	if (l->at.n)
		qsort(l->at.at, l->at.n, sizeof(*l->at.at), lives_by_tid_and_ts);
}

bool lives_is_shared(const struct lives *l, int64_t tid)
{
	vec_each (shared, &l->shared) {
		if (*shared == tid)
			return true;
	}
	return false;
}

unsigned lives_number(const struct lives *l, int64_t tid, int64_t ts)
{
	unsigned n = 0;

	vec_each (c, &l->at)
		n += c->tid == tid && c->ts <= ts;
	return n;
}
