#include "input/perfdata/show.h"

/* Where a walk over a sample's fields is. */
struct show {
	const struct perfdata_layout *l;
	struct perfdata_bytes left;
	const struct field_visitor *v;
	void *ctx;
};

/* ---- single fields --------------------------------------------------------------------------- */

static void show_value(const struct show *s, const struct field *f, uint64_t value)
{
	if (s->v->integer)
		s->v->integer(s->ctx, f, value);
}

static void show_u64(const struct show *s, const char *name, uint8_t base, uint64_t value)
{
	struct field f = {.name = name, .kind = FIELD_INT, .size = 64, .base = base};

	show_value(s, &f, value);
}

static bool take_u64(struct show *s, const char *name, uint8_t base)
{
	uint64_t value;

	if (!perfdata_take_u64(&s->left, &value))
		return false;
	show_u64(s, name, base, value);
	return true;
}

static bool take_decimal(struct show *s, const char *name)
{
	return take_u64(s, name, 10);
}

static bool take_address(struct show *s, const char *name)
{
	return take_u64(s, name, 16);
}

/* Whoever shows events shows their time besides. */
static bool skip_word(struct show *s, const char *name)
{
	struct perfdata_bytes part;

	(void)name;
	return perfdata_take(&s->left, 8, &part);
}

/* Some say their id twice. */
static bool take_id(struct show *s, const char *name)
{
	return s->l->sample_type & PERFDATA_S_IDENTIFIER ? skip_word(s, name)
							 : take_decimal(s, name);
}

static bool take_threads(struct show *s, const char *name)
{
	static const struct field pid = {
		.name = "pid", .kind = FIELD_INT, .size = 32, .is_signed = true, .base = 10};
	static const struct field tid = {
		.name = "tid", .kind = FIELD_INT, .size = 32, .is_signed = true, .base = 10};
	uint32_t p, t;

	(void)name;
	if (!perfdata_take_u32(&s->left, &p) || !perfdata_take_u32(&s->left, &t))
		return false;
	show_value(s, &pid, (uint64_t)(int32_t)p);
	show_value(s, &tid, (uint64_t)(int32_t)t);
	return true;
}

static bool take_cpu(struct show *s, const char *name)
{
	struct field f = {.name = name, .kind = FIELD_INT, .size = 32, .is_cpu = true, .base = 10};
	uint32_t cpu, reserved;

	if (!perfdata_take_u32(&s->left, &cpu) || !perfdata_take_u32(&s->left, &reserved))
		return false;
	show_value(s, &f, cpu);
	return true;
}

/* ---- fields of varying size ------------------------------------------------------------------ */

static void open_group(const struct show *s, const struct field *f)
{
	if (s->v->open)
		s->v->open(s->ctx, f);
}

static void close_group(const struct show *s, const struct field *f)
{
	if (s->v->close)
		s->v->close(s->ctx, f);
}

static bool take_if(struct show *s, uint64_t bit, const char *name)
{
	return !(s->l->read_format & bit) || take_decimal(s, name);
}

static bool take_times(struct show *s)
{
	return take_if(s, PERFDATA_R_ENABLED, "time_enabled") &&
	       take_if(s, PERFDATA_R_RUNNING, "time_running");
}

static bool take_whose(struct show *s)
{
	return take_if(s, PERFDATA_R_ID, "id") && take_if(s, PERFDATA_R_LOST, "lost");
}

static bool take_counts(struct show *s)
{
	static const struct field array = {.name = "values", .kind = FIELD_ARRAY};
	static const struct field one = {.kind = FIELD_STRUCT};
	uint64_t n;
	bool ok = perfdata_take_u64(&s->left, &n) && take_times(s);

	if (!ok)
		return false;
	open_group(s, &array);
	for (uint64_t i = 0; i < n && ok; i++) {
		open_group(s, &one);
		ok = take_decimal(s, "value") && take_whose(s);
		close_group(s, &one);
	}
	close_group(s, &array);
	return ok;
}

static bool take_read(struct show *s, const char *name)
{
	struct field f = {.name = name, .kind = FIELD_STRUCT};
	bool ok;

	if (!perfdata_read_size(s->l, s->left.at, s->left.n, s->left.big_endian))
		return false;
	open_group(s, &f);
	if (s->l->read_format & PERFDATA_R_GROUP)
		ok = take_counts(s);
	else
		ok = take_decimal(s, "value") && take_times(s) && take_whose(s);
	close_group(s, &f);
	return ok;
}

static bool take_callchain(struct show *s, const char *name)
{
	struct field f = {.name = name, .kind = FIELD_ARRAY};
	uint64_t n;

	if (!perfdata_take_u64(&s->left, &n) || n > s->left.n / 8)
		return false;
	open_group(s, &f);
	for (uint64_t i = 0; i < n; i++)
		take_address(s, NULL);
	close_group(s, &f);
	return true;
}

/* The event's own fields are shown elsewhere. */
static bool take_raw(struct show *s, const char *name)
{
	struct perfdata_bytes part;
	uint32_t n;

	(void)name;
	return perfdata_take_u32(&s->left, &n) && perfdata_take(&s->left, n, &part);
}

/* ---- all ------------------------------------------------------------------------------------- */

struct known_field {
	uint64_t bit;
	const char *name;
	bool (*take)(struct show *s, const char *name);
};

/* In the order in which they stand. What follows raw data is seldom recorded with tracepoints. */
static const struct known_field known_fields[] = {
	{PERFDATA_S_IDENTIFIER, "id", take_decimal},
	{PERFDATA_S_IP, "ip", take_address},
	{PERFDATA_S_TID, "tid", take_threads},
	{PERFDATA_S_TIME, "time", skip_word},
	{PERFDATA_S_ADDR, "addr", take_address},
	{PERFDATA_S_ID, "id", take_id},
	{PERFDATA_S_STREAM_ID, "stream_id", take_decimal},
	{PERFDATA_S_CPU, "cpu", take_cpu},
	{PERFDATA_S_PERIOD, "period", take_decimal},
	{PERFDATA_S_READ, "read", take_read},
	{PERFDATA_S_CALLCHAIN, "callchain", take_callchain},
	{PERFDATA_S_RAW, "raw", take_raw},
};

void perfdata_show(const struct perfdata_layout *l, const struct perfdata_record *r,
		   bool big_endian, const struct field_visitor *v, void *ctx)
{
	struct show s = {.l = l,
			 .left = {r->at + PERFDATA_HEAD, r->size - PERFDATA_HEAD, big_endian},
			 .v = v,
			 .ctx = ctx};

	for (size_t i = 0; i < sizeof(known_fields) / sizeof(known_fields[0]); i++) {
		const struct known_field *f = &known_fields[i];

		if (l->sample_type & f->bit && !f->take(&s, f->name))
			return;
	}
}
