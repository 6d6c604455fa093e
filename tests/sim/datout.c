/*
 * A machine's recording as trace-cmd writes it: NAME.dat, version 7, of a little endian machine of
 *64 bits.
 *
 *	head, the sections of what the kernel says of itself, options,
 *	then per instance what its CPUs recorded, one after the other, each from a multiple of the
 *page size; options that say where, names of the sections
 *
 * What a CPU recorded: pages.h. Facts: trace-cmd.dat.v7.5.txt of trace-cmd, and real recordings.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "pages.h"

enum { SAVED_PIDS = 32768 /* PID_MAX_DEFAULT */, TSC_SHIFT = 31 };

enum section {
	S_OPTIONS = 0,
	S_BUFFER = 3,
	S_STRINGS = 15,
	S_HEADER = 16,
	S_FTRACE = 17,
	S_FORMATS = 18,
	S_KALLSYMS = 19,
	S_PRINTK = 20,
	S_CMDLINES = 21
};

enum option {
	O_DONE = 0,
	O_CPUSTAT = 2,
	O_BUFFER = 3,
	O_TRACECLOCK = 4,
	O_UNAME = 5,
	O_CPUCOUNT = 8,
	O_VERSION = 9,
	O_TRACEID = 11,
	O_TIME_SHIFT = 12,
	O_GUEST = 13,
	O_TSC2NSEC = 14
};

struct saved_name {
	int32_t tid; /* 0: none yet */
	char comm[COMM_LEN];
};

/* The kernel's saved_cmdlines: a slot a thread, taken in turn. A thread keeps its slot even if
 * another took it over. */
struct names {
	struct saved_name *slots;
	int32_t *slot_of; /* by the low bits of the tid; -1: never had one */
	unsigned last;
};

/*
 * What is put together in memory before it is written; on end() it is in body, owned by the caller.
 */
struct memory {
	FILE *f;
	char *body;
	size_t n;
};

struct dat {
	struct out out;
	struct tracepoints tracepoints;
	struct pages *pages; /* per instance, per CPU */
	unsigned n_pages;
	struct names names;
	uint64_t begin;
	struct memory agent; /* options that it adds */
	FILE *f;	     /* the recording, while it is closed */
	FILE *strings;	     /* what sections are called */
};

/* ---- bytes ---------------------------------------------------------------------------------- */

static void write_int(FILE *f, uint64_t v, size_t size)
{
	fwrite(&v, size, 1, f);
}

static void write_text(FILE *f, const char *text)
{
	fwrite(text, strlen(text) + 1, 1, f);
}

static FILE *memory_begin(struct memory *m)
{
	*m = (struct memory){0};
	m->f = open_memstream(&m->body, &m->n);
	if (!m->f)
		abort(); /* memory does not fail: base/mem.h */
	return m->f;
}

static void memory_end(struct memory *m)
{
	fclose(m->f);
}

static void write_option(FILE *f, enum option id, const void *data, size_t n)
{
	write_int(f, id, 2);
	write_int(f, n, 4);
	fwrite(data, 1, n, f);
}

