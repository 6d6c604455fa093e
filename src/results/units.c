#include "results/units.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "base/utf8.h"
#include "schema/table.h"

/* Digits behind the point so that there are `digits` in all. */
static int decimals(double value, int digits)
{
	double limit = 10;
	int n = digits - 1;

	/* 9.9996 with four digits is 10.00, not 10.000. */
	while (n > 0 && value >= limit - 0.5 * pow(10, -n)) {
		limit *= 10;
		n--;
	}
	return n;
}

const char *units_duration(struct arena *arena, int64_t ns, int digits)
{
	static const struct {
		double ns;
		const char *name;
	} units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}};
	double value = fabs((double)ns);
	const char *sign = ns < 0 ? "-" : "";

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		double v = value / units[i].ns;

		/* What would be rounded up to 1000 belongs to the next unit. */
		if (v >= 1 - 0.5 * pow(10, -digits))
			return arena_printf(arena, "%s%.*f %s", sign, decimals(v, digits), v,
					    units[i].name);
	}
	return arena_printf(arena, "%" PRId64 " ns", ns);
}

const char *units_seconds(struct arena *arena, int64_t ns)
{
	uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
	char fraction[11];

	snprintf(fraction, sizeof(fraction), ".%09" PRIu64, size % 1000000000);
	for (size_t n = strlen(fraction); n && (fraction[n - 1] == '0' || fraction[n - 1] == '.');)
		fraction[--n] = '\0';
	return arena_printf(arena, "%s%" PRIu64 "%s s", ns < 0 ? "-" : "", size / 1000000000,
			    fraction);
}

const char *units_duration_or_none(struct arena *arena, int64_t ns, int digits)
{
	return ns ? units_duration(arena, ns, digits) : "";
}

const char *units_share(struct arena *arena, int64_t part, int64_t whole)
{
	double percent = whole > 0 ? 100.0 * (double)part / (double)whole : 0;

	if (part <= 0)
		return "";
	return percent < 0.1 ? "<0.1 %" : arena_printf(arena, "%.1f %%", percent);
}

const char *units_number(struct arena *arena, int64_t n)
{
	return n == TABLE_NULL ? "?" : arena_printf(arena, "%" PRId64, n);
}

const char *units_count(struct arena *arena, int64_t n)
{
	static const char suffixes[] = "kMGTPE";
	double value = (double)n;
	int i = -1;

	if (n < 10000000)
		return units_number(arena, n);
	while (value >= 999.5) {
		value /= 1000;
		i++;
	}
	return arena_printf(arena, "%.*f %c", decimals(value, 3), value, suffixes[i]);
}

const char *units_rate(struct arena *arena, double per_second)
{
	return arena_printf(arena, "%.*f", decimals(per_second, 3), per_second);
}

const char *units_moment(struct arena *arena, int64_t ns, const struct clock_text *clock)
{
	char text[CLOCK_MOMENT_SIZE];

	if (clock_text_moment(clock, ns, text))
		return arena_strdup(arena, text);
	return arena_printf(arena, "%s%s", units_seconds(arena, ns),
			    clock_origin_words(clock->origin));
}

/* Return: bytes of the UTF-8 character at p that may be shown, 0 if there is none. */
static size_t printable(const unsigned char *p)
{
	size_t n = strlen((const char *)p);

	return escape_unsafe(p, n) ? 0 : utf8_length(p, n);
}

const char *units_safe(struct arena *arena, const char *text, size_t width)
{
	const unsigned char *p = (const unsigned char *)text;
	char *safe = arena_alloc(arena, strlen(text) + 3), *end = safe, *cut = safe;

	for (size_t i = 0; *p; i++) {
		size_t n = printable(p);

		if (i + 2 == width)
			cut = end;
		if (i == width) {
			memcpy(cut, "..", 3);
			return safe;
		}
		if (!n)
			*end++ = '?';
		else
			end = mempcpy(end, p, n);
		p += n ? n : 1;
	}
	return safe;
}

size_t units_width(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}
