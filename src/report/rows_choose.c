#include "report/rows_choose.h"

#include <stdlib.h>
#include <string.h>

static int rows_column(const struct rows *t, const char *name)
{
	for (size_t i = 0; i < t->n_columns; i++) {
		if (!strcmp(t->columns[i], name))
			return (int)i;
	}
	return NO_COLUMN;
}

/* Return: the row's value in a column of ids as an index, or NOBODY. */
static int rows_index(const struct rows *t, const struct results *r, enum table_id table,
		      size_t row, int column)
{
	const struct cell *c = &t->cells.at[row * t->n_columns + (size_t)column];

	return c->kind == CELL_INT ? results_find(r, table, c->i) : NOBODY;
}

/* Keeps the rows for which `keep` says so, in the order of `from`, at most so many. */
static void rows_take(struct rows *t, const size_t *from, size_t n)
{
	struct cell *taken = mem_alloc((n * t->n_columns + 1) * sizeof(*taken));

	for (size_t i = 0; i < n; i++)
		memcpy(taken + i * t->n_columns, t->cells.at + from[i] * t->n_columns,
		       t->n_columns * sizeof(*taken));
	if (n)
		memcpy(t->cells.at, taken, n * t->n_columns * sizeof(*taken));
	t->cells.n = n * t->n_columns;
	free(taken);
}

/* ---- which rows ------------------------------------------------------------------------------ */

static bool rows_are_of_machines(enum report_section section)
{
	return section == REPORT_MACHINES || section == REPORT_SYNC || section == REPORT_DIAG ||
	       section == REPORT_MISSING;
}

static bool rows_has(const struct rows *t, const struct results *r, enum report_section section,
		     const struct chosen *c, size_t row)
{
	int vcpu = rows_column(t, section == REPORT_VCPUS ? "id" : "vcpu_id");
	int machine = rows_column(t, section == REPORT_MACHINES ? "id" : "machine_id");
	int m = rows_index(t, r, TABLE_MACHINE, row, machine);

	if (rows_are_of_machines(section))
		return m == NOBODY || c->related[m];
	if (vcpu == NO_COLUMN || section == REPORT_THREADS)
		return m != NOBODY && c->machines[m];
	int v = rows_index(t, r, TABLE_VCPU, row, vcpu);

	return v != NOBODY && chosen_has_vcpu(c, r, &r->vcpus.at[v]);
}

/* ---- in which order -------------------------------------------------------------------------- */

enum { KEY_COLUMNS = 4 };

/* The columns that a key is the sum of, as far as a section has them. */
static const char *const *rows_key(enum sort_key key)
{
	static const char *const columns[SORT_N][KEY_COLUMNS + 1] = {
		[SORT_RUN] = {"guest_ns", "run_ns"},
		[SORT_READY] = {"preempted_ns", "waiting_ns", "throttled_ns", "ready_ns"},
		[SORT_EXIT] = {"hypervisor_ns", "userspace_ns", "exit_ns"},
		[SORT_POLL] = {"polling_ns", "poll_ns"},
		[SORT_IDLE] = {"halted_ns", "idle_ns"},
		[SORT_BLOCKED] = {"blocked_ns"},
		[SORT_UNKNOWN] = {"unknown_ns"},
		[SORT_EXITS] = {"exits"},
		[SORT_COUNT] = {"count"},
		[SORT_COST] = {"cost_ns"},
		[SORT_TOTAL] = {"total_ns"},
		[SORT_MEAN] = {"mean_ns"},
		[SORT_P50] = {"p50_ns"},
		[SORT_P99] = {"p99_ns"},
		[SORT_MAX] = {"max_ns"},
	};

	return columns[key];
}

static double cell_number(const struct cell *c)
{
	switch (c->kind) {
	case CELL_INT:
		return (double)c->i;
	case CELL_UINT:
		return (double)c->u;
	case CELL_NUMBER:
		return c->number;
	default:
		return 0;
	}
}

struct row_place {
	double key;
	size_t row;
};

static int by_key(const void *a, const void *b)
{
	const struct row_place *x = a, *y = b;

	if (x->key != y->key)
		return x->key > y->key ? -1 : 1;
	return x->row < y->row ? -1 : x->row > y->row;
}

/* Keys of vCPUs are for vCPUs, those of exits for all that is counted as they are. */
static bool rows_are_sorted(enum report_section section, enum sort_key key)
{
	if (key < SORT_COUNT)
		return (section == REPORT_VCPUS || section == REPORT_SPLIT) && key != SORT_USUAL;
	return section == REPORT_VM_EXITS || section == REPORT_EXITS ||
	       section == REPORT_EXIT_DETAILS || section == REPORT_LATENCY ||
	       section == REPORT_WAITS;
}

static void rows_sort(const struct rows *t, enum sort_key key, size_t *rows, size_t n)
{
	const char *const *columns = rows_key(key);
	struct row_place *places = mem_zalloc(n + 1, sizeof(*places));

	for (size_t i = 0; i < n; i++) {
		places[i].row = rows[i];
		for (int k = 0; k < KEY_COLUMNS && columns[k]; k++) {
			int column = rows_column(t, columns[k]);

			if (column != NO_COLUMN)
				places[i].key += cell_number(
					&t->cells.at[rows[i] * t->n_columns + (size_t)column]);
		}
	}
	qsort(places, n, sizeof(*places), by_key);
	for (size_t i = 0; i < n; i++)
		rows[i] = places[i].row;
	free(places);
}

void rows_choose(struct rows *t, const struct results *r, enum report_section section,
		 const struct chosen *c)
{
	size_t all = t->cells.n / t->n_columns, n = 0;
	size_t *rows = mem_zalloc(all + 1, sizeof(*rows));

	for (size_t i = 0; i < all; i++) {
		if (!choice_is_some(c->choice) || rows_has(t, r, section, c, i))
			rows[n++] = i;
	}
	if (rows_are_sorted(section, c->choice->sort))
		rows_sort(t, c->choice->sort, rows, n);
	rows_take(t, rows, c->choice->top && c->choice->top < n ? c->choice->top : n);
	free(rows);
}
