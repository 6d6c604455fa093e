/*
 * view: one bucket of what is told live, in the terms of all other reports (results/): the split of
 * each vCPU's time, who had its CPU, its exits, and who ran on each CPU.
 *
 * What the model has not told yet, for how it ends decides what it was, counts as it looks now.
 */
#ifndef VMSCOPE_LIVE_VIEW_H
#define VMSCOPE_LIVE_VIEW_H

#include "base/arena.h"
#include "live/live.h"
#include "results/results.h"
#include "results/split.h"

/* What kept a vCPU from its CPU. */
struct view_thief {
	const char *label; /* in the view's arena */
	enum split_ready kind;
	int64_t ns;
};

struct view_exit {
	const char *name;
	uint64_t n;
};

struct view_vcpu {
	const struct res_vcpu *vcpu; /* in the view's results */
	const char *vm, *number;
	struct split split;
	VEC(struct view_thief) thieves; /* the most first; they add up to READY */
	VEC(struct view_exit) exits;	/* likewise, by number */
	uint64_t n_exits;
	int64_t wake_p99, stall; /* ns, over all buckets that are kept; -1: none */
	int cpu;		 /* of the host, where it ran most; -1: nowhere */
};

struct view_user {
	const char *label;
	int64_t ns;
	bool is_vcpu;
};

struct view_cpu {
	uint32_t cpu;
	int64_t vm, other, irq, idle, unknown; /* ns: in guests, other threads, interrupts, ... */
	VEC(struct view_user) users;	       /* the most first */
};

struct view {
	struct arena arena;
	struct results results;
	int64_t begin, end;	     /* ns, by the recording's clock */
	VEC(struct view_vcpu) vcpus; /* by VM, then number */
	VEC(struct view_cpu) cpus;   /* by number */
};

/* number: of the bucket; INT64_MIN: all that was added up (live_options.totals). */
void view_init(struct view *v, const struct live *l, int64_t number);
void view_deinit(struct view *v);

/*
 * All vCPUs of the VM that vCPU `first` of the view is the first of. Return: behind its last one.
 */
size_t view_add_vm(const struct view *v, size_t first, struct split *sum);

#endif
