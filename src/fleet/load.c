#include "fleet/load.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "fleet/native.h"
#include "fleet/schema.h"
#include "fleet/source.h"

enum {
	LOAD_BATCH = 64, /* files, whose small tables go into one block */
	LOAD_BLOCK_ROWS = 1 << 17,
	LOAD_BLOCK_SIZE = 6 << 20, /* bytes */
	LOAD_TRIES = 600,	   /* of what the server is not ready for */
	LOAD_PAUSE = 100000000,	   /* ns between them */
	LOAD_REPLICA_TRIES = 50,
	LOAD_QUIET = 20, /* tries in which nothing of an earlier load is seen: 2 s */
};

struct load_file {
	struct fleet_recording recording;
	bool known; /* there is nothing to do */
	bool begun; /* rows of it can be there */
	uint64_t there[FLEET_N], rows[FLEET_N];
};

struct loading {
	struct clickhouse *server;
	const struct fleet_table *tables;
	const struct load_job *job;
	struct load_done *done;
	struct load_file *files; /* owned; of the batch */
	size_t n;
	struct native_block blocks[FLEET_N];
	struct bytes body;
	bool busy; /* the server is, with an earlier load */
	struct error *err;
};

/* ---- statements ----------------------------------------------------------------------------- */

/* Return: "'id', 'id'" of the batch's files, or "id|id"; for free(). NULL: there is none. */
static char *load_ids(const struct loading *l, bool begun_only, const char *quote,
		      const char *between)
{
	char *text = NULL;

	for (size_t i = 0; i < l->n; i++) {
		const struct load_file *f = &l->files[i];

		if (f->known || (begun_only && !f->begun))
			continue;
		mem_append(&text, "%s%s%s%s", text ? between : "", quote, f->recording.id, quote);
	}
	return text;
}

static void load_pause(void)
{
	nanosleep(&(struct timespec){.tv_nsec = LOAD_PAUSE}, NULL);
}

/* Inserts what is in l->body. A server that has too many parts to merge gets time for that. */
static int load_insert(struct loading *l, const char *sql)
{
	int r = 1;

	for (int i = 0; r == 1 && i < LOAD_TRIES; i++) {
		if (i)
			load_pause();
		r = clickhouse_insert(l->server, sql, &l->body, l->err);
	}
	if (r == 1)
		return error_set(l->err,
				 "%s has been too busy with merges for a minute to take more; the "
				 "same command later goes on where this one ended",
				 clickhouse_url(l->server));
	return r;
}

/* Inserts a table's block. The ids are there for load_wait() of who comes after us. */
static int load_flush(struct loading *l, enum fleet_id id)
{
	struct native_block *b = &l->blocks[id];
	uint64_t rows = b->n;

	if (!rows)
		return 0;
	l->body.n = 0;
	native_write(b, &l->body);
	char *ids = load_ids(l, false, "", " ");
	char *sql = mem_printf("INSERT INTO `%s` /* vmscope %s */ FORMAT Native",
			       l->tables[id].name, ids ? ids : "");
	int r = load_insert(l, sql);

	free(ids);
	free(sql);
	if (r)
		return error_wrap(l->err, "cannot load table '%s'", l->tables[id].name);
	l->done->rows += rows;
	return 0;
}

/* ---- what is there -------------------------------------------------------------------------- */

static struct load_file *load_find(struct loading *l, const char *id)
{
	for (size_t i = 0; i < l->n; i++) {
		if (!strcmp(l->files[i].recording.id, id) && !l->files[i].known)
			return &l->files[i];
	}
	return NULL;
}

static int load_other_digest(const struct load_file *f, struct error *err)
{
	return error_set(
		err,
		"'%s' is another analysis of recording %s than the one that is loaded; their "
		"rows do not go together: delete that recording first (docs/fleet.md)",
		f->recording.path, f->recording.id);
}

/* Runs an answer's lines, each of at most 4 fields, past fn. Return: 0, or ERR with err set. */
static int load_each_line(struct loading *l, const char *sql, const char *what,
			  int (*fn)(struct loading *l, const char *const *fields))
{
	const char *answer;
	int r = clickhouse_ask(l->server, sql, &answer, l->err);
	char *copy = r ? NULL : mem_strdup(answer), *at = copy, *line;

	while (!r && (line = strsep(&at, "\n"))) {
		const char *fields[4] = {"", "", "", ""};

		for (int i = 0; i < 4 && line; i++)
			fields[i] = strsep(&line, "\t");
		r = *fields[0] ? fn(l, fields) : 0;
	}
	free(copy);
	return r ? error_wrap(l->err, "cannot find out %s", what) : 0;
}

