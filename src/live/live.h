/*
 * live: what every vCPU does, told while the events come.
 *
 * The same way as analysis (analyze/analysis.h), a stretch at a time: who is who is found out from
 * the sub-buffers that are kept, then the model is fed with what comes, into sums (window.h). When
 * somebody new enters a guest, or the host knows of more VMs, all that is kept is told anew with
 * that: what is learnt late holds for all of it.
 */
#ifndef VMSCOPE_LIVE_LIVE_H
#define VMSCOPE_LIVE_LIVE_H

#include "base/diag.h"
#include "input/feed.h"
#include "live/labels.h"
#include "live/window.h"
#include "model/evidence.h"
#include "model/identity.h"
#include "model/model.h"
#include "timeline/merge.h"

/* A vCPU that the host itself tells of. */
struct live_vcpu {
	int64_t tid, index;
};

/* A VM that the host knows the name of. */
struct live_vm {
	int64_t pid;
	char *name; /* owned */
};

/* What the host says of its threads and VMs beside all events; may be empty. */
struct live_host {
	VEC(struct live_vcpu) vcpus;
	VEC(struct live_vm) vms;
	VEC(int64_t) kernel_threads; /* tids, ascending */
};

void live_host_deinit(struct live_host *h);

struct live_options {
	int64_t bucket; /* ns */
	bool totals;	/* all of it is added up, too */
};

struct live_verdict;

struct live {
	struct feed *feed; /* owned */
	struct recording *recording;
	struct live_options options;
	struct live_host host; /* the caller's to fill */

	struct live_verdict *verdict; /* who is who, by what was kept when that was looked at */
	struct event_set described;
	struct map known; /* tids that are known to enter guests */
	struct model_span span;

	/* What is told by that; NULL: nothing yet. */
	struct clock_map clock;
	struct model *model;
	struct merge *merge;
	struct window window;
	struct labels labels;
	int64_t told;  /* ns: up to then */
	bool is_stale; /* somebody entered a guest who is not known */

	uint64_t n_lost; /* events that the kernel said are lost */
	uint64_t n_late; /* see live_late() */
	unsigned n_retold;
	uint64_t n_before; /* events that were read, but are not among those told by this */
};

/* feed is taken over. */
void live_init(struct live *l, struct feed *feed, const struct live_options *options);
void live_deinit(struct live *l);

/* Finds out who is who, and tells all that is kept anew, up to `limit`, ns. */
void live_retell(struct live *l, int64_t limit);

/* Tells what has come, up to `limit`: all events before it are there. */
void live_advance(struct live *l, int64_t limit);

/*
 * Nothing will come: makes an end, after all was told anew if what is known now is not what it was
 * told with.
 */
void live_finish(struct live *l);

/* Return: events of any kind that were read. */
uint64_t live_events(const struct live *l);

/* Return: events that came too late to be told in order. */
uint64_t live_late(const struct live *l);

/* Return: who is who, borrowed, until all is told anew. */
const struct identity *live_identity(const struct live *l);
const struct evidence *live_evidence(const struct live *l);

/* Return: the thread, also one that has ended lately; or NULL. Borrowed, until more is told. */
const struct model_thread *live_thread(const struct live *l, uint32_t thread);

#endif
