#include "tracefs/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <tracefs.h>
#include <unistd.h>

#include "base/mem.h"
#include "tracefs/owner.h"
#include "tracefs/tracing.h"

struct instance_event {
	char *system, *name; /* owned */
};

struct instance {
	VEC(struct instance_event) enabled; /* those of one system stand together */
	struct tracefs_instance *fs;	    /* owned */
	char *name;			    /* owned */
	unsigned n_cpus;
	size_t subbuffer; /* bytes */
};

/* ---- files ---------------------------------------------------------------------------------- */

/* Writes to a file of the instance. libtracefs's own writing loses errno. Return: 0, or ERR. */
static int instance_write(const struct instance *i, const char *file, const char *text,
			  struct error *err)
{
	int fd = tracefs_instance_file_open(i->fs, file, O_WRONLY | O_CLOEXEC);
	int failed = fd < 0 || write(fd, text, strlen(text)) < 0 ? errno : 0;

	if (fd >= 0)
		close(fd);
	if (!failed)
		return 0;
	char *what = mem_printf("write '%s' to '%s' of tracefs instance '%s'", text, file, i->name);
	int r = tracing_refused(err, failed, what);

	free(what);
	return r;
}

static int instance_write_number(const struct instance *i, const char *file, uint64_t n,
				 struct error *err)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
	return instance_write(i, file, text, err);
}

/* ---- life ----------------------------------------------------------------------------------- */

/* Return: how many directories per_cpu/cpuN there are. */
static unsigned instance_count_cpus(struct tracefs_instance *fs)
{
	char name[40];
	unsigned n = 0;

	do
		snprintf(name, sizeof(name), "per_cpu/cpu%u", n);
	while (tracefs_dir_exists(fs, name) && ++n);
	return n;
}

