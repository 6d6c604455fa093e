#include "analyze/analysis.h"

#include <inttypes.h>
#include <stdlib.h>

#include "analyze/look.h"
#include "analyze/told.h"
#include "base/mem.h"
#include "timeline/merge.h"

/* ---- look -------------------------------------------------------------------------------------
 */

static bool uses_vmsync(const struct analysis_options *o)
{
	return o->sync.method == SYNC_AUTO || o->sync.method == SYNC_VMSYNC;
}

/* Forced containment shows what the events alone prove. */
static bool believes_recorder(const struct analysis_options *o)
{
	return o->sync.method != SYNC_CONTAINMENT;
}

static bool may_be_host(const struct analysis *a, size_t machine)
{
	return event_set_has(recording_described(a->session.recordings.at[machine]), EV_KVM_ENTRY);
}

/* A guest has a host, whose events are there. */
static bool may_be_guest(const struct analysis *a, size_t machine)
{
	for (size_t h = 0; h < a->n_machines; h++) {
		if (h != machine && may_be_host(a, h))
			return true;
	}
	return false;
}

/* Containment compares a host with other machines: there must be both. */
static bool can_contain(const struct analysis *a, const struct analysis_options *o)
{
	int method = o->sync.method;

	if (method != SYNC_AUTO && method != SYNC_CONTAINMENT && method != SYNC_TSC &&
	    method != SYNC_AGENT)
		return false;
	for (size_t m = 0; m < a->n_machines; m++) {
		if (may_be_guest(a, m))
			return true;
	}
	return false;
}

static struct look look_of(struct analysis *a, const struct analysis_options *o, size_t machine,
			   struct observed *observed, struct told *told)
{
	struct recording *trace = a->session.recordings.at[machine];

	*told = (struct told){trace, believes_recorder(o)};
	return (struct look){.trace = trace,
			     .options = told_options(trace, uses_vmsync(o)),
			     .evidence = &a->evidence[machine],
			     .lives = &a->lives[machine],
			     .diags = &a->diags[machine],
			     .observed = observed ? &observed->machines[machine] : NULL,
			     .is_guest = can_contain(a, o) && may_be_guest(a, machine),
			     .is_host = can_contain(a, o) && may_be_host(a, machine),
			     .take_told = told_take,
			     .ctx = told};
}

/* observed: NULL: clocks are not looked for. */
static void look(struct analysis *a, const struct analysis_options *o, struct observed *observed)
{
	struct look *looks = mem_zalloc(a->n_machines, sizeof(*looks));
	struct told *told = mem_zalloc(a->n_machines, sizeof(*told));

	for (size_t m = 0; m < a->n_machines; m++)
		looks[m] = look_of(a, o, m, observed, &told[m]);
	look_at(looks, a->n_machines, observed, o->threads);
	for (size_t m = 0; m < a->n_machines; m++)
		a->described[m] = evidence_present(&a->evidence[m]);
	free(looks);
	free(told);
}

static void judge(struct analysis *a)
{
	const char **names = mem_zalloc(a->n_machines, sizeof(*names));
	const char **hostnames = mem_zalloc(a->n_machines, sizeof(*hostnames));
	const struct evidence **evidence = mem_zalloc(a->n_machines, sizeof(*evidence));

	for (size_t i = 0; i < a->n_machines; i++) {
		names[i] = a->session.recordings.at[i]->name;
		hostnames[i] = a->session.recordings.at[i]->hostname;
		evidence[i] = &a->evidence[i];
	}
	identity_init(&a->identity, names, hostnames, evidence, a->n_machines);
	free(names);
	free(hostnames);
	free(evidence);
}

/* The trace of a guest that the recorder of a host recorded along with it. */
static void tie_told(struct analysis *a, int host, const struct recording_guest *g)
{
	for (size_t m = 0; m < a->n_machines; m++) {
		if (!g->trace_id || a->session.recordings.at[m]->trace_id != g->trace_id)
			continue;
		for (uint32_t i = 0; i < g->n_cpus; i++) {
			int vm = identity_vm_of_thread(&a->identity, host, g->tids[i]);

			if (vm == IDENT_NONE)
				continue;
			identity_tie(&a->identity, vm, (int)m,
				     mem_printf("the host's recorder names this trace as the guest "
						"whose CPU %" PRIu32 " is thread %" PRId64,
						i, g->tids[i]));
			break;
		}
	}
}

