#include "sql/vtab.h"

#include <stdlib.h>

#include "sql/plan.h"

struct vtab {
	sqlite3_vtab base;
	struct sql_files *files;
	struct sql_file *file;
	enum table_id id;
	const struct table *table;
};

/* Two ways to go through rows: a cursor in the file, or those in memory. */
struct vtab_cursor {
	sqlite3_vtab_cursor base;
	bool end;
	bool in_memory;
	struct sql_scan scan;
	struct store_cursor rows;
	uint64_t counted; /* of rows.blocks_read */
	size_t row, rows_end;
};

static struct vtab *vtab_of(struct vtab_cursor *c)
{
	return (struct vtab *)c->base.pVtab;
}

/* --- tables --- */

/* An argument of CREATE VIRTUAL TABLE without its quotes. Return: owned by the caller. */
static char *unquote(const char *word)
{
	char quote = *word, *text = mem_strdup(word), *to = text;

	if (quote != '\'' && quote != '"')
		return text;
	for (const char *from = word + 1; *from && (*from != quote || from[1] == quote); from++) {
		if (*from == quote)
			from++;
		*to++ = *from;
	}
	*to = 0;
	return text;
}

int sql_vtab_open(struct sql_files *files, int argc, const char *const *argv,
		  struct sql_file **filep, enum table_id *idp, char **messagep)
{
	if (argc != 5) {
		*messagep = sqlite3_mprintf(
			"%s takes a file and a table: USING %s('FILE', 'TABLE')", argv[0], argv[0]);
		return SQLITE_ERROR;
	}
	char *path = unquote(argv[3]), *name = unquote(argv[4]);
	struct error err = {0};
	int r = SQLITE_ERROR;

	*idp = table_find(name);
	if (*idp == TABLE_NONE)
		*messagep = sqlite3_mprintf("results files have no table '%s'", name);
	else if (sql_files_open(files, path, filep, &err))
		*messagep = sqlite3_mprintf("%s", err.text);
	else
		r = SQLITE_OK;
	error_deinit(&err);
	free(path);
	free(name);
	return r;
}

static int declare(sqlite3 *db, const struct table *t)
{
	static const char *const types[] = {
		[COLUMN_INT] = "INTEGER", [COLUMN_TEXT] = "TEXT", [COLUMN_REAL] = "REAL"};
	sqlite3_str *sql = sqlite3_str_new(db);

	sqlite3_str_appendall(sql, "CREATE TABLE x(");
	for (int i = 0; i < t->n_columns; i++) {
		const struct column *c = &t->columns[i];

		sqlite3_str_appendf(sql, "%s\"%w\" %s", i ? ", " : "", c->name,
				    c->labels ? "TEXT" : types[c->type]);
	}
	sqlite3_str_appendall(sql, sql_has_end(t) ? ", ts_end INTEGER HIDDEN)" : ")");
	char *text = sqlite3_str_finish(sql);
	int r = text ? sqlite3_declare_vtab(db, text) : SQLITE_NOMEM;

	sqlite3_free(text);
	return r;
}

static int vtab_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
			sqlite3_vtab **vtabp, char **messagep)
{
	struct sql_file *file;
	enum table_id id;

	if (sql_vtab_open(aux, argc, argv, &file, &id, messagep))
		return SQLITE_ERROR;
	int r = declare(db, table_get(id));

	if (r != SQLITE_OK) {
		sql_files_release(aux, file);
		return r;
	}
	struct vtab *v = mem_zalloc(1, sizeof(*v));

	v->files = aux;
	v->file = file;
	v->id = id;
	v->table = table_get(id);
	*vtabp = &v->base;
	return SQLITE_OK;
}

/* A function of its own: were it the same one, SQLite would make a table `vmscope` by itself. */
static int vtab_create(sqlite3 *db, void *aux, int argc, const char *const *argv,
		       sqlite3_vtab **vtabp, char **messagep)
{
	return vtab_connect(db, aux, argc, argv, vtabp, messagep);
}

