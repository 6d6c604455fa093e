#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "input/format.h"
#include "input/tracedat/clock.h"
#include "input/tracedat/recording.h"
#include "input/tracedat/symbol.h"

static const uint8_t magic[] = {0x17, 0x08, 0x44, 't', 'r', 'a', 'c', 'i', 'n', 'g'};

enum { CPUS_MAX = 1 << 16 };

/* ---- the head -------------------------------------------------------------------------------- */

static bool has_tracedat_magic(const uint8_t *at, size_t n)
{
	return n >= sizeof(magic) && !memcmp(at, magic, sizeof(magic));
}

static int tracedat_read_head(struct tracedat *t, struct bytes *b, struct error *err)
{
	if (!has_tracedat_magic(b->at, b->n))
		return error_set(err, "'%s' does not begin as a trace.dat does", t->file);
	bytes_take(b, sizeof(magic));
	const char *version = bytes_string(b);

	t->version = (unsigned)strtoul(version, NULL, 10);
	t->big_endian = b->big_endian = bytes_u8(b);
	t->long_size = bytes_u8(b);
	t->page_size = bytes_u32(b);
	if (b->bad)
		return error_set(err, "'%s' ends inside its head", t->file);
	if (t->version != 6 && t->version != 7)
		return error_set(err, "'%s' is a trace.dat of version %s; vmscope reads 6 and 7",
				 t->file, version);
	if (t->long_size != sizeof(uint32_t) && t->long_size != sizeof(uint64_t))
		return error_set(err, "'%s' is damaged: it says that a long has %u bytes", t->file,
				 t->long_size);
	return 0;
}

static int read_layout(struct tracedat *t, struct error *err)
{
	struct bytes b = tracedat_bytes_at(t, 0);
	int r = tracedat_read_head(t, &b, err);

	if (r)
		return r;
	t->data_at = (uint32_t)sizeof(uint64_t) + t->long_size;
	t->formats = (struct ftrace_formats){
		.arena = &t->base.arena, .big_endian = t->big_endian, .long_size = t->long_size};
	if (t->version == 6)
		tracedat_read_layout6(t, b);
	else
		tracedat_read_layout7(t, b);
	if (t->compression == TRACEDAT_UNKNOWN)
		return error_set(err, "'%s' is compressed in a way that vmscope cannot read",
				 t->file);
	if (!t->buffers.n)
		return error_set(err,
				 t->has_text ? "'%s' holds a latency tracer's text and no events"
					     : "'%s' ends before its events",
				 t->file);
	return 0;
}

/* ---- streams --------------------------------------------------------------------------------- */

/* What is needed to put streams in order. */
struct placed {
	struct tracedat_stream stream;
	uint32_t cpu, buffer;
};

typedef VEC(struct placed) placed_vec;

static uint32_t page_size_of(struct tracedat *t, const struct tracedat_buffer *b)
{
	uint32_t size = b->page_size;

	if (size >= TRACEDAT_PAGE_MIN && size <= TRACEDAT_PAGE_MAX && size > t->data_at)
		return size;
	tracedat_report(t, DIAG_FILE_DAMAGED, 0);
	return t->page_size >= TRACEDAT_PAGE_MIN && t->page_size <= TRACEDAT_PAGE_MAX ? t->page_size
										      : 4096;
}

/* Of what the file says there is, what is there. */
static void cut_to_file(const struct tracedat *t, struct tracedat_stream *s)
{
	uint64_t left = s->offset < t->map.size ? t->map.size - s->offset : 0;

	s->is_cut = s->size > left;
	s->size = s->is_cut ? left : s->size;
}

/* Some versions of trace-cmd count the number of chunks in the size, and some do not. */
static void open_chunks(const struct tracedat *t, struct tracedat_stream *s)
{
	struct bytes b = tracedat_bytes_at(t, s->offset);
	uint64_t size = s->size;

	s->n_chunks = bytes_u32(&b);
	s->offset += TRACEDAT_CHUNK_COUNT;
	cut_to_file(t, s);
	s->is_cut = s->is_cut && size - s->size > TRACEDAT_CHUNK_COUNT;
}

static uint64_t decoded_size(const struct tracedat *t, const struct tracedat_stream *s)
{
	struct bytes b = tracedat_bytes_at(t, s->offset);

	if (!s->is_compressed)
		return s->size;
	bytes_u32(&b);
	return (uint64_t)s->n_chunks * bytes_u32(&b); /* all but the last are of one size */
}

