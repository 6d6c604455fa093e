/*
 * text: the report for people, at most 100 columns wide. A section per function; main order and
 * what they share are in text.c.
 */
#ifndef VMSCOPE_REPORT_TEXT_H
#define VMSCOPE_REPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/out.h"
#include "report/grid.h"
#include "report/report.h"
#include "report/results.h"

struct text {
	struct out out;
	struct arena arena;
	const struct results *r;
	unsigned sections; /* to print */
	unsigned asked;	   /* of them, those that the user named */
	bool color, all;
};

void text_print(FILE *f, const struct results *r, const struct report_options *options);

/* The sections. */
void text_summary(struct text *t);
void text_vcpus(struct text *t);
void text_pcpus(struct text *t);
void text_steal(struct text *t);
void text_vm_exits(struct text *t);
void text_exits(struct text *t);
void text_threads(struct text *t);
void text_containers(struct text *t);
void text_latency(struct text *t);
void text_waits(struct text *t);
void text_machines(struct text *t);
void text_sync(struct text *t);
void text_diag(struct text *t);

/* The part of text_sync() that shows all estimates and their pieces. */
void text_estimates(struct text *t);

/* ---- what they share ---- */

void text_title(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_line(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Words wrapped to the width, every line `indent` columns in. */
void text_wrapped(struct text *t, size_t indent, const char *words);

void text_grid(struct text *t, const struct grid *g);

/* Return: how many of n entries to show when `limit` are enough. */
size_t text_limit(const struct text *t, size_t n, size_t limit);

/* "... and 12 more vCPUs (--all)", when not all n were shown. */
void text_more(struct text *t, size_t n, size_t shown, const char *what);

/* A name as it can be shown. */
const char *text_machine(struct text *t, int machine, size_t width);

/* The vCPU's VM and its number there, as cells. */
void text_add_vcpu(struct text *t, struct grid *g, const struct res_vcpu *v);

/* "vCPU 0 of web1" */
const char *text_vcpu(struct text *t, const struct res_vcpu *v);

#endif
