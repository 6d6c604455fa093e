#include "cli/range_args.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sql/database.h"

/* The first and last time of the file. Return: 0, or ERR with err set. */
static int find_span(const char *path, int64_t *beginp, int64_t *endp, struct error *err)
{
	static const char sql[] =
		"SELECT min(first_ns), max(last_ns) FROM (SELECT * FROM vcpu_state_total "
		"UNION ALL SELECT * FROM thread_state_total "
		"UNION ALL SELECT machine_id, state, dur, first_ns, last_ns FROM cpu_state_total)";
	sqlite3_stmt *s;
	sqlite3 *db;

	if (sql_open(&db, path, err))
		return ERR;
	int r = sqlite3_prepare_v2(db, sql, -1, &s, NULL);

	if (r == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW) {
		*beginp = sqlite3_column_int64(s, 0);
		*endp = sqlite3_column_int64(s, 1);
	} else {
		r = error_set(err, "%s", sqlite3_errmsg(db));
	}
	sqlite3_finalize(s);
	sqlite3_close(db);
	return r;
}

/* Reads a time; one with a plus counts from the begin of the recording. */
static int read_time(const struct clock_text *clock, const char *text, int64_t begin, int64_t *nsp,
		     struct error *err)
{
	if (*text != '+')
		return clock_text_parse(clock, text, begin, nsp, err);
	char *seconds = mem_printf("%s%s", text + 1, strchr(text, '.') ? "" : ".0");
	struct error ignored = {0};
	int r = clock_text_parse(clock, seconds, begin, nsp, &ignored);

	error_deinit(&ignored);
	free(seconds);
	if (r || __builtin_add_overflow(*nsp, begin, nsp))
		return error_set(err,
				 "'%s' is no time; write +seconds from the begin of the recording",
				 text);
	return 0;
}

int range_args_read(const struct range_args *args, const char *path, int64_t *fromp, int64_t *top,
		    struct error *err)
{
	int64_t begin = 0;

	if (!args->begin && !args->end)
		return 0;
	if (find_span(path, &begin, top, err))
		return ERR;
	*fromp = begin;
	if (args->begin && read_time(&args->clock, args->begin, begin, fromp, err))
		return ERR;
	if (args->end && read_time(&args->clock, args->end, begin, top, err))
		return ERR;
	return *fromp < *top ? 1 : error_set(err, "there is no time between these two");
}
