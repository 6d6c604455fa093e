#include "sync/sync.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "sync/agent.h"
#include "sync/choose.h"
#include "sync/claims.h"
#include "sync/count.h"
#include "sync/cpus.h"
#include "sync/exchanges.h"
#include "sync/fit.h"
#include "sync/follow.h"
#include "sync/search.h"
#include "sync/tsc_offset.h"
#include "timeline/clock_compose.h"

const char *sync_method_name(enum sync_method method)
{
	static const char *const names[SYNC_N_METHODS] = {
		[SYNC_REFERENCE] = "reference",
		[SYNC_VMSYNC] = "vmsync",
		[SYNC_CONTAINMENT] = "containment",
		[SYNC_TSC] = "tsc",
		[SYNC_AGENT] = "agent",
		[SYNC_GIVEN] = "given",
		[SYNC_AS_IS] = "none",
	};

	return names[method];
}

/* All that one machine's alignment needs. */
struct task {
	const struct identity *id;
	const struct sync_input *in;
	const struct sync_options *options;
	const struct sync_found *found; /* of the search; agreeing 0: nothing */
	struct observed_guest guest;
	int machine;
	int64_t first, last;	 /* of its events; machine ns */
	bool followed;		 /* there is `fit` */
	struct sync_fit fit;	 /* by containment */
	struct sync_followed by; /* likewise: the chunks of a long recording */
	struct error err;	 /* why it failed */
};

static void find_span(struct task *t)
{
	int64_t first, last;

	evidence_span(t->id->machines.at[t->machine].evidence, &first, &last);
	t->first = first <= last ? first : 0;
	t->last = first <= last ? last : 0;
}

/* ---- vmsync ---------------------------------------------------------------------------------- */

static void estimate_by_vmsync(struct sync_estimate *e, const struct task *t)
{
	struct sync_exchanges x;
	struct sync_fit fit;

	if (!sync_exchanges_fit(t->in->observed, t->id, t->machine, &x, &fit)) {
		sync_estimate_take_fit(e, &fit);
		e->lost = x.lost;
		sync_fit_deinit(&fit);
	}
	e->decoys = x.decoys;
}

/* ---- containment ----------------------------------------------------------------------------- */

/* What cannot be followed is still roughly where many claims agree that it is. */
static void estimate_by_containment(struct sync_estimate *e, struct task *t)
{
	const struct sync_found *found = t->found;

	if (!found->agreeing)
		return;
	t->followed = !sync_follow(&t->guest, found->difference, &t->fit, &t->by);
	if (t->followed) {
		sync_estimate_take_fit(e, &t->fit);
	} else if (found->agreeing >= SYNC_MIN_CLAIMS) {
		clock_map_init_offset(&e->map, found->difference, 0, t->first, CLOCK_ERROR_UNKNOWN);
		sync_estimate_take_map(e);
	}
}

/* Of a long recording the events outside were counted on the way. */
static void take_followed(struct sync_estimate *e, const struct sync_followed *f)
{
	vec_each (c, &f->chunks) {
		int64_t middle = c->from + (c->to - c->from) / 2;
		size_t piece = (size_t)(clock_map_piece(&e->map, middle) - e->map.pieces);

		e->n_events += c->events;
		e->pieces[piece].outside += c->outside;
		e->outside += c->outside;
	}
}

/* What the windows say of each estimate. */
static void check_estimates(struct machine_sync *s, const struct task *t)
{
	struct sync_count counts[SYNC_N_METHODS];
	struct sync_estimate *of[SYNC_N_METHODS];
	size_t n = 0;

	for (int m = 0; m < SYNC_N_METHODS; m++) {
		struct sync_estimate *e = &s->estimates[m];

		if (!e->present)
			continue;
		if (m == SYNC_CONTAINMENT && t->by.chunks.n) {
			take_followed(e, &t->by);
			continue;
		}
		of[n] = e;
		counts[n++] = (struct sync_count){
			.map = &e->map,
			.outside = mem_zalloc(e->map.n_pieces, sizeof(*counts->outside))};
	}
	if (n)
		sync_count(&t->guest, counts, n);
	for (size_t i = 0; i < n; i++) {
		sync_estimate_take_count(of[i], &counts[i]);
		free(counts[i].outside);
	}
}

