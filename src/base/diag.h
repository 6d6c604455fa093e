/*
 * diag: what was wrong with the input, counted.
 *
 * Nothing is dropped silently: whoever skips or corrects something adds to one of the counters
 * listed in diag.def. A list belongs to one reader and is merged into a larger one when that reader
 * is done, so no locks are needed.
 */
#ifndef VMSCOPE_BASE_DIAG_H
#define VMSCOPE_BASE_DIAG_H

#include <stdint.h>

enum diag_id {
#define DIAG(id, name, severity, help) DIAG_##id,
#include "base/diag.def"
#undef DIAG
	DIAG_N,
};

enum diag_severity { DIAG_INFO, DIAG_WARNING, DIAG_DAMAGE };

struct diag_kind {
	const char *name;
	enum diag_severity severity;
	const char *help;
};

enum { DIAG_NO_TIME = INT64_MIN };

struct diag {
	uint64_t count;	  /* 0: never met */
	int64_t first_ns; /* machine time of the first one, or DIAG_NO_TIME */
	const char *file; /* of the first one; borrowed, lives as long as the trace; or NULL */
	uint64_t packet;  /* byte offset of its packet in the file */
	uint64_t bit;	  /* offset in bits from the packet's start */
};

struct diag_list {
	struct diag at[DIAG_N];
};

const struct diag_kind *diag_kind(enum diag_id id);
const char *diag_severity_name(enum diag_severity severity);

/* Counts `count` more; where->first_ns, file, packet and bit are kept if it is the first. */
void diag_add(struct diag_list *list, enum diag_id id, uint64_t count, const struct diag *where);

/* Adds all of `from`; of two first ones the earlier is kept. */
void diag_merge(struct diag_list *list, const struct diag_list *from);

/* Return: the worst severity with a count, or -1 when the list is empty. */
int diag_worst(const struct diag_list *list);

#endif
