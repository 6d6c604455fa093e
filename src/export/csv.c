#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/leftover.h"
#include "base/mem.h"
#include "export/export.h"
#include "export/source.h"
#include "export/target.h"
#include "schema/table.h"
#include "sql/print.h"

/* What of a table or view is wanted, for sqlite3_free(). */
static char *select_of(const struct export_job *job, const char *name)
{
	char *order = job->sort ? sqlite3_mprintf(" ORDER BY \"%w\".\"%w\" DESC", name, job->sort)
				: sqlite3_mprintf("");
	char *sql = job->top ? sqlite3_mprintf("SELECT * FROM \"%w\"%s LIMIT %llu", name, order,
					       (unsigned long long)job->top)
			     : sqlite3_mprintf("SELECT * FROM \"%w\"%s", name, order);

	sqlite3_free(order);
	return sql;
}

/* Prints a table or view. Return: 0, or ERR with err set. */
static int write_table(const struct export_job *job, sqlite3 *db, const char *name, FILE *f,
		       struct error *err)
{
	char *sql = select_of(job, name);
	int r = sql_run(db, sql, &(struct sql_output){.file = f, .format = SQL_CSV}, err);

	sqlite3_free(sql);
	return r ? error_wrap(err, "cannot export '%s'", name) : 0;
}

static int write_target(const struct export_job *job, sqlite3 *db, const char *name,
			struct target *t, const char *path, struct error *err)
{
	if (target_begin(t, path, err))
		return ERR;
	return write_table(job, db, name, t->file, err);
}

static int write_file(const struct export_job *job, sqlite3 *db, const char *name, const char *path,
		      struct error *err)
{
	struct target t = {.to.fd = -1};
	int r = write_target(job, db, name, &t, path, err) || target_commit(&t, err) ? ERR : 0;

	target_end(&t);
	return r;
}

static bool is_directory(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* Return: 1 when it was made, and listed; 0 when it is there already; or ERR with err set. */
static int make_directory(const char *path, struct error *err)
{
	leftover_hold();
	int r = mkdir(path, 0777), why = errno;

	if (!r)
		leftover_add(path);
	leftover_release();
	if (!r)
		return 1;
	return why == EEXIST && is_directory(path)
		       ? 0
		       : error_errno(err, why, "cannot make the directory '%s'", path);
}

/* Files get their names when all are complete: there is never a part of a set, nor one of two. */
static int write_set(const struct export_job *job, sqlite3 *db, const char *const *names, size_t n,
		     struct target *targets, struct error *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < n; i++) {
		char *path = mem_printf("%s/%s.csv", job->output, names[i]);

		export_progress(job, names[i], i, n);
		r = write_target(job, db, names[i], &targets[i], path, err);
		free(path);
	}
	for (size_t i = 0; !r && i < n; i++)
		r = target_finish(&targets[i], err);
	leftover_hold();
	for (size_t i = 0; !r && i < n; i++)
		r = target_commit(&targets[i], err);
	leftover_release();
	return r;
}

static int write_directory(const struct export_job *job, sqlite3 *db, const char *const *names,
			   size_t n, struct error *err)
{
	int made = make_directory(job->output, err);

	if (made < 0)
		return ERR;
	struct target *targets = mem_zalloc(n, sizeof(*targets));

	for (size_t i = 0; i < n; i++)
		targets[i].to.fd = -1;
	int r = write_set(job, db, names, n, targets, err);

	for (size_t i = 0; i < n; i++)
		target_end(&targets[i]);
	if (made && r)
		rmdir(job->output);
	if (made)
		leftover_drop(job->output);
	free(targets);
	return r;
}

/* A name that is none must not be found out after hours. */
static int check_names(const struct export_job *job, sqlite3 *db, const char *const *names,
		       size_t n, struct error *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < n; i++) {
		char *sql = select_of(job, names[i]);
		sqlite3_stmt *s = NULL;

		r = source_prepare(&s, db, sql, err);
		sqlite3_finalize(s);
		sqlite3_free(sql);
	}
	return r;
}

static int write_all(const struct export_job *job, sqlite3 *db, const char *const *names, size_t n,
		     struct error *err)
{
	if (check_names(job, db, names, n, err))
		return ERR;
	if (n == 1 && !(job->output && is_directory(job->output)))
		return write_file(job, db, names[0], job->output, err);
	return write_directory(job, db, names, n, err);
}

int export_csv(const struct export_job *job, struct error *err)
{
	const char *all[TABLE_N];
	sqlite3 *db;

	for (int i = 0; i < TABLE_N; i++)
		all[i] = table_get((enum table_id)i)->name;
	if (source_open(&db, job->path, &job->range, &job->choice, err))
		return ERR;
	int r = job->n_tables ? write_all(job, db, job->tables, job->n_tables, err)
			      : write_all(job, db, all, TABLE_N, err);

	sqlite3_close(db);
	return r;
}
