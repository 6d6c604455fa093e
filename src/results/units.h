/*
 * units: numbers as people read them. All texts live in the arena.
 */
#ifndef VMSCOPE_RESULTS_UNITS_H
#define VMSCOPE_RESULTS_UNITS_H

#include <stdint.h>

#include "base/arena.h"
#include "base/clock_text.h"

/* A duration in the unit that suits it, with so many digits: "7.773 s", "28 ns", "-1.5 ms". */
const char *units_duration(struct arena *arena, int64_t ns, int digits);

/* In seconds, exactly: "8.1 s", "0.000000001 s". */
const char *units_seconds(struct arena *arena, int64_t ns);

/* units_duration(), but nothing for 0. */
const char *units_duration_or_none(struct arena *arena, int64_t ns, int digits);

/* part of whole: "38.5 %"; "" when part is 0, "<0.1 %" when it is nearly so. */
const char *units_share(struct arena *arena, int64_t part, int64_t whole);

/* Whole up to seven digits, then in millions and so on. Unknown: "?". */
const char *units_count(struct arena *arena, int64_t n);

/* A number that is a name, as a tid. Unknown: "?". */
const char *units_number(struct arena *arena, int64_t n);

/* With three digits: "0.05", "46.5", "12345". */
const char *units_rate(struct arena *arena, double per_second);

/*
 * A moment: date and time of day, to the second, with its zone; "731.4 s after boot", exactly,
 * where the time is no wall clock's.
 */
const char *units_moment(struct arena *arena, int64_t ns, const struct clock_text *clock);

/*
 * A text of foreign origin made safe for a terminal: what is no printable UTF-8 becomes '?', and it
 * is cut to `width` characters, then ending in "..".
 */
const char *units_safe(struct arena *arena, const char *text, size_t width);

/* Return: number of characters that the UTF-8 text takes. */
size_t units_width(const char *text);

#endif
