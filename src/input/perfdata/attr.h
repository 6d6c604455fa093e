/*
 * attr: the events that perf was asked for, and where in a record each of them has which field.
 *
 * A file has a struct perf_event_attr per event (`-e`), each with the ids of its instances, one per
 * CPU or thread. Its sample_type says which fields a sample has. They stand in a fixed order, those
 * of fixed size first, so that places are computed once:
 *
 *	sample: header, id (IDENTIFIER), ip, pid + tid, time, address, id, stream id, cpu, period,
 *		then of varying size: counts (READ), callchain, raw data, branches, ...
 *	others: the same facts stand at the end (sample_id_all): pid + tid, time, id, stream id, cpu, id (IDENTIFIER)
 *
 * Which event a sample is of, its id says; where only one event was recorded, it may have none.
 */
#ifndef VMSCOPE_PERFDATA_ATTR_H
#define VMSCOPE_PERFDATA_ATTR_H

#include "base/arena.h"
#include "base/map.h"
#include "base/mem.h"
#include "input/perfdata/record.h"

/* enum perf_event_sample_format */
enum {
	PERFDATA_S_IP = 1 << 0,
	PERFDATA_S_TID = 1 << 1,
	PERFDATA_S_TIME = 1 << 2,
	PERFDATA_S_ADDR = 1 << 3,
	PERFDATA_S_READ = 1 << 4,
	PERFDATA_S_CALLCHAIN = 1 << 5,
	PERFDATA_S_ID = 1 << 6,
	PERFDATA_S_CPU = 1 << 7,
	PERFDATA_S_PERIOD = 1 << 8,
	PERFDATA_S_STREAM_ID = 1 << 9,
	PERFDATA_S_RAW = 1 << 10,
	PERFDATA_S_IDENTIFIER = 1 << 16,
};

/* enum perf_event_read_format */
enum {
	PERFDATA_R_ENABLED = 1 << 0,
	PERFDATA_R_RUNNING = 1 << 1,
	PERFDATA_R_ID = 1 << 2,
	PERFDATA_R_GROUP = 1 << 3,
	PERFDATA_R_LOST = 1 << 4,
};

/* enum perf_type_id */
enum { PERFDATA_HARDWARE = 0, PERFDATA_SOFTWARE = 1, PERFDATA_TRACEPOINT = 2 };

/* Where fields are. */
struct perfdata_layout {
	uint64_t sample_type, read_format;
	/* Of a sample, in bytes from its start; 0: it has no such field. */
	uint16_t id, ip, tid, time, addr, stream_id, cpu, period;
	uint16_t fixed; /* bytes up to the first part of varying size */
	/* Of another record, in bytes from its end; 0: it has no such field. */
	uint16_t end_tid, end_time, end_id, end_cpu;
	uint16_t end_size; /* of all of them */
};

enum { PERFDATA_NO_EVENT = UINT32_MAX };

struct perfdata_attr {
	uint32_t type;
	uint64_t config; /* of a tracepoint: its number */
	struct perfdata_layout layout;
	bool has_clock;
	int32_t clock;	  /* clockid_t, if has_clock */
	const char *name; /* as perf calls it; NULL: it does not say */
	uint32_t event;	  /* in recording.events; PERFDATA_NO_EVENT: none yet */
};

/* What a sample of an event is, at a glance. */
enum perfdata_kind {
	PERFDATA_KIND_UNKNOWN = 0, /* there is no such event */
	PERFDATA_KIND_OTHER,	   /* no tracepoint */
	/* a tracepoint's, with a thread, and raw data behind the part of fixed size */
	PERFDATA_KIND_SIMPLE,
	PERFDATA_KIND_COMPLEX, /* another tracepoint's */
};

/*
 * Where all samples have the same fields at the same places, as nearly always: then records can be
 * passed with a few instructions each (perfdata_glimpse()). Copied by who does so, for compilers to
 * keep it in registers.
 */
struct perfdata_plain {
	bool is_plain;
	bool has_id;  /* else there is only one event */
	uint8_t kind; /* without ids */
	uint16_t time, cpu, id;
	uint16_t tid, fixed; /* of those that are simple */
	/* bytes that a sample must have at least; where none is plain, more than any has */
	uint16_t need;
	const uint8_t *kinds; /* of ids first_id and on; n_kinds of them */
	uint64_t first_id, n_kinds;
};

struct perfdata_attrs {
	VEC(struct perfdata_attr) at;
	struct map by_id; /* id to index */
	/*
	 * The same for ids first_id and on, index + 1, where they are near each other; n_table of
	 * them.
	 */
	uint16_t *table; /* owned */
	uint8_t *kinds;	 /* owned; beside it: enum perfdata_kind */
	uint64_t first_id, n_table;
	/*
	 * Where samples (from their start) and other records (from their end) say the id; 0:
	 * nowhere.
	 */
	uint16_t id, end_id;
	struct perfdata_plain plain;
};

