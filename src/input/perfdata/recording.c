#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "input/perfdata/header.h"
#include "input/perfdata/index.h"
#include "input/perfdata/inflate.h"

enum { SOURCES_MAX = 8192 /* threads of a perf that recorded: at most one per CPU */ };

/* ---- files ----------------------------------------------------------------------------------- */

static int map_file(struct perfdata *p, const char *path, struct perfdata_source *source,
		    struct error *err)
{
	*source = (struct perfdata_source){.path = arena_strdup(&p->base.arena, path)};
	source->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (source->fd < 0)
		return error_errno(err, errno, "cannot open '%s'", path);
	if (file_map_init_fd(&source->map, source->fd, path, err)) {
		perfdata_unmap(source);
		return ERR;
	}
	source->at = source->map.data;
	source->size = source->map.size;
	p->base.size += source->map.size;
	return 0;
}

/*
 * `perf record --threads` leaves the records of each thread in a file of their own: data.0, data.1,
 * ...
 */
static void map_siblings(struct perfdata *p, const char *path)
{
	for (int i = 0; i < SOURCES_MAX; i++) {
		char *sibling = mem_printf("%s.%d", path, i);
		struct perfdata_source source;
		struct error err = {0};
		bool is_there = access(sibling, F_OK) == 0;

		if (is_there && map_file(p, sibling, &source, &err))
			perfdata_note(p, DIAG_FILE_UNREADABLE, 1, &source, source.at);
		else if (is_there)
			*vec_push(&p->sources) = source;
		error_deinit(&err);
		free(sibling);
		if (!is_there)
			return;
	}
}

static int inflate_sources(struct perfdata *p, struct error *err)
{
	int r = 0;

	vec_each (s, &p->sources) {
		if (!r && perfdata_is_compressed(p, s))
			r = perfdata_inflate(p, s, err);
		p->base.decoded_size += s->size;
	}
	return r;
}

/* The file becomes the first source in every case, for whoever frees it. */
static int read_main(struct perfdata *p, const char *path, struct error *err)
{
	struct perfdata_header h;
	struct perfdata_source file;

	if (map_file(p, path, &file, err))
		return ERR;
	int r = perfdata_header_read(p, &file, &h, err);
	struct perfdata_source *data = vec_push(&p->sources);

	*data = file;
	if (r)
		return r;
	if (!p->is_pipe) {
		perfdata_header_attrs(p, &file, &h);
		perfdata_header_features(p, &file, &h);
	}
	data->at = file.at + h.data.offset;
	data->size = h.data.size;
	data->is_cut = !h.is_whole;
	if (perfdata_has_feature(&h, PERFDATA_F_DIR_FORMAT))
		map_siblings(p, path);
	return 0;
}

/* ---- what it says of itself ------------------------------------------------------------------ */

/* Some of the events that perf has names for. */
static const char *known_name(const struct perfdata_attr *a)
{
	static const char *const hardware[] = {"cycles",
					       "instructions",
					       "cache-references",
					       "cache-misses",
					       "branches",
					       "branch-misses",
					       "bus-cycles",
					       "stalled-cycles-frontend",
					       "stalled-cycles-backend",
					       "ref-cycles"};
	static const char *const software[] = {
		"cpu-clock",	    "task-clock",   "page-faults",  "context-switches",
		"cpu-migrations",   "minor-faults", "major-faults", "alignment-faults",
		"emulation-faults", "dummy",	    "bpf-output",   "cgroup-switches"};

	if (a->type == PERFDATA_HARDWARE && a->config < sizeof(hardware) / sizeof(hardware[0]))
		return hardware[a->config];
	if (a->type == PERFDATA_SOFTWARE && a->config < sizeof(software) / sizeof(software[0]))
		return software[a->config];
	return NULL;
}

static const char *name_of(struct perfdata *p, const struct perfdata_attr *a)
{
	struct arena *arena = &p->base.arena;
	const char *name = a->name && *a->name ? a->name : known_name(a);

	if (name)
		return name;
	if (a->type == PERFDATA_TRACEPOINT)
		return arena_printf(arena, "tracepoint#%" PRIu64, a->config);
	return arena_printf(arena, "event#%" PRIu32 ":0x%" PRIx64, a->type, a->config);
}

