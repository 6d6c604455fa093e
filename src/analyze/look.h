/*
 * look: reads all traces once, for what has to be known before they can be told: who is who
 * (model/evidence.h), and what finding clocks needs (sync/observed.h). CPUs are read side by side.
 */
#ifndef VMSCOPE_ANALYZE_LOOK_H
#define VMSCOPE_ANALYZE_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "input/input.h"
#include "model/evidence.h"
#include "sync/observed.h"

/* Of one machine. All borrowed. */
struct look {
	struct recording *trace;
	struct evidence_options options;
	struct evidence *evidence; /* made */
	struct lives *lives;	   /* made: of tids that more than one thread had; empty at first */
	struct diag_list *diags;   /* made: what was wrong with its streams */
	struct observed_machine *observed; /* filled; NULL: clocks are not looked for */
	bool is_guest, is_host;		   /* what it may be, for that */
	/* Adds to new evidence what the recording says as a whole; it may be called twice. */
	void (*take_told)(struct evidence *e, void *ctx);
	void *ctx;
	/* Private. */
	struct input_plan *plan;
	struct look_found *found; /* per stream */
	unsigned n_again;
	bool is_settled; /* what else has to be known before it is looked at is known */
};

/*
 * Looks at n machines. all: what their `observed` are of, or NULL.
 *
 * The largest, which is most often the host, is looked at last: then it is known whether it may be
 * another one's guest, so whether its events count as such. Events that a user had recorded in
 * several channels are found by counting, and must be read once only: these are then marked in the
 * recording's streams, and the machine is looked at once more. So it is where a tid turns out to have
 * been of a vCPU's thread and of another one, and where packets are damaged or in
 * disorder (input/gap.h).
 */
void look_at(struct look *looks, size_t n, struct observed *all, unsigned threads);

#endif
