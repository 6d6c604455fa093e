/*
 * finding: one reason why a VM was slow, as findings.h finds it and every output shows it.
 */
#ifndef VMSCOPE_RESULTS_FINDING_H
#define VMSCOPE_RESULTS_FINDING_H

#include "results/blame.h"

struct finding {
	enum cause cause;
	int vm;			  /* machine */
	const char *thread;	  /* that it is about, as people name it; NULL: the VM */
	int vcpu;		  /* the only one that it is about; NOBODY: n_vcpus of them */
	int n_vcpus;		  /* that it cost anything */
	int64_t cost, whole;	  /* ns; what it is a share of; both 0 for a note */
	uint64_t times;		  /* stretches, exits */
	struct blame_worst worst; /* ns 0: none */
	/* Who it was most, and what of the cost; label: NULL where that is nobody. */
	const char *culprit;
	int culprit_vm;
	int64_t culprit_pid, culprit_ns;
	/* Sentences; NULL: there is none to say. */
	const char *what, *where, *evidence, *against, *look;
};

#endif