static void tie_all_told(struct analysis *a)
{
	for (size_t h = 0; h < a->n_machines; h++) {
		vec_each (g, &a->session.recordings.at[h]->guests)
			tie_told(a, (int)h, g);
	}
}

/* ---- span -------------------------------------------------------------------------------------
 */

/*
 * Return: reference time of the CPU's last event, INT64_MIN if it has none, or nobody knows its
 * clock.
 */
static int64_t last_of_cpu(const struct analysis *a, size_t machine, const struct evidence_cpu *c)
{
	const struct clock_map *map = machine_sync_map(&a->sync[machine], c->cpu);

	return c->last_ns == INT64_MIN || !map ? INT64_MIN : clock_map_apply(map, c->last_ns);
}

int64_t analysis_end(const struct analysis *a, size_t machine)
{
	int64_t end = INT64_MIN;

	vec_each (c, &a->evidence[machine].cpus) {
		int64_t last = last_of_cpu(a, machine, c);

		end = last > end ? last : end;
	}
	return end;
}

int64_t analysis_begin(const struct analysis *a, size_t machine)
{
	int64_t begin = INT64_MAX;

	vec_each (c, &a->evidence[machine].cpus) {
		const struct clock_map *map = machine_sync_map(&a->sync[machine], c->cpu);
		int64_t first = c->first_ns == INT64_MAX || !map
					? INT64_MAX
					: clock_map_apply(map, c->first_ns);

		begin = first < begin ? first : begin;
	}
	return begin;
}

/* ns since the Epoch: some decades before to a century and a half after it. */
static const int64_t EARLIEST = -((int64_t)1 << 60), LATEST = (int64_t)1 << 62;

/* Times that a wrong clock or --clock-offset has put where they cannot be counted with. */
static int check_times(const struct analysis *a, struct error *err)
{
	for (size_t i = 0; i < a->n_machines; i++) {
		int64_t end = analysis_end(a, i);

		if (end != INT64_MIN && (analysis_begin(a, i) < EARLIEST || end > LATEST))
			return error_set(err,
					 "the times of '%s' are centuries away; give its "
					 "--clock-offset, or leave it out",
					 a->session.recordings.at[i]->name);
	}
	return 0;
}

static void widen(struct model_span *s, int64_t begin, int64_t end)
{
	s->begin = begin < s->begin ? begin : s->begin;
	s->end = end > s->end ? end : s->end;
}

/* Return: [first, last] made [first, last + 1), or [0, 0) where there is nothing. */
static struct model_span closed(struct model_span s)
{
	return s.begin <= s.end ? (struct model_span){.begin = s.begin, .end = s.end + 1}
				: (struct model_span){0};
}

int analysis_reference(const struct analysis *a, int machine)
{
	/* No more steps than machines: evidence can go round in a circle. */
	for (size_t i = 0; i < a->n_machines && a->sync[machine].against != IDENT_NONE; i++)
		machine = a->sync[machine].against;
	return machine;
}

/* Return: the first machine whose clock is a reference, or -1. */
static int first_reference(const struct analysis *a)
{
	for (size_t m = 0; m < a->n_machines; m++) {
		if (a->sync[m].method == SYNC_REFERENCE)
			return (int)m;
	}
	return -1;
}

bool analysis_is_unrelated(const struct analysis *a, int machine)
{
	return a->sync[machine].method == SYNC_REFERENCE && first_reference(a) != machine;
}

/* Return: a machine, the same one for all whose times can be compared. */
static int group_of(const struct analysis *a, int machine)
{
	int top = analysis_reference(a, machine), first = first_reference(a);

	/* The clock of a machine without a host that the user put right. */
	return a->sync[top].method == SYNC_GIVEN && first >= 0 ? first : top;
}

