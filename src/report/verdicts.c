#include "report/verdicts.h"

#include <fnmatch.h>
#include <string.h>
#include <strings.h>

#include "events/exit_reason.h"
#include "results/naming.h"
#include "results/units.h"

const char *verdict_kind_name(enum verdict_kind kind)
{
	static const char *const names[VERDICT_N_KINDS] = {"broken", "unknown", "kept"};

	return names[kind];
}

/* ---- what is measured ------------------------------------------------------------------------ */

static void verdict_measure(struct verdict *j, double low, double high)
{
	j->measured = true;
	j->low = low;
	j->high = high;
}

/* Whatever is unknown may have been that, too. */
static void verdict_of_time(struct verdicts *v, struct verdict *j)
{
	const struct limit *l = j->limit;
	const struct summary_vcpu *sum = &j->vcpu->sum;
	struct split s;

	split_of(&s, v->r, j->vcpu);
	int64_t whole = s.whole, unknown = s.unknown;
	int64_t time = l->metric == LIMIT_THROTTLED ? sum->time[VCPU_THROTTLED] : s.parts[l->part];

	if (whole <= 0) {
		j->why = "nothing of its time was recorded";
		return;
	}
	if (l->metric == LIMIT_TIME && l->part == SPLIT_UNKNOWN)
		unknown = 0;
	double scale = l->unit == LIMIT_PERCENT ? 100.0 / (double)whole : 1;

	verdict_measure(j, (double)time * scale, (double)(time + unknown) * scale);
	j->why = arena_printf(&v->texts, "of %s of its time it is not known what it did",
			      units_share(&v->texts, unknown, whole));
}

/* Of the durations, which must be some. */
static double verdict_duration(enum limit_what what, const struct histogram *h)
{
	switch (what) {
	case LIMIT_MEAN:
		return (double)h->sum / (double)h->n;
	case LIMIT_P50:
		return (double)histogram_quantile(h, 0.5);
	case LIMIT_P99:
		return (double)histogram_quantile(h, 0.99);
	default:
		return (double)h->max;
	}
}

static void verdict_of_durations(struct verdict *j, const struct histogram *h)
{
	if (!h->n) {
		j->why = "the end of none was recorded";
		return;
	}
	double value = verdict_duration(j->limit->what, h);

	verdict_measure(j, value, value);
}

/* Return: whether any kind of processor has an exit of this name. */
static bool verdict_is_reason(const char *name)
{
	enum { ISAS = 8, REASONS = 0x1000 };

	for (unsigned isa = 0; isa < ISAS; isa++) {
		for (uint32_t reason = 0; reason <= REASONS; reason++) {
			const char *known = exit_reason_name(
				(enum isa)isa, reason < REASONS ? reason : UINT32_MAX);

			if (known && !strcasecmp(known, name))
				return true;
		}
	}
	return false;
}

/* Adds up the exits that the limit is about. Return: how many of their reasons were recorded. */
static uint64_t verdict_add_exits(struct verdicts *v, const struct verdict *j, struct histogram *h,
				  uint64_t *np)
{
	const char *of = j->limit->of;
	uint64_t told = 0;

	vec_each (e, &j->vcpu->sum.exits) {
		told += e->reason == TABLE_NULL ? 0 : e->n;
		if (of && strcasecmp(of, exit_label(e, &v->texts)) != 0)
			continue;
		*np += e->n;
		histogram_merge(h, &e->whole);
	}
	return told;
}