/* A number of attributes that no real recording reaches; more are left out. */
enum { PERFDATA_ATTRS_MAX = 65535 };

/*
 * Reads one struct perf_event_attr, which fills b, or less. Return: whether it is one; then it was
 * added, without ids.
 */
bool perfdata_attr_add(struct perfdata_attrs *as, struct perfdata_bytes b);

/* The last one that was added has this id, too. */
void perfdata_attr_id(struct perfdata_attrs *as, uint64_t id);

/* All attributes and ids are known. May be called again when there are more. */
void perfdata_attrs_prepare(struct perfdata_attrs *as, bool big_endian);
void perfdata_attrs_deinit(struct perfdata_attrs *as);

/* Return: the index of the attribute with this id, or -1. */
static inline long perfdata_attr_find(const struct perfdata_attrs *as, uint64_t id)
{
	if (id - as->first_id < as->n_table)
		return (long)as->table[id - as->first_id] - 1;
	const uint64_t *i = map_get(&as->by_id, id);

	return i ? (long)*i : -1;
}

/* Of a sample. Return: as perfdata_attr_find(). */
static inline long perfdata_attr_of_sample(const struct perfdata_attrs *as,
					   const struct perfdata_record *r, bool big_endian)
{
	if (!as->id)
		return as->at.n ? 0 : -1;
	if (r->size < as->id + 8)
		return -1;
	uint64_t id = load_u64(r->at + as->id, big_endian);
	long i = perfdata_attr_find(as, id);

	/* perf makes up some samples with an id of 0. */
	return i < 0 && !id ? 0 : i;
}

/*
 * Bytes before a record that is read its place in memory is asked for: those that come next are not
 * in cache yet.
 */
enum { PERFDATA_AHEAD = 1024 };

/* A sample in a file that is plain. */
struct perfdata_glimpse {
	uint64_t time;
	uint32_t cpu, size;
	uint8_t kind; /* enum perfdata_kind */
};

/*
 * Return: whether the record at `at` is a sample of an event that is known. If not, it is to be
 * looked at as any other record is. plain->need bytes of it must be there; that all are, is for the
 * caller to find out.
 */
static inline bool perfdata_glimpse(const struct perfdata_plain *plain, const uint8_t *at,
				    struct perfdata_glimpse *g)
{
	uint64_t head = load_u64(at, false), id;

	__builtin_prefetch(at + PERFDATA_AHEAD);
	g->size = (uint32_t)(head >> 48);
	g->time = load_u64(at + plain->time, false);
	g->cpu = load_u32(at + plain->cpu, false);
	g->kind = plain->kind;
	if ((uint32_t)head != PERFDATA_SAMPLE || g->size < plain->need)
		return false;
	if (!plain->has_id)
		return true;
	id = load_u64(at + plain->id, false) - plain->first_id;
	if (id >= plain->n_kinds)
		return false;
	g->kind = plain->kinds[id];
	return g->kind != PERFDATA_KIND_UNKNOWN;
}

/*
 * Of a record that is no sample; the first attribute where it does not say. Return: -1 if there is
 * none.
 */
long perfdata_attr_of_other(const struct perfdata_attrs *as, const struct perfdata_record *r,
			    bool big_endian);

/* Raw data, a callchain and the like, in a sample. */
struct perfdata_part {
	const uint8_t *at;
	size_t n;
};

/*
 * Bytes of the counts (READ) at `at`. Return: 0 if they would be more than `left`.
 */
size_t perfdata_read_size(const struct perfdata_layout *l, const uint8_t *at, size_t left,
			  bool big_endian);

/* The same as perfdata_raw() where READ or CALLCHAIN stand before it. */
bool perfdata_raw_behind(const struct perfdata_layout *l, const struct perfdata_record *r,
			 bool big_endian, struct perfdata_part *rawp);

/* The raw data of a sample that has its fixed part. Return: whether it has some. */
static inline bool perfdata_raw(const struct perfdata_layout *l, const struct perfdata_record *r,
				bool big_endian, struct perfdata_part *rawp)
{
	if (__builtin_expect(l->sample_type & (PERFDATA_S_READ | PERFDATA_S_CALLCHAIN), 0))
		return perfdata_raw_behind(l, r, big_endian, rawp);
	if (!(l->sample_type & PERFDATA_S_RAW) || r->size < l->fixed + 4)
		return false;
	rawp->n = load_u32(r->at + l->fixed, big_endian);
	rawp->at = r->at + l->fixed + 4;
	return rawp->n <= (size_t)(r->size - l->fixed - 4);
}

#endif
