#include "report/digest.h"

#include <stdlib.h>

struct model_span machine_span(const struct analysis *a, size_t machine)
{
	const struct evidence *e = &a->evidence[machine];
	int64_t first = INT64_MAX, last = INT64_MIN;

	vec_each (c, &e->cpus) {
		first = c->first_ns < first ? c->first_ns : first;
		last = c->last_ns > last ? c->last_ns : last;
	}
	if (first > last)
		return (struct model_span){0};
	return (struct model_span){.begin = clock_map_apply(&a->sync[machine].map, first),
				   .end = clock_map_apply(&a->sync[machine].map, last) + 1};
}

int machine_reference(const struct analysis *a, int machine)
{
	/* No more steps than machines: evidence can go round in a circle. */
	for (size_t i = 0; i < a->n_machines && a->sync[machine].against != IDENT_NONE; i++)
		machine = a->sync[machine].against;
	return machine;
}

static void add_exits(struct vm_exits *x, const struct summary_exits *from)
{
	struct summary_exits *to = NULL;

	vec_each (e, &x->exits) {
		if (e->cause.reason == from->cause.reason && e->cause.isa == from->cause.isa)
			to = e;
	}
	if (!to) {
		to = vec_push(&x->exits);
		to->cause = from->cause;
	}
	to->n += from->n;
	histogram_merge(&to->whole, &from->whole);
	to->handled += from->handled;
	to->userspace += from->userspace;
	to->preempted += from->preempted;
	to->blocked += from->blocked;
	to->early += from->early;
}

static int by_total(const void *a, const void *b)
{
	const struct summary_exits *x = a, *y = b;

	if (x->whole.sum != y->whole.sum)
		return x->whole.sum > y->whole.sum ? -1 : 1;
	return x->cause.reason < y->cause.reason ? -1 : x->cause.reason > y->cause.reason;
}

void vm_exits_init(struct vm_exits *x, const struct analysis *a, int vm)
{
	*x = (struct vm_exits){0};
	for (size_t i = 0; i < a->identity.vcpus.n; i++) {
		const struct summary_vcpu *v = &a->summary.vcpus[i];

		if (a->identity.vcpus.at[i].vm != vm)
			continue;
		x->known += known_time(v);
		vec_each (e, &v->exits)
			add_exits(x, e);
	}
	if (x->exits.n)
		qsort(x->exits.at, x->exits.n, sizeof(*x->exits.at), by_total);
}

void vm_exits_deinit(struct vm_exits *x)
{
	vec_each (e, &x->exits)
		histogram_deinit(&e->whole);
	vec_deinit(&x->exits);
}

size_t vm_n_vcpus(const struct analysis *a, int vm)
{
	size_t n = 0;

	vec_each (v, &a->identity.vcpus)
		n += v->vm == vm;
	return n;
}

int64_t known_time(const struct summary_vcpu *v)
{
	return summary_span(v) - v->time[VCPU_UNKNOWN];
}