/* So many are named: what one of them makes unknown is all. */
enum { LOST_MAX = 64 };

/* Its events are not in the file. */
static void tracedat_lose_cpu(struct tracedat *t, uint32_t cpu, uint64_t offset)
{
	vec_each (lost, &t->base.lost_cpus) {
		if (*lost == cpu)
			return;
	}
	if (t->base.lost_cpus.n < LOST_MAX)
		*vec_push(&t->base.lost_cpus) = cpu;
	tracedat_report(t, DIAG_CPU_MISSING, offset);
}

static bool tracedat_has_stream(const struct tracedat *t, uint32_t cpu)
{
	vec_each (s, &t->base.streams) {
		if (s->cpu == cpu)
			return true;
	}
	return false;
}

/*
 * Where CPUs were found by what their events look like, those behind the file's end were not. Which
 * of them recorded anything may stand there, too.
 */
static void tracedat_find_lost(struct tracedat *t)
{
	const struct tracedat_facts *f = &t->facts;
	uint32_t n = f->n_cpus ? f->n_cpus : (uint32_t)t->base.streams.n + 1;

	if (!t->base.is_partial)
		return;
	n = f->busy_cpus.n ? (uint32_t)f->busy_cpus.n : n;
	for (uint32_t i = 0; i < n && t->base.lost_cpus.n < LOST_MAX; i++) {
		uint32_t cpu = f->busy_cpus.n ? f->busy_cpus.at[i] : i;

		if (!tracedat_has_stream(t, cpu))
			tracedat_lose_cpu(t, cpu, t->map.size);
	}
}

static void place_stream(struct tracedat *t, placed_vec *placed, uint32_t buffer,
			 const struct tracedat_cpu *cpu)
{
	const struct tracedat_buffer *b = &t->buffers.at[buffer];
	struct tracedat_stream s = {.offset = cpu->offset,
				    .size = cpu->size,
				    .page_size = b->page_size,
				    .is_compressed = b->is_compressed};

	if (!s.size || cpu->cpu >= CPUS_MAX) {
		tracedat_report(t, s.size ? DIAG_FILE_DAMAGED : DIAG_STREAM_EMPTY, cpu->offset);
		return;
	}
	cut_to_file(t, &s);
	if (s.is_compressed && s.size > TRACEDAT_CHUNK_COUNT) {
		s.size = cpu->size;
		open_chunks(t, &s);
	}
	if (s.is_cut)
		tracedat_report(t, DIAG_FILE_CUT, cpu->offset);
	if (!s.size) {
		tracedat_lose_cpu(t, cpu->cpu, cpu->offset);
		return;
	}
	t->base.size += s.size;
	t->base.decoded_size += decoded_size(t, &s);
	*vec_push(placed) = (struct placed){s, cpu->cpu, buffer};
}

static int placed_by_cpu(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	if (x->cpu != y->cpu)
		return x->cpu < y->cpu ? -1 : 1;
	return (x->buffer > y->buffer) - (x->buffer < y->buffer);
}

static int placed_by_offset(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	return (x->stream.offset > y->stream.offset) - (x->stream.offset < y->stream.offset);
}

/* A few bytes too many are what some versions count (open_chunks()). */
static bool overlap(const struct tracedat_stream *a, const struct tracedat_stream *b)
{
	return b->offset + TRACEDAT_CHUNK_HEAD < a->offset + a->size;
}

/*
 * No byte of the file is the events of two CPUs: it would be read as often as a damaged file says.
 */
static void drop_overlapping(struct tracedat *t, placed_vec *placed)
{
	size_t n = 0;

	if (placed->n)
		qsort(placed->at, placed->n, sizeof(*placed->at), placed_by_offset);
	for (size_t i = 0; i < placed->n; i++) {
		if (n && overlap(&placed->at[n - 1].stream, &placed->at[i].stream))
			tracedat_report(t, DIAG_FILE_DAMAGED, placed->at[i].stream.offset);
		else
			placed->at[n++] = placed->at[i];
	}
	placed->n = n;
}

/* The clock of a buffer. Return: its index. */
static uint32_t clock_of(struct tracedat *t, const struct tracedat_buffer *b)
{
	const char *name = b->clock ? b->clock : t->facts.clock;

	for (uint32_t i = 0; i < t->base.clocks.n; i++) {
		const char *other = t->base.clocks.at[i].name;

		if (name == other || (name && other && !strcmp(name, other)))
			return i;
	}
	*vec_push(&t->base.clocks) = (struct recording_clock){.name = name};
	return (uint32_t)t->base.clocks.n - 1;
}

