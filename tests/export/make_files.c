/*
 * make_files DIRECTORY: results files that no recording here gives.
 *
 *	hostile.vms	names that are markup, no UTF-8, very long, or would end a quotation
 *	empty.vms	no machine, no time
 *	far.vms		a lane that lasts longer than any recording can
 *	twice.vms	two threads with the same id
 *	wide.vms	more vCPUs and CPUs than fit in a picture, each as unsteady as can be
 *	busy.vms	a vCPU that loses its CPU more than a million times
 *	unknown.vms	a row or two in every table, of which nothing is known but what they are and
 *when
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "store/writer.h"

static const int64_t begin = INT64_C(1700000000000000123);

static void fill(int64_t *row, enum table_id table)
{
	for (int i = 0; i < table_get(table)->n_columns; i++)
		row[i] = TABLE_NULL;
}

static void add_machine(struct store_writer *w, int64_t id, const char *name, int64_t parent)
{
	int64_t row[TABLE_MAX_COLUMNS];

	fill(row, TABLE_MACHINE);
	row[COL_MACHINE_ID] = id;
	row[COL_MACHINE_NAME] = store_writer_string(w, name);
	row[COL_MACHINE_ROLE] = store_writer_string(w, "<b>role");
	row[COL_MACHINE_PARENT_ID] = parent;
	row[COL_MACHINE_EVIDENCE] = store_writer_string(w, "</table><script>evidence</script>");
	store_writer_add(w, TABLE_MACHINE, row);
}

static void add_thread(struct store_writer *w, int64_t id, int64_t machine, const char *comm,
		       int64_t vcpu)
{
	int64_t row[TABLE_MAX_COLUMNS];

	fill(row, TABLE_THREAD);
	row[COL_THREAD_ID] = id;
	row[COL_THREAD_MACHINE_ID] = machine;
	row[COL_THREAD_TID] = row[COL_THREAD_PID] = 100 + id;
	row[COL_THREAD_COMM] = store_writer_string(w, comm);
	row[COL_THREAD_VCPU_ID] = vcpu;
	store_writer_add(w, TABLE_THREAD, row);
}

static void add_state(struct store_writer *w, enum table_id table, int64_t key, int64_t ts,
		      int64_t dur, int64_t state)
{
	const struct table *t = table_get(table);
	int64_t row[TABLE_MAX_COLUMNS];

	fill(row, table);
	row[0] = key;
	row[1] = 0;
	row[t->ts] = ts;
	row[t->dur] = dur;
	row[t->state] = state;
	if (table == TABLE_VCPU_STATE && state == VCPU_PREEMPTED)
		row[COL_VCPU_STATE_OCCUPANT_THREAD_ID] = 1;
	if (table == TABLE_VCPU_STATE && state == VCPU_HYPERVISOR)
		row[COL_VCPU_STATE_EXIT_NAME] = store_writer_string(w, "<exit onload='x'>");
	if (table == TABLE_THREAD_STATE && state == THREAD_SYSCALL)
		row[COL_THREAD_STATE_SYSCALL] = store_writer_string(w, "sys\"call&amp;\n");
	store_writer_add(w, table, row);
}

static void add_exit(struct store_writer *w, int64_t ts, int64_t dur)
{
	int64_t row[TABLE_MAX_COLUMNS];

	fill(row, TABLE_VM_EXIT);
	row[COL_VM_EXIT_VCPU_ID] = 0;
	row[COL_VM_EXIT_TS] = ts;
	row[COL_VM_EXIT_DUR] = row[COL_VM_EXIT_HANDLED_NS] = dur;
	row[COL_VM_EXIT_USERSPACE_NS] = row[COL_VM_EXIT_PREEMPTED_NS] = 0;
	row[COL_VM_EXIT_BLOCKED_NS] = 0;
	row[COL_VM_EXIT_NAME] = store_writer_string(w, "<exit onload='x'>");
	store_writer_add(w, TABLE_VM_EXIT, row);
}

static void add_wakeup(struct store_writer *w, int64_t ts, int64_t run)
{
	int64_t row[TABLE_MAX_COLUMNS];

	fill(row, TABLE_WAKEUP);
	row[COL_WAKEUP_MACHINE_ID] = 1;
	row[COL_WAKEUP_THREAD_ID] = 2;
	row[COL_WAKEUP_TS] = ts;
	row[COL_WAKEUP_WAKER_THREAD_ID] = 2;
	row[COL_WAKEUP_RUN_NS] = run;
	store_writer_add(w, TABLE_WAKEUP, row);
}

static void add_diag(struct store_writer *w)
{
	int64_t row[TABLE_MAX_COLUMNS];

	fill(row, TABLE_DIAG);
	row[COL_DIAG_NAME] = store_writer_string(w, "<i>name");
	row[COL_DIAG_SEVERITY] = store_writer_string(w, "damage");
	row[COL_DIAG_COUNT] = 3;
	row[COL_DIAG_HELP] = store_writer_string(w, "<img src=//example.com/x.png>");
	row[COL_DIAG_DETAIL] = store_writer_string(w, "%s%n\x01");
	store_writer_add(w, TABLE_DIAG, row);
}

static void make_hostile(struct store_writer *w)
{
	int64_t vcpu[TABLE_MAX_COLUMNS];
	char *name = mem_alloc(100001);

	memset(name, '<', 100000);
	name[100000] = '\0';
	fill(vcpu, TABLE_VCPU);
	vcpu[COL_VCPU_ID] = 0;
	vcpu[COL_VCPU_MACHINE_ID] = 1;
	vcpu[COL_VCPU_VCPU_INDEX] = vcpu[COL_VCPU_HOST_ID] = 0;
	store_writer_add(w, TABLE_VCPU, vcpu);
	vcpu[COL_VCPU_ID] = vcpu[COL_VCPU_VCPU_INDEX] = 1;
	store_writer_add(w, TABLE_VCPU, vcpu);
	add_machine(w, 0, "</title><script>alert(1)</script>", TABLE_NULL);
	add_machine(w, 1, "\"><img src=x onerror=alert(1)>\xff\xc0\xaf", 0);
	add_machine(w, 2, name, 0);
	add_thread(w, 0, 0, "CPU 0/KVM", 0);
	add_thread(w, 1, 0, "<script>thief</script>", TABLE_NULL);
	add_thread(w, 2, 1, "\xed\xa0\x80' onclick='x", TABLE_NULL);
	add_state(w, TABLE_VCPU_STATE, 0, begin, 400, VCPU_GUEST);
	add_state(w, TABLE_VCPU_STATE, 0, begin + 400, 100, VCPU_HYPERVISOR);
	add_state(w, TABLE_VCPU_STATE, 0, begin + 500, 300, VCPU_PREEMPTED);
	add_state(w, TABLE_VCPU_STATE, 0, begin + 800, 200, VCPU_GUEST);
	/* It has no CPU from the begin, which nobody took from it. */
	add_state(w, TABLE_VCPU_STATE, 1, begin, 600, VCPU_PREEMPTED);
	add_state(w, TABLE_VCPU_STATE, 1, begin + 600, 100, VCPU_GUEST);
	add_state(w, TABLE_VCPU_STATE, 1, begin + 700, 300, VCPU_PREEMPTED);
	add_state(w, TABLE_THREAD_STATE, 1, begin, 500, THREAD_WAIT_CPU);
	add_state(w, TABLE_THREAD_STATE, 1, begin + 500, 200, THREAD_USER);
	add_state(w, TABLE_THREAD_STATE, 1, begin + 700, 300, THREAD_SYSCALL);
	add_state(w, TABLE_THREAD_STATE, 2, begin, 600, THREAD_USER);
	add_state(w, TABLE_THREAD_STATE, 2, begin + 600, 200, THREAD_SYSCALL);
	add_state(w, TABLE_THREAD_STATE, 2, begin + 800, 200, THREAD_USER);
	add_state(w, TABLE_CPU_STATE, 0, begin, 1000, CPU_USER);
	add_exit(w, begin + 400, 400);
	add_wakeup(w, begin + 450, 150);
	add_wakeup(w, begin + 620, 10); /* no state begins when it ran */
	add_diag(w);
	free(name);
}

