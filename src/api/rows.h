/*
 * rows: rows of any kind, as the library's users go through them. A table, a section and a query
 * are each a struct that begins with a struct vms_rows.
 */
#ifndef VMSCOPE_API_ROWS_H
#define VMSCOPE_API_ROWS_H

#include <stdbool.h>
#include <vmscope.h>

#include "base/error.h"

/* A value; text: borrowed until the next row. */
struct api_value {
	enum vms_type type;
	union {
		int64_t i;
		double real;
		const char *text;
	};
};

struct api_rows_ops {
	const char *(*name)(const struct vms_rows *rows, int column);
	/* Return: 1; 0 at the end; ERR with err set. */
	int (*next)(struct vms_rows *rows, struct error *err);
	struct api_value (*value)(const struct vms_rows *rows, int column);
	void (*free)(struct vms_rows *rows);
};

struct vms_rows {
	const struct api_rows_ops *ops;
	const struct vms_file *file;
	int n_columns;
	bool at_row;
};

/* As vms_select, complete. Return: 0, or ERR when it is of a later version. */
int api_select_take(struct vms_select *to, const struct vms_select *from, struct error *err);

#endif
