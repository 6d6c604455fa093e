/*
 * record: what a perf.data file consists of from one record to the next.
 *
 *	byte 0	u32 type	below 64 the kernel's, from 64 perf's own
 *	     4	u16 misc
 *	     6	u16 size	bytes, with these 8; what has more is followed by it (AUXTRACE, TRACING_DATA, COMPRESSED2)
 *
 * Records have no magic number. Behind a damaged one the next is where several sound ones stand in
 * a row.
 * Source: Linux include/uapi/linux/perf_event.h,
 * tools/perf/Documentation/perf.data-file-format.txt.
 */
#ifndef VMSCOPE_PERFDATA_RECORD_H
#define VMSCOPE_PERFDATA_RECORD_H

#include "input/perfdata/bytes.h"

enum perfdata_type {
	PERFDATA_LOST = 2,
	PERFDATA_COMM = 3,
	PERFDATA_EXIT = 4,
	PERFDATA_THROTTLE = 5,
	PERFDATA_UNTHROTTLE = 6,
	PERFDATA_FORK = 7,
	PERFDATA_SAMPLE = 9,
	PERFDATA_LOST_SAMPLES = 13,
	PERFDATA_NAMESPACES = 16,
	PERFDATA_ATTR = 64,
	PERFDATA_TRACING_DATA = 66,
	PERFDATA_FINISHED_ROUND = 68,
	PERFDATA_ID_INDEX = 69,
	PERFDATA_AUXTRACE = 71,
	PERFDATA_EVENT_UPDATE = 78,
	PERFDATA_TIME_CONV = 79,
	PERFDATA_FEATURE = 80,
	PERFDATA_COMPRESSED = 81,
	PERFDATA_COMPRESSED2 = 83,
	/* Ours: something is missing here. In what is decompressed, where damage has been. */
	PERFDATA_GAP = 0x76730001,
};

enum {
	PERFDATA_HEAD = 8,
	PERFDATA_COMPRESSED2_HEAD = 16,
	PERFDATA_KERNEL_TYPES_END = 32, /* 22 are used by Linux 6.16; perf's own begin at 64 */
};

struct perfdata_record {
	const uint8_t *at;
	uint32_t type;
	uint16_t misc;
	uint16_t size; /* as it says; all of it is there */
	uint64_t span; /* to the next record, with what follows this one; all of it is there */
};

enum perfdata_read {
	PERFDATA_READ_OK = 0,
	PERFDATA_READ_CUT = 1, /* it would reach behind the end */
	PERFDATA_READ_BAD = 2, /* this is no record */
};

/*
 * The same for records that are not the kernel's: of some the header does not say where the next
 * one is, some are none. Return: enum perfdata_read.
 */
int perfdata_record_span(uint64_t left, bool big_endian, struct perfdata_record *r);

/* The record at `at`, of which `left` bytes are there. Return: enum perfdata_read. */
static inline int perfdata_record_read(const uint8_t *at, uint64_t left, bool big_endian,
				       struct perfdata_record *r)
{
	if (left < PERFDATA_HEAD)
		return PERFDATA_READ_CUT;
	r->at = at;
	r->type = load_u32(at, big_endian);
	r->misc = load_u16(at + 4, big_endian);
	r->size = load_u16(at + 6, big_endian);
	r->span = r->size;
	if (__builtin_expect(r->type >= PERFDATA_KERNEL_TYPES_END, 0))
		return perfdata_record_span(left, big_endian, r);
	if (r->size < PERFDATA_HEAD)
		return PERFDATA_READ_BAD;
	return r->size > left ? PERFDATA_READ_CUT : PERFDATA_READ_OK;
}

/* Return: bytes from `at` to where records seem to go on; `left` if nowhere. At least 1. */
uint64_t perfdata_next_sound(const uint8_t *at, uint64_t left, bool big_endian);

#endif
