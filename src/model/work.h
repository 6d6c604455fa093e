/*
 * work: what a CPU is busy with on top of its thread: interrupts, softirqs and timers' handlers,
 * each within the one that it interrupted.
 */
#ifndef VMSCOPE_MODEL_WORK_H
#define VMSCOPE_MODEL_WORK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/map.h"
#include "events/event.h"
#include "schema/busy.h"

/* More than hardware and kernel nest: irq in softirq in irq, each with a timer's handler. */
enum { WORK_DEPTH = 8 };

struct work_item {
	enum busy busy; /* BUSY_IRQ, BUSY_SOFTIRQ or BUSY_TIMER */
	int32_t number;
	const char *handler;
};

struct work {
	struct work_item at[WORK_DEPTH];
	unsigned n;
};

/* What an event of a vector is called, and so its handler. */
struct work_vector {
	const char *event, *name;
};

enum { WORK_VECTORS = 256 };

/* Names of handlers, each once, so that equal ones are one pointer. */
struct work_names {
	struct map by_text;
	struct arena texts;
	struct work_vector vectors[WORK_VECTORS]; /* as met last */
};

void work_names_deinit(struct work_names *names);

/* Return: the same text, for as long as `names`; NULL for no text. */
const char *work_name(struct work_names *names, const char *text, uint64_t n);

/* A handler begins. */
void work_begin(struct work *w, const struct work_item *item);

/* A handler of this kind ends, and whatever is still open within it. */
void work_end(struct work *w, enum busy busy);

/* Return: what IRQ_ENTRY or SOFTIRQ_ENTRY says that begins. */
struct work_item work_of_irq(struct work_names *names, const struct event *e);
struct work_item work_of_softirq(const struct event *e);

#endif
