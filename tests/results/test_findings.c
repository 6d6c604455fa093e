/*
 * Findings of results files that are few rows made by hand, so that what each cause cost is known.
 *
 * There is a host (machine 0) with two VMs: g1 (machine 1, process 500, vCPUs 0 and 1 on threads 1
 * and 2) and g2 (machine 2, process 600, vCPU 2 on thread 3).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "results/findings.h"
#include "store/writer.h"

enum { MS = 1000000 };

enum thread {
	IDLE,
	G1_VCPU0,
	G1_VCPU1,
	G2_VCPU0,
	QEMU,
	VHOST,
	STRESS,
	STRESS2,
	KWORKER,
	KSOFTIRQD
};

static const struct {
	const char *comm;
	int64_t tid, pid, ppid, vcpu;
} threads[] = {
	[IDLE] = {"swapper/0", 0, 0, 0, TABLE_NULL},
	[G1_VCPU0] = {"CPU 0/KVM", 510, 500, 1, 0},
	[G1_VCPU1] = {"CPU 1/KVM", 511, 500, 1, 1},
	[G2_VCPU0] = {"CPU 0/KVM", 610, 600, 1, 2},
	[QEMU] = {"worker", 520, 500, 1, TABLE_NULL},
	[VHOST] = {"vhost-500", 530, 530, 2, TABLE_NULL},
	[STRESS] = {"stress", 700, 700, 1, TABLE_NULL},
	[STRESS2] = {"stress", 800, 800, 1, TABLE_NULL},
	[KWORKER] = {"kworker/0:1", 40, 40, 2, TABLE_NULL},
	[KSOFTIRQD] = {"ksoftirqd/0", 41, 41, 2, TABLE_NULL},
};

/* ---- a file ---------------------------------------------------------------------------------- */

struct fixture {
	struct store_writer *w;
	int64_t at[3]; /* end of each vCPU's lane */
	struct store *store;
	struct results r;
	struct findings f;
};

static void empty_row(int64_t *row, enum table_id table)
{
	for (int i = 0; i < table_get(table)->n_columns; i++)
		row[i] = TABLE_NULL;
}

static void add_machine(struct store_writer *w, int64_t id, const char *name, int64_t parent,
			int64_t pid)
{
	int64_t row[TABLE_MAX_COLUMNS];

	empty_row(row, TABLE_MACHINE);
	row[COL_MACHINE_ID] = id;
	row[COL_MACHINE_NAME] = store_writer_string(w, name);
	row[COL_MACHINE_ROLE] = store_writer_string(w, id ? "guest" : "host");
	row[COL_MACHINE_PARENT_ID] = parent;
	row[COL_MACHINE_PID] = pid;
	store_writer_add(w, TABLE_MACHINE, row);
}

static void add_vcpu(struct store_writer *w, int64_t id, int64_t machine, int64_t index)
{
	int64_t row[TABLE_MAX_COLUMNS];

	empty_row(row, TABLE_VCPU);
	row[COL_VCPU_ID] = id;
	row[COL_VCPU_MACHINE_ID] = machine;
	row[COL_VCPU_VCPU_INDEX] = index;
	row[COL_VCPU_HOST_ID] = 0;
	store_writer_add(w, TABLE_VCPU, row);
}

static void add_threads(struct store_writer *w)
{
	for (size_t i = 0; i < sizeof(threads) / sizeof(*threads); i++) {
		int64_t row[TABLE_MAX_COLUMNS];

		empty_row(row, TABLE_THREAD);
		row[COL_THREAD_ID] = (int64_t)i;
		row[COL_THREAD_MACHINE_ID] = 0;
		row[COL_THREAD_TID] = threads[i].tid;
		row[COL_THREAD_PID] = threads[i].pid;
		row[COL_THREAD_PPID] = threads[i].ppid;
		row[COL_THREAD_COMM] = store_writer_string(w, threads[i].comm);
		row[COL_THREAD_VCPU_ID] = threads[i].vcpu;
		store_writer_add(w, TABLE_THREAD, row);
	}
}

static struct fixture *begin(void)
{
	struct fixture *x = mem_zalloc(1, sizeof(*x));
	struct error err = {0};

