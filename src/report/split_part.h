/*
 * split_part: the parts of a vCPU's time (results/split.h), by name.
 */
#ifndef VMSCOPE_REPORT_SPLIT_PART_H
#define VMSCOPE_REPORT_SPLIT_PART_H

#include <stdint.h>

#include "results/results.h"

enum split_part {
	SPLIT_RUN,
	SPLIT_READY,
	SPLIT_EXIT,
	SPLIT_POLL,
	SPLIT_IDLE,
	SPLIT_BLOCKED,
	SPLIT_UNKNOWN,
	SPLIT_N,
};

/* Return: "RUN" and so on. */
const char *split_part_name(enum split_part part);

/* Return: the part of this name, in upper or lower case; SPLIT_N when there is none. */
enum split_part split_part_of_name(const char *name);

/* Return: ns in that part; in all of them. */
int64_t split_part_time(const struct results *r, const struct res_vcpu *v, enum split_part part);
int64_t split_part_whole(const struct results *r, const struct res_vcpu *v);

#endif