/* Return: bytes of its sub-buffers; kernels before 6.8 know pages only. */
static size_t instance_ask_subbuffer(struct tracefs_instance *fs)
{
	long long kb;

	if (!tracefs_instance_file_read_number(fs, "buffer_subbuf_size_kb", &kb) && kb > 0)
		return (size_t)kb * 1024;
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* Switches all of it off, then removes it. A reader that is about to close holds that up. */
static bool instance_destroy(struct tracefs_instance *fs)
{
	const struct timespec pause = {.tv_nsec = 20000000};

	tracefs_instance_file_write(fs, "tracing_on", "0");
	tracefs_instance_file_write(fs, "events/enable", "0");
	for (int tries = 0; tries < 50; tries++) {
		if (!tracefs_instance_destroy(fs))
			return true;
		if (errno != EBUSY)
			return false;
		nanosleep(&pause, NULL);
	}
	return false;
}

int instance_new(struct instance **ip, const char *purpose, struct error *err)
{
	struct error off = {0};

	if (tracing_find(err))
		return ERR;
	char *name = owner_name(purpose);

	errno = 0;
	struct tracefs_instance *fs = tracefs_instance_create(name);

	if (!fs) {
		tracing_refused(err, errno, "make a tracefs instance");
		free(name);
		return ERR;
	}
	*ip = mem_zalloc(1, sizeof(**ip));
	(*ip)->fs = fs;
	(*ip)->name = name;
	(*ip)->n_cpus = instance_count_cpus(fs);
	(*ip)->subbuffer = instance_ask_subbuffer(fs);
	if (instance_set_tracing(*ip, false, &off)) /* it is on from the start */
		error_deinit(&off);
	return 0;
}

void instance_free(struct instance *i)
{
	if (!i)
		return;
	instance_destroy(i->fs);
	tracefs_instance_free(i->fs);
	vec_each (e, &i->enabled) {
		free(e->system);
		free(e->name);
	}
	vec_deinit(&i->enabled);
	free(i->name);
	free(i);
}

const char *instance_name(const struct instance *i)
{
	return i->name;
}

unsigned instance_n_cpus(const struct instance *i)
{
	return i->n_cpus;
}

size_t instance_subbuffer(const struct instance *i)
{
	return i->subbuffer;
}

/* ---- remains -------------------------------------------------------------------------------- */

struct instance_remains {
	VEC(char *) names; /* owned */
};

static int instance_note_remains(const char *name, void *context)
{
	struct instance_remains *remains = context;

	if (owner_is_gone(name))
		*vec_push(&remains->names) = mem_strdup(name);
	return 0;
}

/* Return: whether it is gone now. */
static bool instance_remove(const char *name)
{
	struct tracefs_instance *fs = tracefs_instance_alloc(NULL, name);
	bool gone = fs && instance_destroy(fs);

	if (fs)
		tracefs_instance_free(fs);
	return gone || !tracefs_instance_exists(name);
}

int instance_sweep(struct error *err)
{
	struct instance_remains remains = {0};
	int n = 0, r = 0;

	if (tracing_find(err))
		return ERR;
	tracefs_instances_walk(instance_note_remains, &remains);
	vec_each (name, &remains.names) {
		if (instance_remove(*name))
			n++;
		else if (!r)
			r = error_set(err,
				      "cannot remove tracefs instance '%s', which a vmscope that "
				      "is gone has left; does anybody read it?",
				      *name);
		free(*name);
	}
	vec_deinit(&remains.names);
	return r ? r : n;
}

struct instance_owners {
	const char *purpose;
	void (*each)(void *context, int pid);
	void *context;
	int n;
};

static int instance_tell_owner(const char *name, void *context)
{
	struct instance_owners *o = context;
	int pid = owner_pid(name, o->purpose);

	if (pid) {
		o->each(o->context, pid);
		o->n++;
	}
	return 0;
}

int instance_each_owner(const char *purpose, void (*each)(void *context, int pid), void *context,
			struct error *err)
{
	struct instance_owners o = {purpose, each, context, 0};

	if (tracing_find(err))
		return ERR;
	tracefs_instances_walk(instance_tell_owner, &o);
	return o.n;
}

/* ---- events --------------------------------------------------------------------------------- */

/* Calls `each` if the kernel has just this event. Return: 1, 0: it has not, or ERR. */
static int instance_each_exact(const char *system, const char *name,
			       int (*each)(void *context, const char *system, const char *name),
			       void *context)
{
	char *dir = mem_printf("events/%s/%s", system, name);
	bool has = tracefs_dir_exists(NULL, dir);

	free(dir);
	return !has ? 0 : each(context, system, name) ? ERR : 1;
}

/* The same for every event of the system whose name matches. Return: how many, or ERR. */
static int instance_each_like(const char *system, const char *pattern,
			      int (*each)(void *context, const char *system, const char *name),
			      void *context)
{
	char **names = tracefs_system_events(NULL, system);
	int n = 0;

	for (char **name = names; name && *name && n != ERR; name++) {
		if (!fnmatch(pattern, *name, 0))
			n = each(context, system, *name) ? ERR : n + 1;
	}
	tracefs_list_free(names);
	return n;
}

/* event: "system:name", perhaps with wildcards. Return: how many there are, or ERR. */
static int instance_each_match(const char *event,
			       int (*each)(void *context, const char *system, const char *name),
			       void *context)
{
	const char *colon = strchr(event, ':');

	if (!colon)
		return 0;
	char *system = mem_strndup(event, (size_t)(colon - event));
	int n = strpbrk(colon, "*?[") ? instance_each_like(system, colon + 1, each, context)
				      : instance_each_exact(system, colon + 1, each, context);

	free(system);
	return n;
}

struct instance_enabling {
	struct instance *i;
	const char *filter; /* or NULL */
	struct error *err;
};

/* Behind the last of its system. An event is noted once. */
static void instance_note_enabled(struct instance *i, const char *system, const char *name)
{
	size_t at = i->enabled.n;

	for (size_t k = 0; k < i->enabled.n; k++) {
		if (strcmp(i->enabled.at[k].system, system) != 0)
			continue;
		if (!strcmp(i->enabled.at[k].name, name))
			return;
		at = k + 1;
	}
	vec_push(&i->enabled);
	memmove(i->enabled.at + at + 1, i->enabled.at + at,
		(i->enabled.n - 1 - at) * sizeof(*i->enabled.at));
	i->enabled.at[at] = (struct instance_event){mem_strdup(system), mem_strdup(name)};
}

static int instance_enable_one(void *context, const char *system, const char *name)
{
	struct instance_enabling *e = context;
	char *file = mem_printf("events/%s/%s/filter", system, name);
	int r = e->filter ? instance_write(e->i, file, e->filter, e->err) : 0;

	free(file);
	if (r)
		return r;
	file = mem_printf("events/%s/%s/enable", system, name);
	r = instance_write(e->i, file, "1", e->err);
	free(file);
	if (!r)
		instance_note_enabled(e->i, system, name);
	return r;
}

int instance_enable(struct instance *i, const char *event, const char *filter, struct error *err)
{
	struct instance_enabling e = {i, filter, err};

	return instance_each_match(event, instance_enable_one, &e);
}

static int instance_pass(void *context, const char *system, const char *name)
{
	(void)context;
	(void)system;
	(void)name;
	return 0;
}

bool instance_has_event(const char *event)
{
	return instance_each_match(event, instance_pass, NULL) > 0;
}

void instance_each_enabled(const struct instance *i,
			   void (*each)(void *context, const char *system, const char *name),
			   void *context)
{
	vec_each (e, &i->enabled)
		each(context, e->system, e->name);
}

void instance_each_event(const char *system,
			 void (*each)(void *context, const char *system, const char *name),
			 void *context)
{
	char **names = tracefs_system_events(NULL, system);

	for (char **name = names; name && *name; name++)
		each(context, system, *name);
	tracefs_list_free(names);
}

/* ---- settings ------------------------------------------------------------------------------- */

/* trace_clock lists all, and the one in use in brackets: "local [mono] boot". */
bool instance_has_clock(const char *clock)
{
	char *text = tracefs_instance_file_read(NULL, "trace_clock", NULL), *rest = NULL;
	bool has = false;

	for (char *w = text ? strtok_r(text, " []\n", &rest) : NULL; w && !has;
	     w = strtok_r(NULL, " []\n", &rest))
		has = !strcmp(w, clock);
	free(text);
	return has;
}

int instance_set_clock(struct instance *i, const char *clock, struct error *err)
{
	return instance_write(i, "trace_clock", clock, err);
}

int instance_set_buffer_kb(struct instance *i, unsigned kb, struct error *err)
{
	return instance_write_number(i, "buffer_size_kb", kb, err);
}

int instance_set_buffer_percent(struct instance *i, unsigned percent, struct error *err)
{
	if (!tracefs_file_exists(i->fs, "buffer_percent"))
		return 0;
	return instance_write_number(i, "buffer_percent", percent, err);
}

int instance_set_option(struct instance *i, const char *option, bool on, struct error *err)
{
	char *file = mem_printf("options/%s", option);
	int r = instance_write(i, file, on ? "1" : "0", err);

	free(file);
	return r;
}

int instance_set_tracing(struct instance *i, bool on, struct error *err)
{
	return instance_write(i, "tracing_on", on ? "1" : "0", err);
}

/* ---- reading -------------------------------------------------------------------------------- */

/* Return: the number in the line that begins with `key`, or 0. */
static uint64_t instance_stat(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, n))
			return strtoull(line + n, NULL, 10);
	}
	return 0;
}

int instance_read_stats(const struct instance *i, unsigned cpu, struct instance_stats *stats,
			struct error *err)
{
	char file[48];

	snprintf(file, sizeof(file), "per_cpu/cpu%u/stats", cpu);
	char *text = tracefs_instance_file_read(i->fs, file, NULL);

	if (!text)
		return error_errno(err, errno, "cannot read '%s' of tracefs instance '%s'", file,
				   i->name);
	*stats = (struct instance_stats){
		.entries = instance_stat(text, "entries: "),
		.overrun = instance_stat(text, "overrun: "),
		.dropped = instance_stat(text, "dropped events: "),
		.bytes = instance_stat(text, "bytes: "),
		.read = instance_stat(text, "read events: "),
	};
	free(text);
	return 0;
}

int instance_open_raw(const struct instance *i, unsigned cpu, struct error *err)
{
	char file[48];

	snprintf(file, sizeof(file), "per_cpu/cpu%u/trace_pipe_raw", cpu);
	int fd = tracefs_instance_file_open(i->fs, file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return tracing_refused(err, errno, "open a CPU's trace_pipe_raw");
	return fd;
}
