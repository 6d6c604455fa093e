#include "sync/search.h"

#include <inttypes.h>
#include <stdlib.h>

#include "sync/follow.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "sync/lineup.h"

enum {
	WHOLE_BYTES = 8 << 20, /* of events and windows: up to here all are held in memory */
	PART_BYTES = 8 << 20,  /* of each trace, to search in */
	MAX_PART_BYTES = 128 << 20,
	PART_FACTOR = 2,	/* more of the hosts' when that did not do */
	N_BLOCKS = 4,		/* of a host's trace */
	BLOCK_STEP = 16384,	/* events of it that are read at once */
	DRIFT_PPM = 200,	/* that clocks have, before it is known how much */
	LEAST_REACH = 10000000, /* ns */
};

struct span {
	int64_t first, last; /* machine ns */
};

static struct span span_of(const struct evidence *e)
{
	struct span s = {INT64_MAX, INT64_MIN};

	vec_each (cpu, &e->cpus) {
		s.first = cpu->first_ns < s.first ? cpu->first_ns : s.first;
		s.last = cpu->last_ns > s.last ? cpu->last_ns : s.last;
	}
	return s.first <= s.last ? s : (struct span){0, 0};
}

/* Return: whether there is a host that the machine may be a guest of. */
static bool has_host(const struct identity *id, size_t machine)
{
	for (size_t h = 0; h < id->machines.n; h++) {
		if (h != machine && id->machines.at[h].is_host)
			return true;
	}
	return false;
}

/* Return: bytes of all windows and of the events of all that may be guests. */
static uint64_t whole_size(const struct identity *id)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < id->machines.n; i++) {
		const struct evidence *e = id->machines.at[i].evidence;

		if (has_host(id, i))
			bytes += e->n_events * sizeof(struct sync_guest_event);
		if (id->machines.at[i].is_host)
			bytes += e->n[EV_KVM_ENTRY] * sizeof(struct sync_window);
	}
	return bytes;
}

static void gather_whole(struct containment *c, const struct identity *id)
{
	for (size_t i = 0; i < c->n_machines; i++) {
		if (has_host(id, i))
			gather_events(c->traces[i], id->machines.at[i].evidence, &c->machines[i]);
		if (id->machines.at[i].is_host)
			gather_windows(c->traces[i], id, (int)i, c->windows, INT64_MIN, INT64_MAX);
	}
}

static void forget(struct containment *c)
{
	for (size_t i = 0; i < c->n_machines; i++)
		gathered_machine_deinit(&c->machines[i]);
	for (size_t i = 0; i < c->n_vcpus; i++)
		vec_deinit(&c->windows[i].at);
}

/* ---- parts ------------------------------------------------------------------------------------ */

/*
 * Of a host a few long blocks are looked at, of the guests many short stretches, two in the time of a
 * block: whatever the clocks differ by, some of them happened during a block. The longer the blocks, the more of
 * the stretches did; more of the guests' would only be more to hold in memory.
 */

/* Return: ns of one block; INT64_MAX when they make up all of the trace. */
static int64_t block_length(const struct containment *c, const struct identity *id, size_t host,
			    uint64_t bytes)
{
	struct span s = span_of(id->machines.at[host].evidence);
	uint64_t size = c->traces[host]->size;

	if (size <= bytes)
		return INT64_MAX;
	double length = ((double)s.last - (double)s.first) * (double)bytes / (double)size;
	return (int64_t)(length / N_BLOCKS) + 1;
}

/* Forgets the windows that end before host time t and say nothing to a search. */
static void keep_causes(struct gathered_windows *w, int64_t t)
{
	size_t n = 0;

	for (size_t i = 0; i < w->at.n; i++) {
		if (w->at.at[i].cause != SYNC_CAUSE_NONE || w->at.at[i].end >= t)
			w->at.at[n++] = w->at.at[i];
	}
	w->at.n = n;
}

/* The same of all that the host runs. */
static void keep_host_causes(struct containment *c, const struct identity *id, size_t host,
			     int64_t t)
{
	for (size_t v = 0; v < c->n_vcpus; v++) {
		if (id->vms.at[id->vcpus.at[v].vm].host == (int)host)
			keep_causes(&c->windows[v], t);
	}
}

