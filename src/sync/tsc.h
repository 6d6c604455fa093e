/*
 * tsc: the exact map between a guest's time stamp counter and its host's.
 *
 *	guest_tsc = ((host_tsc * ratio) >> frac) + offset	(128-bit product, result modulo
 *2^64)
 *
 * offset, ratio and frac are KVM's: in the host's debugfs, in kvm_write_tsc_offset. For traces
 * whose clock is the TSC this is the whole synchronization, right to the resolution of a cycle.
 */
#ifndef VMSCOPE_SYNC_TSC_H
#define VMSCOPE_SYNC_TSC_H

#include <stdint.h>

#include "timeline/clock_map.h"

struct tsc_scale {
	int64_t offset;
	uint64_t ratio;	   /* not 0; 1 << frac, or 1 with frac 0, where nothing is scaled */
	unsigned int frac; /* below 64 */
};

uint64_t tsc_host_to_guest(const struct tsc_scale *s, uint64_t host);

/*
 * The first host count at which the guest's is at least `guest`. Saturates at both ends: a guest
 * count below the offset is from before the host's count began.
 */
uint64_t tsc_guest_to_host(const struct tsc_scale *s, uint64_t guest);

/* How a trace turns counts into ns: count * 10^9 / frequency + offset, rounded down. */
struct tsc_clock {
	uint64_t frequency; /* Hz, not 0 */
	int64_t offset;	    /* ns since the Epoch of count 0 */
};

int64_t tsc_to_ns(const struct tsc_clock *c, uint64_t count);

/* The first count whose time is `ns` or later; 0 for times before count 0. */
uint64_t tsc_from_ns(const struct tsc_clock *c, int64_t ns);

/* The map from the guest's times to the host's, for guest times in [begin, end]. */
void tsc_clock_map_init(struct clock_map *m, const struct tsc_scale *s,
			const struct tsc_clock *guest, const struct tsc_clock *host, int64_t begin,
			int64_t end);

#endif
