#include "input/ctf/lost.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "input/ctf/index.h"

/* ---- what a file is of --------------------------------------------------------------------- */

static bool lost_are_called_after_cpus(const struct ctf_trace *t)
{
	vec_each (s, &t->streams) {
		vec_each (f, &s->files) {
			if (!s->has_cpu || ctf_index_cpu_of((*f)->path) != (int64_t)s->cpu)
				return false;
		}
	}
	return t->streams.n > 0;
}

static bool lost_has_stream(const struct recording *r, int64_t cpu)
{
	vec_each (s, &r->streams) {
		if (s->cpu == cpu)
			return true;
	}
	return false;
}

static void lost_report(struct recording *r, const char *file)
{
	struct diag where = {.first_ns = DIAG_NO_TIME, .file = file};

	diag_add(&r->diags, DIAG_CPU_MISSING, 1, &where);
}

static void lost_take_cpu(struct recording *r, int64_t cpu, const char *file)
{
	vec_each (lost, &r->lost_cpus) {
		if (*lost == cpu)
			return;
	}
	*vec_push(&r->lost_cpus) = (uint32_t)cpu;
	lost_report(r, file);
}

/* A channel of it is gone: what the others of the CPU say does not tell what it does. */
static void lost_take_stream(struct recording *r, int64_t cpu, const char *file)
{
	vec_each (s, &r->streams) {
		if (s->cpu != cpu)
			continue;
		gaps_add(&s->gaps, INT64_MIN, INT64_MAX, false);
		lost_report(r, file);
		return;
	}
}

static void lost_take(struct recording *r, int64_t cpu, const char *file, bool had_packets)
{
	if (cpu < 0)
		return;
	if (!lost_has_stream(r, cpu))
		lost_take_cpu(r, cpu, file);
	else if (had_packets)
		lost_take_stream(r, cpu, file);
}

/* ---- files that are gone --------------------------------------------------------------------- */

static int lost_is_one(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 4 && !strcmp(e->d_name + n - 4, ".idx");
}

static bool lost_has_file(const struct ctf_trace *t, const char *name, size_t n)
{
	vec_each (f, &t->files) {
		const char *own = ctf_index_base_name((*f)->path);

		if (!strncmp(own, name, n) && !own[n])
			return true;
	}
	return false;
}

/* Of an index's name, without its suffix. */
static int64_t lost_cpu_of_index(const char *name, size_t length)
{
	char *stem = mem_strndup(name, length);
	int64_t cpu = ctf_index_cpu_of(stem);

	free(stem);
	return cpu;
}

static void lost_find_gone(const struct ctf_trace *t, struct recording *r)
{
	char *dir = mem_printf("%s/index", t->path);
	struct dirent **entries;
	int n = scandir(dir, &entries, lost_is_one, versionsort);

	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;
		size_t length = strlen(name) - 4;
		const char *path = arena_printf(&r->arena, "%s/%s", dir, name);

		if (!lost_has_file(t, name, length) && ctf_index_read(path).size)
			lost_take(r, lost_cpu_of_index(name, length), path, true);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	free(dir);
}

void ctf_lost_find(const struct ctf_trace *t, struct recording *r)
{
	if (!lost_are_called_after_cpus(t))
		return;
	vec_each (f, &t->files) {
		if (!(*f)->first.cls)
			lost_take(r, ctf_index_cpu_of((*f)->path), (*f)->path,
				  (*f)->index.size > 0);
	}
	lost_find_gone(t, r);
}