static void write_text_option(FILE *f, enum option id, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void write_text_option(FILE *f, enum option id, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *text = mem_vprintf(fmt, ap);
	va_end(ap);
	write_option(f, id, text, strlen(text) + 1);
	free(text);
}

static void write_int_option(FILE *f, enum option id, uint64_t v, size_t size)
{
	write_option(f, id, &v, size);
}

/* ---- names ---------------------------------------------------------------------------------- */

static void names_init(struct names *names, unsigned n)
{
	names->slots = mem_zalloc(n ? n : 1, sizeof(*names->slots));
	names->slot_of = mem_alloc(SAVED_PIDS * sizeof(*names->slot_of));
	for (unsigned i = 0; i < SAVED_PIDS; i++)
		names->slot_of[i] = -1;
}

static void names_save(struct names *names, unsigned n, int32_t tid, const char *comm)
{
	int32_t *slot = &names->slot_of[tid % SAVED_PIDS];

	if (!n || !tid)
		return;
	if (*slot < 0) {
		names->last = (names->last + 1) % n;
		*slot = (int32_t)names->last;
	}
	names->slots[*slot].tid = tid;
	memcpy(names->slots[*slot].comm, comm, COMM_LEN);
}

static void save_names(struct dat *d, const uint64_t *args)
{
	unsigned n = d->out.spec.n_names;

	names_save(&d->names, n, (int32_t)args[1], (const char *)(uintptr_t)args[0]);
	names_save(&d->names, n, (int32_t)args[5], (const char *)(uintptr_t)args[4]);
}

/* ---- recording ------------------------------------------------------------------------------ */

static bool is_compressed(const struct dat *d)
{
	return d->out.spec.compression != OUT_PLAIN;
}

static unsigned n_instances(const struct dat *d)
{
	return 1 + d->out.spec.channels;
}

static bool dat_event(struct out *out, const struct out_context *in, enum ev ev, uint64_t raw,
		      const uint64_t *args)
{
	struct dat *d = (struct dat *)out;
	unsigned tp = d->tracepoints.of[ev];
	uint8_t data[TRACEPOINT_MAX];

	if (ev == EV_SCHED_SWITCH)
		save_names(d, args);
	if (tp == MAX_TRACEPOINTS)
		return false;
	const struct tracepoint *t = &d->tracepoints.at[tp];
	struct tp_common common = out_common(in);
	size_t n = tracepoint_encode(t, ev, &common, args, data);
	bool kvm = out->spec.channels && !strcmp(t->system, "kvm");
	pages_event(&d->pages[(kvm ? out->spec.n_cpus : 0) + in->cpu], out, in->in_irq, raw, data,
		    n);
	return true;
}

static void dat_begin(struct out *out, uint64_t raw)
{
	((struct dat *)out)->begin = raw;
}

static int dat_open(struct out *out, struct error *err)
{
	struct dat *d = (struct dat *)out;
	int ret = 0;

	tracepoints_init(&d->tracepoints, out->spec.old, out->spec.poll_events);
	names_init(&d->names, out->spec.n_names);
	memory_begin(&d->agent);
	d->n_pages = out->spec.n_cpus * n_instances(d);
	d->pages = mem_zalloc(d->n_pages, sizeof(*d->pages));
	for (unsigned i = 0; i < d->n_pages; i++)
		d->pages[i].fd = -1;
	for (unsigned i = 0; i < d->n_pages && !ret; i++)
		ret = pages_init(&d->pages[i], out, i % out->spec.n_cpus, err);
	return ret;
}

/* ---- the agent ------------------------------------------------------------------------------ */

static void dat_guest(struct out *out, const struct out_guest *g)
{
	struct dat *d = (struct dat *)out;
	struct memory option;
	FILE *f = memory_begin(&option);

	write_text(f, g->name);
	write_int(f, g->trace_id, 8);
	write_int(f, g->n_cpus, 4);
	for (unsigned i = 0; i < g->n_cpus; i++) {
		write_int(f, i, 4);
		write_int(f, (uint64_t)g->tids[i], 4);
	}
	memory_end(&option);
	write_option(d->agent.f, O_GUEST, option.body, option.n);
	free(option.body);
}

static void write_shifts(FILE *f, const struct out_shift *shifts, unsigned n)
{
	write_int(f, n, 4);
	for (unsigned i = 0; i < n; i++)
		write_int(f, shifts[i].time, 8);
	for (unsigned i = 0; i < n; i++)
		write_int(f, (uint64_t)shifts[i].offset, 8);
	for (unsigned i = 0; i < n; i++)
		write_int(f, shifts[i].scaling, 8);
}

/* The same on all CPUs. The fractions follow after all else. */
static void dat_shifts(struct out *out, uint64_t host_trace_id, const struct out_shift *shifts,
		       unsigned n)
{
	struct dat *d = (struct dat *)out;
	struct memory option;
	FILE *f = memory_begin(&option);

	write_int(f, host_trace_id, 8);
	write_int(f, 0, 4); /* flags */
	write_int(f, out->spec.n_cpus, 4);
	for (unsigned i = 0; i < out->spec.n_cpus; i++)
		write_shifts(f, shifts, n);
	for (unsigned i = 0; i < out->spec.n_cpus * n; i++)
		write_int(f, shifts[i % n].fraction, 8);
	memory_end(&option);
	write_option(d->agent.f, O_TIME_SHIFT, option.body, option.n);
	free(option.body);
}

/* ---- clocks --------------------------------------------------------------------------------- */

static bool has_tsc2nsec(const struct dat *d)
{
	return d->out.spec.clock->tsc && d->out.spec.tsc2nsec;
}

/* Trace-cmd names the clock of its buffer by the one it was told to use, and that one by what it is
 * converted to. */
static const char *clock_name(const struct dat *d)
{
	if (has_tsc2nsec(d))
		return "tsc2nsec";
	return d->out.spec.clock->tsc ? "x86-tsc" : "mono";
}

static uint32_t tsc_mult(const struct dat *d)
{
	return (uint32_t)(((unsigned __int128)1000000000 << TSC_SHIFT) / d->out.spec.clock->freq);
}

/*
 * With TSC2NSEC it is right to 1 ns where tracing began, and to 1 ns more with each second or two.
 */
static int64_t dat_origin(const struct out *out)
{
	const struct dat *d = (const struct dat *)out;
	const struct machine_clock *c = out->spec.clock;

	if (!has_tsc2nsec(d))
		return c->origin;
	int64_t ns = (int64_t)(((unsigned __int128)d->begin * tsc_mult(d)) >> TSC_SHIFT);
	return machine_clock_ns(c, d->begin) - ns;
}

/* ---- the file ------------------------------------------------------------------------------- */

/* Return: by which a section is called `name`. */
static uint32_t section_name(struct dat *d, const char *name)
{
	long at = ftell(d->strings);

	write_text(d->strings, name);
	return (uint32_t)at;
}

static void begin_section(struct dat *d, enum section id, bool compressed, uint32_t name,
			  uint64_t size)
{
	write_int(d->f, id, 2);
	write_int(d->f, compressed, 2);
	write_int(d->f, name, 4);
	write_int(d->f, size, 8);
}

/* Return: where it begins. */
static uint64_t write_section(struct dat *d, enum section id, uint32_t name, const void *body,
			      size_t n)
{
	uint64_t at = (uint64_t)ftell(d->f);
	uint8_t *packed;

	if (!is_compressed(d) || id == S_OPTIONS) {
		begin_section(d, id, false, name, n);
		fwrite(body, 1, n, d->f);
		return at;
	}
	size_t size = out_compress(&d->out, body, n, &packed);
	begin_section(d, id, true, name, size + 8);
	write_int(d->f, size, 4);
	write_int(d->f, n, 4);
	fwrite(packed, 1, size, d->f);
	free(packed);
	return at;
}

static void write_names(const struct dat *d, FILE *f)
{
	struct memory text;

	memory_begin(&text);
	for (unsigned i = 0; i < d->out.spec.n_names; i++) {
		const struct saved_name *s = &d->names.slots[i];
		if (s->tid)
			fprintf(text.f, "%d %s\n", s->tid, s->comm);
	}
	memory_end(&text);
	write_int(f, text.n, 8);
	fwrite(text.body, 1, text.n, f);
	free(text.body);
}

/* ---- options of the recording */

/* With its size before it; NULL: none. */
static void write_sized_text(FILE *f, const char *text)
{
	size_t n = text ? strlen(text) : 0;

	write_int(f, n, 4);
	if (n)
		fwrite(text, 1, n, f);
}

/* What the kernel said of itself: each a section, which an option points to. */
static void write_kernel(struct dat *d, FILE *options)
{
	static const struct {
		enum section id;
		const char *name;
	} sections[] = {{S_HEADER, "headers"},	      {S_FTRACE, "ftrace events"},
			{S_FORMATS, "events format"}, {S_KALLSYMS, "kallsyms"},
			{S_PRINTK, "printk"},	      {S_CMDLINES, "command lines"}};

	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++) {
		struct memory body;
		FILE *f = memory_begin(&body);
		if (sections[i].id == S_HEADER)
			tracepoints_write_header(f);
		else if (sections[i].id == S_FTRACE)
			tracepoints_write_ftrace(f);
		else if (sections[i].id == S_FORMATS)
			tracepoints_write_systems(&d->tracepoints, f);
		else if (sections[i].id == S_CMDLINES)
			write_names(d, f);
		else if (sections[i].id == S_KALLSYMS)
			write_sized_text(f, d->out.spec.kallsyms);
		else
			write_sized_text(f, NULL);
		memory_end(&body);
		uint64_t at = write_section(d, sections[i].id, section_name(d, sections[i].name),
					    body.body, body.n);
		write_int_option(options, (enum option)sections[i].id, at, 8);
		free(body.body);
	}
}