static void gather_block(struct containment *c, const struct identity *id, size_t host,
			 int64_t from, int64_t to)
{
	struct window_reader *r =
		window_reader_new(c->traces[host], id, (int)host, c->windows, from);

	while (window_reader_read(r, to, BLOCK_STEP))
		keep_host_causes(c, id, host, window_reader_complete(r));
	window_reader_free(r);
	keep_host_causes(c, id, host, INT64_MAX);
}

static void gather_blocks(struct containment *c, const struct identity *id, size_t host,
			  uint64_t bytes)
{
	struct span s = span_of(id->machines.at[host].evidence);
	int64_t length = block_length(c, id, host, bytes);
	int64_t between = (s.last - s.first) / N_BLOCKS;

	if (length == INT64_MAX) {
		gather_block(c, id, host, INT64_MIN, INT64_MAX);
		return;
	}
	for (int i = 0; i < N_BLOCKS; i++) {
		int64_t from = s.first + i * between + (between - length) / 2;

		gather_block(c, id, host, from, from + length);
	}
}

static void gather_stretches(struct containment *c, const struct identity *id, size_t machine,
			     int64_t block, uint64_t bytes)
{
	struct gather_parts parts = {.period = INT64_MAX, .length = INT64_MAX};
	uint64_t size = c->traces[machine]->size;

	if (size > bytes && block != INT64_MAX) {
		parts.period = (uint64_t)block / 2 + 1;
		parts.length = (uint64_t)((double)parts.period * (double)bytes / (double)size) + 1;
	}
	gather_causes(c->traces[machine], id->machines.at[machine].evidence, &parts,
		      &c->machines[machine]);
}

struct gathering {
	struct containment *c;
	const struct identity *id;
	uint64_t bytes; /* of each host's trace */
	int64_t block;	/* ns: the shortest of its blocks */
};

static void gather_machine_parts(void *ctx, size_t machine)
{
	const struct gathering *g = ctx;

	if (g->id->machines.at[machine].is_host)
		gather_blocks(g->c, g->id, machine, g->bytes);
	if (has_host(g->id, machine))
		gather_stretches(g->c, g->id, machine, g->block, PART_BYTES);
}

static void gather_parts(struct containment *c, const struct identity *id, uint64_t bytes)
{
	struct gathering g = {.c = c, .id = id, .bytes = bytes, .block = INT64_MAX};

	forget(c);
	for (size_t h = 0; h < c->n_machines; h++) {
		int64_t length =
			id->machines.at[h].is_host ? block_length(c, id, h, bytes) : INT64_MAX;

		g.block = length < g.block ? length : g.block;
	}
	parallel_each(c->n_machines, c->threads, gather_machine_parts, &g);
}

void containment_init(struct containment *c, struct recording *const *traces,
		      const struct identity *identity, unsigned threads, struct worker *helper)
{
	*c = (struct containment){.traces = traces,
				  .n_machines = identity->machines.n,
				  .n_vcpus = identity->vcpus.n,
				  .threads = threads,
				  .helper = helper};
	c->machines = mem_zalloc(c->n_machines, sizeof(*c->machines));
	c->windows = mem_zalloc(c->n_vcpus, sizeof(*c->windows));
	c->fits = mem_zalloc(c->n_machines, sizeof(*c->fits));
	c->whole = whole_size(identity) <= WHOLE_BYTES;
	if (c->whole)
		gather_whole(c, identity);
}

void containment_deinit(struct containment *c)
{
	forget(c);
	for (size_t i = 0; i < c->n_machines; i++) {
		if (c->fits[i].present)
			sync_contain_deinit(&c->fits[i].fit);
		vec_deinit(&c->fits[i].chunks);
	}
	free(c->machines);
	free(c->windows);
	free(c->fits);
	*c = (struct containment){0};
}

/* ---- comparing -------------------------------------------------------------------------------- */

