#include "input/tracedat/option.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { NS_PER_US = 1000, SHIFT_MAX = 63 };

/* The option's text. Return: in the arena; without the NUL that it may end with. */
static char *option_text(struct tracedat *t, struct bytes b)
{
	return arena_strndup(&t->base.arena, b.n ? (const char *)b.at : "",
			     b.n ? strnlen((const char *)b.at, b.n) : 0);
}

/* ---- times ----------------------------------------------------------------------------------- */

static int64_t saturated(__int128 v)
{
	return v > INT64_MAX ? INT64_MAX : v < INT64_MIN ? INT64_MIN : (int64_t)v;
}

/* A number such as "0x5f3a2c0012345678", in units of so many ns. */
static bool option_add_offset(struct tracedat *t, struct bytes b, int unit_ns)
{
	const char *text = option_text(t, b);
	char *end;
	long long n = strtoll(text, &end, 0);

	t->facts.offset_ns = saturated((__int128)n * unit_ns + t->facts.offset_ns);
	return end > text;
}

static bool read_date(struct tracedat *t, struct bytes b)
{
	bool is_sound = option_add_offset(t, b, NS_PER_US);

	t->facts.has_date = t->facts.has_date || is_sound;
	return is_sound;
}

static bool read_trace_clock(struct tracedat *t, struct bytes b)
{
	char *text = option_text(t, b), *open = strchr(text, '['),
	     *close = open ? strchr(open, ']') : NULL;

	/* In version 6 the text can stand elsewhere, and the option is empty. */
	if (!open || !close)
		return !*text;
	*close = '\0';
	t->facts.clock = open + 1;
	return true;
}

static bool read_tsc2nsec(struct tracedat *t, struct bytes b)
{
	uint32_t mult = bytes_u32(&b), shift = bytes_u32(&b);

	/* The offset is not used by trace-cmd either, which always writes 0. */
	bytes_u64(&b);
	if (b.bad || !mult || shift > SHIFT_MAX)
		return false;
	t->facts.has_tsc2nsec = true;
	t->facts.mult = mult;
	t->facts.shift = shift;
	return true;
}

/* ---- the machine ----------------------------------------------------------------------------- */

/* "Linux l1host 6.1.0-56-amd64 x86_64" */
static bool read_uname(struct tracedat *t, struct bytes b)
{
	char *rest = NULL, *text = option_text(t, b);

	t->base.system = strtok_r(text, " ", &rest);
	t->base.hostname = t->base.system ? strtok_r(NULL, " ", &rest) : NULL;
	t->base.kernel = t->base.hostname ? strtok_r(NULL, " ", &rest) : NULL;
	const char *machine = t->base.kernel ? strtok_r(NULL, " \n", &rest) : NULL;

	t->formats.is_x86_64 = machine && !strcmp(machine, "x86_64");
	return t->base.kernel != NULL;
}

/* "3.1.6 not-a-git-repo" */
static bool read_version(struct tracedat *t, struct bytes b)
{
	char *text = option_text(t, b);

	text[strcspn(text, " \n")] = '\0';
	if (*text)
		t->base.tracer = arena_printf(&t->base.arena, "trace-cmd %s", text);
	return *text;
}

/* CPUs are told one after the other. */
static void note_busy(struct tracedat *t, const char *cpu)
{
	uint32_t n = (uint32_t)strtoul(cpu, NULL, 10);
	size_t have = t->facts.busy_cpus.n;

	if (!have || t->facts.busy_cpus.at[have - 1] < n)
		*vec_push(&t->facts.busy_cpus) = n;
}

static void read_stat(struct tracedat *t, const char *cpu, const char *name, uint64_t n)
{
	if (!strcmp(name, "entries") || !strcmp(name, "read events"))
		note_busy(t, cpu);
	else if (!strcmp(name, "overrun"))
		tracedat_note_loss(t, cpu, name, n, false);
	else if (!strcmp(name, "commit overrun") || !strcmp(name, "dropped events"))
		tracedat_note_loss(t, cpu, name, n, true);
}

/*
 *	CPU: 0
 *	entries: 139314		that were not read yet
 *	overrun: 0		overwritten before they were read
 *	commit overrun: 0	lost, for one was being written that did not end
 *	dropped events: 0	lost, for the buffer was full and must not be overwritten
 *	read events: 0
 */
static bool read_cpustat(struct tracedat *t, struct bytes b)
{
	char *rest = NULL, *text = option_text(t, b), *value;
	const char *cpu = "?";

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		value = strstr(line, ": ");
		if (!value)
			continue;
		*value = '\0';
		value += strlen(": ");
		uint64_t n = strtoull(value, NULL, 10);

		if (!strcmp(line, "CPU"))
			cpu = value;
		else if (n)
			read_stat(t, cpu, line, n);
	}
	return true;
}

/* ---- guests and hosts ------------------------------------------------------------------------ */

