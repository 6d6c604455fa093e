/*
 * batch: what is seen live as a stream of text, CSV or JSON lines, one piece per bucket.
 */
#ifndef VMSCOPE_TOP_BATCH_H
#define VMSCOPE_TOP_BATCH_H

#include <stdio.h>

#include "live/view.h"

enum batch_format { BATCH_TEXT, BATCH_CSV, BATCH_JSON };

struct batch {
	FILE *file; /* borrowed */
	enum batch_format format;
	bool began;
};

/* rate: events per second. total: it is the sum of all. */
void batch_print(struct batch *b, const struct view *v, const struct live *l, double rate,
		 bool total);

#endif
