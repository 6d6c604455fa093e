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

/* After all events. */
static const int64_t LATER = INT64_MAX - 1;

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

static void forks_in(struct machine *m, int64_t parent, int64_t child, int64_t pid)
{
	say(m, (struct event){.id = EV_SCHED_PROCESS_FORK,
			      .sched_process_fork = {
				      .parent_tid = parent, .child_tid = child, .child_pid = pid}});
}

static void forks(struct machine *m, int64_t parent, int64_t child)
{
	forks_in(m, parent, child, NO_VALUE);
}

static void ends(struct machine *m, int64_t tid)
{
	say(m, (struct event){.id = EV_SCHED_PROCESS_EXIT, .sched_process_exit = {.tid = tid}});
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
	static const char *const hostnames[3] = {NULL};
	const struct evidence *evidence[3];

	for (size_t i = 0; i < n; i++) {
		evidence_stream_end(&machines[i].s, (uint64_t)machines[i].ts, 0, 1, machines[i].ts);
		evidence[i] = &machines[i].e;
	}
	identity_init(id, names, hostnames, evidence, n);
}

static void done(struct identity *id, struct machine *machines, size_t n)
{
	identity_deinit(id);
	for (size_t i = 0; i < n; i++)
		evidence_deinit(&machines[i].e);
}

static void assert_vcpu(const struct identity *id, int host, int64_t tid, int vm, int64_t index)
{
	int v = identity_vcpu_of_thread(id, host, tid, LATER);

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

/* No state dump, no vmsync: nothing says which vCPUs are of one VM, and equal numbers prove
 * nothing. */
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
	assert_int_not_equal(identity_vcpu_of_thread(&id, 0, 12, LATER), IDENT_NONE);
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
	assert_string_equal(role_name(identity_role(&id.machines.at[0])), "host");
	assert_string_equal(role_name(identity_role(&id.machines.at[1])), "guest");
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
	assert_string_equal(role_name(identity_role(&id.machines.at[0])), "host");
	assert_string_equal(role_name(identity_role(&id.machines.at[1])), "host+guest");
	assert_string_equal(role_name(identity_role(&id.machines.at[2])), "guest");
	assert_int_equal(id.vms.at[id.machines.at[1].vm].host, 0);
	assert_int_equal(id.vms.at[id.machines.at[2].vm].host, 1);
	assert_int_equal(id.machines.at[0].vm, IDENT_NONE);
	done(&id, m, 3);
}

/*
 * The same number twice in one process, at the same time, cannot both be right; neither thread gets
 * lost.
 */
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
	vcpu(&m, 11, "x", 0, 0);
	judge(&id, &m, 1);
	assert_int_equal(id.vms.n, 1);
	assert_int_equal(id.vcpus.n, 2);
	assert_vcpu(&id, 0, 11, 0, 0);
	assert_vcpu(&id, 0, 12, 0, NO_VALUE);
	done(&id, &m, 1);
}

/* ---- nothing says which process a vCPU's thread is of --------------------------------------- */

static void says_waking(struct machine *m, int64_t waker, int64_t woken, const char *name,
			int64_t flags)
{
	runs(m, 0, waker, "x");
	say(m, (struct event){.id = EV_SCHED_WAKING,
			      .sched_waking = {.tid = woken, .comm = text(name), .flags = flags}});
	runs(m, waker, 0, "swapper");
}

static void wakes_twice(struct machine *m, int64_t waker, int64_t woken, const char *name)
{
	for (int i = 0; i < 2; i++)
		says_waking(m, waker, woken, name, 0);
}

/* Two VMs of two vCPUs each: threads 11, 12 and 21, 22. */
static void four_vcpus_run(struct machine *m)
{
	vcpu(m, 11, "CPU 0/KVM", 0, 0);
	vcpu(m, 12, "CPU 1/KVM", 1, 1);
	vcpu(m, 21, "CPU 0/KVM", 0, 0);
	vcpu(m, 22, "CPU 1/KVM", 1, 1);
}

static void four_vcpus(struct machine *m)
{
	machine_begin(m);
	four_vcpus_run(m);
}

static void assert_two_vms(struct machine *m, const char *why)
{
	struct identity id;

	judge(&id, m, 1);
	assert_int_equal(id.vms.n, 2);
	assert_vcpu(&id, 0, 11, 0, 0);
	assert_vcpu(&id, 0, 12, 0, 1);
	assert_vcpu(&id, 0, 21, 1, 0);
	assert_vcpu(&id, 0, 22, 1, 1);
	assert_non_null(strstr(id.vms.at[0].why, why));
	done(&id, m, 1);
}

