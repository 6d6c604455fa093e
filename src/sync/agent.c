#include "sync/agent.h"

#include <stdlib.h>

#include "base/mem.h"
#include "sync/limits.h"

/*
 * What the host counted when the guest counted `count`, by one exchange; modulo 2^64, as both
 * count.
 */
static uint64_t host_count(const struct recording_shift *s, uint64_t count)
{
	unsigned __int128 scaled = (unsigned __int128)count * s->scaling >> s->fraction;

	return (uint64_t)scaled + (uint64_t)s->offset;
}

static const struct recording_clock *clock_of(const struct recording *r)
{
	return r->clocks.n ? &r->clocks.at[0] : NULL;
}

/* Of the CPUs that say anything, the one that says most. Return: how often. */
static uint32_t best_shifts(const struct recording_peer *peer,
			    const struct recording_shift **shiftsp)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < peer->n_cpus; i++) {
		if (peer->n_shifts[i] > n) {
			n = peer->n_shifts[i];
			*shiftsp = peer->shifts[i];
		}
	}
	return n;
}

struct point {
	int64_t guest, difference; /* ns */
};

static struct point point_of(const struct recording_clock *host,
			     const struct recording_clock *guest, const struct recording_shift *s,
			     uint64_t count)
{
	int64_t ns = recording_clock_ns(guest, count);
	int64_t hosts = recording_clock_ns(host, host_count(s, count));

	return (struct point){ns, (int64_t)((uint64_t)hosts - (uint64_t)ns)};
}

static double slope_of(const struct point *a, const struct point *b)
{
	return b->guest > a->guest ? ((double)b->difference - (double)a->difference) /
					     ((double)b->guest - (double)a->guest)
				   : 0;
}

/* From one exchange to the next, straight; behind the last, as that says. */
static void add_pieces(struct clock_map *m, const struct recording_clock *host,
		       const struct recording_clock *guest, const struct recording_shift *shifts,
		       uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint64_t count = (uint64_t)shifts[i].time;
		struct point here = point_of(host, guest, &shifts[i], count);
		struct point next =
			i + 1 < n ? point_of(host, guest, &shifts[i + 1],
					     (uint64_t)shifts[i + 1].time)
				  : point_of(host, guest, &shifts[i], count + AGENT_BEYOND);
		struct clock_piece *p = &m->pieces[m->n_pieces];

		if (m->n_pieces && here.guest <= p[-1].from)
			continue;
		if (m->n_pieces)
			p[-1].to = here.guest;
		*p = (struct clock_piece){.from = here.guest,
					  .to = INT64_MAX,
					  .offset = here.difference,
					  .drift = slope_of(&here, &next),
					  .error = CLOCK_ERROR_UNKNOWN,
					  .constraints = 1};
		m->n_pieces++;
	}
}

bool sync_agent_map(struct clock_map *m, const struct recording *host,
		    const struct recording *guest)
{
	const struct recording_peer *peer = guest->peer;
	const struct recording_clock *hosts = clock_of(host), *guests = clock_of(guest);
	const struct recording_shift *shifts = NULL;
	uint32_t n = peer ? best_shifts(peer, &shifts) : 0;

	*m = (struct clock_map){0};
	if (!n || !hosts || !guests || !host->trace_id || peer->trace_id != host->trace_id)
		return false;
	m->pieces = mem_zalloc(n, sizeof(*m->pieces));
	add_pieces(m, hosts, guests, shifts, n);
	return true;
}

int64_t sync_agent_excess(const struct clock_map *m, const struct sync_fit *facts, int64_t first,
			  int64_t last)
{
	int64_t worst = INT64_MIN, step = (last - first) / AGENT_LOOKS;

	for (int i = 0; i <= AGENT_LOOKS; i++) {
		int64_t t = first + i * step, low, high;
		int64_t difference = clock_map_apply(m, t) - t;

		if (sync_fit_range(facts, t, &low, &high))
			continue;
		int64_t excess =
			low - difference > difference - high ? low - difference : difference - high;

		worst = excess > worst ? excess : worst;
	}
	return worst;
}
