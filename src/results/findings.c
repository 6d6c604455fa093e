#include "results/findings.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "results/finding_text.h"
#include "results/pauses.h"

/* All that findings are made of. */
struct findings_work {
	struct findings *f;
	const struct results *r;
	const struct findings_wanted *wanted;
	struct blames blames;
	size_t n_vcpus; /* that are asked for */
};

static bool findings_want(const struct findings_work *w, const struct res_vcpu *v)
{
	const char *vm = w->wanted->vm;

	if (w->wanted->thread)
		return v->machine == w->wanted->thread->vm;
	const char *name = w->r->machines.at[v->machine].name;

	return (!vm || !strcmp(name, vm) || !fnmatch(vm, name, 0)) &&
	       (w->wanted->vcpu == TABLE_NULL || w->wanted->vcpu == v->index);
}

/* What its own guest did to a thread; copies, for blames own what they have. */
static void findings_add_guest(struct findings_work *w, const struct thread_part *p)
{
	struct blame *to = blames_get(&w->blames, w->wanted->thread->vm, p->cause);

	*to = p->blame;
	to->culprits.at = NULL;
	to->culprits.n = to->culprits.cap = 0;
	vec_each (c, &p->blame.culprits)
		*vec_push(&to->culprits) = *c;
}

static void findings_add_up_thread(struct findings_work *w)
{
	const struct thread_cost *t = w->wanted->thread;

	w->f->splits[t->vm] = (struct split){
		.run = t->got, .ready = t->lost, .exit = t->exits, .whole = t->wanted};
	for (size_t i = 0; i < w->r->vcpus.n; i++) {
		if (!findings_want(w, &w->r->vcpus.at[i]))
			continue;
		w->n_vcpus++;
		blames_add_taken(&w->blames, (int)i);
	}
	for (int i = 0; i < THREAD_PARTS; i++)
		findings_add_guest(w, &t->parts[i]);
}

static void findings_add_up(struct findings_work *w)
{
	if (w->wanted->thread) {
		findings_add_up_thread(w);
		return;
	}
	for (size_t i = 0; i < w->r->vcpus.n; i++) {
		const struct res_vcpu *v = &w->r->vcpus.at[i];
		struct split s;

		if (!findings_want(w, v))
			continue;
		w->n_vcpus++;
		split_of(&s, w->r, v);
		split_add(&w->f->splits[v->machine], &s);
		blames_add_vcpu(&w->blames, (int)i);
	}
}

/* ---- whose cost it is ------------------------------------------------------------------------ */

/* A part of what one cause cost was for another one, which has the worst of it. */
static void findings_move(struct findings_work *w, int vm, enum cause from, enum cause to)
{
	struct blame *a = blames_get(&w->blames, vm, from), *b = blames_get(&w->blames, vm, to);

	*b = *a;
	*a = (struct blame){0};
}

/*
 * Return: whether all its vCPUs, of several, were asleep at once; *atp, *nsp: from when, how long.
 */
static bool findings_find_stop(const struct findings_work *w, int vm, int64_t *atp, int64_t *nsp)
{
	int64_t begin = INT64_MIN, end = INT64_MAX;
	size_t n = 0;

	vec_each (v, &w->r->vcpus) {
		const struct tally_stretch *s = &v->sum.blocked;

		if (v->machine != vm || !findings_want(w, v) || !v->sum.time[VCPU_GUEST])
			continue;
		if (s->ns <= 0)
			return false;
		begin = s->begin > begin ? s->begin : begin;
		end = s->begin + s->ns < end ? s->begin + s->ns : end;
		n++;
	}
	*atp = begin;
	*nsp = n > 1 && end > begin ? end - begin : 0;
	return *nsp >= cause_info(CAUSE_STOPPED)->stretch;
}

/* Takes from what was blocked the time in which the VM was stopped. */
static void findings_split_blocked(struct findings_work *w, int vm)
{
	struct blame *blocked = blames_get(&w->blames, vm, CAUSE_BLOCKED);
	struct blame *stopped = blames_get(&w->blames, vm, CAUSE_STOPPED);
	int64_t at, ns;

	if (!findings_find_stop(w, vm, &at, &ns) || ns > blocked->cost / blocked->n_vcpus)
		return;
	*stopped = (struct blame){.cost = ns * blocked->n_vcpus,
				  .times = 1,
				  .n_vcpus = blocked->n_vcpus,
				  .vcpu = blocked->vcpu,
				  .worst = {.vcpu = blocked->worst.vcpu, .at = at, .ns = ns}};
	blocked->cost -= stopped->cost;
	blocked->worst.ns = 0;
}

