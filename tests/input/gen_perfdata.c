/*
 * gen_perfdata DIRECTORY: small perf.data files of every kind, for the fuzzer to begin with.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "perf_maker.h"

struct kind {
	const char *name;
	struct make_options options;
	uint64_t sample_type, read_format;
	bool is_cycles, has_losses;
};

#define WITH_CHAIN (MAKE_USUAL | MAKE_READ | MAKE_CALLCHAIN)
#define OLD_IDS	   ((MAKE_USUAL & ~MAKE_IDENTIFIER) | MAKE_ID)

static const struct kind kinds[] = {
	{"file", {0}, MAKE_USUAL, 0, false, true},
	{"file-big-endian", {.big_endian = true, .long_size = 4}, MAKE_USUAL, 0, false, true},
	{"file-compressed", {.compression = MAKE_COMPRESSED}, MAKE_USUAL, 0, false, false},
	{"file-compressed2", {.compression = MAKE_COMPRESSED2}, MAKE_USUAL, 0, false, false},
	{"file-chain", {0}, WITH_CHAIN, 31, false, false},
	{"file-no-cpu", {0}, MAKE_USUAL & ~MAKE_CPU, 0, false, true},
	{"file-no-time", {0}, MAKE_USUAL & ~MAKE_TIME, 0, false, true},
	{"file-old-ids", {.no_sample_id = true}, OLD_IDS, 0, false, true},
	{"file-cycles", {.no_formats = true}, MAKE_USUAL & ~MAKE_RAW, 0, true, true},
	{"pipe", {.pipe = true}, MAKE_USUAL, 0, false, true},
	{"pipe-big-endian", {.pipe = true, .big_endian = true}, MAKE_USUAL, 0, false, false},
	{"pipe-compressed2",
	 {.pipe = true, .compression = MAKE_COMPRESSED2},
	 MAKE_USUAL,
	 0,
	 false,
	 true},
};

static void put_threads(struct perf_maker *m)
{
	struct make_place old = {0}, at = {.pid = 10, .tid = 11, .time = 5005};

	perf_maker_comm(m, &old, 20, 21, "old");
	perf_maker_namespaces(m, &old, 20, 21, 4026531836);
	perf_maker_fork(m, &at, false, 10, 12, 11);
	perf_maker_comm(m, &at, 10, 12, "new");
	perf_maker_fork(m, &at, true, 10, 12, 11);
}

static void put_losses(struct perf_maker *m)
{
	struct make_place at = {.time = 5006}, end = {0};

	perf_maker_lost(m, &at, 5);
	perf_maker_lost_samples(m, &at, 2);
	perf_maker_throttle(m, &at, true);
	perf_maker_lost_samples(m, &end, 9);
}

static void put_samples(struct perf_maker *m, uint64_t from)
{
	for (uint32_t i = 0; i < 6; i++) {
		struct make_sample s = {.attr = i % m->n_attrs,
					.pid = 10,
					.tid = 11,
					.time = from + i * 5 % 7,
					.serial = 12,
					.cpu = i / 4,
					.n_chain = i % 3};

		perf_maker_sample(m, &s);
	}
}

static struct perf_buffer make(const struct kind *k)
{
	struct make_attr first = {k->is_cycles ? MAKE_HARDWARE : MAKE_TRACEPOINT,
				  k->is_cycles ? 0 : MAKE_ENTRY, k->sample_type, k->read_format, 1};
	struct make_attr second = first;
	struct perf_maker m;

	second.config = k->is_cycles ? 1 : MAKE_FORK;
	perf_maker_init(&m, &k->options);
	perf_maker_attr(&m, first);
	perf_maker_attr(&m, second);
	put_threads(&m);
	put_samples(&m, 5000);
	perf_maker_round(&m);
	if (k->has_losses)
		put_losses(&m);
	put_samples(&m, 5004);
	return perf_maker_finish(&m);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: gen_perfdata DIRECTORY\n");
		return 2;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct perf_buffer b = make(&kinds[i]);
		char *path = mem_printf("%s/%s", argv[1], kinds[i].name);
		FILE *f = fopen(path, "w");
		bool written = f && fwrite(b.at, 1, b.n, f) == b.n;

		if (f && fclose(f))
			written = false;
		if (!written) {
			perror(path);
			return 1;
		}
		free(path);
		free(b.at);
	}
	return 0;
}
