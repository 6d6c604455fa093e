#include "input/tracedat/clock.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "input/tracedat/pages.h"
#include "input/tracedat/rate.h"
#include "input/tracedat/ring.h"
#include "input/tracedat/scale.h"

#define NS_PER_S UINT64_C(1000000000)
#define PPB	 1e9

/* By what part a clock of ns may run slow or fast: NTP steers by 500 ppm at most. */
#define STEERED 6e-4

enum {
	USER_HZ = 100,		/* what the kernel's "uptime" counts in */
	JIFFY_NS_MIN = 1000000, /* what it counted in before Linux 3.16: whole jiffies, in ns */
};

/* What a clock is said to count. */
enum unit {
	UNIT_NS,
	UNIT_TICKS,
	UNIT_CYCLES,
	UNIT_EVENTS,
	UNIT_UNKNOWN,
};

struct kind {
	const char *name;
	enum unit unit;
	enum clock_origin origin;
	const char *description;
};

static const struct kind kinds[] = {
	{"local", UNIT_NS, CLOCK_ORIGIN_BOOT, "each CPU's own, about the same on all of them"},
	{"global", UNIT_NS, CLOCK_ORIGIN_BOOT, NULL},
	{"perf", UNIT_NS, CLOCK_ORIGIN_BOOT, NULL},
	{"mono", UNIT_NS, CLOCK_ORIGIN_BOOT, "CLOCK_MONOTONIC"},
	{"mono_raw", UNIT_NS, CLOCK_ORIGIN_BOOT, "CLOCK_MONOTONIC_RAW"},
	{"boot", UNIT_NS, CLOCK_ORIGIN_BOOT, "CLOCK_BOOTTIME"},
	{"tai", UNIT_NS, CLOCK_ORIGIN_EPOCH,
	 "CLOCK_TAI: 37 s more than UTC where the kernel knew, else as UTC"},
	{"uptime", UNIT_TICKS, CLOCK_ORIGIN_BOOT, "the kernel's ticks"},
	{"counter", UNIT_EVENTS, CLOCK_ORIGIN_UNKNOWN,
	 "counts events: there are no times in the recording"},
	{"x86-tsc", UNIT_CYCLES, CLOCK_ORIGIN_BOOT, NULL},
	{"tsc2nsec", UNIT_CYCLES, CLOCK_ORIGIN_BOOT, NULL},
	{"ppc-tb", UNIT_CYCLES, CLOCK_ORIGIN_BOOT, NULL},
};

static struct kind clock_kind(const char *name)
{
	for (size_t i = 0; name && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!strcmp(kinds[i].name, name))
			return kinds[i];
	}
	return (struct kind){.name = name, .unit = UNIT_UNKNOWN, .origin = CLOCK_ORIGIN_BOOT};
}

/* What has been settled of one clock. */
struct settled {
	struct tracedat_scale scale;
	struct recording_clock clock;
};

static void count_ns(struct settled *s)
{
	s->scale = tracedat_scale_ns(0);
	s->clock.frequency = NS_PER_S;
	s->clock.frequency_error = 0;
	s->clock.is_tsc = false;
}

static void count_at(struct settled *s, uint64_t hz, uint64_t error, const char *description)
{
	s->scale = tracedat_scale_of_frequency(hz);
	s->clock.frequency = hz;
	s->clock.frequency_error = error;
	s->clock.description = description;
}

/* ---- ticks ----------------------------------------------------------------------------------- */

/* Return: whether every sub-buffer's first one begins at a whole ms. */
static bool begin_at_whole_jiffies(const struct tracedat *t, uint32_t clock)
{
	for (size_t i = 0; i < t->streams.n; i++) {
		if (t->base.streams.at[i].clock == clock &&
		    t->base.streams.at[i].begin_ns % JIFFY_NS_MIN)
			return false;
	}
	return true;
}

