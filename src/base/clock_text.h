/*
 * clock_text: times as people read and write them.
 *
 * Times since the Epoch have the forms that babeltrace2 prints. What a recording does not know is
 * neither printed nor read: times of other origins are seconds, whichever style was asked for.
 */
#ifndef VMSCOPE_BASE_CLOCK_TEXT_H
#define VMSCOPE_BASE_CLOCK_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock_origin.h"
#include "base/error.h"
#include "base/out.h"

enum clock_style {
	CLOCK_TIME,    /* 01:17:59.191196227 */
	CLOCK_DATE,    /* 2026-11-23 01:17:59.191196227 */
	CLOCK_SECONDS, /* 1795396679.191196227, since the Epoch */
};

enum { CLOCK_TEXT_NO_DAY = 1 };

struct clock_text {
	enum clock_style style;
	bool gmt; /* otherwise local time */
	enum clock_origin origin;

	/* Private: the text of the second that was printed last. */
	int64_t second;
	char text[48]; /* "" at first */
};

void clock_text_print(struct clock_text *c, struct out *o, int64_t ns);

/*
 * The same, for times that stand below each other: "   12.345678901" where it is no wall clock's.
 */
void clock_text_print_column(struct clock_text *c, struct out *o, int64_t ns);

/*
 * The same, for a sentence: "01:17:59.191196227Z", "02:17:59.191196227+01:00", "12.345678901 s
 * after boot", "12.345678901 s".
 */
void clock_text_print_words(struct clock_text *c, struct out *o, int64_t ns);

enum { CLOCK_MOMENT_SIZE = 48 };

/*
 * A date with the second and the zone: "2026-11-23 02:17:59+01:00". Return: false when the time is
 * no wall clock's, or too far away to have a date.
 */
bool clock_text_moment(const struct clock_text *c, int64_t ns, char text[CLOCK_MOMENT_SIZE]);

/*
 * "from 2026-11-23 01:17:59.191196227Z to 01:18:19.381916632Z (+0 to +20.190720405 s)", or the same
 * in seconds. For free().
 */
char *clock_text_span(const struct clock_text *c, int64_t begin, int64_t end);

/* A span in seconds, with its sign: +0.000431440. */
void clock_text_print_delta(struct out *o, int64_t ns);

/*
 * Reads a time of a recording that begins at begin_ns: seconds from there (with a plus), ns since
 * the origin (a whole number), seconds (with a point), a time of day or a date with one. These may
 * be followed by their zone: Z, UTC, +01:00; without, they are local, or UTC if `gmt` says so. A
 * time of day belongs to the day on which it begins, or to the next if that is nearer.
 * Return: 0 with *nsp; CLOCK_TEXT_NO_DAY with err set when it is one and the origin is not the
 * Epoch; or ERR with err set.
 */
int clock_text_parse(const struct clock_text *c, const char *text, int64_t begin_ns, int64_t *nsp,
		     struct error *err);

/* Whether that is a time of any recording at all. Return: 0, or ERR with err set. */
int clock_text_check(const char *text, struct error *err);

#endif
