#include "results/naming.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "results/units.h"

enum { KTHREADD = 2 };

const char *occupant_kind_name(enum occupant_kind kind)
{
	static const char *const names[OCCUPANT_N_KINDS] = {
		[OCCUPANT_VCPU] = "vcpu",	[OCCUPANT_VMM] = "vmm",
		[OCCUPANT_VHOST] = "vhost",	[OCCUPANT_PROCESS] = "process",
		[OCCUPANT_KERNEL] = "kernel",	[OCCUPANT_IDLE] = "idle",
		[OCCUPANT_UNKNOWN] = "unknown", [OCCUPANT_IRQ] = "irq",
		[OCCUPANT_SOFTIRQ] = "softirq", [OCCUPANT_TIMER] = "timer",
		[OCCUPANT_QUOTA] = "quota",
	};

	return names[kind];
}

static int vm_of_process(const struct results *r, int machine, int64_t pid)
{
	vec_each (vm, &r->vms) {
		const struct res_machine *m = &r->machines.at[*vm];

		if (pid != TABLE_NULL && m->parent == machine && m->pid == pid)
			return *vm;
	}
	return NOBODY;
}

/* The process in "vhost-1234". */
static int64_t vhost_pid(const char *comm)
{
	int64_t pid;

	return comm && sscanf(comm, "vhost-%" SCNd64, &pid) == 1 ? pid : TABLE_NULL;
}

struct res_occupant occupant_of_thread(const struct results *r, int thread)
{
	struct res_occupant o = {.kind = OCCUPANT_UNKNOWN, .vm = NOBODY, .irq = TABLE_NULL};

	if (thread == NOBODY)
		return o;
	const struct res_thread *t = &r->threads.at[thread];

	o.thread = t;
	if (t->vcpu != NOBODY) {
		o.kind = OCCUPANT_VCPU;
		o.vm = r->vcpus.at[t->vcpu].machine;
	} else if (t->tid == 0) {
		o.kind = OCCUPANT_IDLE;
	} else if (vhost_pid(t->comm) != TABLE_NULL) {
		o.kind = OCCUPANT_VHOST;
		o.vm = vm_of_process(r, t->machine, vhost_pid(t->comm));
	} else if (t->tid == KTHREADD || t->ppid == KTHREADD) {
		o.kind = OCCUPANT_KERNEL;
	} else {
		o.vm = vm_of_process(r, t->machine, t->pid);
		o.kind = o.vm == NOBODY ? OCCUPANT_PROCESS : OCCUPANT_VMM;
	}
	return o;
}

/* Return: what the CPU was busy with, if that is no thread; else OCCUPANT_UNKNOWN. */
static enum occupant_kind kind_of_busy(const struct summary_occupant *s)
{
	static const enum occupant_kind kinds[BUSY_N] = {
		[BUSY_UNKNOWN] = OCCUPANT_UNKNOWN, [BUSY_THREAD] = OCCUPANT_UNKNOWN,
		[BUSY_IDLE] = OCCUPANT_IDLE,	   [BUSY_IRQ] = OCCUPANT_IRQ,
		[BUSY_SOFTIRQ] = OCCUPANT_SOFTIRQ, [BUSY_TIMER] = OCCUPANT_TIMER,
	};

	return s->throttled ? OCCUPANT_QUOTA : kinds[s->busy];
}

struct res_occupant occupant_of(const struct results *r, const struct summary_occupant *s)
{
	enum occupant_kind kind = kind_of_busy(s);

	if (kind == OCCUPANT_UNKNOWN)
		return occupant_of_thread(r, s->thread);
	bool idle = kind == OCCUPANT_IDLE && s->thread != NOBODY;

	return (struct res_occupant){
		.kind = kind,
		.vm = NOBODY,
		.thread = idle ? &r->threads.at[s->thread] : NULL,
		.handler = s->handler,
		.irq = s->irq,
	};
}

/* The name of a thread's process; its own where that is not known. */
static const char *process_comm(const struct results *r, const struct res_thread *t)
{
	const char *name =
		t->pid == TABLE_NULL ? NULL : results_process_name(r, t->machine, t->pid);

	return name ? name : t->comm ? t->comm : "?";
}

const char *vcpu_number(const struct res_vcpu *v, struct arena *arena)
{
	if (v->index != TABLE_NULL)
		return units_number(arena, v->index);
	return arena_printf(arena, "tid %s", units_number(arena, v->tid));
}

char *name_vcpu(const char *vm, int64_t index, int64_t tid)
{
	const char *space = *vm ? " " : "";

	if (index != TABLE_NULL)
		return mem_printf("%s%svCPU %" PRId64, vm, space, index);
	if (tid != TABLE_NULL)
		return mem_printf("%s%svCPU thread %" PRId64, vm, space, tid);
	return mem_printf("%s%svCPU ?", vm, space);
}