static void settle_ticks(const struct tracedat *t, uint32_t index, struct settled *s)
{
	count_ns(s);
	if (!begin_at_whole_jiffies(t, index))
		count_at(s, USER_HZ, 0, s->clock.description);
}

/* ---- cycles ---------------------------------------------------------------------------------- */

/*
 * Return: whether what events say is nearer to a count per ns than to the other rate, and no
 * coincidence.
 */
static bool is_ns_after_all(const struct tracedat_rate *found, double other_per_ns)
{
	double off = fabs(found->per_ns - 1), other = fabs(found->per_ns - other_per_ns);

	return off < other && off < 2 * found->error + STEERED;
}

static const char *by_text(struct tracedat *t, const struct tracedat_rate *found)
{
	return arena_printf(&t->base.arena, "rate found by what %s says of the time", found->by);
}

static void count_by_rate(struct tracedat *t, struct settled *s, const struct tracedat_rate *found)
{
	double error = ceil(found->error * PPB);

	count_at(s, (uint64_t)llround(found->per_ns * NS_PER_S), error < 1 ? 1 : (uint64_t)error,
		 by_text(t, found));
}

static void count_by_tsc2nsec(const struct tracedat *t, struct settled *s)
{
	const struct tracedat_facts *f = &t->facts;
	unsigned __int128 hz = ((unsigned __int128)NS_PER_S << f->shift) + f->mult / 2;

	s->scale = (struct tracedat_scale){.mult = f->mult, .shift = f->shift};
	hz /= f->mult;
	s->clock.frequency = hz > UINT64_MAX ? UINT64_MAX : (uint64_t)hz;
	s->clock.description = "rate by trace-cmd's word (TSC2NSEC)";
}

static void count_something(struct tracedat *t, struct settled *s)
{
	count_ns(s);
	s->clock.origin = CLOCK_ORIGIN_UNKNOWN;
	s->clock.description = "it is not known what it counts";
	tracedat_report(t, DIAG_CLOCK_RATE, 0);
}

/* The user's word against that of the events. */
static void note_contradiction(struct tracedat *t, const struct tracedat_rate *found, uint64_t hz)
{
	double said = (double)hz / NS_PER_S, off = fabs(found->per_ns / said - 1);

	if (off > 2 * found->error + 1e-4 && !t->base.note)
		t->base.note =
			mem_printf("'%s': a frequency of %" PRIu64 " Hz was given, but by %s it is "
				   "%.0f Hz",
				   t->file, hz, found->by, found->per_ns * NS_PER_S);
}

static void settle_cycles(struct tracedat *t, uint32_t index, const struct input_options *options,
			  struct settled *s)
{
	const struct tracedat_facts *f = &t->facts;
	uint64_t given = options->tsc_frequency;
	struct tracedat_rate found = {0};
	bool is_found = tracedat_find_rate(t, index, &found);
	double said =
		f->has_tsc2nsec ? ldexp(1, (int)f->shift) / f->mult : (double)given / NS_PER_S;

	if (is_found && is_ns_after_all(&found, said)) {
		tracedat_report(t, DIAG_CLOCK_LABEL, 0);
		s->clock.description = by_text(t, &found);
		count_ns(s);
	} else if (f->has_tsc2nsec) {
		count_by_tsc2nsec(t, s);
	} else if (given) {
		count_at(s, given, 0, "rate as given by the user");
		if (is_found)
			note_contradiction(t, &found, given);
	} else if (is_found) {
		count_by_rate(t, s, &found);
	} else {
		count_something(t, s);
		s->clock.is_tsc = true;
	}
}

/* Where nothing is said it is ns, unless events say that it is not. */
static void settle_unknown(struct tracedat *t, uint32_t index, struct settled *s)
{
	struct tracedat_rate found;

	if (!tracedat_find_rate(t, index, &found))
		count_something(t, s);
	else if (is_ns_after_all(&found, 0))
		count_ns(s);
	else
		count_by_rate(t, s, &found);
}

