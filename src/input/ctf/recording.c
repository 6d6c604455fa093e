#include "input/ctf/recording.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "input/ctf/cursor.h"
#include "input/ctf/interest.h"
#include "input/ctf/lost.h"
#include "input/ctf/walk.h"
#include "input/format.h"

/* No more are begun with once so many bytes per event of the room have been read. */
enum { BYTES_PER_EVENT = 32 };

struct ctf_stream_reader {
	struct reader base;
	struct ctf_cursor cursor;
};

static const struct ctf_recording *recording_of(const struct recording *r)
{
	return (const struct ctf_recording *)r;
}

/* ---- what it says of itself ----------------------------------------------------------------- */

static const struct recording_env *find_integer(const struct recording *r, const char *name)
{
	vec_each (e, &r->env) {
		if (!e->string && !strcmp(e->name, name))
			return e;
	}
	return NULL;
}

static const char *tracer_of(struct recording *r, const struct ctf_trace_type *t)
{
	static const char *const parts[] = {"tracer_major", "tracer_minor", "tracer_patchlevel",
					    "tracer_patch"};
	const char *text = ctf_env_string(t, "tracer_name");
	bool first = true;

	text = text ? text : "unknown tracer";
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const struct recording_env *e = find_integer(r, parts[i]);

		if (!e)
			continue;
		text = arena_printf(&r->arena, "%s%c%" PRId64, text, first ? ' ' : '.', e->integer);
		first = false;
	}
	return text;
}

/* A kernel's clock in ns is steered; no TSC runs at exactly 1 GHz. */
static bool counts_cycles(const struct ctf_clock *c)
{
	return c->frequency != 1000000000;
}

/* `perf data convert` does not know the time of day, and says so with an offset of 0. */
static enum clock_origin origin_of(const struct ctf_clock *c)
{
	bool has_offset = c->unix_epoch || c->offset_s || c->offset_cycles;

	return has_offset ? CLOCK_ORIGIN_EPOCH : CLOCK_ORIGIN_BOOT;
}

static void describe_clocks(struct recording *r, const struct ctf_trace_type *t)
{
	for (uint32_t i = 0; i < t->n_clocks; i++) {
		const struct ctf_clock *c = t->clocks[i];

		*vec_push(&r->clocks) = (struct recording_clock){.name = c->name,
								 .description = c->description,
								 .uuid = c->uuid,
								 .frequency = c->frequency,
								 .offset_ns = ctf_clock_ns(c, 0),
								 .origin = origin_of(c),
								 .is_tsc = counts_cycles(c)};
	}
}

static uint32_t clock_index(const struct ctf_trace_type *t, const struct ctf_clock *clock)
{
	for (uint32_t i = 0; i < t->n_clocks; i++) {
		if (t->clocks[i] == clock)
			return i;
	}
	return RECORDING_NO_CLOCK;
}

static void describe_streams(struct recording *r, const struct ctf_trace *t)
{
	vec_each (s, &t->streams)
		*vec_push(&r->streams) = (struct recording_stream){
			.cpu = s->cpu,
			.has_cpu = s->has_cpu,
			.channel = s->cls->name,
			.group = (uint32_t)s->cls->id,
			.clock = clock_index(&t->type, s->cls->clock),
			.begin_ns = ctf_clock_ns(s->cls->clock, s->files.at[0]->first.begin)};
}

/* In the order of their classes' index. */
static void describe_events(struct recording *r, const struct ctf_trace_type *t)
{
	for (uint32_t i = 0; i < t->n_event_classes; i++)
		vec_push(&r->events);
	for (uint32_t i = 0; i < t->n_streams; i++) {
		for (uint32_t j = 0; j < t->streams[i]->n_events; j++) {
			const struct ctf_event_class *cls = t->streams[i]->events[j];

			r->events.at[cls->index] =
				(struct recording_event){cls->name, layout_event_of(cls->name)};
		}
	}
}

static void describe_env(struct recording *r, const struct ctf_trace_type *t)
{
	for (uint32_t i = 0; i < t->n_env; i++)
		*vec_push(&r->env) =
			(struct recording_env){t->env[i].name, t->env[i].string, t->env[i].integer};
}

