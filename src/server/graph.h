/*
 * graph: time graphs: states, and what is told of a state that is pointed at.
 */
#ifndef VMSCOPE_SERVER_GRAPH_H
#define VMSCOPE_SERVER_GRAPH_H

#include "server/dataset.h"
#include "server/output.h"
#include "server/request.h"

/*
 * Writes the model of the states of the rows that were asked for, those of all rows otherwise.
 * Return: 0, or ERR with err set.
 */
int graph_states(struct jsonw *j, const struct dataset *d, enum output_id output,
		 const struct view_request *q, struct error *err);

/* The same as arrays, see docs/server.md. Return: 0 and *datap, owned by the caller; or ERR. */
int graph_lanes(char **datap, size_t *sizep, const struct dataset *d, const struct view_request *q,
		struct error *err);

/* Writes what is to be told of row at time t, an object of texts. Return: 0, or ERR. */
int graph_tooltip(struct jsonw *j, const struct dataset *d, int32_t row, int64_t t,
		  struct error *err);

#endif
