#include "perf_maker.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { FEATURES = 256, HEADER = 104, ATTR_SIZE = 128, SAMPLE_ID_ALL = 18, USE_CLOCKID = 25 };

/* ---- bytes ----------------------------------------------------------------------------------- */

void perf_put(struct perf_buffer *b, const void *at, size_t n)
{
	while (b->n + n > b->room) {
		b->room = b->room ? b->room * 2 : 4096;
		b->at = mem_realloc(b->at, b->room);
	}
	if (n)
		memcpy(b->at + b->n, at, n);
	b->n += n;
}

void perf_put_zeros(struct perf_buffer *b, size_t n)
{
	static const uint8_t zeros[64];

	for (size_t part; n; n -= part) {
		part = n < sizeof(zeros) ? n : sizeof(zeros);
		perf_put(b, zeros, part);
	}
}

void perf_put_u16(struct perf_buffer *b, uint16_t v)
{
	v = b->big_endian ? htobe16(v) : htole16(v);
	perf_put(b, &v, sizeof(v));
}

void perf_put_u32(struct perf_buffer *b, uint32_t v)
{
	v = b->big_endian ? htobe32(v) : htole32(v);
	perf_put(b, &v, sizeof(v));
}

void perf_put_u64(struct perf_buffer *b, uint64_t v)
{
	v = b->big_endian ? htobe64(v) : htole64(v);
	perf_put(b, &v, sizeof(v));
}

void perf_set_u16(struct perf_buffer *b, size_t at, uint16_t v)
{
	v = b->big_endian ? htobe16(v) : htole16(v);
	memcpy(b->at + at, &v, sizeof(v));
}

void perf_set_u64(struct perf_buffer *b, size_t at, uint64_t v)
{
	v = b->big_endian ? htobe64(v) : htole64(v);
	memcpy(b->at + at, &v, sizeof(v));
}

static void put_text(struct perf_buffer *b, const char *text)
{
	perf_put(b, text, strlen(text) + 1);
}

/* ---- records --------------------------------------------------------------------------------- */

static struct perf_buffer *records(struct perf_maker *m)
{
	return m->options.compression ? &m->chunk : &m->data;
}

/* Return: where the record begins, for end_record(). */
static size_t begin_record(struct perf_buffer *b, uint32_t type, uint16_t misc)
{
	size_t start = b->n;

	perf_put_u32(b, type);
	perf_put_u16(b, misc);
	perf_put_u16(b, 0);
	return start;
}

static void end_record(struct perf_buffer *b, size_t start)
{
	perf_put_zeros(b, (8 - (b->n - start) % 8) % 8);
	perf_set_u16(b, start + 6, (uint16_t)(b->n - start));
}

static uint64_t id_of(unsigned attr, uint32_t cpu)
{
	return 100 * (attr + 1) + cpu;
}

/* The end of a record that is no sample. */
static void put_place(struct perf_maker *m, struct perf_buffer *b, const struct make_place *at)
{
	uint64_t t = m->options.no_sample_id ? 0 : m->attrs[at->attr].sample_type;

	perf_put_zeros(b, (8 - b->n % 8) % 8);
	if (t & MAKE_TID) {
		perf_put_u32(b, (uint32_t)at->pid);
		perf_put_u32(b, (uint32_t)at->tid);
	}
	if (t & MAKE_TIME)
		perf_put_u64(b, at->time);
	if (t & MAKE_ID)
		perf_put_u64(b, id_of(at->attr, at->cpu));
	if (t & MAKE_CPU) {
		perf_put_u32(b, at->cpu);
		perf_put_u32(b, 0);
	}
	if (t & MAKE_IDENTIFIER)
		perf_put_u64(b, id_of(at->attr, at->cpu));
}

static void put_raw(const struct perf_maker *m, struct perf_buffer *b, const struct make_sample *s)
{
	uint32_t n = 16 + s->n_extra, padded = (n + 4 + 7) / 8 * 8 - 4;

	perf_put_u32(b, padded);
	perf_put_u16(b, (uint16_t)m->attrs[s->attr].config);
	perf_put_zeros(b, 2);
	perf_put_u32(b, (uint32_t)s->tid);
	perf_put_u64(b, s->serial);
	perf_put(b, s->extra, s->n_extra);
	perf_put_zeros(b, padded - n);
}