	assert_int_equal(store_writer_new(&x->w, NULL, &err), 0);
	add_machine(x->w, 0, "host", TABLE_NULL, TABLE_NULL);
	add_machine(x->w, 1, "g1", 0, 500);
	add_machine(x->w, 2, "g2", 0, 600);
	add_vcpu(x->w, 0, 1, 0);
	add_vcpu(x->w, 1, 1, 1);
	add_vcpu(x->w, 2, 2, 0);
	add_threads(x->w);
	return x;
}

/* What a vCPU does next, and what its CPU does meanwhile. */
static void lane(struct fixture *x, int vcpu, enum vcpu_state state, int64_t ms, int64_t thread,
		 enum busy busy, const char *handler, enum certainty certainty)
{
	int64_t row[TABLE_MAX_COLUMNS];

	empty_row(row, TABLE_VCPU_STATE);
	row[COL_VCPU_STATE_VCPU_ID] = vcpu;
	row[COL_VCPU_STATE_TS] = x->at[vcpu];
	row[COL_VCPU_STATE_DUR] = ms * MS;
	row[COL_VCPU_STATE_STATE] = state;
	row[COL_VCPU_STATE_OCCUPANT_THREAD_ID] = thread;
	row[COL_VCPU_STATE_OCCUPANT_KIND] = store_writer_string(x->w, busy_name(busy));
	row[COL_VCPU_STATE_OCCUPANT_HANDLER] = store_writer_string(x->w, handler);
	row[COL_VCPU_STATE_CERTAINTY] = store_writer_string(x->w, certainty_name(certainty));
	store_writer_add(x->w, TABLE_VCPU_STATE, row);
	x->at[vcpu] += ms * MS;
}

static void run(struct fixture *x, int vcpu, enum vcpu_state state, int64_t ms)
{
	lane(x, vcpu, state, ms, TABLE_NULL, BUSY_UNKNOWN, NULL, CERTAINTY_NONE);
}

static void taken(struct fixture *x, int vcpu, int64_t ms, enum thread by)
{
	lane(x, vcpu, VCPU_PREEMPTED, ms, by, BUSY_THREAD, NULL, CERTAINTY_NONE);
}

static void throttled(struct fixture *x, int vcpu, int64_t ms, enum certainty certainty)
{
	lane(x, vcpu, VCPU_THROTTLED, ms, TABLE_NULL, BUSY_UNKNOWN, NULL, certainty);
}

/* detail: what it was about, or NULL */
static void exit_about(struct fixture *x, int vcpu, int64_t at_ms, const char *name,
		       const char *detail, int64_t handled, int64_t userspace, int64_t polled)
{
	int64_t row[TABLE_MAX_COLUMNS];

	empty_row(row, TABLE_VM_EXIT);
	row[COL_VM_EXIT_VCPU_ID] = vcpu;
	row[COL_VM_EXIT_TS] = at_ms * MS;
	row[COL_VM_EXIT_DUR] = handled + userspace;
	row[COL_VM_EXIT_EARLY_NS] = 0;
	row[COL_VM_EXIT_REASON] = (int64_t)strlen(name);
	row[COL_VM_EXIT_ISA] = 1;
	row[COL_VM_EXIT_NAME] = store_writer_string(x->w, name);
	row[COL_VM_EXIT_HANDLED_NS] = handled;
	row[COL_VM_EXIT_USERSPACE_NS] = userspace;
	row[COL_VM_EXIT_PREEMPTED_NS] = row[COL_VM_EXIT_BLOCKED_NS] = 0;
	row[COL_VM_EXIT_POLLED_NS] = polled;
	row[COL_VM_EXIT_THROTTLED_NS] = 0;
	row[COL_VM_EXIT_DETAIL] = store_writer_string(x->w, detail);
	store_writer_add(x->w, TABLE_VM_EXIT, row);
}

static void exit_of(struct fixture *x, int vcpu, int64_t at_ms, const char *name, int64_t handled,
		    int64_t userspace, int64_t polled)
{
	exit_about(x, vcpu, at_ms, name, NULL, handled, userspace, polled);
}

