#include "store/times.h"

#include "schema/table.h"

void times_encoder_deinit(struct times_encoder *t)
{
	bytes_deinit(&t->scratch);
}

static void encode_ts(struct times_encoder *t, struct column_encoder *e, const struct times *times,
		      const struct times_base *base, struct bytes *out)
{
	const struct kernel_times by = {base->at, base->n, times->ts, NULL, times->n};
	const struct column_values ranks = {.at = t->ranks, .n = times->n};
	struct column_values rest = {.at = t->first, .n = times->n, .known = true};

	rest.max = (int64_t)e->kernels->ranks(&by, t->ranks, t->first);
	column_encode_values(e, &ranks, COLUMN_IS_DELTA, out);
	column_encode_values(e, &rest, 0, out);
}

/* The ends of rows, or their begins where they have none. Return: whether some have none. */
static bool find_ends(const struct times *times, int64_t *ends)
{
	bool nulls = false;

	for (uint32_t i = 0; i < times->n; i++) {
		bool null = times->dur[i] == TABLE_NULL;

		ends[i] = times->ts[i] + (null ? 0 : times->dur[i]);
		nulls |= null;
	}
	return nulls;
}

static void encode_dur(struct times_encoder *t, struct column_encoder *e, const struct times *times,
		       const struct times_base *base, struct bytes *out)
{
	const struct kernel_times by = {base->at, base->n, t->first, t->ranks, times->n};
	const bool nulls = find_ends(times, t->first);

	e->kernels->ranks(&by, t->first, t->second);
	e->kernels->take_off(t->first, t->ranks, times->n);
	for (uint32_t i = 0; nulls && i < times->n; i++) {
		if (times->dur[i] == TABLE_NULL)
			t->first[i] = t->second[i] = TABLE_NULL;
	}
	column_encode_alone(e, t->first, times->n, 0, out);
	column_encode_alone(e, t->second, times->n, 0, out);
}

static void encode_plain(struct column_encoder *e, const struct times *times, struct bytes *out)
{
	const struct column_values ts = {.at = times->ts, .n = times->n};

	bytes_varint(out, 0);
	column_encode_values(e, &ts, COLUMN_IS_TIME, out);
	if (times->dur)
		column_encode_alone(e, times->dur, times->n, 0, out);
}

/* dur in the shorter of two ways. */
static void encode_by_base(struct times_encoder *t, struct column_encoder *e,
			   const struct times *times, const struct times_base *base,
			   struct bytes *out)
{
	const size_t form = out->n;

	bytes_varint(out, FORMAT_TS_BY_BASE);
	for (int k = 0; k < TABLE_MAX_KEYS; k++)
		bytes_svarint(out, base->keys[k]);
	encode_ts(t, e, times, base, out);
	if (!times->dur)
		return;
	const size_t before = out->n;

	column_encode_alone(e, times->dur, times->n, 0, out);
	t->scratch.n = 0;
	encode_dur(t, e, times, base, &t->scratch);
	if (t->scratch.n >= out->n - before)
		return;
	out->at[form] |= FORMAT_DUR_BY_BASE;
	out->n = before;
	bytes_put(out, t->scratch.at, t->scratch.n);
}

void times_encode(struct times_encoder *t, struct column_encoder *e, const struct times *times,
		  const struct times_base *base, struct bytes *out)
{
	if (base)
		encode_by_base(t, e, times, base, out);
	else
		encode_plain(e, times, out);
}

/* --- choosing --- */

void times_sample(struct times_samples *s, const int64_t *rows, uint32_t n, uint32_t width)
{
	s->n = n < TIMES_SAMPLES ? n : TIMES_SAMPLES;
	for (uint32_t i = 0; i < s->n; i++)
		s->at[i] = rows[(size_t)i * n / s->n * width];
}

uint32_t times_exact(const struct times_samples *s, const struct times_base *base,
		     const struct kernels *k)
{
	const struct kernel_times times = {base->at, base->n, s->at, NULL, s->n};

	return k->exact(&times);
}

uint32_t times_too_few(const struct times_samples *s, bool spans)
{
	return s->n * (spans ? 4 : 6) / 16;
}
