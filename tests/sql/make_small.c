/*
 * make_small FILE: writes a results file so small that the answer to any question can be worked out
 * by hand. test_query.py has the same rows in words.
 */
#include <stdio.h>
#include <stdlib.h>

#include "store/writer.h"

enum { NIL = -1 }; /* no id, no number */

static int64_t text(struct store_writer *w, const char *s)
{
	return store_writer_string(w, s);
}

static int64_t number(int x)
{
	return x == NIL ? TABLE_NULL : x;
}

static void add(struct store_writer *w, enum table_id table, int64_t *row)
{
	store_writer_add(w, table, row);
}

static void add_machine(struct store_writer *w, int id, const char *name, const char *role,
			int parent)
{
	int64_t row[COL_MACHINE_N_COLUMNS];

	for (int i = 0; i < COL_MACHINE_N_COLUMNS; i++)
		row[i] = TABLE_NULL;
	row[COL_MACHINE_ID] = id;
	row[COL_MACHINE_NAME] = text(w, name);
	row[COL_MACHINE_ROLE] = text(w, role);
	row[COL_MACHINE_PARENT_ID] = number(parent);
	add(w, TABLE_MACHINE, row);
}

static void add_vcpu(struct store_writer *w, int id, int machine, int tid)
{
	int64_t row[COL_VCPU_N_COLUMNS] = {
		[COL_VCPU_ID] = id,
		[COL_VCPU_MACHINE_ID] = machine,
		[COL_VCPU_HOST_TID] = tid,
	};

	add(w, TABLE_VCPU, row);
}

static void add_thread(struct store_writer *w, int id, int machine, int pid, int tid,
		       const char *comm, int vcpu)
{
	int64_t row[COL_THREAD_N_COLUMNS] = {
		[COL_THREAD_ID] = id,
		[COL_THREAD_MACHINE_ID] = machine,
		[COL_THREAD_TID] = tid,
		[COL_THREAD_PID] = pid,
		[COL_THREAD_PPID] = TABLE_NULL,
		[COL_THREAD_COMM] = text(w, comm),
		[COL_THREAD_CONTAINER_ID] = TABLE_NULL,
		[COL_THREAD_VCPU_ID] = number(vcpu),
	};

	add(w, TABLE_THREAD, row);
}

static void add_vcpu_state(struct store_writer *w, int vcpu, int64_t ts, int64_t dur,
			   enum vcpu_state state, int occupant)
{
	int64_t row[COL_VCPU_STATE_N_COLUMNS];

	for (int i = 0; i < COL_VCPU_STATE_N_COLUMNS; i++)
		row[i] = TABLE_NULL;
	row[COL_VCPU_STATE_VCPU_ID] = vcpu;
	row[COL_VCPU_STATE_TS] = ts;
	row[COL_VCPU_STATE_DUR] = dur;
	row[COL_VCPU_STATE_STATE] = state;
	row[COL_VCPU_STATE_OCCUPANT_THREAD_ID] = number(occupant);
	add(w, TABLE_VCPU_STATE, row);
}

static void add_thread_state(struct store_writer *w, int thread, int64_t ts, int64_t dur,
			     enum thread_state state, const char *syscall)
{
	int64_t row[COL_THREAD_STATE_N_COLUMNS];

	for (int i = 0; i < COL_THREAD_STATE_N_COLUMNS; i++)
		row[i] = TABLE_NULL;
	row[COL_THREAD_STATE_THREAD_ID] = thread;
	row[COL_THREAD_STATE_TS] = ts;
	row[COL_THREAD_STATE_DUR] = dur;
	row[COL_THREAD_STATE_STATE] = state;
	row[COL_THREAD_STATE_SYSCALL] = text(w, syscall);
	add(w, TABLE_THREAD_STATE, row);
}

static void add_cpu_state(struct store_writer *w, int64_t ts, int64_t dur, enum cpu_state state)
{
	int64_t row[COL_CPU_STATE_N_COLUMNS];

	for (int i = 0; i < COL_CPU_STATE_N_COLUMNS; i++)
		row[i] = TABLE_NULL;
	row[COL_CPU_STATE_MACHINE_ID] = 0;
	row[COL_CPU_STATE_CPU] = 3;
	row[COL_CPU_STATE_TS] = ts;
	row[COL_CPU_STATE_DUR] = dur;
	row[COL_CPU_STATE_STATE] = state;
	add(w, TABLE_CPU_STATE, row);
}