static void make_empty(struct store_writer *w)
{
	(void)w;
}

static void make_far(struct store_writer *w)
{
	add_state(w, TABLE_VCPU_STATE, 0, INT64_MIN + 1, INT64_MAX, VCPU_GUEST);
	add_state(w, TABLE_VCPU_STATE, 0, 0, INT64_MAX, VCPU_PREEMPTED);
}

static void make_twice(struct store_writer *w)
{
	make_hostile(w);
	add_thread(w, 1, 0, "again", TABLE_NULL);
}

/* Lanes that are in another state, for another time, at every step. */
static void make_wide(struct store_writer *w)
{
	enum { LANES = 150, ROWS = 4000 };
	uint64_t random = 1;

	add_machine(w, 0, "host", TABLE_NULL);
	add_machine(w, 1, "guest", 0);
	for (int lane = 0; lane < LANES; lane++) {
		int64_t vcpu[TABLE_MAX_COLUMNS], ts = begin;

		fill(vcpu, TABLE_VCPU);
		vcpu[COL_VCPU_ID] = vcpu[COL_VCPU_VCPU_INDEX] = lane;
		vcpu[COL_VCPU_MACHINE_ID] = 1;
		vcpu[COL_VCPU_HOST_ID] = 0;
		store_writer_add(w, TABLE_VCPU, vcpu);
		for (int i = 0; i < ROWS; i++) {
			random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
			int64_t dur = 1000 + (int64_t)(random >> 40) % 9000;

			add_state(w, TABLE_VCPU_STATE, lane, ts, dur,
				  (int64_t)(random >> 33) % VCPU_N_STATES);
			ts += dur;
		}
	}
}

