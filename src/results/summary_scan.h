/*
 * summary_scan: adds up what summary.h has of each vCPU, and of each VM.
 */
#ifndef VMSCOPE_RESULTS_SUMMARY_SCAN_H
#define VMSCOPE_RESULTS_SUMMARY_SCAN_H

#include "base/error.h"
#include "results/results.h"

/*
 * What can be added up; each takes reading a table, unless its rows were added up before
 * (tally/tally.h), and fills members of a summary_vcpu that no other does. Times per state cost
 * nothing and are always there.
 */
enum summary_part {
	SUMMARY_LANES = 1,   /* cpus, occupants */
	SUMMARY_EXITS = 2,   /* exits, details, waits */
	SUMMARY_WAKEUPS = 4, /* stages */
};
enum { SUMMARY_N_PARTS = 3 };

/*
 * Fills the sums of all vCPUs: from `tally`, which is used up, or if it is NULL by reading rows,
 * with up to so many threads. Return: 0, or ERR with err set.
 */
int summary_scan(struct results *r, unsigned parts, unsigned threads, struct tally *tally,
		 struct error *err);

/* The exits of all vCPUs of a VM, by reason, those that cost most first. */
struct vm_exits {
	summary_exits_t exits;
	int64_t observed; /* ns in which they were seen, of all vCPUs */
};

/* vcpu: the number of the only one that counts; TABLE_NULL: all. */
void vm_exits_init(struct vm_exits *x, const struct results *r, int machine, int64_t vcpu);
void vm_exits_deinit(struct vm_exits *x);

/* The same by what they were about, of those exits of which that is known. */
struct vm_details {
	VEC(struct tally_detail) details;
	int64_t observed;
};

void vm_details_init(struct vm_details *d, const struct results *r, int machine, int64_t vcpu);
void vm_details_deinit(struct vm_details *d);

#endif
