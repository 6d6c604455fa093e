#include "report/diff_changes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/chosen.h"
#include "results/naming.h"

/* ---- who is who ------------------------------------------------------------------------------ */

static int machine_named(const struct results *r, const char *name)
{
	vec_each (vm, &r->vms) {
		if (!strcmp(r->machines.at[*vm].name, name))
			return *vm;
	}
	return NOBODY;
}

/* For each machine of a the one in b that is the same VM, or NOBODY. For free(). */
static int *match_machines(const struct results *a, const struct results *b)
{
	int *match = mem_zalloc(a->machines.n + 1, sizeof(*match));
	bool *taken = mem_zalloc(b->machines.n + 1, sizeof(*taken));
	size_t next = 0;

	for (size_t i = 0; i < a->machines.n; i++)
		match[i] = NOBODY;
	vec_each (vm, &a->vms) {
		int other = machine_named(b, a->machines.at[*vm].name);

		if (other == NOBODY || taken[other])
			continue;
		match[*vm] = other;
		taken[other] = true;
	}
	vec_each (vm, &a->vms) {
		if (match[*vm] != NOBODY || a->machines.at[*vm].trace_path)
			continue;
		while (next < b->vms.n &&
		       (taken[b->vms.at[next]] || b->machines.at[b->vms.at[next]].trace_path))
			next++;
		if (next < b->vms.n)
			match[*vm] = b->vms.at[next++];
	}
	free(taken);
	return match;
}

static const struct res_vcpu *vcpu_of(const struct results *r, int machine, int64_t index)
{
	vec_each (v, &r->vcpus) {
		if (machine != NOBODY && v->machine == machine && v->index == index &&
		    index != TABLE_NULL)
			return v;
	}
	return NULL;
}

/* ---- one number ------------------------------------------------------------------------------ */

struct pair {
	struct changes *changes;
	const struct results *ra, *rb;
	const struct res_vcpu *a, *b;
	const double *thresholds;
};

/*
 * What was hardly there before is not infinitely worse: it counts as if it had been there once a
 * second.
 */
static double change_weight(const struct change *c, double threshold)
{
	double size = fabs(c->change);

	if (c->kind == DIFF_RATE && c->a < 1)
		size = 100 * fabs(c->b - c->a);
	return threshold > 0 ? size / threshold : size > 0 ? INFINITY : 0;
}

static void add(const struct pair *p, enum diff_kind kind, const char *what, double a, double b)
{
	struct change *c = vec_push(&p->changes->at);

	*c = (struct change){.in_a = p->a,
			     .in_b = p->b,
			     .machine = p->ra->machines.at[p->a->machine].name,
			     .kind = kind,
			     .what = what,
			     .a = a,
			     .b = b};
	if (kind == DIFF_SHARE)
		c->change = b - a;
	else
		c->change = a == b ? 0 : 100 * (b - a) / a;
	c->past = fabs(c->change) > p->thresholds[kind];
	c->weight = change_weight(c, p->thresholds[kind]);
}

static double share(int64_t part, const struct res_vcpu *v)
{
	int64_t known = summary_known(&v->sum);

	return known > 0 ? 100.0 * (double)part / (double)known : 0;
}

static double rate(uint64_t n, const struct res_vcpu *v)
{
	int64_t observed = summary_observed(&v->sum);

	return observed > 0 ? (double)n / ((double)observed / 1e9) : 0;
}

/* ---- shares ---------------------------------------------------------------------------------- */

static void add_states(const struct pair *p)
{
	for (int s = VCPU_UNKNOWN + 1; s < VCPU_N_STATES; s++)
		add(p, DIFF_SHARE, vcpu_state_name((enum vcpu_state)s),
		    share(p->a->sum.time[s], p->a), share(p->b->sum.time[s], p->b));
}

static void add_up_kinds(const struct results *r, const struct res_vcpu *v, int64_t *lost)
{
	vec_each (o, &v->sum.occupants) {
		tally_add_ns(&lost[occupant_of(r, o).kind], summary_taken(o));
	}
}

static void add_steal(const struct pair *p)
{
	int64_t a[OCCUPANT_N_KINDS] = {0}, b[OCCUPANT_N_KINDS] = {0};

	add_up_kinds(p->ra, p->a, a);
	add_up_kinds(p->rb, p->b, b);
	for (int k = 0; k < OCCUPANT_N_KINDS; k++) {
		const char *name = occupant_kind_name((enum occupant_kind)k);

		if (a[k] || b[k])
			add(p, DIFF_SHARE, arena_printf(&p->changes->texts, "lost to %s", name),
			    share(a[k], p->a), share(b[k], p->b));
	}
}

/* ---- rates, latencies ------------------------------------------------------------------------ */

