/*
 * clock: what a machine's clock shows at a time of the simulation.
 *
 * A clock is a row of straight pieces. Within a piece, for machine time g (ns since the Epoch)
 *
 *	reference time = g + offset + (g - from) * drift
 *
 * exactly as written in the truth. The reference is the host's clock, which is simulated time plus
 * the time of day at which the simulation began; so the host has one piece and no drift.
 *
 * With the TSC as clock, events carry cycles: the host's tsc = ns * freq, a guest's
 * tsc = ((host tsc * ratio) >> 48) + offset, and each machine turns its own into ns with its freq.
 */
#ifndef VMSCOPE_SIM_CLOCK_H
#define VMSCOPE_SIM_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "rng.h"

enum { TSC_FRAC = 48 };

struct clock_segment {
	int64_t from;	/* machine ns since the Epoch */
	int64_t begin;	/* the same moment on the reference */
	double drift;	/* ns of reference gained per machine ns */
	double inverse; /* ns of machine time lost per ns of reference */
};

struct clock_spec {
	bool is_host;
	bool tsc;	     /* cycles, not ns */
	int64_t epoch;	     /* reference time at which the simulation begins */
	int64_t begin_error; /* machine time minus reference then, ns */
	double drift_ppm;
	double slew_ppm;    /* the drift changes by up to this, 0: never */
	int64_t slew_every; /* ns between changes, about */
	unsigned steps;	    /* how many jumps */
	int64_t step_ns;    /* their size; negative goes back */
	int64_t duration;   /* that the pieces must cover, ns */
	int64_t uptime;	    /* machine ns since its boot when the simulation begins */
	uint64_t tsc_freq;  /* Hz, this machine's own */
	uint64_t host_tsc_freq;
	int64_t host_uptime;
};

struct machine_clock {
	VEC(struct clock_segment) pieces;
	size_t current; /* the piece last used: simulated time never goes back */
	int64_t origin; /* machine ns since the Epoch at which its raw clock was 0 */
	bool tsc, is_host;
	int64_t epoch, host_origin;
	uint64_t freq, host_freq; /* Hz of the raw clock; 1000000000 without the TSC */
	uint64_t tsc_ratio;	  /* guests: fixed point with TSC_FRAC bits */
	int64_t tsc_offset;	  /* guests: cycles */
};

void machine_clock_init(struct machine_clock *c, const struct clock_spec *spec, struct rng *r);
void machine_clock_deinit(struct machine_clock *c);

/* Return: what a tracer on this machine stamps at simulated time t: ns or cycles since boot. */
uint64_t machine_clock_raw(struct machine_clock *c, int64_t t);

/* Return: a raw time as the trace's reader sees it, in ns since the Epoch. */
int64_t machine_clock_ns(const struct machine_clock *c, uint64_t raw);

#endif
