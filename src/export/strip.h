/*
 * strip: a lane as a picture, a strip of columns.
 *
 * Each column is a stretch of time, and shows how it was shared: layers on top of each other, as
 * high as their part of it. So a picture has as much of each state as there was, however many
 * intervals one column holds. What is in no layer stays open.
 */
#ifndef VMSCOPE_EXPORT_STRIP_H
#define VMSCOPE_EXPORT_STRIP_H

#include "export/html.h"

enum { STRIP_MAX_LAYERS = 16 };

struct strip {
	int64_t from, to;
	uint32_t n_columns;
	int n_layers;
	uint64_t *time; /* owned; ns, n_layers per column, from the bottom */
};

/* from < to */
void strip_init(struct strip *s, int64_t from, int64_t to, uint32_t n_columns, int n_layers);
void strip_deinit(struct strip *s);

/* Adds what of [begin, end) lies in the strip to a layer. */
void strip_add(struct strip *s, int64_t begin, int64_t end, int layer);

/* Writes it as SVG; classes: of each layer. */
void strip_write(const struct strip *s, struct html *h, const char *const *classes);

/* Writes the times below strips: moments since the begin of the recording. */
void strip_write_axis(struct html *h);

#endif