/* Tells spinning for a vCPU that had no CPU from other spinning. */
static int findings_split_pauses(struct findings_work *w, int vm, struct error *err)
{
	struct blame *pause = blames_get(&w->blames, vm, CAUSE_PAUSE);
	struct pauses p = {0};

	if (pause->cost < cause_info(CAUSE_LOCK_HOLDER)->least)
		return 0;
	if (pauses_count(&p, w->r, vm, err))
		return ERR;
	/* At random as many would meet it as there is time in which a sibling has no CPU. */
	if (p.with_sibling * 2 < p.n)
		return 0;
	findings_move(w, vm, CAUSE_PAUSE, CAUSE_LOCK_HOLDER);
	blames_get(&w->blames, vm, CAUSE_LOCK_HOLDER)->taken = p.with_sibling;
	return 0;
}

/*
 * Exits count whole when they begin in a range, states as far as they lie in it: what exits cost is
 * no more than the time that the VM spent on them.
 */
static void findings_fit_exits(struct findings_work *w, int vm)
{
	int64_t sum = 0, most = w->f->splits[vm].exit;

	for (int cause = 0; cause < CAUSE_N; cause++) {
		if (cause_info((enum cause)cause)->kind == CAUSE_KIND_EXIT)
			tally_add_ns(&sum, blames_get(&w->blames, vm, (enum cause)cause)->cost);
	}
	for (int cause = 0; cause < CAUSE_N && sum > most; cause++) {
		struct blame *b = blames_get(&w->blames, vm, (enum cause)cause);

		if (cause_info((enum cause)cause)->kind == CAUSE_KIND_EXIT)
			b->cost = (int64_t)((double)b->cost * ((double)most / (double)sum));
	}
}

/* Windows of time begin before the recording, or what is asked of it. */
static void findings_fit_worst(const struct findings_work *w, struct blame_worst *worst)
{
	int64_t from = results_from(w->r);

	if (worst->at < from)
		worst->at = from;
}

/* ---- which are worth telling ----------------------------------------------------------------- */

static int64_t findings_whole(const struct findings_work *w, const struct split *s,
			      enum cause cause)
{
	if (w->wanted->thread)
		return w->wanted->thread->wanted;
	switch (cause_info(cause)->kind) {
	case CAUSE_KIND_LOST:
	case CAUSE_KIND_EXIT:
		return split_wanted(s);
	default:
		return (int64_t)((uint64_t)s->whole - (uint64_t)s->unknown);
	}
}

/* What wakes an idle CPU takes always; what is short is no fault of it. */
enum { LATENCY_LEAST = 50000 };

static bool findings_is_worth(const struct blame *b, enum cause cause, int64_t whole)
{
	const struct cause_info *info = cause_info(cause);
	bool large = b->cost >= info->least &&
		     (double)b->cost * 100 >= (double)info->percent * (double)whole;
	bool long_ = info->stretch && b->worst.ns >= info->stretch;

	if (cause == CAUSE_LATENCY && b->times && b->cost / (int64_t)b->times < LATENCY_LEAST)
		large = false;
	return b->cost > 0 && whole > 0 && (large || long_);
}

static void findings_add(struct findings_work *w, int vm, enum cause cause)
{
	const struct blame *b = blames_get(&w->blames, vm, cause);
	int64_t whole = findings_whole(w, &w->f->splits[vm], cause);

	if (w->wanted->any ? b->cost <= 0 || whole <= 0 : !findings_is_worth(b, cause, whole))
		return;
	const struct blame_culprit *c = b->culprits.n ? b->culprits.at : NULL;
	struct finding *found = vec_push(&w->f->at);

	*found = (struct finding){
		.cause = cause,
		.vm = vm,
		.thread = w->wanted->thread ? w->wanted->thread->name : NULL,
		.vcpu = b->n_vcpus == 1 ? b->vcpu : NOBODY,
		.n_vcpus = b->n_vcpus,
		.cost = b->cost,
		.whole = whole,
		.times = b->times,
		.worst = b->worst,
		.culprit = c ? c->name : NULL,
		.culprit_vm = c ? c->vm : NOBODY,
		.culprit_pid = c ? c->pid : TABLE_NULL,
		.culprit_ns = c ? c->ns : TABLE_NULL,
	};
	findings_fit_worst(w, &found->worst);
	finding_write(found, w->r, b, w->wanted->file, &w->f->texts);
}

static bool findings_is_of_clock(const struct res_diag *d)
{
	return d->machine != NOBODY && strcmp(d->severity, "info") != 0 &&
	       (!strncmp(d->name, "clock-", 6) || !strncmp(d->name, "vcpu-clocks", 11) ||
		!strcmp(d->name, "guest-events-outside") || !strcmp(d->name, "tsc-offset-written"));
}

