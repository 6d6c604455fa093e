/*
 * trace: one machine's recording, opened: its trace type and its streams' files.
 *
 * A trace is usually one directory. A session that was rotated or snapshot leaves several, with the
 * same UUID: they are one trace, and the files of the same stream in them are one stream.
 */
#ifndef VMSCOPE_CTF_TRACE_H
#define VMSCOPE_CTF_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "input/ctf/index.h"
#include "input/ctf/packet.h"
#include "input/ctf/type.h"

struct ctf_file {
	char *path; /* owned */
	struct file_map map;
	bool is_unreadable;
	struct ctf_index index;
	struct ctf_packet first; /* its first sound packet */
};

struct ctf_stream {
	const struct ctf_stream_class *cls;
	uint64_t id; /* the packets' stream id, or a number of our own where they have none */
	bool has_id;
	bool has_cpu;
	uint32_t cpu;
	VEC(struct ctf_file *) files; /* by the time of their first packet */
};

struct ctf_trace {
	char *path; /* owned; the first directory */
	struct ctf_trace_type type;
	size_t metadata_size; /* bytes, of the file the type was read from */
	VEC(struct ctf_file *) files;
	VEC(struct ctf_stream) streams; /* by cpu, then id */
	uint64_t size;			/* bytes of all stream files */
	struct diag_list diags;		/* of opening; each cursor has its own besides */
};

/*
 * Opens the trace in directory `dir`. Unreadable stream files are counted in its diags; only
 * unreadable metadata is a failure. Return: 0 with *tracep to be freed by the caller, or ERR with
 * err set.
 */
int ctf_trace_open(struct ctf_trace **tracep, const char *dir, struct error *err);

/*
 * Whether both are parts of one recording (rotation archives, snapshots): they have the same UUID.
 */
bool ctf_trace_same(const struct ctf_trace *a, const struct ctf_trace *b);

/* Moves b's files into a and frees b. The metadata that describes more is kept. */
void ctf_trace_merge(struct ctf_trace *a, struct ctf_trace *b);

/*
 * Takes the stream files in `dir`, whose own metadata cannot be read, if their packets say that
 * they are of this trace. Return: whether they do.
 */
bool ctf_trace_adopt(struct ctf_trace *t, const char *dir);

/* Return: when the stream's last packet ends, ns, by the packets' headers; INT64_MIN: unknown. */
int64_t ctf_trace_stream_end(const struct ctf_trace *t, size_t stream);

void ctf_trace_free(struct ctf_trace *trace);

/*
 * The packets of one of its files. window, borrowed, is made at its start: the caller's to be
 * closed, with file_window_deinit(). diags is where its damage is counted.
 */
struct ctf_packets ctf_trace_packets(const struct ctf_trace *trace, const struct ctf_file *file,
				     struct file_window *window, struct diag_list *diags);

/*
 * Ns since the clock's origin (the Epoch for kernel tracers) of a value in cycles: the clock's
 * offset and the value are each rounded down to ns, as babeltrace2 does. Saturated at the ends of
 * int64_t. A NULL clock counts ns from 0.
 */
int64_t ctf_clock_ns(const struct ctf_clock *clock, uint64_t cycles);

#endif
