#include "report/findings.h"

#include <stdlib.h>

#include "report/digest.h"

static void add_diags(struct findings *f, const struct diag_list *diags, int machine,
		      const struct clock_map *clock)
{
	for (int i = 0; i < DIAG_N; i++) {
		struct diag where = diags->at[i];

		if (!where.count)
			continue;
		if (clock && where.first_ns != DIAG_NO_TIME)
			where.first_ns = clock_map_apply(clock, where.first_ns);
		*vec_push(&f->at) = (struct finding){
			.kind = diag_kind((enum diag_id)i), .machine = machine, .where = where};
	}
}

static void add(struct findings *f, enum diag_id id, int machine, uint64_t count)
{
	if (!count)
		return;
	*vec_push(&f->at) = (struct finding){.kind = diag_kind(id),
					     .machine = machine,
					     .where = {.count = count, .first_ns = DIAG_NO_TIME}};
}

static void add_of_machine(struct findings *f, const struct analysis *a, int machine)
{
	const struct machine_sync *s = &a->sync[machine];

	add_diags(f, &a->diags[machine], machine, &s->map);
	add(f, DIAG_CLOCK_UNKNOWN, machine, s->method == SYNC_AS_IS);
	add(f, DIAG_CLOCK_VIOLATION, machine, machine_sync_taken(s)->violations);
	add(f, DIAG_KVM_UNPLACED, machine, a->evidence[machine].n_unplaced);
}

static int worst_first(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (x->kind->severity != y->kind->severity)
		return x->kind->severity > y->kind->severity ? -1 : 1;
	if (x->machine != y->machine)
		return x->machine < y->machine ? -1 : 1;
	return x->kind < y->kind ? -1 : x->kind > y->kind;
}

void findings_init(struct findings *f, const struct analysis *a)
{
	*f = (struct findings){0};
	add_diags(f, &a->session.diags, IDENT_NONE, NULL);
	for (size_t i = 0; i < a->n_machines; i++)
		add_of_machine(f, a, (int)i);
	add(f, DIAG_CONTRADICTION, IDENT_NONE, model_contradictions(a->model));
	add(f, DIAG_NO_VCPU, IDENT_NONE, !a->identity.vcpus.n);
	if (f->at.n)
		qsort(f->at.at, f->at.n, sizeof(*f->at.at), worst_first);
}

void findings_deinit(struct findings *f)
{
	vec_deinit(&f->at);
}
