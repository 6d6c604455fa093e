#include "sql/total.h"

#include <stdlib.h>

#include "sql/vtab.h"

/* Columns behind the keys. */
enum { TOTAL_STATE, TOTAL_DUR, TOTAL_FIRST, TOTAL_LAST };

struct total_vtab {
	sqlite3_vtab base;
	struct sql_files *files;
	struct sql_file *file;
	const struct table *table;
	const struct table_info *info;
};

struct total_cursor {
	sqlite3_vtab_cursor base;
	size_t lane;
	int state;
};

static int declare(sqlite3 *db, const struct table *t)
{
	sqlite3_str *sql = sqlite3_str_new(db);

	sqlite3_str_appendall(sql, "CREATE TABLE x(");
	for (int i = 0; i < t->n_keys; i++)
		sqlite3_str_appendf(sql, "\"%w\" INTEGER, ", t->columns[i].name);
	sqlite3_str_appendall(sql, "state TEXT, dur INTEGER, first_ns INTEGER, last_ns INTEGER)");
	char *text = sqlite3_str_finish(sql);
	int r = text ? sqlite3_declare_vtab(db, text) : SQLITE_NOMEM;

	sqlite3_free(text);
	return r;
}

static int total_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
			 sqlite3_vtab **vtabp, char **messagep)
{
	struct sql_file *file;
	enum table_id id;
	int r;

	if (sql_vtab_open(aux, argc, argv, &file, &id, messagep))
		return SQLITE_ERROR;
	const struct table *t = table_get(id);

	if (t->kind != TABLE_STATES) {
		*messagep = sqlite3_mprintf("table %s has no states", t->name);
		r = SQLITE_ERROR;
	} else {
		r = declare(db, t);
	}
	if (r != SQLITE_OK) {
		sql_files_release(aux, file);
		return r;
	}
	struct total_vtab *v = mem_zalloc(1, sizeof(*v));

	v->files = aux;
	v->file = file;
	v->table = t;
	v->info = &file->store->tables[id];
	*vtabp = &v->base;
	return SQLITE_OK;
}

/* As in vtab.c. */
static int total_create(sqlite3 *db, void *aux, int argc, const char *const *argv,
			sqlite3_vtab **vtabp, char **messagep)
{
	return total_connect(db, aux, argc, argv, vtabp, messagep);
}

static int total_disconnect(sqlite3_vtab *base)
{
	struct total_vtab *v = (struct total_vtab *)base;

	sql_files_release(v->files, v->file);
	free(v);
	return SQLITE_OK;
}

/* There is one way only: all of them. */
static int total_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	const struct total_vtab *v = (struct total_vtab *)base;

	info->estimatedRows = (sqlite3_int64)v->info->lanes.n * v->info->n_sums;
	info->estimatedCost = (double)info->estimatedRows;
	return SQLITE_OK;
}

static int total_open(sqlite3_vtab *base, sqlite3_vtab_cursor **cursorp)
{
	struct total_cursor *c = mem_zalloc(1, sizeof(*c));

	(void)base;
	*cursorp = &c->base;
	return SQLITE_OK;
}

static int total_close(sqlite3_vtab_cursor *base)
{
	free(base);
	return SQLITE_OK;
}

static const struct lane_info *lane_of(const struct total_cursor *c)
{
	return &((const struct total_vtab *)c->base.pVtab)->info->lanes.at[c->lane];
}

static int total_eof(sqlite3_vtab_cursor *base)
{
	const struct total_cursor *c = (struct total_cursor *)base;

	return c->lane >= ((const struct total_vtab *)c->base.pVtab)->info->lanes.n;
}

static int total_next(sqlite3_vtab_cursor *base)
{
	struct total_cursor *c = (struct total_cursor *)base;
	const struct total_vtab *v = (struct total_vtab *)base->pVtab;

	do {
		if (++c->state >= v->info->n_sums) {
			c->state = 0;
			c->lane++;
		}
	} while (!total_eof(base) && !lane_of(c)->entry.sums[c->state]);
	return SQLITE_OK;
}

static int total_filter(sqlite3_vtab_cursor *base, int number, const char *plan, int n_values,
			sqlite3_value **values)
{
	struct total_cursor *c = (struct total_cursor *)base;

	(void)number, (void)plan, (void)n_values, (void)values;
	c->lane = 0;
	c->state = -1;
	return total_next(base);
}

static int total_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int column)
{
	const struct total_cursor *c = (struct total_cursor *)base;
	const struct total_vtab *v = (struct total_vtab *)base->pVtab;
	const struct lane_info *lane = lane_of(c);
	const struct table *t = v->table;

	if (column < t->n_keys) {
		sql_result(ctx, v->file->store, &t->columns[column], lane->keys[column]);
		return SQLITE_OK;
	}
	switch (column - t->n_keys) {
	case TOTAL_STATE:
		sql_result(ctx, v->file->store, &t->columns[t->state], c->state);
		break;
	case TOTAL_DUR:
		sqlite3_result_int64(ctx, (sqlite3_int64)lane->entry.sums[c->state]);
		break;
	case TOTAL_FIRST:
		sqlite3_result_int64(ctx, lane->entry.first);
		break;
	case TOTAL_LAST:
		sqlite3_result_int64(ctx, lane->entry.end);
		break;
	}
	return SQLITE_OK;
}

static int total_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowidp)
{
	const struct total_cursor *c = (struct total_cursor *)base;

	*rowidp = (sqlite3_int64)c->lane * FORMAT_MAX_SUMS + c->state;
	return SQLITE_OK;
}

static const sqlite3_module module = {
	.xCreate = total_create,
	.xConnect = total_connect,
	.xBestIndex = total_best_index,
	.xDisconnect = total_disconnect,
	.xDestroy = total_disconnect,
	.xOpen = total_open,
	.xClose = total_close,
	.xFilter = total_filter,
	.xNext = total_next,
	.xEof = total_eof,
	.xColumn = total_column,
	.xRowid = total_rowid,
};

int sql_total_register(sqlite3 *db, struct sql_files *files)
{
	return sqlite3_create_module_v2(db, "vmscope_total", &module, sql_files_use(files),
					sql_files_unuse);
}
