/*
 * columns: the table of vCPUs as people read it, in as many columns as there is room for.
 */
#ifndef VMSCOPE_TOP_COLUMNS_H
#define VMSCOPE_TOP_COLUMNS_H

#include <stdio.h>

#include "live/view.h"

enum column_id {
	COLUMN_VM,
	COLUMN_VCPU,
	COLUMN_RUN,
	COLUMN_READY,
	COLUMN_EXIT,
	COLUMN_POLL,
	COLUMN_IDLE,
	COLUMN_BLOCKED,
	COLUMN_UNKNOWN,
	COLUMN_EXITS,
	COLUMN_WAKE,
	COLUMN_STALL,
	COLUMN_WHY, /* the thief with most of READY, or the commonest exit */
	COLUMN_N,
};

enum { COLUMNS_TEXT = 256 };

/* Which columns a line of `width` characters has room for: a bit each. */
unsigned columns_choose(int width);

/* Writes the head into text, of COLUMNS_TEXT bytes. */
void columns_head(char *text, unsigned columns, int width);

/* A row: of a vCPU, or `sum` of the VM that it is of (NULL: of the vCPU). */
void columns_row(char *text, unsigned columns, int width, const struct view *v,
		 const struct view_vcpu *vcpu, const struct split *sum);

/* Return: what a row is sorted by: the column's value; larger comes first. */
int64_t columns_key(const struct view_vcpu *vcpu, enum column_id column);

/* Return: "RUN" and the like. */
const char *columns_name(enum column_id column);

/* A line of a CPU of the host: who ran there. */
void columns_cpu(char *text, int width, const struct view_cpu *c);

/* A line above all. */
void columns_title(char *text, int width, const struct view *v, const struct live *l,
		   double events_per_second);

#endif
