#include "report/naming.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "events/exit_reason.h"

enum { KTHREADD = 2 };

const char *occupant_kind_name(enum occupant_kind kind)
{
	static const char *const names[OCCUPANT_N_KINDS] = {
		[OCCUPANT_VCPU] = "vcpu",	[OCCUPANT_VMM] = "vmm",
		[OCCUPANT_VHOST] = "vhost",	[OCCUPANT_PROCESS] = "process",
		[OCCUPANT_KERNEL] = "kernel",	[OCCUPANT_IDLE] = "idle",
		[OCCUPANT_UNKNOWN] = "unknown",
	};

	return names[kind];
}

static int vm_of_process(const struct analysis *a, uint32_t machine, int64_t pid)
{
	for (size_t i = 0; pid != NO_VALUE && i < a->identity.vms.n; i++) {
		const struct ident_vm *vm = &a->identity.vms.at[i];

		if (vm->host == (int)machine && vm->pid == pid)
			return (int)i;
	}
	return IDENT_NONE;
}

/* The process in "vhost-1234". */
static int64_t vhost_pid(const char *comm)
{
	int64_t pid;

	return sscanf(comm, "vhost-%" SCNd64, &pid) == 1 ? pid : NO_VALUE;
}

struct occupant occupant_of(const struct analysis *a, uint32_t thread)
{
	size_t n;
	const struct model_thread *t = model_threads(a->model, &n);
	struct occupant o = {.kind = OCCUPANT_UNKNOWN, .vm = IDENT_NONE};

	if (thread >= n)
		return o;
	t += thread;
	o.thread = t;
	if (t->vcpu >= 0) {
		o.kind = OCCUPANT_VCPU;
		o.vm = a->identity.vcpus.at[t->vcpu].vm;
	} else if (t->tid == 0) {
		o.kind = OCCUPANT_IDLE;
	} else if (vhost_pid(t->comm) != NO_VALUE) {
		o.kind = OCCUPANT_VHOST;
		o.vm = vm_of_process(a, t->machine, vhost_pid(t->comm));
	} else if (t->tid == KTHREADD || t->ppid == KTHREADD) {
		o.kind = OCCUPANT_KERNEL;
	} else {
		o.vm = vm_of_process(a, t->machine, t->pid);
		o.kind = o.vm == IDENT_NONE ? OCCUPANT_PROCESS : OCCUPANT_VMM;
	}
	return o;
}

/* The name of the thread's process, as far as it is known: that of its first thread. */
static const char *process_comm(const struct analysis *a, const struct model_thread *t)
{
	size_t n;
	const struct model_thread *all = model_threads(a->model, &n);

	for (size_t i = n; t->pid != NO_VALUE && i-- > 0;) {
		if (all[i].machine == t->machine && all[i].tid == t->pid && all[i].comm[0])
			return all[i].comm;
	}
	return t->comm[0] ? t->comm : "?";
}

static const char *vcpu_label(const struct analysis *a, int vcpu, struct arena *arena)
{
	const struct ident_vcpu *v = &a->identity.vcpus.at[vcpu];
	const char *vm = a->identity.vms.at[v->vm].name;

	if (v->index == NO_VALUE)
		return arena_printf(arena, "a vCPU of %s, tid %" PRId64, vm, v->tid);
	return arena_printf(arena, "vCPU %" PRId64 " of %s", v->index, vm);
}

static const char *process_label(const struct analysis *a, const struct occupant *o, int own_vm,
				 struct arena *arena)
{
	const struct model_thread *t = o->thread;
	const char *of = o->kind == OCCUPANT_VMM ? a->identity.vms.at[o->vm].name : NULL;
	const char *vm =
		!of ? "" : arena_printf(arena, " of %s%s", of, o->vm == own_vm ? " itself" : "");

	if (t->pid == NO_VALUE)
		return arena_printf(arena, "%s%s, tid %" PRId64, process_comm(a, t), vm, t->tid);
	return arena_printf(arena, "%s%s, pid %" PRId64, process_comm(a, t), vm, t->pid);
}

const char *occupant_label(const struct analysis *a, const struct occupant *o, int own_vm,
			   struct arena *arena)
{
	switch (o->kind) {
	case OCCUPANT_VCPU:
		return vcpu_label(a, o->thread->vcpu, arena);
	case OCCUPANT_VHOST:
		if (o->vm == IDENT_NONE)
			return arena_printf(arena, "vhost worker %s", o->thread->comm);
		return arena_printf(arena, "vhost worker of %s%s", a->identity.vms.at[o->vm].name,
				    o->vm == own_vm ? " itself" : "");
	case OCCUPANT_VMM:
	case OCCUPANT_PROCESS:
		return process_label(a, o, own_vm, arena);
	case OCCUPANT_KERNEL:
		return arena_printf(arena, "kernel thread %s", o->thread->comm);
	case OCCUPANT_IDLE:
		return "idle (wake-up latency)";
	default:
		return "unknown (not recorded)";
	}
}

size_t vm_machine_id(const struct analysis *a, size_t vm)
{
	size_t id = a->n_machines;

	if (a->identity.vms.at[vm].guest != IDENT_NONE)
		return (size_t)a->identity.vms.at[vm].guest;
	for (size_t i = 0; i < vm; i++)
		id += a->identity.vms.at[i].guest == IDENT_NONE;
	return id;
}

const char *exit_label(const struct exit_cause *cause, struct arena *arena)
{
	const char *name = cause->reason > UINT32_MAX ? NULL
						      : exit_reason_name((enum isa)cause->isa,
									 (uint32_t)cause->reason);

	if (cause->reason == NO_EXIT)
		return "(not recorded)";
	if (!name)
		return arena_printf(arena, "exit %" PRIu64, cause->reason);
	if (exit_reason_is_failed_entry((enum isa)cause->isa, (uint32_t)cause->reason))
		return arena_printf(arena, "%s (entry failed)", name);
	return name;
}

const char *isa_label(uint8_t isa)
{
	switch (isa) {
	case ISA_VMX:
		return "vmx";
	case ISA_SVM:
		return "svm";
	case ISA_ARM64:
		return "arm64";
	default:
		return NULL;
	}
}
