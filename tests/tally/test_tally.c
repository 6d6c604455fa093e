/*
 * Sums of rows that are few enough to be added up by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "schema/table.h"
#include "tally/tally.h"

enum { CPU = 3, OTHER_CPU = 7, THREAD = 40, VECTOR = 236 };

/* The next row of a lane that begins at 0. */
static void add(struct tally_vcpu *v, int64_t *at, enum vcpu_state state, int64_t dur, int64_t cpu,
		int64_t thread)
{
	const struct tally_state row = {
		.state = state,
		.begin = *at,
		.dur = dur,
		.cpu = cpu,
		.occupant = thread,
		.busy = BUSY_THREAD,
		.occupant_irq = TABLE_NULL,
		.occupant_handler = TABLE_NULL,
	};

	tally_add_state(v, &row);
	*at += dur;
}

static void states(void **state)
{
	struct tally *t = tally_new(2);
	struct tally_vcpu *v = &t->vcpus[1];
	int64_t at = 0;

	(void)state;
	add(v, &at, VCPU_GUEST, 100, CPU, TABLE_NULL);
	add(v, &at, VCPU_HYPERVISOR, 20, CPU, TABLE_NULL);
	add(v, &at, VCPU_PREEMPTED, 3, CPU, THREAD);
	add(v, &at, VCPU_PREEMPTED, 4, CPU, TABLE_NULL);
	add(v, &at, VCPU_GUEST, 500, OTHER_CPU, TABLE_NULL);
	add(v, &at, VCPU_HALTED, 9, TABLE_NULL, TABLE_NULL);
	add(v, &at, VCPU_WAITING, 60, OTHER_CPU, THREAD);
	add(v, &at, VCPU_PREEMPTED, 1, OTHER_CPU, THREAD);
	add(v, &at, VCPU_USERSPACE, 1000, CPU, TABLE_NULL);

	assert_int_equal(v->cpus.n, 2);
	assert_int_equal(v->cpus.at[0].cpu, CPU);
	assert_int_equal(v->cpus.at[0].guest, 100);
	assert_int_equal(v->cpus.at[0].other, 1020);
	assert_int_equal(v->cpus.at[1].cpu, OTHER_CPU);
	assert_int_equal(v->cpus.at[1].guest, 500);
	assert_int_equal(v->cpus.at[1].other, 0);
	assert_int_equal(v->occupants.n, 2);
	assert_int_equal(v->occupants.at[0].who.thread, THREAD);
	assert_int_equal(v->occupants.at[0].preempted, 4);
	assert_int_equal(v->occupants.at[0].waiting, 60);
	assert_int_equal(v->occupants.at[0].times, 2);
	assert_true(v->occupants.at[1].who.thread == TABLE_NULL);
	assert_int_equal(v->occupants.at[1].preempted, 4);
	assert_int_equal(v->occupants.at[1].times, 0);
	assert_int_equal(t->vcpus[0].cpus.n, 0);
	tally_free(t);
}

/* What kept it is told apart by all that the row says; a stretch ends when it has a CPU. */
static void stretches(void **state)
{
	enum { HANDLER = 77 };
	struct tally *t = tally_new(1);
	struct tally_vcpu *v = &t->vcpus[0];
	struct tally_state row = {.state = VCPU_PREEMPTED,
				  .begin = 1000,
				  .dur = 10,
				  .cpu = CPU,
				  .occupant = THREAD,
				  .busy = BUSY_THREAD,
				  .occupant_irq = TABLE_NULL,
				  .occupant_handler = TABLE_NULL};
	struct tally_state irq = row, quota = row;

	(void)state;
	irq.begin = 1010;
	irq.dur = 3;
	irq.busy = BUSY_IRQ;
	irq.occupant_handler = HANDLER;
	irq.occupant_irq = 24;
	quota.state = VCPU_THROTTLED;
	quota.begin = 1033;
	quota.dur = 70;
	quota.occupant = TABLE_NULL;
	quota.busy = BUSY_IDLE;
	quota.certainty = CERTAINTY_PROVED;
	tally_add_state(v, &row);
	tally_add_state(v, &irq);
	row.begin = 1013;
	row.dur = 20;
	tally_add_state(v, &row);
	tally_add_state(v, &quota);
	row.begin = 1103;
	row.dur = 5;
	row.state = VCPU_GUEST;
	tally_add_state(v, &row);
	row.begin = 1108;
	row.dur = 29;
	row.state = VCPU_WAITING;
	tally_add_state(v, &row);

	assert_int_equal(v->occupants.n, 3);
	assert_int_equal(v->occupants.at[0].preempted, 30);
	assert_int_equal(v->occupants.at[0].waiting, 29);
	assert_int_equal(v->occupants.at[0].times, 1);
	assert_int_equal(v->occupants.at[0].stretches, 2);
	assert_int_equal(v->occupants.at[0].worst.begin, 1000);
	assert_int_equal(v->occupants.at[0].worst.ns, 30);
	assert_int_equal(v->occupants.at[1].who.handler, HANDLER);
	assert_int_equal(v->occupants.at[1].who.irq, 24);
	assert_true(v->occupants.at[1].who.thread == TABLE_NULL);
	assert_int_equal(v->occupants.at[1].preempted, 3);
	assert_int_equal(v->occupants.at[1].times, 0);
	assert_int_equal(v->occupants.at[2].throttled, 70);
	assert_int_equal(v->occupants.at[2].preempted, 0);
	assert_int_equal(v->occupants.at[2].who.certainty, CERTAINTY_PROVED);
	assert_int_equal(v->occupants.at[2].worst.begin, 1033);
	tally_free(t);
}

