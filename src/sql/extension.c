/*
 * extension: results files in any program that uses SQLite, such as the sqlite3 shell:
 *
 *	.load ./vmscope_sqlite
 *	SELECT vmscope_open('run.vms');
 */
#include "sql/database.h"

#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT1

enum { OLDEST_SQLITE = 3038000 }; /* the first with sqlite3_vtab_in() */

/* SQLite makes the name from the file's: vmscope_sqlite.so. */
__attribute__((visibility("default"))) int
sqlite3_vmscopesqlite_init(sqlite3 *db, char **messagep, const sqlite3_api_routines *api);

int sqlite3_vmscopesqlite_init(sqlite3 *db, char **messagep, const sqlite3_api_routines *api)
{
	struct error err = {0};

	SQLITE_EXTENSION_INIT2(api);
	if (sqlite3_libversion_number() < OLDEST_SQLITE) {
		*messagep = sqlite3_mprintf("vmscope needs SQLite 3.38 or later, not %s",
					    sqlite3_libversion());
		return SQLITE_ERROR;
	}
	if (!sql_register(db, &err))
		return SQLITE_OK;
	*messagep = sqlite3_mprintf("%s", err.text);
	error_deinit(&err);
	return SQLITE_ERROR;
}