static void verdict_of_exits(struct verdicts *v, struct verdict *j)
{
	const struct limit *l = j->limit;
	int64_t observed = summary_observed(&j->vcpu->sum);
	struct histogram h = {0};
	uint64_t n = 0, told = verdict_add_exits(v, j, &h, &n);

	if (j->vcpu->exits <= 0 && !n)
		j->why = "no exit of it was recorded";
	else if (l->of && !n && !told && j->vcpu->sum.n_exits)
		j->why = "the reasons of exits were not recorded";
	else if (l->of && !n && !verdict_is_reason(l->of))
		j->why = arena_printf(&v->texts, "no exit is called '%s'", l->of);
	else if (l->what == LIMIT_COUNT)
		verdict_measure(j, (double)n, (double)n);
	else if (l->what != LIMIT_RATE && n)
		verdict_of_durations(j, &h);
	else if (l->what != LIMIT_RATE)
		j->kind = VERDICT_KEPT;
	else if (observed <= 0)
		j->why = "nothing of its time was recorded";
	else
		verdict_measure(j, (double)n / ((double)observed / 1e9),
				(double)n / ((double)observed / 1e9));
	if (j->kind == VERDICT_KEPT)
		j->why = "there was none";
	histogram_deinit(&h);
}

static void verdict_of_wakeups(struct verdict *j)
{
	const struct histogram *stages = j->vcpu->sum.stages;
	const struct histogram *h = &stages[j->limit->stage];

	if (!stages[STAGE_WHOLE].n)
		j->why = "no wake-up was recorded: that takes a trace of the guest";
	else if (j->limit->what == LIMIT_COUNT)
		verdict_measure(j, (double)h->n, (double)h->n);
	else
		verdict_of_durations(j, h);
	/* A stage that was never needed kept nobody waiting. */
	if (!j->measured && stages[STAGE_WHOLE].n) {
		j->kind = VERDICT_KEPT;
		j->why = "there was none";
	}
}

/* ---- what that means ------------------------------------------------------------------------- */

static void verdict_judge(struct verdict *j)
{
	if (!j->measured)
		return;
	bool low = limit_allows(j->limit, j->low), high = limit_allows(j->limit, j->high);

	if (low != high)
		return;
	j->kind = low ? VERDICT_KEPT : VERDICT_BROKEN;
	j->why = NULL;
}

static void verdicts_add(struct verdicts *v, const struct limit *l, const struct res_vcpu *vcpu,
			 const char *why)
{
	struct verdict *j = vec_push(&v->at);

	*j = (struct verdict){.kind = VERDICT_UNKNOWN, .limit = l, .vcpu = vcpu, .why = why};
	if (vcpu && l->metric == LIMIT_EXITS)
		verdict_of_exits(v, j);
	else if (vcpu && l->metric == LIMIT_WAKEUP)
		verdict_of_wakeups(j);
	else if (vcpu)
		verdict_of_time(v, j);
	verdict_judge(j);
	v->n[j->kind]++;
}

static bool verdict_is_of(const struct limit *l, const char *vm)
{
	return !strcmp(l->vm, vm) || !fnmatch(l->vm, vm, 0);
}

static void verdicts_of_limit(struct verdicts *v, const struct limit *l)
{
	bool any_vm = false, any_vcpu = false;

	vec_each (vm, &v->r->vms)
		any_vm |= verdict_is_of(l, v->r->machines.at[*vm].name);
	vec_each (vcpu, &v->r->vcpus) {
		if (!verdict_is_of(l, v->r->machines.at[vcpu->machine].name) ||
		    (l->vcpu != TABLE_NULL && l->vcpu != vcpu->index))
			continue;
		any_vcpu = true;
		verdicts_add(v, l, vcpu, NULL);
	}
	if (!any_vcpu)
		verdicts_add(v, l, NULL, any_vm ? "there is no such vCPU" : "there is no such VM");
}

void verdicts_init(struct verdicts *v, const struct results *r, const struct limit *limits,
		   size_t n_limits)
{
	*v = (struct verdicts){.r = r};
	for (size_t i = 0; i < n_limits; i++)
		verdicts_of_limit(v, &limits[i]);
}

void verdicts_deinit(struct verdicts *v)
{
	vec_deinit(&v->at);
	arena_deinit(&v->texts);
}
