#include "analyze/sync.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "timeline/clock_compose.h"
#include "timeline/sync_fit.h"
#include "timeline/sync_vmsync.h"

const char *sync_method_name(enum sync_method method)
{
	static const char *const names[SYNC_N_METHODS] = {
		[SYNC_REFERENCE] = "reference",
		[SYNC_VMSYNC] = "vmsync",
		[SYNC_CONTAINMENT] = "containment",
		[SYNC_TSC] = "tsc",
		[SYNC_GIVEN] = "given",
		[SYNC_AS_IS] = "none",
	};

	return names[method];
}

/* All that one machine's alignment needs. */
struct task {
	const struct identity *id;
	struct ctf_trace *const *traces;
	const struct containment *contained;
	const struct sync_options *options;
	int machine;
	int64_t first, last; /* of its events; machine ns */
};

static void find_span(struct task *t)
{
	const struct evidence *e = t->id->machines.at[t->machine].evidence;
	int64_t first = INT64_MAX, last = INT64_MIN;

	for (size_t i = 0; i < e->cpus.n; i++) {
		first = e->cpus.at[i].first_ns < first ? e->cpus.at[i].first_ns : first;
		last = e->cpus.at[i].last_ns > last ? e->cpus.at[i].last_ns : last;
	}
	t->first = first <= last ? first : 0;
	t->last = first <= last ? last : 0;
}

static int64_t worst_error(const struct clock_map *map)
{
	int64_t worst = 0;

	for (size_t i = 0; i < map->n_pieces; i++) {
		if (map->pieces[i].error == CLOCK_ERROR_UNKNOWN)
			return CLOCK_ERROR_UNKNOWN;
		worst = map->pieces[i].error > worst ? map->pieces[i].error : worst;
	}
	return worst;
}

/* The map moves out of the fit. */
static void take_fit(struct sync_estimate *e, struct sync_fit *fit)
{
	e->present = true;
	e->map = fit->map;
	fit->map = (struct clock_map){0};
	e->error = worst_error(&e->map);
	e->constraints = fit->constraints;
	e->violations = fit->violations;
}

/* ---- vmsync ----------------------------------------------------------------------------------- */

typedef VEC(struct sync_vmsync_event) events_t;

static int by_time(const void *a, const void *b)
{
	const struct sync_vmsync_event *x = a, *y = b;

	return x->ts < y->ts ? -1 : x->ts > y->ts;
}

/* The machine's events of one VM, on the host's side or on the guest's. */
static void collect(events_t *out, const struct evidence *e, int64_t uid, bool host_side)
{
	enum event_id gh = host_side ? EV_VMSYNC_GH_HOST : EV_VMSYNC_GH_GUEST;
	enum event_id hg = host_side ? EV_VMSYNC_HG_HOST : EV_VMSYNC_HG_GUEST;

	vec_each (v, &e->vmsync) {
		if (v->vm_uid != uid || (v->id != gh && v->id != hg))
			continue;
		*vec_push(out) = (struct sync_vmsync_event){
			.ts = v->ts, .cnt = (uint64_t)v->cnt, .to_guest = v->id == hg};
	}
	if (out->n)
		qsort(out->at, out->n, sizeof(*out->at), by_time);
}

static void fit_pairs(struct sync_estimate *e, const struct task *t, const struct sync_vmsync *v)
{
	struct sync_fit_options options = sync_fit_defaults(t->first, t->last);
	struct sync_fit fit;

	if (sync_fit_init(&fit, v->bounds.at, v->bounds.n, &options))
		return;
	take_fit(e, &fit);
	e->decoys = v->decoys;
	e->lost = v->lost_host + v->lost_guest;
	sync_fit_deinit(&fit);
}

static void estimate_by_vmsync(struct sync_estimate *e, const struct task *t)
{
	const struct ident_vm *vm = &t->id->vms.at[t->id->machines.at[t->machine].vm];
	events_t host = {0}, guest = {0};
	struct sync_vmsync v;

	collect(&host, t->id->machines.at[vm->host].evidence, vm->vm_uid, true);
	collect(&guest, t->id->machines.at[t->machine].evidence, vm->vm_uid, false);
	sync_vmsync_init(&v, host.at, host.n, guest.at, guest.n);
	fit_pairs(e, t, &v);
	sync_vmsync_deinit(&v);
	vec_deinit(&host);
	vec_deinit(&guest);
}

