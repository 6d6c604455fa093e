/*
 * Threads, CPUs, the fused view, containers and wake-ups (model/model.h), from made-up events of
 * machines in each other: a host, its guest that is a host itself, and that one's guest.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/model.h"

enum { HOST, L1, L2, N_MACHINES };
enum { L1_VCPU = 100, L2_VCPU = 200 }; /* threads that run them, on the host and on L1 */
enum { END = 1000 };
enum { VMRUN = 0x80, MSR = 0x7c, HLT = 0x78 };
enum { RUNNABLE = 0, ASLEEP = 1, ZOMBIE = 32 };

struct world {
	struct evidence evidence[N_MACHINES];
	struct identity identity;
	struct model *model;
	FILE *file;
	char *text; /* a line for all that the model says */
	size_t size;
	VEC(uint32_t) ended; /* threads, as often as they did */
};

/* ---- what the model says -------------------------------------------------------------------- */

static int64_t tid_of(const struct world *w, uint32_t thread)
{
	const struct model_thread *t = thread == NO_THREAD ? NULL : model_thread(w->model, thread);

	return t ? t->tid : -1;
}

/* What is one thread's or CPU's own is NULL at first, and nobody else's. */
static void assert_own(void **own, uint32_t machine, uint32_t id)
{
	void *name = (void *)((uintptr_t)machine << 32 | (id + UINT32_C(1)));

	if (!*own)
		*own = name;
	assert_ptr_equal(*own, name);
}

static void on_thread(void *ctx, const struct thread_interval *i)
{
	struct world *w = ctx;

	assert_own(i->own, 0, i->thread);

	fprintf(w->file, "thread %d: %d-%d %s%s%s\n", (int)tid_of(w, i->thread), (int)i->begin,
		(int)i->end, thread_state_name(i->state), i->syscall ? " " : "",
		i->syscall ? i->syscall : "");
}

static void on_vcpu(void *ctx, const struct vcpu_interval *i)
{
	struct world *w = ctx;

	fprintf(w->file, "vcpu %u: %d-%d %s by %d\n", i->vcpu, (int)i->begin, (int)i->end,
		vcpu_state_name(i->state), (int)tid_of(w, i->occupant.thread));
}

static void on_cpu(void *ctx, const struct cpu_interval *i)
{
	struct world *w = ctx;

	assert_own(i->own, i->machine, i->cpu);
	fprintf(w->file, "cpu %u.%u: %d-%d %s %d", i->machine, i->cpu, (int)i->begin, (int)i->end,
		cpu_state_name(i->state), (int)tid_of(w, i->thread));
	if (i->vm >= 0)
		fprintf(w->file, " vm %d thread %d", i->vm, (int)tid_of(w, i->guest_thread));
	fputc('\n', w->file);
}

static void on_wakeup(void *ctx, const struct wakeup *k)
{
	struct world *w = ctx;
	const int64_t stages[] = {k->vcpu_woken, k->vcpu_ran, k->entered, k->ran};

	fprintf(w->file, "wakeup %d at %d:", (int)tid_of(w, k->thread), (int)k->ts);
	for (int i = 0; i < 4; i++)
		fprintf(w->file, " %d", stages[i] == NO_VALUE ? -1 : (int)stages[i]);
	fputc('\n', w->file);
}

static void on_exit_whole(void *ctx, const struct vm_exit *x)
{
	struct world *w = ctx;

	fprintf(w->file, "exit: %d-%d %s\n", (int)x->begin, x->end == INT64_MIN ? -1 : (int)x->end,
		x->has_parts ? "parts" : "whole");
}

static void on_thread_end(void *ctx, const struct model_thread *thread)
{
	*vec_push(&((struct world *)ctx)->ended) = thread->id;
}

/* ---- the world ------------------------------------------------------------------------------ */

static void add_machine(struct world *w, int machine, int vm)
{
	*vec_push(&w->evidence[machine].cpus) = (struct evidence_cpu){.first_tid = NO_VALUE};
	*vec_push(&w->identity.machines) = (struct ident_machine){
		.name = "m", .evidence = &w->evidence[machine], .vm = vm, .why = mem_strdup("")};
}

static void add_vm(struct world *w, int host, int guest, int64_t tid)
{
	*vec_push(&w->identity.vms) = (struct ident_vm){.name = mem_strdup("vm"),
							.host = host,
							.guest = guest,
							.pid = tid - 1,
							.vm_uid = NO_VALUE,
							.why = mem_strdup("")};
	*vec_push(&w->identity.vcpus) =
		(struct ident_vcpu){.vm = (int)w->identity.vms.n - 1, .tid = tid};
	*vec_push(&w->identity.runs) = (struct ident_run){.vcpu = (int)w->identity.vcpus.n - 1,
							  .tid = tid,
							  .from = INT64_MIN,
							  .to = INT64_MAX};
}