static void write_cpustat(const struct dat *d, const struct pages *p, FILE *options)
{
	const char *unit = d->out.spec.clock->tsc ? "%llu" : "%llu.%06llu";
	uint64_t second = d->out.spec.clock->tsc ? 1 : 1000000000;
	char first[48], last[48];

	snprintf(first, sizeof(first), unit, (unsigned long long)(p->first / second),
		 (unsigned long long)(p->first % second / 1000));
	snprintf(last, sizeof(last), unit, (unsigned long long)(p->last / second),
		 (unsigned long long)(p->last % second / 1000));
	write_text_option(options, O_CPUSTAT,
			  "CPU: %u\nentries: %llu\noverrun: %llu\ncommit overrun: 0\nbytes: %llu\n"
			  "oldest event ts: %s\nnow ts: %s\ndropped events: 0\nread events: 0\n",
			  p->cpu, (unsigned long long)p->events, (unsigned long long)p->overrun,
			  (unsigned long long)p->n_pages * PAGE_DATA, first, last);
}

static void write_tsc2nsec(const struct dat *d, FILE *options)
{
	uint8_t data[16] = {0};

	put32(data, tsc_mult(d));
	put32(data + 4, TSC_SHIFT);
	write_option(options, O_TSC2NSEC, data, sizeof(data));
}

