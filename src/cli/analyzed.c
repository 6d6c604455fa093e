#include "cli/analyzed.h"

#include <stdio.h>
#include <unistd.h>

#include "analyze/save.h"
#include "base/map.h"
#include "host/snapshot.h"
#include "inspect/complain.h"

/* What is known beside the recordings. */
struct analyzed_told {
	struct analysis_options options;
	VEC(struct analysis_vm) vms; /* names are the recordings' */
};

/* Below this, reading takes less time than reading what is said about it. */
enum { LARGE = 200 << 20 };

static void analyzed_say_progress(const struct session *s)
{
	uint64_t size = 0;

	vec_each (trace, &s->recordings)
		size += (*trace)->size;
	if (size >= LARGE && isatty(STDERR_FILENO))
		fprintf(stderr, "vmscope: reading %zu traces, %.1f GB\n", s->recordings.n,
			(double)size / 1e9);
}

/* ---- what `vmscope record` noted of the host ------------------------------------------------- */

/* Threads' processes, which a trace.dat does not know, and threads that it does not name. */
static void analyzed_take_threads(struct recording *r, const struct snapshot *s)
{
	struct map pids = {0};

	vec_each (t, &s->threads)
		map_put(&pids, (uint64_t)t->tid, (uint64_t)t->pid);
	vec_each (known, &r->threads) {
		const uint64_t *pid = map_get(&pids, (uint64_t)known->tid);

		if (pid)
			known->pid = (int64_t)*pid;
	}
	vec_each (known, &r->threads)
		map_remove(&pids, (uint64_t)known->tid);
	vec_each (t, &s->threads) {
		if (map_get(&pids, (uint64_t)t->tid))
			*vec_push(&r->threads) =
				(struct recording_thread){.tid = t->tid,
							  .pid = t->pid,
							  .comm = arena_strdup(&r->arena, t->comm)};
	}
	map_deinit(&pids);
}

/* What the user says of the same process goes first. */
static bool analyzed_is_named(const struct analyzed_told *told, int64_t pid)
{
	vec_each (vm, &told->vms) {
		if (vm->pid == pid)
			return true;
	}
	return false;
}

static void analyzed_take_vms(struct analyzed_told *told, struct recording *r,
			      const struct snapshot *s)
{
	vec_each (vm, &s->vms) {
		if (!analyzed_is_named(told, vm->pid))
			*vec_push(&told->vms) =
				(struct analysis_vm){arena_strdup(&r->arena, vm->name), vm->pid};
	}
}

static void analyzed_take_snapshot(struct analyzed_told *told, struct recording *r)
{
	char *path = snapshot_path(r->path);
	struct error err = {0};
	struct snapshot s;
	int found = snapshot_init(&s, path, &err);

	if (found == 1) {
		analyzed_take_threads(r, &s);
		analyzed_take_vms(told, r, &s);
	} else if (found < 0) {
		fprintf(stderr, "vmscope: left out: %s\n", err.text);
	}
	error_deinit(&err);
	snapshot_deinit(&s);
	free(path);
}

/* Adds what stands beside the recordings. A pid says which VM only where there is one host. */
static void analyzed_told_init(struct analyzed_told *told, struct session *session,
			       const struct analysis_options *options)
{
	*told = (struct analyzed_told){.options = *options};
	for (size_t i = 0; i < options->n_vms; i++)
		*vec_push(&told->vms) = options->vms[i];
	vec_each (r, &session->recordings)
		analyzed_take_snapshot(told, *r);
	told->options.vms = told->vms.at;
	told->options.n_vms = told->vms.n;
}

/* ---- the analysis ---------------------------------------------------------------------------- */

/* Analyzes into a file, which is opened. Return: 0 or ERR. */
static int analyzed_save(struct analyzed *to, struct save *save, struct session *session,
			 const struct analysis_options *wanted, struct error *err)
{
	struct analyzed_told told;
	struct analysis a;

	analyzed_told_init(&told, session, wanted);
	struct analysis_options options = told.options;

	options.sink = save_sink(save);
	if (options.threads > 1)
		options.helper = save_use_thread(save);
	int r = analysis_init(&a, session, &options, err);

	if (!r)
		r = save_finish(save, &a, err);
	analysis_deinit(&a);
	vec_deinit(&told.vms);
	return r ? r : save_open(save, &to->store, err);
}

/* The session is taken over. Return: 0 or ERR. */
static int analyzed_take(struct analyzed *a, struct session *session,
			 const struct analysis_options *options, const char *output,
			 struct error *err)
{
	struct save *save;

	if (save_new(&save, output, err)) {
		session_deinit(session);
		return ERR;
	}
	analyzed_say_progress(session);
	int r = analyzed_save(a, save, session, options, err);

	a->tally = save_take_tally(save);
	save_free(save);
	return r;
}

int analyzed_init(struct analyzed *a, char **traces, size_t n,
		  const struct analysis_options *options, const struct input_options *input,
		  const char *output, struct error *err)
{
	struct session session;

	*a = (struct analyzed){0};
	int r = session_open(&session, traces, n, input, err);

	if (!r || session.notes.n > 1)
		complain_session(stderr, &session);
	if (!r)
		return analyzed_take(a, &session, options, output, err);
	session_deinit(&session);
	return r;
}

void analyzed_deinit(struct analyzed *a)
{
	tally_free(a->tally);
	store_free(a->store);
}