/* hosts: the events that the host's recording could hold. */
static void begin_with(struct world *w, struct event_set hosts)
{
	struct event_set all[N_MACHINES] = {hosts, event_set_all(), event_set_all()};
	static const struct model_span lanes[N_MACHINES] = {{0, END}, {0, END}, {0, END}};
	static struct model_sink sink;

	*w = (struct world){0};
	w->file = open_memstream(&w->text, &w->size);
	sink = (struct model_sink){.ctx = w,
				   .vcpu_interval = on_vcpu,
				   .thread_interval = on_thread,
				   .cpu_interval = on_cpu,
				   .wakeup = on_wakeup,
				   .vm_exit = on_exit_whole,
				   .thread_end = on_thread_end};
	add_machine(w, HOST, IDENT_NONE);
	add_machine(w, L1, 0);
	add_machine(w, L2, 1);
	add_vm(w, HOST, L1, L1_VCPU);
	add_vm(w, L1, L2, L2_VCPU);
	w->model = model_new(&w->identity, all, lanes, NULL, &sink);
}

static void begin(struct world *w)
{
	begin_with(w, event_set_all());
}

static void end(struct world *w)
{
	model_free(w->model);
	for (int i = 0; i < N_MACHINES; i++)
		evidence_deinit(&w->evidence[i]);
	identity_deinit(&w->identity);
	free(w->text);
	vec_deinit(&w->ended);
}

static void finish(struct world *w)
{
	model_finish(w->model);
	fclose(w->file);
}

/* The lines that begin with `what`, together, are `lines`. */
static void expect(const struct world *w, const char *what, const char *lines)
{
	char *found = mem_zalloc(w->size + 1, 1);
	size_t n = 0;

	for (const char *line = w->text; *line;) {
		const char *next = strchr(line, '\n') + 1;

		if (!strncmp(line, what, strlen(what))) {
			memcpy(found + n, line, (size_t)(next - line));
			n += (size_t)(next - line);
		}
		line = next;
	}
	assert_string_equal(found, lines);
	free(found);
}

/* ---- events --------------------------------------------------------------------------------- */

static void say(struct world *w, int machine, int64_t ts, struct event e)
{
	e.machine = (uint16_t)machine;
	e.ts = ts;
	e.tid = e.pid = NO_VALUE;
	model_event(w->model, &e);
}

static void switches(struct world *w, int machine, int64_t ts, int64_t prev, int64_t state,
		     int64_t next)
{
	say(w, machine, ts,
	    (struct event){
		    .id = EV_SCHED_SWITCH,
		    .sched_switch = {.prev_tid = prev, .prev_state = state, .next_tid = next}});
}

static void plain(struct world *w, int machine, int64_t ts, enum event_id id)
{
	say(w, machine, ts, (struct event){.id = (uint16_t)id});
}

static void calls(struct world *w, int machine, int64_t ts, const char *name)
{
	say(w, machine, ts,
	    (struct event){.id = EV_SYSCALL_ENTRY, .syscall_entry = {.name = name}});
}

static void exits(struct world *w, int machine, int64_t ts, int64_t reason)
{
	say(w, machine, ts,
	    (struct event){.id = EV_KVM_EXIT,
			   .kvm_exit = {.reason = reason, .isa = 2, .rip = NO_VALUE}});
}

static void wakes(struct world *w, int machine, int64_t ts, int64_t tid)
{
	say(w, machine, ts,
	    (struct event){.id = EV_SCHED_WAKEUP, .sched_wakeup = {.tid = tid, .target_cpu = 0}});
}

static void forks(struct world *w, int64_t ts, int64_t parent, int64_t child, size_t levels,
		  int64_t ns_inum)
{
	static const int32_t vtids[8];

	say(w, HOST, ts,
	    (struct event){
		    .id = EV_SCHED_PROCESS_FORK,
		    .sched_process_fork = {.parent_tid = parent,
					   .child_tid = child,
					   .child_pid = child,
					   .child_ns_inum = ns_inum,
					   .vtids = {.at = (const char *)vtids,
						     .n = (uint32_t)(levels * sizeof(vtids[0]))}}});
}

static void dumps_namespace(struct world *w, int64_t ts, int64_t tid, int64_t level, int64_t inum)
{
	say(w, HOST, ts,
	    (struct event){.id = EV_STATEDUMP_PID_NS,
			   .statedump_pid_ns = {.tid = tid, .ns_level = level, .ns_inum = inum}});
}

/* Of an event that says its thread. */
static void kvm_on(struct world *w, uint32_t cpu, int64_t ts, enum event_id id, int64_t tid)
{
	struct event e = {.id = (uint16_t)id, .cpu = cpu, .ts = ts, .tid = tid, .pid = NO_VALUE};

	if (id == EV_KVM_EXIT) {
		e.kvm_exit.reason = MSR;
		e.kvm_exit.isa = 2;
		e.kvm_exit.rip = NO_VALUE;
	}
	model_event(w->model, &e);
}

/* ---- each event says its thread ------------------------------------------------------------- */

/* KVM's events alone: in the guest from entry to exit, unknown until it enters again, on another
 * CPU maybe. */
