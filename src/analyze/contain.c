#include "analyze/contain.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "timeline/sync_identity.h"

void containment_init(struct containment *c, struct ctf_trace *const *traces,
		      const struct identity *identity)
{
	*c = (struct containment){.n_machines = identity->machines.n, .n_vcpus = identity->vcpus.n};
	c->machines = mem_zalloc(c->n_machines, sizeof(*c->machines));
	c->windows = mem_zalloc(c->n_vcpus, sizeof(*c->windows));
	for (size_t i = 0; i < c->n_machines; i++) {
		gather_events(traces[i], &c->machines[i]);
		if (identity->machines.at[i].is_host)
			gather_windows(traces[i], identity, (int)i, c->windows, INT64_MIN,
				       INT64_MAX);
	}
}

void containment_deinit(struct containment *c)
{
	for (size_t i = 0; i < c->n_machines; i++)
		gathered_machine_deinit(&c->machines[i]);
	for (size_t i = 0; i < c->n_vcpus; i++)
		vec_deinit(&c->windows[i].at);
	free(c->machines);
	free(c->windows);
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
			    const struct identity *id, int host)
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
	sync_contain_search(x->cpus.at, x->cpus.n, x->threads.at, x->threads.n, x->scores);
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
 * Judges those machines that belongs[] names, as if there were no others. verdicts: per machine;
 * vcpus: per row, the vCPU it ran on, or IDENT_NONE.
 */
static void judge(const struct comparison *x, const bool *belongs, size_t n_machines,
		  struct sync_identity *verdicts, int *vcpus)
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
				     .process_of_thread = x->vm_of_thread.at,
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

static void set_guest_cpus(struct identity *id, const struct comparison *x, const int *vcpus)
{
	for (size_t r = 0; r < x->cpus.n; r++) {
		int machine = (int)x->machine_of_cpu.at[r];

		if (vcpus[r] != IDENT_NONE &&
		    id->vms.at[id->vcpus.at[vcpus[r]].vm].guest == machine)
			id->vcpus.at[vcpus[r]].guest_cpu = x->number_of_cpu.at[r];
	}
}

static void judge_host(const struct comparison *x, struct identity *id, const bool *fits)
{
	size_t n = id->machines.n;
	bool *belongs = mem_zalloc(n, sizeof(*belongs));
	int *vcpus = mem_zalloc(x->cpus.n, sizeof(*vcpus));
	struct sync_identity *verdicts = mem_zalloc(n, sizeof(*verdicts));

	for (size_t m = 0; m < n; m++)
		belongs[m] = is_own_host(fits, n, m, (size_t)x->host);
	judge(x, belongs, n, verdicts, vcpus);
	for (size_t m = 0; m < n; m++) {
		if (belongs[m] && id->machines.at[m].vm == IDENT_NONE)
			apply_verdict(id, (int)m, x->host, &verdicts[m]);
	}
	set_guest_cpus(id, x, vcpus);
	free(belongs);
	free(vcpus);
	free(verdicts);
}

static void say_foreign(struct identity *id, const bool *fits)
{
	size_t n = id->machines.n;

	for (size_t m = 0; m < n; m++) {
		bool any = id->machines.at[m].vm != IDENT_NONE || id->machines.at[m].is_host;

		for (size_t h = 0; h < n; h++)
			any |= fits[m * n + h];
		if (!any)
			say(id, (int)m,
			    mem_strdup(
				    "its events fit no VM of any host here, or are too few to tell"));
	}
}

void containment_identify(const struct containment *c, struct identity *id)
{
	size_t n = c->n_machines, n_hosts = 0;
	struct comparison *x = mem_zalloc(n, sizeof(*x));

	for (size_t h = 0; h < n; h++) {
		if (id->machines.at[h].is_host)
			comparison_init(&x[n_hosts++], c, id, (int)h);
	}
	bool *fits = find_fits(x, n_hosts, n);

	for (size_t h = 0; h < n_hosts; h++)
		judge_host(&x[h], id, fits);
	if (n_hosts)
		say_foreign(id, fits);
	for (size_t h = 0; h < n_hosts; h++)
		comparison_deinit(&x[h]);
	free(x);
	free(fits);
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

int containment_fit(const struct containment *c, const struct identity *id, int guest,
		    const struct sync_fit_options *options, struct sync_contain *fit)
{
	struct pairs p = find_pairs(c, id, guest);
	int r = sync_contain_init(fit, p.at, p.n, options);

	pairs_deinit(&p);
	return r;
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

void containment_count_outside(const struct containment *c, const struct identity *id, int guest,
			       const struct clock_map *map, uint64_t *n_eventsp,
			       uint64_t *outside_of_piece)
{
	struct pairs p = find_pairs(c, id, guest);

	*n_eventsp = 0;
	for (size_t i = 0; i < p.n; i++)
		*n_eventsp += count_outside(&p.at[i], map, outside_of_piece);
	pairs_deinit(&p);
}