static void add_exit(struct store_writer *w, int64_t ts, int dur, int reason, const char *name,
		     int userspace)
{
	int64_t row[COL_VM_EXIT_N_COLUMNS];

	for (int i = 0; i < COL_VM_EXIT_N_COLUMNS; i++)
		row[i] = TABLE_NULL;
	row[COL_VM_EXIT_VCPU_ID] = 0;
	row[COL_VM_EXIT_TS] = ts;
	row[COL_VM_EXIT_DUR] = number(dur);
	row[COL_VM_EXIT_REASON] = reason;
	row[COL_VM_EXIT_NAME] = text(w, name);
	row[COL_VM_EXIT_HANDLED_NS] = dur == NIL ? TABLE_NULL : dur - userspace;
	row[COL_VM_EXIT_USERSPACE_NS] = dur == NIL ? TABLE_NULL : userspace;
	row[COL_VM_EXIT_PREEMPTED_NS] = dur == NIL ? TABLE_NULL : 0;
	row[COL_VM_EXIT_BLOCKED_NS] = dur == NIL ? TABLE_NULL : 0;
	add(w, TABLE_VM_EXIT, row);
}

static void add_wakeup(struct store_writer *w, int64_t ts, int wake, int cpu, int entry, int run)
{
	int64_t row[COL_WAKEUP_N_COLUMNS];

	for (int i = 0; i < COL_WAKEUP_N_COLUMNS; i++)
		row[i] = TABLE_NULL;
	row[COL_WAKEUP_MACHINE_ID] = 1;
	row[COL_WAKEUP_THREAD_ID] = 3;
	row[COL_WAKEUP_TS] = ts;
	row[COL_WAKEUP_VCPU_WAKE_NS] = number(wake);
	row[COL_WAKEUP_VCPU_RUN_NS] = number(cpu);
	row[COL_WAKEUP_ENTRY_NS] = number(entry);
	row[COL_WAKEUP_RUN_NS] = number(run);
	add(w, TABLE_WAKEUP, row);
}

static void add_who(struct store_writer *w)
{
	add_machine(w, 0, "host", "host", NIL);
	add_machine(w, 1, "web", "guest", 0);
	add_machine(w, 2, "db", "guest", 0);
	add_vcpu(w, 0, 1, 101);
	add_vcpu(w, 1, 2, 201);
	add_thread(w, 0, 0, 100, 101, "CPU 0/KVM", 0);
	add_thread(w, 1, 0, 200, 201, "CPU 0/KVM", 1);
	add_thread(w, 2, 0, 50, 50, "kworker/0:1", NIL);
	add_thread(w, 3, 1, 7, 7, "a \"b\",\x1b\xff", NIL);
}

static void add_what(struct store_writer *w)
{
	add_vcpu_state(w, 0, 1000, 400, VCPU_GUEST, NIL);
	add_vcpu_state(w, 0, 1400, 100, VCPU_HYPERVISOR, NIL);
	add_vcpu_state(w, 0, 1500, 200, VCPU_PREEMPTED, 1);
	add_vcpu_state(w, 0, 1700, 50, VCPU_PREEMPTED, 2);
	add_vcpu_state(w, 0, 1750, 30, VCPU_WAITING, 1);
	add_vcpu_state(w, 0, 1780, 220, VCPU_GUEST, NIL);
	add_vcpu_state(w, 1, 1000, 100, VCPU_UNKNOWN, NIL);
	add_vcpu_state(w, 1, 1100, 900, VCPU_GUEST, NIL);
	add_thread_state(w, 3, 1000, 600, THREAD_USER, NULL);
	add_thread_state(w, 3, 1600, 280, THREAD_STOLEN, NULL);
	add_thread_state(w, 3, 1880, 120, THREAD_SYSCALL, "read");
	add_cpu_state(w, 1000, 380, CPU_IDLE);
	add_cpu_state(w, 1380, 620, CPU_VM);
	add_exit(w, 1010, 10, 12, "HLT", 0);
	add_exit(w, 1030, 30, 12, "HLT", 0);
	add_exit(w, 1070, 20, 12, "HLT", 0);
	add_exit(w, 1100, 500, 30, "IO", 400);
	add_exit(w, 1900, NIL, 12, "HLT", 0);
	add_wakeup(w, 1100, 5, 25, 40, 60);
	add_wakeup(w, 1300, NIL, NIL, NIL, 10);
	add_wakeup(w, 1900, NIL, NIL, NIL, NIL);
}

int main(int argc, char **argv)
{
	struct store_writer *w;
	struct error err = {0};

	if (argc != 2 || store_writer_new(&w, argv[1], &err))
		return 1;
	add_who(w);
	add_what(w);
	if (store_writer_finish(w, &err)) {
		fprintf(stderr, "make_small: %s\n", err.text);
		return 1;
	}
	store_writer_free(w);
	return 0;
}
