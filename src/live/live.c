#include "live/live.h"

#include <stdlib.h>

#include "analyze/look.h"
#include "analyze/told.h"

/* ---- who is who ------------------------------------------------------------------------------ */

/* What was found out of the recording at one time. */
struct live_verdict {
	struct evidence evidence;
	struct lives lives;
	struct diag_list diags;
	struct identity identity;
};

struct live_told {
	struct told told; /* first */
	const struct live_host *host;
};

static void live_take_told(struct evidence *e, void *ctx)
{
	const struct live_told *t = ctx;

	told_take(e, ctx);
	vec_each (v, &t->host->vcpus)
		evidence_know_vcpu(e, v->tid, v->index);
}

/* v->evidence and lives must not be moved from then on: the identity borrows them. */
static void live_judge(struct live *l, struct live_verdict *v)
{
	struct live_told told = {.told = {l->recording, true}, .host = &l->host};
	const char *name = l->recording->name, *hostname = l->recording->hostname;
	const struct evidence *evidence = &v->evidence;
	struct look look = {.trace = l->recording,
			    .options = told_options(l->recording, true),
			    .evidence = &v->evidence,
			    .lives = &v->lives,
			    .diags = &v->diags,
			    .take_told = live_take_told,
			    .ctx = &told};

	look_at(&look, 1, NULL, 1);
	identity_init(&v->identity, &name, &hostname, &evidence, 1);
	for (int vm = 0; vm < (int)v->identity.vms.n; vm++) {
		vec_each (known, &l->host.vms) {
			if (known->pid == v->identity.vms.at[vm].pid)
				identity_name_vm(&v->identity, vm, known->name);
		}
	}
}

static void live_free_verdict(struct live_verdict *v)
{
	if (!v)
		return;
	identity_deinit(&v->identity);
	evidence_deinit(&v->evidence);
	lives_deinit(&v->lives);
	free(v);
}

/* ---- is it the same as before? --------------------------------------------------------------- */

/* What reading the streams once has shown of them. */
static uint64_t live_marks(const struct recording *r)
{
	uint64_t marks = 0;

	vec_each (s, &r->streams) {
		marks = marks * 31 + s->gaps.at.n * 2 + s->is_disordered;
		marks ^= s->doubled.bits;
		vec_each (g, &s->gaps.at)
			marks = marks * 31 + (uint64_t)g->from + (uint64_t)g->to;
	}
	return marks;
}

static bool live_is_same_run(const struct ident_run *a, const struct ident_run *b)
{
	return a->vcpu == b->vcpu && a->tid == b->tid && a->from == b->from && a->to == b->to &&
	       a->is_born == b->is_born && a->life == b->life && a->only_id == b->only_id;
}

static bool live_is_same_identity(const struct identity *a, const struct identity *b)
{
	bool same = a->vms.n == b->vms.n && a->vcpus.n == b->vcpus.n && a->runs.n == b->runs.n;

	for (size_t i = 0; same && i < a->vms.n; i++)
		same = a->vms.at[i].pid == b->vms.at[i].pid &&
		       a->vms.at[i].process == b->vms.at[i].process &&
		       a->vms.at[i].is_shared == b->vms.at[i].is_shared;
	for (size_t i = 0; same && i < a->vcpus.n; i++)
		same = a->vcpus.at[i].vm == b->vcpus.at[i].vm &&
		       a->vcpus.at[i].index == b->vcpus.at[i].index &&
		       a->vcpus.at[i].tid == b->vcpus.at[i].tid;
	for (size_t i = 0; same && i < a->runs.n; i++)
		same = live_is_same_run(&a->runs.at[i], &b->runs.at[i]);
	return same;
}

static size_t live_count_missing(const struct evidence *e)
{
	size_t n = 0;

	vec_each (g, &e->targets)
		n += evidence_is_missing(e, g);
	return n;
}

static bool live_is_same_evidence(const struct evidence *a, const struct evidence *b)
{
	bool same = a->cpus.n == b->cpus.n && live_count_missing(a) == live_count_missing(b) &&
		    evidence_present(a).bits == evidence_present(b).bits;

	for (size_t i = 0; same && i < a->cpus.n; i++)
		same = a->cpus.at[i].cpu == b->cpus.at[i].cpu &&
		       a->cpus.at[i].first_tid == b->cpus.at[i].first_tid;
	return same;
}

/* ---- telling --------------------------------------------------------------------------------- */

static char *live_find_symbol(void *ctx, int machine, uint64_t address)
{
	const struct live *l = ctx;

	(void)machine;
	return recording_symbol(l->recording, address);
}

static void live_stop_telling(struct live *l)
{
	if (!l->model)
		return;
	l->n_late += merge_late(l->merge);
	merge_free(l->merge);
	model_free(l->model);
	window_deinit(&l->window);
	labels_deinit(&l->labels);
	map_deinit(&l->known);
	clock_map_deinit(&l->clock);
	l->model = NULL;
	l->merge = NULL;
	l->labels = (struct labels){0};
	l->known = (struct map){0};
}

/* A recording without an event begins nowhere. */
static struct model_span live_span(const struct evidence *e)
{
	int64_t first, last;