/* ---- what the user says ---------------------------------------------------------------------- */

int sync_machine_named(const struct identity *id, const char *name, struct error *err)
{
	int machine = identity_machine_of_name(id, name);

	if (machine == IDENT_NONE)
		return error_set(err, "no machine is called '%s'; `vmscope info` names them", name);
	if (machine == IDENT_SEVERAL)
		return error_set(
			err,
			"'%s' is the host name of more than one machine; say the name that "
			"`vmscope info` gives it",
			name);
	return machine;
}

static const struct sync_given *find_given(const struct task *t)
{
	for (size_t i = 0; i < t->options->n_given; i++) {
		const struct sync_given *given = &t->options->given[i];

		if (identity_machine_of_name(t->id, given->machine) == t->machine)
			return given;
	}
	return NULL;
}

static const struct sync_tsc *find_tsc(const struct task *t)
{
	for (size_t i = 0; i < t->options->n_tsc; i++) {
		const struct sync_tsc *tsc = &t->options->tsc[i];

		if (identity_machine_of_name(t->id, tsc->machine) == t->machine)
			return tsc;
	}
	return NULL;
}

static void use_given(struct sync_estimate *e, const struct task *t, const struct sync_given *g)
{
	clock_map_init_offset(&e->map, g->offset_ns, g->drift, t->first, CLOCK_ERROR_UNKNOWN);
	sync_estimate_take_map(e);
}

static int use_tsc(struct sync_estimate *e, const struct task *t, int host,
		   const struct sync_tsc *tsc, struct error *err)
{
	struct tsc_clock mine, hosts;

	if (host == IDENT_NONE)
		return error_set(err, "--tsc %s: it is not known whose guest that is; use --vm too",
				 tsc->machine);
	if (!sync_tsc_clock(t->in->traces[t->machine], &mine) ||
	    !sync_tsc_clock(t->in->traces[host], &hosts))
		return error_set(err, "--tsc %s: both traces must have the TSC as their clock",
				 tsc->machine);
	tsc_clock_map_init(&e->map, &tsc->scale, &mine, &hosts, t->first, t->last);
	sync_estimate_take_map(e);
	return 0;
}

/* ---- one machine ----------------------------------------------------------------------------- */

static void estimate_by_tsc(struct sync_estimate *e, const struct task *t)
{
	int vm = t->id->machines.at[t->machine].vm;

	if (sync_tsc_recorded(&e->map, t->id, t->in->traces, vm, t->first, t->last))
		sync_estimate_take_map(e);
}

/* The agent is not believed but checked. */
static void estimate_by_agent(struct sync_estimate *e, const struct task *t)
{
	int host = t->id->vms.at[t->id->machines.at[t->machine].vm].host;

	if (!sync_agent_map(&e->map, t->in->traces[host], t->in->traces[t->machine]))
		return;
	sync_estimate_take_map(e);
	e->excess =
		t->followed ? sync_agent_excess(&e->map, &t->fit, t->first, t->last) : INT64_MIN;
}

/*
 * Where no one clock holds for all CPUs: each of them by its own. What is told of the machine as a
 * whole is by that of most.
 */
static void find_cpus(struct machine_sync *s, const struct task *t)
{
	struct sync_estimate *e = &s->estimates[SYNC_CONTAINMENT];
	int method = t->options->method;

	if (!t->found->agreeing || find_given(t) ||
	    (method != SYNC_AUTO && method != SYNC_CONTAINMENT) ||
	    (e->present && !sync_cpus_may_differ(e)))
		return;
	sync_cpus_find(&t->guest, t->found, &s->cpus);
	if (!s->cpus.n || e->present)
		return;
	clock_map_init_offset(&e->map, t->found->difference, 0, t->first, CLOCK_ERROR_UNKNOWN);
	sync_estimate_take_map(e);
}

