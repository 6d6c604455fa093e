#include "analyze/warnings.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "events/exit_reason.h"
#include "events/required.h"
#include "schema/table.h"

/* A hundredth: as many events may lie at the very ends of their windows. */
enum { NEGLIGIBLE_SHARE = 100 };

static void add_diags(struct warnings *f, const struct diag_list *diags, int machine,
		      const struct clock_map *clock)
{
	for (int i = 0; i < DIAG_N; i++) {
		struct diag where = diags->at[i];

		if (!where.count)
			continue;
		if (clock && where.first_ns != DIAG_NO_TIME)
			where.first_ns = clock_map_apply(clock, where.first_ns);
		*vec_push(&f->at) = (struct warning){
			.kind = diag_kind((enum diag_id)i), .machine = machine, .where = where};
	}
}

static void add(struct warnings *f, enum diag_id id, int machine, uint64_t count)
{
	if (!count)
		return;
	*vec_push(&f->at) = (struct warning){.kind = diag_kind(id),
					     .machine = machine,
					     .where = {.count = count, .first_ns = DIAG_NO_TIME}};
}

/* ---- events that were not recorded ------------------------------------------------------------- */

/* Return: what the recording says that it holds, of which events that are none of ours count as recorded; the caller's. */
static struct required_seen *seen_in(const struct analysis *a, int machine)
{
	const struct recording *trace = a->session.recordings.at[machine];
	struct required_seen *seen = mem_zalloc(trace->events.n + 1, sizeof(*seen));

	for (size_t i = 0; i < trace->events.n; i++) {
		enum event_id id = trace->events.at[i].id;

		seen[i].name = trace->events.at[i].name;
		seen[i].is_recorded = id == EV_N || event_set_has(a->described[machine], id);
	}
	return seen;
}

/* That an enabled event never was recorded says nothing: perhaps it never happened. */
static void add_missing(struct warnings *f, const struct analysis *a, int machine,
			const struct required_recording *in, enum need need, enum diag_id id)
{
	bool knows_threads = a->session.recordings.at[machine]->knows_threads;
	const char *detail = "";
	uint64_t n = 0;

	for (const struct required_event *r = required_events;
	     r < required_events + n_required_events; r++) {
		enum required_presence presence = required_presence(r, in);

		if (r->need != need || (presence != REQUIRED_ABSENT && presence != REQUIRED_NONE))
			continue;
		detail = arena_printf(&f->texts, "%s%s%s: %s", detail, n++ ? "; " : "",
				      required_name(r, in->tracer),
				      required_without(r, in->roles, knows_threads));
	}
	add(f, id, machine, n);
	if (n)
		f->at.at[f->at.n - 1].detail = detail;
}

