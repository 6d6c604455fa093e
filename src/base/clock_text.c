#include "base/clock_text.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

#define NS_PER_S INT64_C(1000000000)
#define S_MAX	 (INT64_MAX / NS_PER_S - 1)

static void split(int64_t ns, int64_t *secondp, uint64_t *restp)
{
	int64_t second = ns / NS_PER_S, rest = ns % NS_PER_S;

	if (rest < 0) {
		second--;
		rest += NS_PER_S;
	}
	*secondp = second;
	*restp = (uint64_t)rest;
}

/* What a time of day counts from: an offset that was written, UTC, or local time. */
struct zone {
	bool fixed;
	int64_t offset; /* s east of Greenwich, if it is fixed */
};

static struct zone zone_of(const struct clock_text *c)
{
	return (struct zone){.fixed = c->gmt};
}

static struct tm *to_tm(struct zone zone, int64_t second, struct tm *tm)
{
	time_t t = (time_t)(second + zone.offset);

	return zone.fixed ? gmtime_r(&t, tm) : localtime_r(&t, tm);
}

static void format_second(struct clock_text *c, int64_t second)
{
	struct tm tm;
	const char *format = c->style == CLOCK_DATE ? "%Y-%m-%d %H:%M:%S" : "%H:%M:%S";

	c->second = second;
	if (c->style == CLOCK_SECONDS || !to_tm(zone_of(c), second, &tm) ||
	    !strftime(c->text, sizeof(c->text), format, &tm))
		snprintf(c->text, sizeof(c->text), "%lld", (long long)second);
}

/* Of a negative time as of the positive one, with a sign. */
static void print_seconds(struct out *o, int64_t ns, int width)
{
	uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
	char whole[1 + OUT_DIGITS] = "-";
	ptrdiff_t n = out_digits(whole + (ns < 0), size / NS_PER_S) - whole;

	for (ptrdiff_t k = n; k < width; k++)
		out_char(o, ' ');
	out_bytes(o, whole, (size_t)n);
	out_char(o, '.');
	out_padded(o, size % NS_PER_S, 9);
}

void clock_text_print(struct clock_text *c, struct out *o, int64_t ns)
{
	int64_t second;
	uint64_t rest;

	if (c->origin != CLOCK_ORIGIN_EPOCH) {
		print_seconds(o, ns, 0);
		return;
	}
	split(ns, &second, &rest);
	if (second != c->second || !c->text[0])
		format_second(c, second);
	out_str(o, c->text);
	out_char(o, '.');
	out_padded(o, rest, 9);
}

void clock_text_print_column(struct clock_text *c, struct out *o, int64_t ns)
{
	/* As the kernel's log does: a day has five digits. */
	if (c->origin != CLOCK_ORIGIN_EPOCH)
		print_seconds(o, ns, 5);
	else
		clock_text_print(c, o, ns);
}

/* "Z", "+01:00" */
static void format_zone(const struct tm *tm, char *text, size_t size)
{
	long minutes = tm->tm_gmtoff / 60, distance = labs(minutes);

	if (!minutes)
		snprintf(text, size, "Z");
	else
		snprintf(text, size, "%c%02ld:%02ld", minutes < 0 ? '-' : '+', distance / 60,
			 distance % 60);
}

void clock_text_print_words(struct clock_text *c, struct out *o, int64_t ns)
{
	char zone[CLOCK_MOMENT_SIZE];
	int64_t second;
	uint64_t unused;
	struct tm tm;

	clock_text_print(c, o, ns);
	split(ns, &second, &unused);
	if (c->origin != CLOCK_ORIGIN_EPOCH) {
		out_str(o, " s");
		out_str(o, clock_origin_words(c->origin));
	} else if (c->style != CLOCK_SECONDS && to_tm(zone_of(c), second, &tm)) {
		format_zone(&tm, zone, sizeof(zone));
		out_str(o, zone);
	}
}

bool clock_text_moment(const struct clock_text *c, int64_t ns, char text[CLOCK_MOMENT_SIZE])
{
	int64_t second;
	uint64_t unused;
	struct tm tm;

	split(ns, &second, &unused);
	if (c->origin != CLOCK_ORIGIN_EPOCH || !to_tm(zone_of(c), second, &tm))
		return false;
	size_t n = strftime(text, CLOCK_MOMENT_SIZE, "%Y-%m-%d %H:%M:%S", &tm);

	format_zone(&tm, text + n, CLOCK_MOMENT_SIZE - n);
	return n > 0;
}