/* All that the traces allow. */
static void estimate(struct machine_sync *s, struct task *t)
{
	if (t->in->observed && t->id->vms.at[t->id->machines.at[t->machine].vm].vm_uid != NO_VALUE)
		estimate_by_vmsync(&s->estimates[SYNC_VMSYNC], t);
	if (t->in->contain)
		estimate_by_containment(&s->estimates[SYNC_CONTAINMENT], t);
	if (!s->estimates[SYNC_TSC].present)
		estimate_by_tsc(&s->estimates[SYNC_TSC], t);
	estimate_by_agent(&s->estimates[SYNC_AGENT], t);
	if (!t->in->contain)
		return;
	check_estimates(s, t);
	find_cpus(s, t);
}

static void keep_clock(struct machine_sync *s, enum sync_method method)
{
	struct sync_estimate *e = &s->estimates[method];

	s->method = method;
	clock_map_init_offset(&e->map, 0, 0, 0, method == SYNC_REFERENCE ? 0 : CLOCK_ERROR_UNKNOWN);
	sync_estimate_take_map(e);
}

/* Aligns one machine with its host; the host's own map is not applied yet. */
static int align(struct machine_sync *s, struct task *t, struct error *err)
{
	const struct ident_machine *machine = &t->id->machines.at[t->machine];
	const struct sync_given *given = find_given(t);
	const struct sync_tsc *tsc = find_tsc(t);
	bool alone = machine->vm == IDENT_NONE;

	s->against = alone ? IDENT_NONE : t->id->vms.at[machine->vm].host;
	if (given)
		use_given(&s->estimates[SYNC_GIVEN], t, given);
	if (tsc && use_tsc(&s->estimates[SYNC_TSC], t, s->against, tsc, err))
		return ERR;
	if (!alone)
		estimate(s, t);
	s->method = s->cpus.n ? SYNC_CONTAINMENT
			      : sync_choose(s, t->options->method, t->first, t->last);
	if (!s->cpus.n && t->options->method == SYNC_AUTO && s->method != SYNC_GIVEN)
		sync_mix(s, t->first, t->last);
	s->disagreements = sync_disagreements(s, t->first, t->last);
	if (s->method == SYNC_AS_IS)
		keep_clock(s, alone && (machine->is_host || t->id->machines.n == 1) ? SYNC_REFERENCE
										    : SYNC_AS_IS);
	return 0;
}

static void compose_cpus(struct machine_sync *s, const struct clock_map *above)
{
	vec_each (c, &s->cpus) {
		if (c->estimate.present)
			clock_map_init_compose(&c->map, &c->estimate.map, above);
	}
}

/* On which of its host's CPUs a guest is changes, and with it its clock where those differ. */
static void forget_errors(struct clock_map *map)
{
	for (size_t i = 0; i < map->n_pieces; i++)
		map->pieces[i].error = CLOCK_ERROR_UNKNOWN;
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
	compose_cpus(s, above);
	clock_map_init_compose(&s->map,
			       s->mixed.map.n_pieces ? &s->mixed.map : &machine_sync_taken(s)->map,
			       above);
	if (s->against != IDENT_NONE && all[s->against].cpus.n)
		forget_errors(&s->map);
}

/*
 * Return: 0, or ERR when the name, the last of n of an option, is no machine's, or of one that an
 * earlier one names.
 */
static int check_name(const struct identity *id, const char *const *names, size_t n,
		      struct error *err)
{
	int machine = sync_machine_named(id, names[n - 1], err);

	if (machine == ERR)
		return ERR;
	for (size_t i = 0; i + 1 < n; i++) {
		if (identity_machine_of_name(id, names[i]) == machine)
			return error_set(err, "'%s' and '%s' are the same machine", names[i],
					 names[n - 1]);
	}
	return 0;
}

static int check_names(const struct identity *id, const struct sync_options *o, struct error *err)
{
	const char **given = mem_zalloc(o->n_given, sizeof(*given));
	const char **tsc = mem_zalloc(o->n_tsc, sizeof(*tsc));
	int r = 0;

	for (size_t i = 0; i < o->n_given && !r; i++) {
		given[i] = o->given[i].machine;
		r = check_name(id, given, i + 1, err);
	}
	for (size_t i = 0; i < o->n_tsc && !r; i++) {
		tsc[i] = o->tsc[i].machine;
		r = check_name(id, tsc, i + 1, err);
	}
	free(given);
	free(tsc);
	return r;
}

