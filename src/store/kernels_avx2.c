#include "store/kernels.h"

#include <stddef.h>

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>
#include <string.h>

#include "schema/table.h"
#include "store/bits.h"
#include "store/format.h"

#define AVX2 __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt")))
#define AVX2_INLINE \
	static inline __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt"), always_inline))

/* Of loops whose body is a few instructions. */
#define UNROLL _Pragma("GCC unroll 4")

enum { LANES = 4 }; /* numbers in a vector */

AVX2_INLINE __m256i avx2_load(const void *at)
{
	return _mm256_loadu_si256(at);
}

AVX2_INLINE void avx2_store(void *at, __m256i x)
{
	_mm256_storeu_si256(at, x);
}

AVX2_INLINE __m256i avx2_max64(__m256i a, __m256i b)
{
	return _mm256_blendv_epi8(a, b, _mm256_cmpgt_epi64(b, a));
}

AVX2_INLINE __m256i avx2_min64(__m256i a, __m256i b)
{
	return _mm256_blendv_epi8(b, a, _mm256_cmpgt_epi64(b, a));
}

/* The highest bit of each number. */
AVX2_INLINE unsigned avx2_tops(__m256i x)
{
	return (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(x));
}

AVX2_INLINE uint64_t avx2_or_all(__m256i x)
{
	__m128i two = _mm_or_si128(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));

	return (uint64_t)_mm_cvtsi128_si64(two) | (uint64_t)_mm_extract_epi64(two, 1);
}

AVX2_INLINE int64_t avx2_max_all(__m256i x)
{
	x = avx2_max64(x, _mm256_permute4x64_epi64(x, 0x4e));
	x = avx2_max64(x, _mm256_permute4x64_epi64(x, 0xb1));
	return _mm_cvtsi128_si64(_mm256_castsi256_si128(x));
}

AVX2_INLINE int64_t avx2_min_all(__m256i x)
{
	x = avx2_min64(x, _mm256_permute4x64_epi64(x, 0x4e));
	x = avx2_min64(x, _mm256_permute4x64_epi64(x, 0xb1));
	return _mm_cvtsi128_si64(_mm256_castsi256_si128(x));
}

AVX2_INLINE __m256i avx2_all_of(int64_t x)
{
	return _mm256_set1_epi64x(x);
}

/* --- rows and columns --- */

/* Up to four columns of four rows. */
AVX2_INLINE void avx2_transpose_four(const int64_t *rows, uint32_t width, int64_t *to,
				     size_t stride, uint32_t n_columns)
{
	__m256i a = avx2_load(rows), b = avx2_load(rows + width);
	__m256i c = avx2_load(rows + 2 * (size_t)width), d = avx2_load(rows + 3 * (size_t)width);
	__m256i ab = _mm256_unpacklo_epi64(a, b), ab1 = _mm256_unpackhi_epi64(a, b);
	__m256i cd = _mm256_unpacklo_epi64(c, d), cd1 = _mm256_unpackhi_epi64(c, d);

	avx2_store(to, _mm256_permute2x128_si256(ab, cd, 0x20));
	if (n_columns > 1)
		avx2_store(to + stride, _mm256_permute2x128_si256(ab1, cd1, 0x20));
	if (n_columns > 2)
		avx2_store(to + 2 * stride, _mm256_permute2x128_si256(ab, cd, 0x31));
	if (n_columns > 3)
		avx2_store(to + 3 * stride, _mm256_permute2x128_si256(ab1, cd1, 0x31));
}

/* What is written behind the last row does not matter. */
AVX2_INLINE void avx2_transpose_some(const int64_t *rows, uint32_t n, uint32_t width, int64_t *to,
				     size_t stride, uint32_t n_columns)
{
	uint32_t i = 0;

	for (; i + LANES <= n; i += LANES, rows += LANES * (size_t)width)
		avx2_transpose_four(rows, width, to + i, stride, n_columns);
	for (; i < n; i++, rows += width) {
		for (uint32_t c = 0; c < n_columns; c++)
			to[c * stride + i] = rows[c];
	}
}

