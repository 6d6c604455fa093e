/*
 * plan: what of a WHERE clause a scan can use, so that it reads only the blocks it needs.
 *
 * Of a table with lanes: equality on the columns that name a lane, bounds of `ts` and `ts_end`,
 * names of states (=, <>, IN). Of a table of plain rows: equality on its id. The plan is made once
 * per statement and handed through SQLite as a text of pairs: operator, letter of the column. When
 * the scan begins SQLite gives the value of each.
 */
#ifndef VMSCOPE_SQL_PLAN_H
#define VMSCOPE_SQL_PLAN_H

#include "sql/sqlite.h"
#include "store/cursor.h"

/* What is to be read. */
struct sql_scan {
	struct store_query query; /* its lanes: where to look for those with the wanted keys */
	bool empty;		  /* no row can be wanted */
	bool has_key[TABLE_MAX_KEYS];
	int64_t keys[TABLE_MAX_KEYS];
	bool has_id; /* plain rows: only the one with this id */
	int64_t id;
};

/* Return: whether rows of the table have an end, and so the hidden column `ts_end`, which comes
 * after all others. */
static inline bool sql_has_end(const struct table *t)
{
	return t->dur != NO_COLUMN;
}

/* Answers SQLite's question how it would be to scan with these constraints. Return: SQLITE_*. */
int sql_plan_choose(const struct store *s, enum table_id table, sqlite3_index_info *info);

/*
 * What a plan asks for with these values; where one is NULL, it is not known yet and is left out.
 * plan: NULL, or as sql_plan_choose() made it.
 */
struct sql_scan sql_plan_scan(const struct store *s, enum table_id table, const char *plan,
			      sqlite3_value **values);

/*
 * Narrows query->lane, query->lanes_end to the next run of lanes with the wanted keys, from lane
 * number `from` on and before `end`. Return: whether there is one.
 */
bool sql_scan_next_lanes(const struct sql_scan *scan, const struct store *s, size_t from,
			 size_t end, struct store_query *query);

#endif
