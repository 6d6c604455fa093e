#include "top/host_side.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/files.h"
#include "host/host.h"

enum { KTHREADD = 2 };

struct host_side {
	struct recording *recording;
	struct live_host *host;
	int64_t pid; /* of the process whose threads are looked at */
	bool is_kernel;
};

/* Return: the parent's process in the text of a stat file, 0 when it is not there. */
static int64_t host_side_parent(const char *stat)
{
	const char *end = stat ? strrchr(stat, ')') : NULL;
	long long parent;

	return end && sscanf(end, ") %*c %lld", &parent) == 1 ? parent : 0;
}

static void host_side_take_thread(void *ctx, const char *name)
{
	struct host_side *s = ctx;
	char *comm = files_text(NULL, "/proc/%lld/task/%s/comm", (long long)s->pid, name);
	int64_t tid = strtoll(name, NULL, 10);

	if (comm && tid > 0) {
		*vec_push(&s->recording->threads) =
			(struct recording_thread){.tid = tid,
						  .pid = s->pid,
						  .comm = arena_strdup(&s->recording->arena, comm)};
		if (s->is_kernel)
			*vec_push(&s->host->kernel_threads) = tid;
	}
	free(comm);
}

static void host_side_take_process(void *ctx, const char *name)
{
	struct host_side *s = ctx;

	s->pid = strtoll(name, NULL, 10);
	if (s->pid <= 0 || name[strspn(name, "0123456789")])
		return;
	char *stat = files_text(NULL, "/proc/%s/stat", name);
	char *dir = mem_printf("/proc/%s/task", name);

	s->is_kernel = s->pid == KTHREADD || host_side_parent(stat) == KTHREADD;
	files_each(dir, host_side_take_thread, s);
	free(dir);
	free(stat);
}

static void host_side_take_vm(struct live_host *host, const struct host_vm *vm)
{
	struct live_vm *to = vec_push(&host->vms);

	to->pid = vm->pid;
	to->name = host_vm_label(vm);
	vec_each (v, &vm->vcpus)
		*vec_push(&host->vcpus) =
			(struct live_vcpu){v->tid, v->number < 0 ? NO_VALUE : v->number};
}

static int host_side_by_tid(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

void host_side_ask(void *ctx, struct recording *r, struct live_host *host)
{
	struct host_side s = {.recording = r, .host = host};
	struct error ignored = {0};
	struct host h;

	(void)ctx;
	live_host_deinit(host);
	r->threads.n = 0;
	r->knows_processes = true;
	if (!host_init(&h, "", &ignored)) {
		vec_each (vm, &h.vms)
			host_side_take_vm(host, vm);
	}
	host_deinit(&h);
	error_deinit(&ignored);
	files_each("/proc", host_side_take_process, &s);
	if (host->kernel_threads.n)
		qsort(host->kernel_threads.at, host->kernel_threads.n,
		      sizeof(*host->kernel_threads.at), host_side_by_tid);
}
