/*
 * cause: what can make a VM slow, and which of these something in the results speaks for.
 *
 * There is a rule per kind of evidence: what kept a vCPU from its CPU (cause_of_occupant()), why it
 * left the guest (cause_of_exit()). Each ns has one cause at most.
 */
#ifndef VMSCOPE_RESULTS_CAUSE_H
#define VMSCOPE_RESULTS_CAUSE_H

#include "results/naming.h"

enum cause {
#define CAUSE(id, name, kind, percent, least, stretch, remedy) CAUSE_##id,
#include "results/cause.def"
#undef CAUSE
	CAUSE_N,
};

/* What a cost is part of, and so what it is a share of. */
enum cause_kind {
	CAUSE_KIND_LOST,    /* time without a CPU; of what the VM wanted to run */
	CAUSE_KIND_EXIT,    /* time of VM exits; of the same */
	CAUSE_KIND_BLOCKED, /* asleep on the host; of all that is known */
	CAUSE_KIND_GUEST,   /* of one thread: what its own guest did; of what it wanted to run */
	CAUSE_KIND_HOST,    /* the host's time, not the VM's; of all that is known */
	CAUSE_KIND_NOTE,    /* no time */
};

struct cause_info {
	const char *name;
	enum cause_kind kind;
	int percent;
	int64_t least, stretch; /* ns */
	const char *remedy;
};

const struct cause_info *cause_info(enum cause cause);

/* Return: "lost" and the like. */
const char *cause_kind_name(enum cause_kind kind);

/*
 * Return: what keeps this vCPU from its CPU there; woken: while it waits after a wake-up, not after
 * it was preempted.
 */
enum cause cause_of_occupant(const struct results *r, const struct res_vcpu *victim,
			     const struct summary_occupant *s, bool woken);

/* Return: what exits of this name, about this, are for; either may be NULL. */
enum cause cause_of_exit(const char *name, const char *detail);

#endif