/* ---- containment ------------------------------------------------------------------------------ */

static void estimate_by_containment(struct sync_estimate *e, const struct task *t)
{
	struct sync_fit_options options = sync_fit_defaults(t->first, t->last);
	struct sync_contain c;

	if (containment_fit(t->contained, t->id, t->machine, &options, &c))
		return;
	take_fit(e, &c.fit);
	sync_contain_deinit(&c);
}

static void check_estimate(struct sync_estimate *e, const struct task *t)
{
	if (!e->present || !t->contained)
		return;
	e->outside_of_piece = mem_zalloc(e->map.n_pieces, sizeof(*e->outside_of_piece));
	containment_count_outside(t->contained, t->id, t->machine, &e->map, &e->n_events,
				  e->outside_of_piece);
	for (size_t i = 0; i < e->map.n_pieces; i++)
		e->outside += e->outside_of_piece[i];
}

/* ---- what the user says ----------------------------------------------------------------------- */

static const struct sync_given *find_given(const struct sync_options *o, const char *machine)
{
	for (size_t i = 0; i < o->n_given; i++) {
		if (!strcmp(o->given[i].machine, machine))
			return &o->given[i];
	}
	return NULL;
}

static const struct sync_tsc *find_tsc(const struct sync_options *o, const char *machine)
{
	for (size_t i = 0; i < o->n_tsc; i++) {
		if (!strcmp(o->tsc[i].machine, machine))
			return &o->tsc[i];
	}
	return NULL;
}

static void use_given(struct sync_estimate *e, const struct task *t, const struct sync_given *g)
{
	e->present = true;
	e->error = CLOCK_ERROR_UNKNOWN;
	clock_map_init_offset(&e->map, g->offset_ns, g->drift, t->first, CLOCK_ERROR_UNKNOWN);
}

static const struct ctf_clock *trace_clock(const struct ctf_trace *trace)
{
	return trace->streams.n ? trace->streams.at[0].cls->clock : NULL;
}

static struct tsc_clock tsc_clock_of(const struct ctf_clock *c)
{
	return (struct tsc_clock){.frequency = c->frequency, .offset = ctf_clock_ns(c, 0)};
}

static int use_tsc(struct sync_estimate *e, const struct task *t, int host,
		   const struct sync_tsc *tsc, struct error *err)
{
	const struct ctf_clock *mine = trace_clock(t->traces[t->machine]);
	const struct ctf_clock *hosts = host == IDENT_NONE ? NULL : trace_clock(t->traces[host]);

	if (host == IDENT_NONE)
		return error_set(err, "--tsc %s: it is not known whose guest that is; use --vm too",
				 tsc->machine);
	/* A kernel clock in ns is steered; no TSC runs at exactly 1 GHz. */
	if (!mine || !hosts || mine->frequency == 1000000000 || hosts->frequency == 1000000000)
		return error_set(err, "--tsc %s: both traces must have the TSC as their clock",
				 tsc->machine);
	struct tsc_clock guest_clock = tsc_clock_of(mine), host_clock = tsc_clock_of(hosts);

	tsc_clock_map_init(&e->map, &tsc->scale, &guest_clock, &host_clock, t->first, t->last);
	e->present = true;
	e->error = worst_error(&e->map);
	return 0;
}

/* ---- choosing --------------------------------------------------------------------------------- */

static void keep_clock(struct machine_sync *s, enum sync_method method)
{
	struct sync_estimate *e = &s->estimates[method];

	s->method = method;
	e->present = true;
	e->error = method == SYNC_REFERENCE ? 0 : CLOCK_ERROR_UNKNOWN;
	clock_map_init_offset(&e->map, 0, 0, 0, e->error);
}

static bool may_use(const struct sync_options *o, enum sync_method method)
{
	return o->method == SYNC_AUTO || o->method == (int)method;
}

/* Return: the estimate with the least error; SYNC_AS_IS when there is none. */
static enum sync_method best_method(const struct machine_sync *s, const struct sync_options *o)
{
	enum sync_method best = SYNC_AS_IS;

