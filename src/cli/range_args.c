#include "cli/range_args.h"

#include "sql/database.h"
#include "store/meta.h"

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

int range_args_take(const struct command *cmd, const char *option, const char *text,
		    const char **timep)
{
	struct error err = {0};

	*timep = text;
	if (!clock_text_check(text, &err))
		return 0;
	cli_usage(cmd, "%s: %s", option, err.text);
	error_deinit(&err);
	return CLI_OPTION_BAD;
}

static int find_origin(const char *path, enum clock_origin *originp, struct error *err)
{
	struct store *store;

	if (store_open(&store, path, err))
		return ERR;
	int r = store_time_origin(store, originp, err);

	store_free(store);
	return r;
}

/* Return: 0, CLI_OPTION_BAD or ERR, as range_args_read(). */
static int read_time(const struct command *cmd, const char *option, const char *text,
		     const struct clock_text *clock, int64_t begin, int64_t *nsp, struct error *err)
{
	int r = text ? clock_text_parse(clock, text, begin, nsp, err) : 0;

	if (r != CLOCK_TEXT_NO_DAY)
		return r;
	cli_usage(cmd, "%s: %s", option, err->text);
	error_deinit(err);
	return CLI_OPTION_BAD;
}

int range_args_read(const struct range_args *args, const struct command *cmd, const char *path,
		    int64_t *fromp, int64_t *top, struct error *err)
{
	struct clock_text clock = args->clock;
	int64_t begin = 0;

	if (!args->begin && !args->end)
		return 0;
	if (find_span(path, &begin, top, err) || find_origin(path, &clock.origin, err))
		return ERR;
	*fromp = begin;
	int r = read_time(cmd, "--begin", args->begin, &clock, begin, fromp, err);

	if (!r)
		r = read_time(cmd, "--end", args->end, &clock, begin, top, err);
	if (r)
		return r;
	return *fromp < *top ? 1 : error_set(err, "there is no time between these two");
}
