/* Pictures of a lane that has far more rows than are decoded: bounded, and true all the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "server/lane.h"
#include "store/sums.h"
#include "store/writer.h"

enum { ROWS = 300000 };

#define BEGIN INT64_C(1700000000000000000)

/* Short states and long ones, busy stretches and idle ones. */
static int64_t length_of(int i, uint64_t *random)
{
	*random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return 1 + (int64_t)(*random >> (i / 20000 % 3 ? 50 : 40));
}

static int setup(void **state)
{
	char *path = mem_strdup("/tmp/vmscope-test-lane-XXXXXX");
	int64_t row[COL_VCPU_STATE_N_COLUMNS], ts = BEGIN;
	struct error err = {0};
	struct store_writer *w;
	struct store *s;
	uint64_t random = 1;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	for (int i = 0; i < COL_VCPU_STATE_N_COLUMNS; i++)
		row[i] = TABLE_NULL;
	row[COL_VCPU_STATE_VCPU_ID] = 0;
	assert_int_equal(store_writer_new(&w, path, &err), 0);
	struct store_lane *lane = store_writer_lane(w, TABLE_VCPU_STATE, row);

	for (int i = 0; i < ROWS; i++) {
		row[COL_VCPU_STATE_TS] = ts;
		row[COL_VCPU_STATE_DUR] = length_of(i, &random);
		row[COL_VCPU_STATE_STATE] = i & 1 ? VCPU_GUEST : VCPU_HYPERVISOR + i / 2 % 3;
		ts += row[COL_VCPU_STATE_DUR];
		store_lane_add(lane, row);
	}
	assert_int_equal(store_writer_finish(w, &err), 0);
	store_writer_free(w);
	assert_int_equal(store_open(&s, path, &err), 0);
	unlink(path);
	free(path);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	store_free(*state);
	return 0;
}

static const struct entry *lane_of(const struct store *s)
{
	return &s->tables[TABLE_VCPU_STATE].lanes.at[0].entry;
}

static struct lane_states draw(const struct store *s, const struct lane_query *q)
{
	struct lane_states states = {0};
	struct error err = {0};
	struct lane_room room;

	lane_room_init(&room);
	assert_int_equal(lane_draw(s, q, &room, &states, &err), 0);
	lane_room_deinit(&room);
	return states;
}

/* The states touch each other, have all of the stretch, and what is exact is as the file has it. */
static void check_states(const struct store *s, const struct lane_query *q,
			 const struct lane_states *states)
{
	const struct lane_state *last = &states->at.at[states->at.n - 1];
	struct error err = {0};
	struct lane_row row;

	assert_true(states->at.at[0].begin <= q->from && last->end >= q->to);
	for (size_t i = 0; i < states->at.n; i++) {
		const struct lane_state *one = &states->at.at[i];

		assert_true(one->begin < one->end);
		assert_true(!i || one->begin == one[-1].end);
		if (one->truth != LANE_EXACT || i % 100)
			continue;
		assert_int_equal(lane_at(s, q->table, 0, one->begin, &row, &err), 1);
		assert_true(row.begin == one->begin && row.end == one->end &&
			    row.values[COL_VCPU_STATE_STATE] == one->state);
	}
}

static void test_every_zoom(void **state)
{
	const struct store *s = *state;
	const struct entry *lane = lane_of(s);
	struct lane_query q = {
		.table = TABLE_VCPU_STATE, .pixels = 500, .budget = 4096, .whole = 1000};

	for (int64_t length = lane->end - lane->first; length > 1000; length /= 2) {
		q.from = lane->first + (lane->end - lane->first - length) / 3;
		q.to = q.from + length;
		struct lane_states states = draw(s, &q);

		check_states(s, &q, &states);
		assert_in_range(states.at.n, 1, 1000 + 2);
		vec_deinit(&states.at);
	}
}

/* Of what is not looked into, each state has as many pixels as it had time. */
static void test_shares(void **state)
{
	const struct store *s = *state;
	uint64_t wanted[FORMAT_MAX_SUMS] = {0}, got[FORMAT_MAX_SUMS] = {0};
	struct error err = {0};
	struct lane_query q = {.table = TABLE_VCPU_STATE,
			       .from = lane_of(s)->first,
			       .to = lane_of(s)->end,
			       .pixels = 20000,
			       .budget = 0};
	struct lane_states states = draw(s, &q);
	bool any = false;

	vec_each (one, &states.at) {
		any |= one->truth == LANE_SHARE;
		got[one->state] += (uint64_t)(one->end - one->begin);
	}
	vec_deinit(&states.at);
	assert_true(any);
	assert_int_equal(sums_add(s, q.table, 0, q.from, q.to, wanted, &err), 0);
	for (int i = 0; i < VCPU_N_STATES; i++) {
		uint64_t off = got[i] > wanted[i] ? got[i] - wanted[i] : wanted[i] - got[i];

		assert_true(off <= (uint64_t)(q.to - q.from) / 50);
	}
}

