#include "record/datfile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/newfile.h"
#include "host/threads.h"
#include "tracefs/tracing.h"

enum { DATFILE_TAG = 10, DATFILE_COPY = 1 << 20 };

/* As trace-cmd numbers what it says of a recording. */
enum datfile_option {
	DATFILE_DATE = 1,
	DATFILE_CPUSTAT = 2,
	DATFILE_TRACECLOCK = 4,
	DATFILE_UNAME = 5,
	DATFILE_VERSION = 9,
	DATFILE_TRACEID = 11,
	DATFILE_GUEST = 13,
	DATFILE_TSC2NSEC = 14,
};

/* Numbers are written in this machine's order, which the file names. */
static void datfile_u32(struct bytes *t, uint32_t v)
{
	bytes_put(t, &v, sizeof(v));
}

static void datfile_u64(struct bytes *t, uint64_t v)
{
	bytes_put(t, &v, sizeof(v));
}

/* ---- descriptions ---------------------------------------------------------------------------- */

/* A file of tracefs with its size before it. Return: 0, or ERR with err set. */
static int datfile_add_file(struct bytes *t, const char *file, struct error *err)
{
	size_t n;
	char *text = tracing_read(file, &n, err);

	if (!text)
		return ERR;
	datfile_u64(t, n);
	bytes_put(t, text, n);
	free(text);
	return 0;
}

static int datfile_add_header(struct bytes *t, struct error *err)
{
	const uint16_t one = 1;

	bytes_put(t, "\x17\x08\x44tracing6", 12); /* with its NUL */
	bytes_put(t, *(const uint8_t *)&one ? "\0" : "\1", 1);
	bytes_put(t, (char[]){sizeof(long)}, 1);
	datfile_u32(t, (uint32_t)sysconf(_SC_PAGESIZE));
	bytes_put(t, "header_page", 12);
	if (datfile_add_file(t, "events/header_page", err))
		return ERR;
	bytes_put(t, "header_event", 13);
	return datfile_add_file(t, "events/header_event", err);
}

/* Events of one system, in the file's order. */
struct datfile_system {
	char *name;	    /* owned */
	VEC(char *) events; /* owned */
};

struct datfile_systems {
	VEC(struct datfile_system) all;
};

static void datfile_note_event(void *context, const char *system, const char *name)
{
	struct datfile_systems *s = context;
	struct datfile_system *last = s->all.n ? &s->all.at[s->all.n - 1] : NULL;

	if (!last || strcmp(last->name, system) != 0) {
		last = vec_push(&s->all);
		last->name = mem_strdup(system);
	}
	*vec_push(&last->events) = mem_strdup(name);
}

static void datfile_systems_deinit(struct datfile_systems *s)
{
	vec_each (system, &s->all) {
		vec_each (event, &system->events)
			free(*event);
		vec_deinit(&system->events);
		free(system->name);
	}
	vec_deinit(&s->all);
}

/* u32 number, then the description of each. */
static int datfile_add_system(struct bytes *t, const struct datfile_system *s, struct error *err)
{
	int r = 0;

	datfile_u32(t, (uint32_t)s->events.n);
	vec_each (event, &s->events) {
		char *file = mem_printf("events/%s/%s/format", s->name, *event);

		r = r ? r : datfile_add_file(t, file, err);
		free(file);
	}
	return r;
}

/* Those of ftrace itself cannot be enabled; they are known all the same. */
static int datfile_add_own_events(struct bytes *t, struct error *err)
{
	struct datfile_systems own = {0};

	instance_each_event("ftrace", datfile_note_event, &own);
	int r = 0;

	if (own.all.n)
		r = datfile_add_system(t, &own.all.at[0], err);
	else
		datfile_u32(t, 0);
	datfile_systems_deinit(&own);
	return r;
}

static int datfile_add_events(struct bytes *t, const struct instance *i, struct error *err)
{
	struct datfile_systems enabled = {0};
	int r = datfile_add_own_events(t, err);

	instance_each_enabled(i, datfile_note_event, &enabled);
	datfile_u32(t, (uint32_t)enabled.all.n);
	vec_each (system, &enabled.all) {
		bytes_put(t, system->name, strlen(system->name) + 1);
		r = r ? r : datfile_add_system(t, system, err);
	}
	datfile_systems_deinit(&enabled);
	return r;
}

