#include "report/limit.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "schema/table.h"

const char *limit_unit_name(enum limit_unit unit)
{
	static const char *const names[] = {[LIMIT_PERCENT] = "percent",
					    [LIMIT_NS] = "ns",
					    [LIMIT_NUMBER] = "count",
					    [LIMIT_PER_SECOND] = "per_second"};

	return names[unit];
}

const char *limit_order_name(enum limit_order order)
{
	static const char *const names[] = {[LIMIT_LESS] = "<",
					    [LIMIT_AT_MOST] = "<=",
					    [LIMIT_MORE] = ">",
					    [LIMIT_AT_LEAST] = ">="};

	return names[order];
}

bool limit_allows(const struct limit *l, double value)
{
	switch (l->order) {
	case LIMIT_LESS:
		return value < l->bound;
	case LIMIT_AT_MOST:
		return value <= l->bound;
	case LIMIT_MORE:
		return value > l->bound;
	default:
		return value >= l->bound;
	}
}

static void limit_skip_blanks(const char **p)
{
	*p += strspn(*p, " \t");
}

/* The next word, of such characters; moves *p behind it and the blanks that follow. For free(). */
static char *limit_word(const char **p, size_t n)
{
	char *word = mem_strndup(*p, n);

	*p += n;
	limit_skip_blanks(p);
	return word;
}

/* A number of a vCPU stands on its own. */
static void limit_take_vcpu(struct limit *l, const char **p)
{
	enum { MOST_DIGITS = 9 };
	size_t n = strspn(*p, "0123456789");

	l->vcpu = TABLE_NULL;
	if (!n || n > MOST_DIGITS || !strchr(" \t", (*p)[n]) || !(*p)[n])
		return;
	l->vcpu = strtol(*p, NULL, 10);
	*p += n;
	limit_skip_blanks(p);
}

/* ---- what is measured ------------------------------------------------------------------------ */

static int limit_take_what(struct limit *l, const char *name, struct error *err)
{
	static const char *const names[LIMIT_N_WHATS] = {
		[LIMIT_COUNT] = "count", [LIMIT_RATE] = "rate", [LIMIT_MEAN] = "mean",
		[LIMIT_P50] = "p50",	 [LIMIT_P99] = "p99",	[LIMIT_MAX] = "max",
	};

	for (int i = 0; i < LIMIT_N_WHATS; i++) {
		l->what = (enum limit_what)i;
		if (!strcasecmp(name, names[i]) && !(l->metric == LIMIT_WAKEUP && i == LIMIT_RATE))
			return 0;
	}
	return error_set(err, "there is no metric '%s.%s'",
			 l->metric == LIMIT_EXITS ? "exits" : "wakeup", name);
}

static int limit_take_name(struct limit *l, const char *name, struct error *err)
{
	static const struct {
		const char *prefix;
		enum limit_metric metric;
	} many[] = {{"exits.", LIMIT_EXITS}, {"wakeup.", LIMIT_WAKEUP}};

	for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++) {
		size_t n = strlen(many[i].prefix);

		l->metric = many[i].metric;
		if (!strncasecmp(name, many[i].prefix, n))
			return limit_take_what(l, name + n, err);
	}
	l->metric = strcasecmp(name, "throttled") ? LIMIT_TIME : LIMIT_THROTTLED;
	l->part = strcasecmp(name, "steal") ? split_part_of_name(name) : SPLIT_READY;
	if (l->part == SPLIT_N && l->metric == LIMIT_TIME)
		return error_set(err, "there is no metric '%s'", name);
	return 0;
}

static int limit_take_stage(struct limit *l, struct error *err)
{
	int stage = 0;

	while (l->of && stage < STAGE_N &&
	       strcasecmp(l->of, wakeup_stage_name((enum wakeup_stage)stage)) != 0)
		stage++;
	l->stage = l->of ? (enum wakeup_stage)stage : STAGE_WHOLE;
	return l->stage == STAGE_N ? error_set(err, "a wake-up has no stage '%s'", l->of) : 0;
}