static void missing(struct fixture *x, const char *what)
{
	int64_t row[TABLE_MAX_COLUMNS];

	empty_row(row, TABLE_DIAG);
	row[COL_DIAG_NAME] = store_writer_string(x->w, "details-not-recorded");
	row[COL_DIAG_SEVERITY] = store_writer_string(x->w, "info");
	row[COL_DIAG_MACHINE_ID] = 0;
	row[COL_DIAG_COUNT] = 2;
	row[COL_DIAG_DETAIL] = store_writer_string(x->w, what);
	store_writer_add(x->w, TABLE_DIAG, row);
}

/* Each VM's findings add up to no more than what they are of. */
static void check_conservation(const struct fixture *x)
{
	for (int vm = 0; vm < (int)x->r.machines.n; vm++) {
		const struct split *s = &x->f.splits[vm];
		int64_t costs[CAUSE_KIND_NOTE + 1] = {0}, ready = 0;

		vec_each (f, &x->f.at) {
			if (f->vm == vm)
				costs[cause_info(f->cause)->kind] += f->cost;
		}
		for (int i = 0; i < READY_N; i++)
			ready += s->of_ready[i];
		assert_int_equal(ready, s->ready);
		assert_int_equal(s->run + s->ready + s->exit + s->poll + s->idle + s->blocked +
					 s->unknown,
				 s->whole);
		assert_true(costs[CAUSE_KIND_LOST] <= s->ready);
		assert_true(costs[CAUSE_KIND_EXIT] <= s->exit);
		assert_true(costs[CAUSE_KIND_BLOCKED] <= s->blocked);
		assert_true(costs[CAUSE_KIND_HOST] <= s->poll);
	}
}

static void find(struct fixture *x, const struct results_range *range,
		 const struct findings_wanted *wanted)
{
	struct error err = {0};

	assert_int_equal(store_writer_finish(x->w, &err), 0);
	assert_int_equal(store_writer_open(x->w, &x->store, &err), 0);
	store_writer_free(x->w);
	assert_int_equal(results_init(&x->r, x->store, range, &err), 0);
	assert_int_equal(summary_scan(&x->r, FINDINGS_PARTS, 1, NULL, &err), 0);
	assert_int_equal(findings_init(&x->f, &x->r, wanted, &err), 0);
	check_conservation(x);
}

static void find_all(struct fixture *x)
{
	find(x, &(struct results_range){0}, &FINDINGS_OF_ALL);
}

static void end(struct fixture *x)
{
	findings_deinit(&x->f);
	results_deinit(&x->r);
	store_free(x->store);
	free(x);
}

/* Return: the finding of this place, which is of that cause and cost so many ms. */
static const struct finding *expect(const struct fixture *x, size_t place, enum cause cause,
				    const char *vm, int64_t ms)
{
	assert_true(place < x->f.at.n);
	const struct finding *f = &x->f.at.at[place];

	assert_string_equal(cause_info(f->cause)->name, cause_info(cause)->name);
	assert_string_equal(x->r.machines.at[f->vm].name, vm);
	assert_int_equal(f->cost, ms * MS);
	assert_non_null(f->what);
	assert_non_null(f->evidence);
	assert_non_null(f->look);
	return f;
}

/* ---- who took the CPU ------------------------------------------------------------------------ */

static void neighbour(void **state)
{
	struct fixture *x = begin();

	(void)state;
	run(x, 0, VCPU_GUEST, 50);
	taken(x, 0, 30, G2_VCPU0);
	run(x, 0, VCPU_HYPERVISOR, 1);
	taken(x, 0, 10, G2_VCPU0);
	run(x, 0, VCPU_GUEST, 9);
	run(x, 2, VCPU_GUEST, 100);
	find_all(x);

	const struct finding *f = expect(x, 0, CAUSE_NEIGHBOUR, "g1", 40);

	assert_int_equal(x->f.at.n, 1);
	assert_int_equal(f->whole, 100 * MS);
	assert_string_equal(f->culprit, "g2");
	assert_int_equal(f->culprit_ns, 40 * MS);
	assert_int_equal(f->times, 2);
	assert_int_equal(f->worst.vcpu, 0);
	assert_int_equal(f->worst.at, 50 * MS);
	assert_int_equal(f->worst.ns, 30 * MS);
	assert_string_equal(f->what,
			    "g1 lost 40.0 ms, 40.0 % of the 100 ms that it wanted to run, to "
			    "other VMs that had its CPU: g2.");
	assert_string_equal(f->where, "Worst: vCPU 0 at +0.050000 s, 30.0 ms at a stretch.");
	assert_string_equal(f->look, "vmscope report --begin +0.050000 --end +0.080001 FILE steal");
	assert_null(x->f.verdict);
	end(x);
}

