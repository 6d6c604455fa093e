/*
 * series: charts over time.
 */
#ifndef VMSCOPE_SERVER_SERIES_H
#define VMSCOPE_SERVER_SERIES_H

#include "server/dataset.h"
#include "server/output.h"
#include "server/request.h"

struct series {
	int32_t row;
	char *name; /* owned */
	double *y;  /* owned; one per pixel; NaN: nothing to say */
};

struct chart {
	uint32_t n;
	int64_t *x; /* owned; when each pixel begins */
	VEC(struct series) series;
	const char *title, *label, *unit;
};

/*
 * Computes the series of the rows asked for; for OUTPUT_EXITS the exits must be known
 * (dataset_find_exits()). Return: 0, or ERR with err set; deinitialize in every case.
 */
int chart_init(struct chart *c, const struct dataset *d, enum output_id output,
	       const struct view_request *q, struct error *err);
void chart_deinit(struct chart *c);

/* Writes the protocol's model of XY. */
void chart_write(struct jsonw *j, const struct chart *c);

#endif
