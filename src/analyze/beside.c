#include "analyze/beside.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "host/snapshot.h"

/* Threads' processes, which a trace.dat does not know, and threads that it does not name. */
static void beside_take_threads(struct recording *r, const struct snapshot *s)
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

static void beside_take_vms(struct beside *b, struct recording *r, const struct snapshot *s)
{
	vec_each (vm, &s->vms)
		*vec_push(&b->vms) =
			(struct analysis_host_vm){.host = r,
						  .pid = vm->pid,
						  .name = arena_strdup(&r->arena, vm->name),
						  .knows_quota = vm->quota != SNAPSHOT_NOT_KNOWN,
						  .is_limited = vm->quota == SNAPSHOT_LIMITED};
}

/* Return: what could not be read, for free(); or NULL. */
static char *beside_take_snapshot(struct beside *b, struct recording *r)
{
	char *note = NULL;
	char *path = snapshot_path(r->path);
	struct error err = {0};
	struct snapshot s;
	int found = snapshot_init(&s, path, &err);

	if (found == 1) {
		beside_take_threads(r, &s);
		beside_take_vms(b, r, &s);
	} else if (found < 0) {
		note = mem_printf("left out: %s", err.text);
	}
	error_deinit(&err);
	snapshot_deinit(&s);
	free(path);
	return note;
}

void beside_init(struct beside *b, struct session *session, const struct analysis_options *options)
{
	*b = (struct beside){.options = *options};
	vec_each (r, &session->recordings) {
		char *note = beside_take_snapshot(b, *r);

		if (note)
			*vec_push(&session->notes) = note;
	}
	b->options.host_vms = b->vms.at;
	b->options.n_host_vms = b->vms.n;
}

void beside_deinit(struct beside *b)
{
	vec_deinit(&b->vms);
}