struct aligning {
	struct task *tasks;
	struct machine_sync *out;
};

static void align_machine(void *ctx, size_t i)
{
	struct aligning *a = ctx;
	struct task *t = &a->tasks[i];

	align(&a->out[i], t, &t->err);
	if (t->followed)
		sync_fit_deinit(&t->fit);
	vec_deinit(&t->by.chunks);
}

/* Return: 0, or ERR with err set to why the first of those that failed did. */
static int align_all(const struct identity *id, const struct sync_input *in,
		     const struct sync_options *options, const struct sync_found *found,
		     struct machine_sync *out, struct error *err)
{
	size_t n = id->machines.n;
	struct aligning a = {.tasks = mem_zalloc(n, sizeof(*a.tasks)), .out = out};
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		a.tasks[i] = (struct task){.id = id,
					   .in = in,
					   .options = options,
					   .found = &found[i],
					   .guest = {in->observed, id, (int)i, NULL, 0},
					   .machine = (int)i};
		find_span(&a.tasks[i]);
	}
	parallel_each(n, in->threads, align_machine, &a);
	for (size_t i = 0; i < n; i++) {
		if (a.tasks[i].err.text && !r)
			r = error_set(err, "%s", a.tasks[i].err.text);
		error_deinit(&a.tasks[i].err);
	}
	free(a.tasks);
	return r;
}

int sync_machines(struct identity *id, const struct sync_input *in,
		  const struct sync_options *options, struct machine_sync *out, struct error *err)
{
	size_t n = id->machines.n;
	struct sync_found *found = mem_zalloc(n, sizeof(*found));
	bool *done = mem_zalloc(n, sizeof(*done));

	int r = check_names(id, options, err);

	if (!r && in->contain)
		sync_search(in->observed, id, in->threads, found);
	r = r ? r : align_all(id, in, options, found, out, err);
	for (size_t i = 0; i < n && !r; i++)
		compose_upwards(out, (int)i, done);
	for (size_t i = 0; i < n; i++)
		vec_deinit(&found[i].cpus);
	free(found);
	free(done);
	return r;
}

void machine_sync_deinit(struct machine_sync *s)
{
	for (int m = 0; m < SYNC_N_METHODS; m++)
		sync_estimate_deinit(&s->estimates[m]);
	vec_each (c, &s->cpus) {
		sync_estimate_deinit(&c->estimate);
		clock_map_deinit(&c->map);
	}
	vec_deinit(&s->cpus);
	clock_map_deinit(&s->mixed.map);
	free(s->mixed.methods);
	clock_map_deinit(&s->map);
}

const struct clock_map *machine_sync_map(const struct machine_sync *s, uint32_t cpu)
{
	vec_each (c, &s->cpus) {
		if (c->cpu == cpu)
			return c->estimate.present ? &c->map : NULL;
	}
	return &s->map;
}

enum sync_method machine_sync_method(const struct machine_sync *s, int64_t t)
{
	const struct clock_map *mixed = &s->mixed.map;

	return mixed->n_pieces ? s->mixed.methods[clock_map_piece(mixed, t) - mixed->pieces]
			       : s->method;
}

const struct sync_estimate *machine_sync_taken(const struct machine_sync *s)
{
	return s->cpus.n ? &s->cpus.at[0].estimate : &s->estimates[s->method];
}

struct sync_against machine_sync_against(const struct machine_sync *s)
{
	const struct sync_estimate *e = machine_sync_taken(s);
	struct sync_against all = {e->violations, e->n_events, e->outside};

	for (size_t i = 1; i < s->cpus.n; i++) {
		const struct sync_cpu_clock *c = &s->cpus.at[i];

		all.violations += c->group == c[-1].group ? 0 : c->estimate.violations;
		all.n_events += c->estimate.n_events;
		all.outside += c->estimate.outside;
	}
	return all;
}
