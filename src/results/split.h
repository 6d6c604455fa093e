/*
 * split: where all time of a vCPU went, in the words that operators know from esxtop.
 *
 *	run + ready + exit + poll + idle + blocked + unknown = 100 %
 *
 * The one definition of these words; the view vcpu_split of SQL (sql/view.sql) is the same. A vCPU
 * that is not plugged in has no time.
 */
#ifndef VMSCOPE_RESULTS_SPLIT_H
#define VMSCOPE_RESULTS_SPLIT_H

#include "results/results.h"

/* What it was ready for and had no CPU for. */
enum split_ready {
	READY_NEIGHBOUR, /* another VM had it */
	READY_SIBLING,	 /* another vCPU of its own VM */
	READY_OWN,	 /* its own emulator or vhost worker */
	READY_PROCESS,	 /* another process of the host */
	READY_KERNEL,	 /* a kernel thread */
	READY_INTERRUPT, /* irq, softirq, timer */
	READY_QUOTA,	 /* nobody: it was not allowed to */
	READY_LATENCY,	 /* nobody: the CPU was waking up */
	READY_UNCLEAR,	 /* not recorded, or not told apart */
	READY_N,
};

struct split {
	int64_t run, ready, exit, poll, idle, blocked, unknown; /* ns; they add up to the whole */
	int64_t whole;
	int64_t of_ready[READY_N]; /* they add up to `ready` */
};

/* v: with its lanes added up (SUMMARY_LANES). */
void split_of(struct split *s, const struct results *r, const struct res_vcpu *v);

/* Adds one up to another, as for all vCPUs of a VM. */
void split_add(struct split *s, const struct split *more);

/* Return: ns in which it wanted to run: run, ready and exit. */
int64_t split_wanted(const struct split *s);

/* Return: "neighbour" and the like. */
const char *split_ready_name(enum split_ready ready);

#endif