AVX2 static void avx2_transpose(const int64_t *rows, uint32_t n, uint32_t width, int64_t *columns,
				uint32_t stride)
{
	uint32_t c = 0;

	for (; c + LANES <= width; c += LANES)
		avx2_transpose_some(rows + c, n, width, columns + (size_t)c * stride, stride,
				    LANES);
	columns += (size_t)c * stride;
	switch (width - c) {
	case 1:
		avx2_transpose_some(rows + c, n, width, columns, stride, 1);
		break;
	case 2:
		avx2_transpose_some(rows + c, n, width, columns, stride, 2);
		break;
	case 3:
		avx2_transpose_some(rows + c, n, width, columns, stride, 3);
		break;
	}
}

/* --- what is known of values --- */

/* Of so many numbers that they fill vectors. */
AVX2_INLINE int64_t avx2_most(const int64_t *at, uint32_t n)
{
	__m256i most = avx2_all_of(INT64_MIN);

	UNROLL
	for (uint32_t i = 0; i < n; i += LANES)
		most = avx2_max64(most, avx2_load(at + i));
	return avx2_max_all(most);
}

/* NULL, the least of all, becomes the largest when one is taken off. */
AVX2_INLINE struct kernel_range avx2_range_of_whole(const int64_t *at, uint32_t n)
{
	const __m256i one = avx2_all_of(1);
	__m256i least = avx2_all_of(INT64_MAX), most = avx2_all_of(INT64_MIN);

	UNROLL
	for (uint32_t i = 0; i < n; i += LANES) {
		__m256i x = _mm256_sub_epi64(avx2_load(at + i), one);

		least = avx2_min64(least, x);
		most = avx2_max64(most, x);
	}
	int64_t min = avx2_min_all(least), max = avx2_max_all(most);

	if (max != INT64_MAX)
		return (struct kernel_range){min + 1, max + 1, false, true};
	if (min == INT64_MAX)
		return (struct kernel_range){0, 0, true, false};
	return (struct kernel_range){min + 1, avx2_most(at, n), true, true};
}

AVX2 static struct kernel_range avx2_range(const int64_t *at, uint32_t n)
{
	const uint32_t whole = n / LANES * LANES;

	if (!whole)
		return kernels_plain()->range(at, n);
	struct kernel_range r = avx2_range_of_whole(at, whole);

	if (whole == n)
		return r;
	struct kernel_range rest = kernels_plain()->range(at + whole, n - whole);

	if (!r.known || !rest.known) {
		struct kernel_range known = r.known ? r : rest;

		known.nulls = r.nulls | rest.nulls;
		return known;
	}
	r.min = rest.min < r.min ? rest.min : r.min;
	r.max = rest.max > r.max ? rest.max : r.max;
	r.nulls |= rest.nulls;
	return r;
}

AVX2 static bool avx2_has_null(const int64_t *at, uint32_t n)
{
	const __m256i null = avx2_all_of(TABLE_NULL);
	const uint32_t whole = n / LANES * LANES;
	__m256i nulls = _mm256_setzero_si256();

	UNROLL
	for (uint32_t i = 0; i < whole; i += LANES)
		nulls = _mm256_or_si256(nulls, _mm256_cmpeq_epi64(avx2_load(at + i), null));
	return avx2_tops(nulls) || kernels_plain()->has_null(at + whole, n - whole);
}

/* --- rows by their states --- */

AVX2 static uint64_t avx2_state_bits(const int64_t *state, uint32_t n, uint64_t *bits)
{
	const __m256i one = avx2_all_of(1);
	const uint32_t whole = n / LANES * LANES;
	__m256i all = _mm256_setzero_si256();

	UNROLL
	for (uint32_t i = 0; i < whole; i += LANES) {
		__m256i x = _mm256_sllv_epi64(one, avx2_load(state + i));

		all = _mm256_or_si256(all, x);
		avx2_store(bits + i, x);
	}
	return avx2_or_all(all) |
	       kernels_plain()->state_bits(state + whole, n - whole, bits + whole);
}

AVX2 static uint64_t avx2_known(const uint64_t *bits, const int64_t *at, uint32_t n)
{
	const __m256i null = avx2_all_of(TABLE_NULL);
	const uint32_t whole = n / LANES * LANES;
	__m256i known = _mm256_setzero_si256();

	UNROLL
	for (uint32_t i = 0; i < whole; i += LANES) {
		__m256i is_null = _mm256_cmpeq_epi64(null, avx2_load(at + i));

		known = _mm256_or_si256(known, _mm256_andnot_si256(is_null, avx2_load(bits + i)));
	}
	return avx2_or_all(known) | kernels_plain()->known(bits + whole, at + whole, n - whole);
}

