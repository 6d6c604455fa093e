/*
 * listing_print: the two forms in which a listing's events are printed.
 *
 * A printer is told each event as it comes; it asks the event's walk for the fields.
 */
#ifndef VMSCOPE_INSPECT_LISTING_PRINT_H
#define VMSCOPE_INSPECT_LISTING_PRINT_H

#include <stdio.h>

#include "base/clock_text.h"
#include "input/input.h"

/* An event, or a loss, where the walk stands. */
struct listing_entry {
	const struct walk *walk;
	const char *machine;	  /* the trace's name */
	const char *host;	  /* its host name as babeltrace2 prints it, or the trace's name */
	enum clock_origin origin; /* of its times */
};

struct listing_printer {
	void (*event)(void *ctx, const struct listing_entry *e);
	void (*lost)(void *ctx, const struct listing_entry *e);
	void (*free)(void *ctx); /* writes what is buffered */
};

/* Both: *ctxp is to be given to each call of the printer. Return: the printer. */
const struct listing_printer *listing_text_new(FILE *f, const struct clock_text *clock,
					       void **ctxp);
const struct listing_printer *listing_json_new(FILE *f, void **ctxp);

/*
 * Text of 2- or 4-byte code points as UTF-8; what is none becomes U+FFFD.
 * Return: the text, to be freed by the caller, with its length in *np.
 */
char *listing_utf8(const struct field *f, const uint8_t *at, size_t n, size_t *np);

#endif
