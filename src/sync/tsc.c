#include "sync/tsc.h"

#include <stdlib.h>

typedef unsigned __int128 wide;

enum { NS_PER_S = 1000000000 };

uint64_t tsc_host_to_guest(const struct tsc_scale *s, uint64_t host)
{
	return (uint64_t)(((wide)host * s->ratio) >> s->frac) + (uint64_t)s->offset;
}

uint64_t tsc_guest_to_host(const struct tsc_scale *s, uint64_t guest)
{
	__int128 scaled = (__int128)guest - s->offset;

	if (scaled < 0)
		return 0;
	/* scaled < 2^65 and frac < 64: split, so that nothing is shifted out */
	wide whole = (wide)scaled / s->ratio, rest = (wide)scaled % s->ratio;
	if (whole >> (64 - s->frac))
		return UINT64_MAX;
	wide host = (whole << s->frac) + ((rest << s->frac) + s->ratio - 1) / s->ratio;
	return host >> 64 ? UINT64_MAX : (uint64_t)host;
}

static int64_t saturate(__int128 x)
{
	return x > INT64_MAX ? INT64_MAX : x < INT64_MIN ? INT64_MIN : (int64_t)x;
}

int64_t tsc_to_ns(const struct tsc_clock *c, uint64_t count)
{
	return saturate((__int128)((wide)count * NS_PER_S / c->frequency) + c->offset);
}

uint64_t tsc_from_ns(const struct tsc_clock *c, int64_t ns)
{
	__int128 since = (__int128)ns - c->offset;

	if (since < 0)
		return 0;
	wide count = (wide)since / NS_PER_S * c->frequency +
		     ((wide)since % NS_PER_S * c->frequency + NS_PER_S - 1) / NS_PER_S;
	return count >> 64 ? UINT64_MAX : (uint64_t)count;
}

static int64_t host_time(const struct tsc_scale *s, const struct tsc_clock *guest,
			 const struct tsc_clock *host, int64_t t)
{
	return tsc_to_ns(host, tsc_guest_to_host(s, tsc_from_ns(guest, t)));
}

/* ns that a time may be wrong by because a count is whole: a cycle of either clock, and rounding.
 */
static int64_t resolution(const struct tsc_clock *guest, const struct tsc_clock *host)
{
	return (int64_t)(NS_PER_S / guest->frequency) + (int64_t)(NS_PER_S / host->frequency) + 3;
}

void tsc_clock_map_init(struct clock_map *m, const struct tsc_scale *s,
			const struct tsc_clock *guest, const struct tsc_clock *host, int64_t begin,
			int64_t end)
{
	int64_t first = host_time(s, guest, host, begin), last = host_time(s, guest, host, end);
	double drift = 0;

	if (end > begin)
		drift = (double)((__int128)last - first - ((__int128)end - begin)) /
			(double)((__int128)end - begin);
	clock_map_init_offset(m, saturate((__int128)first - begin), drift, begin,
			      resolution(guest, host));
	m->pieces[0].to = end < INT64_MAX ? end + 1 : end;
}