static const struct ftrace_format *format_of(const struct perfdata *p,
					     const struct perfdata_attr *a)
{
	return a->type == PERFDATA_TRACEPOINT && a->config <= UINT16_MAX
		       ? ftrace_format_of(&p->formats, (uint32_t)a->config)
		       : NULL;
}

/* Several attributes may be of one tracepoint. */
static void describe_event(struct perfdata *p, struct perfdata_attr *a)
{
	struct recording *r = &p->base;
	const struct ftrace_format *f = format_of(p, a);
	uint32_t *known = f ? &p->event_of_format[f->index] : &a->event;

	if (*known == PERFDATA_NO_EVENT) {
		enum event_id id = f ? layout_event_of(f->full_name) : EV_N;

		*known = (uint32_t)r->events.n;
		*vec_push(&r->events) =
			(struct recording_event){f ? f->full_name : name_of(p, a), id};
		p->has_fork |= id == EV_SCHED_PROCESS_FORK;
		p->has_exit |= id == EV_SCHED_PROCESS_EXIT;
	}
	a->event = *known;
}

static void describe_events(struct perfdata *p)
{
	p->event_of_format = mem_alloc(p->formats.all.n * sizeof(*p->event_of_format) + 1);
	for (size_t i = 0; i < p->formats.all.n; i++)
		p->event_of_format[i] = PERFDATA_NO_EVENT;
	vec_each (a, &p->attrs.at)
		describe_event(p, a);
}

/* What is wrong with its events as a whole. */
static void judge_events(struct perfdata *p)
{
	const struct perfdata_source *source = &p->sources.at[0];
	uint64_t n_tracepoints = 0, n_unknown = 0;

	vec_each (a, &p->attrs.at) {
		n_tracepoints += a->type == PERFDATA_TRACEPOINT;
		n_unknown += a->type == PERFDATA_TRACEPOINT && !format_of(p, a);
	}
	if (!n_tracepoints)
		perfdata_note(p, DIAG_NO_TRACEPOINTS, 1, source, source->at);
	if (n_unknown)
		perfdata_note(p, DIAG_FORMATS_MISSING, n_unknown, source, source->at);
}

struct known_clock {
	clockid_t id;
	const char *name;
	enum clock_origin origin;
};

/* As perf's option -k calls them. CLOCK_TAI is some 37 s before UTC. */
static const struct known_clock known_clocks[] = {
	{CLOCK_REALTIME, "realtime", CLOCK_ORIGIN_EPOCH},
	{CLOCK_MONOTONIC, "monotonic", CLOCK_ORIGIN_BOOT},
	{CLOCK_MONOTONIC_RAW, "monotonic_raw", CLOCK_ORIGIN_BOOT},
	{CLOCK_BOOTTIME, "boottime", CLOCK_ORIGIN_BOOT},
	{CLOCK_TAI, "tai", CLOCK_ORIGIN_UNKNOWN},
};

static struct recording_clock clock_of(struct perfdata *p, const struct perfdata_attr *a)
{
	struct recording_clock clock = {.name = "perf",
					.description = "perf's own: the scheduler's clock",
					.frequency = 1000000000,
					.origin = CLOCK_ORIGIN_BOOT};

	if (!a || !a->has_clock)
		return clock;
	clock.name = arena_printf(&p->base.arena, "clock#%" PRId32, a->clock);
	clock.description = NULL;
	clock.origin = CLOCK_ORIGIN_UNKNOWN;
	for (size_t i = 0; i < sizeof(known_clocks) / sizeof(known_clocks[0]); i++) {
		if (known_clocks[i].id == a->clock) {
			clock.name = known_clocks[i].name;
			clock.origin = known_clocks[i].origin;
		}
	}
	return clock;
}

static void describe_clock(struct perfdata *p)
{
	const struct perfdata_attr *a = p->attrs.at.n ? &p->attrs.at.at[0] : NULL;
	struct recording_clock clock = clock_of(p, a);

	if (p->has_wall_clock && a && a->has_clock && p->wall_clock == (uint32_t)a->clock) {
		clock.offset_ns = p->wall_offset_ns;
		clock.origin = CLOCK_ORIGIN_EPOCH;
	}
	p->offset_ns = clock.offset_ns;
	*vec_push(&p->base.clocks) = clock;
}

