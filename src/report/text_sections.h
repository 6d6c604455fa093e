/*
 * text_sections: the sections of the report for people, a function each; text_*.c.
 */
#ifndef VMSCOPE_REPORT_TEXT_SECTIONS_H
#define VMSCOPE_REPORT_TEXT_SECTIONS_H

#include "report/text.h"

void text_summary(struct text *t);
void text_findings(struct text *t);
void text_missing(struct text *t);
void text_split(struct text *t);
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

/* The part of text_sync() that shows all estimates and their pieces. */
void text_estimates(struct text *t);

#endif