static void without_the_scheduler(void **state)
{
	static const enum event_id ids[] = {EV_KVM_ENTRY, EV_KVM_EXIT};
	struct world w;

	(void)state;
	begin_with(&w, event_set_of(ids, 2));
	kvm_on(&w, 0, 10, EV_KVM_ENTRY, L1_VCPU);
	kvm_on(&w, 0, 20, EV_KVM_EXIT, L1_VCPU);
	kvm_on(&w, 0, 30, EV_KVM_ENTRY, 777);
	kvm_on(&w, 1, 40, EV_KVM_ENTRY, L1_VCPU);
	kvm_on(&w, 1, 70, EV_KVM_EXIT, L1_VCPU);
	finish(&w);
	expect(&w, "vcpu 0",
	       "vcpu 0: 0-10 unknown by -1\nvcpu 0: 10-20 guest by -1\n"
	       "vcpu 0: 20-40 unknown by -1\nvcpu 0: 40-70 guest by -1\n"
	       "vcpu 0: 70-1000 unknown by -1\n");
	expect(&w, "exit", "exit: 20-40 whole\nexit: 70--1 whole\n");
	expect(&w, "thread 100",
	       "thread 100: 0-10 unknown\nthread 100: 10-20 syscall ioctl\n"
	       "thread 100: 20-40 unknown\nthread 100: 40-70 syscall ioctl\n"
	       "thread 100: 70-1000 unknown\n");
	assert_int_equal(model_contradictions(w.model), 0);
	end(&w);
}

/*
 * An exit was lost: another vCPU thread enters on that CPU, so the first one is not there any more.
 */
static void exit_is_missing_without_the_scheduler(void **state)
{
	static const enum event_id ids[] = {EV_KVM_ENTRY, EV_KVM_EXIT};
	struct world w;

	(void)state;
	begin_with(&w, event_set_of(ids, 2));
	kvm_on(&w, 0, 10, EV_KVM_ENTRY, L1_VCPU);
	kvm_on(&w, 0, 30, EV_KVM_ENTRY, 777);
	kvm_on(&w, 1, 50, EV_KVM_ENTRY, L1_VCPU);
	kvm_on(&w, 2, 60, EV_KVM_ENTRY, L1_VCPU);
	finish(&w);
	expect(&w, "cpu 0.0: 3", "cpu 0.0: 30-1000 unknown -1\n");
	expect(&w, "cpu 0.1: 6", "cpu 0.1: 60-1000 unknown -1\n");
	end(&w);
}

/* The switch to the vCPU's thread is missing: it is there nevertheless, and whoever was believed to
 * be is not. */
static void thread_contradicts_the_scheduler(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	switches(&w, HOST, 10, 1, RUNNABLE, 50);
	kvm_on(&w, 0, 20, EV_KVM_ENTRY, L1_VCPU);
	kvm_on(&w, 0, 30, EV_KVM_EXIT, L1_VCPU);
	switches(&w, HOST, 40, L1_VCPU, ASLEEP, 50);
	finish(&w);
	expect(&w, "vcpu 0: 2", "vcpu 0: 20-30 guest by -1\n");
	expect(&w, "vcpu 0: 3", "vcpu 0: 30-40 hypervisor by -1\n");
	expect(&w, "thread 50: 2", "thread 50: 20-40 unknown\n");
	assert_int_equal(model_contradictions(w.model), 1);
	end(&w);
}

/* After a loss the first event of KVM tells who is there, before any switch does. */
static void thread_is_known_after_a_loss(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	switches(&w, HOST, 10, 1, RUNNABLE, L1_VCPU);
	say(&w, HOST, 20, (struct event){.id = EV_LOST, .lost = {.to = 25}});
	kvm_on(&w, 0, 30, EV_KVM_ENTRY, L1_VCPU);
	kvm_on(&w, 0, 40, EV_KVM_EXIT, L1_VCPU);
	finish(&w);
	expect(&w, "vcpu 0: 2", "vcpu 0: 20-30 unknown by -1\n");
	expect(&w, "vcpu 0: 3", "vcpu 0: 30-40 guest by -1\n");
	assert_int_equal(model_contradictions(w.model), 0);
	end(&w);
}

/* What the recording as a whole says of threads holds until an event knows better. */
static void threads_are_named(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	evidence_name_thread(&w.evidence[HOST], 50, 49, 0, "saved");
	switches(&w, HOST, 10, 1, RUNNABLE, 50);
	const struct model_thread *t = model_thread(w.model, 1);

	assert_int_equal(t->tid, 50);
	assert_int_equal(t->pid, 49);
	assert_string_equal(t->comm, "saved");
	forks(&w, 20, 1, 50, 0, NO_VALUE);
	finish(&w);
	end(&w);
}

/* As perf's COMM records do. */
static void a_name_takes_no_parent_away(void **state)
{
	const struct model_thread *t = NULL;
	struct world w;

	(void)state;
	begin(&w);
	forks(&w, 20, 1, 50, 0, NO_VALUE);
	say(&w, HOST, 30,
	    (struct event){.id = EV_STATEDUMP_PROCESS_STATE,
			   .statedump_process_state = {.tid = 50,
						       .pid = NO_VALUE,
						       .ppid = NO_VALUE,
						       .type = NO_VALUE,
						       .status = NO_VALUE,
						       .ns_level = NO_VALUE,
						       .ns_inum = NO_VALUE,
						       .name = {.at = "new", .n = 3}}});
	for (uint32_t i = 0; (t = model_thread(w.model, i)) && t->tid != 50; i++)
		;
	assert_non_null(t);
	assert_string_equal(t->comm, "new");
	assert_int_equal(t->pid, 50);
	assert_int_equal(t->ppid, 1);
	finish(&w);
	end(&w);
}

/* ---- through the layers --------------------------------------------------------------------- */

