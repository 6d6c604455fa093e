/*
 * perf.data files made by perf_maker, of every kind: each event that was put in has to come out
 * once, of its CPU, in the order of time, with its time, thread and field, by a walk and by a
 * reader alike.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "input/format.h"
#include "perf_maker.h"

enum { N_CPUS = 2, NO_CPU = 99, PID = 4000, MISC_GUEST = 4 };

/* An event that was put in. */
struct put {
	uint32_t cpu;
	int32_t tid;
	uint64_t time, serial;
	size_t order;
};

/* A file that is being made, and what is in it. */
struct made {
	struct perf_maker maker;
	VEC(struct put) put;
	int64_t offset_ns;
};

static const struct make_attr entry_attr = {MAKE_TRACEPOINT, MAKE_ENTRY, MAKE_USUAL, 0, -1};
static const struct make_attr exit_attr = {MAKE_TRACEPOINT, MAKE_EXIT, MAKE_USUAL, 0, -1};
static const struct make_attr cycles_attr = {MAKE_HARDWARE, 0, MAKE_USUAL & ~(uint64_t)MAKE_RAW, 0,
					     -1};

static void made_init(struct made *m, const struct make_options *options, struct make_attr first)
{
	*m = (struct made){0};
	perf_maker_init(&m->maker, options);
	perf_maker_attr(&m->maker, first);
}

static void made_deinit(struct made *m)
{
	vec_deinit(&m->put);
}

static struct make_sample sample_of(const struct made *m, uint32_t cpu, uint64_t time)
{
	uint64_t serial = 1000 + m->put.n;

	return (struct make_sample){.pid = PID,
				    .tid = PID + (int32_t)(serial % 7),
				    .time = time,
				    .serial = serial,
				    .cpu = cpu};
}

static void put_sample(struct made *m, const struct make_sample *s)
{
	perf_maker_sample(&m->maker, s);
	*vec_push(&m->put) = (struct put){s->cpu, s->tid, s->time, s->serial, m->put.n};
}

/* A kvm_entry. */
static void put(struct made *m, uint32_t cpu, uint64_t time)
{
	struct make_sample s = sample_of(m, cpu, time);

	put_sample(m, &s);
}

/* ---- files ----------------------------------------------------------------------------------- */

static char *write_file(const struct perf_buffer *b, size_t n)
{
	char *path = mem_strdup("/tmp/test-perfdata-XXXXXX");
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, b->at, n), n);
	close(fd);
	return path;
}

static struct recording *open_path(const char *path)
{
	static const struct input_options options = {0};
	struct recording *r = NULL;
	struct error err = {0};

	if (input_perfdata.open(&r, path, &options, &err))
		fail_msg("%s", err.text);
	return r;
}

static struct recording *open_bytes(const struct perf_buffer *b, size_t n)
{
	char *path = write_file(b, n);
	struct recording *r = open_path(path);

	unlink(path);
	free(path);
	return r;
}

static struct recording *open_made(struct made *m)
{
	struct perf_buffer file = perf_maker_finish(&m->maker);
	struct recording *r = open_bytes(&file, file.n);

	free(file.at);
	return r;
}

/* ---- what comes out -------------------------------------------------------------------------- */