/* ---- all ------------------------------------------------------------------------------------- */

/* trace-cmd adds the same to the times of all that it reads. */
static void clock_add_offset(const struct tracedat *t, struct settled *s)
{
	if (s->clock.origin == CLOCK_ORIGIN_UNKNOWN || (!t->facts.offset_ns && !t->facts.has_date))
		return;
	s->scale.offset = s->clock.offset_ns = t->facts.offset_ns;
	s->clock.origin = t->facts.has_date ? CLOCK_ORIGIN_EPOCH : CLOCK_ORIGIN_UNKNOWN;
}

static struct settled clock_settle(struct tracedat *t, uint32_t index,
				   const struct input_options *options)
{
	const char *name = t->base.clocks.at[index].name;
	struct kind kind = clock_kind(name);
	struct settled s = {
		.clock = {.name = name ? name : "unknown",
			  .description = kind.description,
			  .origin = kind.origin,
			  .is_tsc = kind.unit == UNIT_CYCLES && strcmp(name, "ppc-tb") != 0}};

	switch (kind.unit) {
	case UNIT_NS:
		count_ns(&s);
		break;
	case UNIT_TICKS:
		settle_ticks(t, index, &s);
		break;
	case UNIT_CYCLES:
		settle_cycles(t, index, options, &s);
		break;
	case UNIT_EVENTS:
		count_something(t, &s);
		s.clock.description = kind.description;
		break;
	case UNIT_UNKNOWN:
		settle_unknown(t, index, &s);
		break;
	}
	clock_add_offset(t, &s);
	return s;
}

/* The time of the stream's first sub-buffer, in counts. Return: false when it cannot be read. */
static bool clock_first_time(const struct tracedat *t, size_t stream, uint64_t *countp)
{
	struct ring_shape shape = {t->big_endian, t->long_size, t->data_at};
	struct tracedat_pages pages;
	struct page page;
	struct ring r;

	tracedat_pages_init(&pages, t, stream);
	bool is_read =
		tracedat_pages_next(&pages, &page) == PAGES_ONE &&
		tracedat_ring_enter(&r, &shape, page.at, page.n, t->streams.at[stream].page_size);

	*countp = is_read ? r.begin : 0;
	tracedat_pages_deinit(&pages);
	return is_read;
}

/* In counts for now. */
static void find_begins(struct tracedat *t)
{
	for (size_t i = 0; i < t->streams.n; i++) {
		uint64_t count;
		bool is_known = clock_first_time(t, i, &count);

		t->streams.at[i].scale = tracedat_scale_ns(0);
		t->streams.at[i].slack = UINT64_MAX;
		t->base.streams.at[i].begin_ns =
			is_known ? tracedat_scale_to_ns(&t->streams.at[i].scale, count) : INT64_MAX;
	}
}

static void clock_give(struct tracedat *t, uint32_t clock, const struct settled *s)
{
	t->base.clocks.at[clock] = s->clock;
	t->base.clocks.at[clock].mult = s->scale.mult;
	t->base.clocks.at[clock].shift = s->scale.shift;
	for (size_t i = 0; i < t->streams.n; i++) {
		struct recording_stream *stream = &t->base.streams.at[i];

		if (stream->clock != clock)
			continue;
		t->streams.at[i].scale = s->scale;
		t->streams.at[i].slack = s->clock.frequency;
		if (stream->begin_ns != INT64_MAX)
			stream->begin_ns =
				tracedat_scale_to_ns(&s->scale, (uint64_t)stream->begin_ns);
	}
}

void tracedat_settle_clocks(struct tracedat *t, const struct input_options *options)
{
	find_begins(t);
	for (uint32_t i = 0; i < t->base.clocks.n; i++) {
		struct settled s = clock_settle(t, i, options);

		clock_give(t, i, &s);
	}
}
