/*
 * setup: records that say something of the recording as a whole: attributes and features of a
 * pipe's, names, clocks, CPUs.
 */
#ifndef VMSCOPE_PERFDATA_SETUP_H
#define VMSCOPE_PERFDATA_SETUP_H

#include "input/perfdata/perfdata.h"

/* Takes what a record of perf's own says, if anything. Damage is counted. */
void perfdata_setup(struct perfdata *p, const struct perfdata_source *source,
		    const struct perfdata_record *r);

#endif