static int by_time(const void *a, const void *b)
{
	const struct put *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

/* What is to come out of one stream. Return: how many, in *outp, to be freed. */
static size_t expected(const struct made *m, const struct recording_stream *s, struct put **outp)
{
	size_t n = 0;

	*outp = mem_zalloc(m->put.n + 1, sizeof(**outp));
	for (size_t i = 0; i < m->put.n; i++) {
		if (m->put.at[i].cpu == (s->has_cpu ? s->cpu : NO_CPU))
			(*outp)[n++] = m->put.at[i];
	}
	qsort(*outp, n, sizeof(**outp), by_time);
	return n;
}

/* Fields of an event that a walk shows. */
struct shown {
	uint64_t serial, tid, pid, flags;
	unsigned depth, n_chain;
};

static void on_integer(void *ctx, const struct field *f, uint64_t value)
{
	struct shown *s = ctx;

	if (!f->name) {
		s->n_chain++;
		return;
	}
	if (!strcmp(f->name, "vcpu_id") || !strcmp(f->name, "exit_reason"))
		s->serial = value;
	else if (!strcmp(f->name, "tid"))
		s->tid = value;
	else if (!strcmp(f->name, "pid"))
		s->pid = value;
	else if (!strcmp(f->name, "common_flags"))
		s->flags = value + 1;
}

static void on_open(void *ctx, const struct field *f)
{
	(void)f;
	((struct shown *)ctx)->depth++;
}

static void on_close(void *ctx, const struct field *f)
{
	(void)f;
	((struct shown *)ctx)->depth--;
}

static const struct field_visitor visitor = {
	.open = on_open, .close = on_close, .integer = on_integer};

static struct shown show(const struct walk *w)
{
	struct shown s = {0};

	for (enum field_scope scope = 0; scope < N_SCOPES; scope++) {
		if (w->scopes >> scope & 1)
			walk_visit(w, scope, &visitor, &s);
	}
	assert_int_equal(s.depth, 0);
	return s;
}

static void check_walk(const struct made *m, const struct recording *r, size_t stream)
{
	struct put *want;
	size_t n = expected(m, &r->streams.at[stream], &want), i = 0;
	struct walk *w = walk_new(r, stream, INT64_MIN);
	int state;

	while ((state = walk_next(w)) != WALK_END) {
		if (state != WALK_EVENT)
			continue;
		struct shown s = show(w);

		assert_true(i < n);
		assert_int_equal(w->ns, (int64_t)want[i].time + m->offset_ns);
		assert_int_equal(s.serial, want[i].serial);
		assert_int_equal((int32_t)s.tid, want[i].tid);
		assert_int_equal(s.pid, PID);
		assert_int_equal(s.flags, 1);
		i++;
	}
	assert_int_equal(i, n);
	assert_int_equal(w->totals.n_events, n);
	walk_free(w);
	free(want);
}

static void check_reader(const struct made *m, const struct recording *r, size_t stream)
{
	struct put *want;
	size_t n = expected(m, &r->streams.at[stream], &want), i = 0;
	struct input_plan *plan = input_plan_new(r, event_set_all(), false);
	struct reader *reader = reader_new(r, stream, plan, 0, INT64_MIN);

	while (reader_read(reader)) {
		for (size_t k = 0; k < reader->n; k++) {
			const struct event *e = &reader->events[k];

			if (e->id != EV_KVM_ENTRY && e->id != EV_KVM_EXIT)
				continue;
			assert_true(i < n);
			assert_int_equal(e->ts, (int64_t)want[i].time + m->offset_ns);
			assert_int_equal(e->id == EV_KVM_ENTRY ? e->kvm_entry.vcpu_id
							       : e->kvm_exit.reason,
					 want[i].serial);
			assert_int_equal(e->tid, want[i].tid);
			assert_int_equal(e->pid, PID);
			i++;
		}
	}
	assert_int_equal(i, n);
	assert_int_equal(reader->totals.n_events, n);
	if (n)
		assert_int_equal(reader->totals.last_ns, (int64_t)want[n - 1].time + m->offset_ns);
	reader_free(reader);
	input_plan_free(r, plan);
	free(want);
}

/* All that was put in comes out, of as many streams. */
static void check_events(const struct made *m, const struct recording *r, size_t n_streams)
{
	assert_int_equal(r->streams.n, n_streams);
	for (size_t i = 0; i < r->streams.n; i++) {
		check_walk(m, r, i);
		check_reader(m, r, i);
	}
}

static uint64_t damage(const struct recording *r)
{
	uint64_t n = 0;

	for (int i = 0; i < DIAG_N; i++)
		n += diag_kind(i)->severity == DIAG_DAMAGE ? r->diags.at[i].count : 0;
	return n;
}

static void check_made(struct made *m, size_t n_streams)
{
	struct recording *r = open_made(m);

	check_events(m, r, n_streams);
	assert_int_equal(damage(r), 0);
	recording_free(r);
	made_deinit(m);
}

/* A stream's EV_LOST events, in order. */
struct losses {
	struct event at[16];
	size_t n;
	uint64_t n_lost;
};

static struct losses losses_of(const struct recording *r, size_t stream)
{
	struct input_plan *plan = input_plan_new(r, event_set_all(), false);
	struct reader *reader = reader_new(r, stream, plan, 0, INT64_MIN);
	struct losses all = {0};

	while (reader_read(reader)) {
		for (size_t k = 0; k < reader->n && all.n < 16; k++) {
			if (reader->events[k].id == EV_LOST)
				all.at[all.n++] = reader->events[k];
		}
	}
	all.n_lost = reader->totals.n_lost;
	reader_free(reader);
	input_plan_free(r, plan);
	return all;
}

/* All events of a stream but kvm_entry and kvm_exit. Return: how many there are, up to max. */
static size_t side_events(const struct recording *r, size_t stream, struct event *out, size_t max)
{
	struct input_plan *plan = input_plan_new(r, event_set_all(), false);
	struct reader *reader = reader_new(r, stream, plan, 0, INT64_MIN);
	size_t n = 0;

	while (reader_read(reader)) {
		for (size_t k = 0; k < reader->n; k++) {
			const struct event *e = &reader->events[k];

			if (e->id != EV_KVM_ENTRY && e->id != EV_KVM_EXIT && n < max)
				out[n++] = *e;
		}
	}
	reader_free(reader);
	input_plan_free(r, plan);
	return n;
}

/* ---- kinds of files -------------------------------------------------------------------------- */

/*
 * Three rounds, in each the buffers of both CPUs, and a second one of CPU 0 that overlaps the first
 * in time.
 */
static void put_rounds(struct made *m)
{
	uint64_t t = 5000;

	for (int round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 40; i++)
			put(m, 0, t + i * 10);
		/* One that was interrupted by the one before it in the file. */
		put(m, 0, t + 395);
		put(m, 0, t + 393);
		for (unsigned i = 0; i < 40; i++)
			put(m, 1, t + i * 11);
		for (unsigned i = 0; i < 40; i++)
			put(m, 0, t + 5 + i * 12);
		perf_maker_round(&m->maker);
		t += 300;
	}
}

static void test_kinds(void **state)
{
	static const enum make_compression compressions[] = {MAKE_PLAIN, MAKE_COMPRESSED,
							     MAKE_COMPRESSED2};

	(void)state;
	for (unsigned i = 0; i < 12; i++) {
		struct make_options options = {.big_endian = i & 1,
					       .pipe = i >> 1 & 1,
					       .compression = compressions[i / 4]};
		struct made m;

		made_init(&m, &options, entry_attr);
		put_rounds(&m);
		check_made(&m, N_CPUS);
	}
}

