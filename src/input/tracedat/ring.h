/*
 * ring: a sub-buffer of the kernel's ring buffer, and the records in it.
 *
 *	u64 time of its first event
 *	u32 or u64 (the kernel's long): bits 0..26 bytes of events, bit 31 events are missing before these, bit 30 their
 *	number stands behind the events as a long
 *	events, each u32 type:5 delta:27 (from the other end of the word where big endian); the delta is to the time before:
 *		29	padding: delta 0: to the end; else of a discarded event, u32 bytes behind the header's word
 *		30	more time: u32 of higher bits of the delta
 *		31	a time as such: u32 of higher bits; 59 in all, the top 5 are as in the time before
 *		0	an event; u32 bytes, these four among them
 *		1..28	an event of 4 * type bytes
 *
 * Source: kernel/trace/ring_buffer.c and include/linux/ring_buffer.h.
 */
#ifndef VMSCOPE_INPUT_TRACEDAT_RING_H
#define VMSCOPE_INPUT_TRACEDAT_RING_H

#include "input/ftrace/bytes.h"

enum {
	RING_TYPE_PADDING = 29,
	RING_TYPE_EXTEND = 30,
	RING_TYPE_STAMP = 31,
	RING_DELTA_BITS = 27,
	RING_STAMP_BITS = 59,
	RING_WORD = 4,
};

#define RING_LENGTH_MASK UINT64_C(0x7ffffff)
#define RING_MISSED	 (UINT64_C(1) << 31)
#define RING_COUNTED	 (UINT64_C(1) << 30)

/* What sub-buffers of a recording look like. */
struct ring_shape {
	bool big_endian;
	uint32_t long_size; /* bytes */
	uint32_t data_at;   /* bytes: where events begin */
};

/* A place in a sub-buffer. */
struct ring {
	const uint8_t *data; /* of events */
	uint32_t size;	     /* bytes of it; what is cut off is not counted */
	uint32_t room;	     /* bytes up to the sub-buffer's end, as far as they are there */
	uint32_t pos;
	bool big_endian;
	bool is_cut;	  /* it says that there is more than there is */
	bool is_missing;  /* events are missing before it */
	uint64_t missing; /* how many; 0: not said */
	uint64_t begin;	  /* time of its first event, in counts */
	uint64_t now;	  /* time of the last one that was passed */
};

enum ring_step {
	RING_AGAIN, /* nothing yet */
	RING_EVENT,
	RING_END,
	RING_CUT,   /* an event reaches past the end */
	RING_ZEROS, /* zeros where an event should be */
};

struct ring_record {
	const uint8_t *at;
	uint32_t size;
};

/* n bytes of a sub-buffer of page_size bytes are at `page`. Return: whether it is one. */
bool tracedat_ring_enter(struct ring *r, const struct ring_shape *shape, const uint8_t *page,
			 uint64_t n, uint32_t page_size);

static inline uint32_t ring_type(uint32_t word, bool big_endian)
{
	return big_endian ? word >> RING_DELTA_BITS : word & 31;
}

static inline uint32_t ring_delta(uint32_t word, bool big_endian)
{
	return big_endian ? word & ((1u << RING_DELTA_BITS) - 1) : word >> 5;
}

/*
 * Of an event whose length stands behind its head, or what is none. Return: RING_AGAIN when it was
 * none.
 */
enum ring_step tracedat_ring_next_other(struct ring *r, struct ring_record *recordp);

/*
 * At its end. Return: whether events go on behind it up to zeros or to the sub-buffer's end: it holds more
 * than it says. The kernel leaves zeros there.
 */
bool tracedat_ring_goes_on(const struct ring *r);

/*
 * Goes to the next event. Return: RING_EVENT with its record in *recordp and its time in r->now, or
 * why there is none.
 */
static inline enum ring_step tracedat_ring_next(struct ring *r, struct ring_record *recordp)
{
	enum ring_step step = RING_AGAIN;

	while (step == RING_AGAIN && r->pos < r->size) {
		const uint8_t *at = r->data + r->pos;
		uint32_t left = r->size - r->pos, word, type, length;

		if (left < RING_WORD)
			return RING_CUT;
		word = load_u32(at, r->big_endian);
		type = ring_type(word, r->big_endian);
		length = type * RING_WORD;
		if (__builtin_expect(!type || type >= RING_TYPE_PADDING, 0)) {
			step = tracedat_ring_next_other(r, recordp);
			continue;
		}
		if (left - RING_WORD < length)
			return RING_CUT;
		r->pos += RING_WORD + length;
		r->now += ring_delta(word, r->big_endian);
		*recordp = (struct ring_record){at + RING_WORD, length};
		return RING_EVENT;
	}
	return step == RING_AGAIN ? RING_END : step;
}

#endif
