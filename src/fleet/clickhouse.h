/*
 * clickhouse: a ClickHouse server, asked over HTTP or HTTPS.
 *
 * What the server answers is not trusted: an answer is bounded in size and has to look like one of
 * ClickHouse's. A request that fails for whatever reason is an error that says what to do; the
 * caller has to find out whether a statement was carried out (load.h).
 */
#ifndef VMSCOPE_FLEET_CLICKHOUSE_H
#define VMSCOPE_FLEET_CLICKHOUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

/* How a server is reached. All texts are borrowed while it is opened; those but the URL can be
 * NULL. */
struct clickhouse_options {
	const char *url;	 /* http://host:8123/?database=NAME */
	const char *credentials; /* a file with lines `user=` and `password=` */
	const char *ca_file;	 /* certificates to trust, beside those of the system */
	unsigned timeout;	 /* s in which nothing comes; 0: a minute */
};

struct clickhouse;

/*
 * Asks the server for its version. Credentials are those of the file, or of VMSCOPE_CLICKHOUSE_USER
 * and VMSCOPE_CLICKHOUSE_PASSWORD, never of the URL. Return: 0 and *sp, owned by the caller; ERR
 * with err set.
 */
int clickhouse_new(struct clickhouse **sp, const struct clickhouse_options *options,
		   struct error *err);
void clickhouse_free(struct clickhouse *s); /* NULL is allowed */

/* Return: the database of the URL, "vmscope" if it has none; borrowed. */
const char *clickhouse_database(const struct clickhouse *s);

/* Return: the URL without what it asks for; borrowed. */
const char *clickhouse_url(const struct clickhouse *s);

/* Return: what this version calls a cluster's tables on all its servers. Before 20.3 there is only
 * the one that asks one replica of each shard. */
const char *clickhouse_all_replicas(const struct clickhouse *s);

/*
 * Asks for rows; *answerp is their text, as FORMAT TabSeparated has it, borrowed until the next
 * request. Return: 0, or ERR with err set.
 */
int clickhouse_ask(struct clickhouse *s, const char *sql, const char **answerp, struct error *err);

/* The same before there is the database. */
int clickhouse_ask_anywhere(struct clickhouse *s, const char *sql, const char **answerp,
			    struct error *err);

/* Has a statement carried out that gives no rows. Return: 0, or ERR with err set. */
int clickhouse_do(struct clickhouse *s, const char *sql, struct error *err);

/* The same before there is the database. */
int clickhouse_do_anywhere(struct clickhouse *s, const char *sql, struct error *err);

/* Return: 1: it was refused because the server has too many parts to merge, and nothing was
 * inserted: ask again later; 0; or ERR with err set. */
int clickhouse_insert(struct clickhouse *s, const char *sql, const struct bytes *body,
		      struct error *err);

#endif