static void told_by_the_recorder(void **state)
{
	struct machine m;

	(void)state;
	four_vcpus(&m);
	evidence_tell_vcpu(&m.e, 7, 11);
	evidence_tell_vcpu(&m.e, 7, 12);
	evidence_tell_vcpu(&m.e, 3, 21);
	evidence_tell_vcpu(&m.e, 3, 22);
	assert_two_vms(&m, "no trace of its own");
}

static void made_by_one_thread(void **state)
{
	struct machine m;

	(void)state;
	machine_begin(&m);
	for (int64_t tid = 11; tid <= 22; tid++)
		forks(&m, tid / 10 * 10, tid);
	four_vcpus_run(&m);
	assert_two_vms(&m, "one thread made them");
}

/* Another thread that has its tid now. */
static void made_after_it(void **state)
{
	struct machine m;
	struct identity id;

	(void)state;
	machine_begin(&m);
	forks(&m, 10, 11);
	vcpu(&m, 11, "CPU 0/KVM", 0, 0);
	vcpu(&m, 22, "CPU 1/KVM", 1, 1);
	forks(&m, 10, 22);
	judge(&id, &m, 1);
	assert_int_equal(id.vms.n, 2);
	done(&id, &m, 1);
}

static void vcpus_wake_each_other(void **state)
{
	struct machine m;

	(void)state;
	four_vcpus(&m);
	wakes_twice(&m, 11, 12, "CPU 1/KVM");
	wakes_twice(&m, 22, 21, "CPU 0/KVM");
	/* Timers fire and packets come in whoever runs; once is chance. */
	for (int i = 0; i < 10; i++) {
		says_waking(&m, 11, 22, "CPU 1/KVM", TRACE_FLAG_HARDIRQ);
		says_waking(&m, 21, 12, "CPU 1/KVM", TRACE_FLAG_SOFTIRQ);
	}
	says_waking(&m, 11, 22, "CPU 1/KVM", 0);
	assert_two_vms(&m, "they wake each other");
}

static void vcpus_share_an_emulator(void **state)
{
	struct machine m;

	(void)state;
	four_vcpus(&m);
	for (int64_t tid = 11; tid <= 22; tid = tid == 12 ? 21 : tid + 1) {
		wakes_twice(&m, tid, tid / 10 * 10, "qemu-system-x86");
		wakes_twice(&m, tid / 10 * 10, tid, "CPU/KVM");
		/* It works for everybody. */
		wakes_twice(&m, tid, 5, "kworker/0:1");
		wakes_twice(&m, 5, tid, "CPU/KVM");
	}
	assert_two_vms(&m, "one more thread");
}

static void vhost_names_the_process(void **state)
{
	struct machine m;
	struct identity id;

	(void)state;
	four_vcpus(&m);
	says_waking(&m, 11, 15, "vhost-10", 0);
	says_waking(&m, 12, 15, "vhost-10", 0);
	says_waking(&m, 22, 25, "vhost-20", 0);
	judge(&id, &m, 1);
	assert_int_equal(id.vms.n, 3);
	assert_vcpu(&id, 0, 12, 0, 1);
	assert_int_equal(id.vms.at[0].pid, 10);
	assert_string_equal(id.vms.at[0].name, "vm-10");
	assert_int_equal(id.vms.at[1].pid, NO_VALUE);
	assert_int_equal(id.vms.at[2].pid, 20);
	done(&id, &m, 1);
}

static void equal_numbers_are_not_joined(void **state)
{
	struct machine m;
	struct identity id;

	(void)state;
	four_vcpus(&m);
	wakes_twice(&m, 11, 21, "CPU 0/KVM");
	judge(&id, &m, 1);
	assert_int_equal(id.vms.n, 4);
	done(&id, &m, 1);
}

/* Two VMs become one: numbers of the VMs behind it, and places of vCPUs, change. */
static void vms_are_joined(void **state)
{
	struct machine m;
	struct identity id;
	size_t moved[4];

	(void)state;
	four_vcpus(&m);
	judge(&id, &m, 1);
	identity_join(&id, 3, 0, mem_strdup("because"), moved);
	assert_int_equal(id.vms.n, 3);
	assert_vcpu(&id, 0, 12, 0, 1);
	assert_vcpu(&id, 0, 21, 1, 0);
	assert_vcpu(&id, 0, 11, 2, 0);
	assert_vcpu(&id, 0, 22, 2, 1);
	assert_string_equal(id.vms.at[2].why, "because");
	for (size_t i = 0; i < 4; i++) {
		static const int64_t tids[] = {11, 12, 21, 22};

		assert_int_equal(id.vcpus.at[moved[i]].tid, tids[i]);
	}
	done(&id, &m, 1);
}

/* ---- each event says its thread ------------------------------------------------------------- */

