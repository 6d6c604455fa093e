#include "input/perfdata/attr.h"

#include <stdlib.h>

/* struct perf_event_attr: where its members are, and the size of its first version. */
enum {
	ATTR_TYPE = 0,
	ATTR_SIZE = 4,
	ATTR_CONFIG = 8,
	ATTR_SAMPLE_TYPE = 24,
	ATTR_READ_FORMAT = 32,
	ATTR_FLAGS = 40,
	ATTR_SIZE_FIRST = 64,
	ATTR_CLOCKID = 92,
	ATTR_SIZE_CLOCKID = 96,
};

/* Bits of its flags. */
enum { FLAG_SAMPLE_ID_ALL = 18, FLAG_USE_CLOCKID = 25 };

/* A table is made when it has at most so many places more per id. */
enum { TABLE_SPARSE = 8, TABLE_SMALL = 4096 };

/* Compilers of big-endian machines give bit fields their bits from the other end of each byte. */
static bool has_flag(const uint8_t *attr, int bit, bool big_endian)
{
	int in_byte = bit % 8;

	return attr[ATTR_FLAGS + bit / 8] >> (big_endian ? 7 - in_byte : in_byte) & 1;
}

static uint16_t place(uint16_t *at, bool has)
{
	uint16_t here = has ? *at : 0;

	*at = (uint16_t)(*at + (has ? 8 : 0));
	return here;
}

static void place_in_sample(struct perfdata_layout *l)
{
	uint64_t t = l->sample_type;
	uint16_t at = PERFDATA_HEAD, id = place(&at, t & PERFDATA_S_IDENTIFIER);

	l->ip = place(&at, t & PERFDATA_S_IP);
	l->tid = place(&at, t & PERFDATA_S_TID);
	l->time = place(&at, t & PERFDATA_S_TIME);
	l->addr = place(&at, t & PERFDATA_S_ADDR);
	l->id = place(&at, t & PERFDATA_S_ID);
	l->stream_id = place(&at, t & PERFDATA_S_STREAM_ID);
	l->cpu = place(&at, t & PERFDATA_S_CPU);
	l->period = place(&at, t & PERFDATA_S_PERIOD);
	l->fixed = at;
	if (id)
		l->id = id;
}

static uint16_t place_from_end(uint16_t *end, bool has)
{
	*end = (uint16_t)(*end + (has ? 8 : 0));
	return has ? *end : 0;
}

static void place_at_end(struct perfdata_layout *l)
{
	uint64_t t = l->sample_type;
	uint16_t end = 0, identifier = place_from_end(&end, t & PERFDATA_S_IDENTIFIER);

	l->end_cpu = place_from_end(&end, t & PERFDATA_S_CPU);
	place_from_end(&end, t & PERFDATA_S_STREAM_ID);
	l->end_id = place_from_end(&end, t & PERFDATA_S_ID);
	l->end_time = place_from_end(&end, t & PERFDATA_S_TIME);
	l->end_tid = place_from_end(&end, t & PERFDATA_S_TID);
	l->end_size = end;
	if (identifier)
		l->end_id = identifier;
}

bool perfdata_attr_add(struct perfdata_attrs *as, struct perfdata_bytes b)
{
	if (b.n < ATTR_SIZE_FIRST || as->at.n == PERFDATA_ATTRS_MAX)
		return false;
	bool big = b.big_endian;
	uint32_t size = load_u32(b.at + ATTR_SIZE, big);
	struct perfdata_attr *a = vec_push(&as->at);

	a->type = load_u32(b.at + ATTR_TYPE, big);
	a->config = load_u64(b.at + ATTR_CONFIG, big);
	a->event = PERFDATA_NO_EVENT;
	a->layout.sample_type = load_u64(b.at + ATTR_SAMPLE_TYPE, big);
	a->layout.read_format = load_u64(b.at + ATTR_READ_FORMAT, big);
	place_in_sample(&a->layout);
	if (has_flag(b.at, FLAG_SAMPLE_ID_ALL, big))
		place_at_end(&a->layout);
	if (size >= ATTR_SIZE_CLOCKID && b.n >= ATTR_SIZE_CLOCKID) {
		a->has_clock = has_flag(b.at, FLAG_USE_CLOCKID, big);
		a->clock = (int32_t)load_u32(b.at + ATTR_CLOCKID, big);
	}
	return true;
}

void perfdata_attr_id(struct perfdata_attrs *as, uint64_t id)
{
	*map_put(&as->by_id, id, 0) = as->at.n - 1;
}

/* Ids are numbers that the kernel counts up, so those of one recording are near each other. */
static void make_table(struct perfdata_attrs *as)
{
	uint64_t first = UINT64_MAX, last = 0;

	for (size_t i = 0; i < as->by_id.capacity; i++) {
		const struct map_entry *e = &as->by_id.at[i];

		if (e->used) {
			first = e->key < first ? e->key : first;
			last = e->key > last ? e->key : last;
		}
	}
	if (!as->by_id.n || last - first >= as->by_id.n * TABLE_SPARSE + TABLE_SMALL)
		return;
	as->first_id = first;
	as->n_table = last - first + 1;
	as->table = mem_zalloc(as->n_table, sizeof(*as->table));
	as->kinds = mem_zalloc(as->n_table, sizeof(*as->kinds));
	for (size_t i = 0; i < as->by_id.capacity; i++) {
		const struct map_entry *e = &as->by_id.at[i];

		if (e->used)
			as->table[e->key - first] = (uint16_t)(e->value + 1);
	}
}