/* ---- names ----------------------------------------------------------------------------------- */

/*
 * Functions alone: they are what events point at, and a tenth of it all. Where the kernel hides
 * addresses they are all 0, and left out.
 */
static void datfile_add_kallsyms(struct bytes *t)
{
	size_t size_at = t->n;
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[512];

	datfile_u32(t, 0);
	while (f && fgets(line, sizeof(line), f)) {
		const char *kind = strchr(line, ' ');

		if (kind && strchr("tTwW", kind[1]) && strspn(line, "0") < 16)
			bytes_put(t, line, strlen(line));
	}
	if (f)
		fclose(f);
	uint32_t size = (uint32_t)(t->n - size_at - sizeof(size));

	memcpy(t->at + size_at, &size, sizeof(size));
}

static void datfile_add_thread(void *context, int pid, int tid, const char *comm)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "%d %s\n", tid, comm);

	(void)pid;
	bytes_put(context, line, n < (int)sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

/*
 * What the kernel saved of threads that are gone, then those that are there, whose names it keeps
 * too few of.
 */
static void datfile_add_cmdlines(struct bytes *t)
{
	struct bytes names = {0};
	struct error err = {0};
	size_t n;
	char *saved = tracing_read("saved_cmdlines", &n, &err);

	if (saved)
		bytes_put(&names, saved, n);
	free(saved);
	error_deinit(&err);
	threads_each("", datfile_add_thread, &names);
	datfile_u64(t, names.n);
	bytes_put(t, names.at, names.n);
	bytes_deinit(&names);
}

static int datfile_add_names(struct bytes *t, struct error *err)
{
	size_t n;

	datfile_add_kallsyms(t);
	char *formats = tracing_read("printk_formats", &n, err);

	if (!formats)
		return ERR;
	datfile_u32(t, (uint32_t)n);
	bytes_put(t, formats, n);
	free(formats);
	datfile_add_cmdlines(t);
	return 0;
}

/* ---- options --------------------------------------------------------------------------------- */

static void datfile_add_option(struct bytes *t, uint16_t id, const void *at, size_t n)
{
	bytes_put(t, &id, sizeof(id));
	datfile_u32(t, (uint32_t)n);
	bytes_put(t, at, n);
}

static void datfile_add_text_option(struct bytes *t, uint16_t id, char *text)
{
	datfile_add_option(t, id, text, strlen(text) + 1);
	free(text);
}

static uint64_t datfile_random(void)
{
	uint64_t id = 0;

	if (getrandom(&id, sizeof(id), GRND_NONBLOCK) != sizeof(id))
		id = (uint64_t)getpid();
	return id;
}

static void datfile_add_stats(struct bytes *t, const struct datfile *d)
{
	struct error err = {0};
	struct instance_stats s;

	for (unsigned cpu = 0; cpu < d->drain->n_cpus; cpu++) {
		if (instance_read_stats(d->instance, cpu, &s, &err))
			continue;
		datfile_add_text_option(
			t, DATFILE_CPUSTAT,
			mem_printf("CPU: %u\nentries: %" PRIu64 "\noverrun: %" PRIu64
				   "\ncommit overrun: 0\nbytes: %" PRIu64
				   "\ndropped events: %" PRIu64 "\nread events: %" PRIu64 "\n",
				   cpu, s.entries, s.overrun, s.bytes, s.dropped, s.read));
	}
	error_deinit(&err);
}

/* name\0, u64 trace id, u32 number of vCPUs, then u32 number and u32 thread of each. */
static void datfile_add_guest(struct bytes *t, const struct host_vm *vm)
{
	struct bytes guest = {0};
	char *name = host_vm_label(vm);
	uint32_t n = 0;

	bytes_put(&guest, name, strlen(name) + 1);
	datfile_u64(&guest, datfile_random());
	vec_each (v, &vm->vcpus)
		n += v->number >= 0;
	datfile_u32(&guest, n);
	vec_each (v, &vm->vcpus) {
		if (v->number < 0)
			continue;
		datfile_u32(&guest, (uint32_t)v->number);
		datfile_u32(&guest, (uint32_t)v->tid);
	}
	datfile_add_option(t, DATFILE_GUEST, guest.at, guest.n);
	bytes_deinit(&guest);
	free(name);
}

static void datfile_add_clock(struct bytes *t, const struct record_clock *c)
{
	uint32_t scale[4] = {c->mult, c->shift, 0, 0}; /* and u64 offset, which nobody uses */

	datfile_add_text_option(t, DATFILE_TRACECLOCK, mem_printf("[%s]\n", c->name));
	if (c->is_tsc)
		datfile_add_option(t, DATFILE_TSC2NSEC, scale, sizeof(scale));
	datfile_add_text_option(t, DATFILE_DATE, mem_printf("0x%" PRIx64, c->to_epoch_us));
}

static void datfile_add_options(struct bytes *t, const struct datfile *d)
{
	struct utsname u;
	uint64_t id = datfile_random();
	uint16_t end = 0;

	bytes_put(t, "options  ", DATFILE_TAG);
	datfile_add_clock(t, d->clock);
	if (!uname(&u))
		datfile_add_text_option(
			t, DATFILE_UNAME,
			mem_printf("%s %s %s %s", u.sysname, u.nodename, u.release, u.machine));
	datfile_add_text_option(t, DATFILE_VERSION, mem_strdup("vmscope-" VMSCOPE_VERSION));
	datfile_add_option(t, DATFILE_TRACEID, &id, sizeof(id));
	datfile_add_stats(t, d);
	vec_each (vm, &d->host->vms)
		datfile_add_guest(t, vm);
	bytes_put(t, &end, sizeof(end));
}

/* ---- data ------------------------------------------------------------------------------------ */

static uint64_t datfile_round(uint64_t at)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	return (at + page - 1) / page * page;
}