static void put_read(struct perf_buffer *b, uint64_t format)
{
	uint64_t n = format & 8 ? 2 : 1; /* GROUP */

	if (format & 8)
		perf_put_u64(b, n);
	else
		perf_put_u64(b, 77);
	perf_put_zeros(b, (format & 1 ? 8 : 0) + (format & 2 ? 8 : 0));
	for (uint64_t i = 0; i < n; i++) {
		if (format & 8)
			perf_put_u64(b, 77);
		perf_put_zeros(b, (format & 4 ? 8 : 0) + (format & 16 ? 8 : 0));
	}
}

void perf_maker_sample(struct perf_maker *m, const struct make_sample *s)
{
	struct perf_buffer *b = records(m);
	const struct make_attr *a = &m->attrs[s->attr];
	uint64_t t = a->sample_type;
	size_t start = begin_record(b, 9, s->misc);

	if (t & MAKE_IDENTIFIER)
		perf_put_u64(b, id_of(s->attr, s->cpu));
	if (t & MAKE_IP)
		perf_put_u64(b, 0x1234);
	if (t & MAKE_TID) {
		perf_put_u32(b, s->is_dead ? UINT32_MAX : (uint32_t)s->pid);
		perf_put_u32(b, s->is_dead ? UINT32_MAX : (uint32_t)s->tid);
	}
	if (t & MAKE_TIME)
		perf_put_u64(b, s->time);
	if (t & MAKE_ID)
		perf_put_u64(b, id_of(s->attr, s->cpu));
	if (t & MAKE_CPU) {
		perf_put_u32(b, s->cpu);
		perf_put_u32(b, 0);
	}
	if (t & MAKE_PERIOD)
		perf_put_u64(b, 1);
	if (t & MAKE_READ)
		put_read(b, a->read_format);
	if (t & MAKE_CALLCHAIN) {
		perf_put_u64(b, s->n_chain);
		perf_put_zeros(b, s->n_chain * 8);
	}
	if (t & MAKE_RAW)
		put_raw(m, b, s);
	end_record(b, start);
}

void perf_maker_lost(struct perf_maker *m, const struct make_place *at, uint64_t n)
{
	struct perf_buffer *b = records(m);
	size_t start = begin_record(b, 2, 0);

	perf_put_u64(b, id_of(at->attr, at->cpu));
	perf_put_u64(b, n);
	put_place(m, b, at);
	end_record(b, start);
}

void perf_maker_lost_samples(struct perf_maker *m, const struct make_place *at, uint64_t n)
{
	struct perf_buffer *b = records(m);
	size_t start = begin_record(b, 13, 0);

	perf_put_u64(b, n);
	put_place(m, b, at);
	end_record(b, start);
}

void perf_maker_throttle(struct perf_maker *m, const struct make_place *at, bool begins)
{
	struct perf_buffer *b = records(m);
	size_t start = begin_record(b, begins ? 5 : 6, 0);

	perf_put_u64(b, at->time);
	perf_put_u64(b, id_of(at->attr, at->cpu));
	perf_put_u64(b, 0);
	put_place(m, b, at);
	end_record(b, start);
}

void perf_maker_comm(struct perf_maker *m, const struct make_place *at, int32_t pid, int32_t tid,
		     const char *comm)
{
	struct perf_buffer *b = records(m);
	size_t start = begin_record(b, 3, 0);

	perf_put_u32(b, (uint32_t)pid);
	perf_put_u32(b, (uint32_t)tid);
	put_text(b, comm);
	put_place(m, b, at);
	end_record(b, start);
}

void perf_maker_fork(struct perf_maker *m, const struct make_place *at, bool is_exit, int32_t pid,
		     int32_t tid, int32_t parent_tid)
{
	struct perf_buffer *b = records(m);
	size_t start = begin_record(b, is_exit ? 4 : 7, 0);

	perf_put_u32(b, (uint32_t)pid);
	perf_put_u32(b, (uint32_t)parent_tid);
	perf_put_u32(b, (uint32_t)tid);
	perf_put_u32(b, (uint32_t)parent_tid);
	perf_put_u64(b, at->time);
	put_place(m, b, at);
	end_record(b, start);
}