/*
 * From the first event to the last one's nanosecond, that included. Recordings that have no clock in
 * common, as of different days, have nothing to do with the time between them.
 */
static void find_spans(struct analysis *a)
{
	const struct model_span nothing = {.begin = INT64_MAX, .end = INT64_MIN};
	struct model_span *own = mem_zalloc(a->n_machines, sizeof(*own));

	a->span = nothing;
	for (size_t m = 0; m < a->n_machines; m++)
		own[m] = nothing;
	for (size_t m = 0; m < a->n_machines; m++) {
		int64_t begin = analysis_begin(a, m), end = analysis_end(a, m);

		widen(&own[group_of(a, (int)m)], begin, end);
		widen(&a->span, begin, end);
	}
	for (size_t m = 0; m < a->n_machines; m++)
		a->spans[m] = closed(own[group_of(a, (int)m)]);
	a->span = closed(a->span);
	free(own);
}

enum clock_origin analysis_origin(const struct analysis *a)
{
	enum clock_origin origin = CLOCK_ORIGIN_UNKNOWN;
	bool any = false;

	for (size_t m = 0; m < a->n_machines; m++) {
		enum clock_origin own = recording_origin(a->session.recordings.at[m]);

		if (group_of(a, (int)m) != (int)m || analysis_begin(a, m) > analysis_end(a, m))
			continue;
		if (any && own != origin)
			return CLOCK_ORIGIN_UNKNOWN;
		origin = own;
		any = true;
	}
	return origin;
}

/* ---- model ------------------------------------------------------------------------------------
 */

/* Reference time of the last event that the vCPU's own trace has on it, INT64_MIN if there is none. */
static int64_t last_event(const struct analysis *a, const struct ident_vcpu *v)
{
	int guest = a->identity.vms.at[v->vm].guest;

	for (size_t k = 0; guest != IDENT_NONE && k < a->evidence[guest].cpus.n; k++) {
		const struct evidence_cpu *c = &a->evidence[guest].cpus.at[k];

		if ((int64_t)c->cpu == v->guest_cpu && c->last_ns != INT64_MIN)
			return last_of_cpu(a, (size_t)guest, c);
	}
	return INT64_MIN;
}

/* A stay in a guest that is longer has most likely been interrupted by the host's timer. */
static const int64_t STAY_NS = 1000000;

/*
 * Up to when each vCPU's own trace proves that it is in the guest, where it was when its host's recording
 * ended; INT64_MIN: nothing is known after that.
 */
static int64_t *last_seen_in_guest(const struct analysis *a)
{
	int64_t *seen = mem_zalloc(a->identity.vcpus.n, sizeof(*seen));

	for (size_t i = 0; i < a->identity.vcpus.n; i++) {
		const struct ident_vcpu *v = &a->identity.vcpus.at[i];
		int64_t last = last_event(a, v);
		int64_t end = analysis_end(a, (size_t)a->identity.vms.at[v->vm].host);

		seen[i] = last != INT64_MIN && last - end <= STAY_NS ? last + 1 : INT64_MIN;
	}
	return seen;
}

/* A recording ends, or the guest's part of what is known of a vCPU does. */
struct ending {
	int machine, vcpu; /* one of the two is IDENT_NONE */
	int64_t ts;
};

struct endings {
	VEC(struct ending) at; /* in time order */
	size_t next;
	int64_t next_ts; /* INT64_MAX: of none */
	int64_t *seen;	 /* per vCPU */
};

static int by_ts(const void *a, const void *b)
{
	const struct ending *x = a, *y = b;

	return x->ts < y->ts ? -1 : x->ts > y->ts;
}

static void endings_find_next(struct endings *e)
{
	e->next_ts = e->next < e->at.n ? e->at.at[e->next].ts : INT64_MAX;
}