char *name_thread(const char *comm, int64_t tid)
{
	const char *name = comm ? comm : "?";

	if (tid == 0 || tid == TABLE_NULL)
		return mem_strdup(tid ? name : "idle");
	return mem_printf("%s (%" PRId64 ")", name, tid);
}

const char *vcpu_name(const struct results *r, const struct res_vcpu *v, struct arena *arena)
{
	char *name = name_vcpu(r->machines.at[v->machine].name, v->index, v->tid);
	const char *kept = arena_strdup(arena, name);

	free(name);
	return kept;
}

static const char *vcpu_label(const struct results *r, int vcpu, struct arena *arena)
{
	const struct res_vcpu *v = &r->vcpus.at[vcpu];
	const char *vm = r->machines.at[v->machine].name;

	if (v->index == TABLE_NULL)
		return arena_printf(arena, "a vCPU of %s, tid %s", vm, units_number(arena, v->tid));
	return arena_printf(arena, "vCPU %" PRId64 " of %s", v->index, vm);
}

static const char *process_label(const struct results *r, const struct res_occupant *o, int own_vm,
				 struct arena *arena)
{
	const struct res_thread *t = o->thread;
	const char *of = o->kind == OCCUPANT_VMM ? r->machines.at[o->vm].name : NULL;
	const char *vm =
		!of ? "" : arena_printf(arena, " of %s%s", of, o->vm == own_vm ? " itself" : "");

	if (t->pid == TABLE_NULL)
		return arena_printf(arena, "%s%s, tid %s", process_comm(r, t), vm,
				    units_number(arena, t->tid));
	return arena_printf(arena, "%s%s, pid %" PRId64, process_comm(r, t), vm, t->pid);
}

static const char *interrupt_label(const struct res_occupant *o, struct arena *arena)
{
	const char *what = o->kind == OCCUPANT_TIMER ? "timer" : occupant_kind_name(o->kind);

	if (o->handler && o->irq != TABLE_NULL && o->kind == OCCUPANT_IRQ)
		return arena_printf(arena, "%s %" PRId64 " (%s)", what, o->irq, o->handler);
	if (o->handler)
		return arena_printf(arena, "%s %s", what, o->handler);
	return o->irq == TABLE_NULL ? what : arena_printf(arena, "%s %" PRId64, what, o->irq);
}

static const char *local_label(const struct results *r, const struct res_occupant *o, int own_vm,
			       struct arena *arena)
{
	switch (o->kind) {
	case OCCUPANT_VCPU:
		return vcpu_label(r, o->thread->vcpu, arena);
	case OCCUPANT_VHOST:
		if (o->vm == NOBODY)
			return arena_printf(arena, "vhost worker %s", o->thread->comm);
		return arena_printf(arena, "vhost worker of %s%s", r->machines.at[o->vm].name,
				    o->vm == own_vm ? " itself" : "");
	case OCCUPANT_VMM:
	case OCCUPANT_PROCESS:
		return process_label(r, o, own_vm, arena);
	case OCCUPANT_KERNEL:
		return arena_printf(arena, "kernel thread %s",
				    o->thread->comm ? o->thread->comm : "?");
	case OCCUPANT_IDLE:
		return "idle (wake-up latency)";
	case OCCUPANT_IRQ:
	case OCCUPANT_SOFTIRQ:
	case OCCUPANT_TIMER:
		return interrupt_label(o, arena);
	case OCCUPANT_QUOTA:
		return "nobody: its own CPU quota";
	default:
		return "unknown (not recorded)";
	}
}

const char *occupant_label(const struct results *r, const struct res_occupant *o,
			   const struct res_vcpu *victim, struct arena *arena)
{
	const char *label = local_label(r, o, victim->machine, arena);

	if (!o->thread || o->kind == OCCUPANT_VCPU || o->thread->machine == victim->host)
		return label;
	return arena_printf(arena, "%s on %s", label, r->machines.at[o->thread->machine].name);
}

const char *exit_label(const struct summary_exits *e, struct arena *arena)
{
	if (e->name)
		return e->name;
	return e->reason == TABLE_NULL ? "(not recorded)"
				       : arena_printf(arena, "exit %" PRId64, e->reason);
}

const char *isa_label(int64_t isa)
{
	/* As vm_exit.isa has them. */
	static const char *const names[] = {NULL, "vmx", "svm", "arm64", "riscv", "s390"};

	return isa < 0 || isa >= (int64_t)(sizeof(names) / sizeof(names[0])) ? NULL : names[isa];
}