/* Of the bits for 64 rows from the first on those that are of one of n rows. */
AVX2_INLINE uint64_t avx2_first_bits(uint64_t bits, uint32_t n)
{
	return n < 64 ? _bzhi_u64(bits, n) : bits;
}

/* A bit for each of 64 numbers that has none of the mask's bits. */
AVX2_INLINE uint64_t avx2_without(const uint64_t *at, __m256i mask)
{
	uint64_t word = 0;

#pragma GCC unroll 16
	for (uint32_t k = 0; k < 64; k += LANES) {
		__m256i masked = _mm256_and_si256(mask, avx2_load(at + k));
		__m256i is_zero = _mm256_cmpeq_epi64(masked, _mm256_setzero_si256());

		word |= (uint64_t)avx2_tops(is_zero) << k;
	}
	return word;
}

AVX2 static uint32_t avx2_choose(const uint64_t *bits, uint64_t mask, uint32_t n, uint64_t *chosen)
{
	const __m256i masks = avx2_all_of((int64_t)mask);
	uint32_t count = 0;

	for (uint32_t i = 0; i < n; i += 64) {
		chosen[i / 64] = avx2_first_bits(avx2_without(bits + i, masks), n - i);
		count += (uint32_t)_mm_popcnt_u64(chosen[i / 64]);
	}
	return count;
}

/* Puts those of four numbers that have a bit first. */
AVX2_INLINE __m256i avx2_take_first(__m256i x, unsigned bits)
{
	/* By bits: where the two halves of each number come from, four bits each. */
	static const uint32_t from[16] = {0x76543210, 0x76543210, 0x76541032, 0x76543210,
					  0x76321054, 0x76325410, 0x76105432, 0x76543210,
					  0x54321076, 0x54327610, 0x54107632, 0x54763210,
					  0x32107654, 0x32765410, 0x10765432, 0x76543210};
	const __m256i places = _mm256_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28);

	return _mm256_permutevar8x32_epi32(
		x, _mm256_srlv_epi32(_mm256_set1_epi32((int)from[bits]), places));
}

AVX2 static void avx2_keep(const int64_t *at, const uint64_t *chosen, uint32_t n, int64_t *kept)
{
	for (uint32_t i = 0; i < n; i += 64) {
		for (uint64_t bits = chosen[i / 64], k = i; bits; bits >>= LANES, k += LANES) {
			unsigned four = bits & 15;

			avx2_store(kept, avx2_take_first(avx2_load(at + k), four));
			kept += _mm_popcnt_u32(four);
		}
	}
}

/* --- codes --- */

AVX2 static void avx2_shift(const int64_t *at, uint64_t by, uint32_t n, uint64_t *codes)
{
	const __m256i add = avx2_all_of((int64_t)by);

	UNROLL
	for (uint32_t i = 0; i < n; i += LANES)
		avx2_store(codes + i, _mm256_add_epi64(avx2_load(at + i), add));
}

AVX2 static void avx2_shift_known(const int64_t *at, uint64_t by, uint32_t n, uint64_t *codes)
{
	const __m256i add = avx2_all_of((int64_t)by), null = avx2_all_of(TABLE_NULL);

	UNROLL
	for (uint32_t i = 0; i < n; i += LANES) {
		__m256i x = avx2_load(at + i);

		avx2_store(codes + i, _mm256_andnot_si256(_mm256_cmpeq_epi64(x, null),
							  _mm256_add_epi64(x, add)));
	}
}

AVX2 static struct kernel_span avx2_subtract(const int64_t *a, const int64_t *b, uint32_t n,
					     uint64_t *codes)
{
	const uint32_t whole = n / LANES * LANES;
	__m256i least = avx2_all_of(INT64_MAX), most = avx2_all_of(INT64_MIN);

	UNROLL
	for (uint32_t i = 0; i < whole; i += LANES) {
		__m256i x = _mm256_sub_epi64(avx2_load(a + i), avx2_load(b + i));

		avx2_store(codes + i, x);
		least = avx2_min64(least, x);
		most = avx2_max64(most, x);
	}
	struct kernel_span r = {avx2_min_all(least), avx2_max_all(most)};

	if (whole == n && n)
		return r;
	struct kernel_span rest =
		kernels_plain()->subtract(a + whole, b + whole, n - whole, codes + whole);

	if (!whole)
		return rest;
	r.min = rest.min < r.min ? rest.min : r.min;
	r.max = rest.max > r.max ? rest.max : r.max;
	return r;
}

