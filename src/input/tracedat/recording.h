/*
 * recording: trace.dat behind the seam of input/format.h.
 */
#ifndef VMSCOPE_INPUT_TRACEDAT_RECORDING_H
#define VMSCOPE_INPUT_TRACEDAT_RECORDING_H

#include "input/format.h"
#include "input/tracedat/tracedat.h"

/* As in struct recording_ops. */
struct input_plan *tracedat_plan_new(const struct recording *r, struct event_set wanted,
				     bool every);
void tracedat_plan_free(struct input_plan *plan);
struct reader *tracedat_reader_new(const struct recording *r, size_t stream,
				   const struct input_plan *plan, int64_t skip_before_ns);
void tracedat_reader_share(struct reader *r, struct worker *helper);
void tracedat_reader_fill(struct reader *r);
void tracedat_reader_free(struct reader *r);
struct walk *tracedat_walk_new(const struct recording *r, size_t stream, int64_t from_ns);
int tracedat_walk_next(struct walk *w);
void tracedat_walk_visit(const struct walk *w, enum field_scope scope,
			 const struct field_visitor *v, void *ctx);
void tracedat_walk_free(struct walk *w);

/* All of these. */
extern const struct recording_ops tracedat_ops;

/* Fills what the recording says of itself. formats are complete. */
void tracedat_describe(struct tracedat *t);

/* Opens the trace.dat at path, as struct input_format's open(). */
int tracedat_open(struct recording **rp, const char *path, const struct input_options *options,
		  struct error *err);

#endif
