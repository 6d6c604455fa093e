#include "input/perfdata/record.h"

enum {
	SOUND_IN_A_ROW = 4,
	PERF_TYPES_END = 96, /* 87 are used by perf 6.16 */
	LATER_TYPES_END = 1024,
};

static uint64_t align8(uint64_t n)
{
	return (n + 7) & ~UINT64_C(7);
}

static bool is_known_type(uint32_t type)
{
	return type && type < PERF_TYPES_END &&
	       (type < PERFDATA_KERNEL_TYPES_END || type >= PERFDATA_ATTR);
}

/* Return: whether a record may begin like this. */
static bool looks_sound(const uint8_t *at, uint64_t left, bool big_endian)
{
	uint32_t type = left >= PERFDATA_HEAD ? load_u32(at, big_endian) : 0;
	uint16_t size = left >= PERFDATA_HEAD ? load_u16(at + 6, big_endian) : 0;

	return size >= PERFDATA_HEAD && size <= left && is_known_type(type);
}

/* Of a type that is not known. Return: whether it may be one of a later perf, and not damage. */
static bool is_later(const struct perfdata_record *r)
{
	return r->type == PERFDATA_GAP || (r->type < LATER_TYPES_END && r->size % 8 == 0);
}

/*
 * The sum of a COMPRESSED2 record's head and data, rounded up, does not always fit in the 16 bits
 * of the header's size; perf 6.16 then writes what is left of it, and no padding. Others might pad
 * it.
 */
static void span_compressed(uint64_t left, bool big_endian, struct perfdata_record *r)
{
	uint64_t n = PERFDATA_COMPRESSED2_HEAD + load_u64(r->at + PERFDATA_HEAD, big_endian);

	if (n < PERFDATA_COMPRESSED2_HEAD || n > UINT32_MAX || align8(n) <= r->size)
		return;
	r->span = n;
	if (align8(n) <= left && n < left && !looks_sound(r->at + n, left - n, big_endian))
		r->span = align8(n);
}

int perfdata_record_span(uint64_t left, bool big_endian, struct perfdata_record *r)
{
	uint64_t n = 0;

	if (r->type == PERFDATA_COMPRESSED2 && left >= PERFDATA_COMPRESSED2_HEAD)
		span_compressed(left, big_endian, r);
	if (r->span < PERFDATA_HEAD)
		return PERFDATA_READ_BAD;
	if (r->span > left)
		return PERFDATA_READ_CUT;
	if (!is_known_type(r->type) && !is_later(r))
		return PERFDATA_READ_BAD;
	if (r->type == PERFDATA_AUXTRACE && r->size >= PERFDATA_HEAD + 8)
		n = load_u64(r->at + PERFDATA_HEAD, big_endian);
	else if (r->type == PERFDATA_TRACING_DATA && r->size >= PERFDATA_HEAD + 4)
		n = load_u32(r->at + PERFDATA_HEAD, big_endian);
	if (n > left - r->span)
		return PERFDATA_READ_CUT;
	r->span += n;
	return PERFDATA_READ_OK;
}

/* Return: whether several records stand in a row, or fewer up to the very end. */
static bool is_chain(const uint8_t *at, uint64_t left, bool big_endian)
{
	for (int i = 0; i < SOUND_IN_A_ROW && left; i++) {
		struct perfdata_record r;

		if (!looks_sound(at, left, big_endian) ||
		    perfdata_record_read(at, left, big_endian, &r))
			return false;
		at += r.span;
		left -= r.span;
	}
	return true;
}

uint64_t perfdata_next_sound(const uint8_t *at, uint64_t left, bool big_endian)
{
	for (uint64_t i = 1; i < left; i++) {
		if (is_chain(at + i, left - i, big_endian))
			return i;
	}
	return left;
}
