/*
 * queue: what will happen, earliest first.
 *
 * A binary heap. Equal times come out in the order in which they went in, so that a run does not
 * depend on the heap's shape. Nothing is ever removed: who posts an item that may become void gives
 * it a generation and compares.
 */
#ifndef VMSCOPE_SIM_QUEUE_H
#define VMSCOPE_SIM_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NEVER INT64_MAX

struct item {
	int64_t time; /* ns of simulated time */
	uint64_t seq; /* set by queue_push() */
	void (*fire)(void *subject, uint64_t arg);
	void *subject;
	uint64_t arg;
};

struct queue {
	struct item *at;
	size_t n, cap;
	uint64_t seq;
};

void queue_push(struct queue *q, int64_t time, void (*fire)(void *, uint64_t), void *subject,
		uint64_t arg);

/* Return: time of the earliest item, or NEVER. */
static inline int64_t queue_next(const struct queue *q)
{
	return q->n ? q->at[0].time : NEVER;
}

/* Return: false when there is nothing left. */
bool queue_pop(struct queue *q, struct item *itemp);
void queue_deinit(struct queue *q);

#endif