static void test_described(void **state)
{
	struct make_options options = {.big_endian = true, .long_size = 4};
	struct make_attr attr = entry_attr;
	struct made m;

	(void)state;
	attr.clock = CLOCK_MONOTONIC;
	made_init(&m, &options, attr);
	m.offset_ns = MAKE_WALL_OFFSET;
	put_rounds(&m);
	struct recording *r = open_made(&m);

	check_events(&m, r, N_CPUS);
	assert_string_equal(r->hostname, "testhost");
	assert_string_equal(r->tracer, "perf 6.99");
	assert_string_equal(r->clocks.at[0].name, "monotonic");
	assert_int_equal(r->clocks.at[0].origin, CLOCK_ORIGIN_EPOCH);
	assert_int_equal(r->clocks.at[0].offset_ns, MAKE_WALL_OFFSET);
	assert_int_equal(r->events.n, 1);
	assert_string_equal(r->events.at[0].name, "kvm:kvm_entry");
	assert_int_equal(r->events.at[0].id, EV_KVM_ENTRY);
	assert_true(r->knows_threads && r->knows_processes);
	recording_free(r);
	made_deinit(&m);
}

/* Without a wall clock times are said to be since boot; perf's own clock has no other. */
static void test_no_wall_clock(void **state)
{
	struct make_options options = {0};
	struct made m;

	(void)state;
	made_init(&m, &options, entry_attr);
	put(&m, 0, 5000);
	struct recording *r = open_made(&m);

	assert_string_equal(r->clocks.at[0].name, "perf");
	assert_int_equal(r->clocks.at[0].origin, CLOCK_ORIGIN_BOOT);
	assert_int_equal(r->clocks.at[0].offset_ns, 0);
	recording_free(r);
	made_deinit(&m);
}

/* Data that zstd cannot make smaller, so that one block of it fills more than one record. */
static void put_noise(struct made *m, unsigned n_samples)
{
	enum { NOISE = 4000 };
	uint8_t noise[NOISE];
	uint64_t x = 88172645463325252;

	for (unsigned i = 0; i < n_samples; i++) {
		struct make_sample s = sample_of(m, i % N_CPUS, 5000 + i);

		for (size_t k = 0; k < NOISE; k++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			noise[k] = (uint8_t)x;
		}
		s.extra = noise;
		s.n_extra = NOISE;
		put_sample(m, &s);
	}
}

/* 16 of these fill 65,2xx bytes, of which the header's 16 bits have room; more do not. */
static void test_wrapped_size(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 60; i++) {
		struct make_options options = {
			.compression = MAKE_COMPRESSED2, .pipe = i & 1, .pad_wrapped = i >> 1 & 1};
		struct made m;

		made_init(&m, &options, entry_attr);
		put_noise(&m, 10 + i);
		perf_maker_round(&m.maker);
		put_rounds(&m);
		check_made(&m, N_CPUS);
	}
}

/* Sizes just around what fits: the record of 65,529 to 65,535 bytes has a size of 0. */
static void test_wrapped_to_nothing(void **state)
{
	(void)state;
	for (uint32_t n = 64800; n < 65440; n += 4) {
		struct make_options options = {.compression = MAKE_COMPRESSED2};
		struct made m;
		uint8_t *noise = mem_alloc(n);
		uint64_t x = 88172645463325252;
		struct make_sample s;

		for (uint32_t k = 0; k < n; k++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			noise[k] = (uint8_t)x;
		}
		made_init(&m, &options, entry_attr);
		s = sample_of(&m, 0, 5000);
		s.extra = noise;
		s.n_extra = n;
		put_sample(&m, &s);
		perf_maker_round(&m.maker);
		put(&m, 0, 6000);
		check_made(&m, 1);
		free(noise);
	}
}

/* Counts and callchains stand before raw data, and make its place vary. */
static void test_several_attributes(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 32; i++) {
		struct make_options options = {.big_endian = i & 1};
		struct make_attr with_more = exit_attr;
		struct made m;

		with_more.sample_type |= MAKE_READ | MAKE_CALLCHAIN;
		with_more.read_format = i;
		made_init(&m, &options, entry_attr);
		perf_maker_attr(&m.maker, with_more);
		perf_maker_attr(&m.maker, exit_attr);
		for (unsigned k = 0; k < 30; k++) {
			struct make_sample s = sample_of(&m, k % N_CPUS, 5000 + k);

			s.attr = k % 3;
			s.n_chain = k % 5;
			put_sample(&m, &s);
		}
		check_made(&m, N_CPUS);
	}
}

/* One event needs no ids, and older files have them in the midst of a sample. */
static void test_ids(void **state)
{
	static const uint64_t types[] = {
		MAKE_USUAL & ~(uint64_t)MAKE_IDENTIFIER,
		(MAKE_USUAL & ~(uint64_t)MAKE_IDENTIFIER) | MAKE_ID,
		MAKE_USUAL | MAKE_ID,
	};

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		struct make_options options = {.pipe = i & 1};
		struct make_attr first = entry_attr, second = exit_attr;
		struct made m;

		first.sample_type = second.sample_type = types[i / 2];
		made_init(&m, &options, first);
		if (i / 2)
			perf_maker_attr(&m.maker, second);
		for (unsigned k = 0; k < 30; k++) {
			struct make_sample s = sample_of(&m, k % N_CPUS, 5000 + k);

			s.attr = i / 2 ? k % 2 : 0;
			put_sample(&m, &s);
		}
		check_made(&m, N_CPUS);
	}
}

static void test_no_cpu(void **state)
{
	struct make_options options = {0};
	struct make_attr attr = entry_attr;
	struct made m;

	(void)state;
	attr.sample_type &= ~(uint64_t)MAKE_CPU;
	made_init(&m, &options, attr);
	for (unsigned i = 0; i < 50; i++) {
		struct make_sample s = sample_of(&m, NO_CPU, 5000 + i * 7 % 50);

		put_sample(&m, &s);
	}
	struct recording *r = open_made(&m);

	check_events(&m, r, 1);
	assert_false(r->streams.at[0].has_cpu);
	recording_free(r);
	made_deinit(&m);
}

