/*
 * zoom: a lane at the resolution of a picture.
 *
 * A stretch of time is cut into pixels; for each, the time in every state (or for spans, their
 * time) and the number of rows are added up. What is much narrower than a pixel is taken from the
 * index, so that the cost depends on the pixels, not on the rows.
 *
 * Exact: the sum over all pixels of a lane of states is the time that the lane has in the stretch.
 * A piece of the lane that is no wider than `smear` pixels is not looked into: its time is spread
 * evenly over the pixels that it touches, up to rounding.
 */
#ifndef VMSCOPE_STORE_ZOOM_H
#define VMSCOPE_STORE_ZOOM_H

#include "store/reader.h"

struct zoom_query {
	enum table_id table; /* of states, spans or points */
	size_t lane;
	int64_t from, to; /* [from, to), from < to */
	uint32_t n_pixels;
	uint32_t smear; /* pixels; 0: every pixel is exact, at the cost of reading all rows */
};

struct zoom {
	uint32_t n_pixels, n_sums;
	uint64_t *time; /* owned; n_sums per pixel: ns per state; spans: one; points: none */
	uint64_t *rows; /* owned; per pixel: rows that begin in it */
	uint64_t blocks_read, nodes_read;
};

/* Return: 0 and *z, which zoom_deinit() frees; or ERR with err set. */
int zoom_init(struct zoom *z, const struct store *s, const struct zoom_query *query,
	      struct error *err);
void zoom_deinit(struct zoom *z);

/* Return: the state that has most of the pixel, or -1 when the lane is not there. */
int zoom_dominant(const struct zoom *z, uint32_t pixel);

/* Return: when pixel p begins; p == n_pixels: when the last one ends. */
int64_t zoom_begin(const struct zoom_query *query, uint32_t p);

#endif