static void test_few_rows_are_whole(void **state)
{
	const struct store *s = *state;
	struct lane_query q = {.table = TABLE_VCPU_STATE,
			       .from = lane_of(s)->first,
			       .pixels = 10,
			       .budget = 0,
			       .whole = 2000};

	q.to = q.from + 2000000000;
	struct lane_states states = draw(s, &q);

	assert_true(states.at.n > 10);
	vec_each (one, &states.at)
		assert_int_equal(one->truth, LANE_EXACT);
	check_states(s, &q, &states);
	vec_deinit(&states.at);
}

/* A budget is kept but for the two blocks at the ends. */
static void test_budget(void **state)
{
	const struct store *s = *state;
	struct parts_query q = {.store = s,
				.table = TABLE_VCPU_STATE,
				.from = lane_of(s)->first + 12345,
				.to = lane_of(s)->end - 12345,
				.pixel = 1,
				.budget = 50000};
	struct error err = {0};
	uint64_t decoded = 0, widest_left = 0, narrowest_taken = UINT64_MAX;
	struct parts p;
	bool whole;

	parts_init(&p);
	assert_int_equal(parts_find(&p, &q, &whole, &err), 0);
	assert_false(whole);
	assert_true(p.rows >= ROWS - 2 * FORMAT_BLOCK_ROWS);
	vec_each (part, &p.at) {
		decoded += part_is_read(&p, part) ? part->entry->rows : 0;
		if (part_is_read(&p, part) && !part->edge && part_length(part) < narrowest_taken)
			narrowest_taken = part_length(part);
		if (!part_is_read(&p, part) && part_length(part) > widest_left)
			widest_left = part_length(part);
	}
	assert_in_range(decoded, 1, q.budget + 2 * FORMAT_BLOCK_ROWS);
	assert_true(narrowest_taken * 2 >= widest_left); /* by magnitude */
	parts_deinit(&p);
}

static void assert_same(const struct lane_states *a, const struct lane_states *b)
{
	assert_int_equal(a->at.n, b->at.n);
	for (size_t i = 0; i < a->at.n; i++)
		assert_true(a->at.at[i].begin == b->at.at[i].begin &&
			    a->at.at[i].end == b->at.at[i].end &&
			    a->at.at[i].state == b->at.at[i].state &&
			    a->at.at[i].truth == b->at.at[i].truth);
}

/* What is kept of the index is drawn as what is read of it. */
static void test_kept_nodes(void **state)
{
	const struct store *s = *state;
	const struct entry *lane = lane_of(s);
	struct node_cache *cache = node_cache_new();

	for (int64_t length = lane->end - lane->first; length > 1000; length /= 3) {
		struct lane_query q = {.table = TABLE_VCPU_STATE,
				       .from = lane->end - length,
				       .to = lane->end,
				       .pixels = 500,
				       .budget = 4096,
				       .whole = 1000};
		struct lane_states read = draw(s, &q);

		q.nodes = cache;
		for (int i = 0; i < 2; i++) {
			struct lane_states kept = draw(s, &q);

			assert_same(&read, &kept);
			vec_deinit(&kept.at);
		}
		vec_deinit(&read.at);
	}
	node_cache_free(cache);
}

/* A node is kept with the entry that named it: another that says it has more is not believed. */
static void test_kept_nodes_are_not_of_others(void **state)
{
	const struct store *s = *state;
	struct entry e = *lane_of(s);
	struct node_cache *cache = node_cache_new();
	struct node *node = mem_alloc(sizeof(*node));
	struct error err = {0};
	struct node_view view;

	assert_int_equal(node_cache_read(cache, s, TABLE_VCPU_STATE, &e, node, &view, &err), 0);
	assert_false(view.kept);
	assert_int_equal(node_cache_read(cache, s, TABLE_VCPU_STATE, &e, node, &view, &err), 0);
	assert_true(view.kept);
	assert_true(node_view_at(&view, 0)->first == e.first);
	e.rows++;
	assert_int_equal(node_cache_read(cache, s, TABLE_VCPU_STATE, &e, node, &view, &err), ERR);
	error_deinit(&err);
	free(node);
	node_cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_zoom),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_few_rows_are_whole),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_kept_nodes),
		cmocka_unit_test(test_kept_nodes_are_not_of_others),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