/* name\0, u64 trace id, u32 number of CPUs, then u32 CPU and u32 thread of each. */
static bool read_guest(struct tracedat *t, struct bytes b)
{
	struct recording_guest g = {.name = bytes_string(&b), .trace_id = bytes_u64(&b)};
	uint32_t n = bytes_u32(&b);
	int64_t *tids;

	if (b.bad || n > b.n / (2 * sizeof(uint32_t)))
		return false;
	g.name = arena_strdup(&t->base.arena, g.name);
	g.n_cpus = n;
	g.tids = tids = arena_array(&t->base.arena, int64_t, n);
	for (uint32_t i = 0; i < n; i++)
		tids[i] = NO_VALUE;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t cpu = bytes_u32(&b), tid = bytes_u32(&b);

		if (cpu < n && tid)
			tids[cpu] = tid;
	}
	*vec_push(&t->base.guests) = g;
	return true;
}

static int shift_by_time(const void *a, const void *b)
{
	const struct recording_shift *x = a, *y = b;

	return (x->time > y->time) - (x->time < y->time);
}

/* Of one CPU: u32 n, n times, n offsets, n scalings. Fraction bits come later, if at all. */
static struct recording_shift *read_shifts(struct tracedat *t, struct bytes *b, uint32_t *np)
{
	uint32_t n = bytes_u32(b);
	struct recording_shift *shifts;

	if (b->bad || n > b->n / (3 * sizeof(uint64_t))) {
		b->bad = true;
		return NULL;
	}
	shifts = arena_array(&t->base.arena, struct recording_shift, n);
	for (uint32_t i = 0; i < n; i++)
		shifts[i].time = (int64_t)bytes_u64(b);
	for (uint32_t i = 0; i < n; i++)
		shifts[i].offset = (int64_t)bytes_u64(b);
	for (uint32_t i = 0; i < n; i++)
		shifts[i].scaling = bytes_u64(b);
	*np = n;
	return shifts;
}

static bool read_fractions(struct bytes *b, struct recording_shift *shifts, uint32_t n)
{
	bool is_sound = true;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t fraction = bytes_u64(b);

		shifts[i].fraction = fraction <= SHIFT_MAX ? (uint32_t)fraction : 0;
		is_sound = is_sound && fraction <= SHIFT_MAX;
	}
	return is_sound;
}

/*
 * u64 trace id of the peer, u32 flags, u32 number of CPUs; the shifts of each; then the fraction
 * bits of each.
 */
static bool read_time_shift(struct tracedat *t, struct bytes b)
{
	struct recording_peer *peer = arena_new(&t->base.arena, struct recording_peer);
	struct recording_shift **shifts;
	uint32_t *n_shifts;
	bool is_sound = true;

	peer->trace_id = bytes_u64(&b);
	bytes_u32(&b);
	peer->n_cpus = bytes_u32(&b);
	if (b.bad || peer->n_cpus > b.n / sizeof(uint32_t))
		return false;
	shifts = arena_array(&t->base.arena, struct recording_shift *, peer->n_cpus);
	n_shifts = arena_array(&t->base.arena, uint32_t, peer->n_cpus);
	for (uint32_t i = 0; i < peer->n_cpus && !b.bad; i++)
		shifts[i] = read_shifts(t, &b, &n_shifts[i]);
	for (uint32_t i = 0; i < peer->n_cpus && !b.bad && b.n; i++)
		is_sound = read_fractions(&b, shifts[i], n_shifts[i]) && is_sound;
	if (b.bad || !is_sound)
		return false;
	for (uint32_t i = 0; i < peer->n_cpus; i++)
		qsort(shifts[i], n_shifts[i], sizeof(*shifts[i]), shift_by_time);
	peer->shifts = (const struct recording_shift **)shifts;
	peer->n_shifts = n_shifts;
	t->base.peer = peer;
	return true;
}

/* ---- any ------------------------------------------------------------------------------------- */

static bool read_number32(struct bytes b, uint32_t *np)
{
	*np = bytes_u32(&b);
	return !b.bad;
}

static bool read_number64(struct bytes b, uint64_t *np)
{
	*np = bytes_u64(&b);
	return !b.bad;
}

bool tracedat_read_option(struct tracedat *t, unsigned id, struct bytes data)
{
	switch (id) {
	case OPTION_DATE:
		return read_date(t, data);
	case OPTION_CPUSTAT:
		return read_cpustat(t, data);
	case OPTION_TRACECLOCK:
		return read_trace_clock(t, data);
	case OPTION_UNAME:
		return read_uname(t, data);
	case OPTION_OFFSET:
		return option_add_offset(t, data, 1);
	case OPTION_CPUCOUNT:
		return read_number32(data, &t->facts.n_cpus);
	case OPTION_VERSION:
		return read_version(t, data);
	case OPTION_TRACEID:
		return read_number64(data, &t->base.trace_id);
	case OPTION_TIME_SHIFT:
		return read_time_shift(t, data);
	case OPTION_GUEST:
		return read_guest(t, data);
	case OPTION_TSC2NSEC:
		return read_tsc2nsec(t, data);
	default:
		return true;
	}
}