/*
 * Times in no order at all, without a round's end: so many that they are in many segments, which
 * all overlap.
 */
static void test_no_order(void **state)
{
	struct make_options options = {0};
	struct made m;
	uint64_t x = 12345;

	(void)state;
	made_init(&m, &options, entry_attr);
	for (unsigned i = 0; i < 20000; i++) {
		x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
		put(&m, x >> 40 & 1, 5000 + (x >> 33) % 7000);
	}
	check_made(&m, N_CPUS);
}

/* All CPUs' records in one order of time, as perf inject leaves them. */
static void test_mixed_cpus(void **state)
{
	struct make_options options = {0};
	struct made m;

	(void)state;
	made_init(&m, &options, entry_attr);
	for (unsigned i = 0; i < 20000; i++)
		put(&m, i * 7 % 5 % MAKE_CPUS, 5000 + i);
	check_made(&m, MAKE_CPUS);
}

/* The host's interrupts while KVM says "in guest" are marked so. */
static void test_guest_mode(void **state)
{
	struct make_options options = {0};
	struct made m;

	(void)state;
	made_init(&m, &options, entry_attr);
	for (unsigned misc = 0; misc <= MISC_GUEST + 1; misc++) {
		struct make_sample s = sample_of(&m, 0, 5000 + misc);

		s.misc = (uint16_t)misc;
		put_sample(&m, &s);
	}
	check_made(&m, 1);
}

/* ---- large files ----------------------------------------------------------------------------- */

enum { LARGE_N = 3200, LARGE_EXTRA = 3000 /* bytes of each; together more than stays mapped */ };

/* In order, and in none at all: then more overlaps in time than is copied at once. */
static void test_large(void **state)
{
	uint8_t extra[LARGE_EXTRA] = {0};

	(void)state;
	for (unsigned kind = 0; kind < 3; kind++) {
		struct make_options options = {.compression = kind == 2 ? MAKE_COMPRESSED : 0};
		struct made m;
		uint64_t x = 12345;

		made_init(&m, &options, entry_attr);
		for (unsigned i = 0; i < LARGE_N; i++) {
			x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
			struct make_sample s =
				sample_of(&m, i / 100 % N_CPUS,
					  kind == 1 ? 5000 + (x >> 33) % 70000 : 5000 + i);

			/* What is compressed too much is taken for an attack. */
			for (unsigned k = 0; k < 64; k++)
				extra[k] = (uint8_t)(x >> k % 57);
			s.extra = extra;
			s.n_extra = sizeof(extra);
			put_sample(&m, &s);
		}
		check_made(&m, N_CPUS);
	}
}

static void check_names(const struct event *events, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct event_text *comm = &events[i].sched_switch.next_comm;
		char name[16];

		snprintf(name, sizeof(name), "name-%" PRId64, events[i].sched_switch.next_tid);
		assert_int_equal(events[i].id, EV_SCHED_SWITCH);
		assert_int_equal(comm->n, strlen(name));
		assert_memory_equal(comm->at, name, comm->n);
	}
}

/* Texts of a batch can be looked at while the next one is read. */
static void test_texts_stay(void **state)
{
	struct make_options options = {0};
	struct make_attr switch_attr = entry_attr;
	uint8_t extra[LARGE_EXTRA] = {0};
	struct made m;

	(void)state;
	switch_attr.config = MAKE_SWITCH;
	made_init(&m, &options, switch_attr);
	for (unsigned i = 0; i < LARGE_N; i++) {
		struct make_sample s = sample_of(&m, 0, 5000 + i);

		snprintf((char *)extra, 16, "name-%" PRIu64, s.serial);
		s.extra = extra;
		s.n_extra = sizeof(extra);
		put_sample(&m, &s);
	}
	struct recording *r = open_made(&m);
	struct input_plan *plan = input_plan_new(r, event_set_all(), false);
	struct reader *reader = reader_new(r, 0, plan, 0, INT64_MIN);
	struct event *other = reader_room(reader, reader->room);
	size_t n_other = 0, n = 0;

	while (reader_read(reader)) {
		struct event *events = reader->events;

		check_names(other, n_other);
		n += n_other;
		n_other = reader->n;
		reader->events = other;
		other = events;
	}
	check_names(other, n_other);
	assert_int_equal(n + n_other, LARGE_N);
	free(other);
	reader_free(reader);
	input_plan_free(r, plan);
	recording_free(r);
	made_deinit(&m);
}

/* ---- single records -------------------------------------------------------------------------- */

/* Data of a processor's trace follows its record; records of kinds that nobody knew are passed. */
static void test_other_records(void **state)
{
	struct make_options options = {0};
	struct made m;

	(void)state;
	made_init(&m, &options, entry_attr);
	put(&m, 0, 5000);
	struct perf_buffer *b = &m.maker.data;
	size_t aux = b->n;

	perf_put_u64(b, 71 | UINT64_C(48) << 48);
	perf_put_u64(b, 1000);
	perf_put_zeros(b, 32);
	for (unsigned i = 0; i < 1000; i++)
		perf_put(b, &(uint8_t){(uint8_t)(i * 7)}, 1);
	assert_int_equal(b->n, aux + 1048);
	perf_put_u64(b, 60 | UINT64_C(24) << 48);
	perf_put_zeros(b, 16);
	perf_put_u64(b, 200 | UINT64_C(8) << 48);
	put(&m, 0, 5001);
	check_made(&m, 1);
}