void perf_maker_namespaces(struct perf_maker *m, const struct make_place *at, int32_t pid,
			   int32_t tid, uint64_t pid_ns)
{
	enum { N = 7, PID = 3 };
	struct perf_buffer *b = records(m);
	size_t start = begin_record(b, 16, 0);

	perf_put_u32(b, (uint32_t)pid);
	perf_put_u32(b, (uint32_t)tid);
	perf_put_u64(b, N);
	for (uint64_t i = 0; i < N; i++) {
		perf_put_u64(b, 4);
		perf_put_u64(b, i == PID ? pid_ns : 1000 + i);
	}
	put_place(m, b, at);
	end_record(b, start);
}

void perf_maker_round(struct perf_maker *m)
{
	perf_maker_flush(m);
	end_record(&m->data, begin_record(&m->data, 68, 0));
}

/* ---- compression ----------------------------------------------------------------------------- */

/* As much as fits in n_max bytes is put behind b. */
static void compress_part(struct perf_maker *m, struct perf_buffer *b, ZSTD_inBuffer *in,
			  size_t n_max)
{
	uint8_t *at = mem_alloc(n_max);
	ZSTD_outBuffer out = {at, n_max, 0};

	ZSTD_compressStream(m->zstd, &out, in);
	ZSTD_flushStream(m->zstd, &out);
	perf_put(b, at, out.pos);
	free(at);
}

/* Type 81: its size is not rounded up. */
static void flush_compressed(struct perf_maker *m, ZSTD_inBuffer *in)
{
	while (in->pos < in->size) {
		size_t start = begin_record(&m->data, MAKE_COMPRESSED, 0);

		compress_part(m, &m->data, in, 65535 - 8);
		perf_set_u16(&m->data, start + 6, (uint16_t)(m->data.n - start));
	}
}

/*
 * As perf 6.16 does: one after the other, each with its own size, and then the first one is given
 * the size of all, of which the header has room for 16 bits.
 */
static void flush_compressed2(struct perf_maker *m, ZSTD_inBuffer *in)
{
	struct perf_buffer *b = &m->data;
	size_t first = b->n;

	while (in->pos < in->size) {
		size_t start = begin_record(b, MAKE_COMPRESSED2, 0);

		perf_put_u64(b, UINT64_C(0xdeadbeefdeadbeef));
		compress_part(m, b, in, 65535 - 16);
		perf_set_u16(b, start + 6, (uint16_t)(b->n - start));
	}
	size_t n = b->n - first, aligned = (n + 7) / 8 * 8;

	perf_set_u64(b, first + 8, n - 16);
	perf_set_u16(b, first + 6, (uint16_t)aligned);
	if (aligned <= UINT16_MAX || m->options.pad_wrapped)
		perf_put_zeros(b, aligned - n);
}

void perf_maker_flush(struct perf_maker *m)
{
	ZSTD_inBuffer in = {m->chunk.at, m->chunk.n, 0};

	if (m->chunk.n && m->options.compression == MAKE_COMPRESSED)
		flush_compressed(m, &in);
	else if (m->chunk.n)
		flush_compressed2(m, &in);
	m->chunk.n = 0;
}

/* ---- attributes ------------------------------------------------------------------------------ */

void perf_maker_init(struct perf_maker *m, const struct make_options *options)
{
	*m = (struct perf_maker){.options = *options};
	m->data.big_endian = m->chunk.big_endian = options->big_endian;
	if (!m->options.long_size)
		m->options.long_size = 8;
	if (options->compression) {
		m->zstd = ZSTD_createCStream();
		ZSTD_initCStream(m->zstd, 1);
	}
}

static void set_flag(uint8_t *flags, int bit, bool big_endian)
{
	flags[bit / 8] |= (uint8_t)(1 << (big_endian ? 7 - bit % 8 : bit % 8));
}

static void put_attr(const struct perf_maker *m, struct perf_buffer *b, const struct make_attr *a)
{
	size_t start = b->n;
	uint8_t flags[8] = {0};

	if (!m->options.no_sample_id)
		set_flag(flags, SAMPLE_ID_ALL, b->big_endian);
	if (a->clock >= 0)
		set_flag(flags, USE_CLOCKID, b->big_endian);
	perf_put_u32(b, a->type);
	perf_put_u32(b, ATTR_SIZE);
	perf_put_u64(b, a->config);
	perf_put_u64(b, 1); /* period */
	perf_put_u64(b, a->sample_type);
	perf_put_u64(b, a->read_format);
	perf_put(b, flags, sizeof(flags));
	perf_put_zeros(b, 92 - (b->n - start));
	perf_put_u32(b, (uint32_t)(a->clock >= 0 ? a->clock : 0));
	perf_put_zeros(b, ATTR_SIZE - (b->n - start));
}

