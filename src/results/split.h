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

#include "base/arena.h"
#include "results/cause.h"
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

struct split {
	union {
		int64_t parts[SPLIT_N];
		struct {
			int64_t run, ready, exit, poll, idle, blocked, unknown;
		};
	}; /* ns; they add up to the whole */
	int64_t whole;
	int64_t of_ready[READY_N]; /* they add up to `ready` */
};

/* Return: as what time counts that this kept a vCPU from its CPU. */
enum split_ready split_ready_of(enum cause cause);

/* v: with its lanes added up (SUMMARY_LANES). */
void split_of(struct split *s, const struct results *r, const struct res_vcpu *v);

/* Adds one up to another, as for all vCPUs of a VM. */
void split_add(struct split *s, const struct split *more);

/* Return: ns in which it wanted to run: run, ready and exit. */
int64_t split_wanted(const struct split *s);

/* Return: "RUN" and so on. */
const char *split_part_name(enum split_part part);

/* Return: the part of this name, in upper or lower case; SPLIT_N when there is none. */
enum split_part split_part_of_name(const char *name);

/*
 * The parts' shares of the whole as people read them, in the arena: "25.1 %", "<0.1 %", "" for
 * nothing. The tenths of a percent add up to 100 % as the parts do to the whole.
 */
void split_shares(const struct split *s, const char *shares[SPLIT_N], struct arena *arena);

/* Return: "neighbour" and the like. */
const char *split_ready_name(enum split_ready ready);

#endif