/* At 40 a thread of L2, 7, is in user code on all three layers. */
static void begin_nested(struct world *w)
{
	begin(w);
	switches(w, HOST, 10, 1, RUNNABLE, L1_VCPU);
	plain(w, HOST, 10, EV_KVM_ENTRY);
	switches(w, L1, 20, 2, RUNNABLE, L2_VCPU);
	plain(w, L1, 20, EV_KVM_ENTRY);
	switches(w, L2, 30, 6, RUNNABLE, 7);
	plain(w, L2, 40, EV_SYSCALL_EXIT);
}

static void three_levels(void **state)
{
	struct world w;

	(void)state;
	begin_nested(&w);
	exits(&w, HOST, 50, MSR); /* for the host alone */
	plain(&w, HOST, 60, EV_KVM_ENTRY);
	exits(&w, L1, 70, MSR); /* L1 works for L2 */
	plain(&w, L1, 80, EV_KVM_ENTRY);
	finish(&w);
	expect(&w, "cpu 0.0: 3", "cpu 0.0: 30-50 vm 100 vm 1 thread 7\n");
	expect(&w, "cpu 0.0: 5", "cpu 0.0: 50-60 syscall 100\n");
	expect(&w, "cpu 0.0: 6", "cpu 0.0: 60-70 vm 100 vm 1 thread 7\n");
	expect(&w, "cpu 0.0: 7", "cpu 0.0: 70-80 vm 100 vm 0 thread 200\n");
	expect(&w, "thread 7: 4", "thread 7: 40-50 user\n");
	expect(&w, "thread 7: 5", "thread 7: 50-60 hypervisor\n");
	expect(&w, "thread 7: 6", "thread 7: 60-70 user\n");
	expect(&w, "thread 7: 7", "thread 7: 70-80 hypervisor\n");
	expect(&w, "thread 200: 5", "thread 200: 50-60 hypervisor ioctl\n");
	expect(&w, "thread 200: 6", "thread 200: 60-1000 syscall ioctl\n");
	end(&w);
}

/* What is taken from the outermost vCPU is taken from all that it carries. */
static void stolen_from_below(void **state)
{
	struct world w;

	(void)state;
	begin_nested(&w);
	exits(&w, HOST, 50, MSR);
	switches(&w, HOST, 60, L1_VCPU, RUNNABLE, 1);
	switches(&w, HOST, 80, 1, RUNNABLE, 3);
	switches(&w, HOST, 90, 3, RUNNABLE, L1_VCPU);
	plain(&w, HOST, 95, EV_KVM_ENTRY);
	finish(&w);
	expect(&w, "vcpu 0: 6", "vcpu 0: 60-80 preempted by 1\n");
	expect(&w, "vcpu 0: 8", "vcpu 0: 80-90 preempted by 3\n");
	expect(&w, "vcpu 1: 5", "vcpu 1: 50-60 hypervisor by -1\n");
	expect(&w, "vcpu 1: 6", "vcpu 1: 60-80 preempted by 1\n");
	expect(&w, "vcpu 1: 8", "vcpu 1: 80-90 preempted by 3\n");
	expect(&w, "vcpu 1: 9", "vcpu 1: 90-95 hypervisor by -1\nvcpu 1: 95-1000 guest by -1\n");
	expect(&w, "thread 7: 6", "thread 7: 60-90 stolen\n");
	expect(&w, "thread 200: 6", "thread 200: 60-90 stolen ioctl\n");
	expect(&w, "cpu 0.0: 95", "cpu 0.0: 95-1000 vm 100 vm 1 thread 7\n");
	end(&w);
}

/* L1 believes L2 in the guest from its kvm_entry event on; the host sees when it truly is. */
static void nested_entries_and_exits(void **state)
{
	struct world w;

	(void)state;
	begin_nested(&w);
	exits(&w, HOST, 50, MSR);
	plain(&w, HOST, 55, EV_KVM_NESTED_EXIT);
	plain(&w, HOST, 60, EV_KVM_ENTRY); /* L1 */
	exits(&w, L1, 70, MSR);
	plain(&w, L1, 80, EV_KVM_ENTRY);
	exits(&w, HOST, 90, VMRUN);
	plain(&w, HOST, 95, EV_KVM_ENTRY); /* L2 */
	finish(&w);
	expect(&w, "thread 7: 5", "thread 7: 50-95 hypervisor\n");
	expect(&w, "thread 7: 9", "thread 7: 95-1000 user\n");
	expect(&w, "cpu 0.0: 6", "cpu 0.0: 60-90 vm 100 vm 0 thread 200\n");
	expect(&w, "cpu 0.0: 95", "cpu 0.0: 95-1000 vm 100 vm 1 thread 7\n");
	end(&w);
}

/* Of a VM's CPU whose vCPU nobody knows nothing is known to be true. */
static void unknown_carrier(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.identity.vcpus.at[0].guest_cpu = 5;
	switches(&w, L1, 20, 2, RUNNABLE, 3);
	plain(&w, L1, 30, EV_SYSCALL_EXIT);
	finish(&w);
	expect(&w, "thread 3:", "thread 3: 0-20 unknown\nthread 3: 20-1000 unknown\n");
	expect(&w, "cpu 1.0: 3", "cpu 1.0: 30-1000 user 3\n");
	end(&w);
}

/* ---- what is known later, or not at all ----------------------------------------------------- */

