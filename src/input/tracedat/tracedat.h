/*
 * tracedat: a trace.dat as trace-cmd writes it, opened: what its parts say, and where its events
 * lie.
 *
 * Sources: trace-cmd's Documentation/trace-cmd/trace-cmd.dat.v6.5.txt and v7.5.txt, the kernel's
 * kernel/trace/ring_buffer.c, and what files of trace-cmd 2.x to 3.3 hold. All numbers are in the
 * byte order that the file's head tells.
 *
 *	head	17 08 44 "tracing" VERSION\0 u8 big endian, u8 size of long, u32 page size
 *
 *	version 6 (layout6.c): parts in a fixed order
 *	header info, ftrace's formats, formats, u32 + kallsyms, u32 + printk formats, command lines, u32 CPUs,
 *	["options  \0" {u16 id, u32 size, data} ... u16 0] "flyrecord\0" {u64 offset, u64 size} per CPU
 *
 *	version 7 (layout7.c): sections, found by options
 *	COMPRESSION\0 ITS VERSION\0 u64 offset of the first section of options
 *	section: u16 id, u16 flags (1: compressed), u32 string, u64 size, data
 *	compressed data: u32 compressed size, u32 size, data
 *	option: u16 id, u32 size, data; the last of a section is DONE, with the offset of the next section of options
 *
 * A CPU's events are sub-buffers (ring.h) one behind the other; where compressed, u32 number of
 * chunks, each compressed data of whole sub-buffers.
 */
#ifndef VMSCOPE_INPUT_TRACEDAT_TRACEDAT_H
#define VMSCOPE_INPUT_TRACEDAT_TRACEDAT_H

#include "base/file.h"
#include "input/ftrace/bytes.h"
#include "input/ftrace/format.h"
#include "input/input.h"
#include "input/tracedat/fed.h"
#include "input/tracedat/inflate.h"
#include "input/tracedat/kept.h"

enum {
	/* Bytes of a sub-buffer; the kernel's largest have 128 pages. */
	TRACEDAT_PAGE_MIN = 64,
	TRACEDAT_PAGE_MAX = 1 << 24,

	/* Of compressed events: bytes of the number of chunks, and of a chunk's two sizes. */
	TRACEDAT_CHUNK_COUNT = 4,
	TRACEDAT_CHUNK_HEAD = 8,
	TRACEDAT_CHUNK_MAX = 1 << 10, /* sub-buffers in a chunk; trace-cmd's have ten */
};

/* ns = ((count * mult) >> shift) + offset, in 128 bits, held to what fits. */
struct tracedat_scale {
	uint64_t mult;
	unsigned shift; /* below 64 */
	int64_t offset; /* ns */
};

/* Where one CPU's events lie in the file. */
struct tracedat_cpu {
	uint32_t cpu;
	uint64_t offset, size; /* bytes; as the file says, which may be past its end */
};

/* A ring buffer: the top one, or that of an instance. */
struct tracedat_buffer {
	const char *name;   /* "" for the top one */
	const char *clock;  /* or NULL where it is not said */
	uint32_t page_size; /* bytes of a sub-buffer */
	bool is_compressed;
	VEC(struct tracedat_cpu) cpus;
};

/* As base.streams. */
struct tracedat_stream {
	uint64_t offset,
		size; /* bytes; within the file. Compressed: from the first chunk's head on */
	uint32_t page_size;
	uint32_t n_chunks; /* compressed: as the file says */
	bool is_compressed;
	bool is_cut; /* the file ends before it does */
	struct tracedat_scale scale;
	uint64_t slack;	       /* counts in a second: by what times may be out of line */
	struct fed_pages *fed; /* where its sub-buffers are, if not in the file; or NULL */
};

/* What options say that is needed to understand the rest. */
struct tracedat_facts {
	const char *clock; /* that of TRACECLOCK in brackets, or NULL */
	bool has_date;	   /* times after addition of offset_ns are those of a wall clock */
	int64_t offset_ns; /* to add to times in ns */
	bool has_tsc2nsec;
	uint32_t mult, shift;
	uint32_t n_cpus;	 /* of the machine; 0: not said */
	VEC(uint32_t) busy_cpus; /* that recorded something, ascending */
};

struct tracedat {
	struct recording base;
	const char *file; /* path, for messages */
	struct file_map map;
	bool big_endian;
	unsigned version;
	uint32_t page_size;   /* of the machine */
	uint32_t long_size;   /* bytes: of a sub-buffer's length, the kernel's long */
	uint32_t data_at;     /* bytes: where events begin in a sub-buffer */
	uint32_t subbuf_size; /* bytes, as the header info has it; 0: not said */
	enum tracedat_compression compression;
	/* base.events are as formats.all, and one more for events without format */
	struct ftrace_formats formats;
	VEC(struct tracedat_buffer) buffers;
	VEC(struct tracedat_stream) streams;
	struct tracedat_facts facts;
	struct tracedat_kept kept;
	uint32_t sections_read; /* bit per id */
	uint64_t symbols_at;	/* byte where the kernel's symbols are (symbol.h), 0: nowhere */
	bool is_live;		/* of the kernel that runs this; there is no file */
	bool has_text;		/* a buffer was recorded as text, by a latency tracer */
};

/* Bytes from `offset` on, up to the end of the file. */
static inline struct bytes tracedat_bytes_at(const struct tracedat *t, uint64_t offset)
{
	bool is_in = t->map.data && offset <= t->map.size;

	return (struct bytes){.at = is_in ? t->map.data + offset : NULL,
			      .n = is_in ? t->map.size - offset : 0,
			      .big_endian = t->big_endian,
			      .bad = !is_in};
}

/* Counts something that is wrong with the file at byte `offset`. */
void tracedat_report(struct tracedat *t, enum diag_id id, uint64_t offset);

/*
 * The kernel says that a CPU's ring buffer lost n events. is_hidden: the sub-buffers do not tell of
 * such ones where they are missing.
 */
void tracedat_note_loss(struct tracedat *t, const char *cpu, const char *kind, uint64_t n,
			bool is_hidden);

/*
 * Reads all but events, which begin at `b` behind the head. What is damaged or missing is counted
 * and left out.
 */
void tracedat_read_layout6(struct tracedat *t, struct bytes b);
void tracedat_read_layout7(struct tracedat *t, struct bytes b);

/* Version 7: finds the kernel's symbols. Return: whether they are there; *ownedp is to be freed. */
bool layout7_open_symbols(const struct tracedat *t, struct bytes *contentp, uint8_t **ownedp);

#endif
