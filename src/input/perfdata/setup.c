#include "input/perfdata/setup.h"

#include "input/perfdata/glance.h"
#include "input/perfdata/header.h"

/* Where members of records are, and sizes. */
enum {
	ATTR_SIZE = 12,
	FEATURE_AT = 16,
	ID_INDEX_AT = 16,
	ID_INDEX_CPU = 16, /* in an entry */
	ID_INDEX_ENTRY = 32,
	UPDATE_ID = 16,
	UPDATE_AT = 24,
	UPDATE_NAME = 2,	 /* what is told of the event */
	TIME_CONV_SHORT = 32,	 /* in older files there is nothing that says what is valid */
	TIME_CONV_HAS_ZERO = 48, /* whether zero is */
};

static uint64_t u64_at(const struct perfdata *p, const struct perfdata_record *r, unsigned at)
{
	return load_u64(r->at + at, p->big_endian);
}

/* An attribute and its ids. A file has them in its header. */
static bool read_attr(struct perfdata *p, const struct perfdata_record *r)
{
	struct perfdata_bytes b = {r->at, r->size, p->big_endian}, head, attr;
	uint64_t id;

	if (!p->is_pipe)
		return true;
	if (r->size < ATTR_SIZE + 4 || !perfdata_take(&b, PERFDATA_HEAD, &head) ||
	    !perfdata_take(&b, load_u32(r->at + ATTR_SIZE, p->big_endian), &attr) ||
	    !perfdata_attr_add(&p->attrs, attr))
		return false;
	while (perfdata_take_u64(&b, &id))
		perfdata_attr_id(&p->attrs, id);
	return true;
}

static bool read_feature(struct perfdata *p, const struct perfdata_record *r)
{
	struct perfdata_bytes b = {r->at, r->size, p->big_endian}, head;

	if (!perfdata_take(&b, FEATURE_AT, &head))
		return false;
	uint64_t id = u64_at(p, r, PERFDATA_HEAD);

	return id >= PERFDATA_F_END || perfdata_feature(p, (unsigned)id, b);
}

static bool read_id_index(struct perfdata *p, const struct perfdata_record *r)
{
	struct perfdata_bytes b = {r->at, r->size, p->big_endian}, part;

	if (!perfdata_take(&b, ID_INDEX_AT, &part))
		return false;
	for (uint64_t n = u64_at(p, r, PERFDATA_HEAD); n; n--) {
		if (!perfdata_take(&b, ID_INDEX_ENTRY, &part))
			return false;
		uint64_t cpu = load_u64(part.at + ID_INDEX_CPU, p->big_endian);

		if (cpu < PERFDATA_CPU_END)
			*map_put(&p->cpu_of_id, load_u64(part.at, p->big_endian), 0) = cpu;
	}
	return true;
}

static bool read_update(struct perfdata *p, const struct perfdata_record *r)
{
	if (r->size < UPDATE_AT)
		return false;
	const char *name = (const char *)r->at + UPDATE_AT;
	long i = perfdata_attr_find(&p->attrs, u64_at(p, r, UPDATE_ID));

	if (i >= 0 && u64_at(p, r, PERFDATA_HEAD) == UPDATE_NAME)
		p->attrs.at.at[i].name =
			arena_strndup(&p->base.arena, name, strnlen(name, r->size - UPDATE_AT));
	return true;
}

/* How perf's clock is computed from the TSC: time = zero + (tsc * mult >> shift). */
static bool read_time_conv(struct perfdata *p, const struct perfdata_record *r)
{
	static const char *const names[] = {"tsc_shift", "tsc_mult", "tsc_zero"};
	bool has_zero = r->size <= TIME_CONV_HAS_ZERO || r->at[TIME_CONV_HAS_ZERO];

	if (r->size < TIME_CONV_SHORT)
		return false;
	if (!has_zero || p->has_time_conv)
		return true;
	p->has_time_conv = true;
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		*vec_push(&p->base.env) = (struct recording_env){
			names[i], NULL, (int64_t)u64_at(p, r, PERFDATA_HEAD + i * 8)};
	return true;
}

static bool read_record(struct perfdata *p, const struct perfdata_record *r)
{
	switch (r->type) {
	case PERFDATA_ATTR:
		return read_attr(p, r);
	case PERFDATA_FEATURE:
		return read_feature(p, r);
	case PERFDATA_TRACING_DATA:
		return perfdata_tracing_data(p, (struct perfdata_bytes){r->at + r->size,
									(size_t)(r->span - r->size),
									p->big_endian});
	case PERFDATA_ID_INDEX:
		return read_id_index(p, r);
	case PERFDATA_EVENT_UPDATE:
		return read_update(p, r);
	case PERFDATA_TIME_CONV:
		return read_time_conv(p, r);
	default:
		return true;
	}
}

void perfdata_setup(struct perfdata *p, const struct perfdata_source *source,
		    const struct perfdata_record *r)
{
	if (!read_record(p, r))
		perfdata_note(p, DIAG_METADATA_DAMAGED, 1, source, r->at);
}
