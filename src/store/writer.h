/*
 * writer: makes a results file.
 *
 * Rows of a lane come in its order; lanes may come in any order among each other. A lane keeps the
 * rows of its unfinished block (fewer when there are very many lanes) and an entry for each
 * finished one that no index node holds yet; all else is on the disk, and all of a lane that is
 * ended. So memory depends on the number of strings and of lanes that are open at the same time,
 * not on that of rows, nor on that of lanes that come and go.
 *
 * Rows are collected by whoever adds them; a block of them is a job (struct job): to encode and
 * write it, and to keep the lane's index. Jobs are done in the order in which they come, at once or
 * by another thread.
 *
 * What breaks a rule of the format (a gap in a lane of states, a time that steps back, a state that
 * does not exist) is kept and told by store_writer_finish(): then no file is made.
 */
#ifndef VMSCOPE_STORE_WRITER_H
#define VMSCOPE_STORE_WRITER_H

#include <stdint.h>

#include "base/error.h"
#include "base/worker.h"
#include "schema/table.h"
#include "store/lane.h"
#include "store/reader.h"

struct store_writer;

/*
 * Begins a file that will replace `path`; NULL: one without a name, in $TMPDIR, that goes away with
 * whoever has it open. Return: 0 and *wp, owned by the caller; or ERR.
 */
int store_writer_new(struct store_writer **wp, const char *path, struct error *err);

/*
 * Lets a second thread make and write the blocks, from now on. The file is the same, to the byte.
 * Only one thread may call the functions of a writer.
 * Return: that thread, which the caller may give tasks until the file is finished; NULL when there
 * can be none.
 */
struct worker *store_writer_use_thread(struct store_writer *w);

/* Return: the number by which a text column names this string; TABLE_NULL for NULL. */
int64_t store_writer_string(struct store_writer *w, const char *s);

/*
 * Finds or makes the lane that the first columns of `row` name; only these are read. Whoever adds
 * many rows keeps it. Return: the lane, owned by w.
 */
struct store_lane *store_writer_lane(struct store_writer *w, enum table_id table,
				     const int64_t *row);

/*
 * Makes a lane that nobody asked for before, nor will: whoever does keeps it. Two lanes of one name
 * are a mistake.
 * Return: the lane, owned by w until store_lane_end().
 */
struct store_lane *store_lane_new(struct store_writer *w, enum table_id table, const int64_t *row);

/* Writes all of a lane from store_lane_new(), and frees it. */
void store_lane_end(struct store_lane *lane);

/*
 * Appends a row: all columns of the table in its order (COL_*); those that name the lane are not
 * looked at. In a table of states a row with a `dur` of 0 says nothing and is not stored. lane.h
 * has the same for rows that are made in place, and store_lane_near().
 */
void store_lane_add(struct store_lane *lane, const int64_t *row);

/* store_lane_add() to the lane that the row itself names. */
void store_writer_add(struct store_writer *w, enum table_id table, const int64_t *row);

/*
 * Completes the file. Nothing can be added after. Return: 0, or ERR with err set and no file made.
 */
int store_writer_finish(struct store_writer *w, struct error *err);

/* Opens what was finished, for reading; w may be freed before it. Return: as store_open(). */
int store_writer_open(const struct store_writer *w, struct store **sp, struct error *err);

/* Frees it, and what it has written unless store_writer_finish() returned 0. NULL is allowed. */
void store_writer_free(struct store_writer *w);

#endif
