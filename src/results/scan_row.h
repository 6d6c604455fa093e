/*
 * scan_row: rows of a results file as sums take them: what of a table is in the range that is told
 * of, one lane of it, and a row's columns.
 */
#ifndef VMSCOPE_RESULTS_SCAN_ROW_H
#define VMSCOPE_RESULTS_SCAN_ROW_H

#include "results/results.h"
#include "store/cursor.h"
#include "tally/tally.h"

/* Return: for what of a table is told of; columns: a bit for each that is read. */
struct store_query scan_query(const struct results *r, enum table_id table, uint32_t columns);

/* The same of the one lane with these keys. Return: whether there is one. */
bool scan_query_lane(const struct results *r, enum table_id table, const int64_t *keys,
		     uint32_t columns, struct store_query *q);

/* Return: a row of vcpu_state with the times that it has, not those that are in the range. */
struct tally_state scan_state(const struct results *r, const struct store_cursor *c);

/* Return: a row of vm_exit. */
struct tally_exit scan_exit(const struct store_cursor *c);

#endif