/* A thread that is about to end is still known by the tracepoint; its process is not. */
static void test_dead_thread(void **state)
{
	struct make_options options = {0};
	struct made m;

	(void)state;
	made_init(&m, &options, entry_attr);
	struct make_sample s = sample_of(&m, 0, 5000);

	s.is_dead = true;
	perf_maker_sample(&m.maker, &s);
	struct recording *r = open_made(&m);
	struct input_plan *plan = input_plan_new(r, event_set_all(), false);
	struct reader *reader = reader_new(r, 0, plan, 0, INT64_MIN);

	assert_true(reader_read(reader));
	assert_int_equal(reader->n, 1);
	assert_int_equal(reader->events[0].tid, s.tid);
	assert_int_equal(reader->events[0].pid, NO_VALUE);
	reader_free(reader);
	input_plan_free(r, plan);
	recording_free(r);
	made_deinit(&m);
}

/* What is read from a time on is all that happened from then on. */
static void test_from_time(void **state)
{
	enum { N = 20000, FROM = 15000 };
	struct make_options options = {0};
	struct made m;
	size_t n = 0;

	(void)state;
	made_init(&m, &options, entry_attr);
	for (unsigned i = 0; i < N; i++)
		put(&m, 0, 5000 + (i ^ 3));
	struct recording *r = open_made(&m);
	struct walk *w = walk_new(r, 0, FROM);
	int64_t last = INT64_MIN;

	while (walk_next(w) == WALK_EVENT) {
		n += w->ns >= FROM;
		assert_true(w->ns > last);
		last = w->ns;
	}
	assert_int_equal(n, 5000 + N - FROM);
	assert_true(w->totals.n_events < N);
	walk_free(w);
	recording_free(r);
	made_deinit(&m);
}

/*
 * After an entry the next event of whatever kind is wanted, since it ends the guest's time; cycles
 * end nothing.
 */
static void test_next_is_wanted(void **state)
{
	static const enum event_id entries[] = {EV_KVM_ENTRY};
	static const struct make_attr switch_attr = {MAKE_TRACEPOINT, MAKE_SWITCH, MAKE_USUAL, 0,
						     -1};
	struct make_options options = {0};
	struct made m;

	(void)state;
	made_init(&m, &options, entry_attr);
	perf_maker_attr(&m.maker, switch_attr);
	perf_maker_attr(&m.maker, cycles_attr);
	for (unsigned i = 0; i < 4; i++) {
		static const unsigned attrs[] = {0, 2, 1, 1};
		struct make_sample s = sample_of(&m, 0, 5000 + i);

		s.attr = attrs[i];
		perf_maker_sample(&m.maker, &s);
	}
	struct recording *r = open_made(&m);
	struct input_plan *plan = input_plan_new(r, event_set_of(entries, 1), false);
	struct reader *reader = reader_new(r, 0, plan, 0, INT64_MIN);

	assert_true(reader_read(reader));
	assert_int_equal(reader->n, 2);
	assert_int_equal(reader->totals.n_events, 4);
	assert_int_equal(reader->events[0].id, EV_KVM_ENTRY);
	assert_int_equal(reader->events[1].id, EV_OTHER);
	assert_int_equal(reader->events[1].ts, 5002);
	reader_free(reader);
	input_plan_free(r, plan);
	recording_free(r);
	made_deinit(&m);
}

/* ---- what is lost ---------------------------------------------------------------------------- */

static void check_loss(const struct event *e, int64_t ts, int64_t to, int64_t n)
{
	assert_int_equal(e->ts, ts);
	assert_int_equal(e->lost.to, to);
	assert_int_equal(e->lost.count, n);
}

/* A LOST record is written with the sample behind it, and is a bit later than that. */
static void test_lost(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct make_options options = {.no_sample_id = i == 1};
		struct make_place at = {.time = 6050, .cpu = 0};
		struct made m;

		made_init(&m, &options, entry_attr);
		put(&m, 1, 4998);
		put(&m, 1, 4999);
		put(&m, 1, 5000);
		put(&m, 0, 5000);
		perf_maker_lost(&m.maker, &at, 7);
		put(&m, 0, 6000);
		put(&m, 1, 6000);
		perf_maker_round(&m.maker);
		struct recording *r = open_made(&m);
		struct losses l = losses_of(r, 0);

		check_events(&m, r, N_CPUS);
		assert_int_equal(l.n, 1);
		check_loss(&l.at[0], 5000, i ? 5000 : 6000, 7);
		assert_int_equal(l.n_lost, 7);
		assert_int_equal(losses_of(r, 1).n, 0);
		recording_free(r);
		made_deinit(&m);
	}
}

/* perf sums up at its end; of 12, LOST records have told 7. */
static void test_lost_late(void **state)
{
	struct make_options options = {0};
	struct make_place at = {.time = 5500, .cpu = 0}, end = {0};
	struct made m;

	(void)state;
	made_init(&m, &options, entry_attr);
	put(&m, 0, 5000);
	perf_maker_lost(&m.maker, &at, 7);
	put(&m, 0, 6000);
	perf_maker_round(&m.maker);
	perf_maker_lost_samples(&m.maker, &end, 12);
	struct recording *r = open_made(&m);
	struct losses l = losses_of(r, 0);

	assert_int_equal(l.n, 2);
	check_loss(&l.at[0], 5000, 5500, 7);
	check_loss(&l.at[1], 6000, INT64_MAX, 5);
	assert_int_equal(l.n_lost, 12);
	recording_free(r);
	made_deinit(&m);
}

/*
 * Lost samples of cycles are counted, and shown, but no state of a thread becomes unknown by them.
 */
