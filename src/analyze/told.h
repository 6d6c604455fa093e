/*
 * told: what a recording says as a whole, not by an event, as evidence of who is who.
 */
#ifndef VMSCOPE_ANALYZE_TOLD_H
#define VMSCOPE_ANALYZE_TOLD_H

#include <stdbool.h>

#include "input/input.h"
#include "model/evidence.h"

struct told {
	const struct recording *recording; /* borrowed */
	bool with_guests;		   /* also what its recorder says of guests */
};

/* Adds it to new evidence; ctx: a struct told. As struct look's take_told. */
void told_take(struct evidence *e, void *ctx);

/* Return: what the recording is like, as far as it decides what is evidence. */
struct evidence_options told_options(const struct recording *r, bool with_vmsync);

#endif