/* recording, nth, digest */
static int load_take_known(struct loading *l, const char *const *fields)
{
	struct load_file *f = load_find(l, fields[0]);

	if (!f)
		return 0;
	if (strcmp(f->recording.digest, fields[2]) != 0)
		return load_other_digest(f, l->err);
	f->known = atoi(fields[1]) >= (l->job->part == FLEET_RAW);
	return 0;
}

/* recording, digest */
static int load_take_begun(struct loading *l, const char *const *fields)
{
	struct load_file *f = load_find(l, fields[0]);

	if (!f)
		return 0;
	if (strcmp(f->recording.digest, fields[1]) != 0)
		return load_other_digest(f, l->err);
	f->begun = true;
	return 0;
}

static int load_find_known(struct loading *l)
{
	char *ids = load_ids(l, false, "'", ", ");
	char *known = mem_printf("SELECT recording, max(nth), any(digest) FROM recording WHERE "
				 "recording IN (%s) GROUP BY recording FORMAT TabSeparated",
				 ids ? ids : "''");
	char *begun = mem_printf("SELECT recording, any(digest) FROM load WHERE recording IN (%s) "
				 "GROUP BY recording FORMAT TabSeparated",
				 ids ? ids : "''");
	int r = 0;

	if (ids)
		r = load_each_line(l, known, "what is loaded", load_take_known) ||
				    load_each_line(l, begun, "what was begun", load_take_begun)
			    ? ERR
			    : 0;
	free(ids);
	free(known);
	free(begun);
	return r;
}

/* table's number, recording, rows */
static int load_take_count(struct loading *l, const char *const *fields)
{
	struct load_file *f = load_find(l, fields[1]);
	int table = atoi(fields[0]);
	char *end;
	uint64_t rows = strtoull(fields[2], &end, 10);

	if (table < 0 || table >= FLEET_N || end == fields[2] || *end)
		return error_set(l->err, "%s answers what ClickHouse does not: '%.40s'",
				 clickhouse_url(l->server), fields[2]);
	if (f)
		f->there[table] = rows;
	return 0;
}

static bool load_wants(const struct loading *l, int table)
{
	return l->tables[table].part != FLEET_LEDGER && l->tables[table].part <= l->job->part;
}

/* Return: what counts a table's rows, or those that differ; for free(). */
static char *load_counter(const struct fleet_table *t, bool different)
{
	char *order = different ? schema_order(t) : NULL;
	char *text = order ? mem_printf("uniqExact(%s)", order) : mem_strdup("count()");

	free(order);
	return text;
}

/*
 * Counts the rows of files of the batch in all tables: before anything is loaded (begun) those that
 * differ. A block that arrived twice must not hide that another is missing.
 */
static int load_count(struct loading *l, bool begun)
{
	char *ids = load_ids(l, begun, "'", ", "), *sql = NULL;

	if (!ids)
		return 0;
	for (size_t i = 0; i < l->n; i++)
		memset(l->files[i].there, 0, sizeof(l->files[i].there));
	for (int i = 0; i < FLEET_N; i++) {
		if (!load_wants(l, i))
			continue;
		char *counter = load_counter(&l->tables[i], begun);

		mem_append(&sql,
			   "%sSELECT %d AS t, recording, %s AS n FROM `%s` WHERE recording IN (%s) "
			   "GROUP BY recording",
			   sql ? " UNION ALL " : "", i, counter, l->tables[i].name, ids);
		free(counter);
	}
	char *whole = mem_printf("SELECT t, recording, n FROM (%s) FORMAT TabSeparated", sql);
	int r = load_each_line(l, whole, "what rows are there", load_take_count);

	free(ids);
	free(sql);
	free(whole);
	return r;
}

static int load_take_busy(struct loading *l, const char *const *fields)
{
	l->busy = strcmp(fields[0], "0") != 0;
	return 0;
}

/*
 * A statement of a load that was killed may still be running, on any server of the cluster; or be
 * about to, for a server lists a statement only once it has read the rows that came with it. So
 * they have to be quiet for a while. Return: 1 when they are, 0, or ERR with err set.
 */
static int load_is_quiet(struct loading *l, const char *sql)
{
	int quiet = 0, r = 0;

	for (int i = 0; !r && quiet < LOAD_QUIET && i < LOAD_TRIES; i++) {
		if (i)
			load_pause();
		r = load_each_line(l, sql, "whether an earlier load still runs", load_take_busy);
		quiet = l->busy ? 0 : quiet + 1;
	}
	return r ? r : quiet == LOAD_QUIET;
}