static void known_from_the_first_system_call(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	switches(&w, HOST, 10, 1, RUNNABLE, 3);
	plain(&w, HOST, 20, EV_IRQ_ENTRY);
	plain(&w, HOST, 30, EV_IRQ_EXIT);
	plain(&w, HOST, 40, EV_SYSCALL_EXIT);
	calls(&w, HOST, 50, "read");
	finish(&w);
	expect(&w, "thread 3:",
	       "thread 3: 0-10 unknown\nthread 3: 10-20 syscall\nthread 3: 20-30 irq\n"
	       "thread 3: 30-40 syscall\nthread 3: 40-50 user\nthread 3: 50-1000 syscall read\n");
	expect(&w, "cpu 0.0:",
	       "cpu 0.0: 0-10 unknown -1\ncpu 0.0: 10-20 syscall 3\ncpu 0.0: 20-30 irq 3\n"
	       "cpu 0.0: 30-40 syscall 3\ncpu 0.0: 40-50 user 3\ncpu 0.0: 50-1000 syscall 3\n");
	end(&w);
}

/* The recording begins while an interrupt is handled. */
static void begins_in_an_interrupt(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.evidence[HOST].cpus.at[0].first_tid = 3;
	wakes(&w, HOST, 5, 4);
	plain(&w, HOST, 10, EV_IRQ_EXIT);
	plain(&w, HOST, 20, EV_SOFTIRQ_ENTRY);
	plain(&w, HOST, 30, EV_SOFTIRQ_EXIT);
	plain(&w, HOST, 40, EV_SYSCALL_EXIT);
	finish(&w);
	expect(&w, "thread 3:",
	       "thread 3: 0-5 unknown\nthread 3: 5-10 irq\nthread 3: 10-20 syscall\n"
	       "thread 3: 20-30 softirq\nthread 3: 30-40 syscall\nthread 3: 40-1000 user\n");
	expect(&w, "cpu 0.0: 5", "cpu 0.0: 5-10 irq 3\n");
	end(&w);
}

/* A thread that never makes itself known does not hold back the others for ever. */
static void never_known(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	switches(&w, HOST, 1, 1, RUNNABLE, 3);
	for (int ts = 2; ts < 600; ts += 2) {
		plain(&w, HOST, ts, EV_IRQ_ENTRY);
		plain(&w, HOST, ts + 1, EV_IRQ_EXIT);
	}
	fflush(w.file);
	expect(&w, "thread 3: 2-", "thread 3: 2-3 irq\n");
	finish(&w);
	expect(&w, "thread 3: 599-", "thread 3: 599-1000 unknown\n");
	end(&w);
}

static void losses(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	switches(&w, HOST, 10, 1, RUNNABLE, 3);
	plain(&w, HOST, 20, EV_SYSCALL_EXIT);
	say(&w, HOST, 30, (struct event){.id = EV_LOST, .lost = {.to = 40}});
	switches(&w, HOST, 50, 3, ASLEEP, 4);
	finish(&w);
	expect(&w, "thread 3: 2", "thread 3: 20-30 user\n");
	expect(&w, "thread 3: 3", "thread 3: 30-50 unknown\n");
	expect(&w, "thread 3: 5", "thread 3: 50-1000 blocked\n");
	expect(&w, "cpu 0.0: 3", "cpu 0.0: 30-50 unknown -1\n");
	end(&w);
}

/* A thread that is made while another CPU's events are missing may run there, and leave the call
 * that made it. */
static void born_beside_losses(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	switches(&w, HOST, 10, 1, RUNNABLE, 3);
	calls(&w, HOST, 20, "clone");
	say(&w, HOST, 30, (struct event){.id = EV_LOST, .cpu = 1, .lost = {.to = 60}});
	forks(&w, 40, 3, 5, 0, NO_VALUE);
	switches(&w, HOST, 70, 3, RUNNABLE, 5);
	forks(&w, 80, 3, 6, 0, NO_VALUE);
	switches(&w, HOST, 90, 5, RUNNABLE, 6);
	finish(&w);
	expect(&w, "thread 5: 7", "thread 5: 70-90 unknown\n");
	expect(&w, "thread 6: 9", "thread 6: 90-1000 syscall clone\n");
	end(&w);
}

/* An exiting thread can be preempted, and wait, before it is dead. */
static void dies(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	switches(&w, HOST, 10, 1, RUNNABLE, 3);
	calls(&w, HOST, 20, "exit_group");
	say(&w, HOST, 30,
	    (struct event){.id = EV_SCHED_PROCESS_EXIT, .sched_process_exit = {.tid = 3}});
	switches(&w, HOST, 40, 3, RUNNABLE, 1);
	switches(&w, HOST, 50, 1, RUNNABLE, 3);
	switches(&w, HOST, 60, 3, ZOMBIE, 1);
	finish(&w);
	expect(&w, "thread 3: 4", "thread 3: 40-50 wait-cpu exit_group\n");
	expect(&w, "thread 3: 6", "thread 3: 60-1000 dead\n");
	end(&w);
}

