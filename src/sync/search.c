#include "sync/search.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "sync/claims.h"
#include "sync/limits.h"
#include "sync/lineup.h"

struct search {
	const struct observed *observed; /* borrowed */
	struct identity *id;
	/* owned; per vCPU of the identity: of a part of the traces, with a cause */
	struct sync_windows *windows;
	size_t n_vcpus;
	struct searched_machine *machines; /* owned; likewise */
	struct sync_found *found;	   /* borrowed; per machine */
	uint64_t budget;		   /* windows of each host, for each vCPU */
	unsigned threads;		   /* that may be used */
};

/* ---- parts ----------------------------------------------------------------------------------- */

/*
 * Of a host a few long blocks are looked at, of the guests some events all over: whatever the
 * clocks differ by, some of them happened during a block.
 */

struct searched_cpu {
	uint32_t cpu;
	VEC(struct sync_guest_event) at; /* with a cause */
};

struct searched_machine {
	VEC(struct searched_cpu) cpus;
};

/* Return: whether there is a host that the machine may be a guest of. */
static bool search_has_host(const struct identity *id, size_t machine)
{
	for (size_t h = 0; h < id->machines.n; h++) {
		if (h != machine && id->machines.at[h].is_host)
			return true;
	}
	return false;
}

static uint64_t search_count_causes(const struct observed_machine *m)
{
	uint64_t n = 0;

	vec_each (c, &m->cpus)
		n += c->causes;
	return n;
}

/* Return: how many windows of a host may be compared. */
static uint64_t search_budget(const struct search *s, int host)
{
	uint64_t n = 0;

	vec_each (v, &s->id->vcpus)
		n += s->id->vms.at[v->vm].host == host;
	return n * s->budget;
}

static void search_read_block(struct search *s, int host, int64_t from, int64_t to)
{
	struct observed_windows *r =
		observed_windows_new(s->observed, s->id, host, IDENT_NONE, from);

	observed_windows_read(r, to, true, s->windows);
	observed_windows_free(r);
}

static void search_read_host(struct search *s, int host)
{
	const struct observed_machine *m = &s->observed->machines[host];
	uint64_t all = search_count_causes(m), budget = search_budget(s, host);
	int64_t between = (m->last_ns - m->first_ns) / SEARCH_BLOCKS;
	int64_t length = (int64_t)((double)between * ((double)budget / (double)(all + 1))) + 1;

	if (all <= budget) {
		search_read_block(s, host, INT64_MIN, INT64_MAX);
		return;
	}
	for (int i = 0; i < SEARCH_BLOCKS; i++) {
		int64_t from = m->first_ns + i * between + (between - length) / 2;

		search_read_block(s, host, from, from + length);
	}
}

static void search_read_cpu(struct searched_machine *to, const struct observed_machine *m,
			    const struct observed_cpu *c)
{
	uint64_t every = observed_count_causes(m, c) / SEARCH_CPU_EVENTS + 1, n = 0;
	struct searched_cpu *cpu = vec_push(&to->cpus);
	struct observed_events e;

	cpu->cpu = c->cpu;
	observed_events_init(&e, m, c);
	for (; !e.at_end; observed_events_step(&e)) {
		if (e.next.cause == SYNC_CAUSE_NONE)
			continue;
		if (n++ / SEARCH_RUN_EVENTS % every == 0)
			*vec_push(&cpu->at) = e.next;
	}
	observed_events_deinit(&e);
}

static void search_read_machine(void *ctx, size_t machine)
{
	struct search *s = ctx;
	const struct observed_machine *m = &s->observed->machines[machine];

	if (s->id->machines.at[machine].is_host)
		search_read_host(s, (int)machine);
	if (!search_has_host(s->id, machine) || s->machines[machine].cpus.n)
		return;
	vec_each (c, &m->cpus)
		search_read_cpu(&s->machines[machine], m, c);
}

static void search_read(struct search *s)
{
	for (size_t v = 0; v < s->n_vcpus; v++)
		s->windows[v].at.n = 0;
	parallel_each(s->id->machines.n, s->threads, search_read_machine, s);
}

/* Return: whether more can be read of some host than was. */
static bool search_has_more(const struct search *s)
{
	for (size_t m = 0; m < s->id->machines.n; m++) {
		if (s->id->machines.at[m].is_host &&
		    search_count_causes(&s->observed->machines[m]) > search_budget(s, (int)m))
			return true;
	}
	return false;
}

/* ---- comparing ------------------------------------------------------------------------------- */

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