static void add_latencies(const struct pair *p, const char *what, const struct histogram *a,
			  const struct histogram *b)
{
	static const struct {
		const char *name;
		double share;
	} quantiles[] = {{"p50", 0.5}, {"p99", 0.99}};

	if (a->n < DIFF_FEWEST || b->n < DIFF_FEWEST)
		return;
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
		add(p, DIFF_LATENCY,
		    arena_printf(&p->changes->texts, "%s %s", what, quantiles[i].name),
		    (double)histogram_quantile(a, quantiles[i].share),
		    (double)histogram_quantile(b, quantiles[i].share));
}

static const struct summary_exits *same_exits(const struct summary_vcpu *v,
					      const struct summary_exits *wanted)
{
	vec_each (e, &v->exits) {
		if (e->reason == wanted->reason && e->isa == wanted->isa)
			return e;
	}
	return NULL;
}

static void add_exits(const struct pair *p, const struct summary_exits *a,
		      const struct summary_exits *b)
{
	static const struct summary_exits none = {0};
	const char *name = exit_label(a ? a : b, &p->changes->texts);

	a = a ? a : &none;
	b = b ? b : &none;
	if (a->n < DIFF_FEWEST && b->n < DIFF_FEWEST)
		return;
	add(p, DIFF_RATE, name, rate(a->n, p->a), rate(b->n, p->b));
	add_latencies(p, name, &a->whole, &b->whole);
}

static void add_all_exits(const struct pair *p)
{
	const struct summary_vcpu *a = &p->a->sum, *b = &p->b->sum;

	if (a->n_exits >= DIFF_FEWEST || b->n_exits >= DIFF_FEWEST)
		add(p, DIFF_RATE, "all exits", rate(a->n_exits, p->a), rate(b->n_exits, p->b));
	vec_each (e, &a->exits)
		add_exits(p, e, same_exits(b, e));
	vec_each (e, &b->exits) {
		if (!same_exits(a, e))
			add_exits(p, NULL, e);
	}
}

static void add_wakeups(const struct pair *p)
{
	for (int s = 0; s < STAGE_N; s++) {
		const char *stage = wakeup_stage_name((enum wakeup_stage)s);

		add_latencies(p, arena_printf(&p->changes->texts, "wake-up %s", stage),
			      &p->a->sum.stages[s], &p->b->sum.stages[s]);
	}
}

/* ---- order ----------------------------------------------------------------------------------- */

/* What matters most is 0. */
static int change_rank(const struct change *c)
{
	if (!c->what)
		return 0;
	return 1 + 2 * !c->past + (c->kind != DIFF_SHARE);
}

struct change_place {
	int rank;
	double weight;
	size_t was;
};

static int by_weight(const void *a, const void *b)
{
	const struct change_place *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank - y->rank;
	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	return x->was < y->was ? -1 : x->was > y->was;
}

void changes_sort(struct changes *c)
{
	size_t n = c->at.n;
	struct change_place *places = mem_zalloc(n + 1, sizeof(*places));
	struct change *were = mem_alloc((n + 1) * sizeof(*were));

	for (size_t i = 0; i < n; i++) {
		were[i] = c->at.at[i];
		places[i] = (struct change_place){change_rank(&were[i]), were[i].weight, i};
	}
	qsort(places, n, sizeof(*places), by_weight);
	for (size_t i = 0; i < n; i++)
		c->at.at[i] = were[places[i].was];
	free(places);
	free(were);
}

/* ---- all ------------------------------------------------------------------------------------- */

static void add_lonely(struct changes *c, const struct results *r, const struct res_vcpu *v,
		       bool in_a)
{
	*vec_push(&c->at) = (struct change){.in_a = in_a ? v : NULL,
					    .in_b = in_a ? NULL : v,
					    .machine = r->machines.at[v->machine].name,
					    .past = true};
}

void changes_init(struct changes *c, const struct results *a, const struct results *b,
		  const double *thresholds, const struct report_choice *choice)
{
	int *match = match_machines(a, b);
	bool *met = mem_zalloc(b->vcpus.n + 1, sizeof(*met));

	*c = (struct changes){0};
	vec_each (v, &a->vcpus) {
		struct pair p = {.changes = c, .ra = a, .rb = b, .a = v, .thresholds = thresholds};

		p.b = vcpu_of(b, match[v->machine], v->index);
		if (p.b)
			met[p.b - b->vcpus.at] = true;
		if (!choice_has_vcpu(choice, a->machines.at[v->machine].name, v->index))
			continue;
		if (!p.b) {
			add_lonely(c, a, v, true);
			continue;
		}
		add_states(&p);
		add_steal(&p);
		add_all_exits(&p);
		add_wakeups(&p);
	}
	for (size_t i = 0; i < b->vcpus.n; i++) {
		const struct res_vcpu *v = &b->vcpus.at[i];

		if (!met[i] && choice_has_vcpu(choice, b->machines.at[v->machine].name, v->index))
			add_lonely(c, b, &b->vcpus.at[i], false);
	}
	free(met);
	free(match);
}

void changes_deinit(struct changes *c)
{
	vec_deinit(&c->at);
	arena_deinit(&c->texts);
}
