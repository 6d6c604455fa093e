/*
 * stats: statistics of a stretch of time, as tables.
 */
#ifndef VMSCOPE_SERVER_STATS_H
#define VMSCOPE_SERVER_STATS_H

#include "base/json.h"
#include "server/dataset.h"

enum stats_kind {
	STATS_VCPUS,
	STATS_THREADS,
	STATS_CPUS,
	STATS_EXITS,
	STATS_STEAL,
	STATS_N_KINDS,
};

enum stats_type { STATS_TEXT, STATS_NUMBER, STATS_NS, STATS_ROW, STATS_TIME };

struct stats_column {
	const char *name, *title, *help; /* borrowed, live as long as the program */
	enum stats_type type;
};

struct stats_cell {
	int64_t value; /* TABLE_NULL: none */
	char *text;    /* owned; STATS_TEXT only */
};

enum { STATS_MAX_COLUMNS = 20 };

struct stats_row {
	int32_t row; /* what it is about */
	struct stats_cell cells[STATS_MAX_COLUMNS];
};

struct stats {
	int n_columns;
	struct stats_column columns[STATS_MAX_COLUMNS];
	VEC(struct stats_row) rows;
};

/* Return: the kind of this name, or STATS_N_KINDS. */
enum stats_kind stats_find(const char *name);

/* Computes what was in [from, to). Return: 0, or ERR with err set; deinitialize in every case. */
int stats_init(struct stats *s, struct dataset *d, enum stats_kind kind, int64_t from, int64_t to,
	       struct error *err);
void stats_deinit(struct stats *s);

/* Writes the page's form; times count from `origin`. */
void stats_write(struct jsonw *j, const struct stats *s, int64_t origin);

/* Writes the protocol's data tree. */
void stats_write_tree(struct jsonw *j, const struct stats *s);

#endif
