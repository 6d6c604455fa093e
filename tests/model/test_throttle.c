/* Quotas: which stretches without a CPU they explain, and which only look alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "model/model.h"

enum { PERIOD_TIMER = 0xa1, OTHER_TIMER = 0xb2, TIMER = 0x1000 };
enum { G1 = 510, G2 = 610, PROCESS = 700, N_VMS = 2 };

static const int64_t ms = 1000000;

/* One host and two VMs of one vCPU each. */
struct host {
	struct evidence evidence;
	struct identity identity;
	struct model *model;
	struct model_sink sink;
	int64_t time[N_VMS][VCPU_N_STATES], open[N_VMS];
	char busy[64]; /* handler that g1 lost most to last */
};

static void on_vcpu(void *ctx, const struct vcpu_interval *i)
{
	struct host *h = ctx;

	h->time[i->vcpu][i->state] += i->end - i->begin;
	if (i->throttled == CERTAINTY_OPEN)
		h->open[i->vcpu] += i->end - i->begin;
	if (i->vcpu == 0 && i->state != VCPU_THROTTLED && i->occupant.handler)
		snprintf(h->busy, sizeof(h->busy), "%s %s %d", busy_name(i->occupant.busy),
			 i->occupant.handler, i->occupant.irq);
}

static char *name_of(void *ctx, int machine, uint64_t address)
{
	(void)ctx;
	(void)machine;
	return mem_strdup(address == PERIOD_TIMER ? "sched_cfs_period_timer" : "hrtimer_wakeup");
}

static void begin(struct host *h, bool has_names)
{
	static struct event_set all;
	static const struct model_span lanes = {0, INT64_MAX / 2};
	const struct model_symbols symbols = {.name = name_of};

	*h = (struct host){.sink = {.ctx = h, .vcpu_interval = on_vcpu}};
	all = event_set_all();
	for (uint32_t cpu = 0; cpu < 2; cpu++)
		*vec_push(&h->evidence.cpus) =
			(struct evidence_cpu){.cpu = cpu, .first_tid = NO_VALUE};
	*vec_push(&h->identity.machines) = (struct ident_machine){
		.name = "host", .evidence = &h->evidence, .vm = IDENT_NONE, .why = mem_strdup("")};
	for (int vm = 0; vm < N_VMS; vm++) {
		*vec_push(&h->identity.vms) = (struct ident_vm){.name = mem_strdup("vm"),
								.guest = IDENT_NONE,
								.pid = 500 + vm,
								.vm_uid = NO_VALUE,
								.why = mem_strdup("")};
		*vec_push(&h->identity.vcpus) = (struct ident_vcpu){.vm = vm, .tid = vm ? G2 : G1};
		*vec_push(&h->identity.runs) = (struct ident_run){
			.vcpu = vm, .tid = vm ? G2 : G1, .from = INT64_MIN, .to = INT64_MAX};
	}
	h->model = model_new(&h->identity, &all, &lanes, has_names ? &symbols : NULL, &h->sink);
}

static void finish(struct host *h, int64_t ts)
{
	model_end_machine(h->model, 0, ts, (const int64_t[N_VMS]){INT64_MIN, INT64_MIN});
	model_finish(h->model);
	model_free(h->model);
	evidence_deinit(&h->evidence);
	identity_deinit(&h->identity);
}

static void say(struct host *h, uint32_t cpu, int64_t ts, struct event e)
{
	e.cpu = cpu;
	e.ts = ts;
	e.tid = e.pid = NO_VALUE;
	model_event(h->model, &e);
}

static void switches(struct host *h, uint32_t cpu, int64_t ts, int64_t prev, int64_t state,
		     int64_t next)
{
	say(h, cpu, ts,
	    (struct event){
		    .id = EV_SCHED_SWITCH,
		    .sched_switch = {.prev_tid = prev, .prev_state = state, .next_tid = next}});
}

static void enters(struct host *h, uint32_t cpu, int64_t ts)
{
	say(h, cpu, ts, (struct event){.id = EV_KVM_ENTRY});
}

static void exits(struct host *h, uint32_t cpu, int64_t ts)
{
	say(h, cpu, ts,
	    (struct event){.id = EV_KVM_EXIT,
			   .kvm_exit = {.reason = 1, .isa = 1, .rip = NO_VALUE}});
}

static void expires(struct host *h, uint32_t cpu, int64_t ts, int64_t timer, int64_t function)
{
	say(h, cpu, ts,
	    (struct event){.id = EV_HRTIMER_ENTRY,
			   .hrtimer_entry = {.timer = timer, .function = function}});
	say(h, cpu, ts + 1000,
	    (struct event){.id = EV_HRTIMER_EXIT, .hrtimer_exit = {.timer = timer}});
}