AVX2 static uint64_t avx2_times(const int64_t *at, uint32_t n, uint64_t *codes)
{
	const uint32_t whole = (n - 1) / LANES * LANES;
	__m256i all = _mm256_setzero_si256();

	UNROLL
	for (uint32_t i = 0; i < whole; i += LANES) {
		__m256i x = _mm256_sub_epi64(avx2_load(at + i + 1), avx2_load(at + i));

		avx2_store(codes + i, x);
		all = _mm256_or_si256(all, x);
	}
	return avx2_or_all(all) | kernels_plain()->times(at + whole, n - whole, codes + whole);
}

AVX2 static void avx2_take_off(int64_t *a, const int64_t *b, uint32_t n)
{
	UNROLL
	for (uint32_t i = 0; i < n; i += LANES)
		avx2_store(a + i, _mm256_sub_epi64(avx2_load(a + i), avx2_load(b + i)));
}

/* --- packing --- */

enum { EXACT_BITS = 52 }; /* numbers below 2^52 are exact as doubles */

/* The exponents of four numbers as doubles: 1022 more than their length, or 0. */
AVX2_INLINE __m256i avx2_exponents(const uint64_t *codes)
{
	/* A number in the low bits of 2^52 makes this the sum of both. */
	const __m256i magic = avx2_all_of(INT64_C(0x4330000000000000));
	__m256d x = _mm256_castsi256_pd(_mm256_or_si256(avx2_load(codes), magic));

	x = _mm256_sub_pd(x, _mm256_castsi256_pd(magic));
	return _mm256_srli_epi64(_mm256_castpd_si256(x), 52);
}

/* Lengths of 16 numbers. */
AVX2_INLINE __m128i avx2_sixteen_lengths(const uint64_t *codes)
{
	const __m128i order = _mm_setr_epi8(0, 2, 8, 10, 1, 3, 9, 11, 4, 6, 12, 14, 5, 7, 13, 15);
	__m256i ab = _mm256_or_si256(avx2_exponents(codes),
				     _mm256_slli_epi64(avx2_exponents(codes + 4), 32));
	__m256i cd = _mm256_or_si256(avx2_exponents(codes + 8),
				     _mm256_slli_epi64(avx2_exponents(codes + 12), 32));
	/* a0 b0 a1 b1 c0 d0 c1 d1, a2 b2 a3 b3 c2 d2 c3 d3 */
	__m256i words = _mm256_subs_epu16(_mm256_packus_epi32(ab, cd), _mm256_set1_epi16(1022));
	__m128i bytes =
		_mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));

	return _mm_shuffle_epi8(bytes, order);
}

AVX2 static struct kernel_lengths avx2_lengths(const uint64_t *codes, uint64_t top, uint32_t n,
					       uint8_t *lengths)
{
	const __m128i zero = _mm_setzero_si128();
	__m128i bits = zero;
	struct kernel_lengths r = {0};
	uint32_t i = 0;

	for (; top >> EXACT_BITS == 0 && i + 16 <= n; i += 16) {
		__m128i x = avx2_sixteen_lengths(codes + i);

		_mm_storeu_si128((__m128i *)(lengths + i), x);
		bits = _mm_add_epi64(bits, _mm_sad_epu8(x, zero));
		r.zeros += (uint32_t)_mm_popcnt_u32(
			(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, zero)));
	}
	r.bits = (uint32_t)(_mm_cvtsi128_si64(bits) + _mm_extract_epi64(bits, 1));
	for (; i < n; i++) {
		lengths[i] = (uint8_t)(64 - _lzcnt_u64(codes[i]));
		r.bits += lengths[i];
		r.zeros += !lengths[i];
	}
	return r;
}

AVX2 static uint32_t avx2_nonzero(const uint64_t *codes, uint32_t n, uint64_t *nonzero)
{
	const __m256i all = avx2_all_of(-1);
	uint32_t count = 0;

	for (uint32_t i = 0; i < n; i += 64) {
		nonzero[i / 64] = avx2_first_bits(~avx2_without(codes + i, all), n - i);
		count += (uint32_t)_mm_popcnt_u64(nonzero[i / 64]);
	}
	return count;
}