static void test_lost_samples(void **state)
{
	struct make_options options = {0};
	struct make_place cycles = {.attr = 1, .time = 5500}, entry = {.time = 5700};
	struct made m;

	(void)state;
	made_init(&m, &options, entry_attr);
	perf_maker_attr(&m.maker, cycles_attr);
	put(&m, 0, 5000);
	perf_maker_lost_samples(&m.maker, &cycles, 3);
	perf_maker_lost_samples(&m.maker, &entry, 4);
	put(&m, 0, 6000);
	struct recording *r = open_made(&m);
	struct losses l = losses_of(r, 0);

	assert_int_equal(l.n, 1);
	check_loss(&l.at[0], 5000, 5700, 4);
	assert_int_equal(l.n_lost, 7);
	recording_free(r);
	made_deinit(&m);
}

/* While one event is left out, what is between two others is not known. */
static void test_throttled(void **state)
{
	struct make_options options = {0};
	struct make_place begin = {.attr = 1, .time = 5100}, end = {.attr = 1, .time = 5300};
	struct made m;

	(void)state;
	made_init(&m, &options, entry_attr);
	perf_maker_attr(&m.maker, exit_attr);
	put(&m, 0, 5000);
	perf_maker_throttle(&m.maker, &begin, true);
	put(&m, 0, 5200);
	perf_maker_throttle(&m.maker, &end, false);
	put(&m, 0, 5400);
	put(&m, 0, 5500);
	struct recording *r = open_made(&m);
	struct losses l = losses_of(r, 0);

	check_events(&m, r, 1);
	assert_int_equal(l.n, 2);
	check_loss(&l.at[0], 5000, 5200, 0);
	check_loss(&l.at[1], 5200, 5400, 0);
	recording_free(r);
	made_deinit(&m);
}

/* ---- threads --------------------------------------------------------------------------------- */

static void put_threads(struct made *m)
{
	struct make_place old = {0}, at = {.pid = 10, .tid = 11, .time = 5100};

	perf_maker_fork(&m->maker, &old, false, 20, 21, 20);
	perf_maker_comm(&m->maker, &old, 20, 21, "old");
	perf_maker_namespaces(&m->maker, &old, 20, 21, 4026531836);
	put(m, 0, 5000);
	perf_maker_comm(&m->maker, &at, 10, 11, "new name");
	at.time = 5200;
	perf_maker_fork(&m->maker, &at, false, 10, 12, 11);
	perf_maker_namespaces(&m->maker, &at, 10, 12, 4026531836);
	put(m, 0, 5250);
	at.time = 5300;
	perf_maker_namespaces(&m->maker, &at, 10, 12, 4026539999);
	at.time = 5400;
	perf_maker_fork(&m->maker, &at, true, 10, 12, 11);
	put(m, 0, 5500);
}

static void check_old_thread(const struct recording *r)
{
	assert_int_equal(r->threads.n, 1);
	assert_int_equal(r->threads.at[0].tid, 21);
	assert_int_equal(r->threads.at[0].pid, 20);
	assert_string_equal(r->threads.at[0].comm, "old");
	assert_int_equal(r->threads.at[0].pid_ns, 4026531836);
}

static void test_threads(void **state)
{
	struct make_options options = {0};
	struct event e[8];
	struct made m;

	(void)state;
	made_init(&m, &options, entry_attr);
	put_threads(&m);
	struct recording *r = open_made(&m);

	check_events(&m, r, 1);
	check_old_thread(r);
	assert_int_equal(side_events(r, 0, e, 8), 4);
	assert_int_equal(e[0].id, EV_STATEDUMP_PROCESS_STATE);
	assert_int_equal(e[0].ts, 5100);
	/* That it was recorded in that thread says nothing of the scheduler. */
	assert_int_equal(e[0].tid, NO_VALUE);
	assert_int_equal(e[0].pid, NO_VALUE);
	assert_int_equal(e[0].statedump_process_state.tid, 11);
	assert_int_equal(e[0].statedump_process_state.pid, 10);
	assert_int_equal(e[0].statedump_process_state.name.n, strlen("new name"));
	assert_memory_equal(e[0].statedump_process_state.name.at, "new name", 8);
	assert_int_equal(e[1].id, EV_SCHED_PROCESS_FORK);
	assert_int_equal(e[1].sched_process_fork.parent_tid, 11);
	assert_int_equal(e[1].sched_process_fork.child_tid, 12);
	assert_int_equal(e[1].sched_process_fork.child_pid, 10);
	assert_int_equal(e[1].sched_process_fork.child_comm.n, strlen("new name"));
	assert_int_equal(e[1].sched_process_fork.child_ns_inum, 4026531836);
	assert_int_equal(e[2].id, EV_STATEDUMP_PID_NS);
	assert_int_equal(e[2].statedump_pid_ns.ns_inum, 4026539999);
	assert_int_equal(e[3].id, EV_SCHED_PROCESS_EXIT);
	assert_int_equal(e[3].sched_process_exit.tid, 12);
	recording_free(r);
	made_deinit(&m);
}

/*
 * Where the tracepoint was recorded, a fork is told once, with the process that only the record
 * knows.
 */
static void test_fork_once(void **state)
{
	struct make_options options = {0};
	struct make_attr fork_attr = {MAKE_TRACEPOINT, MAKE_FORK, MAKE_USUAL, 0, -1};
	struct make_place at = {.pid = 10, .tid = 11};
	struct event e[8];
	struct made m;

	(void)state;
	made_init(&m, &options, entry_attr);
	perf_maker_attr(&m.maker, fork_attr);
	for (int i = 0; i < 2; i++) {
		struct make_sample s = {
			.attr = 1, .pid = 10, .tid = 11, .time = 5210 + 1000 * i, .serial = 12};

		at.time = 5200 + 1000 * i;
		perf_maker_fork(&m.maker, &at, false, 500 + i, 12, 11);
		perf_maker_namespaces(&m.maker, &at, 500 + i, 12, 4026531836);
		perf_maker_comm(&m.maker, &at, 500 + i, 12, "new name");
		perf_maker_sample(&m.maker, &s);
	}
	struct recording *r = open_made(&m);

	assert_int_equal(side_events(r, 0, e, 8), 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(e[i].id, EV_SCHED_PROCESS_FORK);
		assert_int_equal(e[i].ts, 5210 + 1000 * i);
		assert_int_equal(e[i].sched_process_fork.child_tid, 12);
		assert_int_equal(e[i].sched_process_fork.child_pid, 500 + i);
	}
	recording_free(r);
	made_deinit(&m);
}

