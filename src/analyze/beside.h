/*
 * beside: what stands beside recordings and is known of them: the snapshot of the host that
 * `vmscope record` takes.
 */
#ifndef VMSCOPE_ANALYZE_BESIDE_H
#define VMSCOPE_ANALYZE_BESIDE_H

#include "analyze/analysis.h"

struct beside {
	struct analysis_options options;  /* with what was found */
	VEC(struct analysis_host_vm) vms; /* owned; names are the recordings' */
};

/*
 * Adds it to the session's recordings and to a copy of the options, which have to outlive it.
 * What cannot be read is left out, and noted in the session.
 */
void beside_init(struct beside *b, struct session *session, const struct analysis_options *options);
void beside_deinit(struct beside *b);

#endif