/* Without the ioctl in the recording, KVM's events say that it was called. */
static void kvm_run_not_recorded(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	switches(&w, HOST, 10, 1, RUNNABLE, L1_VCPU);
	plain(&w, HOST, 20, EV_KVM_ENTRY);
	exits(&w, HOST, 30, MSR);
	say(&w, HOST, 40,
	    (struct event){.id = EV_KVM_USERSPACE_EXIT, .kvm_userspace_exit = {.reason = 2}});
	plain(&w, HOST, 50, EV_KVM_ENTRY);
	finish(&w);
	expect(&w, "thread 100:",
	       "thread 100: 0-10 unknown\nthread 100: 10-20 unknown\n"
	       "thread 100: 20-40 syscall ioctl\nthread 100: 40-50 user\n"
	       "thread 100: 50-1000 syscall ioctl\n");
	end(&w);
}

static void lives_and_dies(struct world *w, int64_t ts, int64_t tid)
{
	forks(w, ts, 1, tid, 0, NO_VALUE);
	switches(w, HOST, ts + 1, 1, RUNNABLE, tid);
	say(w, HOST, ts + 1,
	    (struct event){.id = EV_SCHED_PROCESS_EXIT, .sched_process_exit = {.tid = tid}});
	switches(w, HOST, ts + 2, tid, ZOMBIE, 1);
}

static int compare_ids(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Threads come and go all the time: their lanes are whole, and the model does not keep them. */
static void the_dead_are_forgotten(void **state)
{
	enum { N = 200, FIRST = 1000, KEPT = 64 };
	const struct model_thread *t;
	struct world w;
	uint32_t first = 0;

	(void)state;
	begin(&w);
	for (int i = 0; i < N; i++)
		lives_and_dies(&w, 3 * i + 1, FIRST + i);
	while (first < N && (t = model_thread(w.model, first)) && t->tid != FIRST)
		first++;
	assert_null(model_thread(w.model, first));
	assert_int_equal(w.ended.n, N - KEPT);
	lives_and_dies(&w, 700, FIRST);
	finish(&w);
	expect(&w, "thread 1000:",
	       "thread 1000: 0-1 dead\nthread 1000: 1-2 blocked\nthread 1000: 2-3 unknown\n"
	       "thread 1000: 3-1000 dead\nthread 1000: 0-700 dead\nthread 1000: 700-701 blocked\n"
	       "thread 1000: 701-702 unknown\nthread 1000: 702-1000 dead\n");
	qsort(w.ended.at, w.ended.n, sizeof(*w.ended.at), compare_ids);
	for (uint32_t i = 0; i < w.ended.n; i++)
		assert_int_equal(w.ended.at[i], i);
	end(&w);
}

static void lives_and_dies_in(struct world *w, int machine, int64_t ts, int64_t tid)
{
	say(w, machine, ts,
	    (struct event){.id = EV_SCHED_PROCESS_FORK,
			   .sched_process_fork = {.parent_tid = 2, .child_tid = tid}});
	switches(w, machine, ts + 1, 2, RUNNABLE, tid);
	say(w, machine, ts + 1,
	    (struct event){.id = EV_SCHED_PROCESS_EXIT, .sched_process_exit = {.tid = tid}});
	switches(w, machine, ts + 2, tid, ZOMBIE, 2);
}

/* No kernel says so, but a damaged recording may: an idle thread is made, dies and is woken. */
static void forgotten_while_woken(void **state)
{
	enum { MANY = 100 };
	struct world w;

	(void)state;
	begin(&w);
	switches(&w, HOST, 0, 1, RUNNABLE, L1_VCPU);
	lives_and_dies_in(&w, L1, 1, 0);
	wakes(&w, L1, 5, 0);
	for (int i = 0; i < MANY; i++)
		lives_and_dies_in(&w, L1, 3 * i + 10, 1000 + i);
	plain(&w, HOST, 700, EV_KVM_ENTRY);
	finish(&w);
	expect(&w, "wakeup 0 ", "wakeup 0 at 5: -1 -1 -1 -1\n");
	end(&w);
}

/* Nobody saw it die; but another has its tid now. */
static void whose_tid_is_taken_is_dead(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	forks(&w, 10, 1, 7, 0, NO_VALUE);
	forks(&w, 50, 1, 7, 0, NO_VALUE);
	finish(&w);
	expect(&w, "thread 7:",
	       "thread 7: 0-10 dead\nthread 7: 10-50 blocked\nthread 7: 0-50 dead\n"
	       "thread 7: 50-1000 dead\nthread 7: 50-1000 blocked\n");
	end(&w);
}

/* ---- vCPUs come and go ----------------------------------------------------------------------- */

enum { LATER_VCPU = 110 }; /* the thread that runs the host's vCPU after L1_VCPU */

static void dies_at(struct world *w, int64_t ts, int64_t tid)
{
	say(w, HOST, ts,
	    (struct event){.id = EV_SCHED_PROCESS_EXIT, .sched_process_exit = {.tid = tid}});
	switches(w, HOST, ts, tid, ZOMBIE, 1);
}

/* Its thread dies; a new one runs the same vCPU. Losses between them change nothing. */
static void unplugged_and_plugged_again(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.identity.runs.at[0].to = 30;
	*vec_push(&w.identity.runs) = (struct ident_run){
		.vcpu = 0, .tid = LATER_VCPU, .from = 60, .to = INT64_MAX, .is_born = true};
	switches(&w, HOST, 10, 1, RUNNABLE, L1_VCPU);
	plain(&w, HOST, 20, EV_KVM_ENTRY);
	exits(&w, HOST, 25, MSR);
	dies_at(&w, 30, L1_VCPU);
	say(&w, HOST, 40, (struct event){.id = EV_LOST, .cpu = 1, .lost = {.to = 50}});
	forks(&w, 60, 1, LATER_VCPU, 0, NO_VALUE);
	switches(&w, HOST, 70, 1, RUNNABLE, LATER_VCPU);
	plain(&w, HOST, 80, EV_KVM_ENTRY);
	finish(&w);
	expect(&w, "vcpu 0:",
	       "vcpu 0: 0-10 unknown by -1\nvcpu 0: 10-20 unknown by -1\nvcpu 0: 20-25 guest by -1\n"
	       "vcpu 0: 25-30 hypervisor by -1\nvcpu 0: 30-60 absent by -1\n"
	       "vcpu 0: 60-70 blocked by -1\nvcpu 0: 70-80 unknown by -1\n"
	       "vcpu 0: 80-1000 guest by -1\n");
	end(&w);
}

/* What it does between the last exit on one and the first entry on the other nobody says. */
static void handed_to_another_thread(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.identity.runs.at[0].to = 60;
	*vec_push(&w.identity.runs) =
		(struct ident_run){.vcpu = 0, .tid = LATER_VCPU, .from = 60, .to = INT64_MAX};
	switches(&w, HOST, 10, 1, RUNNABLE, L1_VCPU);
	plain(&w, HOST, 20, EV_KVM_ENTRY);
	exits(&w, HOST, 30, MSR);
	switches(&w, HOST, 40, L1_VCPU, ASLEEP, LATER_VCPU);
	plain(&w, HOST, 60, EV_KVM_ENTRY);
	exits(&w, HOST, 70, MSR);
	switches(&w, HOST, 80, LATER_VCPU, RUNNABLE, L1_VCPU);
	switches(&w, HOST, 90, L1_VCPU, ASLEEP, LATER_VCPU);
	finish(&w);
	expect(&w, "vcpu 0: 4", "vcpu 0: 40-60 blocked by -1\n");
	expect(&w, "vcpu 0: 6", "vcpu 0: 60-70 guest by -1\n");
	expect(&w, "vcpu 0: 8", "vcpu 0: 80-90 preempted by 100\n");
	expect(&w, "vcpu 0: 9", "vcpu 0: 90-1000 hypervisor by -1\n");
	end(&w);
}

/* ---- containers ----------------------------------------------------------------------------- */

static int container_of(const struct world *w, int64_t tid)
{
	const struct model_thread *t;
	int found = -2;

	for (uint32_t i = 0; (t = model_thread(w->model, i)); i++) {
		if (t->tid == tid)
			found = t->container;
	}
	return found;
}

/* Namespaces of a thread, from its own to the outermost container. */
static void expect_chain(const struct world *w, int64_t tid, int n, const int64_t *inums)
{
	size_t n_containers;
	const struct model_container *c = model_containers(w->model, &n_containers);
	int at = container_of(w, tid);

	for (int i = 0; i < n; i++) {
		assert_in_range(at, 0, n_containers - 1);
		assert_int_equal(c[at].ns_inum, inums[i]);
		at = c[at].parent;
	}
	assert_int_equal(at, -1);
}

/* The state dump's events of a thread in any order of levels. */
static void dumped_in_any_order(void **state)
{
	static const int orders[][3] = {{1, 2, 3}, {3, 2, 1}, {3, 1, 2}, {2, 3, 1}};

	(void)state;
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		struct world w;

		begin(&w);
		dumps_namespace(&w, 1, 50, 0, 900);
		for (int k = 0; k < 3; k++)
			dumps_namespace(&w, 2 + k, 50, orders[i][k], 900 + orders[i][k]);
		dumps_namespace(&w, 9, 51, 1, 901);
		expect_chain(&w, 50, 3, (int64_t[]){903, 902, 901});
		expect_chain(&w, 51, 1, (int64_t[]){901});
		finish(&w);
		end(&w);
	}
}

