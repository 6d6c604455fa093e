/*
 * test_tracedat DIR: each DIR/NAME.dat of gen_tracedat.py is read, and what is found is held
 * against NAME.expected. The three ways of reading (every event shown, all wanted, from a time on)
 * have to agree.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "input/format.h"
#include "show.h"

/* Return: what is wrong, in memory of the caller; NULL if nothing. */
typedef char *(*check_fn)(const struct recording *r, const char *expected);

static char *first_difference(const char *found, const char *expected)
{
	size_t line = 1, start = 0, i = 0;

	for (; found[i] && found[i] == expected[i]; i++) {
		if (found[i] == '\n') {
			line++;
			start = i + 1;
		}
	}
	if (!found[i] && !expected[i])
		return NULL;
	return mem_printf("line %zu: expected '%.*s', found '%.*s'", line,
			  (int)strcspn(expected + start, "\n"), expected + start,
			  (int)strcspn(found + start, "\n"), found + start);
}

/* ---- what is found --------------------------------------------------------------------------- */

static char *check_text(const struct recording *r, const char *expected)
{
	char *found = show_recording(r), *difference = first_difference(found, expected);

	free(found);
	return difference;
}

/*
 * "clock-about NAME HZ PPB ORIGIN": the rate is HZ, known to PPB or better, and HZ lies within what
 * it is known to.
 */
static char *check_rate(const struct recording *r, const char *expected)
{
	const struct recording_clock *c = &r->clocks.at[0];
	uint64_t hz, ppb;
	double off;

	if (sscanf(strstr(expected, "clock-about"), "clock-about %*s %" SCNu64 " %" SCNu64, &hz,
		   &ppb) != 2)
		return mem_strdup("the expectation cannot be read");
	off = ((double)c->frequency - (double)hz) / (double)hz * 1e9;
	if (c->frequency_error > ppb || !c->frequency_error || off > (double)c->frequency_error ||
	    -off > (double)c->frequency_error || !c->is_tsc || c->origin != CLOCK_ORIGIN_BOOT)
		return mem_printf("expected %" PRIu64 " Hz to %" PRIu64 " ppb, found %" PRIu64
				  " to %" PRIu64,
				  hz, ppb, c->frequency, c->frequency_error);
	return NULL;
}

/* ---- events as they are wanted --------------------------------------------------------------- */

/* The reader's next event, or NULL at the end. */
static const struct event *next_event(struct reader *r, size_t *ip)
{
	if (*ip == r->n) {
		if (!reader_read(r))
			return NULL;
		*ip = 0;
	}
	return &r->events[(*ip)++];
}

static char *check_event(const struct walk *w, int state, const struct event *e)
{
	const struct recording_event *class = &w->recording->events.at[w->event];
	uint16_t id = class->id < EV_N ? class->id : EV_OTHER;

	if (!e)
		return mem_printf("the reader ends before %" PRId64, w->ns);
	if (e->ts != w->ns)
		return mem_printf("the reader has %" PRId64 ", the walk %" PRId64, e->ts, w->ns);
	if (state == WALK_LOST) {
		if (e->id != EV_LOST || e->lost.to != w->lost_to_ns ||
		    e->lost.count != (int64_t)w->lost)
			return mem_printf("another loss at %" PRId64, w->ns);
	} else if (e->id != id || e->tid == NO_VALUE) {
		return mem_printf("another event at %" PRId64, w->ns);
	}
	return NULL;
}

static char *compare_stream(const struct recording *r, size_t stream, struct input_plan *plan,
			    struct worker *helper)
{
	struct walk *w = walk_new(r, stream, INT64_MIN);
	struct reader *reader = reader_new(r, stream, plan, 0, INT64_MIN);
	char *wrong = NULL;
	size_t i = 0;
	int state;

	reader_share(reader, helper);
	while (!wrong && (state = walk_next(w)) != WALK_END)
		wrong = check_event(w, state, next_event(reader, &i));
	if (!wrong && next_event(reader, &i))
		wrong = mem_strdup("the reader has more than the walk");
	if (!wrong && (w->totals.n_events != reader->totals.n_events ||
		       w->totals.n_lost != reader->totals.n_lost ||
		       w->totals.n_packets != reader->totals.n_packets ||
		       memcmp(w->diags, reader->diags, sizeof(*w->diags)) != 0))
		wrong = mem_strdup("reader and walk count differently");
	reader_free(reader);
	walk_free(w);
	return wrong;
}

static char *compare_streams(const struct recording *r, struct worker *helper)
{
	struct input_plan *plan = input_plan_new(r, event_set_all(), true);
	char *wrong = NULL;

	for (size_t i = 0; i < r->streams.n && !wrong; i++)
		wrong = compare_stream(r, i, plan, helper);
	input_plan_free(r, plan);
	return wrong;
}

static char *check_reader(const struct recording *r, const char *expected)
{
	(void)expected;
	return compare_streams(r, NULL);
}

static char *check_shared(const struct recording *r, const char *expected)
{
	struct worker *helper = worker_new(NULL, NULL, 1);
	char *wrong = compare_streams(r, helper);

	(void)expected;
	worker_free(helper);
	return wrong;
}

/* ---- what events borrow ---------------------------------------------------------------------- */

/* Each sched_wakeup in it is of a thread that is called "t" and its number. */
static char *check_names(const struct event *events, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct event_text t = events[i].sched_wakeup.comm;
		char name[32];

		if (events[i].id != EV_SCHED_WAKEUP)
			continue;
		snprintf(name, sizeof(name), "t%" PRId64, events[i].sched_wakeup.tid);
		if (t.n != strlen(name) || memcmp(t.at, name, t.n) != 0)
			return mem_printf("'%.*s' should be '%s'", (int)t.n, t.at, name);
	}
	return NULL;
}

