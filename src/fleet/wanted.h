/*
 * wanted: which rows of a recording are wanted.
 */
#ifndef VMSCOPE_FLEET_WANTED_H
#define VMSCOPE_FLEET_WANTED_H

#include "fleet/recording.h"

struct fleet_source {
	const struct fleet_recording *recording;
	const struct fleet_table *tables; /* FLEET_N of them */
	bool wanted[FLEET_N];		  /* which tables; those of the ledger are not made here */
	uint64_t skip[FLEET_N];		  /* of each so many first rows are left out */
	uint64_t rows[FLEET_N];		  /* set: how many there are, those left out counted */
};

#endif
