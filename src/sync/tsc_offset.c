#include "sync/tsc_offset.h"

#include <stdlib.h>

#include "base/mem.h"
#include "sync/limits.h"

enum { MILLION = 1000000 };

bool sync_tsc_clock(const struct recording *trace, struct tsc_clock *clockp)
{
	uint32_t i = trace->streams.n ? trace->streams.at[0].clock : RECORDING_NO_CLOCK;

	if (i == RECORDING_NO_CLOCK || !trace->clocks.at[i].is_tsc)
		return false;
	*clockp = (struct tsc_clock){.frequency = trace->clocks.at[i].frequency,
				     .offset = trace->clocks.at[i].offset_ns};
	return true;
}

static bool same_speed(const struct tsc_clock *a, const struct tsc_clock *b)
{
	uint64_t more = a->frequency > b->frequency ? a->frequency : b->frequency;
	uint64_t less = a->frequency > b->frequency ? b->frequency : a->frequency;

	return more - less <= more / MILLION * TSC_TOLERANCE_PPM;
}

typedef VEC(struct evidence_tsc) writes_t;

static int by_thread_and_time(const void *a, const void *b)
{
	const struct evidence_tsc *x = a, *y = b;

	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return x->ts < y->ts ? -1 : x->ts > y->ts;
}

/* What the vCPU threads of a VM wrote, each one's in order. */
static void find_writes(writes_t *writes, const struct identity *id, int vm)
{
	int host = id->vms.at[vm].host;
	const struct evidence *e = id->machines.at[host].evidence;

	vec_each (write, &e->tsc) {
		int vcpu = write->tid == NO_VALUE
				   ? IDENT_NONE
				   : identity_vcpu_of_thread(id, host, write->tid, write->ts);

		if (vcpu != IDENT_NONE && id->vcpus.at[vcpu].vm == vm)
			*vec_push(writes) = *write;
	}
	if (writes->n)
		qsort(writes->at, writes->n, sizeof(*writes->at), by_thread_and_time);
}

/*
 * offset: cycles, what every vCPU has in the end; settled: host ns from which on none had another.
 * Return: whether that is so, of one vCPU at least.
 */
static bool settle(const writes_t *writes, int64_t *offsetp, int64_t *settledp)
{
	bool one = writes->n;

	*settledp = INT64_MIN;
	for (size_t i = 0; i < writes->n && one; i++) {
		const struct evidence_tsc *w = &writes->at[i];
		bool last = i + 1 == writes->n || w[1].tid != w->tid;

		if (w->previous != 0 && w->previous != w->next && w->ts > *settledp)
			*settledp = w->ts;
		*offsetp = writes->at[writes->n - 1].next;
		one = !last || w->next == *offsetp;
	}
	return one;
}

bool sync_tsc_recorded(struct clock_map *m, const struct identity *id,
		       struct recording *const *traces, int vm, int64_t first, int64_t last)
{
	struct tsc_scale scale = {.ratio = 1};
	struct tsc_clock host, guest;
	writes_t writes = {0};
	int64_t settled;

	*m = (struct clock_map){0};
	if (!sync_tsc_clock(traces[id->vms.at[vm].host], &host) ||
	    !sync_tsc_clock(traces[id->vms.at[vm].guest], &guest) || !same_speed(&host, &guest))
		return false;
	find_writes(&writes, id, vm);
	bool found = settle(&writes, &scale.offset, &settled);

	if (found) {
		tsc_clock_map_init(m, &scale, &guest, &host, first, last);
		m->pieces[0].constraints = writes.n;
		found = clock_map_apply(m, first) >= settled;
	}
	if (!found)
		clock_map_deinit(m);
	vec_deinit(&writes);
	return found;
}