static void endings_init(struct endings *e, const struct analysis *a)
{
	*e = (struct endings){.seen = last_seen_in_guest(a)};
	for (size_t i = 0; i < a->n_machines; i++) {
		int64_t end = analysis_end(a, i);

		if (end != INT64_MIN)
			*vec_push(&e->at) = (struct ending){
				.machine = (int)i, .vcpu = IDENT_NONE, .ts = end + 1};
	}
	for (size_t i = 0; i < a->identity.vcpus.n; i++) {
		if (e->seen[i] != INT64_MIN)
			*vec_push(&e->at) = (struct ending){
				.machine = IDENT_NONE, .vcpu = (int)i, .ts = e->seen[i]};
	}
	qsort(e->at.at, e->at.n, sizeof(*e->at.at), by_ts);
	endings_find_next(e);
}

static void endings_deinit(struct endings *e)
{
	vec_deinit(&e->at);
	free(e->seen);
}

/* Tells the model what has ended by ts. */
static void end_until(struct endings *e, struct model *m, int64_t ts)
{
	for (; e->next < e->at.n && e->at.at[e->next].ts <= ts; e->next++) {
		const struct ending *end = &e->at.at[e->next];

		if (end->machine != IDENT_NONE)
			model_end_machine(m, end->machine, end->ts, e->seen);
		else
			model_end_vcpu(m, end->vcpu, end->ts);
	}
	endings_find_next(e);
}

/* Feeds the model, with a worker that reads ahead: one of its own where there is a third thread. */
static void run_merged(struct analysis *a, struct merge *merge, const struct analysis_options *o)
{
	struct worker *own = o->threads > 2 ? worker_new(NULL, NULL, 1) : NULL;
	struct endings endings;
	const struct event *e;

	merge_use_worker(merge, own ? own : o->helper);
	endings_init(&endings, a);
	while ((e = merge_next(merge))) {
		if (e->ts >= endings.next_ts)
			end_until(&endings, a->model, e->ts);
		model_event(a->model, e);
	}
	end_until(&endings, a->model, INT64_MAX);
	endings_deinit(&endings);
	merge_free(merge);
	worker_free(own);
}

static char *find_symbol(void *ctx, int machine, uint64_t address)
{
	const struct analysis *a = ctx;

	return recording_symbol(a->session.recordings.at[machine], address);
}

/* Return: the clock of each stream of the machine, where its CPUs do not share one; or NULL. */
static const struct clock_map **clocks_of_streams(const struct analysis *a, size_t machine)
{
	const struct recording *r = a->session.recordings.at[machine];
	const struct clock_map **clocks = NULL;

	if (a->sync[machine].cpus.n)
		clocks = mem_zalloc(r->streams.n, sizeof(*clocks));
	for (size_t i = 0; clocks && i < r->streams.n; i++)
		clocks[i] = machine_sync_map(&a->sync[machine], r->streams.at[i].cpu);
	return clocks;
}

/* Return: the VM that the host's recording says that of, or IDENT_NONE. */
static int find_host_vm(const struct analysis *a, const struct analysis_host_vm *said)
{
	for (int vm = 0; vm < (int)a->identity.vms.n; vm++) {
		const struct ident_vm *v = &a->identity.vms.at[vm];

		if (v->pid == said->pid && a->session.recordings.at[v->host] == said->host)
			return vm;
	}
	return IDENT_NONE;
}

static void tell_quotas(struct analysis *a, const struct analysis_options *o)
{
	for (size_t i = 0; i < o->n_host_vms; i++) {
		int vm = find_host_vm(a, &o->host_vms[i]);

		if (vm != IDENT_NONE && o->host_vms[i].knows_quota)
			model_quota(a->model, vm, o->host_vms[i].is_limited);
	}
}