/* What is in parentheses behind the metric. */
static int limit_take_of(struct limit *l, const char **p, struct error *err)
{
	if (**p == '(') {
		size_t n = strcspn(++*p, ")");
		char *word = mem_strndup(*p, n);

		*p += n;
		if (l->metric < LIMIT_EXITS || !**p || !n) {
			free(word);
			return error_set(err,
					 "only exits have a (REASON), and only wake-ups a (STAGE)");
		}
		++*p;
		limit_skip_blanks(p);
		if (strcmp(word, "*") != 0)
			l->of = word;
		else
			free(word);
	}
	return l->metric == LIMIT_WAKEUP ? limit_take_stage(l, err) : 0;
}

static int limit_take_metric(struct limit *l, const char **p, struct error *err)
{
	char *name = limit_word(p, strcspn(*p, " \t(<>="));
	int r = limit_take_name(l, name, err);

	free(name);
	return r ? r : limit_take_of(l, p, err);
}

/* ---- what it is held against ----------------------------------------------------------------- */

static int limit_take_order(struct limit *l, const char **p, struct error *err)
{
	if (**p != '<' && **p != '>')
		return error_set(err, "the metric is not followed by <, <=, > or >=");
	bool equal = (*p)[1] == '=';

	if (**p == '<')
		l->order = equal ? LIMIT_AT_MOST : LIMIT_LESS;
	else
		l->order = equal ? LIMIT_AT_LEAST : LIMIT_MORE;
	*p += 1 + equal;
	limit_skip_blanks(p);
	return 0;
}

/* Return: whether the metric can be told in that unit. */
static bool limit_fits(const struct limit *l, enum limit_unit unit)
{
	if (l->metric == LIMIT_TIME || l->metric == LIMIT_THROTTLED)
		return unit == LIMIT_PERCENT || unit == LIMIT_NS;
	if (l->what == LIMIT_COUNT)
		return unit == LIMIT_NUMBER;
	return unit == (l->what == LIMIT_RATE ? LIMIT_PER_SECOND : LIMIT_NS);
}

static int limit_take_unit(struct limit *l, const char *name, struct error *err)
{
	static const struct {
		const char *name;
		enum limit_unit unit;
		double scale;
	} units[] = {
		{"%", LIMIT_PERCENT, 1},     {"ns", LIMIT_NS, 1},  {"us", LIMIT_NS, 1e3},
		{"ms", LIMIT_NS, 1e6},	     {"s", LIMIT_NS, 1e9}, {"", LIMIT_NUMBER, 1},
		{"/s", LIMIT_PER_SECOND, 1},
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(name, units[i].name) != 0 || !limit_fits(l, units[i].unit))
			continue;
		l->unit = units[i].unit;
		l->bound *= units[i].scale;
		return 0;
	}
	return error_set(err,
			 "'%s' is no unit of this metric: shares are in %%, times in ns, us, "
			 "ms or s, rates in /s, counts have none",
			 name);
}

static int limit_take_bound(struct limit *l, const char *p, struct error *err)
{
	/* Neither hexadecimal, nor infinity, nor NaN. */
	size_t n = strspn(p, "0123456789.");
	char *number = mem_strndup(p, n), *end;

	l->bound = strtod(number, &end);
	bool good = n && !*end;

	free(number);
	if (!good)
		return error_set(err, "there is no number after %s", limit_order_name(l->order));
	p += n;
	limit_skip_blanks(&p);
	size_t length = strlen(p);

	while (length && strchr(" \t", p[length - 1]))
		length--;
	char *unit = mem_strndup(p, length);
	int r = limit_take_unit(l, unit, err);

	free(unit);
	return r;
}

static int limit_read(struct limit *l, const char *p, struct error *err)
{
	limit_skip_blanks(&p);
	l->vm = limit_word(&p, strcspn(p, " \t"));
	limit_take_vcpu(l, &p);
	if (!*l->vm || !*p)
		return error_set(err, "it needs a VM, a metric and a number");
	if (limit_take_metric(l, &p, err) || limit_take_order(l, &p, err))
		return ERR;
	return limit_take_bound(l, p, err);
}

int limit_parse(struct limit *l, const char *text, struct error *err)
{
	*l = (struct limit){.text = text};
	if (!limit_read(l, text, err))
		return 0;
	return error_wrap(err, "'%s' is no limit such as 'web1 ready < 5%%'", text);
}

void limit_deinit(struct limit *l)
{
	free(l->vm);
	free(l->of);
}