static void write_machine(struct dat *d, FILE *options)
{
	const struct out_spec *spec = &d->out.spec;
	bool tsc = spec->clock->tsc;

	write_text_option(options, O_TRACECLOCK,
			  "local global counter uptime perf %s mono_raw boot tai %s\n",
			  tsc ? "mono" : "[mono]", tsc ? "[x86-tsc]" : "x86-tsc");
	write_text_option(options, O_UNAME, "Linux %s %s x86_64", spec->name, spec->kernel_release);
	write_text_option(options, O_VERSION, "3.1.6 simulated");
	write_option(options, O_TRACEID, spec->uuid, 8);
	for (unsigned i = 0; i < spec->n_cpus; i++)
		write_cpustat(d, &d->pages[i], options);
	fflush(d->agent.f);
	fwrite(d->agent.body, 1, d->agent.n, options);
	if (has_tsc2nsec(d))
		write_tsc2nsec(d, options);
	write_int_option(options, O_CPUCOUNT, spec->n_cpus, 4);
}

/* ---- what was recorded */

static void pad_to_page(FILE *f)
{
	while (ftell(f) % PAGE_SIZE)
		fputc(0, f);
}

/* Copies what a CPU recorded; the option's record of it goes to `option`. */
static void write_pages(struct dat *d, const struct pages *p, FILE *option)
{
	uint8_t part[PAGES_CHUNK];

	pad_to_page(d->f);
	write_int(option, p->cpu, 4);
	write_int(option, (uint64_t)ftell(d->f), 8);
	write_int(option, p->size + (is_compressed(d) ? 4 : 0), 8);
	if (is_compressed(d))
		write_int(d->f, p->n_chunks, 4);
	for (uint64_t at = 0; at < p->size && !d->out.failed;) {
		ssize_t n = pread(p->fd, part, sizeof(part), (off_t)at);
		if (n <= 0) {
			d->out.failed = n ? errno : EIO;
			return;
		}
		fwrite(part, 1, (size_t)n, d->f);
		at += (uint64_t)n;
	}
}

/* The option lists the CPUs that recorded anything. */
static void write_instance(struct dat *d, unsigned instance, FILE *options)
{
	const struct pages *cpus = &d->pages[instance * d->out.spec.n_cpus];
	long at = ftell(d->f);
	struct memory option;
	unsigned n = 0;

	for (unsigned i = 0; i < d->out.spec.n_cpus; i++)
		n += cpus[i].n_pages > 0;
	FILE *f = memory_begin(&option);
	write_int(f, (uint64_t)at, 8);
	write_text(f, instance ? "kvm" : "");
	write_text(f, clock_name(d));
	write_int(f, PAGE_SIZE, 4);
	write_int(f, n, 4);
	begin_section(d, S_BUFFER, is_compressed(d), section_name(d, "buffer flyrecord "), 0);
	long from = ftell(d->f);
	for (unsigned i = 0; i < d->out.spec.n_cpus; i++) {
		if (cpus[i].n_pages)
			write_pages(d, &cpus[i], f);
	}
	long end = ftell(d->f);
	fseek(d->f, from - 8, SEEK_SET);
	write_int(d->f, (uint64_t)(end - from), 8);
	fseek(d->f, end, SEEK_SET);
	memory_end(&option);
	write_option(options, O_BUFFER, option.body, option.n);
	free(option.body);
}