/* Each cause by itself, and who it was; parts of one stretch are of whom they are. */
static void others(void **state)
{
	struct fixture *x = begin();

	(void)state;
	run(x, 0, VCPU_GUEST, 100);
	taken(x, 0, 90, G1_VCPU1);
	taken(x, 0, 80, QEMU);
	taken(x, 0, 2, VHOST);
	taken(x, 0, 40, STRESS);
	taken(x, 0, 30, STRESS2);
	taken(x, 0, 60, KWORKER);
	taken(x, 0, 4, KSOFTIRQD);
	lane(x, 0, VCPU_PREEMPTED, 50, STRESS, BUSY_TIMER, "apic_timer_fn", CERTAINTY_NONE);
	lane(x, 0, VCPU_WAITING, 3, IDLE, BUSY_SOFTIRQ, "NET_RX", CERTAINTY_NONE);
	lane(x, 0, VCPU_WAITING, 41, IDLE, BUSY_IDLE, NULL, CERTAINTY_NONE);
	run(x, 0, VCPU_GUEST, 100);
	find_all(x);

	assert_int_equal(x->f.at.n, 6);
	assert_string_equal(expect(x, 0, CAUSE_SIBLINGS, "g1", 90)->culprit, "g1");
	assert_string_equal(expect(x, 1, CAUSE_EMULATOR, "g1", 82)->culprit, "worker");
	const struct finding *process = expect(x, 2, CAUSE_PROCESS, "g1", 70);

	assert_string_equal(process->culprit, "stress");
	assert_true(process->culprit_pid == TABLE_NULL); /* of two */
	assert_non_null(strstr(process->what, "stress (2 processes)"));
	assert_string_equal(expect(x, 3, CAUSE_KERNEL, "g1", 64)->culprit, "kworker");
	assert_string_equal(expect(x, 4, CAUSE_INTERRUPTS, "g1", 53)->culprit,
			    "timer apic_timer_fn");
	assert_null(expect(x, 5, CAUSE_LATENCY, "g1", 41)->culprit);
	end(x);
}

/* Two VMs share a CPU, one of them has a quota: its neighbour is blamed for what it took alone. */
static void quota(void **state)
{
	struct fixture *x = begin();

	(void)state;
	for (int i = 0; i < 5; i++) {
		run(x, 0, VCPU_GUEST, 30);
		throttled(x, 0, 60, i ? CERTAINTY_PROVED : CERTAINTY_LIKELY);
		taken(x, 0, 10, G2_VCPU0);
		run(x, 2, VCPU_GUEST, 70);
		taken(x, 2, 30, G1_VCPU0);
	}
	find_all(x);

	const struct finding *f = expect(x, 0, CAUSE_QUOTA, "g1", 300);

	assert_int_equal(x->f.at.n, 3);
	assert_null(f->culprit);
	assert_non_null(strstr(f->evidence, "240 ms of it proved, 60.0 ms likely"));
	assert_non_null(f->against);
	expect(x, 1, CAUSE_NEIGHBOUR, "g2", 150);
	expect(x, 2, CAUSE_NEIGHBOUR, "g1", 50);
	end(x);
}

