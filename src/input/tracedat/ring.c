#include "input/tracedat/ring.h"

#define TOP_OF_STAMP (UINT64_C(1) << RING_STAMP_BITS)

static uint64_t load_long(const struct ring_shape *shape, const uint8_t *at)
{
	return shape->long_size == sizeof(uint64_t) ? load_u64(at, shape->big_endian)
						    : load_u32(at, shape->big_endian);
}

bool tracedat_ring_enter(struct ring *r, const struct ring_shape *shape, const uint8_t *page,
			 uint64_t n, uint32_t page_size)
{
	uint64_t room, commit, size;

	if (n < shape->data_at)
		return false;
	commit = load_long(shape, page + sizeof(uint64_t));
	size = commit & RING_LENGTH_MASK;
	room = n - shape->data_at;
	if (size > page_size - shape->data_at)
		return false;
	*r = (struct ring){.data = page + shape->data_at,
			   .size = (uint32_t)(size < room ? size : room),
			   .room = (uint32_t)room,
			   .big_endian = shape->big_endian,
			   .is_cut = size > room,
			   .is_missing = commit & RING_MISSED,
			   .begin = load_u64(page, shape->big_endian)};
	r->now = r->begin;
	if (r->is_missing && commit & RING_COUNTED && room >= size + shape->long_size)
		r->missing = load_long(shape, r->data + size);
	return true;
}

/*
 * The stamp has only the lower bits; the rest is as in `before`, unless they have wrapped around
 * since.
 */
static uint64_t complete_stamp(uint64_t before, uint64_t stamp)
{
	uint64_t top = before & -TOP_OF_STAMP, t = stamp | top;

	return top && t < before && before - t > TOP_OF_STAMP / 2 ? t + TOP_OF_STAMP : t;
}

static bool is_zero_from_here(const struct ring *r)
{
	for (uint32_t i = r->pos; i < r->size; i++) {
		if (r->data[i])
			return false;
	}
	return true;
}

static enum ring_step take_time(struct ring *r, uint32_t type, uint64_t time)
{
	r->now = type == RING_TYPE_EXTEND ? r->now + time : complete_stamp(r->now, time);
	r->pos += 2 * RING_WORD;
	return RING_AGAIN;
}

/* `length` bytes behind the head's word, padded to whole words. */
static void step_over(struct ring *r, uint32_t length)
{
	uint32_t left = r->size - r->pos - RING_WORD;
	uint32_t padded = (length + RING_WORD - 1) & ~(uint32_t)(RING_WORD - 1);

	r->pos += RING_WORD + (padded < left ? padded : left);
}

enum ring_step tracedat_ring_next_other(struct ring *r, struct ring_record *recordp)
{
	const uint8_t *at = r->data + r->pos;
	uint32_t word = load_u32(at, r->big_endian), left = r->size - r->pos - RING_WORD;
	uint32_t type = ring_type(word, r->big_endian), delta = ring_delta(word, r->big_endian);

	if (type == RING_TYPE_PADDING && !delta) {
		r->pos = r->size;
		return RING_END;
	}
	if (left < RING_WORD)
		return RING_CUT;
	uint32_t more = load_u32(at + RING_WORD, r->big_endian);

	if (type == RING_TYPE_EXTEND || type == RING_TYPE_STAMP)
		return take_time(r, type, (uint64_t)more << RING_DELTA_BITS | delta);
	if (!word && !more && is_zero_from_here(r))
		return RING_ZEROS;
	if (more > left || (!type && more < RING_WORD))
		return RING_CUT;
	step_over(r, more);
	if (type == RING_TYPE_PADDING) {
		/* A discarded event that had no delta was given one, of 1. */
		r->now += delta == 1 ? 0 : delta;
		return RING_AGAIN;
	}
	r->now += delta;
	*recordp = (struct ring_record){at + 2 * RING_WORD, more - RING_WORD};
	return RING_EVENT;
}

bool tracedat_ring_goes_on(const struct ring *r)
{
	struct ring rest = *r;
	struct ring_record record;
	enum ring_step step;
	uint32_t n = 0;

	rest.pos = r->size;
	rest.size = r->room;
	if (r->is_cut || r->is_missing || is_zero_from_here(&rest))
		return false;
	while ((step = tracedat_ring_next(&rest, &record)) == RING_EVENT)
		n++;
	return n && (step != RING_CUT || is_zero_from_here(&rest));
}
