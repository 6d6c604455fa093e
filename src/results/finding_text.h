/*
 * finding_text: what a finding says, in sentences that are the same in every output.
 */
#ifndef VMSCOPE_RESULTS_FINDING_TEXT_H
#define VMSCOPE_RESULTS_FINDING_TEXT_H

#include "results/finding.h"
#include "results/split.h"
#include "results/thread_cost.h"

/* Writes its sentences, into the arena. file: of the command to look closer; NULL: "FILE". */
void finding_write(struct finding *f, const struct results *r, const struct blame *b,
		   const char *file, struct arena *texts);
void finding_write_clock(struct finding *f, const struct results *r, const struct res_diag *d,
			 const char *file, struct arena *texts);

/* Return: what there is to say when nothing was found. splits: by machine. */
const char *finding_verdict(const struct results *r, const struct split *splits, size_t n_vcpus,
			    struct arena *texts);

/* Of one thread: what is told of it, and that nothing is to be told. */
const char *finding_thread_title(const struct thread_cost *t, struct arena *texts);
const char *finding_thread_verdict(const struct thread_cost *t, struct arena *texts);

#endif
