#include "model/world.h"

/* Makes the vCPUs that are this CPU of a guest know it. Return: the first of them, or NULL. */
static struct world_vcpu *tie_vcpus(struct model *m, struct cpu *c)
{
	int vm = m->identity->machines.at[c->machine].vm;
	struct world_vcpu *first = NULL;

	for (size_t i = 0; vm != IDENT_NONE && i < m->n_vcpus; i++) {
		const struct ident_vcpu *v = &m->identity->vcpus.at[i];

		if (v->vm != vm || v->guest_cpu != c->number)
			continue;
		m->vcpus[i].inner = c;
		first = first ? first : &m->vcpus[i];
	}
	return first;
}

static struct cpu *make_cpu(struct model *m, uint32_t machine, uint32_t number)
{
	struct machine *mc = &m->machines[machine];
	struct cpu *c = mem_zalloc(1, sizeof(*c));

	c->machine = machine;
	c->number = number;
	c->is_virtual = m->identity->machines.at[machine].vm != IDENT_NONE;
	c->carrier = tie_vcpus(m, c);
	cpu_lane_init(&c->lane, machine, number, m->lanes[machine].begin);
	*vec_push(&mc->cpus) = c;
	if (number < DIRECT_CPUS)
		mc->direct[number] = c;
	return c;
}

struct cpu *world_find_cpu(struct model *m, uint32_t machine, uint32_t number)
{
	struct machine *mc = &m->machines[machine];
	uint64_t *i = map_put(&mc->cpu_by_number, number, mc->cpus.n);

	return *i < mc->cpus.n ? mc->cpus.at[*i] : make_cpu(m, machine, number);
}
