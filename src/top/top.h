/*
 * top: looks live, as long as it is wanted: takes what comes from a source, and shows each bucket
 * when it is complete.
 */
#ifndef VMSCOPE_TOP_TOP_H
#define VMSCOPE_TOP_TOP_H

#include "base/error.h"
#include "live/view.h"

/* Where sub-buffers come from. */
struct top_source {
	void *ctx;

	/*
	 * Waits for at most wait_ms for more, and gives it to the feed. *completep: all events
	 * before that time are there, ns by the recording's clock. Return: 1, 0 at the end, or ERR
	 * with err set.
	 */
	int (*more)(void *ctx, struct feed *feed, int wait_ms, int64_t *completep,
		    struct error *err);

	/* Fills what the host says of itself, in place of what it said; or NULL. */
	void (*ask_host)(void *ctx, struct recording *r, struct live_host *host);

	bool keeps_all; /* all sub-buffers are kept: it will end */
};

/* Who looks. */
struct top_viewer {
	void *ctx;
	/* A bucket is complete; rate: events per second. */
	void (*show)(void *ctx, const struct view *v, const struct live *l, double rate,
		     bool total);
	/* Called often. Return: whether it goes on. */
	bool (*go_on)(void *ctx, const struct live *l);
};

struct top_options {
	int64_t interval; /* ns */
	uint64_t count;	  /* of buckets; 0: any */
	bool totals;
};

/* feed is taken over. Return: 0, or ERR with err set. */
int top_run(struct feed *feed, const struct top_source *source, const struct top_viewer *viewer,
	    const struct top_options *options, struct error *err);

/* The sub-buffers of a trace.dat that feed_new_replay() has opened. */
struct top_source top_replay(void);

#endif
