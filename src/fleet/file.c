#include "fleet/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/newfile.h"
#include "fleet/native.h"
#include "fleet/source.h"

enum { FILE_BLOCK_ROWS = 65536 };

struct file_writer {
	struct native_block block;
	struct bytes bytes;
	struct newfile to; /* without a path: the standard output */
	bool to_stdout;
};

static int file_put(struct file_writer *w, const uint8_t *at, size_t n, struct error *err)
{
	if (!w->to_stdout) {
		newfile_write(&w->to, at, n);
		return w->to.failed
			       ? error_errno(err, w->to.failed, "cannot write '%s'", w->to.path)
			       : 0;
	}
	/* Whether it was written is asked when the program ends. */
	fwrite(at, 1, n, stdout);
	return ferror(stdout) ? error_errno(err, errno, "cannot write") : 0;
}

static int file_flush(struct file_writer *w, struct error *err)
{
	if (!w->block.n)
		return 0;
	w->bytes.n = 0;
	native_write(&w->block, &w->bytes);
	return file_put(w, w->bytes.at, w->bytes.n, err);
}

static int file_sink(void *ctx, const struct fleet_rows *rows, struct error *err)
{
	struct file_writer *w = ctx;

	if (native_add(&w->block, rows, err))
		return ERR;
	return w->block.n < FILE_BLOCK_ROWS ? 0 : file_flush(w, err);
}

static int file_write_rows(struct file_writer *w, const struct fleet_recording *r,
			   const struct fleet_table *tables, enum fleet_id id, struct error *err)
{
	struct fleet_source source = {.recording = r, .tables = tables};

	source.wanted[id] = true;
	if (fleet_source_run(&source, file_sink, w, err) || file_flush(w, err))
		return ERR;
	return w->to_stdout ? 0 : newfile_commit(&w->to, err);
}

/* path: NULL for the standard output. */
static int file_write_table(const struct fleet_recording *r, const struct fleet_table *tables,
			    enum fleet_id id, const char *path, struct error *err)
{
	struct file_writer w = {.to_stdout = !path};

	if (path && newfile_init(&w.to, path, err))
		return ERR;
	native_init(&w.block, &tables[id]);
	int status = file_write_rows(&w, r, tables, id, err);

	native_deinit(&w.block);
	bytes_deinit(&w.bytes);
	if (path)
		newfile_deinit(&w.to);
	return status ? error_wrap(err, "cannot export '%s'", tables[id].name) : 0;
}

static int file_make_directory(const char *path, struct error *err)
{
	struct stat st;

	if (!mkdir(path, 0777) || (errno == EEXIST && !stat(path, &st) && S_ISDIR(st.st_mode)))
		return 0;
	return error_errno(err, errno, "cannot make the directory '%s'", path);
}

static int file_write_wanted(const struct fleet_file_job *job, const struct fleet_recording *r,
			     const struct fleet_table *tables, const bool *wanted,
			     struct error *err)
{
	if (file_make_directory(job->output, err))
		return ERR;
	for (int i = 0; i < FLEET_N; i++) {
		char *path = mem_printf("%s/%s.native", job->output, tables[i].name);
		int status =
			wanted[i] ? file_write_table(r, tables, (enum fleet_id)i, path, err) : 0;

		free(path);
		if (status)
			return status;
	}
	return 0;
}

static int file_write_all(const struct fleet_file_job *job, const struct fleet_recording *r,
			  const struct fleet_table *tables, struct error *err)
{
	bool wanted[FLEET_N] = {0};
	enum fleet_id last = FLEET_N;

	for (int i = 0; !job->n_tables && i < FLEET_N; i++)
		wanted[i] = tables[i].part != FLEET_LEDGER && tables[i].part <= job->part;
	for (size_t i = 0; i < job->n_tables; i++) {
		last = fleet_table_find(job->tables[i]);
		if (last == FLEET_N || tables[last].part == FLEET_LEDGER)
			return error_set(err, "there is no table '%s'", job->tables[i]);
		wanted[last] = true;
	}
	if (job->n_tables == 1)
		return file_write_table(r, tables, last, job->output, err);
	return file_write_wanted(job, r, tables, wanted, err);
}

int fleet_write_native(const struct fleet_file_job *job, struct error *err)
{
	struct fleet_table *tables = fleet_tables_new();
	struct fleet_recording r;
	int status = fleet_recording_init(&r, job->path, job->host, err);

	if (!status) {
		status = file_write_all(job, &r, tables, err);
		fleet_recording_deinit(&r);
	}
	free(tables);
	return status;
}