char *clock_text_span(const struct clock_text *c, int64_t begin, int64_t end)
{
	struct clock_text date = *c, time = *c;
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	struct out o;

	if (!file)
		return mem_strdup("elsewhere");
	date.style = CLOCK_DATE;
	time.style = CLOCK_TIME;
	out_init(&o, file);
	out_str(&o, "from ");
	clock_text_print_words(&date, &o, begin);
	out_str(&o, " to ");
	clock_text_print_words(&time, &o, end);
	out_str(&o, " (+0 to ");
	clock_text_print_delta(&o, (int64_t)((uint64_t)end - (uint64_t)begin));
	out_str(&o, " s)");
	out_deinit(&o);
	fclose(file);
	return text;
}

void clock_text_print_delta(struct out *o, int64_t ns)
{
	uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;

	out_char(o, ns < 0 ? '-' : '+');
	out_uint(o, size / NS_PER_S);
	out_char(o, '.');
	out_padded(o, size % NS_PER_S, 9);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A whole number up to `max`; moves *p behind it. */
static bool parse_number(const char **p, int64_t max, int64_t *valuep)
{
	int64_t value = 0;

	if (!is_digit(**p))
		return false;
	for (; is_digit(**p); ++*p) {
		if (value > (max - (**p - '0')) / 10)
			return false;
		value = value * 10 + (**p - '0');
	}
	*valuep = value;
	return true;
}

/* What follows the seconds to the end of the text: nothing, or a point and up to nine digits. */
static bool parse_fraction(const char *p, int64_t *nsp)
{
	int64_t scale = NS_PER_S / 10;

	*nsp = 0;
	if (!*p)
		return true;
	if (*p++ != '.')
		return false;
	for (; is_digit(*p) && scale; p++, scale /= 10)
		*nsp += (*p - '0') * scale;
	return !*p;
}

static bool parse_since_origin(const char *text, int64_t *nsp)
{
	const char *p = text;
	bool negative = *p == '-';
	int64_t whole, rest;

	p += negative;
	if (!strchr(p, '.')) {
		if (!parse_number(&p, INT64_MAX, &whole) || *p)
			return false;
		*nsp = negative ? -whole : whole;
		return true;
	}
	if (!parse_number(&p, S_MAX, &whole) || !parse_fraction(p, &rest))
		return false;
	*nsp = (whole * NS_PER_S + rest) * (negative ? -1 : 1);
	return true;
}

static bool parse_since_begin(const char *p, int64_t begin_ns, int64_t *nsp)
{
	int64_t whole, rest;

	return parse_number(&p, S_MAX, &whole) && parse_fraction(p, &rest) &&
	       !__builtin_add_overflow(begin_ns, whole * NS_PER_S + rest, nsp);
}

static bool parse_time_of_day(const char *p, struct tm *tm, int64_t *restp)
{
	int64_t hour, minute, second;

	if (!parse_number(&p, 23, &hour) || *p++ != ':' || !parse_number(&p, 59, &minute) ||
	    *p++ != ':' || !parse_number(&p, 60, &second) || !parse_fraction(p, restp))
		return false;
	tm->tm_hour = (int)hour;
	tm->tm_min = (int)minute;
	tm->tm_sec = (int)second;
	return true;
}

static bool parse_date(const char *p, struct tm *tm, const char **restp)
{
	int64_t year, month, day;

	if (!parse_number(&p, 2261, &year) || *p++ != '-' || !parse_number(&p, 12, &month) ||
	    *p++ != '-' || !parse_number(&p, 31, &day) || (*p != ' ' && *p != 'T') || year < 1678)
		return false;
	tm->tm_year = (int)year - 1900;
	tm->tm_mon = (int)month - 1;
	tm->tm_mday = (int)day;
	*restp = p + 1;
	return true;
}

static int64_t to_second(struct zone zone, struct tm tm)
{
	tm.tm_isdst = -1;
	return zone.fixed ? timegm(&tm) - zone.offset : mktime(&tm);
}

/* "+01:00", "-0330", "+01" */
static bool parse_offset(const char *p, int64_t *offsetp)
{
	bool negative = *p++ == '-';
	int64_t hours = 0, minutes = 0;
	size_t n = strspn(p, "0123456789");

	if (n == 4) {
		if (!parse_number(&p, 2359, &minutes))
			return false;
		hours = minutes / 100;
		minutes %= 100;
	} else if (n != 2 || !parse_number(&p, 23, &hours)) {
		return false;
	}
	if (*p == ':' && n == 2) {
		p++;
		if (strlen(p) != 2 || !parse_number(&p, 59, &minutes))
			return false;
	}
	*offsetp = (hours * 3600 + minutes * 60) * (negative ? -1 : 1);
	return !*p && minutes < 60;
}

/* What follows a time of day, and blanks: an offset, "Z" or "UTC". */
static bool parse_zone(const char *p, struct zone *zone)
{
	p += strspn(p, " ");
	zone->fixed = true;
	if (*p == '+' || *p == '-')
		return parse_offset(p, &zone->offset);
	return !strcmp(p, "Z") || !strcmp(p, "z") || !strcmp(p, "UTC");
}

static int64_t distance(int64_t a, int64_t b)
{
	return a > b ? a - b : b - a;
}

static bool parse_in_zone(struct zone zone, const char *text, int64_t near_ns, int64_t *nsp)
{
	struct tm tm = {0};
	const char *time_of_day = text;
	int64_t near_second, rest;
	uint64_t unused;
	bool dated = parse_date(text, &tm, &time_of_day);

	split(near_ns, &near_second, &unused);
	if (!dated && !to_tm(zone, near_second, &tm))
		return false;
	if (!parse_time_of_day(time_of_day, &tm, &rest))
		return false;
	int64_t second = to_second(zone, tm);

	tm.tm_mday++;
	if (!dated && distance(to_second(zone, tm), near_second) < distance(second, near_second))
		second = to_second(zone, tm);
	*nsp = second * NS_PER_S + rest;
	return true;
}

static bool parse_calendar(const struct clock_text *c, const char *text, int64_t near_ns,
			   int64_t *nsp)
{
	const char *time_of_day = strchr(text, ':');
	size_t n = (size_t)(time_of_day - text) + strspn(time_of_day, "0123456789:.");
	struct zone zone = zone_of(c);

	if (text[n] && !parse_zone(text + n, &zone))
		return false;
	char *without = mem_strndup(text, n);
	bool good = parse_in_zone(zone, without, near_ns, nsp);

	free(without);
	return good;
}

static bool is_calendar(const char *text)
{
	return *text != '+' && strchr(text, ':');
}

static bool parse(const struct clock_text *c, const char *text, int64_t begin_ns, int64_t *nsp)
{
	if (*text == '+')
		return parse_since_begin(text + 1, begin_ns, nsp);
	if (is_calendar(text))
		return parse_calendar(c, text, begin_ns, nsp);
	return parse_since_origin(text, nsp);
}

int clock_text_parse(const struct clock_text *c, const char *text, int64_t begin_ns, int64_t *nsp,
		     struct error *err)
{
	if (!parse(c, text, begin_ns, nsp))
		return error_set(
			err,
			"'%s' is no time; write +seconds from the begin of the recording, ns since "
			"the Epoch, seconds.fraction, HH:MM:SS.fraction or 'YYYY-MM-DD "
			"HH:MM:SS.fraction', these two also with a zone: Z, +01:00",
			text);
	if (c->origin == CLOCK_ORIGIN_EPOCH || !is_calendar(text))
		return 0;
	error_set(err,
		  "'%s': the recording does not know the time of day, its clock counts from %s; "
		  "write +seconds from its begin, or seconds.fraction or ns by that clock",
		  text, c->origin == CLOCK_ORIGIN_BOOT ? "boot" : "an unknown time");
	return CLOCK_TEXT_NO_DAY;
}

int clock_text_check(const char *text, struct error *err)
{
	struct clock_text any = {.gmt = true, .origin = CLOCK_ORIGIN_EPOCH};

	int64_t unused;

	return clock_text_parse(&any, text, 0, &unused, err);
}