static void comparison_init(struct comparison *x, const struct search *c, const struct identity *id,
			    int host, enum sync_grain grain)
{
	*x = (struct comparison){.host = host};
	for (size_t m = 0; m < c->id->machines.n; m++) {
		for (size_t k = 0; (int)m != host && k < c->machines[m].cpus.n; k++) {
			const struct searched_cpu *cpu = &c->machines[m].cpus.at[k];

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
 * Judges those machines that belongs[] names, as if there were no others. vms: per thread, which
 * one it is of. verdicts: per machine; vcpus: per row, the vCPU it ran on, or IDENT_NONE.
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

/* ---- VMs of which not all vCPUs are known ---------------------------------------------------- */

/*
 * Where nothing tells a vCPU's process, each is a VM of its own at first. If the CPUs of one guest
 * lie inside the windows of several of them, these are one VM.
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
static void renumber(struct search *c, struct comparison *x, size_t n_hosts,
		     const struct identity *id, const size_t *moved)
{
	struct sync_windows *windows = mem_zalloc(c->n_vcpus, sizeof(*windows));

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
	struct search *c;
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
	size_t n = j->id->machines.n;
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
static bool join_vms(struct search *c, struct comparison *x, size_t n_hosts, struct identity *id)
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

/* ---- nesting --------------------------------------------------------------------------------- */

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

/* ---- verdicts -------------------------------------------------------------------------------- */

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
static void set_guest_cpus(struct search *c, struct identity *id, const struct comparison *x,
			   const int *vcpus)
{
	for (size_t r = 0; r < x->cpus.n; r++) {
		uint32_t machine = x->machine_of_cpu.at[r];
		struct sync_found *fit = &c->found[machine];

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

/* Return: whether row r of the comparison is the CPU of that vCPU of its machine. */
static bool is_cpu_of(const struct comparison *x, size_t r, const struct identity *id, int vcpu)
{
	const struct ident_vcpu *v = &id->vcpus.at[vcpu];

	return v->guest_cpu == x->number_of_cpu.at[r] &&
	       id->vms.at[v->vm].guest == (int)x->machine_of_cpu.at[r];
}

/* What each CPU claims of its own clock, by its own vCPU. */
static void note_each_cpu(struct search *c, const struct identity *id, const struct comparison *x)
{
	for (size_t r = 0; r < x->cpus.n; r++) {
		struct sync_found *found = &c->found[x->machine_of_cpu.at[r]];

		for (size_t k = 0; k < x->threads.n; k++) {
			const struct sync_score *s = &x->scores[r * x->threads.n + k];

			if (s->agreeing < SYNC_MIN_CLAIMS ||
			    !is_cpu_of(x, r, id, x->vcpu_of_thread.at[k]))
				continue;
			vec_push(&found->cpus);
			found->cpus.at[found->cpus.n - 1].cpu = x->number_of_cpu.at[r];
			found->cpus.at[found->cpus.n - 1].difference = s->difference;
		}
	}
}

int64_t sync_found_of_cpu(const struct sync_found *found, uint32_t cpu)
{
	vec_each (c, &found->cpus) {
		if (c->cpu == cpu)
			return c->difference;
	}
	return found->difference;
}

/* told: per machine, becomes true for those that fit a VM of this host, or several. */
static void judge_host(struct search *c, const struct comparison *x, struct identity *id,
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
	note_each_cpu(c, id, x);
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

static size_t compare_hosts(struct comparison *x, const struct search *c, const struct identity *id,
			    enum sync_grain grain)
{
	size_t n_hosts = 0;

	for (size_t h = 0; h < c->id->machines.n; h++) {
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

/*
 * What is gathered, compared in one way. Return: find_fits(); x and *n_hostsp become what it is of.
 */
static bool *compare(const struct search *c, const struct identity *id, enum sync_grain grain,
		     struct comparison *x, size_t *n_hostsp)
{
	comparisons_deinit(x, *n_hostsp);
	*n_hostsp = compare_hosts(x, c, id, grain);
	return find_fits(x, *n_hostsp, c->id->machines.n);
}

/* Compares in both ways if the first leaves out a machine. Likewise. */
static bool *search(const struct search *c, const struct identity *id, enum sync_grain first,
		    struct comparison *x, size_t *n_hostsp)
{
	bool *fits = compare(c, id, first, x, n_hostsp);

	if (!all_fit(id, fits)) {
		free(fits);
		fits = compare(c, id, first == SYNC_FINE ? SYNC_COARSE : SYNC_FINE, x, n_hostsp);
	}
	return fits;
}

/* Compares parts of the traces, and larger ones when some machine fits nowhere. Likewise. */
static bool *search_parts(struct search *c, const struct identity *id, struct comparison *x,
			  size_t *n_hostsp)
{
	bool *fits = NULL;

	for (c->budget = SEARCH_VCPU_WINDOWS;; c->budget *= 2) {
		free(fits);
		search_read(c);
		bool more = search_has_more(c);

		fits = search(c, id, more ? SYNC_FINE : SYNC_COARSE, x, n_hostsp);
		if (!more || c->budget >= SEARCH_MAX_VCPU_WINDOWS || all_fit(id, fits))
			return fits;
	}
}

/* ---- all of it ------------------------------------------------------------------------------- */

static void search_identify(struct search *c)
{
	struct identity *id = c->id;
	size_t n_hosts = 0, n = id->machines.n;
	struct comparison *x = mem_zalloc(n, sizeof(*x));
	bool *fits = search_parts(c, id, x, &n_hosts);
	bool *told = mem_zalloc(n, sizeof(*told));

	if (join_vms(c, x, n_hosts, id)) {
		free(fits);
		fits = find_fits(x, n_hosts, n);
	}
	for (size_t h = 0; h < n_hosts; h++)
		judge_host(c, &x[h], id, fits, told);
	if (n_hosts)
		say_foreign(id, told);
	comparisons_deinit(x, n_hosts);
	free(told);
	free(x);
	free(fits);
}

void sync_search(const struct observed *o, struct identity *id, unsigned threads,
		 struct sync_found *found)
{
	size_t n = id->machines.n;
	struct search s = {.observed = o,
			   .id = id,
			   .n_vcpus = id->vcpus.n,
			   .windows = mem_zalloc(id->vcpus.n, sizeof(*s.windows)),
			   .machines = mem_zalloc(n, sizeof(*s.machines)),
			   .found = found,
			   .threads = threads};

	search_identify(&s);
	for (size_t v = 0; v < s.n_vcpus; v++)
		vec_deinit(&s.windows[v].at);
	for (size_t m = 0; m < n; m++) {
		vec_each (c, &s.machines[m].cpus)
			vec_deinit(&c->at);
		vec_deinit(&s.machines[m].cpus);
	}
	free(s.windows);
	free(s.machines);
}
