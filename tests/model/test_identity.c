/*
 * Who is who (model/identity.h), judged on evidence collected from made-up events.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/evidence.h"
#include "model/identity.h"

/* A machine whose stream of CPU 0 is being written. */
struct machine {
	struct evidence e;
	struct evidence_stream s;
	int64_t ts;
};

static void machine_begin(struct machine *m)
{
	evidence_init(&m->e, &(struct evidence_options){0});
	evidence_stream_begin(&m->s, &m->e, 0);
	m->ts = 0;
}

static void say(struct machine *m, struct event e)
{
	e.ts = ++m->ts;
	e.tid = e.pid = NO_VALUE;
	evidence_stream_event(&m->s, &e);
}

static struct event_text text(const char *s)
{
	return (struct event_text){.at = s, .n = (uint32_t)strlen(s)};
}

static void runs(struct machine *m, int64_t prev, int64_t next, const char *comm)
{
	say(m, (struct event){.id = EV_SCHED_SWITCH,
			      .sched_switch = {.prev_tid = prev,
					       .next_tid = next,
					       .prev_comm = text("x"),
					       .next_comm = text(comm)}});
}

static void process(struct machine *m, int64_t tid, int64_t pid, const char *name)
{
	say(m, (struct event){
		       .id = EV_STATEDUMP_PROCESS_STATE,
		       .statedump_process_state = {.tid = tid, .pid = pid, .name = text(name)}});
}

static void enters(struct machine *m, int64_t vcpu_id)
{
	say(m, (struct event){.id = EV_KVM_ENTRY, .kvm_entry = {.vcpu_id = vcpu_id}});
}

static void exits(struct machine *m, int64_t vcpu_id)
{
	say(m, (struct event){.id = EV_KVM_EXIT, .kvm_exit = {.reason = 1, .vcpu_id = vcpu_id}});
}

static void vmsync(struct machine *m, enum event_id id, int64_t vm_uid)
{
	say(m, (struct event){.id = (uint16_t)id, .vmsync = {.cnt = m->ts, .vm_uid = vm_uid}});
}

/* Runs a vCPU's thread for an entry and an exit with these vcpu_ids. */
static void vcpu(struct machine *m, int64_t tid, const char *comm, int64_t entry_id,
		 int64_t exit_id)
{
	runs(m, 0, tid, comm);
	enters(m, entry_id);
	exits(m, exit_id);
	runs(m, tid, 0, "swapper");
}

static void judge(struct identity *id, struct machine *machines, size_t n)
{
	static const char *const names[] = {"a", "b", "c"};
	const struct evidence *evidence[3];

	for (size_t i = 0; i < n; i++) {
		evidence_stream_end(&machines[i].s, (uint64_t)machines[i].ts, 0, 1, machines[i].ts);
		evidence[i] = &machines[i].e;
	}
	identity_init(id, names, evidence, n);
}

static void done(struct identity *id, struct machine *machines, size_t n)
{
	identity_deinit(id);
	for (size_t i = 0; i < n; i++)
		evidence_deinit(&machines[i].e);
}

static void assert_vcpu(const struct identity *id, int host, int64_t tid, int vm, int64_t index)
{
	int v = identity_vcpu_of_thread(id, host, tid);

	assert_int_not_equal(v, IDENT_NONE);
	assert_int_equal(id->vcpus.at[v].vm, vm);
	assert_int_equal(id->vcpus.at[v].index, index);
	if (index != NO_VALUE)
		assert_int_equal(identity_vcpu_of_index(id, vm, index), v);
}

/* lttng-modules 2.13.9 on Linux 6.1: half a pointer; small values of it occur, too. */
static void entries_with_garbage(void **state)
{
	struct machine m;
	struct identity id;

	(void)state;
	machine_begin(&m);
	process(&m, 11, 10, "CPU 0/KVM");
	process(&m, 12, 10, "CPU 1/KVM");
	vcpu(&m, 11, "CPU 0/KVM", 0x7fff1234, 0);
	vcpu(&m, 12, "CPU 1/KVM", 7, 1);
	judge(&id, &m, 1);
	assert_int_equal(id.vms.n, 1);
	assert_vcpu(&id, 0, 11, 0, 0);
	assert_vcpu(&id, 0, 12, 0, 1);
	done(&id, &m, 1);
}

/* Before lttng-modules 2.11.7; the thread's name, and without it the entries, must do. */
static void exits_without_vcpu_id(void **state)
{
	struct machine m;
	struct identity id;

	(void)state;
	machine_begin(&m);
	process(&m, 11, 10, "CPU 0/KVM");
	process(&m, 12, 10, "thread");
	vcpu(&m, 11, "CPU 0/KVM", 0x7fff1234, NO_VALUE);
	vcpu(&m, 12, "thread", 1, NO_VALUE);
	judge(&id, &m, 1);
	assert_vcpu(&id, 0, 11, 0, 0);
	assert_vcpu(&id, 0, 12, 0, 1);
	done(&id, &m, 1);
}

