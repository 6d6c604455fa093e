/*
 * files: the results files that a connection has open, each once for all tables made of it.
 */
#ifndef VMSCOPE_SQL_FILES_H
#define VMSCOPE_SQL_FILES_H

#include "base/mem.h"
#include "sql/rows.h"
#include "store/reader.h"

struct sql_file {
	char *path;		   /* owned */
	const struct store *store; /* that of `owned`, or lent */
	struct store *owned;	   /* or NULL */
	unsigned users;
	struct sql_rows rows[TABLE_N]; /* of tables of plain rows, once asked for */
};

struct sql_files {
	unsigned users;
	VEC(struct sql_file *) open; /* owned */
	uint64_t blocks_read;	     /* of tables with lanes, in all scans so far */
};

/*
 * Opens a file, or takes it as it is open already, even if there is another by that name now.
 * Return: 0 and *fp, for sql_files_release(); or ERR with err set.
 */
int sql_files_open(struct sql_files *files, const char *path, struct sql_file **fp,
		   struct error *err);

/* The same of a file that the caller has opened and keeps open for longer than all connections. */
struct sql_file *sql_files_lend(struct sql_files *files, const struct store *s);
void sql_files_release(struct sql_files *files, struct sql_file *f);

/* Return: one user of *files more. */
struct sql_files *sql_files_use(struct sql_files *files);

/*
 * A destructor for SQLite: one user less; the last one frees it. Its files must have been released.
 */
void sql_files_unuse(void *files);

#endif