/* Return: a directory in `dir` that is a trace itself, owned by the caller; NULL: there is none. */
static char *trace_below(const char *dir)
{
	struct dirent **entries;
	char *found = NULL;
	int n = scandir(dir, &entries, NULL, versionsort);

	for (int i = 0; i < n; i++) {
		char *metadata = mem_printf("%s/%s/metadata", dir, entries[i]->d_name);

		if (!found && entries[i]->d_name[0] != '.' && access(metadata, F_OK) == 0)
			found = mem_printf("%s/%s", dir, entries[i]->d_name);
		free(metadata);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return found;
}

/* Nothing was recorded; or the file `metadata` does not belong where it is. */
static char *describe_nothing(const struct ctf_trace *t)
{
	char *below = t->files.n ? NULL : trace_below(t->path), *text = NULL;

	if (!t->files.n)
		text = mem_printf("'%s' has metadata but no data stream%s%s%s", t->path,
				  below ? ": if that file is there by mistake, name '" : "",
				  below ? below : "", below ? "'" : "");
	free(below);
	return text;
}

/* Says all anew: parts that came later may have other metadata. */
static void describe(struct ctf_recording *c)
{
	struct recording *r = &c->base;
	const struct ctf_trace_type *t = &c->trace->type;

	vec_each (s, &r->streams)
		gaps_deinit(&s->gaps);
	r->clocks.n = r->streams.n = r->events.n = r->env.n = r->lost_cpus.n = 0;
	describe_clocks(r, t);
	describe_streams(r, c->trace);
	describe_events(r, t);
	describe_env(r, t);
	r->size = r->decoded_size = c->trace->size;
	r->hostname = ctf_env_string(t, "hostname");
	r->system = ctf_env_string(t, "sysname");
	r->kernel = ctf_env_string(t, "kernel_release");
	r->boot_id = ctf_env_string(t, "boot_id");
	r->tracer = tracer_of(r, t);
	r->packet_word = "packet";
	r->packets_word = "packets";
	r->knows_threads = ctf_interest_knows_threads(t);
	r->knows_processes = event_set_has(recording_described(r), EV_STATEDUMP_PROCESS_STATE) ||
			     ctf_interest_knows_processes(t);
	const char *domain = ctf_env_string(t, "domain");

	r->is_user_space = domain && !strcmp(domain, "ust");
	free(r->nothing);
	r->nothing = describe_nothing(c->trace);
	r->diags = c->trace->diags;
	ctf_lost_find(c->trace, r);
}

static void note_damage(struct ctf_recording *c)
{
	const struct ctf_trace_type *t = &c->trace->type;

	if (t->damage)
		c->base.note = mem_printf("'%s/metadata' is damaged: %s (%u places in all; %u were "
					  "mended, %u left out)",
					  c->trace->path, t->damage, t->n_mended + t->n_left_out,
					  t->n_mended, t->n_left_out);
}

/* ---- plans and readers ---------------------------------------------------------------------- */

static struct input_plan *plan_new(const struct recording *r, struct event_set wanted, bool every)
{
	return (struct input_plan *)ctf_interest_plan(&recording_of(r)->trace->type, r->events.at,
						      r->knows_threads, wanted, every);
}

static void plan_free(struct input_plan *plan)
{
	ctf_plan_free((struct ctf_plan *)plan);
}

static struct reader *stream_reader_new(const struct recording *r, size_t stream,
					const struct input_plan *plan, int64_t skip_before_ns)
{
	const struct ctf_trace *t = recording_of(r)->trace;
	struct ctf_stream_reader *reader = mem_zalloc(1, sizeof(*reader));

	ctf_cursor_init(&reader->cursor, t, &t->streams.at[stream], (const struct ctf_plan *)plan,
			false, skip_before_ns);
	if (r->streams.at[stream].is_disordered)
		ctf_cursor_sort(&reader->cursor);
	reader->base.diags = &reader->cursor.diags;
	reader->base.damaged = &reader->cursor.damaged;
	reader->base.is_disordered = &reader->cursor.is_disordered;
	return &reader->base;
}

static void stream_reader_free(struct reader *r)
{
	ctf_cursor_deinit(&((struct ctf_stream_reader *)r)->cursor);
}

/* Return: whether the cursor found something more, which is then in e. */
static bool read_one(struct ctf_cursor *c, struct event *e)
{
	int r = ctf_cursor_next(c, e);

	e->ts = c->ns;
	e->id = c->tag;
	if (r == CTF_CURSOR_LOST) {
		e->id = EV_LOST;
		e->tid = e->pid = NO_VALUE;
		e->lost.to = c->lost_to_ns;
		e->lost.count = (int64_t)c->lost;
	}
	return r != CTF_CURSOR_END;
}

static void stream_reader_fill(struct reader *r)
{
	struct ctf_cursor *c = &((struct ctf_stream_reader *)r)->cursor;
	uint64_t start = ctf_cursor_place(c);
	size_t n = 0;

	/* Those being looked at and those read ahead are at hand together. */
	c->kept = 2 * (r->room * BYTES_PER_EVENT + CTF_CURSOR_RUN);
	while (n < r->room && !r->ended &&
	       !(n && ctf_cursor_place(c) - start >= r->room * BYTES_PER_EVENT)) {
		n += ctf_cursor_run(c, r->events + n, sizeof(*r->events), r->room - n);
		if (n == r->room)
			break;
		if (read_one(c, &r->events[n]))
			n++;
		else
			r->ended = true;
	}
	for (size_t i = 0; i < n; i++) {
		if (r->events[i].id == CTF_TAG_ANY) {
			r->events[i].id = EV_OTHER;
			r->events[i].tid = r->events[i].pid = NO_VALUE;
		}
	}
	r->n = n;
	r->totals = ctf_cursor_totals(c);
}

/* ---- parts ---------------------------------------------------------------------------------- */

static bool is_same(const struct recording *a, const struct recording *b)
{
	return ctf_trace_same(recording_of(a)->trace, recording_of(b)->trace);
}

static void merge(struct recording *a, struct recording *b)
{
	struct ctf_recording *to = (struct ctf_recording *)a, *from = (struct ctf_recording *)b;

	ctf_trace_merge(to->trace, from->trace);
	from->trace = NULL;
	recording_free(b);
	describe(to);
}

static bool adopt(struct recording *r, const char *path)
{
	struct ctf_recording *c = (struct ctf_recording *)r;
	bool adopted = ctf_trace_adopt(c->trace, path);

	if (adopted)
		describe(c);
	return adopted;
}

static int64_t ctf_stream_end(const struct recording *r, size_t stream)
{
	return ctf_trace_stream_end(recording_of(r)->trace, stream);
}

/* ---- the format ----------------------------------------------------------------------------- */

static struct walk *new_walk(const struct recording *r, size_t stream, int64_t from_ns)
{
	return ctf_walk_new(recording_of(r)->trace, stream, from_ns);
}

static void free_trace(struct recording *r)
{
	struct ctf_recording *c = (struct ctf_recording *)r;

	if (c->trace)
		ctf_trace_free(c->trace);
}

static const struct recording_ops ops = {.free = free_trace,
					 .plan_new = plan_new,
					 .plan_free = plan_free,
					 .reader_new = stream_reader_new,
					 .reader_fill = stream_reader_fill,
					 .reader_free = stream_reader_free,
					 .walk_new = new_walk,
					 .walk_next = ctf_walk_next,
					 .walk_visit = ctf_walk_visit,
					 .walk_free = ctf_walk_free,
					 .same = is_same,
					 .merge = merge,
					 .adopt = adopt,
					 .stream_end = ctf_stream_end};

static bool probe(const char *path, bool is_directory, const struct input_head *head)
{
	char *metadata = mem_printf("%s/metadata", path);
	bool yes = is_directory && access(metadata, F_OK) == 0;

	(void)head;
	free(metadata);
	return yes;
}

static int open_directory(struct recording **rp, const char *path,
			  const struct input_options *options, struct error *err)
{
	struct ctf_recording *c = mem_zalloc(1, sizeof(*c));

	(void)options; /* metadata always says */
	*rp = NULL;
	c->base.ops = &ops;
	if (ctf_trace_open(&c->trace, path, err)) {
		c->trace = NULL;
		recording_free(&c->base);
		return ERR;
	}
	describe(c);
	note_damage(c);
	*rp = &c->base;
	return 0;
}

const struct input_format input_ctf = {.name = "CTF", .probe = probe, .open = open_directory};
