#include "store/kernels.h"

#include <stddef.h>
#include <string.h>

#include "schema/table.h"
#include "store/bits.h"
#include "store/format.h"

/* --- rows and columns --- */

static void plain_transpose(const int64_t *rows, uint32_t n, uint32_t width, int64_t *columns,
			    uint32_t stride)
{
	for (uint32_t c = 0; c < width; c++) {
		for (uint32_t i = 0; i < n; i++)
			columns[(size_t)c * stride + i] = rows[(size_t)i * width + c];
	}
}

/* --- what is known of values --- */

/* NULL, the least of all, becomes the largest where the least is looked for. */
static struct kernel_range plain_range(const int64_t *at, uint32_t n)
{
	int64_t least = INT64_MAX, most = INT64_MIN;
	bool nulls = false;

	for (uint32_t i = 0; i < n; i++) {
		int64_t x = at[i], rank = format_sub(x, 1);

		least = rank < least ? rank : least;
		most = x > most ? x : most;
		nulls |= x == TABLE_NULL;
	}
	bool known = most != TABLE_NULL;

	return (struct kernel_range){known ? least + 1 : 0, known ? most : 0, nulls, known};
}

static bool plain_has_null(const int64_t *at, uint32_t n)
{
	bool null = false;

	for (uint32_t i = 0; i < n; i++)
		null |= at[i] == TABLE_NULL;
	return null;
}

/* --- rows by their states --- */

static uint64_t plain_state_bits(const int64_t *state, uint32_t n, uint64_t *bits)
{
	uint64_t all = 0;

	for (uint32_t i = 0; i < n; i++) {
		bits[i] = UINT64_C(1) << state[i];
		all |= bits[i];
	}
	return all;
}

static uint64_t plain_known(const uint64_t *bits, const int64_t *at, uint32_t n)
{
	uint64_t known = 0;

	/* No branch on each, which nobody could foretell. */
	for (uint32_t i = 0; i < n; i++)
		known |= bits[i] & -(uint64_t)(at[i] != TABLE_NULL);
	return known;
}

static uint32_t plain_choose(const uint64_t *bits, uint64_t mask, uint32_t n, uint64_t *chosen)
{
	uint32_t count = 0;

	memset(chosen, 0, sizeof(*chosen) * ((n + 63) / 64));
	for (uint32_t i = 0; i < n; i++) {
		uint64_t take = !(bits[i] & mask);

		chosen[i / 64] |= take << i % 64;
		count += (uint32_t)take;
	}
	return count;
}

static void plain_keep(const int64_t *at, const uint64_t *chosen, uint32_t n, int64_t *kept)
{
	for (uint32_t i = 0; i < n; i++) {
		*kept = at[i];
		kept += chosen[i / 64] >> i % 64 & 1;
	}
}

/* --- codes --- */

static void plain_shift(const int64_t *at, uint64_t by, uint32_t n, uint64_t *codes)
{
	for (uint32_t i = 0; i < n; i++)
		codes[i] = (uint64_t)at[i] + by;
}

static void plain_shift_known(const int64_t *at, uint64_t by, uint32_t n, uint64_t *restrict codes)
{
	for (uint32_t i = 0; i < n; i++)
		codes[i] = at[i] == TABLE_NULL ? 0 : (uint64_t)at[i] + by;
}

static struct kernel_span plain_subtract(const int64_t *a, const int64_t *b, uint32_t n,
					 uint64_t *restrict codes)
{
	struct kernel_span s = {n ? INT64_MAX : 0, n ? INT64_MIN : 0};

	for (uint32_t i = 0; i < n; i++) {
		int64_t x = format_sub(a[i], b[i]);

		codes[i] = (uint64_t)x;
		s.min = x < s.min ? x : s.min;
		s.max = x > s.max ? x : s.max;
	}
	return s;
}

static uint64_t plain_times(const int64_t *at, uint32_t n, uint64_t *restrict codes)
{
	uint64_t all = 0;

	for (uint32_t i = 0; i + 1 < n; i++) {
		codes[i] = (uint64_t)format_sub(at[i + 1], at[i]);
		all |= codes[i];
	}
	return all;
}

static void plain_take_off(int64_t *a, const int64_t *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		a[i] = format_sub(a[i], b[i]);
}

/* --- packing --- */

/* Twice a number and one more is never 0, which has no highest bit. */
static unsigned plain_length(uint64_t code, bool highest)
{
	return highest ? bit_length(code) : 63U ^ (unsigned)__builtin_clzll(code << 1 | 1);
}

