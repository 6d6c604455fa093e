#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "sync/observe.h"

enum { RECORDS = 100000, GUEST = 100, OTHER = 200 };

/* ---- spool ----------------------------------------------------------------------------------- */

static int64_t time_of(int i)
{
	return INT64_C(1795396653061998529) + (int64_t)i * i * 7;
}

static int64_t value_of(int i)
{
	return (i & 1 ? -1 : 1) * (int64_t)i * 1234567891;
}

static void fill(struct spool_seq *q)
{
	for (int i = 0; i < RECORDS; i++) {
		uint8_t *p = spool_record(q, time_of(i));

		p = spool_put(p, (uint64_t)(time_of(i) - q->last));
		p = spool_put_signed(p, value_of(i));
		spool_recorded(q, p, time_of(i));
	}
	spool_seq_end(q);
}

/* Reads from where the cursor is. Return: the number of the first record. */
static int read_from(struct spool_cursor *c)
{
	int first = -1, i = 0;

	while (spool_cursor_more(c)) {
		c->time += (int64_t)spool_get(c);
		int64_t value = spool_get_signed(c);

		while (first < 0 && time_of(i) != c->time)
			i++;
		first = first < 0 ? i : first;
		assert_true(c->time == time_of(i) && value == value_of(i));
		i++;
	}
	assert_int_equal(i, RECORDS);
	return first;
}

static void check_spool(void)
{
	struct spool *s = spool_new();
	struct spool_seq a, b;
	struct spool_cursor c;

	spool_seq_init(&a, s);
	spool_seq_init(&b, s);
	fill(&a);
	fill(&b);
	assert_true(a.blocks.n > 10);
	spool_cursor_init(&c, &a);
	assert_int_equal(read_from(&c), 0);
	spool_cursor_deinit(&c);

	spool_cursor_init(&c, &b);
	spool_cursor_seek(&c, time_of(RECORDS / 2));
	int first = read_from(&c);

	assert_in_range(first, RECORDS / 4, RECORDS / 2);
	spool_cursor_seek(&c, INT64_MIN);
	assert_int_equal(read_from(&c), 0);
	spool_cursor_deinit(&c);
	assert_false(spool_is_broken(s));
	spool_seq_deinit(&a);
	spool_seq_deinit(&b);
	spool_free(s);
}

static void test_spool_in_a_file(void **state)
{
	(void)state;
	check_spool();
}

/* Where there can be no temporary file, all stays in memory. */
static void test_spool_without_a_file(void **state)
{
	(void)state;
	setenv("TMPDIR", "/nonexistent", 1);
	check_spool();
	unsetenv("TMPDIR");
}

static void test_empty_spool(void **state)
{
	struct spool *s = spool_new();
	struct spool_seq q;
	struct spool_cursor c;

	(void)state;
	spool_seq_init(&q, s);
	spool_seq_end(&q);
	spool_cursor_init(&c, &q);
	spool_cursor_seek(&c, 0);
	assert_false(spool_cursor_more(&c));
	spool_cursor_deinit(&c);
	spool_seq_deinit(&q);
	spool_free(s);
}

/* ---- windows --------------------------------------------------------------------------------- */

/* A host with one CPU, and the vCPU threads GUEST and OTHER of two VMs. */
struct host {
	struct observed observed;
	struct observer observer;
	struct identity id;
};

static void host_init(struct host *h)
{
	*h = (struct host){0};
	observed_init(&h->observed, 1);
	observed_add_cpu(&h->observed, &h->observed.machines[0], 3);
	h->observed.machines[0].first_ns = 0;
	h->observed.machines[0].last_ns = 1000;
	observer_begin(&h->observer, &h->observed.machines[0].cpus.at[0], false, true);
	*vec_push(&h->id.machines) = (struct ident_machine){.is_host = true, .vm = IDENT_NONE};
	for (int i = 0; i < 2; i++) {
		*vec_push(&h->id.vms) = (struct ident_vm){.host = 0, .guest = IDENT_NONE};
		*vec_push(&h->id.vcpus) = (struct ident_vcpu){.vm = i, .tid = i ? OTHER : GUEST};
		*vec_push(&h->id.runs) = (struct ident_run){
			.vcpu = i, .tid = i ? OTHER : GUEST, .from = INT64_MIN, .to = INT64_MAX};
	}
}

static void host_deinit(struct host *h)
{
	observed_deinit(&h->observed);
	vec_deinit(&h->id.machines);
	vec_deinit(&h->id.vms);
	vec_deinit(&h->id.vcpus);
	vec_deinit(&h->id.runs);
}

