#include "tally/histogram.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

/*
 * Values below HISTOGRAM_STEPS have a place each, in octave 0; from there on every octave, [2^k,
 * 2^(k+1)), is cut into HISTOGRAM_STEPS equal steps.
 */
static void place_of(int64_t value, unsigned *octave, unsigned *step)
{
	if (value < HISTOGRAM_STEPS) {
		*octave = 0;
		*step = (unsigned)value;
		return;
	}
	unsigned log = 63 - (unsigned)__builtin_clzll((uint64_t)value);

	*octave = log - 6;
	*step = (unsigned)((uint64_t)value >> (log - 7)) - HISTOGRAM_STEPS;
}

static int64_t highest_in(unsigned octave, unsigned step)
{
	if (octave == 0)
		return step;
	uint64_t next = ((uint64_t)HISTOGRAM_STEPS + step + 1) << (octave - 1);

	return (int64_t)(next - 1);
}

static uint64_t *histogram_octave(struct histogram *h, unsigned octave)
{
	if (!h->octaves[octave])
		h->octaves[octave] = mem_zalloc(HISTOGRAM_STEPS, sizeof(uint64_t));
	return h->octaves[octave];
}

void histogram_add(struct histogram *h, int64_t value)
{
	unsigned octave, step;

	if (value < 0)
		value = 0;
	place_of(value, &octave, &step);
	histogram_octave(h, octave)[step]++;
	h->min = h->n && h->min < value ? h->min : value;
	h->max = h->n && h->max > value ? h->max : value;
	h->n++;
	h->sum = (int64_t)((uint64_t)h->sum + (uint64_t)value);
}

void histogram_merge(struct histogram *h, const struct histogram *from)
{
	if (!from->n)
		return;
	for (unsigned o = 0; o < HISTOGRAM_OCTAVES; o++) {
		if (!from->octaves[o])
			continue;
		for (unsigned s = 0; s < HISTOGRAM_STEPS; s++)
			histogram_octave(h, o)[s] += from->octaves[o][s];
	}
	h->min = h->n && h->min < from->min ? h->min : from->min;
	h->max = h->n && h->max > from->max ? h->max : from->max;
	h->n += from->n;
	h->sum = (int64_t)((uint64_t)h->sum + (uint64_t)from->sum);
}

uint64_t histogram_next(const struct histogram *h, unsigned *placep)
{
	for (; *placep < HISTOGRAM_OCTAVES * HISTOGRAM_STEPS; ++*placep) {
		const uint64_t *octave = h->octaves[*placep / HISTOGRAM_STEPS];

		if (octave && octave[*placep % HISTOGRAM_STEPS])
			return octave[*placep % HISTOGRAM_STEPS];
	}
	return 0;
}

void histogram_put(struct histogram *h, unsigned place, uint64_t n)
{
	histogram_octave(h, place / HISTOGRAM_STEPS)[place % HISTOGRAM_STEPS] += n;
}

void histogram_drop_counts(struct histogram *h)
{
	for (unsigned o = 0; o < HISTOGRAM_OCTAVES; o++) {
		free(h->octaves[o]);
		h->octaves[o] = NULL;
	}
}

int64_t histogram_quantile(const struct histogram *h, double share)
{
	uint64_t wanted = (uint64_t)ceil(share * (double)h->n), seen = 0;

	for (unsigned o = 0; o < HISTOGRAM_OCTAVES; o++) {
		for (unsigned s = 0; h->octaves[o] && s < HISTOGRAM_STEPS; s++) {
			seen += h->octaves[o][s];
			if (seen && seen >= wanted) {
				int64_t high = highest_in(o, s);

				return high < h->max ? high : h->max;
			}
		}
	}
	return 0;
}

enum { CLASS_STEPS = HISTOGRAM_STEPS / 16 };

/* Return: how many are in the class that begins with this step. */
static uint64_t histogram_class(const struct histogram *h, unsigned octave, unsigned step)
{
	uint64_t n = 0;

	for (unsigned s = step; h->octaves[octave] && s < step + CLASS_STEPS; s++)
		n += h->octaves[octave][s];
	return n;
}

size_t histogram_n_classes(const struct histogram *h)
{
	size_t n = 0;

	for (unsigned o = 0; o < HISTOGRAM_OCTAVES; o++) {
		for (unsigned s = 0; h->octaves[o] && s < HISTOGRAM_STEPS; s += CLASS_STEPS)
			n += histogram_class(h, o, s) != 0;
	}
	return n;
}

void histogram_classes(const struct histogram *h, int64_t *highest, int64_t *counts)
{
	for (unsigned o = 0; o < HISTOGRAM_OCTAVES; o++) {
		for (unsigned s = 0; h->octaves[o] && s < HISTOGRAM_STEPS; s += CLASS_STEPS) {
			uint64_t n = histogram_class(h, o, s);

			if (!n)
				continue;
			*highest++ = highest_in(o, s + CLASS_STEPS - 1);
			*counts++ = (int64_t)n;
		}
	}
}

void histogram_deinit(struct histogram *h)
{
	histogram_drop_counts(h);
	*h = (struct histogram){0};
}
