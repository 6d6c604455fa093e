#include "host/threads.h"

#include <string.h>

#include "base/mem.h"
#include "host/files.h"

struct threads_walk {
	const char *root;
	int pid;
	void (*each)(void *context, int pid, int tid, const char *comm);
	void *context;
};

static void threads_take_thread(void *context, const char *name)
{
	struct threads_walk *w = context;
	char *comm = files_text(NULL, "%s/proc/%d/task/%s/comm", w->root, w->pid, name);

	if (comm)
		w->each(w->context, w->pid, atoi(name), comm);
	free(comm);
}

static void threads_take_process(void *context, const char *name)
{
	struct threads_walk *w = context;

	if (name[strspn(name, "0123456789")])
		return;
	w->pid = atoi(name);
	char *dir = mem_printf("%s/proc/%s/task", w->root, name);

	files_each(dir, threads_take_thread, w);
	free(dir);
}

void threads_each(const char *root, void (*each)(void *context, int pid, int tid, const char *comm),
		  void *context)
{
	struct threads_walk w = {root, 0, each, context};
	char *proc = mem_printf("%s/proc", root);

	files_each(proc, threads_take_process, &w);
	free(proc);
}
