/*
 * perfetto: what the parts of a Perfetto trace share while it is written.
 *
 * A trace is a sequence of packets. Ours are all of one sequence: first those that describe the
 * tracks, a tree (perfetto_tracks.h), then lane by lane the slices (perfetto_lanes.h), and
 * counters. perfetto_trace.c has them written. Field numbers are those of Perfetto's public .proto
 * files.
 */
#ifndef VMSCOPE_EXPORT_PERFETTO_H
#define VMSCOPE_EXPORT_PERFETTO_H

#include "base/clock_origin.h"
#include "export/choose.h"
#include "export/export.h"
#include "export/interned.h"
#include "export/source.h"
#include "export/takeovers.h"

/* TracePacket, and the field of a Trace that it is. */
enum {
	TRACE_PACKET = 1,
	PACKET_CLOCK_SNAPSHOT = 6,
	PACKET_TIMESTAMP = 8,
	PACKET_SEQUENCE_ID = 10,
	PACKET_TRACK_EVENT = 11,
	PACKET_INTERNED_DATA = 12,
	PACKET_SEQUENCE_FLAGS = 13,
	PACKET_TRACK_DESCRIPTOR = 60,
};

enum { SEQUENCE_CLEARED = 1, SEQUENCE_NEEDED = 2 };

/* The kinds of tracks; with the id of what it is of, one makes its uuid. */
enum track_kind {
	TRACK_MACHINE,
	TRACK_VCPU,
	TRACK_STEAL, /* counters of a vCPU */
	TRACK_EXITS,
	TRACK_CPUS, /* all those of a machine */
	TRACK_CPU,
	TRACK_THREADS, /* all those of a machine */
	TRACK_PROCESS, /* by its first thread's id */
	TRACK_THREAD,
	TRACK_N_KINDS,
};

struct perfetto {
	const struct export_job *job;
	struct store *store;
	sqlite3 *db; /* all of the file */
	int64_t from, to;
	enum clock_origin origin;
	struct results results;
	struct interned interned;
	struct takeovers takeovers;
	struct chosen_ids chosen; /* whose lanes are written */
	struct map wakeup_lanes;  /* thread -> lane of wakeup */
	struct proto packet;	  /* being put together */
	struct out out;
	uint64_t rows_done, rows_total;
	struct error *err;
};

static inline uint64_t track_uuid(enum track_kind kind, int64_t id)
{
	return ((uint64_t)id + 1) * 16 + kind;
}

/* Begins a packet at time t; what it is comes next, then perfetto_end_packet(). */
void perfetto_begin_packet(struct perfetto *p, int64_t t);
void perfetto_end_packet(struct perfetto *p);

#endif