static void run_model(struct analysis *a, const struct analysis_options *o)
{
	static const struct model_sink nobody = {0};
	const struct model_symbols symbols = {.ctx = a, .name = find_symbol};
	struct merge_input *inputs = mem_zalloc(a->n_machines, sizeof(*inputs));
	const struct clock_map ***clocks = mem_zalloc(a->n_machines, sizeof(*clocks));
	size_t n = 0;

	for (size_t i = 0; i < a->n_machines; i++) {
		clocks[i] = clocks_of_streams(a, i);
		inputs[n++] = (struct merge_input){.recording = a->session.recordings.at[i],
						   .clock = &a->sync[i].map,
						   .clocks = clocks[i],
						   .lost_from = analysis_begin(a, i),
						   .machine = (uint16_t)i,
						   .wanted = model_events(a->described[i])};
	}
	a->model = model_new(&a->identity, a->described, a->spans, &symbols,
			     o->sink ? o->sink : &nobody);
	tell_quotas(a, o);
	run_merged(a, merge_new(inputs, n), o);
	for (size_t i = 0; i < a->n_machines; i++)
		free(clocks[i]);
	free(clocks);
	free(inputs);
	model_finish(a->model);
}

/* ---- who is who ------------------------------------------------------------------------------- */

/* Return: the first VM of the process that is on another machine than this one, or IDENT_NONE. */
static int find_given(const struct analysis *a, const struct analysis_vm *given, int machine)
{
	for (int vm = 0; vm < (int)a->identity.vms.n; vm++) {
		if (a->identity.vms.at[vm].pid == given->pid &&
		    a->identity.vms.at[vm].host != machine)
			return vm;
	}
	return IDENT_NONE;
}

/* A process of the same number on another host than VM `vm`'s: which one is called so? */
static int check_one_host(const struct analysis *a, const struct analysis_vm *given, int vm,
			  struct error *err)
{
	int host = a->identity.vms.at[vm].host, other = find_given(a, given, host);

	if (other == IDENT_NONE)
		return 0;
	return error_set(err,
			 "--vm %s: process %" PRId64 " entered a guest on %s, and one on %s; "
			 "nothing says which is meant",
			 given->machine, given->pid, a->identity.machines.at[host].name,
			 a->identity.machines.at[a->identity.vms.at[other].host].name);
}

static int tie_given(struct analysis *a, const struct analysis_vm *given, struct error *err)
{
	int machine = identity_machine_of_name(&a->identity, given->machine);
	int vm = find_given(a, given, machine);

	if (machine == IDENT_SEVERAL) {
		sync_machine_named(&a->identity, given->machine, err);
		return error_wrap(err, "--vm");
	}
	if (vm == IDENT_NONE)
		return error_set(err, "--vm %s: no process %" PRId64 " of any host entered a guest",
				 given->machine, given->pid);
	if (machine != IDENT_NONE)
		identity_tie(&a->identity, vm, machine, mem_strdup("said by the user"));
	else if (check_one_host(a, given, vm, err))
		return ERR;
	else
		identity_name_vm(&a->identity, vm, given->machine);
	return 0;
}

static bool is_given(const struct analysis_options *o, int64_t pid)
{
	for (size_t i = 0; i < o->n_vms; i++) {
		if (o->vms[i].pid == pid)
			return true;
	}
	return false;
}

/* A guest's recording of that name is its own; one of several, or the host's, is not. */
static void tie_host_vm(struct analysis *a, const struct analysis_host_vm *said)
{
	int machine = identity_machine_of_name(&a->identity, said->name);
	int vm = find_host_vm(a, said);

	if (vm == IDENT_NONE)
		return;
	if (machine >= 0 && machine != a->identity.vms.at[vm].host)
		identity_tie(&a->identity, vm, machine, mem_strdup("its host calls it so"));
	else
		identity_name_vm(&a->identity, vm, said->name);
}

static int align(struct analysis *a, const struct analysis_options *o,
		 const struct observed *observed, struct error *err)
{
	struct sync_input in = {.traces = a->session.recordings.at,
				.observed = a->identity.vcpus.n ? observed : NULL,
				.contain = a->identity.vcpus.n && can_contain(a, o),
				.threads = o->threads};

	for (size_t i = 0; i < o->n_vms; i++) {
		if (tie_given(a, &o->vms[i], err))
			return ERR;
	}
	for (size_t i = 0; i < o->n_host_vms; i++) {
		if (!is_given(o, o->host_vms[i].pid))
			tie_host_vm(a, &o->host_vms[i]);
	}
	if (sync_machines(&a->identity, &in, &o->sync, a->sync, err))
		return ERR;
	if (observed && spool_is_broken(observed->spool))
		return error_set(err, "cannot read the temporary file in $TMPDIR or /tmp again");
	return check_times(a, err);
}