/* Return: what counts statements that insert any of these, `ids` with | between; for free(). */
static char *load_busy_sql(const struct loading *l, const char *ids, const char *cluster)
{
	char *from = cluster ? mem_printf("%s('%s', 'system', 'processes')",
					  clickhouse_all_replicas(l->server), cluster)
			     : mem_strdup("system.processes");
	char *sql = mem_printf("SELECT count() FROM %s WHERE query LIKE 'INSERT%%' AND "
			       "match(query, '%s') FORMAT TabSeparated",
			       from, ids);

	free(from);
	return sql;
}

/* Of files that were begun. */
static int load_wait(struct loading *l)
{
	char *ids = load_ids(l, true, "", "|"), *cluster = NULL;

	if (!ids)
		return 0;
	int r = schema_find_cluster(l->server, &cluster, l->err);
	char *sql = load_busy_sql(l, ids, cluster);

	if (!r)
		r = load_is_quiet(l, sql);
	free(ids);
	free(cluster);
	free(sql);
	if (!r)
		return error_set(l->err,
				 "%s is still busy with an earlier load of these recordings: "
				 "try again when it is over",
				 clickhouse_url(l->server));
	return r == ERR ? ERR : 0;
}

/* ---- the ledger ----------------------------------------------------------------------------- */

static const char *load_text_of(const void *ctx, int64_t number)
{
	(void)ctx;
	return (const char *)(intptr_t)number;
}

static int64_t load_text(const char *text)
{
	return text ? (int64_t)(intptr_t)text : TABLE_NULL;
}

static const char *load_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* values: those of nth and what follows. */
static int load_add_row(struct loading *l, const struct fleet_recording *r, enum fleet_id id,
			const int64_t *values)
{
	struct fleet_rows rows = {.table = &l->tables[id],
				  .n = 1,
				  .day = r->day,
				  .recording = r->id,
				  .text = load_text_of};

	for (int i = FLEET_COL_NTH; i < l->tables[id].n_columns; i++)
		rows.at[i] = &values[i - FLEET_COL_NTH];
	return native_add(&l->blocks[id], &rows, l->err);
}

static int load_add_begun(struct loading *l, const struct fleet_recording *r)
{
	const int64_t values[1 + FC_LOAD_N_COLUMNS] = {
		[1 + FC_LOAD_DIGEST] = load_text(r->digest),
		[1 + FC_LOAD_FILE] = load_text(load_base_name(r->path)),
	};

	return load_add_row(l, r, FLEET_LOAD, values);
}

static int load_add_complete(struct loading *l, const struct fleet_recording *r)
{
	const char *file = load_base_name(r->path);
	char *link = l->job->link ? mem_printf("%s%s", l->job->link, file) : NULL;
	const int64_t values[1 + FC_RECORDING_N_COLUMNS] = {
		[0] = l->job->part == FLEET_RAW,
		[1 + FC_RECORDING_DIGEST] = load_text(r->digest),
		[1 + FC_RECORDING_FILE] = load_text(file),
		[1 + FC_RECORDING_HOST] = load_text(r->host),
		[1 + FC_RECORDING_BOOT_ID] = load_text(r->boot_id),
		[1 + FC_RECORDING_KERNEL] = load_text(r->kernel),
		[1 + FC_RECORDING_BEGIN_NS] = r->begin,
		[1 + FC_RECORDING_END_NS] = r->end,
		[1 + FC_RECORDING_TIME_ORIGIN] = load_text(clock_origin_name(r->origin)),
		[1 + FC_RECORDING_LINK] = load_text(link),
		[1 + FC_RECORDING_PROGRAM] = load_text("vmscope " VMSCOPE_VERSION),
	};
	int status = load_add_row(l, r, FLEET_RECORDING, values);

	free(link);
	return status;
}

/* Notes that all files of the batch begin, or are complete. */
static int load_note(struct loading *l, enum fleet_id id)
{
	for (size_t i = 0; i < l->n; i++) {
		struct load_file *f = &l->files[i];
		int r = f->known || (id == FLEET_LOAD && f->begun) ? 0
			: id == FLEET_LOAD ? load_add_begun(l, &f->recording)
					   : load_add_complete(l, &f->recording);

		if (r)
			return r;
	}
	return load_flush(l, id);
}

/* ---- rows ----------------------------------------------------------------------------------- */

/* Rows that come together are at most as many as a block of a results file has. */
static int load_sink(void *ctx, const struct fleet_rows *rows, struct error *err)
{
	struct loading *l = ctx;
	enum fleet_id id = rows->table->id;
	struct native_block *b = &l->blocks[id];
	uint64_t most = l->job->insert_rows ? l->job->insert_rows : LOAD_BLOCK_ROWS;

	if (b->n && b->n + rows->n > most && load_flush(l, id))
		return ERR;
	if (native_add(b, rows, err))
		return ERR;
	return native_size(b) < LOAD_BLOCK_SIZE ? 0 : load_flush(l, id);
}