static void put_ids(struct perf_buffer *b, unsigned attr)
{
	for (uint32_t cpu = 0; cpu < MAKE_CPUS; cpu++)
		perf_put_u64(b, id_of(attr, cpu));
}

void perf_maker_attr(struct perf_maker *m, struct make_attr attr)
{
	m->attrs[m->n_attrs++] = attr;
}

/* ---- features -------------------------------------------------------------------------------- */

#define COMMON                                                                         \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"         \
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"         \
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n" \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"

static void put_format(struct perf_buffer *b, const char *name, int number, const char *field,
		       const char *more)
{
	char text[1024];
	int n = snprintf(text, sizeof(text),
			 "name: %s\nID: %d\nformat:\n" COMMON
			 "\tfield:u64 %s;\toffset:8;\tsize:8;\tsigned:0;\n%s\nprint fmt: \"\"\n",
			 name, number, field, more);

	perf_put_u64(b, (uint64_t)n);
	perf_put(b, text, (size_t)n);
}

static void put_formats(const struct perf_maker *m, struct perf_buffer *b)
{
	static const uint8_t magic[] = {23, 8, 68, 't', 'r', 'a', 'c', 'i', 'n', 'g'};
	uint8_t kind[] = {b->big_endian, (uint8_t)m->options.long_size};

	perf_put(b, magic, sizeof(magic));
	put_text(b, "0.6");
	perf_put(b, kind, sizeof(kind));
	perf_put_u32(b, 4096);
	put_text(b, "header_page");
	perf_put_u64(b, 5);
	perf_put(b, "page\n", 5);
	put_text(b, "header_event");
	perf_put_u64(b, 0);
	perf_put_u32(b, 0);
	perf_put_u32(b, 2);
	put_text(b, "kvm");
	perf_put_u32(b, 2);
	put_format(b, "kvm_entry", MAKE_ENTRY, "vcpu_id", "");
	put_format(b, "kvm_exit", MAKE_EXIT, "exit_reason", "");
	put_text(b, "sched");
	perf_put_u32(b, 2);
	put_format(b, "sched_switch", MAKE_SWITCH, "next_pid",
		   "\tfield:char next_comm[16];\toffset:16;\tsize:16;\tsigned:0;\n");
	put_format(b, "sched_process_fork", MAKE_FORK, "child_pid", "");
	perf_put_u32(b, 0);
	perf_put_u32(b, 0);
	perf_put_u64(b, 0);
}

static void put_string(struct perf_buffer *b, const char *text)
{
	uint32_t n = (uint32_t)(strlen(text) + 1 + 63) / 64 * 64;

	perf_put_u32(b, n);
	put_text(b, text);
	perf_put_zeros(b, n - strlen(text) - 1);
}

static void put_clock_data(const struct perf_maker *m, struct perf_buffer *b)
{
	perf_put_u32(b, 1);
	perf_put_u32(b, (uint32_t)m->attrs[0].clock);
	perf_put_u64(b, (uint64_t)MAKE_WALL_OFFSET + 5000);
	perf_put_u64(b, 5000);
}

/* In the order of their numbers. */
static void put_feature(const struct perf_maker *m, struct perf_buffer *b, unsigned id)
{
	switch (id) {
	case 1:
		put_formats(m, b);
		break;
	case 3:
		put_string(b, "testhost");
		break;
	case 5:
		put_string(b, "6.99");
		break;
	case 24:
		perf_put_u64(b, 1);
		break;
	default:
		put_clock_data(m, b);
	}
}

static const unsigned features[] = {1, 3, 5, 24, 29};

static bool has_feature(const struct perf_maker *m, unsigned id)
{
	switch (id) {
	case 1:
		return !m->options.no_formats;
	case 24:
		return m->options.directory;
	case 29:
		return m->attrs[0].clock >= 0;
	default:
		return true;
	}
}

enum { N_FEATURES = sizeof(features) / sizeof(features[0]) };

/* ---- files ----------------------------------------------------------------------------------- */

static void put_feature_bits(const struct perf_maker *m, struct perf_buffer *b)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < N_FEATURES; i++)
		bits |= (uint64_t)has_feature(m, features[i]) << features[i];
	perf_put_u64(b, bits);
	perf_put_zeros(b, FEATURES / 8 - 8);
}