	if (s->estimates[SYNC_GIVEN].present)
		return SYNC_GIVEN;
	for (enum sync_method m = SYNC_VMSYNC; m <= SYNC_TSC; m++) {
		if (!s->estimates[m].present || !may_use(o, m))
			continue;
		if (best == SYNC_AS_IS || s->estimates[m].error < s->estimates[best].error)
			best = m;
	}
	return best;
}

/* Aligns one machine with its host; the host's own map is not applied yet. */
static int align(struct machine_sync *s, const struct task *t, struct error *err)
{
	const struct ident_machine *machine = &t->id->machines.at[t->machine];
	const struct sync_given *given = find_given(t->options, machine->name);
	const struct sync_tsc *tsc = find_tsc(t->options, machine->name);

	s->against = machine->vm == IDENT_NONE ? IDENT_NONE : t->id->vms.at[machine->vm].host;
	if (given)
		use_given(&s->estimates[SYNC_GIVEN], t, given);
	if (tsc && use_tsc(&s->estimates[SYNC_TSC], t, s->against, tsc, err))
		return ERR;
	if (machine->vm != IDENT_NONE && t->id->vms.at[machine->vm].vm_uid != NO_VALUE)
		estimate_by_vmsync(&s->estimates[SYNC_VMSYNC], t);
	if (machine->vm != IDENT_NONE && t->contained)
		estimate_by_containment(&s->estimates[SYNC_CONTAINMENT], t);
	s->method = best_method(s, t->options);
	if (s->method == SYNC_AS_IS)
		keep_clock(s,
			   machine->vm == IDENT_NONE && (machine->is_host || t->id->machines.n == 1)
				   ? SYNC_REFERENCE
				   : SYNC_AS_IS);
	for (int m = 0; m < SYNC_N_METHODS && machine->vm != IDENT_NONE; m++)
		check_estimate(&s->estimates[m], t);
	return 0;
}

static void compose_upwards(struct machine_sync *all, int m, bool *done)
{
	struct clock_piece piece = {.from = INT64_MIN, .to = INT64_MAX};
	struct clock_map as_it_is = {.pieces = &piece, .n_pieces = 1};
	struct machine_sync *s = &all[m];
	const struct clock_map *above = &as_it_is;

	if (done[m])
		return;
	done[m] = true; /* first: evidence that goes round in a circle must not */
	if (s->against != IDENT_NONE) {
		compose_upwards(all, s->against, done);
		if (all[s->against].map.n_pieces)
			above = &all[s->against].map;
	}
	clock_map_init_compose(&s->map, &s->estimates[s->method].map, above);
}

static int check_names(const struct identity *id, const struct sync_options *o, struct error *err)
{
	for (size_t i = 0; i < o->n_given + o->n_tsc; i++) {
		const char *name =
			i < o->n_given ? o->given[i].machine : o->tsc[i - o->n_given].machine;

		if (identity_machine_of_name(id, name) == IDENT_NONE)
			return error_set(
				err, "no machine is called '%s'; `vmscope info` names them", name);
	}
	return 0;
}

int sync_machines(const struct identity *id, struct ctf_trace *const *traces,
		  const struct containment *contained, const struct sync_options *options,
		  struct machine_sync *out, struct error *err)
{
	size_t n = id->machines.n;
	bool *done = mem_zalloc(n, sizeof(*done));
	int r = check_names(id, options, err);

	for (size_t i = 0; i < n && !r; i++) {
		struct task t = {.id = id,
				 .traces = traces,
				 .contained = contained,
				 .options = options,
				 .machine = (int)i};

		find_span(&t);
		r = align(&out[i], &t, err);
	}
	for (size_t i = 0; i < n && !r; i++)
		compose_upwards(out, (int)i, done);
	free(done);
	return r;
}

void machine_sync_deinit(struct machine_sync *s)
{
	for (int m = 0; m < SYNC_N_METHODS; m++) {
		clock_map_deinit(&s->estimates[m].map);
		free(s->estimates[m].outside_of_piece);
	}
	clock_map_deinit(&s->map);
}

const struct sync_estimate *machine_sync_taken(const struct machine_sync *s)
{
	return &s->estimates[s->method];
}
