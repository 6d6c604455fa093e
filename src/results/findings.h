/*
 * findings: why VMs were slow: what it cost, who it was, the proof, and what helps.
 *
 *	results, added up --> blame      what each cause cost each VM       blame.h
 *	                        |        each ns has one cause (cause.h)
 *	                        v
 *	                      findings   those worth telling, worst first   cause.def's thresholds
 *	                        |
 *	                        v
 *	                      sentences  the same in every output           finding_text.h
 *
 * They come from the results file alone. What a VM's findings say that it lost adds up to no more
 * than it lost, what they say that exits cost to no more than those cost.
 */
#ifndef VMSCOPE_RESULTS_FINDINGS_H
#define VMSCOPE_RESULTS_FINDINGS_H

#include "base/arena.h"
#include "results/finding.h"
#include "results/split.h"
#include "results/summary_scan.h"
#include "results/thread_cost.h"

/* What cannot be told because an event was not recorded. */
struct finding_missing {
	int machine;
	const char *event, *without;
};

struct findings {
	VEC(struct finding) at; /* worst first */
	VEC(struct finding_missing) missing;
	struct split *splits; /* by machine: of the VM's vCPUs that were asked for */
	const char *verdict;  /* a sentence: that there is nothing; NULL: there is */
	const char *title;    /* what they are about */
	struct arena texts;
};

/* Of which VM, and of which of its vCPUs alone is told. */
struct findings_wanted {
	const char *vm; /* name; NULL: all */
	int64_t vcpu;	/* number in the VM; TABLE_NULL: all */
	bool any;	/* also what costs too little to be told: of a stretch that is asked for */
	const char *file; /* as commands name the results file; NULL: "FILE" */
	/*
	 * Only of this thread; r's vCPUs then have what its tally adds up to, and the others are
	 * ignored. NULL: of VMs.
	 */
	const struct thread_cost *thread;
};

#define FINDINGS_OF_ALL ((struct findings_wanted){.vcpu = TABLE_NULL})

/* What has to be added up of the results (summary_scan.h). */
enum { FINDINGS_PARTS = SUMMARY_LANES | SUMMARY_EXITS };

/*
 * r: with FINDINGS_PARTS added up; it must outlive them. Return: 0; 1 when there is no VM or vCPU
 * that is wanted; or ERR with err set. Deinitialize in every case.
 */
int findings_init(struct findings *f, const struct results *r, const struct findings_wanted *wanted,
		  struct error *err);
void findings_deinit(struct findings *f);

#endif
