#include "input/perfdata/glance.h"

#include "input/perfdata/side.h"

bool perfdata_glance_other(const struct perfdata *p, const struct perfdata_record *r,
			   struct perfdata_glance *g)
{
	bool big = p->big_endian;
	long i = perfdata_attr_of_other(&p->attrs, r, big);
	const struct perfdata_layout none = {0};
	const struct perfdata_layout *l = i < 0 ? &none : &p->attrs.at.at[i].layout;
	const uint8_t *end = r->at + r->size;
	uint64_t time = 0;

	if (r->size < PERFDATA_HEAD + l->end_size)
		l = &none;
	*g = (struct perfdata_glance){.attr = i < 0 ? 0 : (uint16_t)i,
				      .has_time = l->end_time != 0,
				      .cpu = PERFDATA_NO_CPU};
	if (l->end_time)
		time = load_u64(end - l->end_time, big);
	else
		g->has_time = perfdata_side_time(r, big, &time);
	if (l->end_cpu)
		g->cpu = load_u32(end - l->end_cpu, big);
	g->time = (int64_t)time;
	perfdata_take_cpu(g);
	return time >> PERFDATA_TIME_BITS == 0 && g->cpu < PERFDATA_CPU_END;
}
