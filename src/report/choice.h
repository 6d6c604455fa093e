/*
 * choice: which VMs and vCPUs are told of, in which order, and how many entries of each list.
 */
#ifndef VMSCOPE_REPORT_CHOICE_H
#define VMSCOPE_REPORT_CHOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What lists are sorted by, most first. Those that have nothing of the kind stay as they are. */
enum sort_key {
	SORT_USUAL,
	SORT_RUN, /* vCPUs, from here on */
	SORT_READY,
	SORT_EXIT,
	SORT_POLL,
	SORT_IDLE,
	SORT_BLOCKED,
	SORT_UNKNOWN,
	SORT_EXITS,
	SORT_COUNT, /* exits by their reasons, from here on */
	SORT_COST,
	SORT_TOTAL,
	SORT_MEAN,
	SORT_P50,
	SORT_P99,
	SORT_MAX,
	SORT_N,
};

struct report_choice {
	const char *vm; /* a name, in which * and ? match as in the shell; NULL: all */
	bool one_vcpu;	/* that of this number, of each VM */
	int64_t vcpu;
	size_t top; /* most entries of a list; 0: as many as is usual */
	enum sort_key sort;
};

/* Return: the keys' names, in their order, then NULL. */
const char *const *sort_key_names(void);

/* Return: whether it chooses at all. */
static inline bool choice_is_some(const struct report_choice *c)
{
	return c->vm || c->one_vcpu;
}

#endif
