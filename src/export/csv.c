#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

static int write_file(const struct export_job *job, sqlite3 *db, const char *name, const char *path,
		      struct error *err)
{
	struct target t;

	if (target_begin(&t, path, err))
		return ERR;
	int r = write_table(job, db, name, t.file, err) || target_commit(&t, err) ? ERR : 0;

	target_end(&t);
	return r;
}

static int make_directory(const char *path, struct error *err)
{
	struct stat st;

	if (!mkdir(path, 0777) || (errno == EEXIST && !stat(path, &st) && S_ISDIR(st.st_mode)))
		return 0;
	return error_errno(err, errno, "cannot make the directory '%s'", path);
}

static bool is_directory(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static int write_into(const struct export_job *job, sqlite3 *db, const char *name,
		      struct error *err)
{
	char *path = mem_printf("%s/%s.csv", job->output, name);
	int r = write_file(job, db, name, path, err);

	free(path);
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
	if (make_directory(job->output, err))
		return ERR;
	for (size_t i = 0; i < n; i++) {
		export_progress(job, names[i], i, n);
		if (write_into(job, db, names[i], err))
			return ERR;
	}
	return 0;
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