static void says_thread(struct machine *m, enum event_id id, int64_t tid, int64_t pid,
			int64_t vcpu_id)
{
	struct event e = {.id = (uint16_t)id, .ts = ++m->ts, .tid = tid, .pid = pid};

	if (id == EV_KVM_ENTRY)
		e.kvm_entry.vcpu_id = vcpu_id;
	else
		e.kvm_exit.vcpu_id = vcpu_id;
	evidence_stream_event(&m->s, &e);
}

/* KVM's events alone: who runs on the CPU is known from each of them. */
static void without_the_scheduler(void **state)
{
	struct machine m;
	struct identity id;

	(void)state;
	machine_begin(&m);
	for (int64_t tid = 11; tid <= 22; tid = tid == 12 ? 21 : tid + 1) {
		says_thread(&m, EV_KVM_ENTRY, tid, tid / 10 * 10, tid % 10 - 1);
		says_thread(&m, EV_KVM_EXIT, tid, tid / 10 * 10, tid % 10 - 1);
	}
	judge(&id, &m, 1);
	assert_int_equal(id.vms.n, 2);
	assert_int_equal(m.e.n_unplaced, 0);
	assert_vcpu(&id, 0, 12, 0, 1);
	assert_int_equal(id.vcpus.at[0].entries, 1);
	assert_int_equal(id.vms.at[1].pid, 20);
	assert_false(evidence_has(&m.e, EV_SCHED_SWITCH));
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
	assert_string_equal(role_name(identity_role(&id.machines.at[0])), "unknown");
	assert_int_equal(id.vms.n + id.vcpus.n, 0);
	done(&id, &m, 1);
}

/* ---- over time ------------------------------------------------------------------------------- */

/* Tells it twice, the second time with what was found out about lives; they are the caller's. */
static void look_twice(struct machine *m, void (*tell)(struct machine *m), struct lives *lives)
{
	*lives = (struct lives){0};
	machine_begin(m);
	tell(m);
	assert_true(evidence_find_lives(&m->e, lives));
	evidence_stream_end(&m->s, 0, 0, 1, 0);
	evidence_deinit(&m->e);
	machine_begin(m);
	m->e.lives = lives;
	tell(m);
}

static void tell_of_a_tid_given_again(struct machine *m)
{
	process(m, 11, 10, "fc_vcpu 0");
	process(m, 21, 20, "CPU 0/KVM");
	vcpu(m, 21, "CPU 0/KVM", 0, 0);
	vcpu(m, 11, "fc_vcpu 0", 0, 0);
	ends(m, 11);
	forks_in(m, 20, 11, 20);
	vcpu(m, 11, "CPU 1/KVM", 1, 1);
	vcpu(m, 11, "CPU 1/KVM", 1, 1);
}

static void a_tid_is_given_again(void **state)
{
	struct machine m;
	struct identity id;
	struct lives lives;

	(void)state;
	look_twice(&m, tell_of_a_tid_given_again, &lives);
	judge(&id, &m, 1);
	assert_int_equal(id.vms.n, 2);
	assert_int_equal(id.vcpus.n, 3);
	assert_int_equal(id.vms.at[0].pid, 10);
	assert_int_equal(id.vcpus.at[0].exits, 1);
	assert_string_equal(id.vcpus.at[0].comm, "fc_vcpu 0");
	assert_int_equal(id.vcpus.at[2].exits, 2);
	assert_vcpu(&id, 0, 11, 1, 1);
	assert_int_equal(identity_vcpu_of_thread(&id, 0, 11, 1), 0);
	done(&id, &m, 1);
	lives_deinit(&lives);
}

static void tell_of_a_pid_given_again(struct machine *m)
{
	for (int i = 0; i < 2; i++) {
		forks_in(m, 1, 10, 10);
		forks_in(m, 10, 11, 10);
		vcpu(m, 11, "CPU 0/KVM", 0, 0);
		ends(m, 11);
		ends(m, 10);
	}
}

/* A VM that is started after another one, by chance with its numbers. */
static void a_pid_is_given_again(void **state)
{
	struct machine m;
	struct identity id;
	struct lives lives;

	(void)state;
	look_twice(&m, tell_of_a_pid_given_again, &lives);
	judge(&id, &m, 1);
	assert_int_equal(id.vms.n, 2);
	assert_int_equal(id.vcpus.n, 2);
	assert_int_equal(id.vms.at[0].pid, 10);
	assert_int_equal(id.vms.at[1].pid, 10);
	assert_string_not_equal(id.vms.at[0].name, id.vms.at[1].name);
	done(&id, &m, 1);
	lives_deinit(&lives);
}

