/*
 * clock_text: times as people read and write them, in the forms that babeltrace2 prints.
 */
#ifndef VMSCOPE_ANALYZE_CLOCK_TEXT_H
#define VMSCOPE_ANALYZE_CLOCK_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/error.h"
#include "base/out.h"

enum clock_style {
	CLOCK_TIME,    /* 01:17:59.191196227 */
	CLOCK_DATE,    /* 2026-11-23 01:17:59.191196227 */
	CLOCK_SECONDS, /* 1795396679.191196227, since the Epoch */
};

struct clock_text {
	enum clock_style style;
	bool gmt; /* otherwise local time */

	/* Private: the text of the second that was printed last. */
	int64_t second;
	char text[48]; /* "" at first */
};

void clock_text_print(struct clock_text *c, struct out *o, int64_t ns);

/* A span in seconds, with its sign: +0.000431440. */
void clock_text_print_delta(struct out *o, int64_t ns);

/*
 * Reads a time of a recording that begins at begin_ns: seconds from there (with a plus), ns since the Epoch (a
 * whole number), seconds (with a point), a time of day or a date with one. A time of day belongs to the
 * day on which it begins, or to the next if that is nearer. Return: 0 with *nsp, or ERR with err set.
 */
int clock_text_parse(const struct clock_text *c, const char *text, int64_t begin_ns, int64_t *nsp,
		     struct error *err);

/* Whether that is a time of any recording at all. Return: 0, or ERR with err set. */
int clock_text_check(const char *text, struct error *err);

#endif