/* The CPUs of all machines (rows) against the vCPU threads of one host (columns). */
struct comparison {
	int host;
	VEC(struct sync_cpu) cpus;
	VEC(uint32_t) machine_of_cpu;
	VEC(uint32_t) number_of_cpu;
	VEC(struct sync_thread) threads;
	VEC(int) vcpu_of_thread;
	VEC(int64_t) vm_of_thread;
	struct sync_score *scores;
};

static void comparison_init(struct comparison *x, const struct containment *c,
			    const struct identity *id, int host, enum sync_grain grain)
{
	*x = (struct comparison){.host = host};
	for (size_t m = 0; m < c->n_machines; m++) {
		for (size_t k = 0; (int)m != host && k < c->machines[m].cpus.n; k++) {
			const struct gathered_cpu *cpu = &c->machines[m].cpus.at[k];

			*vec_push(&x->cpus) =
				(struct sync_cpu){.events = cpu->at.at, .n = cpu->at.n};
			*vec_push(&x->machine_of_cpu) = (uint32_t)m;
			*vec_push(&x->number_of_cpu) = cpu->cpu;
		}
	}
	for (size_t v = 0; v < c->n_vcpus; v++) {
		int vm = id->vcpus.at[v].vm;

		if (id->vms.at[vm].host != host)
			continue;
		*vec_push(&x->threads) = (struct sync_thread){.windows = c->windows[v].at.at,
							      .n = c->windows[v].at.n};
		*vec_push(&x->vcpu_of_thread) = (int)v;
		*vec_push(&x->vm_of_thread) = vm;
	}
	x->scores = mem_zalloc(x->cpus.n * x->threads.n, sizeof(*x->scores));
	sync_claims_search(x->cpus.at, x->cpus.n, x->threads.at, x->threads.n, grain, x->scores);
}

static void comparison_deinit(struct comparison *x)
{
	vec_deinit(&x->cpus);
	vec_deinit(&x->machine_of_cpu);
	vec_deinit(&x->number_of_cpu);
	vec_deinit(&x->threads);
	vec_deinit(&x->vcpu_of_thread);
	vec_deinit(&x->vm_of_thread);
	free(x->scores);
}

/*
 * Judges those machines that belongs[] names, as if there were no others. vms: per thread, which one it is of. verdicts:
 * per machine; vcpus: per row, the vCPU it ran on, or IDENT_NONE.
 */
static void judge_by(const struct comparison *x, const int64_t *vms, const bool *belongs,
		     size_t n_machines, struct sync_identity *verdicts, int *vcpus)
{
	size_t n = 0, width = x->threads.n;
	struct sync_score *scores = mem_zalloc(x->cpus.n * width, sizeof(*scores));
	uint32_t *guest = mem_zalloc(x->cpus.n, sizeof(*guest));
	size_t *row = mem_zalloc(x->cpus.n, sizeof(*row));
	int64_t *thread = mem_zalloc(x->cpus.n, sizeof(*thread));

	for (size_t r = 0; r < x->cpus.n; r++) {
		vcpus[r] = IDENT_NONE;
		if (!belongs[x->machine_of_cpu.at[r]])
			continue;
		for (size_t k = 0; k < width; k++)
			scores[n * width + k] = x->scores[r * width + k];
		guest[n] = x->machine_of_cpu.at[r];
		row[n++] = r;
	}
	struct sync_lineup lineup = {.scores = scores,
				     .guest_of_cpu = guest,
				     .process_of_thread = vms,
				     .n_cpus = n,
				     .n_threads = width,
				     .n_guests = n_machines};

	sync_identify(&lineup, verdicts, thread);
	for (size_t i = 0; i < n; i++) {
		if (thread[i] != SYNC_NOBODY)
			vcpus[row[i]] = x->vcpu_of_thread.at[thread[i]];
	}
	free(scores);
	free(guest);
	free(row);
	free(thread);
}

static void judge(const struct comparison *x, const bool *belongs, size_t n_machines,
		  struct sync_identity *verdicts, int *vcpus)
{
	judge_by(x, x->vm_of_thread.at, belongs, n_machines, verdicts, vcpus);
}

/* ---- VMs of which not all vCPUs are known ------------------------------------------------------ */

