/*
 * window: what the model tells, added up over short stretches of time side by side (buckets), of
 * which the latest are kept: memory does not depend on how long one looks.
 *
 * Times and what took a CPU are split where a bucket ends; an exit counts where it began, a wait
 * where it ended.
 */
#ifndef VMSCOPE_LIVE_WINDOW_H
#define VMSCOPE_LIVE_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "base/mem.h"
#include "live/labels.h"
#include "model/sink.h"
#include "tally/histogram.h"
#include "tally/tally.h"

enum { WINDOW_BUCKETS = 12 };

struct window_vcpu {
	int64_t time[VCPU_N_STATES]; /* ns */
	struct histogram wakes;	  /* from a wake-up until it had a CPU, of those that ended here */
	int64_t stall, stall_end; /* ns: the longest without a CPU that ended here; when */
};

/* What had a CPU for how long. */
struct window_share {
	uint32_t thread; /* or NO_THREAD */
	int vcpu;	 /* it was in its guest; -1: none */
	int64_t ns;
};

struct window_cpu {
	uint32_t cpu;
	int64_t time[CPU_N_STATES]; /* ns */
	VEC(struct window_share) shares;
	size_t recent;
};

struct window_bucket {
	int64_t number; /* it begins at number * length, ns */
	bool used;
	struct tally *tally;
	struct window_vcpu *vcpus;
	VEC(struct window_cpu) cpus;
};

/* Of a vCPU, while it is without a CPU. */
struct window_wait {
	int64_t begin, end; /* ns; begin == end: it has one */
	bool woken;	    /* that is how it began */
};

/* Threads that ended lately, by generations: the names of who had a CPU are asked for later. */
struct window_ended {
	VEC(struct model_thread) at;
	struct map by_id;
};

struct window {
	int64_t length; /* ns, of a bucket */
	size_t n_vcpus;
	struct window_bucket buckets[WINDOW_BUCKETS];
	/* The bucket of [from, to), into which most goes; NULL: none is known to be. */
	struct window_bucket *recent;
	int64_t recent_from, recent_to;
	struct window_bucket whole; /* used only where totals are wanted */
	struct window_wait *waits;
	struct labels *labels; /* borrowed */
	struct window_ended ended[2];
	unsigned generation;
	struct model_sink sink;
};

/* totals: all of it is added up as well (`whole`). It must not be moved. */
void window_init(struct window *w, int64_t length, bool totals, struct labels *labels);
void window_deinit(struct window *w);

/* For the model. */
const struct model_sink *window_sink(const struct window *w);

/* Return: the bucket, or NULL: nothing is known of it, or no more. */
const struct window_bucket *window_bucket(const struct window *w, int64_t number);

/*
 * One that is apart, for what the model holds back (model_peek()) and may still say otherwise. Its
 * waits go on from where those of w are.
 */
void window_init_aside(struct window *aside, const struct window *w);

/* Return: the vCPU's wait that goes on, or has just ended; as of what was told. */
const struct window_wait *window_wait(const struct window *w, uint32_t vcpu);

/* Return: a thread that has ended, or NULL. */
const struct model_thread *window_thread(const struct window *w, uint32_t thread);

#endif