/* Return: where it begins. */
static uint64_t write_options(struct dat *d, struct memory *options)
{
	memory_end(options);
	uint64_t at =
		write_section(d, S_OPTIONS, section_name(d, "options"), options->body, options->n);
	free(options->body);
	return at;
}

/* Puts an offset where 0 was written for it. */
static void patch(FILE *f, long where, uint64_t offset)
{
	long end = ftell(f);

	fseek(f, where, SEEK_SET);
	write_int(f, offset, 8);
	fseek(f, end, SEEK_SET);
}

static void write_head(struct dat *d)
{
	static const uint8_t magic[] = {0x17, 0x08, 0x44, 't', 'r', 'a',
					'c',  'i',  'n',  'g', '7', 0};
	static const char *const names[] = {
		[OUT_PLAIN] = "none", [OUT_ZLIB] = "zlib", [OUT_ZSTD] = "zstd"};
	static const char *const versions[] = {
		[OUT_PLAIN] = "", [OUT_ZLIB] = "1.2.13", [OUT_ZSTD] = "1.5.4"};

	fwrite(magic, sizeof(magic), 1, d->f);
	write_int(d->f, 0, 1); /* little endian */
	write_int(d->f, 8, 1); /* bytes of a long */
	write_int(d->f, PAGE_SIZE, 4);
	write_text(d->f, names[d->out.spec.compression]);
	write_text(d->f, versions[d->out.spec.compression]);
	write_int(d->f, 0, 8); /* where the options are */
}

static void write_file(struct dat *d)
{
	struct memory strings, options;

	d->strings = memory_begin(&strings);
	write_head(d);
	long first = ftell(d->f) - 8;
	memory_begin(&options);
	write_kernel(d, options.f);
	write_machine(d, options.f);
	write_int_option(options.f, O_DONE, 0, 8);
	patch(d->f, first, write_options(d, &options));
	long next = ftell(d->f) - 8;
	memory_begin(&options);
	for (unsigned i = 0; i < n_instances(d); i++)
		write_instance(d, i, options.f);
	write_int_option(options.f, O_DONE, 0, 8);
	patch(d->f, next, write_options(d, &options));
	uint32_t name = section_name(d, "strings");
	memory_end(&strings);
	write_section(d, S_STRINGS, name, strings.body, strings.n);
	free(strings.body);
}

static int dat_close(struct out *out, uint64_t raw, struct error *err)
{
	struct dat *d = (struct dat *)out;
	int fd;

	for (unsigned i = 0; i < d->n_pages; i++)
		pages_end(&d->pages[i], out, raw);
	if (out_create(out, &fd, err, "%s.dat", out->spec.name))
		return ERR;
	d->f = fdopen(fd, "w");
	if (!d->f)
		return error_errno(err, errno, "cannot write '%s.dat'", out->spec.name);
	write_file(d);
	bool bad = ferror(d->f);
	if (fclose(d->f) || bad)
		return error_errno(err, errno, "cannot write '%s.dat'", out->spec.name);
	return 0;
}

static void dat_free(struct out *out)
{
	struct dat *d = (struct dat *)out;

	for (unsigned i = 0; i < d->n_pages; i++)
		pages_deinit(&d->pages[i]);
	free(d->pages);
	memory_end(&d->agent);
	free(d->agent.body);
	free(d->names.slots);
	free(d->names.slot_of);
}

const struct out_ops out_dat = {
	.size = sizeof(struct dat),
	.open = dat_open,
	.begin = dat_begin,
	.event = dat_event,
	.origin = dat_origin,
	.guest = dat_guest,
	.shifts = dat_shifts,
	.close = dat_close,
	.free = dat_free,
};