/* Where there are fewer bits than this of 64, each by itself is faster. */
enum { FEW_BITS = 20 };

AVX2_INLINE uint64_t *avx2_drop_each(const uint64_t *codes, uint64_t bits, uint64_t *to,
				     uint64_t *allp)
{
	for (; bits; bits = _blsr_u64(bits)) {
		uint64_t x = codes[_tzcnt_u64(bits)] - 1;

		*to++ = x;
		*allp |= x;
	}
	return to;
}

AVX2_INLINE uint64_t *avx2_drop_fours(const uint64_t *codes, uint64_t bits, uint64_t *to,
				      __m256i *allp)
{
	const __m256i zero = _mm256_setzero_si256(), ones = avx2_all_of(-1);

	for (; bits; bits >>= LANES, codes += LANES) {
		__m256i x = avx2_load(codes), less = _mm256_add_epi64(x, ones);
		__m256i is_zero = _mm256_cmpeq_epi64(x, zero);

		*allp = _mm256_or_si256(*allp, _mm256_andnot_si256(is_zero, less));
		avx2_store(to, avx2_take_first(less, bits & 15));
		to += _mm_popcnt_u32(bits & 15);
	}
	return to;
}

AVX2 static uint64_t avx2_drop_zeros(uint64_t *codes, const uint64_t *nonzero, uint32_t n)
{
	__m256i alls = _mm256_setzero_si256();
	uint64_t *to = codes, all = 0;

	for (uint32_t i = 0; i < n; i += 64) {
		uint64_t bits = nonzero[i / 64];

		/* What lies behind the last code is none. */
		if (n - i < 64 || _mm_popcnt_u64(bits) < FEW_BITS)
			to = avx2_drop_each(codes + i, bits, to, &all);
		else
			to = avx2_drop_fours(codes + i, bits, to, &alls);
	}
	return all | avx2_or_all(alls);
}

/* Numbers below 4, four of them in each byte, in the first four bytes of each half. */
AVX2_INLINE uint64_t avx2_join_selectors(__m256i s)
{
	const __m256i twos = _mm256_set1_epi16(1 | 4 << 8), fours = _mm256_set1_epi32(1 | 16 << 16);
	__m256i x = _mm256_madd_epi16(_mm256_maddubs_epi16(s, twos), fours);

	x = _mm256_packus_epi32(x, x);
	x = _mm256_packus_epi16(x, x);
	return (uint32_t)_mm_cvtsi128_si32(_mm256_castsi256_si128(x)) |
	       (uint64_t)(uint32_t)_mm_cvtsi128_si32(_mm256_extracti128_si256(x, 1)) << 32;
}

AVX2 static void avx2_classify(const uint8_t *widths, uint8_t *lengths, uint32_t n,
			       uint8_t *selectors)
{
	uint32_t four, i = 0;

	memcpy(&four, widths, sizeof(four));
	const __m256i by_selector = _mm256_set1_epi32((int)four);
	const __m256i first = _mm256_set1_epi8((char)widths[0]);
	const __m256i second = _mm256_set1_epi8((char)widths[1]);
	const __m256i third = _mm256_set1_epi8((char)widths[2]);

	for (; i + 32 <= n; i += 32) {
		__m256i x = avx2_load(lengths + i);
		__m256i minus = _mm256_add_epi8(
			_mm256_cmpgt_epi8(x, first),
			_mm256_add_epi8(_mm256_cmpgt_epi8(x, second), _mm256_cmpgt_epi8(x, third)));
		__m256i s = _mm256_sub_epi8(_mm256_setzero_si256(), minus);

		avx2_store(lengths + i, _mm256_shuffle_epi8(by_selector, s));
		format_store64(selectors + i / 4, avx2_join_selectors(s));
	}
	kernels_plain()->classify(widths, lengths + i, n - i, selectors + i / 4);
}

AVX2 static uint8_t *avx2_put_fixed(uint8_t *at, const uint64_t *codes, uint32_t n, unsigned width)
{
	return bits_put_fixed(at, codes, n, width);
}

AVX2 static uint8_t *avx2_put_each(uint8_t *at, const uint64_t *codes, const uint8_t *widths,
				   uint32_t n, unsigned widest)
{
	return bits_put_each(at, codes, widths, n, widest);
}

/* --- times by others --- */

