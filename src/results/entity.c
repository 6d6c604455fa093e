#include "results/entity.h"

#include <inttypes.h>
#include <stdlib.h>

#include "results/naming.h"

struct entity entity_of(enum entity_kind kind, int64_t id)
{
	return id < 0 || id >> ENTITY_ID_BITS ? (struct entity){0} : (struct entity){kind, id};
}

/* ---- of states ------------------------------------------------------------------------------- */

uint32_t entity_columns(enum table_id table)
{
	switch (table) {
	case TABLE_VCPU_STATE:
		return 1U << COL_VCPU_STATE_EXIT_NAME | 1U << COL_VCPU_STATE_OCCUPANT_THREAD_ID |
		       1U << COL_VCPU_STATE_OCCUPANT_HANDLER;
	case TABLE_THREAD_STATE:
		return 1U << COL_THREAD_STATE_SYSCALL;
	default:
		return 1U << COL_CPU_STATE_THREAD_ID | 1U << COL_CPU_STATE_VM_ID |
		       1U << COL_CPU_STATE_VCPU_ID | 1U << COL_CPU_STATE_GUEST_THREAD_ID;
	}
}

static struct entity entity_of_vcpu(const int64_t *v)
{
	switch (v[COL_VCPU_STATE_STATE]) {
	case VCPU_PREEMPTED:
	case VCPU_WAITING:
		if (v[COL_VCPU_STATE_OCCUPANT_HANDLER] >= 0)
			return entity_of(ENTITY_STRING, v[COL_VCPU_STATE_OCCUPANT_HANDLER]);
		return entity_of(ENTITY_THREAD, v[COL_VCPU_STATE_OCCUPANT_THREAD_ID]);
	case VCPU_HYPERVISOR:
	case VCPU_USERSPACE:
	case VCPU_BLOCKED:
		return entity_of(ENTITY_STRING, v[COL_VCPU_STATE_EXIT_NAME]);
	default:
		return (struct entity){0};
	}
}

static struct entity entity_of_cpu(const int64_t *v)
{
	switch (v[COL_CPU_STATE_STATE]) {
	case CPU_VM:
		if (v[COL_CPU_STATE_GUEST_THREAD_ID] >= 0)
			return entity_of(ENTITY_GUEST_THREAD, v[COL_CPU_STATE_GUEST_THREAD_ID]);
		if (v[COL_CPU_STATE_VCPU_ID] >= 0)
			return entity_of(ENTITY_VCPU, v[COL_CPU_STATE_VCPU_ID]);
		return entity_of(ENTITY_MACHINE, v[COL_CPU_STATE_VM_ID]);
	case CPU_USER:
	case CPU_SYSCALL:
		return entity_of(ENTITY_THREAD, v[COL_CPU_STATE_THREAD_ID]);
	default:
		return (struct entity){0};
	}
}

struct entity entity_of_state(enum table_id table, const int64_t *values)
{
	switch (table) {
	case TABLE_VCPU_STATE:
		return entity_of_vcpu(values);
	case TABLE_THREAD_STATE:
		return entity_of(ENTITY_STRING, values[COL_THREAD_STATE_SYSCALL]);
	default:
		return entity_of_cpu(values);
	}
}

/* ---- texts ----------------------------------------------------------------------------------- */

static const char *entity_vm(const struct results *r, int machine)
{
	return machine == NOBODY ? "?" : r->machines.at[machine].name;
}

static char *entity_vcpu(const struct results *r, int vcpu)
{
	const struct res_vcpu *v = &r->vcpus.at[vcpu];

	return name_vcpu(entity_vm(r, v->machine), v->index, v->tid);
}

static char *entity_thread(const struct results *r, int thread, bool of_guest)
{
	const struct res_thread *t = &r->threads.at[thread];

	if (t->vcpu != NOBODY && !of_guest)
		return entity_vcpu(r, t->vcpu);
	char *own = name_thread(t->comm, t->tid);

	if (!of_guest)
		return own;
	char *text = mem_printf("%s %s", entity_vm(r, t->machine), own);

	free(own);
	return text;
}

char *entity_text(const struct results *r, struct entity e)
{
	static const enum table_id tables[] = {
		[ENTITY_MACHINE] = TABLE_MACHINE,
		[ENTITY_VCPU] = TABLE_VCPU,
		[ENTITY_THREAD] = TABLE_THREAD,
		[ENTITY_GUEST_THREAD] = TABLE_THREAD,
	};
	static const char *const kinds[] = {
		[ENTITY_MACHINE] = "machine",
		[ENTITY_VCPU] = "vCPU",
		[ENTITY_THREAD] = "thread",
		[ENTITY_GUEST_THREAD] = "thread",
	};
	const char *string;

	if (e.kind == ENTITY_NONE)
		return mem_strdup("");
	if (e.kind == ENTITY_STRING) {
		string = store_string(r->store, e.id);
		return mem_strdup(string ? string : "?");
	}
	int i = results_find(r, tables[e.kind], e.id);

	if (i == NOBODY)
		return mem_printf("%s %" PRId64, kinds[e.kind], e.id);
	if (e.kind == ENTITY_MACHINE)
		return mem_strdup(r->machines.at[i].name);
	if (e.kind == ENTITY_VCPU)
		return entity_vcpu(r, i);
	return entity_thread(r, i, e.kind == ENTITY_GUEST_THREAD);
}
