#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_error.h"
#include "api/file.h"
#include "api/rows.h"
#include "sql/database.h"

struct api_query {
	struct vms_rows rows;
	sqlite3 *db;
	sqlite3_stmt *statement;
};

static sqlite3_stmt *api_query_of(const struct vms_rows *rows)
{
	return ((const struct api_query *)rows)->statement;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static const char *api_query_name(const struct vms_rows *rows, int column)
{
	return sqlite3_column_name(api_query_of(rows), column);
}

static int api_query_error(const struct vms_rows *rows, struct error *err)
{
	return error_set(err, "%s", sqlite3_errmsg(((const struct api_query *)rows)->db));
}

static int api_query_next(struct vms_rows *rows, struct error *err)
{
	int r = sqlite3_step(api_query_of(rows));

	return r == SQLITE_ROW ? 1 : r == SQLITE_DONE ? 0 : api_query_error(rows, err);
}

static struct api_value api_query_value(const struct vms_rows *rows, int column)
{
	sqlite3_stmt *s = api_query_of(rows);

	switch (sqlite3_column_type(s, column)) {
	case SQLITE_INTEGER:
		return (struct api_value){.type = VMS_TYPE_INT,
					  .i = sqlite3_column_int64(s, column)};
	case SQLITE_FLOAT:
		return (struct api_value){.type = VMS_TYPE_REAL,
					  .real = sqlite3_column_double(s, column)};
	case SQLITE_NULL:
		return (struct api_value){0};
	default:
		return (struct api_value){.type = VMS_TYPE_TEXT,
					  .text = (const char *)sqlite3_column_text(s, column)};
	}
}

static void api_query_free(struct vms_rows *rows)
{
	struct api_query *q = (struct api_query *)rows;

	sqlite3_finalize(q->statement);
	sqlite3_close(q->db);
	free(q);
}

static const struct api_rows_ops api_query_ops = {
	.name = api_query_name,
	.next = api_query_next,
	.value = api_query_value,
	.free = api_query_free,
};

/* ---- the statement --------------------------------------------------------------------------- */

static int api_prepare(struct api_query *q, const struct store *s, const char *sql,
		       struct error *err)
{
	const char *rest;

	if (sql_open_store(&q->db, s, err))
		return ERR;
	if (sqlite3_prepare_v2(q->db, sql, -1, &q->statement, &rest) != SQLITE_OK)
		return api_query_error(&q->rows, err);
	while (isspace((unsigned char)*rest) || *rest == ';')
		rest++;
	if (!q->statement || *rest)
		return error_set(err, "that is not one SQL statement");
	q->rows.n_columns = sqlite3_column_count(q->statement);
	return 0;
}

struct vms_rows *vms_query(const struct vms_file *file, const char *sql, struct vms_error **error)
{
	struct api_query *q = mem_zalloc(1, sizeof(*q));
	struct error err = {0};

	q->rows = (struct vms_rows){.ops = &api_query_ops, .file = file};
	if (api_prepare(q, file->store, sql, &err)) {
		api_query_free(&q->rows);
		api_fail(error, &err);
		return NULL;
	}
	return &q->rows;
}

/* ---- parameters ------------------------------------------------------------------------------ */

/* Return: the statement that can be given values; NULL with *error set: these rows are of none. */
static sqlite3_stmt *api_bound(const struct vms_rows *rows, struct vms_error **error)
{
	struct error err = {0};

	if (rows && rows->ops == &api_query_ops)
		return api_query_of(rows);
	error_set(&err, "only a query has parameters");
	api_fail(error, &err);
	return NULL;
}

/* Return: 0, or -1 with *error set: what SQLite said of a value was bad. */
static int api_check_bound(const struct vms_rows *rows, int r, struct vms_error **error)
{
	struct error err = {0};

	if (r == SQLITE_OK)
		return 0;
	api_query_error(rows, &err);
	return api_fail(error, &err);
}

int vms_bind_int(struct vms_rows *rows, int number, int64_t value, struct vms_error **error)
{
	sqlite3_stmt *s = api_bound(rows, error);

	if (!s)
		return -1;
	int r = value == VMS_NULL ? sqlite3_bind_null(s, number)
				  : sqlite3_bind_int64(s, number, value);

	return api_check_bound(rows, r, error);
}

int vms_bind_real(struct vms_rows *rows, int number, double value, struct vms_error **error)
{
	sqlite3_stmt *s = api_bound(rows, error);

	return s ? api_check_bound(rows, sqlite3_bind_double(s, number, value), error) : -1;
}

int vms_bind_text(struct vms_rows *rows, int number, const char *value, struct vms_error **error)
{
	sqlite3_stmt *s = api_bound(rows, error);

	if (!s)
		return -1;
	return api_check_bound(rows, sqlite3_bind_text(s, number, value, -1, SQLITE_TRANSIENT),
			       error);
}
