/*
 * clock: the clock that a host is recorded by.
 *
 * Guests can be tied to the processor's cycle counter exactly: KVM says what it adds to it for each
 * vCPU. So it is taken where it counts evenly, together with what makes ns of it. Else it is
 * CLOCK_MONOTONIC, and guests are tied to it by their events.
 */
#ifndef VMSCOPE_RECORD_CLOCK_H
#define VMSCOPE_RECORD_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct record_clock {
	const char *name;   /* as tracefs calls it */
	const char *reason; /* why this one, as a clause */
	bool is_tsc;
	uint32_t mult, shift; /* ns = count * mult >> shift, of a TSC */
	int64_t to_epoch_us;  /* what makes times of day of its ns */
};

/* Chooses one that the kernel has, and finds out what it counts. */
void record_clock_choose(struct record_clock *c);

/* Return: what it counted so many seconds ago; 0 if it cannot be told. */
uint64_t record_clock_ago(const struct record_clock *c, unsigned seconds);

#endif
