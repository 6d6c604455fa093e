#include "store/times.h"

#include "schema/table.h"

enum {
	AHEAD = 4,    /* times of the base that are looked at together */
	NEARBY = 4,   /* so often, before the time is taken for far away */
	SAMPLES = 64, /* times of the block that tell what all are like */
};

void times_encoder_deinit(struct times_encoder *t)
{
	bytes_deinit(&t->scratch);
}

/* Return: the number of the last of n >= 1 times that is not later than t; 0 if there is none. */
static inline uint32_t search(const int64_t *at, uint32_t n, int64_t t)
{
	uint32_t first = 0;

	for (uint32_t half; n > 1; n -= half) {
		half = n / 2;
		first += half & -(uint32_t)(at[first + half] <= t);
	}
	return first;
}

/* Return: the number of the last time that is not later than t, looked for from `rank` on. */
static inline uint32_t rank_from(const struct times_base *base, uint32_t rank, int64_t t)
{
	for (uint32_t i = 0; i < NEARBY && rank + AHEAD < base->n; i++) {
		const int64_t *next = base->at + rank + 1;
		/* They ascend; no branch on each, which nobody could foretell. */
		uint32_t n =
			(uint32_t)(next[0] <= t) + (next[1] <= t) + (next[2] <= t) + (next[3] <= t);

		rank += n;
		if (n < AHEAD)
			return rank;
	}
	return rank + search(base->at + rank, base->n - rank, t);
}

static void find_ranks(const struct times *times, const struct times_base *base, int64_t *ranks)
{
	uint32_t rank = 0;

	for (uint32_t i = 0; i < times->n; i++) {
		rank = rank_from(base, rank, times->ts[i]);
		ranks[i] = rank;
	}
}

static void encode_ts(struct times_encoder *t, struct column_encoder *e, const struct times *times,
		      const struct times_base *base, struct bytes *out)
{
	const struct column_values ranks = {.at = t->ranks, .n = times->n};
	struct column_values rest = {.at = t->first, .n = times->n, .known = true};

	find_ranks(times, base, t->ranks);
	for (uint32_t i = 0; i < times->n; i++) {
		t->first[i] = format_sub(times->ts[i], base->at[t->ranks[i]]);
		rest.max |= t->first[i];
	}
	column_encode_values(e, &ranks, COLUMN_IS_DELTA, out);
	column_encode_values(e, &rest, 0, out);
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

/* --- choosing --- */

static uint32_t n_samples(const struct times *times)
{
	return times->n < SAMPLES ? times->n : SAMPLES;
}

/* Return: how many of n_samples() times are exactly one of the base's. */
static uint32_t count_exact(const struct times *times, const struct times_base *base)
{
	const uint32_t n = n_samples(times);
	uint32_t exact = 0;

	for (uint32_t i = 0; i < n; i++) {
		int64_t t = times->ts[(size_t)i * times->n / n];

		exact += base->at[search(base->at, base->n, t)] == t;
	}
	return exact;
}

/*
 * Whether numbers of the base's times take less than the times themselves, which is so if a part of these
 * is exactly there. A part of this size was found to be where it turns; spans also have their ends there.
 */
static bool pays(const struct times *times, uint32_t exact)
{
	return exact * 16 > n_samples(times) * (times->dur ? 4 : 6);
}

void times_encode(struct times_encoder *t, struct column_encoder *e, const struct times *times,
		  const struct times_base *bases, uint32_t n_bases, struct bytes *out)
{
	uint32_t best = 0, most = 0;

	for (uint32_t i = 0; i < n_bases; i++) {
		uint32_t exact = count_exact(times, &bases[i]);

		best = exact > most ? i : best;
		most = exact > most ? exact : most;
	}
	if (pays(times, most))
		encode_by_base(t, e, times, &bases[best], out);
	else
		encode_plain(e, times, out);
}
