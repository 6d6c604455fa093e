#include "store/times.h"

#include "schema/table.h"

void times_encoder_deinit(struct times_encoder *t)
{
	bytes_deinit(&t->scratch);
}

void times_encode(struct times_encoder *t, struct column_encoder *e, const struct times *times,
		  struct bytes *out)
{
	for (uint32_t i = 0; i < times->n; i++)
		t->first[i] = format_sub(times->ts[i], times->ts[0]);
	out->n = 0;
	bytes_varint(out, 0);
	column_encode_alone(e, t->first, times->n, COLUMN_IS_TIME, out);
	if (times->dur)
		column_encode_alone(e, times->dur, times->n, 0, out);
}

/* Return: the number of the last time that is not later than t, looked for from `rank` on. */
static uint32_t rank_from(const struct times_base *base, uint32_t rank, int64_t t)
{
	while (rank + 1 < base->n && base->at[rank + 1] <= t)
		rank++;
	return rank;
}

static void encode_ts(struct times_encoder *t, struct column_encoder *e, const struct times *times,
		      const struct times_base *base, struct bytes *out)
{
	uint32_t rank = 0;

	for (uint32_t i = 0; i < times->n; i++) {
		rank = rank_from(base, rank, times->ts[i]);
		t->ranks[i] = rank;
		t->first[i] = format_sub(times->ts[i], base->at[rank]);
	}
	column_encode_alone(e, t->ranks, times->n, COLUMN_IS_DELTA, out);
	column_encode_alone(e, t->first, times->n, 0, out);
}

static void encode_dur(struct times_encoder *t, struct column_encoder *e, const struct times *times,
		       const struct times_base *base, struct bytes *out)
{
	for (uint32_t i = 0; i < times->n; i++) {
		if (times->dur[i] == TABLE_NULL) {
			t->first[i] = t->second[i] = TABLE_NULL;
			continue;
		}
		int64_t end = times->ts[i] + times->dur[i];
		uint32_t rank = rank_from(base, (uint32_t)t->ranks[i], end);

		t->first[i] = rank - t->ranks[i];
		t->second[i] = format_sub(end, base->at[rank]);
	}
	column_encode_alone(e, t->first, times->n, 0, out);
	column_encode_alone(e, t->second, times->n, 0, out);
}

void times_encode_by_base(struct times_encoder *t, struct column_encoder *e,
			  const struct times *times, const struct times_base *base,
			  const int64_t *keys, struct bytes *out)
{
	out->n = 0;
	bytes_varint(out, FORMAT_TS_BY_BASE);
	for (int k = 0; k < TABLE_MAX_KEYS; k++)
		bytes_svarint(out, keys[k]);
	encode_ts(t, e, times, base, out);
	if (!times->dur)
		return;
	size_t before = out->n;

	column_encode_alone(e, times->dur, times->n, 0, out);
	t->scratch.n = 0;
	encode_dur(t, e, times, base, &t->scratch);
	if (t->scratch.n >= out->n - before)
		return;
	out->at[0] |= FORMAT_DUR_BY_BASE;
	out->n = before;
	bytes_put(out, t->scratch.at, t->scratch.n);
}