/* ---- what is no tracepoint ------------------------------------------------------------------- */

static uint64_t count_walked(const struct recording *r)
{
	uint64_t n = 0;

	for (size_t i = 0; i < r->streams.n; i++) {
		struct walk *w = walk_new(r, i, INT64_MIN);

		while (walk_next(w) != WALK_END)
			show(w);
		n += w->totals.n_events;
		walk_free(w);
	}
	return n;
}

static void test_cycles(void **state)
{
	struct make_options options = {.no_formats = true};
	struct event e[8];
	struct made m;

	(void)state;
	made_init(&m, &options, cycles_attr);
	for (unsigned i = 0; i < 5; i++)
		put(&m, 0, 5000 + i);
	struct recording *r = open_made(&m);

	assert_int_equal(count_walked(r), 5);
	assert_string_equal(r->events.at[0].name, "cycles");
	assert_int_equal(r->events.at[0].id, EV_N);
	assert_int_equal(side_events(r, 0, e, 8), 0);
	assert_int_equal(r->diags.at[DIAG_NO_TRACEPOINTS].count, 1);
	recording_free(r);
	made_deinit(&m);
}

/* ---- damage ---------------------------------------------------------------------------------- */

static void test_old_version(void **state)
{
	static const struct input_options options = {0};
	struct perf_buffer b = {0};
	struct recording *r;
	struct error err = {0};

	(void)state;
	perf_put(&b, "PERFFILE", 8);
	perf_put_zeros(&b, 200);
	char *path = write_file(&b, b.n);

	assert_int_equal(input_perfdata.open(&r, path, &options, &err), ERR);
	assert_non_null(strstr(err.text, "version 1"));
	error_deinit(&err);
	unlink(path);
	free(path);
	free(b.at);
}

static void test_unclosed(void **state)
{
	struct make_options options = {0};
	struct made m;

	(void)state;
	made_init(&m, &options, entry_attr);
	put_rounds(&m);
	struct perf_buffer file = perf_maker_finish(&m.maker);
	uint64_t data, size;

	memcpy(&data, file.at + 40, sizeof(data));
	memcpy(&size, file.at + 48, sizeof(size));
	perf_set_u64(&file, 48, 0);
	/* The last record was being written. */
	struct recording *r = open_bytes(&file, data + size - 3);

	assert_int_equal(r->diags.at[DIAG_RECORDING_UNCLOSED].count, 1);
	assert_int_equal(r->diags.at[DIAG_FORMATS_MISSING].count, 1);
	assert_int_equal(count_walked(r), m.put.n);
	assert_string_equal(r->events.at[0].name, "tracepoint#11");
	recording_free(r);
	free(file.at);
	made_deinit(&m);
}

/* How many events are before byte `end` of a file. */
static uint64_t whole_before(const struct perf_buffer *file, size_t at, size_t end)
{
	uint64_t n = 0;

	while (at + 8 <= end) {
		uint32_t type;
		uint16_t size;

		memcpy(&type, file->at + at, sizeof(type));
		memcpy(&size, file->at + at + 6, sizeof(size));
		at += size;
		n += type == 9 && at <= end;
	}
	return n;
}

/* Cut at every byte: what is whole comes out, and nothing else. */
static void test_cut(void **state)
{
	struct make_options options = {0};
	struct make_place at = {.time = 5100};
	struct made m;
	uint64_t data, size;

	(void)state;
	made_init(&m, &options, entry_attr);
	for (unsigned i = 0; i < 4; i++)
		put(&m, i % N_CPUS, 5000 + i);
	perf_maker_comm(&m.maker, &at, 1, 1, "name");
	perf_maker_round(&m.maker);
	struct perf_buffer file = perf_maker_finish(&m.maker);

	memcpy(&data, file.at + 40, sizeof(data));
	memcpy(&size, file.at + 48, sizeof(size));
	for (size_t n = data; n < file.n; n++) {
		size_t end = n < data + size ? n : data + size;
		struct recording *r = open_bytes(&file, n);

		assert_int_equal(count_walked(r), whole_before(&file, data, end));
		assert_true(damage(r) > 0);
		recording_free(r);
	}
	free(file.at);
	made_deinit(&m);
}

/* In a pipe's file too, and before its data; what cannot be opened is refused. */
static void test_cut_anywhere(void **state)
{
	static const struct input_options no_options = {0};

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		struct make_options options = {.pipe = i & 1,
					       .big_endian = i >> 1 & 1,
					       .compression = i >> 2 ? MAKE_COMPRESSED2 : 0};
		struct made m;

		made_init(&m, &options, entry_attr);
		put(&m, 0, 5000);
		perf_maker_round(&m.maker);
		put(&m, 0, 5001);
		struct perf_buffer file = perf_maker_finish(&m.maker);

		for (size_t n = 0; n < file.n; n += 1 + n / 400) {
			char *path = write_file(&file, n);
			struct recording *r;
			struct error err = {0};

			if (!input_perfdata.open(&r, path, &no_options, &err)) {
				assert_in_range(count_walked(r), 0, 2);
				recording_free(r);
			}
			error_deinit(&err);
			unlink(path);
			free(path);
		}
		free(file.at);
		made_deinit(&m);
	}
}

