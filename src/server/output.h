/*
 * output: what there is to look at in an experiment.
 */
#ifndef VMSCOPE_SERVER_OUTPUT_H
#define VMSCOPE_SERVER_OUTPUT_H

#include "base/json.h"
#include "schema/table.h"

enum output_type { OUTPUT_TIME_GRAPH, OUTPUT_XY, OUTPUT_DATA, OUTPUT_TABLE };

enum output_id {
	OUTPUT_HISTOGRAM,
	OUTPUT_VCPUS,
	OUTPUT_THREADS,
	OUTPUT_CPUS,
	OUTPUT_EXITS,
	OUTPUT_STEAL,
	OUTPUT_LATENCY,
	OUTPUT_STATS_VCPUS,
	OUTPUT_STATS_EXITS,
	OUTPUT_STATS_THREADS,
	OUTPUT_STATS_CPUS,
	OUTPUT_EVENTS,
	OUTPUT_RAW,
	OUTPUT_N,
	OUTPUT_NONE = OUTPUT_N,
};

struct output {
	const char *id, *name, *description;
	const char *word; /* what the page's interface calls it */
	enum output_type type;
};

const struct output *output_get(enum output_id id);

/* Return: the output of this id, or OUTPUT_NONE. */
enum output_id output_find(const char *id);

/* Return: the output of this type that the page calls so, or OUTPUT_NONE. */
enum output_id output_find_word(const char *word, enum output_type type);

/* Return: the table of states that a time graph shows, else TABLE_NONE. */
enum table_id output_states(enum output_id id);

/* Writes the protocol's descriptor: an object. */
void output_write(struct jsonw *j, enum output_id id);

#endif