/* Where a quota may be the cause as well nobody is blamed; nor for a CPU that was idle. */
static void unclear(void **state)
{
	struct fixture *x = begin();

	(void)state;
	run(x, 0, VCPU_GUEST, 50);
	lane(x, 0, VCPU_PREEMPTED, 40, G2_VCPU0, BUSY_THREAD, NULL, CERTAINTY_OPEN);
	lane(x, 0, VCPU_PREEMPTED, 10, IDLE, BUSY_IDLE, NULL, CERTAINTY_NONE);
	lane(x, 0, VCPU_PREEMPTED, 5, TABLE_NULL, BUSY_UNKNOWN, NULL, CERTAINTY_NONE);
	run(x, 2, VCPU_GUEST, 50);
	find_all(x);
	assert_int_equal(x->f.at.n, 1);
	assert_null(expect(x, 0, CAUSE_UNCLEAR, "g1", 55)->culprit);
	assert_int_equal(x->f.splits[1].of_ready[READY_UNCLEAR], 55 * MS);
	end(x);
}

/* ---- exits ----------------------------------------------------------------------------------- */

static void storms(void **state)
{
	struct fixture *x = begin();

	(void)state;
	run(x, 0, VCPU_GUEST, 60);
	run(x, 0, VCPU_HYPERVISOR, 30);
	run(x, 0, VCPU_USERSPACE, 10);
	for (int i = 0; i < 10; i++)
		exit_of(x, 0, i, "EPT_VIOLATION", 2 * MS, 0, 0);
	for (int i = 0; i < 4; i++)
		exit_of(x, 0, 10 + i, "IO_INSTRUCTION", 0, 5 * MS / 2, 0);
	exit_of(x, 0, 20, "HLT", 50 * MS, 0, 42 * MS);
	exit_of(x, 0, 30, "CPUID", 2 * MS, 0, 0); /* 2 % */
	find_all(x);

	assert_int_equal(x->f.at.n, 3);
	const struct finding *f = expect(x, 0, CAUSE_MEMORY, "g1", 20);

	assert_int_equal(f->times, 10);
	assert_string_equal(f->culprit, "EPT_VIOLATION");
	assert_int_equal(f->worst.ns, 20 * MS); /* all within 134 ms */
	expect(x, 1, CAUSE_DEVICE, "g1", 10);
	expect(x, 2, CAUSE_HALT, "g1", 8);
	end(x);
}

/* What it was about says more than its name. */
static void details(void **state)
{
	struct fixture *x = begin();

	(void)state;
	run(x, 0, VCPU_GUEST, 100);
	run(x, 0, VCPU_HYPERVISOR, 100);
	exit_about(x, 0, 0, "MSR_WRITE", "msr-write TSC_DEADLINE", 40 * MS, 0, 0);
	exit_about(x, 0, 1, "MSR_WRITE", "msr-write X2APIC_ICR", 18 * MS, 0, 0);
	exit_about(x, 0, 2, "MSR_WRITE", NULL, 15 * MS, 0, 0);
	exit_about(x, 0, 3, "EPT_VIOLATION", "mmio-write 0xfebf3014", 12 * MS, 0, 0);
	exit_about(x, 0, 4, "EPT_VIOLATION", "page-fault", 11 * MS, 0, 0);
	find_all(x);

	assert_int_equal(x->f.at.n, 5);
	assert_string_equal(expect(x, 0, CAUSE_TIMER, "g1", 40)->culprit,
			    "MSR_WRITE, msr-write TSC_DEADLINE");
	expect(x, 1, CAUSE_IPI, "g1", 18);
	expect(x, 2, CAUSE_MSR, "g1", 15);
	expect(x, 3, CAUSE_DEVICE, "g1", 12);
	expect(x, 4, CAUSE_MEMORY, "g1", 11);
	end(x);
}

/* An exit that begins in a range counts no more than its part of it. */
static void exit_at_the_end(void **state)
{
	struct fixture *x = begin();

	(void)state;
	run(x, 0, VCPU_GUEST, 50);
	run(x, 0, VCPU_HYPERVISOR, 40);
	run(x, 0, VCPU_GUEST, 10);
	exit_of(x, 0, 50, "CPUID", 40 * MS, 0, 0);
	find(x, &(struct results_range){.given = true, .from = 20 * MS, .to = 60 * MS},
	     &FINDINGS_OF_ALL);
	const struct finding *f = expect(x, 0, CAUSE_EXITS, "g1", 10);

	assert_int_equal(f->whole, 40 * MS);
	assert_int_equal(f->worst.at, 20 * MS);
	end(x);
}

