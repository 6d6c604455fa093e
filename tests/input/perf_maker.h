/*
 * perf_maker: perf.data files of every kind, made byte by byte: what no recording at hand has, and
 * what a test knows all about.
 *
 * Records are put down in the order in which a file has them. All tracepoints have one field,
 * `serial`, by which a test finds each of them again; sched_switch has a name behind it, the first
 * 16 bytes of `extra`. Written from the descriptions of the format, not from the reader.
 */
#ifndef VMSCOPE_TESTS_PERF_MAKER_H
#define VMSCOPE_TESTS_PERF_MAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zstd.h>

struct perf_buffer {
	uint8_t *at; /* owned */
	size_t n, room;
	bool big_endian;
};

void perf_put(struct perf_buffer *b, const void *at, size_t n);
void perf_put_zeros(struct perf_buffer *b, size_t n);
void perf_put_u16(struct perf_buffer *b, uint16_t v);
void perf_put_u32(struct perf_buffer *b, uint32_t v);
void perf_put_u64(struct perf_buffer *b, uint64_t v);
void perf_set_u16(struct perf_buffer *b, size_t at, uint16_t v);
void perf_set_u64(struct perf_buffer *b, size_t at, uint64_t v);

/* bits of sample_type */
enum {
	MAKE_IP = 1 << 0,
	MAKE_TID = 1 << 1,
	MAKE_TIME = 1 << 2,
	MAKE_READ = 1 << 4,
	MAKE_CALLCHAIN = 1 << 5,
	MAKE_ID = 1 << 6,
	MAKE_CPU = 1 << 7,
	MAKE_PERIOD = 1 << 8,
	MAKE_RAW = 1 << 10,
	MAKE_IDENTIFIER = 1 << 16,
	/* what `perf record -a` asks for of tracepoints */
	MAKE_USUAL = MAKE_IP | MAKE_TID | MAKE_TIME | MAKE_CPU | MAKE_PERIOD | MAKE_RAW |
		     MAKE_IDENTIFIER,
};

enum { MAKE_HARDWARE = 0, MAKE_SOFTWARE = 1, MAKE_TRACEPOINT = 2 };

/* Numbers of the tracepoints that every file describes. */
enum { MAKE_SWITCH = 10, MAKE_ENTRY = 11, MAKE_EXIT = 12, MAKE_FORK = 13 };

enum { MAKE_CPUS = 4 };

struct make_attr {
	uint32_t type;
	uint64_t config, sample_type, read_format;
	int clock; /* clockid_t; -1: perf's own */
};

enum make_compression { MAKE_PLAIN = 0, MAKE_COMPRESSED = 81, MAKE_COMPRESSED2 = 83 };

struct make_options {
	bool big_endian, pipe, no_sample_id, no_formats, directory;
	unsigned long_size; /* 0: 8 */
	enum make_compression compression;
	bool pad_wrapped; /* COMPRESSED2 whose size has wrapped is padded all the same */
};

struct perf_maker {
	struct make_options options;
	struct make_attr attrs[8];
	unsigned n_attrs;
	struct perf_buffer data;  /* records as the file has them */
	struct perf_buffer chunk; /* those that are going to be compressed */
	ZSTD_CStream *zstd;
};

/* Attributes are to be added before records. attr i has the ids 100 * (i + 1) + CPU. */
void perf_maker_init(struct perf_maker *m, const struct make_options *options);
void perf_maker_attr(struct perf_maker *m, struct make_attr attr);

struct make_sample {
	unsigned attr;
	uint16_t misc;
	int32_t pid, tid;
	uint64_t time, serial;
	uint32_t cpu;
	bool is_dead;	      /* perf does not know its thread any more; the tracepoint does */
	unsigned n_chain;     /* entries of a callchain, if the attribute has one */
	const uint8_t *extra; /* more raw data, or NULL */
	uint32_t n_extra;
};

void perf_maker_sample(struct perf_maker *m, const struct make_sample *s);

/* Where and when a record that is no sample happened. */
struct make_place {
	unsigned attr;
	int32_t pid, tid;
	uint64_t time;
	uint32_t cpu;
};

void perf_maker_lost(struct perf_maker *m, const struct make_place *at, uint64_t n);
void perf_maker_lost_samples(struct perf_maker *m, const struct make_place *at, uint64_t n);
void perf_maker_throttle(struct perf_maker *m, const struct make_place *at, bool begins);
void perf_maker_comm(struct perf_maker *m, const struct make_place *at, int32_t pid, int32_t tid,
		     const char *comm);
/* FORK, or EXIT of the same. */
void perf_maker_fork(struct perf_maker *m, const struct make_place *at, bool is_exit, int32_t pid,
		     int32_t tid, int32_t parent_tid);
void perf_maker_namespaces(struct perf_maker *m, const struct make_place *at, int32_t pid,
			   int32_t tid, uint64_t pid_ns);
void perf_maker_round(struct perf_maker *m);

/* What was not yet compressed is, as one record or several. */
void perf_maker_flush(struct perf_maker *m);

/*
 * The whole file, to be freed. With features HOSTNAME, VERSION, CLOCK_DATA of the first attribute's
 * clock.
 */
struct perf_buffer perf_maker_finish(struct perf_maker *m);

/* Only records, as a directory's data.0 has them. */
struct perf_buffer perf_maker_take_records(struct perf_maker *m);

/*
 * Times of the clock of a file that perf_maker_finish() wrote are so many ns before those since the
 * Epoch.
 */
#define MAKE_WALL_OFFSET INT64_C(1700000000000000000)

#endif