/*
 * Where nothing tells a vCPU's process, each is a VM of its own at first. If the CPUs of one guest lie inside the windows of
 * several of them, these are one VM.
 */

/* A VM that all those of the host are together; no VM has that number. */
static const int64_t ANY_OF_THEM = INT64_MAX;

static int64_t *pool_vms(const struct comparison *x, const struct identity *id)
{
	int64_t *vms = mem_zalloc(x->threads.n, sizeof(*vms));

	for (size_t k = 0; k < x->threads.n; k++) {
		int64_t vm = x->vm_of_thread.at[k];

		vms[k] = id->vms.at[vm].is_whole ? vm : ANY_OF_THEM;
	}
	return vms;
}

static uint32_t agreeing(const struct comparison *x, size_t row, int vcpu)
{
	for (size_t k = 0; k < x->threads.n; k++) {
		if (x->vcpu_of_thread.at[k] == vcpu)
			return x->scores[row * x->threads.n + k].agreeing;
	}
	return 0;
}

/* vCPUs have new numbers: moved[v] is that of what was v. */
static void renumber(struct containment *c, struct comparison *x, size_t n_hosts,
		     const struct identity *id, const size_t *moved)
{
	struct gathered_windows *windows = mem_zalloc(c->n_vcpus, sizeof(*windows));

	for (size_t v = 0; v < c->n_vcpus; v++)
		windows[moved[v]] = c->windows[v];
	free(c->windows);
	c->windows = windows;
	for (size_t h = 0; h < n_hosts; h++) {
		for (size_t k = 0; k < x[h].threads.n; k++) {
			int vcpu = (int)moved[x[h].vcpu_of_thread.at[k]];

			x[h].vcpu_of_thread.at[k] = vcpu;
			x[h].vm_of_thread.at[k] = id->vcpus.at[vcpu].vm;
		}
	}
}

struct joining {
	struct containment *c;
	struct comparison *x; /* of all hosts */
	size_t n_hosts;
	struct identity *id;
	size_t *moved;
};

/* The vCPUs that the CPUs of machine m ran on, by row, are of one VM. */
static void join_rows(const struct joining *j, const struct comparison *x, size_t m, int *vcpus)
{
	int first = IDENT_NONE;

	for (size_t r = 0; r < x->cpus.n; r++) {
		if (vcpus[r] == IDENT_NONE || x->machine_of_cpu.at[r] != m ||
		    agreeing(x, r, vcpus[r]) < SYNC_MIN_CLAIMS)
			continue;
		int a = first == IDENT_NONE ? IDENT_NONE : j->id->vcpus.at[first].vm;
		int b = j->id->vcpus.at[vcpus[r]].vm;

		if (a == IDENT_NONE || a == b) {
			first = vcpus[r];
			continue;
		}
		identity_join(j->id, a, b,
			      mem_printf("the CPUs of %s lie inside what its threads ran",
					 j->id->machines.at[m].name),
			      j->moved);
		renumber(j->c, j->x, j->n_hosts, j->id, j->moved);
		first = (int)j->moved[first];
		for (size_t k = 0; k < x->cpus.n; k++)
			vcpus[k] = vcpus[k] == IDENT_NONE ? IDENT_NONE : (int)j->moved[vcpus[k]];
	}
}

static void join_on_host(const struct joining *j, const struct comparison *x)
{
	size_t n = j->c->n_machines;
	bool *belongs = mem_zalloc(n, sizeof(*belongs));
	struct sync_identity *verdicts = mem_zalloc(n, sizeof(*verdicts));
	int *vcpus = mem_zalloc(x->cpus.n, sizeof(*vcpus));

	for (size_t m = 0; m < n; m++) {
		int64_t *vms = pool_vms(x, j->id);

		belongs[m] = (int)m != x->host;
		judge_by(x, vms, belongs, n, verdicts, vcpus);
		if (belongs[m] && verdicts[m].verdict == SYNC_FOUND &&
		    verdicts[m].process == ANY_OF_THEM)
			join_rows(j, x, m, vcpus);
		belongs[m] = false;
		free(vms);
	}
	free(belongs);
	free(verdicts);
	free(vcpus);
}