/* Inserts those rows of a file that are not there. */
static int load_rows(struct loading *l, struct load_file *f)
{
	struct fleet_source source = {.recording = &f->recording, .tables = l->tables};

	for (int i = 0; i < FLEET_N; i++) {
		source.wanted[i] = load_wants(l, i);
		source.skip[i] = f->there[i];
	}
	if (fleet_source_run(&source, load_sink, l, l->err))
		return error_wrap(l->err, "cannot load '%s'", f->recording.path);
	memcpy(f->rows, source.rows, sizeof(f->rows));
	return 0;
}

/* Return: 0 when the server has what the files have; 1 when it has less; ERR when it has more. */
static int load_compare(struct loading *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct load_file *f = &l->files[i];

		for (int t = 0; !f->known && t < FLEET_N; t++) {
			if (!load_wants(l, t) || f->there[t] == f->rows[t])
				continue;
			if (f->there[t] < f->rows[t])
				return 1;
			return error_set(
				l->err,
				"table '%s' has %" PRIu64 " rows of '%s', not %" PRIu64
				": is it loaded elsewhere at the same time? Once that is "
				"over: OPTIMIZE TABLE %s FINAL, and the same command again",
				l->tables[t].name, f->there[t], f->recording.path, f->rows[t],
				l->tables[t].name);
		}
	}
	return 0;
}

/* A replica may be behind for a moment. */
static int load_verify(struct loading *l)
{
	int r = 1;

	for (int i = 0; r == 1 && i < LOAD_REPLICA_TRIES; i++) {
		if (i)
			load_pause();
		if (load_count(l, false))
			return ERR;
		r = load_compare(l);
	}
	if (r == 1)
		return error_set(l->err,
				 "%s took all rows and does not have them; the same command "
				 "again loads what is missing",
				 clickhouse_url(l->server));
	return r;
}

/* ---- batches -------------------------------------------------------------------------------- */

static int load_batch_rows(struct loading *l)
{
	for (size_t i = 0; i < l->n; i++) {
		if (!l->files[i].known && load_rows(l, &l->files[i]))
			return ERR;
	}
	for (int i = 0; i < FLEET_N; i++) {
		if (load_flush(l, (enum fleet_id)i))
			return ERR;
	}
	return load_verify(l);
}

/* A recording that is there twice is loaded once. */
static int load_drop_twins(struct loading *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct load_file *first = load_find(l, l->files[i].recording.id);

		if (!first || first == &l->files[i])
			continue;
		if (strcmp(first->recording.digest, l->files[i].recording.digest) != 0)
			return load_other_digest(&l->files[i], l->err);
		l->files[i].known = true;
	}
	return 0;
}

static int load_batch(struct loading *l)
{
	if (load_drop_twins(l) || load_find_known(l) || load_wait(l) || load_count(l, true) ||
	    load_note(l, FLEET_LOAD) || load_batch_rows(l) || load_note(l, FLEET_RECORDING))
		return ERR;
	for (size_t i = 0; i < l->n; i++) {
		l->done->known += l->files[i].known;
		l->done->loaded += !l->files[i].known;
	}
	return 0;
}

static int load_open_and_run(struct loading *l, size_t from)
{
	size_t left = l->job->n_files - from, n = left < LOAD_BATCH ? left : LOAD_BATCH;
	int r = 0;

	for (l->n = 0; !r && l->n < n;) {
		const char *path = l->job->files[from + l->n];

		l->files[l->n] = (struct load_file){0};
		r = fleet_recording_init(&l->files[l->n].recording, path, l->job->host, l->err);
		l->n += !r;
	}
	if (!r && l->job->progress)
		l->job->progress(l->job->ctx, l->job->files[from], from, l->job->n_files);
	if (!r)
		r = load_batch(l);
	for (size_t i = 0; i < l->n; i++)
		fleet_recording_deinit(&l->files[i].recording);
	return r;
}

int load_run(struct clickhouse *s, const struct fleet_table *tables, const struct load_job *job,
	     struct load_done *done, struct error *err)
{
	struct loading *l = mem_zalloc(1, sizeof(*l));

	*done = (struct load_done){0};
	*l = (struct loading){.server = s, .tables = tables, .job = job, .done = done, .err = err};
	l->files = mem_zalloc(LOAD_BATCH, sizeof(*l->files));
	for (int i = 0; i < FLEET_N; i++)
		native_init(&l->blocks[i], &tables[i]);
	int r = schema_check(s, tables, err);

	for (size_t i = 0; !r && i < job->n_files; i += LOAD_BATCH)
		r = load_open_and_run(l, i);
	for (int i = 0; i < FLEET_N; i++)
		native_deinit(&l->blocks[i]);
	bytes_deinit(&l->body);
	free(l->files);
	free(l);
	return r;
}
