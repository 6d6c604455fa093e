#include "queue.h"

#include <stdlib.h>

#include "base/mem.h"

static bool before(const struct item *a, const struct item *b)
{
	return a->time < b->time || (a->time == b->time && a->seq < b->seq);
}

void queue_push(struct queue *q, int64_t time, void (*fire)(void *, uint64_t), void *subject,
		uint64_t arg)
{
	q->at = mem_vec_grow(q->at, &q->cap, q->n, sizeof(*q->at));
	struct item item = {time, q->seq++, fire, subject, arg};
	size_t i = q->n++;
	while (i && before(&item, &q->at[(i - 1) / 2])) {
		q->at[i] = q->at[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	q->at[i] = item;
}

bool queue_pop(struct queue *q, struct item *itemp)
{
	if (!q->n)
		return false;
	*itemp = q->at[0];
	struct item last = q->at[--q->n];
	size_t i = 0, child;
	while ((child = 2 * i + 1) < q->n) {
		if (child + 1 < q->n && before(&q->at[child + 1], &q->at[child]))
			child++;
		if (!before(&q->at[child], &last))
			break;
		q->at[i] = q->at[child];
		i = child;
	}
	q->at[i] = last;
	return true;
}

void queue_deinit(struct queue *q)
{
	free(q->at);
	*q = (struct queue){0};
}