static bool all_are_whole(const struct identity *id)
{
	vec_each (vm, &id->vms) {
		if (!vm->is_whole)
			return false;
	}
	return true;
}

/* Return: whether VMs became one, and the comparisons with it. */
static bool join_vms(struct containment *c, struct comparison *x, size_t n_hosts,
		     struct identity *id)
{
	size_t before = id->vms.n;

	if (all_are_whole(id))
		return false;
	struct joining j = {.c = c,
			    .x = x,
			    .n_hosts = n_hosts,
			    .id = id,
			    .moved = mem_zalloc(c->n_vcpus, sizeof(*j.moved))};

	for (size_t h = 0; h < n_hosts; h++)
		join_on_host(&j, &x[h]);
	free(j.moved);
	return id->vms.n != before;
}

/* ---- nesting ---------------------------------------------------------------------------------- */

/* fits[machine * n + host]: the machine's events fit a VM of that host, seen alone. */
static bool *find_fits(const struct comparison *x, size_t n_hosts, size_t n)
{
	bool *fits = mem_zalloc(n * n, sizeof(*fits));
	bool *belongs = mem_zalloc(n, sizeof(*belongs));
	struct sync_identity *verdicts = mem_zalloc(n, sizeof(*verdicts));

	for (size_t h = 0; h < n_hosts; h++) {
		int *vcpus = mem_zalloc(x[h].cpus.n, sizeof(*vcpus));

		for (size_t m = 0; m < n; m++) {
			belongs[m] = (int)m != x[h].host;
			judge(&x[h], belongs, n, verdicts, vcpus);
			fits[m * n + (size_t)x[h].host] =
				belongs[m] && verdicts[m].verdict != SYNC_FOREIGN;
			belongs[m] = false;
		}
		free(vcpus);
	}
	free(belongs);
	free(verdicts);
	return fits;
}

/* Return: whether `host` is the innermost of the hosts that the machine fits. */
static bool is_own_host(const bool *fits, size_t n, size_t machine, size_t host)
{
	if (!fits[machine * n + host])
		return false;
	for (size_t other = 0; other < n; other++) {
		if (other != host && other != machine && fits[machine * n + other] &&
		    fits[other * n + host])
			return false;
	}
	return true;
}

/* ---- verdicts --------------------------------------------------------------------------------- */

static void say(struct identity *id, int machine, char *text)
{
	struct ident_machine *m = &id->machines.at[machine];
	char *old = m->why;

	m->why = mem_printf("%s; %s", old, text);
	free(old);
	free(text);
}

static void apply_verdict(struct identity *id, int machine, int host, const struct sync_identity *v)
{
	const char *host_name = id->machines.at[host].name;

	switch (v->verdict) {
	case SYNC_FOUND:
		identity_tie(id, (int)v->process, machine,
			     mem_printf("containment: %u coincidences of exits and guest events "
					"agree on one clock difference (next best VM %u)",
					v->score, v->runner_up));
		break;
	case SYNC_AMBIGUOUS:
		say(id, machine,
		    mem_printf("ambiguous: it fits more than one VM of %s alike (%u and %u "
			       "coincidences)",
			       host_name, v->score, v->runner_up));
		break;
	case SYNC_FOREIGN:
		break;
	}
}

/* The CPUs of the VMs that are tied learn their vCPUs, and the machines where their clocks are. */
static void set_guest_cpus(struct containment *c, struct identity *id, const struct comparison *x,
			   const int *vcpus)
{
	for (size_t r = 0; r < x->cpus.n; r++) {
		uint32_t machine = x->machine_of_cpu.at[r];
		struct contained *fit = &c->fits[machine];

		if (vcpus[r] == IDENT_NONE ||
		    id->vms.at[id->vcpus.at[vcpus[r]].vm].guest != (int)machine)
			continue;
		id->vcpus.at[vcpus[r]].guest_cpu = x->number_of_cpu.at[r];
		for (size_t k = 0; k < x->threads.n; k++) {
			const struct sync_score *s = &x->scores[r * x->threads.n + k];

			if (x->vcpu_of_thread.at[k] != vcpus[r] || s->agreeing <= fit->agreeing)
				continue;
			fit->agreeing = s->agreeing;
			fit->difference = s->difference;
		}
	}
}

