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
		[SYNC_GIVEN] = "given",
		[SYNC_AS_IS] = "none",
	};

	return names[method];
}

static void machine_span(const struct evidence *e, int64_t *firstp, int64_t *lastp)
{
	int64_t first = INT64_MAX, last = INT64_MIN;

	for (size_t i = 0; i < e->cpus.n; i++) {
		first = e->cpus.at[i].first_ns < first ? e->cpus.at[i].first_ns : first;
		last = e->cpus.at[i].last_ns > last ? e->cpus.at[i].last_ns : last;
	}
	*firstp = first <= last ? first : 0;
	*lastp = first <= last ? last : 0;
}

/* ---- vmsync -----------------------------------------------------------------------------------
 */

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

/* Return: whether the pairs allow a map, then in s. */
static bool fit_pairs(struct machine_sync *s, const struct sync_vmsync *v, const struct evidence *e)
{
	struct sync_fit fit;
	int64_t first, last;

	machine_span(e, &first, &last);
	struct sync_fit_options options = sync_fit_defaults(first, last);

	options.drop_false = true;
	if (sync_fit_init(&fit, v->bounds.at, v->bounds.n, &options))
		return false;
	s->method = SYNC_VMSYNC;
	s->map = fit.map;
	fit.map = (struct clock_map){0};
	s->error = worst_error(&s->map);
	s->constraints = fit.constraints;
	s->violations = fit.violations;
	s->decoys = v->decoys;
	s->lost = v->lost_host + v->lost_guest;
	sync_fit_deinit(&fit);
	return true;
}

static bool align_by_vmsync(struct machine_sync *s, const struct identity *id, int guest)
{
	const struct ident_vm *vm = &id->vms.at[id->machines.at[guest].vm];
	const struct evidence *e = id->machines.at[guest].evidence;
	events_t host_events = {0}, guest_events = {0};
	struct sync_vmsync v;

	collect(&host_events, id->machines.at[vm->host].evidence, vm->vm_uid, true);
	collect(&guest_events, e, vm->vm_uid, false);
	sync_vmsync_init(&v, host_events.at, host_events.n, guest_events.at, guest_events.n);
	bool fits = fit_pairs(s, &v, e);

	sync_vmsync_deinit(&v);
	vec_deinit(&host_events);
	vec_deinit(&guest_events);
	return fits;
}

/* ---- choosing ---------------------------------------------------------------------------------
 */

static void keep_clock(struct machine_sync *s, enum sync_method method)
{
	int64_t error = method == SYNC_REFERENCE ? 0 : CLOCK_ERROR_UNKNOWN;

	s->method = method;
	s->error = error;
	clock_map_init_offset(&s->map, 0, 0, 0, error);
}

static const struct sync_given *find_given(const struct sync_options *o, const char *machine)
{
	for (size_t i = 0; i < o->n_given; i++) {
		if (!strcmp(o->given[i].machine, machine))
			return &o->given[i];
	}
	return NULL;
}

static void use_given(struct machine_sync *s, const struct sync_given *g, const struct evidence *e)
{
	int64_t first, last;

	machine_span(e, &first, &last);
	s->method = SYNC_GIVEN;
	s->error = CLOCK_ERROR_UNKNOWN;
	clock_map_init_offset(&s->map, g->offset_ns, g->drift, first, CLOCK_ERROR_UNKNOWN);
}

/* Aligns machine m with its host; the host's own map is not applied yet. */
static void align(struct machine_sync *s, const struct identity *id, int m,
		  const struct sync_options *o)
{
	const struct ident_machine *machine = &id->machines.at[m];
	const struct sync_given *given = find_given(o, machine->name);

	s->against = machine->vm == IDENT_NONE ? IDENT_NONE : id->vms.at[machine->vm].host;
	if (given)
		use_given(s, given, machine->evidence);
	else if (machine->vm == IDENT_NONE)
		keep_clock(s,
			   machine->is_host || id->machines.n == 1 ? SYNC_REFERENCE : SYNC_AS_IS);
	else if (o->ignore_vmsync || !align_by_vmsync(s, id, m))
		keep_clock(s, SYNC_AS_IS);
}

static void compose_upwards(struct machine_sync *all, int m, bool *done)
{
	struct machine_sync *s = &all[m];
	struct clock_map composed;

	if (done[m])
		return;
	done[m] = true; /* first: evidence that goes round in a circle must not */
	if (s->against == IDENT_NONE)
		return;
	compose_upwards(all, s->against, done);
	clock_map_init_compose(&composed, &s->map, &all[s->against].map);
	clock_map_deinit(&s->map);
	s->map = composed;
}

int sync_machines(const struct identity *id, const struct sync_options *o, struct machine_sync *out,
		  struct error *err)
{
	size_t n = id->machines.n;
	bool *done = mem_zalloc(n, sizeof(*done));
	size_t known = 0;

	for (size_t i = 0; i < n; i++) {
		out[i] = (struct machine_sync){0};
		known += find_given(o, id->machines.at[i].name) != NULL;
		align(&out[i], id, (int)i, o);
	}
	for (size_t i = 0; i < n; i++)
		compose_upwards(out, (int)i, done);
	free(done);
	for (size_t i = 0; i < o->n_given && known < o->n_given; i++) {
		bool found = false;

		for (size_t k = 0; k < n; k++)
			found |= !strcmp(o->given[i].machine, id->machines.at[k].name);
		if (!found)
			return error_set(err,
					 "no machine is called '%s'; `vmscope info` names them",
					 o->given[i].machine);
	}
	return 0;
}

void machine_sync_deinit(struct machine_sync *s)
{
	clock_map_deinit(&s->map);
}
