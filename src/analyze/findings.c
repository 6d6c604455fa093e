#include "analyze/findings.h"

#include <inttypes.h>
#include <stdlib.h>

#include "events/required.h"

/* A hundredth: as many events may lie at the very ends of their windows. */
enum { NEGLIGIBLE_SHARE = 100 };

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

/* ---- events that were not recorded ------------------------------------------------------------- */

static unsigned roles_of(const struct ident_machine *m)
{
	/* A host's events are what a machine of unknown role does not have. */
	return (m->is_host ? ROLE_HOST : 0u) | (m->is_guest || !m->is_host ? ROLE_GUEST : 0u);
}

/* Where it is not known what was enabled, that one was recorded is what tells. */
static bool can_hold(const struct analysis *a, int machine, const struct required_event *r)
{
	const struct recording *trace = a->session.recordings.at[machine];
	enum tracer tracer = tracer_of(trace->tracer);

	vec_each (e, &trace->events) {
		if (required_matches(r, tracer, e->name) &&
		    (!trace->lists_unrecorded || e->id == EV_N ||
		     event_set_has(a->described[machine], e->id)))
			return true;
	}
	return false;
}

static void add_missing(struct findings *f, const struct analysis *a, int machine, enum need need,
			enum diag_id id)
{
	const struct recording *trace = a->session.recordings.at[machine];
	enum tracer tracer = tracer_of(trace->tracer);
	unsigned roles = roles_of(&a->identity.machines.at[machine]);
	const char *detail = "";
	uint64_t n = 0;

	for (const struct required_event *r = required_events;
	     r < required_events + n_required_events; r++) {
		if (!(r->roles & roles) || r->need != need || !required_by(r, tracer) ||
		    can_hold(a, machine, r))
			continue;
		detail = arena_printf(&f->texts, "%s%s%s: %s", detail, n++ ? "; " : "",
				      required_name(r, tracer),
				      required_without(r, roles, trace->knows_threads));
	}
	add(f, id, machine, n);
	if (n)
		f->at.at[f->at.n - 1].detail = detail;
}

/* ---- vCPUs of unknown VMs ----------------------------------------------------------------------- */

/* Return: how many VMs of the host may be one with another; of one alone that is no question. */
static uint64_t count_loose(const struct identity *id, int host)
{
	uint64_t n = 0, all = 0;

	vec_each (vm, &id->vms) {
		all += vm->host == host;
		n += vm->host == host && !vm->is_whole && vm->guest == IDENT_NONE;
	}
	return all > 1 ? n : 0;
}

/* ---- the recorder's agent ----------------------------------------------------------------------- */

static void add_agent(struct findings *f, const struct sync_estimate *agent, int machine)
{
	bool is_off = agent->present && agent->excess > 0;

	add(f, DIAG_AGENT_CLOCK, machine, is_off);
	if (is_off)
		f->at.at[f->at.n - 1].detail = arena_printf(
			&f->texts,
			"it is at least %" PRId64 " ns outside of what containment allows",
			agent->excess);
}

/* ---- all --------------------------------------------------------------------------------------- */

static void add_of_machine(struct findings *f, const struct analysis *a, int machine)
{
	const struct machine_sync *s = &a->sync[machine];
	const struct sync_estimate *taken = machine_sync_taken(s);

	add_diags(f, &a->diags[machine], machine, &s->map);
	add(f, DIAG_CLOCK_UNKNOWN, machine, s->method == SYNC_AS_IS);
	add(f, DIAG_CLOCK_UNRELATED, machine, analysis_is_unrelated(a, machine));
	add(f, DIAG_CLOCK_VIOLATION, machine, taken->violations);
	add(f, DIAG_CLOCK_DISAGREEMENT, machine, s->disagreements);
	add_agent(f, &s->estimates[SYNC_AGENT], machine);
	if (taken->outside > taken->n_events / NEGLIGIBLE_SHARE)
		add(f, DIAG_CLOCK_OUTSIDE, machine, taken->outside);
	add(f, DIAG_KVM_UNPLACED, machine, a->evidence[machine].n_unplaced);
	add(f, DIAG_VM_UNKNOWN, machine, count_loose(&a->identity, machine));
	add_missing(f, a, machine, NEED_CORE, DIAG_EVENTS_MISSING);
	add_missing(f, a, machine, NEED_DETAIL, DIAG_DETAILS_MISSING);
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
	arena_deinit(&f->texts);
}