static struct kernel_lengths plain_lengths(const uint64_t *codes, uint64_t top, uint32_t n,
					   uint8_t *lengths)
{
	const bool highest = top >> 63;
	struct kernel_lengths r = {0};

	for (uint32_t i = 0; i < n; i++) {
		unsigned length = plain_length(codes[i], highest);

		lengths[i] = (uint8_t)length;
		r.bits += length;
		r.zeros += !length;
	}
	return r;
}

static uint32_t plain_nonzero(const uint64_t *codes, uint32_t n, uint64_t *nonzero)
{
	uint32_t count = 0;

	memset(nonzero, 0, sizeof(*nonzero) * ((n + 63) / 64));
	for (uint32_t i = 0; i < n; i++) {
		uint64_t bit = codes[i] != 0;

		nonzero[i / 64] |= bit << i % 64;
		count += (uint32_t)bit;
	}
	return count;
}

static uint64_t plain_drop_zeros(uint64_t *codes, const uint64_t *nonzero, uint32_t n)
{
	uint64_t *to = codes, all = 0;

	for (uint32_t i = 0; i < n; i += 64) {
		for (uint64_t bits = nonzero[i / 64]; bits; bits &= bits - 1) {
			uint64_t x = codes[i + (uint32_t)__builtin_ctzll(bits)] - 1;

			*to++ = x;
			all |= x;
		}
	}
	return all;
}

static void plain_classify(const uint8_t *widths, uint8_t *lengths, uint32_t n, uint8_t *selectors)
{
	memset(selectors, 0, (n + 3) / 4);
	for (uint32_t i = 0; i < n; i++) {
		unsigned length = lengths[i];
		unsigned s = (length > widths[0]) + (length > widths[1]) + (length > widths[2]);

		lengths[i] = widths[s];
		selectors[i / 4] |= (uint8_t)(s << i % 4 * 2);
	}
}

static uint8_t *plain_put_fixed(uint8_t *at, const uint64_t *codes, uint32_t n, unsigned width)
{
	return bits_put_fixed(at, codes, n, width);
}

static uint8_t *plain_put_each(uint8_t *at, const uint64_t *codes, const uint8_t *widths,
			       uint32_t n, unsigned widest)
{
	return bits_put_each(at, codes, widths, n, widest);
}

/* --- times by others --- */

enum {
	AHEAD = 4,  /* times of the base that are looked at together */
	NEARBY = 4, /* so often, before the time is taken for far away */
};

/* Return: the number of the last time that is not later than t, looked for from `rank` on. */
static inline uint32_t plain_rank_from(const int64_t *base, uint32_t n_base, uint32_t rank,
				       int64_t t)
{
	for (uint32_t i = 0; i < NEARBY && rank + AHEAD < n_base; i++) {
		const int64_t *next = base + rank + 1;
		/* They ascend; no branch on each, which nobody could foretell. */
		uint32_t n =
			(uint32_t)(next[0] <= t) + (next[1] <= t) + (next[2] <= t) + (next[3] <= t);

		rank += n;
		if (n < AHEAD)
			return rank;
	}
	return rank + kernel_search(base + rank, n_base - rank, t);
}

static uint64_t plain_ranks(const struct kernel_times *times, int64_t *ranks, int64_t *rest)
{
	uint32_t rank = 0;
	uint64_t all = 0;

	for (uint32_t i = 0; i < times->n; i++) {
		int64_t t = times->at[i];

		rank = times->from ? (uint32_t)times->from[i] : rank;
		rank = plain_rank_from(times->base, times->n_base, rank, t);
		ranks[i] = rank;
		rest[i] = format_sub(t, times->base[rank]);
		all |= (uint64_t)rest[i];
	}
	return all;
}

static uint32_t plain_exact(const struct kernel_times *times)
{
	uint32_t exact = 0, rank = 0;

	for (uint32_t i = 0; i < times->n; i++) {
		rank += kernel_search(times->base + rank, times->n_base - rank, times->at[i]);
		exact += times->base[rank] == times->at[i];
	}
	return exact;
}

/* --- choice --- */

const struct kernels *kernels_plain(void)
{
	static const struct kernels plain = {
		.transpose = plain_transpose,
		.range = plain_range,
		.has_null = plain_has_null,
		.state_bits = plain_state_bits,
		.known = plain_known,
		.choose = plain_choose,
		.keep = plain_keep,
		.shift = plain_shift,
		.shift_known = plain_shift_known,
		.subtract = plain_subtract,
		.times = plain_times,
		.take_off = plain_take_off,
		.lengths = plain_lengths,
		.nonzero = plain_nonzero,
		.drop_zeros = plain_drop_zeros,
		.classify = plain_classify,
		.put_fixed = plain_put_fixed,
		.put_each = plain_put_each,
		.ranks = plain_ranks,
		.exact = plain_exact,
	};

	return &plain;
}
