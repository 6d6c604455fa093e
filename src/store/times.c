#include "store/times.h"

#include "schema/table.h"

void times_encoder_deinit(struct times_encoder *t)
{
	bytes_deinit(&t->plain);
	bytes_deinit(&t->based);
}

/* Return: the number of the last time that is not later than t, looked for from `rank` on. */
static uint32_t rank_from(const struct times_base *base, uint32_t rank, int64_t t)
{
	while (rank + 1 < base->n && base->at[rank + 1] <= t)
		rank++;
	return rank;
}

/* Return: whether t->based is smaller; the smaller one has been appended. */
static bool put_smaller(const struct times_encoder *t, bool has_based, struct bytes *out)
{
	bool based = has_based && t->based.n < t->plain.n;
	const struct bytes *b = based ? &t->based : &t->plain;

	bytes_put(out, b->at, b->n);
	return based;
}

static void encode_ts_by_base(struct times_encoder *t, struct column_encoder *e, const int64_t *ts,
			      uint32_t n, const struct times_base *base)
{
	const struct column_context none = {0};
	uint32_t rank = 0;

	for (uint32_t i = 0; i < n; i++) {
		rank = rank_from(base, rank, ts[i]);
		t->ranks[i] = rank;
		t->first[i] = format_sub(ts[i], base->at[rank]);
	}
	t->based.n = 0;
	column_encode(e, t->ranks, n, COLUMN_IS_DELTA, &none, &t->based);
	column_encode(e, t->first, n, 0, &none, &t->based);
}

bool times_encode_ts(struct times_encoder *t, struct column_encoder *e, const int64_t *ts,
		     uint32_t n, const struct times_base *base, struct bytes *out)
{
	const struct column_context none = {0};

	for (uint32_t i = 0; i < n; i++)
		t->first[i] = format_sub(ts[i], ts[0]);
	t->plain.n = 0;
	column_encode(e, t->first, n, COLUMN_IS_DELTA, &none, &t->plain);
	if (base)
		encode_ts_by_base(t, e, ts, n, base);
	return put_smaller(t, base, out);
}

static void encode_dur_by_base(struct times_encoder *t, struct column_encoder *e, const int64_t *ts,
			       const int64_t *dur, uint32_t n, const struct times_base *base)
{
	const struct column_context none = {0};

	for (uint32_t i = 0; i < n; i++) {
		if (dur[i] == TABLE_NULL) {
			t->first[i] = t->second[i] = TABLE_NULL;
			continue;
		}
		uint32_t rank = rank_from(base, (uint32_t)t->ranks[i], ts[i] + dur[i]);

		t->first[i] = rank - t->ranks[i];
		t->second[i] = format_sub(ts[i] + dur[i], base->at[rank]);
	}
	t->based.n = 0;
	column_encode(e, t->first, n, 0, &none, &t->based);
	column_encode(e, t->second, n, 0, &none, &t->based);
}

bool times_encode_dur(struct times_encoder *t, struct column_encoder *e, const int64_t *ts,
		      const int64_t *dur, uint32_t n, const struct times_base *base,
		      struct bytes *out)
{
	t->plain.n = 0;
	column_encode(e, dur, n, 0, &(struct column_context){0}, &t->plain);
	if (base)
		encode_dur_by_base(t, e, ts, dur, n, base);
	return put_smaller(t, base, out);
}