/* The table of CPUs, the clock's name, and zeros up to where the data begins. */
static void datfile_add_table(struct bytes *t, const struct datfile *d)
{
	size_t clock_size = strlen(d->clock->name) + 2;
	uint64_t at = datfile_round(t->n + DATFILE_TAG + 16 * (uint64_t)d->drain->n_cpus + 8 +
				    clock_size);

	bytes_put(t, "flyrecord", DATFILE_TAG);
	for (unsigned cpu = 0; cpu < d->drain->n_cpus; cpu++) {
		datfile_u64(t, at);
		uint64_t size = d->drain->cpus[cpu].bytes - d->drain->cpus[cpu].from;

		datfile_u64(t, size);
		at += datfile_round(size);
	}
	datfile_u64(t, clock_size);
	bytes_put(t, "[", 1);
	bytes_put(t, d->clock->name, strlen(d->clock->name));
	bytes_put(t, "]", 1);
	while (t->n != datfile_round(t->n))
		bytes_put(t, "", 1);
}

/* Sub-buffers are whole pages, so that each CPU's data ends where the next one's may begin. */
static int datfile_copy(struct newfile *f, const struct drain_cpu *cpu, char *room,
			struct error *err)
{
	for (uint64_t done = cpu->from; done < cpu->bytes && !f->failed;) {
		ssize_t n = pread(cpu->file, room, DATFILE_COPY, (off_t)done);

		if (n <= 0)
			return error_errno(err, n ? errno : EIO,
					   "cannot read back what was recorded");
		newfile_write(f, room, (size_t)n);
		done += (uint64_t)n;
	}
	return 0;
}

static int datfile_fill(struct newfile *f, const struct datfile *d, const struct bytes *t,
			struct error *err)
{
	char *room = mem_alloc(DATFILE_COPY);
	int r = 0;

	newfile_write(f, t->at, t->n);
	for (unsigned cpu = 0; cpu < d->drain->n_cpus && !r; cpu++)
		r = datfile_copy(f, &d->drain->cpus[cpu], room, err);
	free(room);
	return r ? r : newfile_commit(f, err);
}

int datfile_write(const struct datfile *d, const char *path, struct error *err)
{
	struct bytes t = {0};
	struct newfile f;
	int r = datfile_add_header(&t, err);

	r = r ? r : datfile_add_events(&t, d->instance, err);
	r = r ? r : datfile_add_names(&t, err);
	if (!r) {
		datfile_u32(&t, d->drain->n_cpus);
		datfile_add_options(&t, d);
		datfile_add_table(&t, d);
		r = newfile_init(&f, path, err);
		if (!r) {
			r = datfile_fill(&f, d, &t, err);
			newfile_deinit(&f);
		}
	}
	bytes_deinit(&t);
	return r;
}