/* unshare: the thread stays where it is, its children are in the new namespace. */
static void forked_containers(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	forks(&w, 1, 10, 11, 1, 900); /* in the machine's own */
	forks(&w, 2, 11, 12, 2, 901);
	forks(&w, 3, 12, 13, 2, 901);
	forks(&w, 4, 13, 14, 3, 902);
	forks(&w, 5, 11, 15, 1, 900);
	forks(&w, 6, 11, 16, 3, 902); /* entered from outside, as by nsenter */
	assert_int_equal(container_of(&w, 11), -1);
	assert_int_equal(container_of(&w, 15), -1);
	expect_chain(&w, 12, 1, (int64_t[]){901});
	expect_chain(&w, 13, 1, (int64_t[]){901});
	expect_chain(&w, 14, 2, (int64_t[]){902, 901});
	expect_chain(&w, 16, 2, (int64_t[]){902, 901});
	finish(&w);
	end(&w);
}

/* Nonsense does not make containers contain each other. */
static void no_rings_of_containers(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	dumps_namespace(&w, 1, 50, 1, 901);
	dumps_namespace(&w, 2, 50, 2, 902);
	dumps_namespace(&w, 3, 51, 1, 902);
	dumps_namespace(&w, 4, 51, 2, 901);
	dumps_namespace(&w, 5, 52, INT64_MAX, 903);
	expect_chain(&w, 50, 2, (int64_t[]){902, 901});
	expect_chain(&w, 51, 1, (int64_t[]){901});
	finish(&w);
	end(&w);
}

