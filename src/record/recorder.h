/*
 * recorder: records this host by a tracefs instance of its own.
 *
 *	recorder_begin, then recorder_step again and again, then recorder_save; recorder_deinit
 *
 * With flight_s nothing is read while it records: buffers keep the last seconds, and what is older
 * is overwritten. Then recorder_save can be called many times, and it goes on after each.
 */
#ifndef VMSCOPE_RECORD_RECORDER_H
#define VMSCOPE_RECORD_RECORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "host/host.h"
#include "record/clock.h"
#include "record/drain.h"
#include "record/wanted.h"

struct recorder_options {
	struct wanted_options wanted;
	unsigned flight_s; /* how many seconds are kept; 0: all is written */
};

struct recorder {
	struct recorder_options options;
	const char *dir;	   /* borrowed */
	struct instance *instance; /* owned */
	struct record_clock clock;
	struct wanted wanted;
	struct drain drain;
	struct host begin, end; /* as it was; at the end: once it was saved */
	char *begin_json;	/* owned: snapshot_print() of it */
	size_t begin_size;
	unsigned buffer_kb;	/* of each CPU */
	unsigned buffer_kb_max; /* what memory allows */
	bool is_sized;		/* buffers were made fit for the rate seen */
	int64_t since_ns;	/* CLOCK_MONOTONIC: when it began */
	int64_t drained_ns;	/* when all was read last */
};

/* Return: KB of buffer for each CPU to begin with, and in *mostp how many memory allows. */
unsigned recorder_first_buffer_kb(unsigned n_cpus, unsigned *mostp);

/*
 * dir: where files are put. Return: 0, or ERR with err set, which names the cause. Deinitialize in
 * every case; what was switched on is then off again.
 */
int recorder_begin(struct recorder *r, const struct recorder_options *options, const char *dir,
		   struct error *err);

/* Return: whether an event that is wanted is there. */
bool recorder_has(const struct wanted_event *e);

/*
 * Waits up to ms, or until fd is readable, and reads what is to be read. *readyp: whether fd is.
 * Return: 0, or ERR with err set.
 */
int recorder_step(struct recorder *r, int fd, int ms, bool *readyp, struct error *err);

/* Return: ns since it began. */
int64_t recorder_age_ns(const struct recorder *r);

/*
 * Return: seconds that the buffers hold at the rate so far, at most those asked for; 0 while it is
 * not known.
 */
double recorder_holds_s(const struct recorder *r);

/*
 * Stops, reads the rest, and writes the recording and the snapshot beside it. With flight_s it goes
 * on recording then. counts: of what is in the file. Return: 0, or ERR with err set.
 */
int recorder_save(struct recorder *r, const char *path, struct drain_counts *counts,
		  struct error *err);

void recorder_deinit(struct recorder *r);

#endif
