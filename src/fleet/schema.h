/*
 * schema: a fleet's tables on a server: made, brought up to this version, compared.
 *
 *	one server	NAME, a ReplacingMergeTree
 *	a cluster	NAME_local on every server, replicated if the server knows ZooKeeper; and
 *			NAME, Distributed: what is loaded into it goes to one shard per recording
 *
 * Rows are sorted by recording, lane and ts, in partitions of a month by `day`. Should a block have
 * been inserted twice all the same, ReplacingMergeTree leaves one of two rows with the same name.
 */
#ifndef VMSCOPE_FLEET_SCHEMA_H
#define VMSCOPE_FLEET_SCHEMA_H

#include "fleet/clickhouse.h"
#include "fleet/table.h"

/* A sentence about what was done. */
typedef void schema_note_fn(void *ctx, const char *text);

/*
 * Makes the tables that are not there and adds columns that are missing. cluster: its name as the
 * server's configuration has it; NULL: one server. Changes nothing that this version does not know:
 * that is an error. Return: 0, or ERR with err set.
 */
int schema_make(struct clickhouse *s, const struct fleet_table *tables, const char *cluster,
		schema_note_fn *note, void *ctx, struct error *err);

/* Return: 0 when all tables are there with all columns and no others, or ERR with err set. */
int schema_check(struct clickhouse *s, const struct fleet_table *tables, struct error *err);

/* Return: the columns that name a row, by which the table is sorted, in SQL; for free(). */
char *schema_order(const struct fleet_table *t);

/*
 * Finds out which cluster the tables are of. Return: 0 and *clusterp, for free(), NULL where they
 * are one server's; ERR with err set.
 */
int schema_find_cluster(struct clickhouse *s, char **clusterp, struct error *err);

#endif
