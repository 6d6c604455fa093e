/*
 * tape: a sink that writes down what it is told, as text to compare.
 *
 * Intervals: "10-20 guest @0", "20-30 hypervisor 120 @0" (reason), "30-40 preempted 120 @0 by 7",
 * "30-40 userspace 123 u2 @0"; exits: "exit 120 at 25 (early 5) to 60 = 10 handled + 0 userspace +
 * 25 preempted + 0 blocked", with "about cpuid 4" before "to" where that is told.
 */
#ifndef VMSCOPE_TESTS_MODEL_TAPE_H
#define VMSCOPE_TESTS_MODEL_TAPE_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "model/sink.h"

struct tape {
	FILE *lane_file, *exit_file;
	char *lane, *exits; /* owned; a line each */
	size_t lane_size, exits_size;
};

static inline void tape_vcpu_interval(void *ctx, const struct vcpu_interval *i)
{
	FILE *f = ((struct tape *)ctx)->lane_file;

	fprintf(f, "%" PRId64 "-%" PRId64 " %s", i->begin, i->end, vcpu_state_name(i->state));
	if (i->cause.reason != NO_EXIT)
		fprintf(f, " %" PRIu64, i->cause.reason);
	if (i->userspace_reason != NO_VALUE)
		fprintf(f, " u%" PRId64, i->userspace_reason);
	if (i->cpu != NO_CPU)
		fprintf(f, " @%" PRIu32, i->cpu);
	if (i->occupant.thread != NO_THREAD)
		fprintf(f, " by %" PRIu32, i->occupant.thread);
	if (i->throttled != CERTAINTY_NONE)
		fprintf(f, " %s", certainty_name(i->throttled));
	fputc('\n', f);
}

static inline void tape_vm_exit(void *ctx, const struct vm_exit *x)
{
	FILE *f = ((struct tape *)ctx)->exit_file;

	fprintf(f, "exit %" PRIu64 " at %" PRId64 " (early %" PRId64 ") ", x->cause.reason,
		x->begin, x->early);
	if (x->detail.kind != DETAIL_NONE)
		fprintf(f, "about %s %" PRId64 " ", exit_detail_kind_name(x->detail.kind),
			x->detail.value);
	if (x->end == INT64_MIN) {
		fprintf(f, "unfinished\n");
		return;
	}
	fprintf(f,
		"to %" PRId64 " = %" PRId64 " handled + %" PRId64 " userspace + %" PRId64
		" preempted + %" PRId64 " blocked",
		x->end, x->handled, x->userspace, x->preempted, x->blocked);
	if (x->polled)
		fprintf(f, " (polled %" PRId64 ")", x->polled);
	if (x->throttled)
		fprintf(f, " (throttled %" PRId64 ")", x->throttled);
	fputc('\n', f);
}

static inline void tape_init(struct tape *t)
{
	*t = (struct tape){0};
	t->lane_file = open_memstream(&t->lane, &t->lane_size);
	t->exit_file = open_memstream(&t->exits, &t->exits_size);
}

/* The texts are complete. */
static inline void tape_end(struct tape *t)
{
	fclose(t->lane_file);
	fclose(t->exit_file);
}

static inline void tape_deinit(struct tape *t)
{
	free(t->lane);
	free(t->exits);
}

/* t must outlive it. */
static inline struct model_sink tape_sink(struct tape *t)
{
	return (struct model_sink){
		.ctx = t, .vcpu_interval = tape_vcpu_interval, .vm_exit = tape_vm_exit};
}

#endif