/* Polled time costs nothing; the worst window is that with most of the rest. */
static void costs(void **state)
{
	struct tally *t = tally_new(1);
	struct tally_vcpu *v = &t->vcpus[0];
	struct tally_exit x = {.reason = 12,
			       .isa = 1,
			       .name = 5,
			       .dur = 100,
			       .handled = 70,
			       .userspace = 30,
			       .polled = 60,
			       .vector = TABLE_NULL,
			       .detail = TABLE_NULL};

	(void)state;
	tally_add_exit(v, &x); /* costs 40 */
	x.ts = (INT64_C(5) << TALLY_WINDOW_BITS) + 1;
	tally_add_exit(v, &x);
	x.ts += 1000;
	x.polled = TABLE_NULL;
	tally_add_exit(v, &x); /* costs 100 */
	x.ts = INT64_C(6) << TALLY_WINDOW_BITS;
	tally_add_exit(v, &x);

	assert_int_equal(v->exits.at[0].handled, 280);
	assert_int_equal(v->exits.at[0].polled, 120);
	assert_int_equal(v->topics.n, 1);
	assert_int_equal(v->topics.at[0].n, 4);
	assert_int_equal(v->topics.at[0].cost, 280);
	assert_int_equal(v->topics.at[0].worst.number, 5);
	assert_int_equal(v->topics.at[0].worst.ns, 140);
	x.detail = 8; /* about something else */
	tally_add_exit(v, &x);
	assert_int_equal(v->exits.n, 1);
	assert_int_equal(v->topics.n, 2);
	assert_int_equal(v->topics.at[1].detail, 8);
	assert_int_equal(v->topics.at[1].cost, 100);
	tally_free(t);
}

static const struct tally_exit whole = {
	.reason = 12,
	.isa = 1,
	.name = 5,
	.dur = 100,
	.early = 2,
	.handled = 10,
	.userspace = 20,
	.preempted = 30,
	.blocked = 40,
	.vector = VECTOR,
	.polled = TABLE_NULL,
	.detail = TABLE_NULL,
};

static void exits(void **state)
{
	struct tally *t = tally_new(1);
	struct tally_vcpu *v = &t->vcpus[0];
	struct tally_exit unsplit = whole, unended, other = whole;

	(void)state;
	unsplit.name = 6;
	unsplit.handled = unsplit.userspace = unsplit.preempted = unsplit.blocked = TABLE_NULL;
	unended = unsplit;
	unended.dur = TABLE_NULL;
	other.isa = 2;
	other.vector = VECTOR + (1 << 8); /* of a forged file */
	tally_add_exit(v, &whole);
	tally_add_exit(v, &unsplit);
	tally_add_exit(v, &unended);
	tally_add_exit(v, &other);
	other.vector = TABLE_NULL;
	tally_add_exit(v, &other);

	assert_int_equal(v->n_unsplit, 1);
	assert_int_equal(v->exits.n, 2);
	const struct tally_exits *e = &v->exits.at[0];

	assert_int_equal(e->reason, 12);
	assert_int_equal(e->isa, 1);
	assert_int_equal(e->name, 5);
	assert_int_equal(e->n, 3);
	assert_int_equal(e->whole.n, 2);
	assert_int_equal(e->whole.sum, 200);
	assert_int_equal(e->n_split, 1);
	assert_int_equal(e->early, 6);
	assert_int_equal(e->handled, 10);
	assert_int_equal(e->userspace, 20);
	assert_int_equal(e->preempted, 30);
	assert_int_equal(e->blocked, 40);
	assert_int_equal(v->exits.at[1].isa, 2);
	assert_int_equal(v->exits.at[1].n, 2);
	assert_int_equal(v->waits.n, 2);
	assert_int_equal(v->waits.at[0].vector, VECTOR);
	assert_int_equal(v->waits.at[0].times.n, 2);
	assert_int_equal(v->waits.at[0].times.sum, 80);
	assert_true(v->waits.at[1].vector == TABLE_NULL);
	assert_int_equal(v->waits.at[1].times.sum, 40);
	tally_free(t);
}

static void wakeups(void **state)
{
	static const int64_t slow[STAGE_WHOLE] = {10, 30, 60, 100};
	static const int64_t quick[STAGE_WHOLE] = {TABLE_NULL, TABLE_NULL, TABLE_NULL, 7};
	static const int64_t unseen[STAGE_WHOLE] = {10, 30, 60, TABLE_NULL};
	static const int64_t sums[STAGE_N] = {10, 20, 30, 40 + 7, 100 + 7};
	static const uint64_t counts[STAGE_N] = {1, 1, 1, 2, 2};
	struct tally *t = tally_new(1);
	struct tally_vcpu *v = &t->vcpus[0];

	(void)state;
	tally_add_wakeup(v, slow);
	tally_add_wakeup(v, quick);
	tally_add_wakeup(v, unseen);
	for (int s = 0; s < STAGE_N; s++) {
		assert_int_equal(v->stages[s].sum, sums[s]);
		assert_int_equal(v->stages[s].n, counts[s]);
	}
	tally_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states), cmocka_unit_test(stretches), cmocka_unit_test(exits),
		cmocka_unit_test(costs),  cmocka_unit_test(wakeups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
