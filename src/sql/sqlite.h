/*
 * sqlite: SQLite's interface, as this module uses it.
 *
 * A loadable extension calls the SQLite of the program that loads it, through a table of functions;
 * vmscope calls the library that it is linked with. The sources are the same.
 */
#ifndef VMSCOPE_SQL_SQLITE_H
#define VMSCOPE_SQL_SQLITE_H

#ifdef VMSCOPE_SQL_EXTENSION
#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT3
#else
#include <sqlite3.h>
#endif

#endif
