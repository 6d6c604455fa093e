/*
 * pattern: a regular expression that a client looks for in a table's cells, by PCRE2.
 *
 * Clients are hostile, and patterns can be made that take forever to try. What one may take is
 * bounded: its length, the nesting of its groups, its memory, and its steps per text.
 */
#ifndef VMSCOPE_SERVER_PATTERN_H
#define VMSCOPE_SERVER_PATTERN_H

#include <stdbool.h>

enum {
	PATTERN_MAX_LENGTH = 256,
	PATTERN_MAX_GROUPS = 32,   /* groups within groups */
	PATTERN_MAX_STEPS = 50000, /* per text; about a millisecond */
	PATTERN_MAX_HEAP = 1024,   /* KiB, per text */
};

struct pattern;

/* Return: the pattern, to be freed, or NULL if it is none or too large. */
struct pattern *pattern_new(const char *text);
void pattern_free(struct pattern *p);

/* Return: whether it is found within the text; not found is also what took too many steps. */
bool pattern_matches(const struct pattern *p, const char *text);

#endif
