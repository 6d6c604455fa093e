/*
 * source: a results file to be exported, as a database, with the range of time that is wanted, and
 * of which VMs and vCPUs.
 *
 * With a range or a choice, every table of things in time is replaced by a view of that part of it,
 * and so are all that are made of it: whoever writes an unqualified name gets what is wanted.
 * Machines, vCPUs and threads are all there, for they have what others are called by. A choice also
 * makes tables of ids in the schema `temp`:
 *
 *	chosen_machine	  the VMs
 *	chosen_vcpu	  their vCPUs, or those of the number that was asked for
 *	related_machine	  the VMs, and the machines that they run on
 */
#ifndef VMSCOPE_EXPORT_SOURCE_H
#define VMSCOPE_EXPORT_SOURCE_H

#include <stdint.h>

#include "base/error.h"
#include "export/export.h"
#include "sql/sqlite.h"

/* Return: 0 and *dbp, for sqlite3_close(); or ERR with err set. */
int source_open(sqlite3 **dbp, const char *path, const struct export_range *range,
		const struct export_choice *choice, struct error *err);

/* Prepares a statement. Return: 0 and *sp, for sqlite3_finalize(); or ERR with err set. */
int source_prepare(sqlite3_stmt **sp, sqlite3 *db, const char *sql, struct error *err);

/* Runs a statement made by sqlite3_mprintf(), and frees it. Return: 0, or ERR with err set. */
int source_run(sqlite3 *db, char *sql, struct error *err);

/* Steps a statement. Return: SQLITE_ROW, SQLITE_DONE, or ERR with err set. */
int source_step(sqlite3_stmt *s, struct error *err);

/* The only value of a query that gives one. Return: it; `otherwise` when it is NULL, or fails. */
int64_t source_number(sqlite3 *db, const char *sql, int64_t otherwise);

#endif