static int vtab_disconnect(sqlite3_vtab *base)
{
	struct vtab *v = (struct vtab *)base;

	sql_files_release(v->files, v->file);
	free(v);
	return SQLITE_OK;
}

static int vtab_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	struct vtab *v = (struct vtab *)base;

	return sql_plan_choose(v->file->store, v->id, info);
}

/* --- scans --- */

static int vtab_open(sqlite3_vtab *base, sqlite3_vtab_cursor **cursorp)
{
	struct vtab_cursor *c = mem_zalloc(1, sizeof(*c));

	(void)base;
	*cursorp = &c->base;
	return SQLITE_OK;
}

static int vtab_close(sqlite3_vtab_cursor *base)
{
	struct vtab_cursor *c = (struct vtab_cursor *)base;

	store_cursor_deinit(&c->rows);
	free(c);
	return SQLITE_OK;
}

/* Return: SQLITE_CORRUPT, with the message where SQLite looks for it. */
static int failed(struct vtab *v, struct error *err)
{
	sqlite3_free(v->base.zErrMsg);
	v->base.zErrMsg = sqlite3_mprintf("%s", err->text);
	error_deinit(err);
	return SQLITE_CORRUPT_VTAB;
}

/* Goes on with the next run of lanes. Return: whether there was one. */
static bool next_lanes(struct vtab_cursor *c)
{
	struct vtab *v = vtab_of(c);
	struct store_query query = c->scan.query;
	size_t from = c->rows.block ? c->rows.query.lanes_end : query.lane;

	if (!sql_scan_next_lanes(&c->scan, v->file->store, from, query.lanes_end, &query))
		return false;
	store_cursor_deinit(&c->rows);
	store_cursor_init(&c->rows, v->file->store, &query);
	c->counted = 0;
	return true;
}

static void count_blocks(struct vtab_cursor *c)
{
	vtab_of(c)->files->blocks_read += c->rows.blocks_read - c->counted;
	c->counted = c->rows.blocks_read;
}

static int next_in_file(struct vtab_cursor *c)
{
	struct error err = {0};

	for (;;) {
		int r = store_cursor_next(&c->rows, &err);

		if (__builtin_expect(c->rows.blocks_read != c->counted, 0))
			count_blocks(c);
		if (r == CURSOR_ROW)
			return SQLITE_OK;
		if (r == ERR)
			return failed(vtab_of(c), &err);
		if (!next_lanes(c)) {
			c->end = true;
			return SQLITE_OK;
		}
	}
}

static void find_in_memory(struct vtab_cursor *c, const struct sql_rows *rows)
{
	c->in_memory = true;
	c->row = 0;
	c->rows_end = rows->n;
	if (c->scan.has_id && rows->by_id) {
		const uint64_t *row = map_get(&rows->ids, (uint64_t)c->scan.id);

		c->row = row ? *row : 0;
		c->rows_end = row ? *row + 1 : 0;
	}
	c->end = c->row == c->rows_end;
}

static int vtab_filter(sqlite3_vtab_cursor *base, int columns, const char *plan, int n_values,
		       sqlite3_value **values)
{
	struct vtab_cursor *c = (struct vtab_cursor *)base;
	struct vtab *v = vtab_of(c);
	struct error err = {0};

	(void)n_values;
	store_cursor_deinit(&c->rows);
	c->in_memory = false;
	c->scan = sql_plan_scan(v->file->store, v->id, plan, values);
	c->scan.query.columns = (uint32_t)columns;
	c->end = c->scan.empty;
	if (c->end)
		return SQLITE_OK;
	if (v->table->kind == TABLE_ROWS) {
		struct sql_rows *rows = &v->file->rows[v->id];

		if (sql_rows_load(rows, v->file->store, v->id, &err))
			return failed(v, &err);
		if (!rows->too_many) {
			find_in_memory(c, rows);
			return SQLITE_OK;
		}
	}
	if (next_lanes(c))
		return next_in_file(c);
	c->end = true;
	return SQLITE_OK;
}