/* told: per machine, becomes true for those that fit a VM of this host, or several. */
static void judge_host(struct containment *c, const struct comparison *x, struct identity *id,
		       const bool *fits, bool *told)
{
	size_t n = id->machines.n;
	bool *belongs = mem_zalloc(n, sizeof(*belongs));
	int *vcpus = mem_zalloc(x->cpus.n, sizeof(*vcpus));
	struct sync_identity *verdicts = mem_zalloc(n, sizeof(*verdicts));

	for (size_t m = 0; m < n; m++)
		belongs[m] = is_own_host(fits, n, m, (size_t)x->host);
	judge(x, belongs, n, verdicts, vcpus);
	for (size_t m = 0; m < n; m++) {
		if (!belongs[m] || id->machines.at[m].vm != IDENT_NONE)
			continue;
		apply_verdict(id, (int)m, x->host, &verdicts[m]);
		told[m] |= verdicts[m].verdict != SYNC_FOREIGN;
	}
	set_guest_cpus(c, id, x, vcpus);
	free(belongs);
	free(vcpus);
	free(verdicts);
}

static void say_foreign(struct identity *id, const bool *told)
{
	for (size_t m = 0; m < id->machines.n; m++) {
		if (!told[m] && id->machines.at[m].vm == IDENT_NONE && !id->machines.at[m].is_host)
			say(id, (int)m,
			    mem_strdup(
				    "its events fit no VM of any host here, or are too few to tell"));
	}
}

static size_t compare_hosts(struct comparison *x, const struct containment *c,
			    const struct identity *id, enum sync_grain grain)
{
	size_t n_hosts = 0;

	for (size_t h = 0; h < c->n_machines; h++) {
		if (id->machines.at[h].is_host)
			comparison_init(&x[n_hosts++], c, id, (int)h, grain);
	}
	return n_hosts;
}

static void comparisons_deinit(struct comparison *x, size_t n_hosts)
{
	for (size_t h = 0; h < n_hosts; h++)
		comparison_deinit(&x[h]);
}

/* Return: whether each machine that is no host fits somewhere. */
static bool all_fit(const struct identity *id, const bool *fits)
{
	size_t n = id->machines.n;

	for (size_t m = 0; m < n; m++) {
		bool any = id->machines.at[m].is_host;

		for (size_t h = 0; h < n && !any; h++)
			any = fits[m * n + h];
		if (!any)
			return false;
	}
	return true;
}

/* What is gathered, compared in one way. Return: find_fits(); x and *n_hostsp become what it is of. */
static bool *compare(const struct containment *c, const struct identity *id, enum sync_grain grain,
		     struct comparison *x, size_t *n_hostsp)
{
	comparisons_deinit(x, *n_hostsp);
	*n_hostsp = compare_hosts(x, c, id, grain);
	return find_fits(x, *n_hostsp, c->n_machines);
}

/* Compares in both ways if the first leaves out a machine. Likewise. */
static bool *search(const struct containment *c, const struct identity *id, enum sync_grain first,
		    struct comparison *x, size_t *n_hostsp)
{
	bool *fits = compare(c, id, first, x, n_hostsp);

	if (!all_fit(id, fits)) {
		free(fits);
		fits = compare(c, id, first == SYNC_FINE ? SYNC_COARSE : SYNC_FINE, x, n_hostsp);
	}
	return fits;
}

/* Compares parts, and larger ones when some machine fits nowhere. Likewise. */
static bool *search_parts(struct containment *c, const struct identity *id, struct comparison *x,
			  size_t *n_hostsp)
{
	bool *fits = NULL;

	for (uint64_t bytes = PART_BYTES; bytes <= MAX_PART_BYTES; bytes *= PART_FACTOR) {
		free(fits);
		gather_parts(c, id, bytes);
		fits = search(c, id, SYNC_FINE, x, n_hostsp);
		if (all_fit(id, fits))
			break;
	}
	return fits;
}