static bool is_simple(const struct perfdata_layout *l)
{
	uint64_t behind = PERFDATA_S_READ | PERFDATA_S_CALLCHAIN;

	return l->tid && (l->sample_type & (behind | PERFDATA_S_RAW)) == PERFDATA_S_RAW;
}

/* Those that are simple are all alike. */
static enum perfdata_kind kind_of(struct perfdata_plain *plain, const struct perfdata_attr *a)
{
	const struct perfdata_layout *l = &a->layout;

	if (a->type != PERFDATA_TRACEPOINT)
		return PERFDATA_KIND_OTHER;
	if (!is_simple(l))
		return PERFDATA_KIND_COMPLEX;
	if (!plain->fixed) {
		plain->fixed = l->fixed;
		plain->tid = l->tid;
	}
	return l->fixed == plain->fixed && l->tid == plain->tid ? PERFDATA_KIND_SIMPLE
								: PERFDATA_KIND_COMPLEX;
}

static void make_kinds(struct perfdata_attrs *as)
{
	struct perfdata_plain *plain = &as->plain;

	plain->kind = kind_of(plain, &as->at.at[0]);
	plain->has_id = as->id != 0;
	plain->id = as->id;
	plain->kinds = as->kinds;
	plain->first_id = as->first_id;
	plain->n_kinds = as->n_table;
	for (uint64_t i = 0; i < as->n_table; i++) {
		if (as->table[i])
			as->kinds[i] = kind_of(plain, &as->at.at[as->table[i] - 1]);
	}
}

static void make_plain(struct perfdata_attrs *as, bool big_endian)
{
	const struct perfdata_layout *first = as->at.n ? &as->at.at[0].layout : NULL;
	struct perfdata_plain *plain = &as->plain;

	*plain = (struct perfdata_plain){.need = UINT16_MAX};
	if (!first || big_endian || (as->id && !as->n_table))
		return;
	make_kinds(as);
	plain->time = first->time;
	plain->cpu = first->cpu;
	plain->is_plain = first->time && first->cpu;
	plain->need = 0;
	vec_each (a, &as->at) {
		const struct perfdata_layout *l = &a->layout;

		plain->is_plain &= l->time == first->time && l->cpu == first->cpu;
		plain->need = l->fixed > plain->need ? l->fixed : plain->need;
	}
}

void perfdata_attrs_prepare(struct perfdata_attrs *as, bool big_endian)
{
	free(as->table);
	free(as->kinds);
	as->table = NULL;
	as->kinds = NULL;
	as->first_id = as->n_table = 0;
	as->id = as->end_id = 0;
	if (as->at.n > 1 && as->by_id.n) {
		as->id = as->at.at[0].layout.id;
		as->end_id = as->at.at[0].layout.end_id;
		make_table(as);
	}
	make_plain(as, big_endian);
}

void perfdata_attrs_deinit(struct perfdata_attrs *as)
{
	vec_deinit(&as->at);
	map_deinit(&as->by_id);
	free(as->table);
	free(as->kinds);
}

long perfdata_attr_of_other(const struct perfdata_attrs *as, const struct perfdata_record *r,
			    bool big_endian)
{
	long i = -1;

	if (as->end_id && r->size >= PERFDATA_HEAD + as->end_id)
		i = perfdata_attr_find(as, load_u64(r->at + r->size - as->end_id, big_endian));
	return i < 0 && as->at.n ? 0 : i;
}

/* Of one count in READ. */
static size_t count_size(uint64_t format)
{
	size_t n = 8;

	n += format & PERFDATA_R_ID ? 8 : 0;
	n += format & PERFDATA_R_LOST ? 8 : 0;
	return n;
}

size_t perfdata_read_size(const struct perfdata_layout *l, const uint8_t *at, size_t left,
			  bool big_endian)
{
	uint64_t f = l->read_format, n = 1;
	size_t head = 0;

	head += f & PERFDATA_R_ENABLED ? 8 : 0;
	head += f & PERFDATA_R_RUNNING ? 8 : 0;
	if (f & PERFDATA_R_GROUP) {
		head += 8;
		if (left < head)
			return 0;
		n = load_u64(at, big_endian);
	}
	if (left < head || n > (left - head) / count_size(f))
		return 0;
	return head + (size_t)n * count_size(f);
}

bool perfdata_raw_behind(const struct perfdata_layout *l, const struct perfdata_record *r,
			 bool big_endian, struct perfdata_part *rawp)
{
	const uint8_t *at = r->at + l->fixed, *end = r->at + r->size;

	if (r->size < l->fixed || !(l->sample_type & PERFDATA_S_RAW))
		return false;
	if (l->sample_type & PERFDATA_S_READ) {
		size_t n = perfdata_read_size(l, at, (size_t)(end - at), big_endian);

		if (!n)
			return false;
		at += n;
	}
	if (l->sample_type & PERFDATA_S_CALLCHAIN) {
		uint64_t room = (uint64_t)(end - at) / 8;

		if (!room || load_u64(at, big_endian) > room - 1)
			return false;
		at += 8 + load_u64(at, big_endian) * 8;
	}
	if (end - at < 4)
		return false;
	rawp->n = load_u32(at, big_endian);
	rawp->at = at + 4;
	return rawp->n <= (size_t)(end - rawp->at);
}