static void findings_add_clocks(struct findings_work *w)
{
	vec_each (d, &w->r->diags) {
		if (!findings_is_of_clock(d))
			continue;
		struct finding *found = vec_push(&w->f->at);

		*found = (struct finding){.cause = CAUSE_CLOCK,
					  .vm = d->machine,
					  .vcpu = NOBODY,
					  .times = (uint64_t)d->count,
					  .culprit = d->name,
					  .culprit_vm = NOBODY,
					  .culprit_pid = TABLE_NULL,
					  .culprit_ns = TABLE_NULL};
		finding_write_clock(found, w->r, d, w->wanted->file, &w->f->texts);
	}
}

/* First what VMs lost, then what the host pays, then notes; of each the dearest first. */
static int finding_by_rank(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;
	enum cause_kind kx = cause_info(x->cause)->kind, ky = cause_info(y->cause)->kind;
	int rx = kx < CAUSE_KIND_HOST ? 0 : (int)kx, ry = ky < CAUSE_KIND_HOST ? 0 : (int)ky;

	if (rx != ry)
		return rx < ry ? -1 : 1;
	if (x->cost != y->cost)
		return x->cost > y->cost ? -1 : 1;
	if (x->vm != y->vm)
		return x->vm < y->vm ? -1 : 1;
	return x->cause < y->cause ? -1 : x->cause > y->cause;
}

/* ---- what cannot be told --------------------------------------------------------------------- */

/* "kvm:kvm_exit: when ... is not known; sched_switch: ..." */
static void findings_add_missing(struct findings *f, const struct res_diag *d)
{
	for (const char *at = d->detail; at && *at;) {
		const char *next = strstr(at, "; "), *end = next ? next : at + strlen(at);
		const char *colon = strstr(at, ": ");

		if (colon && colon < end)
			*vec_push(&f->missing) = (struct finding_missing){
				.machine = d->machine,
				.event = arena_strndup(&f->texts, at, (size_t)(colon - at)),
				.without = arena_strndup(&f->texts, colon + 2,
							 (size_t)(end - colon - 2))};
		at = next ? next + 2 : end;
	}
}

static void findings_find_missing(struct findings *f, const struct results *r)
{
	vec_each (d, &r->diags) {
		if (!strcmp(d->name, "events-not-recorded") ||
		    !strcmp(d->name, "details-not-recorded"))
			findings_add_missing(f, d);
	}
}

/* ---- all ------------------------------------------------------------------------------------- */

static int findings_find(struct findings_work *w, struct error *err)
{
	findings_add_up(w);
	for (int vm = 0; vm < (int)w->r->machines.n; vm++) {
		findings_fit_exits(w, vm);
		if (w->wanted->thread)
			continue;
		findings_split_blocked(w, vm);
		if (findings_split_pauses(w, vm, err))
			return ERR;
	}
	blames_finish(&w->blames);
	for (int vm = 0; vm < (int)w->r->machines.n; vm++) {
		for (int cause = 0; cause < CAUSE_CLOCK; cause++)
			findings_add(w, vm, (enum cause)cause);
	}
	if (!w->wanted->thread)
		findings_add_clocks(w);
	if (w->f->at.n)
		qsort(w->f->at.at, w->f->at.n, sizeof(*w->f->at.at), finding_by_rank);
	findings_find_missing(w->f, w->r);
	return 0;
}

static bool findings_are_none(const struct findings *f)
{
	vec_each (found, &f->at) {
		if (cause_info(found->cause)->kind != CAUSE_KIND_NOTE)
			return false;
	}
	return true;
}

int findings_init(struct findings *f, const struct results *r, const struct findings_wanted *wanted,
		  struct error *err)
{
	struct findings_work w = {.f = f, .r = r, .wanted = wanted};

	*f = (struct findings){.splits = mem_zalloc(r->machines.n + 1, sizeof(*f->splits))};
	blames_init(&w.blames, r);
	int status = findings_find(&w, err);

	blames_deinit(&w.blames);
	if (status)
		return status;
	f->title = "Why VMs were slow";
	if (wanted->thread)
		f->title = finding_thread_title(wanted->thread, &f->texts);
	if (findings_are_none(f) && wanted->thread)
		f->verdict = finding_thread_verdict(wanted->thread, &f->texts);
	else if (findings_are_none(f))
		f->verdict = finding_verdict(r, f->splits, w.n_vcpus, &f->texts);
	return !w.n_vcpus && (wanted->vm || wanted->vcpu != TABLE_NULL);
}

void findings_deinit(struct findings *f)
{
	vec_deinit(&f->at);
	vec_deinit(&f->missing);
	free(f->splits);
	arena_deinit(&f->texts);
}