/* Behind the header: the ids, then the attributes. */
static void put_file_head(const struct perf_maker *m, struct perf_buffer *b)
{
	uint64_t ids = HEADER, attrs = ids + m->n_attrs * MAKE_CPUS * UINT64_C(8);
	uint64_t data = attrs + m->n_attrs * (uint64_t)(ATTR_SIZE + 16);

	perf_put_u64(b, UINT64_C(0x32454c4946524550)); /* "PERFILE2" */
	perf_put_u64(b, HEADER);
	perf_put_u64(b, ATTR_SIZE + 16);
	perf_put_u64(b, attrs);
	perf_put_u64(b, m->n_attrs * (uint64_t)(ATTR_SIZE + 16));
	perf_put_u64(b, data);
	perf_put_u64(b, m->data.n);
	perf_put_zeros(b, 16);
	put_feature_bits(m, b);
	for (unsigned i = 0; i < m->n_attrs; i++)
		put_ids(b, i);
	for (unsigned i = 0; i < m->n_attrs; i++) {
		put_attr(m, b, &m->attrs[i]);
		perf_put_u64(b, ids + i * MAKE_CPUS * UINT64_C(8));
		perf_put_u64(b, MAKE_CPUS * 8);
	}
}

static void put_file_features(const struct perf_maker *m, struct perf_buffer *b)
{
	struct perf_buffer all = {.big_endian = b->big_endian};
	uint64_t at = b->n;

	for (size_t i = 0; i < N_FEATURES; i++)
		at += has_feature(m, features[i]) ? 16 : 0;
	for (size_t i = 0; i < N_FEATURES; i++) {
		size_t from = all.n;

		if (!has_feature(m, features[i]))
			continue;
		put_feature(m, &all, features[i]);
		perf_put_u64(b, at + from);
		perf_put_u64(b, all.n - from);
	}
	perf_put(b, all.at, all.n);
	free(all.at);
}

static void put_pipe_attr(const struct perf_maker *m, struct perf_buffer *b, unsigned i)
{
	size_t start = begin_record(b, 64, 0);

	put_attr(m, b, &m->attrs[i]);
	put_ids(b, i);
	end_record(b, start);
}

/* Features other than formats are records; formats follow a record of 12 bytes. */
static void put_pipe_feature(const struct perf_maker *m, struct perf_buffer *b, unsigned id)
{
	size_t start = begin_record(b, id == 1 ? 66 : 80, 0), from;

	if (id == 1)
		perf_put_u32(b, 0);
	else
		perf_put_u64(b, id);
	perf_set_u16(b, start + 6, (uint16_t)(b->n - start));
	from = b->n;
	put_feature(m, b, id);
	perf_put_zeros(b, (8 - (b->n - from) % 8) % 8);
	if (id == 1) {
		struct perf_buffer size = {.big_endian = b->big_endian};

		perf_put_u32(&size, (uint32_t)(b->n - from));
		memcpy(b->at + from - 4, size.at, 4);
		free(size.at);
	} else {
		perf_set_u16(b, start + 6, (uint16_t)(b->n - start));
	}
}

static void put_pipe_head(const struct perf_maker *m, struct perf_buffer *b)
{
	perf_put_u64(b, UINT64_C(0x32454c4946524550));
	perf_put_u64(b, 16);
	for (unsigned i = 0; i < m->n_attrs; i++)
		put_pipe_attr(m, b, i);
	for (size_t i = 0; i < N_FEATURES; i++) {
		if (has_feature(m, features[i]))
			put_pipe_feature(m, b, features[i]);
	}
}

struct perf_buffer perf_maker_take_records(struct perf_maker *m)
{
	struct perf_buffer all;

	perf_maker_flush(m);
	all = m->data;
	m->data = (struct perf_buffer){.big_endian = all.big_endian};
	return all;
}

struct perf_buffer perf_maker_finish(struct perf_maker *m)
{
	struct perf_buffer file = {.big_endian = m->options.big_endian};

	perf_maker_flush(m);
	if (m->options.pipe)
		put_pipe_head(m, &file);
	else
		put_file_head(m, &file);
	perf_put(&file, m->data.at, m->data.n);
	if (!m->options.pipe)
		put_file_features(m, &file);
	ZSTD_freeCStream(m->zstd);
	free(m->data.at);
	free(m->chunk.at);
	return file;
}
