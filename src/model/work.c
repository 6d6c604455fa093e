#include "model/work.h"

#include <string.h>

#include "model/sink.h"

/* include/linux/interrupt.h */
static const char *const softirq_names[] = {"HI",	"TIMER",   "NET_TX", "NET_RX",	"BLOCK",
					    "IRQ_POLL", "TASKLET", "SCHED",  "HRTIMER", "RCU"};

enum { N_SOFTIRQS = sizeof(softirq_names) / sizeof(*softirq_names) };

void work_names_deinit(struct work_names *names)
{
	map_deinit(&names->by_text);
	arena_deinit(&names->texts);
}

/* FNV-1a, 64 bits. */
static uint64_t work_hash(const char *text, uint64_t n)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (uint64_t i = 0; i < n; i++)
		h = (h ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
	return h;
}

const char *work_name(struct work_names *names, const char *text, uint64_t n)
{
	n = text ? strnlen(text, n) : 0;
	if (!n)
		return NULL;
	uint64_t *known = map_put(&names->by_text, work_hash(text, n), 0);

	/* The map holds numbers: of pointers, too. */
	if (!*known)
		*known = (uintptr_t)arena_strndup(&names->texts, text, n);
	return (const char *)(uintptr_t)*known; // NOLINT(performance-no-int-to-ptr)
}

void work_begin(struct work *w, const struct work_item *item)
{
	if (w->n == WORK_DEPTH) /* ends were lost */
		w->n = 0;
	w->at[w->n++] = *item;
}

void work_end(struct work *w, enum busy busy)
{
	for (unsigned i = w->n; i > 0; i--) {
		if (w->at[i - 1].busy == busy) {
			w->n = i - 1;
			return;
		}
	}
}

/* "local_timer_entry" is local_timer. */
static const char *work_vector_name(struct work_names *names, const char *event, int64_t vector)
{
	static const char end[] = "_entry";
	struct work_vector *v = &names->vectors[(uint64_t)vector % WORK_VECTORS];

	if (v->event != event) {
		size_t n = strlen(event), tail = sizeof(end) - 1;
		bool is_entry = n > tail && !strcmp(event + n - tail, end);

		*v = (struct work_vector){event, work_name(names, event, is_entry ? n - tail : n)};
	}
	return v->name;
}

struct work_item work_of_irq(struct work_names *names, const struct event *e)
{
	bool line = e->irq_entry.irq != NO_VALUE;
	int64_t number = line ? e->irq_entry.irq : e->irq_entry.vector;

	return (struct work_item){
		.busy = BUSY_IRQ,
		.number = number >= 0 && number <= INT32_MAX ? (int32_t)number : NO_IRQ,
		.handler = e->irq_entry.of_vector ? work_vector_name(names, e->irq_entry.of_vector,
								     e->irq_entry.vector)
						  : work_name(names, e->irq_entry.handler.at,
							      e->irq_entry.handler.n),
	};
}

struct work_item work_of_softirq(const struct event *e)
{
	int64_t vec = e->softirq_entry.vec;
	bool known = vec >= 0 && vec < N_SOFTIRQS;

	return (struct work_item){.busy = BUSY_SOFTIRQ,
				  .number = known ? (int32_t)vec : NO_IRQ,
				  .handler = known ? softirq_names[vec] : NULL};
}
