#include "api/rows.h"

#include <math.h>
#include <string.h>

#include "api/api_error.h"

int api_select_take(struct vms_select *to, const struct vms_select *from, struct error *err)
{
	*to = (struct vms_select)VMS_SELECT_INIT;
	if (!from)
		return 0;
	if (from->size > sizeof(*to))
		return error_set(err, "the program was built for a later version of libvmscope");
	memcpy(to, from, from->size);
	return 0;
}

int vms_next(struct vms_rows *rows, struct vms_error **error)
{
	struct error err = {0};

	if (!rows) {
		error_set(&err, "there are no rows");
		return api_fail(error, &err);
	}
	int r = rows->ops->next(rows, &err);

	rows->at_row = r > 0;
	return r < 0 ? api_fail(error, &err) : r;
}

void vms_rows_free(struct vms_rows *rows)
{
	if (rows)
		rows->ops->free(rows);
}

int vms_n_columns(const struct vms_rows *rows)
{
	return rows ? rows->n_columns : 0;
}

const char *vms_column_name(const struct vms_rows *rows, int column)
{
	if (column < 0 || column >= vms_n_columns(rows))
		return NULL;
	return rows->ops->name(rows, column);
}

int vms_column(const struct vms_rows *rows, const char *name)
{
	for (int i = 0; i < vms_n_columns(rows); i++) {
		if (!strcmp(rows->ops->name(rows, i), name))
			return i;
	}
	return -1;
}

static struct api_value api_value(const struct vms_rows *rows, int column)
{
	if (!rows || !rows->at_row || column < 0 || column >= rows->n_columns)
		return (struct api_value){0};
	return rows->ops->value(rows, column);
}

enum vms_type vms_type(const struct vms_rows *rows, int column)
{
	return api_value(rows, column).type;
}

/* What does not fit, as an infinity, is not known. */
static int64_t api_cut(double real)
{
	return real > -0x1p63 && real < 0x1p63 ? (int64_t)real : VMS_NULL;
}

int64_t vms_int(const struct vms_rows *rows, int column)
{
	struct api_value v = api_value(rows, column);

	return v.type == VMS_TYPE_INT ? v.i : v.type == VMS_TYPE_REAL ? api_cut(v.real) : VMS_NULL;
}

double vms_real(const struct vms_rows *rows, int column)
{
	struct api_value v = api_value(rows, column);

	return v.type == VMS_TYPE_REAL ? v.real : v.type == VMS_TYPE_INT ? (double)v.i : NAN;
}

const char *vms_text(const struct vms_rows *rows, int column)
{
	struct api_value v = api_value(rows, column);

	return v.type == VMS_TYPE_TEXT ? v.text : NULL;
}