/*
 * Texts have to stay while the next batch is read, and be looked at then. A worker helps from the
 * third batch on.
 */
static char *check_texts(const struct recording *r, const char *expected)
{
	struct input_plan *plan = input_plan_new(r, event_set_all(), false);
	struct event *before = mem_zalloc(READER_FEW, sizeof(*before));
	struct worker *helper = worker_new(NULL, NULL, 1);
	char *wrong = NULL;

	(void)expected;
	for (size_t i = 0; i < r->streams.n && !wrong; i++) {
		struct reader *reader = reader_new(r, i, plan, 0, INT64_MIN);
		size_t n = 0, n_batches = 0;

		while (!wrong && reader_read(reader)) {
			if (n_batches++ == 2)
				reader_share(reader, helper);
			wrong = check_names(before, n);
			n = reader->n;
			memcpy(before, reader->events, n * sizeof(*before));
		}
		wrong = wrong ? wrong : check_names(before, n);
		reader_free(reader);
	}
	free(before);
	worker_free(helper);
	input_plan_free(r, plan);
	return wrong;
}

/* ---- from a time on -------------------------------------------------------------------------- */

/* The time of a line, of a copy: with strict checks strtoll() looks at all that follows. */
static int64_t time_of(const char *line)
{
	char number[24] = {0};

	for (size_t i = 0; i + 1 < sizeof(number) && line[i + 2] != ' ' && line[i + 2]; i++)
		number[i] = line[i + 2];
	return strtoll(number, NULL, 10);
}

/* strchr() looks at the whole text when the sanitizer checks its arguments. */
static const char *line_after(const char *line)
{
	while (*line != '\n')
		line++;
	return line + 1;
}

/* Behind the last line whose time is before ns. */
static const char *lines_from(const char *text, int64_t ns)
{
	const char *from = text;

	for (const char *line = text; *line; line = line_after(line)) {
		if (time_of(line) < ns)
			from = line_after(line);
	}
	return from;
}

static char *compare_from(const struct recording *r, size_t stream, const char *all, int64_t ns)
{
	struct diag_list diags = {0};
	char *some = show_stream(r, stream, ns, &diags), *wrong;

	wrong = first_difference(lines_from(some, ns), lines_from(all, ns));
	free(some);
	return wrong;
}

/* Only where times go forward. */
static char *check_skip(const struct recording *r, const char *expected)
{
	char *wrong = NULL;

	if (strstr(expected, "event-clock-back"))
		return NULL;
	for (size_t i = 0; i < r->streams.n && !wrong; i++) {
		struct diag_list diags = {0};
		char *all = show_stream(r, i, INT64_MIN, &diags);
		size_t n = 0, step = strlen(all) / 400 + 1; /* some ten times of each stream */

		for (const char *line = all; *line && !wrong; line = line_after(line)) {
			int64_t ns = time_of(line);

			if (*line == 'E' && n++ % step == 0) {
				wrong = compare_from(r, i, all, ns);
				wrong = wrong ? wrong : compare_from(r, i, all, ns + 1);
			}
		}
		free(all);
	}
	return wrong;
}

/* ---- all ------------------------------------------------------------------------------------- */

/* "given HZ" in the first line: what the user says. Return: 0 where there is none. */
static uint64_t take_given(const char **expectedp)
{
	uint64_t hz;

	if (sscanf(*expectedp, "given %" SCNu64, &hz) != 1)
		return 0;
	*expectedp = strchr(*expectedp, '\n') + 1;
	return hz;
}

static char *check(const char *path, const char *expected)
{
	static const check_fn checks[] = {check_reader, check_shared, check_texts, check_skip};
	struct input_options options = {.tsc_frequency = take_given(&expected)};
	struct error err = {0};
	struct recording *r;
	char *wrong;

	if (input_tracedat.open(&r, path, &options, &err)) {
		wrong = mem_strdup(err.text);
		error_deinit(&err);
		return wrong;
	}
	wrong = strstr(expected, "clock-about") ? check_rate(r, expected) : check_text(r, expected);
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]) && !wrong; i++)
		wrong = checks[i](r, expected);
	recording_free(r);
	return wrong;
}

static int is_expectation(const struct dirent *e)
{
	const char *dot = strrchr(e->d_name, '.');

	return dot && !strcmp(dot, ".expected");
}

static bool test_one(const char *dir, const char *name, int number)
{
	char *path = mem_printf("%s/%s", dir, name);
	struct file_map map;
	struct error err = {0};

	if (file_map_init(&map, path, &err))
		abort();
	char *expected = mem_strndup((const char *)map.data, map.size);

	strcpy(strrchr(path, '.'), ".dat");
	char *wrong = check(path, expected);

	printf("%sok %d - %.*s\n", wrong ? "not " : "", number, (int)strcspn(name, "."), name);
	if (wrong)
		printf("# %s\n", wrong);
	bool is_good = !wrong;

	free(wrong);
	free(expected);
	free(path);
	file_map_deinit(&map);
	return is_good;
}

int main(int argc, char **argv)
{
	struct dirent **entries;
	int n = argc == 2 ? scandir(argv[1], &entries, is_expectation, alphasort) : -1;
	bool is_good = n > 0;

	if (n <= 0) {
		fprintf(stderr, "usage: test_tracedat DIR\n");
		return 1;
	}
	printf("1..%d\n", n);
	for (int i = 0; i < n; i++) {
		is_good = test_one(argv[1], entries[i]->d_name, i + 1) && is_good;
		free(entries[i]);
	}
	free(entries);
	return is_good ? 0 : 1;
}
