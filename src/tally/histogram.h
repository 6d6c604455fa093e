/*
 * histogram: durations, counted so that memory does not depend on how many there are.
 *
 * Quantiles are exact to 1/128 (under 0.8 %); counts, sums, minima and maxima are exact.
 */
#ifndef VMSCOPE_TALLY_HISTOGRAM_H
#define VMSCOPE_TALLY_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum { HISTOGRAM_OCTAVES = 64, HISTOGRAM_STEPS = 128 };

/* Durations in ns. A sum that has no room, which only a forged file has, wraps around. */
struct histogram {
	uint64_t n;
	int64_t sum, min, max;
	uint64_t *octaves[HISTOGRAM_OCTAVES]; /* owned; NULL while empty */
};

/* A negative value counts as 0. */
void histogram_add(struct histogram *h, int64_t value);
void histogram_merge(struct histogram *h, const struct histogram *from);
void histogram_deinit(struct histogram *h);

/*
 * Its counts alone, place by place, for who keeps them packed. Finds the first place from *placep
 * on that has any. Return: how many; 0: none follows.
 */
uint64_t histogram_next(const struct histogram *h, unsigned *placep);
void histogram_put(struct histogram *h, unsigned place, uint64_t n);

/* Leaves the counts out: n, sum, min and max stay, which histogram_merge() adds up. */
void histogram_drop_counts(struct histogram *h);

/* Return: the least value that at least `share` (0..1) of all do not exceed; 0 when empty. */
int64_t histogram_quantile(const struct histogram *h, double share);

/*
 * The same in fewer classes, for histograms that are kept and added up: 16 per octave, so that a
 * class's highest value exceeds none in it by more than 1/16. Return: how many are not empty.
 */
size_t histogram_n_classes(const struct histogram *h);

/* Their highest values, ascending, and how many are in each; room for that many in both. */
void histogram_classes(const struct histogram *h, int64_t *highest, int64_t *counts);

#endif
