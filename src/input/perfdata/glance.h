/*
 * glance: when and where a record happened, at the least cost; what both the scan (index.c) and the
 * reading of a stream (cursor.c) ask of each record.
 */
#ifndef VMSCOPE_PERFDATA_GLANCE_H
#define VMSCOPE_PERFDATA_GLANCE_H

#include "input/perfdata/perfdata.h"

enum {
	PERFDATA_CPU_END = 8192, /* no kernel for more CPUs can be built */
	PERFDATA_TIME_BITS = 62, /* 146 years */
};

struct perfdata_glance {
	int64_t time;
	uint32_t cpu;
	uint16_t attr;
	bool has_time, has_cpu;
};

/* What perf writes for a CPU that it does not know. */
#define PERFDATA_NO_CPU UINT32_MAX

static inline void perfdata_take_cpu(struct perfdata_glance *g)
{
	g->has_cpu = g->cpu != PERFDATA_NO_CPU;
	g->cpu = g->has_cpu ? g->cpu : 0;
}

/* Return: whether a stream has records of this type, besides samples. */
static inline bool perfdata_is_of_stream(uint32_t type)
{
	const uint32_t types = 1u << PERFDATA_LOST | 1u << PERFDATA_COMM | 1u << PERFDATA_EXIT |
			       1u << PERFDATA_THROTTLE | 1u << PERFDATA_UNTHROTTLE |
			       1u << PERFDATA_FORK | 1u << PERFDATA_LOST_SAMPLES |
			       1u << PERFDATA_NAMESPACES;

	return type < 32 && types >> type & 1;
}

/*
 * Return: whether the sample is sound: one of an event that is known, with a possible time and CPU.
 */
static inline bool perfdata_glance_sample(const struct perfdata *p, const struct perfdata_record *r,
					  struct perfdata_glance *g)
{
	bool big = p->big_endian;
	long i = perfdata_attr_of_sample(&p->attrs, r, big);

	if (__builtin_expect(i < 0, 0))
		return false;
	const struct perfdata_layout *l = &p->attrs.at.at[i].layout;
	uint64_t time = 0;

	if (__builtin_expect(r->size < l->fixed, 0))
		return false;
	g->attr = (uint16_t)i;
	g->has_time = l->time != 0;
	if (l->time)
		time = load_u64(r->at + l->time, big);
	g->time = (int64_t)time;
	g->cpu = l->cpu ? load_u32(r->at + l->cpu, big) : PERFDATA_NO_CPU;
	perfdata_take_cpu(g);
	return time >> PERFDATA_TIME_BITS == 0 && g->cpu < PERFDATA_CPU_END;
}

/*
 * The same for a record that is no sample. It need not say anything. Return: whether what it says
 * is possible.
 */
bool perfdata_glance_other(const struct perfdata *p, const struct perfdata_record *r,
			   struct perfdata_glance *g);

#endif