static void make_busy(struct store_writer *w)
{
	for (int64_t i = 0; i < 2200000; i++)
		add_state(w, TABLE_VCPU_STATE, 0, begin + i * 10, 10,
			  i % 2 ? VCPU_PREEMPTED : VCPU_GUEST);
}

/* Rows of a table: `n` that touch each other if they have times; nothing else is known of them. */
static void add_unknown(struct store_writer *w, enum table_id table, int n)
{
	const struct table *t = table_get(table);
	int64_t row[TABLE_MAX_COLUMNS];

	for (int i = 0; i < n; i++) {
		fill(row, table);
		if (!strcmp(t->columns[0].name, "id"))
			row[0] = i;
		/* Whose it is must be known: results are refused otherwise. */
		for (int k = 0; k < t->n_columns; k++) {
			if (t->columns[k].ref == TABLE_MACHINE && table != TABLE_MACHINE)
				row[k] = 0;
		}
		for (int key = 0; key < t->n_keys; key++)
			row[key] = 0;
		if (t->ts != NO_COLUMN)
			row[t->ts] = begin + (int64_t)1000 * i;
		if (t->kind == TABLE_STATES)
			row[t->dur] = 1000;
		if (t->state != NO_COLUMN)
			row[t->state] = i % table_n_states(t);
		store_writer_add(w, table, row);
	}
}

static void make_unknown(struct store_writer *w)
{
	for (enum table_id table = TABLE_META + 1; table < TABLE_N; table++)
		add_unknown(w, table, table_n_states(table_get(table)) + 2);
}

static void make(const char *directory, const char *name, void (*put)(struct store_writer *w))
{
	char *path = mem_printf("%s/%s.vms", directory, name);
	struct error err = {0};
	struct store_writer *w;

	if (store_writer_new(&w, path, &err))
		goto failed;
	put(w);
	if (store_writer_finish(w, &err))
		goto failed;
	store_writer_free(w);
	free(path);
	return;
failed:
	fprintf(stderr, "make_files: %s\n", err.text);
	exit(1);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 1;
	make(argv[1], "hostile", make_hostile);
	make(argv[1], "empty", make_empty);
	make(argv[1], "far", make_far);
	make(argv[1], "twice", make_twice);
	make(argv[1], "wide", make_wide);
	make(argv[1], "busy", make_busy);
	make(argv[1], "unknown", make_unknown);
	return 0;
}