static void describe_streams(struct perfdata *p)
{
	vec_each (l, &p->lanes) {
		int64_t begin = l->segments.n ? perfdata_ns(p, l->segments.at[0].first) : INT64_MAX;

		*vec_push(&p->base.streams) = (struct recording_stream){
			.cpu = l->cpu, .has_cpu = l->has_cpu, .begin_ns = begin};
	}
}

/* Return: whether all samples say their thread and process. */
static bool all_say_thread(const struct perfdata *p)
{
	vec_each (a, &p->attrs.at) {
		if (!a->layout.tid)
			return false;
	}
	return p->attrs.at.n > 0;
}

static void describe(struct perfdata *p)
{
	struct recording *r = &p->base;

	describe_events(p);
	judge_events(p);
	describe_clock(p);
	describe_streams(p);
	r->tracer = r->tracer ? r->tracer : "perf";
	r->system = "Linux";
	r->packet_word = "round";
	r->packets_word = "rounds";
	r->cpus_apart = true; /* perf switches its events on and off one CPU after the other */
	r->knows_processes = all_say_thread(p);
	r->knows_threads = r->knows_processes || p->formats.common_pid.size > 0;
}

/* ---- the format ------------------------------------------------------------------------------ */

static void free_perfdata(struct recording *r)
{
	struct perfdata *p = (struct perfdata *)r;

	vec_each (s, &p->sources) {
		perfdata_unmap(s);
		free(s->memory);
	}
	vec_each (l, &p->lanes)
		vec_deinit(&l->segments);
	vec_deinit(&p->sources);
	vec_deinit(&p->lanes);
	vec_deinit(&p->births);
	map_deinit(&p->cpu_of_id);
	perfdata_attrs_deinit(&p->attrs);
	ftrace_formats_deinit(&p->formats);
	free(p->event_of_format);
}

static const struct recording_ops ops = {.free = free_perfdata,
					 .plan_new = perfdata_plan_new,
					 .plan_free = perfdata_plan_free,
					 .reader_new = perfdata_reader_new,
					 .reader_fill = perfdata_reader_fill,
					 .reader_free = perfdata_reader_free,
					 .walk_new = perfdata_walk_new,
					 .walk_next = perfdata_walk_next,
					 .walk_visit = perfdata_walk_visit,
					 .walk_free = perfdata_walk_free};

/* Return: whether the directory is what `perf record` made for one recording. */
static bool probe_directory(const char *path)
{
	char *main_file = mem_printf("%s/data", path);
	struct perfdata_header h = {0};
	struct perfdata_source file = {.path = main_file};
	struct perfdata p = {0};
	struct error err = {0};
	bool yes = access(main_file, R_OK) == 0 && !file_map_init(&file.map, main_file, &err);

	if (yes) {
		file.at = file.map.data;
		file.size = file.map.size;
		yes = !perfdata_header_read(&p, &file, &h, &err) &&
		      perfdata_has_feature(&h, PERFDATA_F_DIR_FORMAT);
	}
	file_map_deinit(&file.map);
	error_deinit(&err);
	free(main_file);
	return yes;
}

static bool probe(const char *path, bool is_directory, const struct input_head *head)
{
	return is_directory ? probe_directory(path)
			    : perfdata_magic_of(head->at, head->n) != PERFDATA_MAGIC_NONE;
}

static bool is_directory(const char *path)
{
	char *inside = mem_printf("%s/.", path);
	bool yes = access(inside, F_OK) == 0;

	free(inside);
	return yes;
}

static int open_recording(struct recording **rp, const char *path,
			  const struct input_options *options, struct error *err)
{
	struct perfdata *p = mem_zalloc(1, sizeof(*p));
	char *main_file = is_directory(path) ? mem_printf("%s/data", path) : mem_strdup(path);

	(void)options; /* times are always ns */
	*rp = NULL;
	p->base.ops = &ops;
	int r = read_main(p, main_file, err);

	if (!r)
		r = inflate_sources(p, err);
	free(main_file);
	if (r) {
		recording_free(&p->base);
		return r;
	}
	perfdata_index(p);
	describe(p);
	*rp = &p->base;
	return 0;
}

const struct input_format input_perfdata = {
	.name = "perf.data", .probe = probe, .open = open_recording};
