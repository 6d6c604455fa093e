/*
 * blame: what each cause cost each VM, and who it was.
 */
#ifndef VMSCOPE_RESULTS_BLAME_H
#define VMSCOPE_RESULTS_BLAME_H

#include "base/arena.h"
#include "results/cause.h"

/* Where it was worst: at a stretch, or, of exits, within some time from there on. */
struct blame_worst {
	int vcpu;
	int64_t at, ns;
};

/* One that had a part in a cost; what they are depends on the cause. */
struct blame_culprit {
	const char *name;
	int vm;	     /* machine, or NOBODY */
	int64_t pid; /* or TABLE_NULL */
	uint64_t n;  /* processes of that name */
	int64_t ns;
	uint64_t times;
};

struct blame {
	int64_t cost;
	uint64_t times;	   /* stretches, exits */
	uint64_t taken;	   /* of stretches: those that it began by taking the CPU */
	int64_t unsure;	   /* of cost: likely, not proved */
	int n_vcpus, vcpu; /* that it cost anything; the last of them */
	struct blame_worst worst;
	VEC(struct blame_culprit) culprits; /* those that had most of it first */
};

struct blames {
	const struct results *r;
	struct blame *at; /* owned; by machine, by cause */
	struct arena texts;
};

void blames_init(struct blames *b, const struct results *r);
void blames_deinit(struct blames *b);

struct blame *blames_get(const struct blames *b, int machine, enum cause cause);

/* Adds what a vCPU lost, what its exits cost, what it slept and polled. */
void blames_add_vcpu(struct blames *b, int vcpu);

/* Adds of that only what it lost and what its exits cost. */
void blames_add_taken(struct blames *b, int vcpu);

/* Adds up culprits that are one, and sorts them; when all is added. */
void blames_finish(struct blames *b);

#endif
