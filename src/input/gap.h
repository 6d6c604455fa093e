/*
 * gap: times of a stream that tell nothing, because what was recorded there is damaged.
 *
 * Where in a packet the damage begins cannot be told: what was decoded before it was met can be
 * nonsense, too. So whoever reads a stream first notes the times of damaged packets (in struct
 * reader), and when it is read again the events in them are left out, with one EV_LOST instead.
 */
#ifndef VMSCOPE_INPUT_GAP_H
#define VMSCOPE_INPUT_GAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

struct gap {
	/* ns, both included; INT64_MIN: from the recording's begin on, INT64_MAX: to its end */
	int64_t from, to;
	/* The clock was set back from `to` to `from`: all events are there, of either pass. */
	bool is_step;
};

struct gaps {
	VEC(struct gap) at; /* ascending and apart, but for those that gaps_add() added */
};

/* Of any number that is too large the last ones become one. */
void gaps_add(struct gaps *g, int64_t from, int64_t to, bool is_step);

/* Adds those of `from`, which is empty then. Return: whether there are times that are new. */
bool gaps_absorb(struct gaps *g, struct gaps *from);

void gaps_deinit(struct gaps *g);

#endif