/* ---- wake-ups ------------------------------------------------------------------------------- */

/* The vCPU sleeps when its guest's thread is woken, from a device say. */
static void wakeup_through_the_layers(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	switches(&w, HOST, 10, 1, RUNNABLE, L1_VCPU);
	plain(&w, HOST, 20, EV_KVM_ENTRY);
	switches(&w, L1, 25, 2, ASLEEP, 0);
	exits(&w, HOST, 30, HLT);
	switches(&w, HOST, 40, L1_VCPU, ASLEEP, 1);
	wakes(&w, L1, 50, 2);
	wakes(&w, HOST, 60, L1_VCPU);
	switches(&w, HOST, 80, 1, RUNNABLE, L1_VCPU);
	plain(&w, HOST, 90, EV_KVM_ENTRY);
	switches(&w, L1, 100, 0, RUNNABLE, 2);
	finish(&w);
	expect(&w, "wakeup", "wakeup 2 at 50: 10 30 40 50\n");
	end(&w);
}

/* Exits that are over before, or come when the guest has run since, are not waited for. */
static void wakeup_of_a_running_vcpu(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	switches(&w, HOST, 10, 1, RUNNABLE, L1_VCPU);
	plain(&w, HOST, 20, EV_KVM_ENTRY);
	switches(&w, L1, 25, 2, ASLEEP, 3);
	wakes(&w, L1, 30, 2);
	exits(&w, HOST, 40, MSR);
	plain(&w, HOST, 50, EV_KVM_ENTRY);
	switches(&w, L1, 60, 3, RUNNABLE, 2);
	finish(&w);
	expect(&w, "wakeup", "wakeup 2 at 30: -1 -1 -1 30\n");
	end(&w);
}

static void vectors_are_learned(void **state)
{
	static const struct {
		int64_t tid;
		const char *comm;
		int64_t apicid, vector;
		int source;
		int64_t sender; /* tid, 0: none */
	} sent[] = {{L1_VCPU, "CPU 0/KVM", 0, 236, IRQ_TIMER, 0},
		    {L1_VCPU, "CPU 0/KVM", 1, 251, IRQ_IPI, 0},
		    {33, "vhost-99", 0, 40, IRQ_NETWORK, 33},
		    {34, "other", 0, 41, -1, 0},
		    {35, "kvm-pit/99", 0, 48, IRQ_TIMER, 35},
		    {36, "kvm-pit/98", 0, 49, -1, 0},
		    {37, "vhost-99-1", 0, 40, IRQ_NETWORK, 33},
		    {37, "vhost-99-1", 0, 40, IRQ_NETWORK, 37},
		    {37, "vhost-99-1", 0, 40, IRQ_NETWORK, 37}};
	struct world w;
	uint32_t sender;
	uint64_t n;

	(void)state;
	begin(&w);
	for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {
		say(&w, HOST, (int64_t)i,
		    (struct event){
			    .id = EV_SCHED_SWITCH,
			    .sched_switch = {.prev_tid = i ? sent[i - 1].tid : 1,
					     .next_tid = sent[i].tid,
					     .next_comm = {.at = sent[i].comm,
							   .n = (uint32_t)strlen(sent[i].comm)}}});
		say(&w, HOST, (int64_t)i,
		    (struct event){.id = EV_KVM_ACCEPT_IRQ,
				   .kvm_accept_irq = {.apicid = sent[i].apicid,
						      .vector = sent[i].vector}});
		assert_int_equal(model_irq_source(w.model, 0, (int)sent[i].vector, &n, &sender),
				 sent[i].source);
		assert_int_equal(sender == NO_THREAD ? 0 : model_thread(w.model, sender)->tid,
				 sent[i].sender);
	}
	finish(&w);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_the_scheduler),
		cmocka_unit_test(exit_is_missing_without_the_scheduler),
		cmocka_unit_test(thread_contradicts_the_scheduler),
		cmocka_unit_test(thread_is_known_after_a_loss),
		cmocka_unit_test(threads_are_named),
		cmocka_unit_test(three_levels),
		cmocka_unit_test(stolen_from_below),
		cmocka_unit_test(nested_entries_and_exits),
		cmocka_unit_test(unknown_carrier),
		cmocka_unit_test(known_from_the_first_system_call),
		cmocka_unit_test(begins_in_an_interrupt),
		cmocka_unit_test(never_known),
		cmocka_unit_test(losses),
		cmocka_unit_test(born_beside_losses),
		cmocka_unit_test(dies),
		cmocka_unit_test(the_dead_are_forgotten),
		cmocka_unit_test(forgotten_while_woken),
		cmocka_unit_test(whose_tid_is_taken_is_dead),
		cmocka_unit_test(unplugged_and_plugged_again),
		cmocka_unit_test(handed_to_another_thread),
		cmocka_unit_test(kvm_run_not_recorded),
		cmocka_unit_test(dumped_in_any_order),
		cmocka_unit_test(forked_containers),
		cmocka_unit_test(a_name_takes_no_parent_away),
		cmocka_unit_test(no_rings_of_containers),
		cmocka_unit_test(wakeup_through_the_layers),
		cmocka_unit_test(wakeup_of_a_running_vcpu),
		cmocka_unit_test(vectors_are_learned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