static void place_streams(struct tracedat *t)
{
	placed_vec placed = {0};

	for (uint32_t i = 0; i < t->buffers.n; i++) {
		t->buffers.at[i].page_size = page_size_of(t, &t->buffers.at[i]);
		vec_each (cpu, &t->buffers.at[i].cpus)
			place_stream(t, &placed, i, cpu);
	}
	drop_overlapping(t, &placed);
	if (placed.n)
		qsort(placed.at, placed.n, sizeof(*placed.at), placed_by_cpu);
	vec_each (p, &placed) {
		const struct tracedat_buffer *b = &t->buffers.at[p->buffer];

		*vec_push(&t->streams) = p->stream;
		*vec_push(&t->base.streams) =
			(struct recording_stream){.cpu = p->cpu,
						  .has_cpu = true,
						  .channel = *b->name ? b->name : NULL,
						  .group = p->buffer,
						  .clock = clock_of(t, b)};
	}
	vec_deinit(&placed);
	tracedat_find_lost(t);
}

/* ---- what it says of itself ------------------------------------------------------------------ */

static void tracedat_describe_events(struct tracedat *t)
{
	vec_each (f, &t->formats.all)
		*vec_push(&t->base.events) =
			(struct recording_event){(*f)->name, layout_event_of((*f)->full_name)};
	*vec_push(&t->base.events) = (struct recording_event){"(unknown)", EV_N};
}

void tracedat_describe(struct tracedat *t)
{
	struct recording *r = &t->base;

	tracedat_describe_events(t);
	if (!r->tracer)
		r->tracer = "trace-cmd";
	r->packet_word = "sub-buffer";
	r->packets_word = "sub-buffers";
	r->knows_threads = t->formats.common_pid.size > 0;
	r->lists_unrecorded = true;
	*vec_push(&r->env) =
		(struct recording_env){.name = "file version", .integer = (int64_t)t->version};
	if (t->facts.n_cpus)
		*vec_push(&r->env) =
			(struct recording_env){.name = "CPUs", .integer = t->facts.n_cpus};
	if (t->has_text)
		tracedat_report(t, DIAG_TEXT_BUFFER, 0);
}

/* ---- the format ------------------------------------------------------------------------------ */

static void free_tracedat(struct recording *r)
{
	struct tracedat *t = (struct tracedat *)r;

	vec_each (b, &t->buffers)
		vec_deinit(&b->cpus);
	vec_deinit(&t->buffers);
	vec_deinit(&t->streams);
	vec_deinit(&t->facts.busy_cpus);
	tracedat_kept_deinit(&t->kept);
	ftrace_formats_deinit(&t->formats);
	file_map_deinit(&t->map);
}

const struct recording_ops tracedat_ops = {.free = free_tracedat,
					   .plan_new = tracedat_plan_new,
					   .plan_free = tracedat_plan_free,
					   .reader_new = tracedat_reader_new,
					   .reader_share = tracedat_reader_share,
					   .reader_fill = tracedat_reader_fill,
					   .reader_free = tracedat_reader_free,
					   .walk_new = tracedat_walk_new,
					   .walk_next = tracedat_walk_next,
					   .walk_visit = tracedat_walk_visit,
					   .walk_free = tracedat_walk_free,
					   .symbol = tracedat_symbol};

static bool tracedat_probe(const char *path, bool is_directory, const struct input_head *head)
{
	(void)path;
	return !is_directory && has_tracedat_magic(head->at, head->n);
}

int tracedat_open(struct recording **rp, const char *path, const struct input_options *options,
		  struct error *err)
{
	struct tracedat *t = mem_zalloc(1, sizeof(*t));
	int r;

	*rp = NULL;
	t->base.ops = &tracedat_ops;
	t->file = arena_strdup(&t->base.arena, path);
	r = file_map_init(&t->map, path, err);
	if (!r)
		r = read_layout(t, err);
	if (r) {
		recording_free(&t->base);
		return r;
	}
	place_streams(t);
	tracedat_settle_clocks(t, options);
	tracedat_describe(t);
	file_map_drop_pages(&t->map);
	*rp = &t->base;
	return 0;
}

const struct input_format input_tracedat = {
	.name = "trace.dat", .probe = tracedat_probe, .open = tracedat_open};
