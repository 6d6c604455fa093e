/*
 * leads: where too few claims agree, single ones are followed up.
 *
 * Any claim may be the true one. Each of the likeliest is made exact and followed to both sides as
 * long as it explains the events (sync/aim.h); the truth does so for longest. Where it ends, the
 * clock was set, and the search goes on before and behind.
 */
#ifndef VMSCOPE_SYNC_LEADS_H
#define VMSCOPE_SYNC_LEADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "timeline/clock_map.h"
#include "sync/aim.h"
#include "sync/pair.h"
#include "sync/gaps.h"

/* A claim that may be true. */
struct sync_lead {
	int64_t at, difference; /* guest ns; ns */
};

typedef VEC(struct sync_lead) sync_lead_vec;

/* Adds those of a guest, the likeliest differences first. */
void sync_leads_find(sync_lead_vec *leads, const struct sync_pair *pairs, size_t n_pairs,
		     enum sync_grain grain);

/* What the leads show between two guest times, by time. marks: made; may be none. */
void sync_leads_marks(const sync_lead_vec *leads, const struct sync_view *view, int64_t begin,
		      int64_t end, struct sync_marks *marks);

/* Leaves those leads that are not of the marks. Return: whether there were others. */
bool sync_leads_drop(sync_lead_vec *leads, const struct sync_marks *marks);

/*
 * Straight from mark to mark. Where that is steeper than max_drift, the clock steps somewhere
 * between.
 */
struct clock_map sync_leads_map(const struct sync_marks *marks, double max_drift);

#endif