static void names_of_emulators(void **state)
{
	static const struct {
		const char *comm;
		int64_t index;
	} cases[] = {
		{"CPU 3/KVM", 3},	  {"fc_vcpu 5", 5},	   {"vcpu12", 12},
		{"CPU 3/TCG", NO_VALUE},  {"CPU x/KVM", NO_VALUE}, {"vcpu", NO_VALUE},
		{"CPU -1/KVM", NO_VALUE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct machine m;
		struct identity id;

		machine_begin(&m);
		process(&m, 11, 10, cases[i].comm);
		vcpu(&m, 11, cases[i].comm, NO_VALUE, NO_VALUE);
		judge(&id, &m, 1);
		assert_vcpu(&id, 0, 11, 0, cases[i].index);
		done(&id, &m, 1);
	}
}

/* No state dump, no vmsync: nothing says which vCPUs are of one VM, and equal numbers prove nothing. */
static void without_processes(void **state)
{
	struct machine m;
	struct identity id;

	(void)state;
	machine_begin(&m);
	vcpu(&m, 11, "CPU 0/KVM", 0, 0);
	vcpu(&m, 12, "CPU 1/KVM", 1, 1);
	vcpu(&m, 21, "CPU 0/KVM", 0, 0);
	vcpu(&m, 22, "CPU 1/KVM", 1, 1);
	judge(&id, &m, 1);
	assert_int_equal(id.vms.n, 4);
	assert_vcpu(&id, 0, 11, 0, 0);
	assert_vcpu(&id, 0, 12, 1, 1);
	assert_vcpu(&id, 0, 21, 2, 0);
	assert_vcpu(&id, 0, 22, 3, 1);
	assert_string_equal(id.vms.at[1].name, "vm-of-thread-12");
	assert_false(id.vms.at[1].is_whole);
	done(&id, &m, 1);
}

/* The proof of who ran comes after the events, as prev_tid of the first switch. */
static void known_only_later(void **state)
{
	struct machine m;
	struct identity id;

	(void)state;
	machine_begin(&m);
	exits(&m, 0);
	enters(&m, 0);
	exits(&m, 0);
	runs(&m, 11, 0, "swapper");
	process(&m, 11, 10, "CPU 0/KVM");
	judge(&id, &m, 1);
	assert_vcpu(&id, 0, 11, 0, 0);
	assert_int_equal(id.vcpus.at[0].exits, 2);
	assert_int_equal(id.vcpus.at[0].entries, 1);
	assert_int_equal(m.e.cpus.at[0].first_tid, 11);
	done(&id, &m, 1);
}

/* After a loss nobody knows who runs; what follows must not be charged to who ran before. */
static void unknown_after_a_loss(void **state)
{
	struct machine m;
	struct identity id;

	(void)state;
	machine_begin(&m);
	vcpu(&m, 11, "CPU 0/KVM", 0, 0);
	runs(&m, 0, 11, "CPU 0/KVM");
	say(&m, (struct event){.id = EV_LOST, .lost = {.to = m.ts + 1}});
	exits(&m, 5);
	say(&m, (struct event){.id = EV_LOST, .lost = {.to = m.ts + 1}});
	exits(&m, 6);
	runs(&m, 12, 0, "swapper");
	judge(&id, &m, 1);
	assert_int_equal(m.e.n_unplaced, 1);
	assert_vcpu(&id, 0, 11, 0, 0);
	assert_int_not_equal(identity_vcpu_of_thread(&id, 0, 12), IDENT_NONE);
	done(&id, &m, 1);
}

static void two_vms_one_untraced(void **state)
{
	struct machine m[2];
	struct identity id;

	(void)state;
	machine_begin(&m[0]);
	process(&m[0], 11, 10, "CPU 0/KVM");
	process(&m[0], 21, 20, "CPU 0/KVM");
	vcpu(&m[0], 11, "CPU 0/KVM", 0, 0);
	runs(&m[0], 0, 21, "CPU 0/KVM");
	enters(&m[0], 0);
	exits(&m[0], 0);
	vmsync(&m[0], EV_VMSYNC_GH_HOST, 777);
	vmsync(&m[0], EV_VMSYNC_HG_HOST, 777);
	machine_begin(&m[1]);
	vmsync(&m[1], EV_VMSYNC_GH_GUEST, 777);
	vmsync(&m[1], EV_VMSYNC_HG_GUEST, 777);
	judge(&id, m, 2);
	assert_string_equal(identity_role(&id.machines.at[0]), "host");
	assert_string_equal(identity_role(&id.machines.at[1]), "guest");
	assert_int_equal(id.vms.n, 2);
	assert_int_equal(id.vms.at[0].guest, IDENT_NONE);
	assert_string_equal(id.vms.at[0].name, "vm-10");
	assert_int_equal(id.vms.at[1].guest, 1);
	assert_string_equal(id.vms.at[1].name, "b");
	assert_int_equal(id.vms.at[1].vm_uid, 777);
	assert_int_equal(id.machines.at[1].vm, 1);
	assert_vcpu(&id, 0, 21, 1, 0);
	done(&id, m, 2);
}

/* Hypercall 5 has other uses: most of the host's vmsync events can be nobody's. */
static void decoy_uids(void **state)
{
	struct machine m[2];
	struct identity id;

	(void)state;
	machine_begin(&m[0]);
	process(&m[0], 11, 10, "CPU 0/KVM");
	process(&m[0], 21, 20, "CPU 0/KVM");
	for (int64_t tid = 11; tid <= 21; tid += 10) {
		runs(&m[0], 0, tid, "CPU 0/KVM");
		enters(&m[0], 0);
		exits(&m[0], 0);
		for (int i = 0; i < 5; i++)
			vmsync(&m[0], EV_VMSYNC_GH_HOST, 3);
		if (tid == 21)
			vmsync(&m[0], EV_VMSYNC_GH_HOST, 777);
		runs(&m[0], tid, 0, "swapper");
	}
	machine_begin(&m[1]);
	vmsync(&m[1], EV_VMSYNC_GH_GUEST, 777);
	judge(&id, m, 2);
	assert_int_equal(id.machines.at[1].vm, 1);
	assert_int_equal(id.vms.at[1].pid, 20);
	assert_int_equal(id.vms.at[0].guest, IDENT_NONE);
	done(&id, m, 2);
}

/* a runs b, b runs c. */
static void nested(void **state)
{
	struct machine m[3];
	struct identity id;

	(void)state;
	for (int i = 0; i < 3; i++)
		machine_begin(&m[i]);
	for (int i = 0; i < 2; i++) {
		process(&m[i], 11, 10, "CPU 0/KVM");
		runs(&m[i], 0, 11, "CPU 0/KVM");
		enters(&m[i], 0);
		exits(&m[i], 0);
		vmsync(&m[i], EV_VMSYNC_GH_HOST, 100 + i);
		vmsync(&m[i + 1], EV_VMSYNC_GH_GUEST, 100 + i);
	}
	judge(&id, m, 3);
	assert_string_equal(identity_role(&id.machines.at[0]), "host");
	assert_string_equal(identity_role(&id.machines.at[1]), "host+guest");
	assert_string_equal(identity_role(&id.machines.at[2]), "guest");
	assert_int_equal(id.vms.at[id.machines.at[1].vm].host, 0);
	assert_int_equal(id.vms.at[id.machines.at[2].vm].host, 1);
	assert_int_equal(id.machines.at[0].vm, IDENT_NONE);
	done(&id, m, 3);
}

/* The same number twice in one process cannot both be right; neither thread gets lost. */
static void number_twice_in_a_process(void **state)
{
	struct machine m;
	struct identity id;

	(void)state;
	machine_begin(&m);
	process(&m, 11, 10, "x");
	process(&m, 12, 10, "x");
	vcpu(&m, 11, "x", 0, 0);
	vcpu(&m, 12, "x", 0, 0);
	judge(&id, &m, 1);
	assert_int_equal(id.vms.n, 1);
	assert_int_equal(id.vcpus.n, 2);
	assert_vcpu(&id, 0, 11, 0, 0);
	assert_vcpu(&id, 0, 12, 0, NO_VALUE);
	done(&id, &m, 1);
}

static void nobody_at_all(void **state)
{
	struct machine m;
	struct identity id;

	(void)state;
	machine_begin(&m);
	runs(&m, 0, 11, "bash");
	judge(&id, &m, 1);
	assert_string_equal(identity_role(&id.machines.at[0]), "unknown");
	assert_int_equal(id.vms.n + id.vcpus.n, 0);
	done(&id, &m, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_with_garbage),
		cmocka_unit_test(exits_without_vcpu_id),
		cmocka_unit_test(names_of_emulators),
		cmocka_unit_test(without_processes),
		cmocka_unit_test(known_only_later),
		cmocka_unit_test(unknown_after_a_loss),
		cmocka_unit_test(two_vms_one_untraced),
		cmocka_unit_test(decoy_uids),
		cmocka_unit_test(nested),
		cmocka_unit_test(number_twice_in_a_process),
		cmocka_unit_test(nobody_at_all),
	};

	return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
