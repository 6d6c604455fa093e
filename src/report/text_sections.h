/*
 * text_sections: the sections of the report for people, a function each; text_*.c.
 */
#ifndef VMSCOPE_REPORT_TEXT_SECTIONS_H
#define VMSCOPE_REPORT_TEXT_SECTIONS_H

#include "report/text.h"

/*
 * What is told of, and what spoils it. Return: how many lines that took, 9 at most, of an overview.
 */
size_t text_summary(struct text *t);

/* What is printed of all sections when none is asked for, below so many lines. */
void text_overview(struct text *t, size_t head_lines);

void text_findings(struct text *t);
void text_missing(struct text *t);
void text_split(struct text *t);

/* The same in few lines: what was found, the worst first, in at most so many. */
void text_findings_short(struct text *t, size_t lines);

void text_vcpus(struct text *t);
void text_pcpus(struct text *t);
void text_steal(struct text *t);
void text_vm_exits(struct text *t);
void text_exits(struct text *t);
void text_exit_details(struct text *t);
void text_threads(struct text *t);
void text_containers(struct text *t);
void text_latency(struct text *t);
void text_waits(struct text *t);
void text_machines(struct text *t);
void text_sync(struct text *t);
void text_diag(struct text *t);

/* Says why times are unknown of vCPUs whose host's scheduler was not recorded. */
void text_say_unscheduled(struct text *t);

/* Of all that took a CPU from a vCPU at most so many, the worst first. Return: how many. */
size_t text_steal_top(struct text *t, size_t limit);

/* The part of text_sync() that shows all estimates and their pieces. */
void text_estimates(struct text *t);

#endif
