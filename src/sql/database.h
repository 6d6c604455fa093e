/*
 * database: results files as databases of SQLite.
 *
 *	sqlite3 *db;
 *	sql_open(&db, "run.vms", &err);
 *	... sqlite3_prepare_v2(db, "SELECT * FROM vcpu_summary", ...) ...
 *	sqlite3_close(db);
 *
 * A file becomes the tables of one schema of a connection: those of src/schema/table.def, for each
 * table of states a NAME_total, and the views. Nothing is copied: the rows are read from the file
 *when they are asked for. A connection may be used by one thread at a time.
 */
#ifndef VMSCOPE_SQL_DATABASE_H
#define VMSCOPE_SQL_DATABASE_H

#include "base/error.h"
#include "sql/sqlite.h"
#include "store/reader.h"

/*
 * Makes a connection whose schema `main` is the file's tables. Whatever else is made there is in
 * memory only. Return: 0 and *dbp, for sqlite3_close(); or ERR with err set.
 */
int sql_open(sqlite3 **dbp, const char *path, struct error *err);

/* The same of a file that is open, and stays so until the connection is closed. */
int sql_open_store(sqlite3 **dbp, const struct store *s, struct error *err);

/*
 * Teaches a connection the modules and functions, among them
 *	vmscope_open(FILE [, SCHEMA])	makes the file's tables in a schema: `temp` unless told;
 *					one that does not exist is made, in memory
 *	vmscope_blocks_read()		how many blocks of intervals were read so far
 * Return: 0, or ERR with err set.
 */
int sql_register(sqlite3 *db, struct error *err);

#endif