/* On the CPU from `from` to `to`, where it leaves runnable to `next`. */
static void runs(struct host *h, int64_t tid, int64_t from, int64_t to, int64_t prev, int64_t next)
{
	switches(h, 0, from, prev, prev == PROCESS ? 1 : 0, tid);
	enters(h, 0, from + 1000);
	exits(h, 0, to - 1000);
	switches(h, 0, to, tid, 0, next);
}

/* 30 of 100 ms, and the CPU idles: that there is no timer recorded changes nothing. */
static void idle_cpu(void **state)
{
	struct host h;

	(void)state;
	begin(&h, false);
	for (int i = 0; i < 5; i++)
		runs(&h, G1, i * 100 * ms, i * 100 * ms + 30 * ms, 0, 0);
	switches(&h, 0, 500 * ms, 0, 0, G1);
	finish(&h, 500 * ms);
	assert_int_equal(h.time[0][VCPU_THROTTLED], 350 * ms);
	assert_int_equal(h.time[0][VCPU_PREEMPTED], 0);
}

/* Another process takes what is left: only the timer tells. The wait after it is the other's. */
static void busy_cpu(void **state)
{
	struct host h;

	(void)state;
	begin(&h, true);
	for (int i = 0; i < 5; i++) {
		runs(&h, G1, i * 100 * ms + 3 * ms, i * 100 * ms + 30 * ms, PROCESS, PROCESS);
		expires(&h, 1, (i + 1) * 100 * ms, TIMER, PERIOD_TIMER);
	}
	switches(&h, 0, 503 * ms, PROCESS, 1, G1);
	finish(&h, 504 * ms);
	assert_int_equal(h.time[0][VCPU_THROTTLED], 5 * (70 * ms + 1000));
	assert_int_equal(h.time[0][VCPU_PREEMPTED], 5 * (3 * ms - 1000));
}

/* A neighbour that keeps the CPU for 70 ms, while a timer of somebody else's quota goes on. */
static void neighbour(void **state)
{
	struct host h;
	int64_t expiry = 37 * ms;

	(void)state;
	begin(&h, true);
	switches(&h, 0, 0, 0, 0, G2);
	for (int i = 0; i < 8; i++) {
		const int64_t at = i * 100 * ms;

		switches(&h, 0, at + 1 * ms, G2, 0, G1);
		enters(&h, 0, at + 2 * ms);
		exits(&h, 0, at + 30 * ms);
		switches(&h, 0, at + 31 * ms, G1, 0, G2);
		expires(&h, 1, at + expiry, TIMER, PERIOD_TIMER);
	}
	switches(&h, 0, 801 * ms, G2, 0, G1);
	finish(&h, 802 * ms);
	assert_int_equal(h.time[0][VCPU_THROTTLED], 0);
	assert_int_equal(h.time[0][VCPU_PREEMPTED], 8 * 70 * ms);
	assert_int_equal(h.time[1][VCPU_THROTTLED], 0);
}

/* g1 has a quota, g2 shares its CPU and has none: g1's timer ends g1's stretches, never g2's. */
static void two_vms(void **state)
{
	struct host h;

	(void)state;
	begin(&h, true);
	switches(&h, 0, 0, 0, 0, G2);
	for (int i = 0; i < 5; i++) {
		const int64_t at = i * 100 * ms;

		/* In turn until the quota is used up; then g2 alone. */
		for (int k = 0; k < 5; k++) {
			switches(&h, 0, at + (8 * k + 4) * ms, G2, 0, G1);
			switches(&h, 0, at + (8 * k + 8) * ms, G1, 0, G2);
		}
		expires(&h, 1, at + 100 * ms, TIMER, PERIOD_TIMER);
	}
	switches(&h, 0, 504 * ms, G2, 0, G1);
	finish(&h, 505 * ms);
	assert_int_equal(h.time[0][VCPU_THROTTLED], 5 * (60 * ms + 1000));
	assert_int_equal(h.time[1][VCPU_THROTTLED], 0);
	assert_int_equal(h.open[1], 0);
}

