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
 * Computes the series of the rows asked for. Work is bounded (parts.h): what blocks of rows have
 * that are not looked into is spread evenly over their time. Return: 0, or ERR with err set;
 * deinitialize in every case.
 */
int chart_init(struct chart *c, struct dataset *d, enum output_id output,
	       const struct view_request *q, struct error *err);
void chart_deinit(struct chart *c);

/* Writes what a series has, an array; `otherwise` stands where it has nothing to say. */
void chart_write_y(struct jsonw *j, const struct chart *c, const struct series *s,
		   const char *otherwise);

/* Writes the protocol's model of XY. */
void chart_write(struct jsonw *j, const struct chart *c);

#endif