/* Behind a damaged record reading goes on, and what was lost there is told to every CPU. */
static void test_damaged_record(void **state)
{
	struct make_options options = {0};
	struct made m;
	uint64_t data;

	(void)state;
	made_init(&m, &options, entry_attr);
	for (unsigned i = 0; i < 40; i++)
		put(&m, i % N_CPUS, 5000 + i);
	struct perf_buffer file = perf_maker_finish(&m.maker);
	uint16_t size;

	memcpy(&data, file.at + 40, sizeof(data));
	memcpy(&size, file.at + data + 6, sizeof(size));
	perf_set_u16(&file, data + 20 * size + 6, 3);
	struct recording *r = open_bytes(&file, file.n);

	assert_int_equal(r->diags.at[DIAG_RECORD_DAMAGED].count, 1);
	/* Nor is the one before it believed. */
	assert_int_equal(count_walked(r), 38);
	for (size_t i = 0; i < N_CPUS; i++) {
		struct losses l = losses_of(r, i);

		assert_int_equal(l.n, 1);
		check_loss(&l.at[0], i ? 5017 : 5018, i ? 5021 : 5022, 0);
	}
	recording_free(r);
	free(file.at);
	made_deinit(&m);
}

/* What cannot be decompressed is missing, and what stands between as it is comes out. */
static void test_damaged_compression(void **state)
{
	struct make_options options = {.compression = MAKE_COMPRESSED};
	struct made m;
	uint64_t data;

	(void)state;
	made_init(&m, &options, entry_attr);
	for (unsigned i = 0; i < 6; i++) {
		put(&m, 0, 5000 + i);
		perf_maker_round(&m.maker);
	}
	struct perf_buffer file = perf_maker_finish(&m.maker);

	memcpy(&data, file.at + 40, sizeof(data));
	for (int i = 0; i < 2; i++) {
		uint16_t size;

		memcpy(&size, file.at + data + 6, sizeof(size));
		data += size + 8u;
	}
	memset(file.at + data + 8, 0xff, 8);
	struct recording *r = open_bytes(&file, file.n);
	struct losses l = losses_of(r, 0);

	assert_int_equal(r->diags.at[DIAG_COMPRESSION_DAMAGED].count, 4);
	assert_int_equal(count_walked(r), 2);
	assert_int_equal(l.n, 1);
	check_loss(&l.at[0], 5001, INT64_MAX, 0);
	recording_free(r);
	free(file.at);
	made_deinit(&m);
}

/* ---- directories ----------------------------------------------------------------------------- */

static void write_named(const char *dir, const char *name, const struct perf_buffer *b)
{
	char *path = mem_printf("%s/%s", dir, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(b->at, 1, b->n, f), b->n);
	fclose(f);
	free(path);
}

static void remove_directory(const char *dir)
{
	static const char *const names[] = {"data", "data.0", "data.1"};

	for (size_t i = 0; i < 3; i++) {
		char *path = mem_printf("%s/%s", dir, names[i]);

		unlink(path);
		free(path);
	}
	rmdir(dir);
}

/*
 * `perf record --threads`: what each of its threads read lies in a file of its own, and each is
 * compressed alone.
 */
static void test_directory(void **state)
{
	static const struct input_head no_head = {0};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct make_options options = {.directory = true,
					       .compression = i ? MAKE_COMPRESSED : 0};
		char dir[] = "/tmp/test-perfdata-XXXXXX";
		struct perf_buffer part[2], main_file;
		struct made m;

		assert_non_null(mkdtemp(dir));
		made_init(&m, &options, entry_attr);
		for (uint32_t cpu = 0; cpu < N_CPUS; cpu++) {
			for (unsigned k = 0; k < 50; k++)
				put(&m, cpu, 5000 + k);
			/* A thread that reads some of the other CPU's, too. */
			put(&m, 1 - cpu, 5020 + cpu);
			part[cpu] = perf_maker_take_records(&m.maker);
			if (m.maker.zstd)
				ZSTD_initCStream(m.maker.zstd, 1);
		}
		perf_maker_round(&m.maker);
		main_file = perf_maker_finish(&m.maker);
		write_named(dir, "data", &main_file);
		write_named(dir, "data.0", &part[0]);
		write_named(dir, "data.1", &part[1]);
		assert_true(input_perfdata.probe(dir, true, &no_head));
		struct recording *r = open_path(dir);

		check_events(&m, r, N_CPUS);
		recording_free(r);
		remove_directory(dir);
		free(part[0].at);
		free(part[1].at);
		free(main_file.at);
		made_deinit(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_described),
		cmocka_unit_test(test_no_wall_clock),
		cmocka_unit_test(test_wrapped_size),
		cmocka_unit_test(test_wrapped_to_nothing),
		cmocka_unit_test(test_several_attributes),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_no_cpu),
		cmocka_unit_test(test_no_order),
		cmocka_unit_test(test_mixed_cpus),
		cmocka_unit_test(test_guest_mode),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_texts_stay),
		cmocka_unit_test(test_other_records),
		cmocka_unit_test(test_dead_thread),
		cmocka_unit_test(test_from_time),
		cmocka_unit_test(test_next_is_wanted),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_lost_late),
		cmocka_unit_test(test_lost_samples),
		cmocka_unit_test(test_throttled),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_fork_once),
		cmocka_unit_test(test_cycles),
		cmocka_unit_test(test_old_version),
		cmocka_unit_test(test_unclosed),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_damaged_record),
		cmocka_unit_test(test_damaged_compression),
		cmocka_unit_test(test_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
