/*
 * finding_text: what a finding says, in sentences that are the same in every output.
 */
#ifndef VMSCOPE_RESULTS_FINDING_TEXT_H
#define VMSCOPE_RESULTS_FINDING_TEXT_H

#include "results/finding.h"
#include "results/split.h"

/* Writes its sentences, into the arena. file: of the command to look closer; NULL: "FILE". */
void finding_write(struct finding *f, const struct results *r, const struct blame *b,
		   const char *file, struct arena *texts);
void finding_write_clock(struct finding *f, const struct results *r, const struct res_diag *d,
			 const char *file, struct arena *texts);

/* Return: what there is to say when nothing was found. splits: by machine. */
const char *finding_verdict(const struct results *r, const struct split *splits, size_t n_vcpus,
			    struct arena *texts);

#endif