static void spin(struct fixture *x, int64_t from_ms)
{
	for (int i = 0; i < 20; i++)
		exit_of(x, 0, from_ms + i, "PAUSE_INSTRUCTION", MS, 0, 0);
}

/* vCPU 0 spins while vCPU 1 has no CPU, or has one. */
static void lock_holder(void **state)
{
	struct fixture *with = begin(), *without = begin();

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct fixture *x = i ? without : with;

		run(x, 0, VCPU_GUEST, 80);
		run(x, 0, VCPU_HYPERVISOR, 20);
		run(x, 1, VCPU_GUEST, 50);
		taken(x, 1, 25, G2_VCPU0);
		run(x, 1, VCPU_GUEST, 25);
		spin(x, i ? 5 : 52);
		find_all(x);
		assert_int_equal(x->f.at.n, 2);
		expect(x, 0, CAUSE_NEIGHBOUR, "g1", 25);
	}
	assert_non_null(strstr(expect(with, 1, CAUSE_LOCK_HOLDER, "g1", 20)->evidence, "in 20 of"));
	expect(without, 1, CAUSE_PAUSE, "g1", 20);
	end(with);
	end(without);
}

/* ---- no CPU wanted --------------------------------------------------------------------------- */

/* Polling is the host's: it is no part of what the VM wanted, and no loss. */
static void polling(void **state)
{
	struct fixture *x = begin();

	(void)state;
	for (int i = 0; i < 10; i++) {
		run(x, 0, VCPU_GUEST, 1);
		run(x, 0, VCPU_POLLING, 12);
		exit_of(x, 0, 13 * i + 1, "HLT", 12 * MS, 0, 12 * MS);
	}
	find_all(x);
	const struct finding *f = expect(x, 0, CAUSE_POLLING, "g1", 120);

	assert_int_equal(x->f.at.n, 1);
	assert_int_equal(f->whole, 130 * MS);
	assert_int_equal(split_wanted(&x->f.splits[1]), 10 * MS);
	end(x);
}

static void stopped(void **state)
{
	struct fixture *x = begin();

	(void)state;
	run(x, 0, VCPU_GUEST, 50);
	run(x, 0, VCPU_BLOCKED, 100);
	run(x, 0, VCPU_GUEST, 50);
	run(x, 1, VCPU_GUEST, 52);
	run(x, 1, VCPU_BLOCKED, 98);
	run(x, 1, VCPU_GUEST, 50);
	find_all(x);
	const struct finding *f = expect(x, 0, CAUSE_STOPPED, "g1", 2 * 98);

	assert_int_equal(x->f.at.n, 1);
	assert_int_equal(f->worst.at, 52 * MS);
	assert_int_equal(f->worst.ns, 98 * MS);
	end(x);
}

static void blocked(void **state)
{
	struct fixture *x = begin();

	(void)state;
	run(x, 0, VCPU_GUEST, 50);
	run(x, 0, VCPU_BLOCKED, 100);
	run(x, 1, VCPU_GUEST, 150);
	find_all(x);
	assert_int_equal(x->f.at.n, 1);
	expect(x, 0, CAUSE_BLOCKED, "g1", 100);
	end(x);
}

/* ---- nothing, and what is asked -------------------------------------------------------------- */

static void healthy(void **state)
{
	struct fixture *x = begin();

	(void)state;
	for (int i = 0; i < 20; i++) {
		run(x, 0, VCPU_GUEST, 400);
		run(x, 0, VCPU_HYPERVISOR, 10);
		taken(x, 0, 1, STRESS);
		lane(x, 0, VCPU_WAITING, 1, IDLE, BUSY_IDLE, NULL, CERTAINTY_NONE);
		run(x, 0, VCPU_HALTED, 500);
		run(x, 0, VCPU_BLOCKED, 4);
		exit_of(x, 0, i, "CPUID", 10 * MS, 0, 0);
	}
	missing(x, "irq:irq_handler_entry: who it was is not known; kvm_msr: nor which register");
	find_all(x);
	assert_int_equal(x->f.at.n, 0);
	assert_string_equal(
		x->f.verdict,
		"Nothing slowed the VMs down that is worth telling: of the 8.24 s that they "
		"wanted to run they had no CPU for 0.5 %, and VM exits took 2.4 %.");
	assert_int_equal(x->f.missing.n, 2);
	assert_string_equal(x->f.missing.at[0].event, "irq:irq_handler_entry");
	assert_string_equal(x->f.missing.at[0].without, "who it was is not known");
	assert_string_equal(x->f.missing.at[1].event, "kvm_msr");
	assert_string_equal(x->f.missing.at[1].without, "nor which register");
	end(x);
}