static void a_vcpu_is_plugged_again(void **state)
{
	struct machine m;
	struct identity id;

	(void)state;
	machine_begin(&m);
	process(&m, 11, 10, "vcpu0");
	vcpu(&m, 11, "vcpu0", 0, NO_VALUE);
	ends(&m, 11);
	int64_t gone = m.ts;

	forks_in(&m, 10, 12, 10);
	int64_t born = m.ts;

	vcpu(&m, 12, "vcpu0", 0, NO_VALUE);
	judge(&id, &m, 1);
	assert_int_equal(id.vcpus.n, 1);
	assert_int_equal(id.vcpus.at[0].tid, 11);
	assert_int_equal(id.vcpus.at[0].exits, 2);
	assert_vcpu(&id, 0, 12, 0, 0);
	assert_int_equal(identity_vcpu_of_thread(&id, 0, 11, gone - 1), 0);
	assert_int_equal(identity_vcpu_of_thread(&id, 0, 11, gone), IDENT_NONE);
	assert_int_equal(identity_next_birth(&id, 0, 0), INT64_MIN);
	assert_int_equal(identity_next_birth(&id, 0, gone), born);
	done(&id, &m, 1);
}

/* Both were there all the time; the one has begun to run it when the other one has ended to. */
static void a_vcpu_is_handed_over(void **state)
{
	struct machine m;
	struct identity id;

	(void)state;
	machine_begin(&m);
	process(&m, 11, 10, "worker");
	process(&m, 12, 10, "worker");
	vcpu(&m, 11, "worker", 0, 0);
	int64_t handed = m.ts;

	vcpu(&m, 12, "worker", 0, 0);
	judge(&id, &m, 1);
	assert_int_equal(id.vcpus.n, 1);
	assert_int_equal(identity_vcpu_of_thread(&id, 0, 11, handed), 0);
	assert_int_equal(identity_vcpu_of_thread(&id, 0, 12, handed), IDENT_NONE);
	assert_int_equal(identity_vcpu_of_thread(&id, 0, 11, LATER), IDENT_NONE);
	assert_vcpu(&id, 0, 12, 0, 0);
	done(&id, &m, 1);
}

/* Where nothing tells processes, threads with one number are of one VM only one after the other. */
static void without_processes_in_turn(void **state)
{
	struct machine m;
	struct identity id;

	(void)state;
	machine_begin(&m);
	vcpu(&m, 11, "CPU 0/KVM", 0, 0);
	vcpu(&m, 12, "CPU 1/KVM", 1, 1);
	wakes_twice(&m, 12, 11, "CPU 0/KVM");
	ends(&m, 11);
	forks(&m, 10, 13);
	vcpu(&m, 13, "CPU 0/KVM", 0, 0);
	wakes_twice(&m, 12, 13, "CPU 0/KVM");
	judge(&id, &m, 1);
	assert_int_equal(id.vms.n, 1);
	assert_int_equal(id.vcpus.n, 2);
	assert_vcpu(&id, 0, 13, 0, 0);
	done(&id, &m, 1);
}

static void called_by_name_or_host_name(void **state)
{
	const char *const names[] = {"a", "b", "c", "d"};
	const char *const hostnames[] = {"c", "twin", NULL, "twin"};
	const struct evidence *evidence[4];
	struct machine m[4];
	struct identity id;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		machine_begin(&m[i]);
		evidence[i] = &m[i].e;
	}
	identity_init(&id, names, hostnames, evidence, 4);
	assert_int_equal(identity_machine_of_name(&id, "b"), 1);
	/* A name goes before a host name. */
	assert_int_equal(identity_machine_of_name(&id, "c"), 2);
	assert_int_equal(identity_machine_of_name(&id, "twin"), IDENT_SEVERAL);
	assert_int_equal(identity_machine_of_name(&id, "e"), IDENT_NONE);
	id.machines.at[3].hostname = "other";
	assert_int_equal(identity_machine_of_name(&id, "twin"), 1);
	done(&id, m, 4);
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
		cmocka_unit_test(told_by_the_recorder),
		cmocka_unit_test(made_by_one_thread),
		cmocka_unit_test(made_after_it),
		cmocka_unit_test(vcpus_wake_each_other),
		cmocka_unit_test(vcpus_share_an_emulator),
		cmocka_unit_test(vhost_names_the_process),
		cmocka_unit_test(equal_numbers_are_not_joined),
		cmocka_unit_test(vms_are_joined),
		cmocka_unit_test(without_the_scheduler),
		cmocka_unit_test(nobody_at_all),
		cmocka_unit_test(a_tid_is_given_again),
		cmocka_unit_test(a_pid_is_given_again),
		cmocka_unit_test(a_vcpu_is_plugged_again),
		cmocka_unit_test(a_vcpu_is_handed_over),
		cmocka_unit_test(without_processes_in_turn),
		cmocka_unit_test(called_by_name_or_host_name),
	};

	return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