enum { NEARBY = 4 * LANES }; /* times of the base, before a time is taken for far away */

/* Return: the number of the last time that is not later than t, looked for from `rank` on. */
AVX2_INLINE uint32_t avx2_rank_from(const int64_t *base, uint32_t n_base, uint32_t rank, int64_t t)
{
	const __m256i times = avx2_all_of(t);
	const uint32_t end = rank + NEARBY + LANES < n_base ? rank + NEARBY : 0;

	for (; rank < end; rank += LANES) {
		__m256i next = avx2_load(base + rank + 1);
		unsigned later = avx2_tops(_mm256_cmpgt_epi64(next, times));

		if (later)
			return rank + _tzcnt_u32(later);
	}
	return rank + kernel_search(base + rank, n_base - rank, t);
}

AVX2 static uint64_t avx2_ranks(const struct kernel_times *times, int64_t *ranks, int64_t *rest)
{
	const struct kernel_times by = *times;
	uint32_t rank = 0;
	uint64_t all = 0;

	for (uint32_t i = 0; i < by.n; i++) {
		int64_t t = by.at[i];

		rank = by.from ? (uint32_t)by.from[i] : rank;
		rank = avx2_rank_from(by.base, by.n_base, rank, t);
		ranks[i] = rank;
		rest[i] = format_sub(t, by.base[rank]);
		all |= (uint64_t)rest[i];
	}
	return all;
}

/* The last of the base's times that is not later than each of the four, or the first. */
AVX2_INLINE __m256i avx2_search_step(const int64_t *base, __m256i first, int64_t half,
				     __m256i times)
{
	__m256i later, next = _mm256_add_epi64(first, avx2_all_of(half));

	later = _mm256_cmpgt_epi64(_mm256_i64gather_epi64((const long long *)base, next, 8), times);
	return _mm256_blendv_epi8(next, first, later);
}

AVX2_INLINE unsigned avx2_are_at(const int64_t *base, __m256i places, __m256i times)
{
	__m256i found = _mm256_i64gather_epi64((const long long *)base, places, 8);

	return avx2_tops(_mm256_cmpeq_epi64(found, times));
}

/* Eight searches at the same time, of which none waits for another. */
AVX2 static uint32_t avx2_exact(const struct kernel_times *times)
{
	const int64_t *base = times->base;
	const uint32_t whole = times->n / 8 * 8;
	struct kernel_times rest = *times;
	uint32_t exact = 0;

	for (uint32_t i = 0; i < whole; i += 8) {
		__m256i a = _mm256_setzero_si256(), b = a;
		__m256i t = avx2_load(times->at + i), u = avx2_load(times->at + i + LANES);

		for (uint32_t half, n = times->n_base; n > 1; n -= half) {
			half = n / 2;
			a = avx2_search_step(base, a, half, t);
			b = avx2_search_step(base, b, half, u);
		}
		exact += (uint32_t)_mm_popcnt_u32(avx2_are_at(base, a, t) | avx2_are_at(base, b, u)
										    << LANES);
	}
	rest.at += whole;
	rest.n -= whole;
	return exact + kernels_plain()->exact(&rest);
}

/* clang 14 cannot ask for it by name. */
static bool has_lzcnt(void)
{
	unsigned a, b, c, d;

	return __get_cpuid(0x80000001, &a, &b, &c, &d) && c & bit_LZCNT;
}

const struct kernels *kernels_avx2(void)
{
	static const struct kernels avx2 = {
		.transpose = avx2_transpose,
		.range = avx2_range,
		.has_null = avx2_has_null,
		.state_bits = avx2_state_bits,
		.known = avx2_known,
		.choose = avx2_choose,
		.keep = avx2_keep,
		.shift = avx2_shift,
		.shift_known = avx2_shift_known,
		.subtract = avx2_subtract,
		.times = avx2_times,
		.take_off = avx2_take_off,
		.lengths = avx2_lengths,
		.nonzero = avx2_nonzero,
		.drop_zeros = avx2_drop_zeros,
		.classify = avx2_classify,
		.put_fixed = avx2_put_fixed,
		.put_each = avx2_put_each,
		.ranks = avx2_ranks,
		.exact = avx2_exact,
	};

	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
			       __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt") &&
			       has_lzcnt()
		       ? &avx2
		       : NULL;
}

#else

const struct kernels *kernels_avx2(void)
{
	return NULL;
}

#endif