/* ---- whether there is anything to tell -------------------------------------------------------- */

/* Of a recording that says what may be in it. */
static bool analysis_is_understood(const struct analysis *a, size_t machine)
{
	return a->evidence[machine].n_events && a->described[machine].bits;
}

/* Return: 0, or ERR when no recording holds an event that is known. */
static int analysis_check_understood(const struct analysis *a, struct error *err)
{
	uint64_t n_events = 0;

	for (size_t m = 0; m < a->n_machines; m++) {
		if (analysis_is_understood(a, m))
			return 0;
		n_events += a->evidence[m].n_events;
	}
	if (!a->n_machines)
		return 0;
	const char *name = a->session.recordings.at[0]->name;
	const char *others = a->n_machines > 1 ? " and the others" : "";

	if (!n_events)
		return error_set(err, "no event could be read of '%s'%s; `vmscope info` says more",
				 name, others);
	return error_set(
		err,
		"none of the %" PRIu64 " events of '%s'%s is one that says what a machine "
		"does, as sched_switch or kvm_entry; `vmscope record` prints how to record these",
		n_events, name, others);
}

/* ---- the first reading ------------------------------------------------------------------------ */

/* And what follows from it. */
static int look_and_align(struct analysis *a, const struct analysis_options *o, struct error *err)
{
	struct observed observed;
	bool observe = can_contain(a, o) || (uses_vmsync(o) && a->n_machines > 1);

	if (observe)
		observed_init(&observed, a->n_machines);
	look(a, o, observe ? &observed : NULL);
	if (analysis_check_understood(a, err)) {
		if (observe)
			observed_deinit(&observed);
		return ERR;
	}
	judge(a);
	if (believes_recorder(o))
		tie_all_told(a);
	int r = align(a, o, observe ? &observed : NULL, err);

	if (observe)
		observed_deinit(&observed);
	return r;
}

/* ---- all of it -------------------------------------------------------------------------------- */

int analysis_init(struct analysis *a, struct session *session,
		  const struct analysis_options *options, struct error *err)
{
	size_t n = session->recordings.n;

	*a = (struct analysis){.session = *session, .n_machines = n};
	*session = (struct session){0};
	a->evidence = mem_zalloc(n, sizeof(*a->evidence));
	a->lives = mem_zalloc(n, sizeof(*a->lives));
	a->described = mem_zalloc(n, sizeof(*a->described));
	a->sync = mem_zalloc(n, sizeof(*a->sync));
	a->spans = mem_zalloc(n, sizeof(*a->spans));
	a->diags = mem_zalloc(n, sizeof(*a->diags));
	if (look_and_align(a, options, err))
		return ERR;
	for (size_t m = 0; m < n; m++)
		identity_set_clock(&a->identity, (int)m, &a->sync[m].map);
	find_spans(a);
	run_model(a, options);
	return 0;
}

void analysis_deinit(struct analysis *a)
{
	model_free(a->model);
	identity_deinit(&a->identity);
	for (size_t i = 0; i < a->n_machines; i++) {
		evidence_deinit(&a->evidence[i]);
		lives_deinit(&a->lives[i]);
		machine_sync_deinit(&a->sync[i]);
	}
	free(a->evidence);
	free(a->lives);
	free(a->described);
	free(a->sync);
	free(a->spans);
	free(a->diags);
	session_deinit(&a->session);
	*a = (struct analysis){0};
}

struct diag_list analysis_all_diags(const struct analysis *a)
{
	struct diag_list all = a->session.diags;

	for (size_t i = 0; i < a->n_machines; i++)
		diag_merge(&all, &a->diags[i]);
	return all;
}
