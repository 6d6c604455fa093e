/*
 * file: results files as files of ClickHouse's Native format, one per table.
 */
#ifndef VMSCOPE_FLEET_FILE_H
#define VMSCOPE_FLEET_FILE_H

#include <stddef.h>

#include "base/error.h"
#include "fleet/table.h"

struct fleet_file_job {
	const char *path;	   /* the results file */
	const char *host;	   /* what its host is called; NULL: as the recording says */
	const char *output;	   /* a file, or of several tables a directory; NULL: stdout */
	const char *const *tables; /* which; none: all that belong to `part` or to one before it */
	size_t n_tables;
	enum fleet_part part;
};

/* Return: 0, or ERR with err set; then no file was made, but those of complete tables. */
int fleet_write_native(const struct fleet_file_job *job, struct error *err);

#endif
