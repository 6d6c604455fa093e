/*
 * wanted: which of the kernel's events are recorded, from the table of required events.
 */
#ifndef VMSCOPE_RECORD_WANTED_H
#define VMSCOPE_RECORD_WANTED_H

#include <stdbool.h>

#include "base/mem.h"
#include "events/required.h"

struct wanted_options {
	bool lite;	 /* only those without which a part of the report is missing */
	bool syscalls;	 /* system calls, too */
	bool net, block; /* packets, and requests to disks, for other programs that read the file */
};

struct wanted_event {
	char *name;			       /* owned: "system:event", may have wildcards */
	const char *what;		       /* what it is there for */
	const struct required_event *required; /* NULL: it is not one that the analysis uses */
};

struct wanted {
	VEC(struct wanted_event) events; /* each name once; equal `what` stand together */
};

void wanted_init(struct wanted *w, const struct wanted_options *o);
void wanted_deinit(struct wanted *w);

#endif