/* What is not known is not called healthy. */
static void nothing_known(void **state)
{
	struct fixture *x = begin();

	(void)state;
	run(x, 0, VCPU_GUEST, 10);
	run(x, 0, VCPU_UNKNOWN, 90);
	find_all(x);
	assert_int_equal(x->f.at.n, 0);
	assert_string_equal(
		x->f.verdict,
		"Nothing can be told: what the vCPUs did is unknown for 90.0 % of the time.");
	end(x);
}

/* One short loss in a long run is told for its length. */
static void one_stretch(void **state)
{
	struct fixture *x = begin();

	(void)state;
	run(x, 0, VCPU_GUEST, 10000);
	taken(x, 0, 21, STRESS);
	run(x, 0, VCPU_GUEST, 10000);
	find_all(x);
	assert_int_equal(x->f.at.n, 1);
	assert_int_equal(expect(x, 0, CAUSE_PROCESS, "g1", 21)->culprit_pid, 700);
	end(x);
}

/* A VM, a vCPU, a part of the time. */
static void a_part(void **state)
{
	struct fixture *x = begin();
	const struct findings_wanted wanted = {.vm = "g1", .vcpu = 1, .file = "a.vms"};

	(void)state;
	run(x, 0, VCPU_GUEST, 50);
	taken(x, 0, 50, STRESS);
	run(x, 1, VCPU_GUEST, 50);
	taken(x, 1, 40, G2_VCPU0);
	run(x, 1, VCPU_GUEST, 10);
	run(x, 2, VCPU_GUEST, 40);
	taken(x, 2, 60, STRESS);
	find(x, &(struct results_range){.given = true, .from = 60 * MS, .to = 85 * MS}, &wanted);

	const struct finding *f = expect(x, 0, CAUSE_NEIGHBOUR, "g1", 25);

	assert_int_equal(x->f.at.n, 1);
	assert_int_equal(f->whole, 25 * MS);
	assert_int_equal(f->worst.at, 60 * MS);
	assert_string_equal(f->look,
			    "vmscope report --begin +0.060000 --end +0.085001 a.vms steal");
	end(x);
}

/* Whatever there is, it adds up. */
static void conservation(void **state)
{
	uint64_t random = 7;

	(void)state;
	for (int round = 0; round < 50; round++) {
		struct fixture *x = begin();

		for (int i = 0; i < 200; i++) {
			random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
			uint64_t r = random >> 20;

			lane(x, (int)(r % 3), (enum vcpu_state)(r / 3 % VCPU_N_STATES),
			     (int64_t)(1 + r / 64 % 40), (int64_t)(r / 4096 % 10),
			     (enum busy)(r / 65536 % BUSY_N), r & 1 ? "h" : NULL,
			     (enum certainty)(r / 524288 % CERTAINTY_N));
		}
		find_all(x);
		end(x);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbour),	   cmocka_unit_test(others),
		cmocka_unit_test(quota),	   cmocka_unit_test(unclear),
		cmocka_unit_test(storms),	   cmocka_unit_test(lock_holder),
		cmocka_unit_test(polling),	   cmocka_unit_test(details),
		cmocka_unit_test(exit_at_the_end), cmocka_unit_test(stopped),
		cmocka_unit_test(blocked),	   cmocka_unit_test(healthy),
		cmocka_unit_test(nothing_known),   cmocka_unit_test(one_stretch),
		cmocka_unit_test(a_part),	   cmocka_unit_test(conservation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