	evidence_span(e, &first, &last);
	return first <= last ? (struct model_span){.begin = first, .end = last + 1}
			     : (struct model_span){0};
}

static void live_start_telling(struct live *l)
{
	const struct model_symbols symbols = {.ctx = l, .name = live_find_symbol};
	const struct identity *id = &l->verdict->identity;

	l->described = evidence_present(&l->verdict->evidence);
	l->span = live_span(&l->verdict->evidence);
	clock_map_init_offset(&l->clock, 0, 0, 0, 0);
	vec_each (run, &id->runs)
		map_put(&l->known, (uint64_t)run->tid, 0);
	window_init(&l->window, l->options.bucket, l->options.totals, &l->labels);
	l->model = model_new(id, &l->described, &l->span, &symbols, window_sink(&l->window));
	l->merge = merge_new(&(struct merge_input){.recording = l->recording,
						   .clock = &l->clock,
						   .wanted = model_events(l->described)},
			     1);
	l->n_lost = 0;
	l->is_stale = false;
}

/* Takes v over. */
static void live_tell_by(struct live *l, struct live_verdict *v, int64_t limit)
{
	uint64_t events = live_events(l);

	live_stop_telling(l);
	live_free_verdict(l->verdict);
	l->verdict = v;
	live_start_telling(l);
	l->n_retold++;
	l->n_before = 0;
	live_advance(l, limit);
	/* Those that are kept are read again. */
	events = events > live_events(l) ? events - live_events(l) : 0;
	l->n_before = events;
}

void live_retell(struct live *l, int64_t limit)
{
	struct live_verdict *v = mem_zalloc(1, sizeof(*v));

	live_judge(l, v);
	live_tell_by(l, v, limit);
}

/* Somebody may enter a guest of whom that was not known. */
static void live_note_entry(struct live *l, const struct event *e)
{
	if (e->tid == NO_VALUE || map_get(&l->known, (uint64_t)e->tid))
		return;
	map_put(&l->known, (uint64_t)e->tid, 0);
	l->is_stale = true;
}

/* What is left out for it is doubtful (input/gap.h) was not lost. */
static uint64_t live_count_loss(const struct live *l, const struct event *e)
{
	if (e->lost.count > 0)
		return (uint64_t)e->lost.count;
	vec_each (s, &l->recording->streams) {
		if (s->gaps.at.n)
			return 0;
	}
	return 1;
}

void live_advance(struct live *l, int64_t limit)
{
	const struct event *e;

	merge_resume(l->merge);
	while ((e = merge_next_before(l->merge, limit))) {
		if (e->id == EV_KVM_ENTRY)
			live_note_entry(l, e);
		if (e->id == EV_LOST)
			l->n_lost += live_count_loss(l, e);
		model_event(l->model, e);
	}
	l->told = limit;
}

void live_finish(struct live *l)
{
	struct live_verdict *v = mem_zalloc(1, sizeof(*v));
	uint64_t marks = live_marks(l->recording);

	live_advance(l, INT64_MAX);
	live_judge(l, v);
	if (merge_late(l->merge) || marks != live_marks(l->recording) ||
	    !live_is_same_identity(&l->verdict->identity, &v->identity) ||
	    !live_is_same_evidence(&l->verdict->evidence, &v->evidence))
		live_tell_by(l, v, INT64_MAX);
	else
		l->span = live_span(&v->evidence);
	int64_t *seen = mem_zalloc(v->identity.vcpus.n + 1, sizeof(*seen));

	for (size_t i = 0; i < v->identity.vcpus.n; i++)
		seen[i] = INT64_MIN;
	if (l->span.begin < l->span.end)
		model_end_machine(l->model, 0, l->span.end, seen);
	model_finish(l->model);
	l->told = l->span.end;
	free(seen);
	if (v != l->verdict)
		live_free_verdict(v);
}

/* ---- life ------------------------------------------------------------------------------------ */

void live_init(struct live *l, struct feed *feed, const struct live_options *options)
{
	*l = (struct live){.feed = feed,
			   .recording = feed_recording(feed),
			   .options = *options,
			   .told = INT64_MIN};
}

void live_host_deinit(struct live_host *h)
{
	vec_each (vm, &h->vms)
		free(vm->name);
	vec_deinit(&h->vms);
	vec_deinit(&h->vcpus);
	vec_deinit(&h->kernel_threads);
	*h = (struct live_host){0};
}

void live_deinit(struct live *l)
{
	live_stop_telling(l);
	live_free_verdict(l->verdict);
	live_host_deinit(&l->host);
	feed_free(l->feed);
	*l = (struct live){0};
}

const struct identity *live_identity(const struct live *l)
{
	return &l->verdict->identity;
}

const struct evidence *live_evidence(const struct live *l)
{
	return &l->verdict->evidence;
}

const struct model_thread *live_thread(const struct live *l, uint32_t thread)
{
	const struct model_thread *t = model_thread(l->model, thread);

	return t ? t : window_thread(&l->window, thread);
}

uint64_t live_late(const struct live *l)
{
	return l->n_late + (l->merge ? merge_late(l->merge) : 0);
}

uint64_t live_events(const struct live *l)
{
	return l->n_before + (l->merge ? merge_events_read(l->merge) : 0);
}