void containment_identify(struct containment *c, struct identity *id)
{
	size_t n_hosts = 0;
	struct comparison *x = mem_zalloc(c->n_machines, sizeof(*x));
	bool *fits = c->whole ? search(c, id, SYNC_COARSE, x, &n_hosts)
			      : search_parts(c, id, x, &n_hosts);

	bool *told = mem_zalloc(c->n_machines, sizeof(*told));

	if (join_vms(c, x, n_hosts, id)) {
		free(fits);
		fits = find_fits(x, n_hosts, c->n_machines);
	}
	for (size_t h = 0; h < n_hosts; h++)
		judge_host(c, &x[h], id, fits, told);
	if (n_hosts)
		say_foreign(id, told);
	comparisons_deinit(x, n_hosts);
	free(told);
	free(x);
	free(fits);
	if (!c->whole)
		forget(c);
}

/* ---- fitting ---------------------------------------------------------------------------------- */

static const struct gathered_cpu *find_cpu(const struct gathered_machine *m, int64_t number)
{
	for (size_t i = 0; i < m->cpus.n; i++) {
		if ((int64_t)m->cpus.at[i].cpu == number)
			return &m->cpus.at[i];
	}
	return NULL;
}

struct pairs {
	struct sync_cpu *cpus;
	struct sync_thread *threads;
	struct sync_pair *at;
	size_t n;
};

/* The guest's CPUs with the threads that they ran on. */
static struct pairs find_pairs(const struct containment *c, const struct identity *id, int guest)
{
	struct pairs p = {.cpus = mem_zalloc(c->n_vcpus, sizeof(*p.cpus)),
			  .threads = mem_zalloc(c->n_vcpus, sizeof(*p.threads)),
			  .at = mem_zalloc(c->n_vcpus, sizeof(*p.at))};

	for (size_t v = 0; v < c->n_vcpus; v++) {
		const struct ident_vcpu *vcpu = &id->vcpus.at[v];
		const struct gathered_cpu *cpu =
			vcpu->vm == id->machines.at[guest].vm
				? find_cpu(&c->machines[guest], vcpu->guest_cpu)
				: NULL;

		if (!cpu)
			continue;
		p.cpus[p.n] = (struct sync_cpu){.events = cpu->at.at, .n = cpu->at.n};
		p.threads[p.n] = (struct sync_thread){.windows = c->windows[v].at.at,
						      .n = c->windows[v].at.n};
		p.at[p.n] = (struct sync_pair){.cpu = &p.cpus[p.n], .thread = &p.threads[p.n]};
		p.n++;
	}
	return p;
}

static void pairs_deinit(struct pairs *p)
{
	free(p->cpus);
	free(p->threads);
	free(p->at);
}

static void fit_whole(struct containment *c, const struct identity *id, int guest)
{
	struct span s = span_of(id->machines.at[guest].evidence);
	struct sync_fit_options options = sync_fit_defaults(s.first, s.last);
	struct pairs p = find_pairs(c, id, guest);

	c->fits[guest].present = !sync_contain_init(&c->fits[guest].fit, p.at, p.n, &options);
	pairs_deinit(&p);
}

/* Clocks that cannot be followed (they step by seconds, say) need all of the two traces at once. */
static void fit_in_memory(struct containment *c, const struct identity *id, int guest, int host)
{
	forget(c);
	gather_events(c->traces[guest], id->machines.at[guest].evidence, &c->machines[guest]);
	gather_windows(c->traces[host], id, host, c->windows, INT64_MIN, INT64_MAX);
	fit_whole(c, id, guest);
	forget(c);
}

static void take_track(struct containment *c, struct followed *f)
{
	struct contained *fit = &c->fits[f->machine];

	if (f->lost || sync_track_finish(&f->track, &fit->fit.fit))
		return;
	fit->present = true;
	vec_each (chunk, &f->track.chunks)
		*vec_push(&fit->chunks) = *chunk;
}

