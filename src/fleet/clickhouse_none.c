/*
 * In clickhouse.c's place in programs that are built without libcurl, as the one that runs on any
 * Linux: no server can be reached, and whoever wants one is told so.
 */
#include "fleet/clickhouse.h"

static int clickhouse_is_missing(struct error *err)
{
	return error_set(err, "this vmscope was built without libcurl, and reaches no ClickHouse; "
			      "that of the packages does");
}

int clickhouse_new(struct clickhouse **sp, const struct clickhouse_options *options,
		   struct error *err)
{
	(void)options;
	*sp = NULL;
	return clickhouse_is_missing(err);
}

void clickhouse_free(struct clickhouse *s)
{
	(void)s;
}

const char *clickhouse_database(const struct clickhouse *s)
{
	(void)s;
	return "";
}

const char *clickhouse_url(const struct clickhouse *s)
{
	(void)s;
	return "";
}

const char *clickhouse_all_replicas(const struct clickhouse *s)
{
	(void)s;
	return "";
}

int clickhouse_ask(struct clickhouse *s, const char *sql, const char **answerp, struct error *err)
{
	(void)s, (void)sql, (void)answerp;
	return clickhouse_is_missing(err);
}

int clickhouse_ask_anywhere(struct clickhouse *s, const char *sql, const char **answerp,
			    struct error *err)
{
	return clickhouse_ask(s, sql, answerp, err);
}

int clickhouse_do(struct clickhouse *s, const char *sql, struct error *err)
{
	(void)s, (void)sql;
	return clickhouse_is_missing(err);
}

int clickhouse_do_anywhere(struct clickhouse *s, const char *sql, struct error *err)
{
	return clickhouse_do(s, sql, err);
}

int clickhouse_insert(struct clickhouse *s, const char *sql, const struct bytes *body,
		      struct error *err)
{
	(void)body;
	return clickhouse_do(s, sql, err);
}
