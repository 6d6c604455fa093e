/* Sums of exits between any two times: by the index as by the exits themselves, and as they were
 * made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "server/exit_sums.h"
#include "store/writer.h"

enum { VCPUS = 2, ROWS = 300000, REASONS = 5, RANGES = 60 };

#define BEGIN INT64_C(1700000000000000000)

struct made {
	int64_t ts, dur; /* dur: TABLE_NULL when no end was seen */
	int reason;
};

struct world {
	struct made exits[VCPUS][ROWS];
	struct store *store;
	uint64_t random;
};

static uint64_t next_random(struct world *w)
{
	w->random = w->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return w->random >> 33;
}

/* Exits with a length from 0 to a second; runs of some that begin together, also where stretches
 * end. */
static struct made make_exit(struct world *w, int64_t ts)
{
	int reason = (int)(next_random(w) % REASONS);
	int64_t dur = (int64_t)(next_random(w) % (1u << (10 + reason * 5)));

	return (struct made){ts, next_random(w) % 50 ? dur : TABLE_NULL, reason};
}

static void write_lane(struct world *w, struct store_writer *out, int vcpu)
{
	static const char *const names[REASONS] = {"HLT", "MSR", "NPF", "IO", "CPUID"};
	int64_t row[COL_VM_EXIT_N_COLUMNS], ts = BEGIN + vcpu;

	for (int i = 0; i < ROWS; i++) {
		struct made *e = &w->exits[vcpu][i];

		ts += next_random(w) % 100 < 40 ? 0 : (int64_t)(next_random(w) % 5000);
		*e = make_exit(w, ts);
		for (int k = 0; k < COL_VM_EXIT_N_COLUMNS; k++)
			row[k] = TABLE_NULL;
		row[COL_VM_EXIT_VCPU_ID] = vcpu;
		row[COL_VM_EXIT_TS] = e->ts;
		row[COL_VM_EXIT_REASON] = e->reason;
		row[COL_VM_EXIT_NAME] = store_writer_string(out, names[e->reason]);
		row[COL_VM_EXIT_DUR] = row[COL_VM_EXIT_HANDLED_NS] = e->dur;
		row[COL_VM_EXIT_PREEMPTED_NS] = e->dur == TABLE_NULL ? TABLE_NULL : 0;
		store_writer_add(out, TABLE_VM_EXIT, row);
	}
}

static int setup(void **state)
{
	struct world *w = mem_zalloc(1, sizeof(*w));
	char path[] = "/tmp/vmscope-test-exits-XXXXXX";
	struct error err = {0};
	struct store_writer *out;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	w->random = 7;
	assert_int_equal(store_writer_new(&out, path, &err), 0);
	for (int v = 0; v < VCPUS; v++)
		write_lane(w, out, v);
	assert_int_equal(store_writer_finish(out, &err), 0);
	store_writer_free(out);
	assert_int_equal(store_open(&w->store, path, &err), 0);
	unlink(path);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	store_free(w->store);
	free(w);
	return 0;
}

static const struct exit_sum *sum_of(const struct exit_sums *sums, int vcpu, int reason)
{
	vec_each (x, &sums->at) {
		if (x->vcpu == vcpu && x->reason == reason)
			return x;
	}
	return NULL;
}

/* What was made in [from, to), added up row by row. */
static void check_against_made(const struct world *w, const struct exit_sums *sums, int64_t from,
			       int64_t to)
{
	int64_t count[VCPUS][REASONS] = {0}, total[VCPUS][REASONS] = {0}, max[VCPUS][REASONS];

	memset(max, 0xff, sizeof(max));
	for (int v = 0; v < VCPUS; v++) {
		for (int i = 0; i < ROWS; i++) {
			const struct made *e = &w->exits[v][i];

			if (e->ts < from || e->ts >= to)
				continue;
			count[v][e->reason]++;
			if (e->dur == TABLE_NULL)
				continue;
			total[v][e->reason] += e->dur;
			if (e->dur > max[v][e->reason])
				max[v][e->reason] = e->dur;
		}
	}
	for (int v = 0; v < VCPUS; v++) {
		for (int r = 0; r < REASONS; r++) {
			const struct exit_sum *x = sum_of(sums, v, r);

			assert_int_equal(x ? x->count : 0, count[v][r]);
			assert_int_equal(x ? x->whole.sum : 0, total[v][r]);
			assert_int_equal(x ? x->handled : 0, total[v][r]);
			if (max[v][r] >= 0)
				assert_int_equal(x->whole.max, max[v][r]);
		}
	}
}

static void check_alike(const struct exit_sums *a, const struct exit_sums *b)
{
	assert_int_equal(a->at.n, b->at.n);
	vec_each (x, &a->at) {
		const struct exit_sum *y = sum_of(b, (int)x->vcpu, (int)x->reason);

		assert_non_null(y);
		assert_string_equal(x->name, y->name);
		assert_int_equal(x->whole.n, y->whole.n);
		assert_int_equal(x->whole.min, y->whole.min);
		assert_int_equal(x->preempted, y->preempted);
		assert_int_equal(x->max_at, y->max_at);
		for (int p = 0; p <= 8; p++)
			assert_int_equal(histogram_quantile(&x->whole, p / 8.0),
					 histogram_quantile(&y->whole, p / 8.0));
	}
}

static void check_range(const struct world *w, const struct exit_index *index, int64_t from,
			int64_t to)
{
	struct exit_sums plain, indexed;
	struct error err = {0};

	assert_int_equal(exit_sums_init(&plain, w->store, NULL, from, to, &err), 0);
	assert_int_equal(exit_sums_init(&indexed, w->store, index, from, to, &err), 0);
	check_against_made(w, &indexed, from, to);
	check_alike(&plain, &indexed);
	exit_sums_deinit(&plain);
	exit_sums_deinit(&indexed);
}

static void test_any_range(void **state)
{
	struct world *w = *state;
	int64_t begin = w->exits[0][0].ts, end = w->exits[0][ROWS - 1].ts;
	struct exit_index index;
	struct error err = {0};

	assert_int_equal(exit_index_init(&index, w->store, &err), 0);
	check_range(w, &index, INT64_MIN + 1, INT64_MAX);
	check_range(w, &index, begin, end);
	check_range(w, &index, begin - 10, begin);
	check_range(w, &index, end, end + 1);
	for (int i = 0; i < RANGES; i++) {
		/* Half of them begin or end just with an exit. */
		int64_t a = w->exits[i % VCPUS][next_random(w) % ROWS].ts + i % 2;
		int64_t b = w->exits[0][next_random(w) % ROWS].ts + i / 2 % 2;

		check_range(w, &index, a < b ? a : b, a < b ? b : a);
	}
	exit_index_deinit(&index);
}

static void test_few_need_no_index(void **state)
{
	struct world *w = *state;

	assert_false(exit_index_is_needed(w->store));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_range),
		cmocka_unit_test(test_few_need_no_index),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