static struct followed followed_of(const struct containment *c, const struct identity *id,
				   int guest)
{
	struct span s = span_of(id->machines.at[guest].evidence);
	struct sync_fit_options options = sync_fit_defaults(s.first, s.last);
	struct followed f = {.machine = guest, .difference = c->fits[guest].difference};

	f.reach = (s.last - s.first) / 1000000 * DRIFT_PPM + LEAST_REACH;
	sync_track_init(&f.track, &options);
	return f;
}

static bool is_guest_of(const struct identity *id, size_t machine, int host)
{
	int vm = id->machines.at[machine].vm;

	return vm != IDENT_NONE && id->vms.at[vm].host == host;
}

static void follow_host(struct containment *c, const struct identity *id, int host)
{
	VEC(struct followed) guests = {0};

	for (size_t m = 0; m < c->n_machines; m++) {
		if (is_guest_of(id, m, host) && c->fits[m].agreeing)
			*vec_push(&guests) = followed_of(c, id, (int)m);
	}
	if (guests.n)
		follow_guests(c->traces, id, host, guests.at, guests.n, c->helper);
	vec_each (f, &guests) {
		take_track(c, f);
		sync_track_deinit(&f->track);
	}
	vec_deinit(&guests);
	for (size_t m = 0; m < c->n_machines; m++) {
		if (is_guest_of(id, m, host) && !c->fits[m].present)
			fit_in_memory(c, id, (int)m, host);
	}
}

void containment_follow(struct containment *c, const struct identity *id)
{
	for (size_t m = 0; m < c->n_machines; m++) {
		if (c->whole && id->machines.at[m].vm != IDENT_NONE)
			fit_whole(c, id, (int)m);
		else if (!c->whole && id->machines.at[m].is_host)
			follow_host(c, id, (int)m);
	}
}

const struct sync_fit *containment_fit(const struct containment *c, int guest)
{
	return c->fits[guest].present ? &c->fits[guest].fit.fit : NULL;
}

/*
 * Events and windows are both in order, so one walk along both finds each event's window.
 * Return: how many events lie between the first window and the last.
 */
static uint64_t count_outside(const struct sync_pair *pair, const struct clock_map *map,
			      uint64_t *outside_of_piece)
{
	const struct sync_thread *t = pair->thread;
	uint64_t n = 0;
	size_t w = 0;

	for (size_t i = 0; i < pair->cpu->n; i++) {
		const struct clock_piece *p = clock_map_piece(map, pair->cpu->events[i].ts);
		int64_t at = clock_piece_apply(p, pair->cpu->events[i].ts);

		while (w < t->n && t->windows[w].end < at)
			w++;
		if (w == t->n || at < t->windows[0].begin)
			continue;
		outside_of_piece[p - map->pieces] += at < t->windows[w].begin;
		n++;
	}
	return n;
}

static void count_whole(const struct containment *c, const struct identity *id, int guest,
			const struct clock_map *map, uint64_t *n_eventsp,
			uint64_t *outside_of_piece)
{
	struct pairs p = find_pairs(c, id, guest);

	for (size_t i = 0; i < p.n; i++)
		*n_eventsp += count_outside(&p.at[i], map, outside_of_piece);
	pairs_deinit(&p);
}

void containment_count_outside(const struct containment *c, const struct identity *id, int guest,
			       const struct clock_map *map, uint64_t *n_eventsp,
			       uint64_t *outside_of_piece)
{
	*n_eventsp = 0;
	if (c->whole)
		count_whole(c, id, guest, map, n_eventsp, outside_of_piece);
	else
		follow_count_outside(c->traces, id, guest, map, n_eventsp, outside_of_piece);
}

void containment_count_own(const struct containment *c, const struct identity *id, int guest,
			   const struct clock_map *map, uint64_t *n_eventsp,
			   uint64_t *outside_of_piece)
{
	const struct contained *f = &c->fits[guest];

	if (!f->chunks.n) {
		containment_count_outside(c, id, guest, map, n_eventsp, outside_of_piece);
		return;
	}
	*n_eventsp = 0;
	vec_each (chunk, &f->chunks) {
		int64_t middle = chunk->from + (chunk->to - chunk->from) / 2;

		*n_eventsp += chunk->events;
		outside_of_piece[clock_map_piece(map, middle) - map->pieces] += chunk->outside;
	}
}