static void add_all_missing(struct warnings *f, const struct analysis *a, int machine)
{
	const struct recording *trace = a->session.recordings.at[machine];
	struct required_seen *seen = seen_in(a, machine);
	struct required_recording in = {
		.tracer = tracer_of(trace->tracer),
		.roles = role_to_look_for(identity_role(&a->identity.machines.at[machine])),
		.lists_unrecorded = trace->lists_unrecorded,
		.seen = seen,
		.n_seen = trace->events.n};

	add_missing(f, a, machine, &in, NEED_CORE, DIAG_EVENTS_MISSING);
	add_missing(f, a, machine, &in, NEED_DETAIL, DIAG_DETAILS_MISSING);
	free(seen);
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

/* ---- exits for reasons without a name ----------------------------------------------------------- */

/* So many are named in full. */
enum { NAMELESS_TOLD = 8 };

struct nameless {
	int64_t reason, isa; /* TABLE_NULL: not recorded */
	uint64_t n;
};

typedef VEC(struct nameless) nameless_t;

static bool exits_have_name(const struct tally_exits *e)
{
	return e->reason != TABLE_NULL && e->isa != TABLE_NULL &&
	       exit_reason_name((enum isa)e->isa, (uint32_t)e->reason);
}

static void add_nameless(nameless_t *all, const struct tally_exits *e)
{
	vec_each (x, all) {
		if (x->reason == e->reason && x->isa == e->isa) {
			x->n += e->n;
			return;
		}
	}
	*vec_push(all) = (struct nameless){.reason = e->reason, .isa = e->isa, .n = e->n};
}

static int most_first(const void *a, const void *b)
{
	const struct nameless *x = a, *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return x->reason < y->reason ? -1 : x->reason > y->reason;
}

static const char *nameless_text(struct arena *texts, const struct nameless *x)
{
	const char *isa = x->isa == TABLE_NULL ? NULL : isa_name((enum isa)x->isa);

	if (x->reason == TABLE_NULL)
		return "not recorded";
	return arena_printf(texts, "%" PRIu32 " of %s",
			    exit_reason_number((enum isa)x->isa, (uint32_t)x->reason),
			    isa ? isa : "an unknown processor");
}

static void tell_nameless(struct warnings *f, nameless_t *all, int machine)
{
	const char *detail = "";
	uint64_t n = 0;

	if (all->n)
		qsort(all->at, all->n, sizeof(*all->at), most_first);
	vec_each (x, all) {
		n += x->n;
		if (x - all->at < NAMELESS_TOLD)
			detail = arena_printf(&f->texts, "%s%s%s, %" PRIu64 " time%s", detail,
					      x == all->at ? "" : "; ", nameless_text(&f->texts, x),
					      x->n, x->n == 1 ? "" : "s");
	}
	if (all->n > NAMELESS_TOLD)
		detail =
			arena_printf(&f->texts, "%s; and %zu more", detail, all->n - NAMELESS_TOLD);
	add(f, DIAG_EXIT_REASON, machine, n);
	if (n)
		f->at.at[f->at.n - 1].detail = detail;
}

static void add_exits(struct warnings *f, const struct analysis *a, const struct tally *tally,
		      int host)
{
	nameless_t all = {0};

	for (size_t i = 0; i < tally->n; i++) {
		if (a->identity.vms.at[a->identity.vcpus.at[i].vm].host != host)
			continue;
		vec_each (e, &tally->vcpus[i].exits) {
			if (!exits_have_name(e))
				add_nameless(&all, e);
		}
	}
	tell_nameless(f, &all, host);
	vec_deinit(&all);
}

/* ---- the recorder's agent ----------------------------------------------------------------------- */

static void add_agent(struct warnings *f, const struct sync_estimate *agent, int machine)
{
	bool is_off = agent->present && agent->excess > 0;

	add(f, DIAG_AGENT_CLOCK, machine, is_off);
	if (is_off)
		f->at.at[f->at.n - 1].detail = arena_printf(
			&f->texts,
			"it is at least %" PRId64 " ns outside of what containment allows",
			agent->excess);
}

/* ---- TSC offsets -------------------------------------------------------------------------------- */

/* Before it first entered the guest, and after it last did, nobody sees it change. */
static bool tsc_is_in_use(const struct evidence *e, const struct evidence_tsc *write)
{
	vec_each (v, &e->vcpus) {
		if (v->tid == write->tid && v->first_ns < write->ts && write->ts < v->last_ns)
			return true;
	}
	return false;
}

/* Return: how often the TSC of this guest's vCPUs was changed while they ran. */
static uint64_t count_tsc_writes(const struct identity *id, int machine)
{
	int vm = id->machines.at[machine].vm;
	const int host = vm == IDENT_NONE ? IDENT_NONE : id->vms.at[vm].host;
	uint64_t n = 0;

	if (host == IDENT_NONE)
		return 0;
	const struct evidence *e = id->machines.at[host].evidence;

	vec_each (write, &e->tsc) {
		int vcpu = write->tid == NO_VALUE
				   ? IDENT_NONE
				   : identity_vcpu_of_thread(id, host, write->tid, write->ts);

		n += vcpu != IDENT_NONE && id->vcpus.at[vcpu].vm == vm &&
		     write->previous != write->next && tsc_is_in_use(e, write);
	}
	return n;
}

/* ---- clocks of CPUs ----------------------------------------------------------------------------- */

/* By how many us the clock of a CPU is ahead of the machine's, and the bound on what is wrong. */
struct cpu_ahead {
	double us, error; /* negative: not known */
};

static struct cpu_ahead cpu_ahead_at(const struct machine_sync *s, const struct sync_cpu_clock *c,
				     int64_t t)
{
	const struct clock_piece *p = clock_map_piece(&c->estimate.map, t);
	const struct clock_piece *q = clock_map_piece(&s->cpus.at[0].estimate.map, t);
	bool known = p->error != CLOCK_ERROR_UNKNOWN && q->error != CLOCK_ERROR_UNKNOWN;

	return (struct cpu_ahead){(double)(clock_piece_apply(q, t) - clock_piece_apply(p, t)) / 1e3,
				  known ? (double)(p->error + q->error) / 1e3 : -1};
}

static char *cpu_ahead_text(struct arena *texts, const struct cpu_ahead *a)
{
	return a->error < 0 ? arena_printf(texts, "about %.1f us", fabs(a->us))
			    : arena_printf(texts, "%.1f us (±%.1f)", fabs(a->us), a->error);
}

static char *cpu_clock_text(struct arena *texts, const struct machine_sync *s,
			    const struct sync_cpu_clock *c)
{
	const struct clock_map *map = &c->estimate.map;

	if (!c->estimate.present)
		return arena_printf(texts, "that of CPU %" PRIu32 " is not known", c->cpu);
	struct cpu_ahead first = cpu_ahead_at(s, c, map->pieces[0].from);
	struct cpu_ahead last = cpu_ahead_at(s, c, map->pieces[map->n_pieces - 1].to - 1);
	char *text = arena_printf(texts, "that of CPU %" PRIu32 " is %s %s that of CPU %" PRIu32,
				  c->cpu, cpu_ahead_text(texts, &last),
				  last.us < 0 ? "behind" : "ahead of", s->cpus.at[0].cpu);

	if (fabs(last.us - first.us) <= fmax(first.error, 0) + fmax(last.error, 0))
		return text;
	return arena_printf(texts, "%s at the end, %s %s it at the begin", text,
			    cpu_ahead_text(texts, &first), first.us < 0 ? "behind" : "ahead of");
}

/* Those that share the clock of the first are not told of. */
static void add_cpu_clocks(struct warnings *f, const struct machine_sync *s, int machine)
{
	const char *detail = "";
	uint64_t n = 0;

	vec_each (c, &s->cpus) {
		if (!c->group)
			continue;
		detail = arena_printf(&f->texts, "%s%s%s", detail, n++ ? "; " : "",
				      cpu_clock_text(&f->texts, s, c));
	}
	add(f, DIAG_CPU_CLOCKS, machine, n);
	if (n)
		f->at.at[f->at.n - 1].detail = detail;
}

/* ---- all --------------------------------------------------------------------------------------- */

static void add_of_machine(struct warnings *f, const struct analysis *a, const struct tally *tally,
			   int machine)
{
	const struct machine_sync *s = &a->sync[machine];
	struct sync_against taken = machine_sync_against(s);

	add_diags(f, &a->diags[machine], machine, &s->map);
	add(f, DIAG_CLOCK_UNKNOWN, machine, s->method == SYNC_AS_IS);
	add(f, DIAG_CLOCK_UNRELATED, machine, analysis_is_unrelated(a, machine));
	add_cpu_clocks(f, s, machine);
	add(f, DIAG_TSC_WRITTEN, machine, count_tsc_writes(&a->identity, machine));
	add(f, DIAG_CLOCK_VIOLATION, machine, taken.violations);
	add(f, DIAG_CLOCK_DISAGREEMENT, machine, s->disagreements);
	add_agent(f, &s->estimates[SYNC_AGENT], machine);
	if (taken.outside > taken.n_events / NEGLIGIBLE_SHARE)
		add(f, DIAG_CLOCK_OUTSIDE, machine, taken.outside);
	add(f, DIAG_KVM_UNPLACED, machine, a->evidence[machine].n_unplaced);
	add(f, DIAG_VM_UNKNOWN, machine, count_loose(&a->identity, machine));
	add_exits(f, a, tally, machine);
	add_all_missing(f, a, machine);
}

static int worst_first(const void *a, const void *b)
{
	const struct warning *x = a, *y = b;

	if (x->kind->severity != y->kind->severity)
		return x->kind->severity > y->kind->severity ? -1 : 1;
	if (x->machine != y->machine)
		return x->machine < y->machine ? -1 : 1;
	return x->kind < y->kind ? -1 : x->kind > y->kind;
}

void warnings_init(struct warnings *f, const struct analysis *a, const struct tally *tally)
{
	*f = (struct warnings){0};
	add_diags(f, &a->session.diags, IDENT_NONE, NULL);
	for (size_t i = 0; i < a->n_machines; i++)
		add_of_machine(f, a, tally, (int)i);
	add(f, DIAG_CONTRADICTION, IDENT_NONE, model_contradictions(a->model));
	add(f, DIAG_NO_VCPU, IDENT_NONE, !a->identity.vcpus.n);
	if (f->at.n)
		qsort(f->at.at, f->at.n, sizeof(*f->at.at), worst_first);
}

void warnings_deinit(struct warnings *f)
{
	vec_deinit(&f->at);
	arena_deinit(&f->texts);
}