static void happens(struct host *h, enum event_id id, int64_t ts, int64_t tid)
{
	struct event e = {.ts = ts, .id = id, .tid = NO_VALUE, .pid = NO_VALUE};

	if (id == EV_KVM_EXIT)
		e.kvm_exit.isa = 1, e.kvm_exit.reason = 12; /* HLT */
	if (id == EV_LOST)
		e.lost.to = ts;
	if (id == EV_SCHED_SWITCH) {
		e.sched_switch.prev_tid = h->observer.tid;
		e.sched_switch.next_tid = tid;
	}
	observer_event(&h->observer, &e, tid);
}

/* Checks all windows of both vCPUs; expected: begin, end, cause. */
static void expect(struct host *h, int vcpu, const int64_t (*expected)[3], size_t n)
{
	struct sync_windows windows[2] = {0};
	struct observed_windows *r =
		observed_windows_new(&h->observed, &h->id, 0, IDENT_NONE, INT64_MIN);

	while (observed_windows_read(r, INT64_MAX, false, windows))
		;
	observed_windows_free(r);
	assert_int_equal(windows[vcpu].at.n, n);
	for (size_t i = 0; i < n; i++) {
		const struct sync_window *w = &windows[vcpu].at.at[i];

		assert_int_equal(w->begin, expected[i][0]);
		assert_int_equal(w->end, expected[i][1]);
		assert_int_equal(w->cause, expected[i][2]);
	}
	vec_deinit(&windows[0].at);
	vec_deinit(&windows[1].at);
}

static void test_windows(void **state)
{
	static const int64_t guests[][3] = {{10, 20, SYNC_CAUSE_IDLE}, {40, 45, SYNC_CAUSE_NONE}},
			     others[][3] = {{60, 70, SYNC_CAUSE_IDLE}};
	struct host h;

	(void)state;
	host_init(&h);
	happens(&h, EV_SCHED_SWITCH, 5, GUEST);
	happens(&h, EV_KVM_ENTRY, 10, GUEST);
	happens(&h, EV_OTHER, 20, GUEST); /* an interrupt: here the guest's time ends */
	happens(&h, EV_KVM_EXIT, 25, GUEST);
	happens(&h, EV_KVM_ENTRY, 40, GUEST);
	happens(&h, EV_SCHED_SWITCH, 45, OTHER); /* the exit is missing */
	happens(&h, EV_KVM_ENTRY, 60, OTHER);
	happens(&h, EV_KVM_EXIT, 70, OTHER);
	observer_end(&h.observer);
	expect(&h, 0, guests, 2);
	expect(&h, 1, others, 1);
	host_deinit(&h);
}

/* Who was there at the begin is told by the first switch; what is lost may have been anybody's. */
static void test_what_is_learnt_late(void **state)
{
	static const int64_t guests[][3] = {{10, 20, SYNC_CAUSE_IDLE},
					    {40, 80, SYNC_CAUSE_NONE},
					    {90, 95, SYNC_CAUSE_IDLE}},
			     others[][3] = {{40, 80, SYNC_CAUSE_NONE}};
	struct host h;

	(void)state;
	host_init(&h);
	happens(&h, EV_KVM_ENTRY, 10, NO_VALUE);
	happens(&h, EV_KVM_EXIT, 20, NO_VALUE);
	struct event e = {.ts = 30, .id = EV_SCHED_SWITCH, .tid = NO_VALUE};

	e.sched_switch.prev_tid = GUEST;
	e.sched_switch.next_tid = OTHER;
	observer_event(&h.observer, &e, OTHER);
	happens(&h, EV_KVM_ENTRY, 40, OTHER);
	happens(&h, EV_LOST, 50, NO_VALUE);
	happens(&h, EV_OTHER, 80, NO_VALUE);
	happens(&h, EV_KVM_ENTRY, 90, NO_VALUE);
	happens(&h, EV_KVM_EXIT, 95, NO_VALUE);
	e.ts = 99;
	e.sched_switch.next_tid = 0;
	observer_event(&h.observer, &e, 0);
	observer_end(&h.observer);
	expect(&h, 0, guests, 3);
	expect(&h, 1, others, 1);
	observed_forget_first(&h.observed.machines[0], 3);
	host_deinit(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spool_in_a_file),
		cmocka_unit_test(test_spool_without_a_file),
		cmocka_unit_test(test_empty_spool),
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_what_is_learnt_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
