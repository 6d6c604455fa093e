/*
 * text: what the sections of the report for people share. It is at most 100 columns wide.
 */
#ifndef VMSCOPE_REPORT_TEXT_H
#define VMSCOPE_REPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/clock_text.h"
#include "base/out.h"
#include "report/chosen.h"
#include "report/grid.h"
#include "report/section.h"
#include "results/findings.h"
#include "results/results.h"

struct text {
	struct out out;
	struct arena arena;
	const struct results *r;
	const struct findings *found;
	const struct chosen *chosen; /* of r */
	unsigned sections;	     /* to print; 0: an overview of them */
	unsigned asked;		     /* of them, those that the user named */
	struct clock_text clock;     /* how moments are printed */
	const char *range_asked;     /* as the user wrote it, or NULL */
	bool color, all;
	size_t top; /* entries of a list; 0: not said */
};

void text_title(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_line(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Words wrapped to the width, every line `indent` columns in. */
void text_wrapped(struct text *t, size_t indent, const char *words);

void text_grid(struct text *t, const struct grid *g);

/* Return: how many of n entries to show when `limit` are enough, if the user does not say. */
size_t text_limit(const struct text *t, size_t n, size_t limit);

/* "... and 12 more vCPUs (--all)", when not all n were shown. */
void text_more(struct text *t, size_t n, size_t shown, const char *what);

/* A name as it can be shown. */
const char *text_machine(struct text *t, int machine, size_t width);

/* The vCPU's VM and its number there, as cells. */
void text_add_vcpu(struct text *t, struct grid *g, const struct res_vcpu *v);

/* Where its time went: a cell of the share of each part. */
void text_add_shares(struct text *t, struct grid *g, const struct split *s);

/* "vCPU 0 of web1" */
const char *text_vcpu(struct text *t, const struct res_vcpu *v);

#endif
