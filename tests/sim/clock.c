#include "clock.h"

#include <stdlib.h>

static const int64_t SECOND = 1000000000;

static int64_t scale(int64_t ns, uint64_t freq)
{
	return (int64_t)((__int128)ns * (int64_t)freq / SECOND);
}

static void add_piece(struct machine_clock *c, int64_t from, int64_t begin, double ppm)
{
	struct clock_segment *s = vec_push(&c->pieces);
	*s = (struct clock_segment){.from = from, .begin = begin, .drift = ppm * 1e-6};
	s->inverse = s->drift / (1 + s->drift);
}

static int64_t at(const struct clock_segment *s, int64_t reference)
{
	int64_t d = reference - s->begin;
	return s->from + d - (int64_t)((double)d * s->inverse);
}

/* Slews and steps share one walk along the reference: whichever comes first starts a piece. */
static void add_pieces(struct machine_clock *c, const struct clock_spec *spec, struct rng *r)
{
	int64_t end = spec->epoch + spec->duration, slew = INT64_MAX, step = INT64_MAX;
	int64_t step_every = spec->duration / (spec->steps + 1);
	double ppm = spec->drift_ppm;
	unsigned steps = 0;

	if (spec->slew_ppm > 0)
		slew = spec->epoch + rng_range(r, spec->slew_every / 2, spec->slew_every * 3 / 2);
	if (spec->steps)
		step = spec->epoch + step_every;
	while ((slew < step ? slew : step) < end) {
		const struct clock_segment *last = &c->pieces.at[c->pieces.n - 1];
		if (step <= slew) {
			add_piece(c, at(last, step) + spec->step_ns, step, ppm);
			step = ++steps < spec->steps ? step + step_every : INT64_MAX;
			continue;
		}
		ppm = spec->drift_ppm + spec->slew_ppm * (double)rng_range(r, -1000, 1000) / 1000;
		add_piece(c, at(last, slew), slew, ppm);
		slew += rng_range(r, spec->slew_every / 2, spec->slew_every * 3 / 2);
	}
}

static int64_t whole_second(int64_t ns)
{
	return ns - ns % SECOND;
}

/*
 * The machine's boot and its time of day then are put on whole seconds, which the metadata can tell
 * exactly whatever the frequency.
 */
static void init_tsc(struct machine_clock *c, const struct clock_spec *spec, int64_t from)
{
	c->host_freq = spec->host_tsc_freq;
	c->freq = spec->tsc_freq;
	c->host_origin = whole_second(c->host_origin);
	c->origin = whole_second(c->origin);
	if (spec->is_host)
		return;
	c->tsc_ratio =
		(uint64_t)(((unsigned __int128)spec->tsc_freq << TSC_FRAC) / spec->host_tsc_freq);
	int64_t host_cycles = scale(spec->epoch - c->host_origin, spec->host_tsc_freq);
	unsigned __int128 scaled = (unsigned __int128)host_cycles * c->tsc_ratio;
	c->tsc_offset =
		scale(from - c->origin, spec->tsc_freq) - (int64_t)(uint64_t)(scaled >> TSC_FRAC);
}

void machine_clock_init(struct machine_clock *c, const struct clock_spec *spec, struct rng *r)
{
	int64_t from = spec->epoch + (spec->is_host ? 0 : spec->begin_error);

	*c = (struct machine_clock){.tsc = spec->tsc,
				    .is_host = spec->is_host,
				    .epoch = spec->epoch,
				    .freq = (uint64_t)SECOND,
				    .origin = from - spec->uptime,
				    .host_origin = spec->epoch - spec->host_uptime};
	if (spec->tsc)
		init_tsc(c, spec, from);
	add_piece(c, from, spec->epoch, spec->is_host || spec->tsc ? 0 : spec->drift_ppm);
	if (!spec->is_host && !spec->tsc)
		add_pieces(c, spec, r);
}

void machine_clock_deinit(struct machine_clock *c)
{
	vec_deinit(&c->pieces);
}

static uint64_t raw_tsc(const struct machine_clock *c, int64_t reference)
{
	/* The next cycle, so that who turns it into ns again, rounding down, gets this very ns. */
	uint64_t host = (uint64_t)scale(reference - c->host_origin, c->host_freq) + 1;
	if (c->is_host)
		return host;
	unsigned __int128 scaled = (unsigned __int128)host * c->tsc_ratio;
	return (uint64_t)(scaled >> TSC_FRAC) + (uint64_t)c->tsc_offset;
}

uint64_t machine_clock_raw(struct machine_clock *c, int64_t t)
{
	int64_t reference = c->epoch + t;

	if (c->tsc)
		return raw_tsc(c, reference);
	while (c->current + 1 < c->pieces.n && c->pieces.at[c->current + 1].begin <= reference)
		c->current++;
	return (uint64_t)(at(&c->pieces.at[c->current], reference) - c->origin);
}

int64_t machine_clock_ns(const struct machine_clock *c, uint64_t raw)
{
	if (!c->tsc)
		return c->origin + (int64_t)raw;
	return c->origin + (int64_t)((unsigned __int128)raw * (uint64_t)SECOND / c->freq);
}