static int vtab_next(sqlite3_vtab_cursor *base)
{
	struct vtab_cursor *c = (struct vtab_cursor *)base;

	if (!c->in_memory)
		return next_in_file(c);
	c->end = ++c->row == c->rows_end;
	return SQLITE_OK;
}

static int vtab_eof(sqlite3_vtab_cursor *base)
{
	return ((struct vtab_cursor *)base)->end;
}

/* --- values --- */

void sql_result(sqlite3_context *ctx, const struct store *s, const struct column *column,
		int64_t value)
{
	const struct state_labels *labels = column->labels;

	if (value == TABLE_NULL)
		sqlite3_result_null(ctx);
	else if (labels && value >= labels->n) /* of a later version */
		sqlite3_result_null(ctx);
	else if (labels)
		sqlite3_result_text(ctx, labels->at[value].name, -1, SQLITE_STATIC);
	else if (column->type == COLUMN_TEXT)
		sqlite3_result_text(ctx, store_string(s, value), -1, SQLITE_STATIC);
	else if (column->type == COLUMN_REAL)
		sqlite3_result_double(ctx, table_real_value(value));
	else
		sqlite3_result_int64(ctx, value);
}

static int64_t value_of(struct vtab_cursor *c, int column)
{
	struct vtab *v = vtab_of(c);

	if (!c->in_memory)
		return store_cursor_get(&c->rows, column);
	return v->file->rows[v->id].cells.at[c->row * (size_t)v->table->n_columns + (size_t)column];
}

static void result_end(sqlite3_context *ctx, struct vtab_cursor *c)
{
	const struct table *t = vtab_of(c)->table;
	int64_t dur = store_cursor_get(&c->rows, t->dur);

	if (dur == TABLE_NULL)
		sqlite3_result_null(ctx);
	else
		sqlite3_result_int64(ctx, store_cursor_get(&c->rows, t->ts) + dur);
}

static int vtab_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int column)
{
	struct vtab_cursor *c = (struct vtab_cursor *)base;
	const struct vtab *v = vtab_of(c);

	if (column == v->table->n_columns)
		result_end(ctx, c);
	else
		sql_result(ctx, v->file->store, &v->table->columns[column], value_of(c, column));
	return SQLITE_OK;
}

/* Where the block is that the cursor's row is in. */
static uint64_t block_offset(const struct store_cursor *c)
{
	if (!c->n_levels)
		return c->store->tables[c->query.table].lanes.at[c->lane].entry.offset;
	const struct cursor_level *l = &c->levels[c->n_levels - 1];

	return l->node.entries[l->next - 1].offset;
}

/* The same for the same row in every scan: SQLite joins the results of an OR by it. */
static int vtab_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowidp)
{
	struct vtab_cursor *c = (struct vtab_cursor *)base;

	if (c->in_memory)
		*rowidp = (sqlite3_int64)c->row;
	else
		*rowidp = (sqlite3_int64)block_offset(&c->rows) * FORMAT_BLOCK_ROWS + c->rows.row;
	return SQLITE_OK;
}

static const sqlite3_module module = {
	.xCreate = vtab_create,
	.xConnect = vtab_connect,
	.xBestIndex = vtab_best_index,
	.xDisconnect = vtab_disconnect,
	.xDestroy = vtab_disconnect,
	.xOpen = vtab_open,
	.xClose = vtab_close,
	.xFilter = vtab_filter,
	.xNext = vtab_next,
	.xEof = vtab_eof,
	.xColumn = vtab_column,
	.xRowid = vtab_rowid,
};

int sql_vtab_register(sqlite3 *db, struct sql_files *files)
{
	return sqlite3_create_module_v2(db, "vmscope", &module, sql_files_use(files),
					sql_files_unuse);
}