/* A wake-up ends a halt, whatever timer expires meanwhile; and a move ends all doubt. */
static void woken(void **state)
{
	struct host h;

	(void)state;
	begin(&h, true);
	switches(&h, 0, 0, 0, 0, G1);
	enters(&h, 0, 1 * ms);
	exits(&h, 0, 2 * ms);
	switches(&h, 0, 3 * ms, G1, 1, 0);
	expires(&h, 1, 50 * ms, TIMER, PERIOD_TIMER);
	say(&h, 0, 51 * ms,
	    (struct event){.id = EV_SCHED_WAKEUP, .sched_wakeup = {.tid = G1, .target_cpu = 0}});
	switches(&h, 0, 52 * ms, 0, 0, G1);
	switches(&h, 0, 53 * ms, G1, 0, PROCESS);
	say(&h, 0, 60 * ms,
	    (struct event){.id = EV_SCHED_MIGRATE_TASK,
			   .sched_migrate_task = {.tid = G1, .dest_cpu = 1}});
	switches(&h, 1, 61 * ms, 0, 0, G1);
	finish(&h, 62 * ms);
	assert_int_equal(h.time[0][VCPU_THROTTLED], 0);
	assert_int_equal(h.time[0][VCPU_WAITING], 1 * ms);
	assert_int_equal(h.time[0][VCPU_PREEMPTED], 8 * ms);
}

/* The recording ends while it is throttled: nobody sees it come back, but its CPU idled. */
static void not_over(void **state)
{
	struct host h;

	(void)state;
	begin(&h, false);
	runs(&h, G1, 0, 30 * ms, 0, 0);
	switches(&h, 1, 100 * ms, 0, 0, PROCESS);
	finish(&h, 100 * ms);
	assert_int_equal(h.time[0][VCPU_THROTTLED], 70 * ms);
	assert_int_equal(h.time[0][VCPU_PREEMPTED], 0);
}

/* Woken, and its CPU idles for long: that is a slow host, if no quota is known. */
static void woken_in_vain(void **state)
{
	struct host h;
	const int64_t waits[] = {15 * ms, 60 * ms};

	(void)state;
	begin(&h, false);
	for (int i = 0; i < 2; i++) {
		const int64_t at = i * 100 * ms;

		switches(&h, 0, at, 0, 0, G1);
		enters(&h, 0, at + 1 * ms);
		exits(&h, 0, at + 2 * ms);
		switches(&h, 0, at + 3 * ms, G1, 1, 0);
		say(&h, 0, at + 20 * ms,
		    (struct event){.id = EV_SCHED_WAKEUP,
				   .sched_wakeup = {.tid = G1, .target_cpu = 0}});
		switches(&h, 0, at + 20 * ms + waits[i], 0, 0, G1);
		switches(&h, 0, at + 90 * ms, G1, 1, 0);
	}
	finish(&h, 200 * ms);
	assert_int_equal(h.time[0][VCPU_WAITING], 75 * ms);
	assert_int_equal(h.time[0][VCPU_THROTTLED], 0);
}

/* What an interrupt's handler takes of a CPU is not the thread's that it interrupts. */
static void interrupts(void **state)
{
	static const char name[] = "virtio0-input.0";
	struct host h;

	(void)state;
	begin(&h, true);
	switches(&h, 0, 0, PROCESS, 1, G1);
	switches(&h, 0, 1 * ms, G1, 0, PROCESS);
	say(&h, 0, 2 * ms,
	    (struct event){.id = EV_IRQ_ENTRY,
			   .irq_entry = {.irq = 24,
					 .vector = NO_VALUE,
					 .handler = {.at = name, .n = sizeof(name)}}});
	say(&h, 0, 5 * ms, (struct event){.id = EV_IRQ_EXIT});
	assert_string_equal(h.busy, "");
	switches(&h, 0, 6 * ms, PROCESS, 1, G1);
	assert_string_equal(h.busy, "irq virtio0-input.0 24");
	switches(&h, 0, 7 * ms, G1, 0, PROCESS);
	say(&h, 0, 8 * ms,
	    (struct event){.id = EV_IRQ_ENTRY,
			   .irq_entry = {.irq = NO_VALUE,
					 .vector = 236,
					 .of_vector = "local_timer_entry"}});
	expires(&h, 0, 8 * ms + 1, TIMER, OTHER_TIMER);
	say(&h, 0, 9 * ms, (struct event){.id = EV_IRQ_EXIT});
	switches(&h, 0, 10 * ms, PROCESS, 1, G1);
	assert_string_equal(h.busy, "irq local_timer 236");
	finish(&h, 11 * ms);
	assert_int_equal(h.time[0][VCPU_PREEMPTED], 8 * ms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle_cpu),  cmocka_unit_test(busy_cpu),
		cmocka_unit_test(neighbour), cmocka_unit_test(two_vms),
		cmocka_unit_test(woken),     cmocka_unit_test(interrupts),
		cmocka_unit_test(not_over),  cmocka_unit_test(woken_in_vain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
