/*
 * test_skip TRACE...: reading from a time on gives what reading all gives from there on.
 *
 * Each stream is read as a whole and then from many times on. Every event from that time on must
 * come, and of what is before it at most the rest of one packet: all others are to be stepped over.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "input/ctf/cursor.h"
#include "input/ctf/trace.h"

enum { N_TIMES = 100 };

struct seen {
	int64_t ns;
	uint64_t packet; /* byte offset */
};

typedef VEC(struct seen) seen_t;

static seen_t read_from(const struct ctf_trace *t, const struct ctf_stream *s,
			const struct ctf_plan *plan, int64_t from)
{
	struct ctf_cursor c;
	seen_t seen = {0};
	int r;

	ctf_cursor_init(&c, t, s, plan, true, from);
	while ((r = ctf_cursor_next(&c, NULL)) != CTF_CURSOR_END) {
		if (r == CTF_CURSOR_EVENT)
			*vec_push(&seen) = (struct seen){.ns = c.ns, .packet = c.packet.offset};
	}
	ctf_cursor_deinit(&c);
	return seen;
}

/* Return: index of the first event at or after `from`. */
static size_t first_from(const seen_t *seen, int64_t from)
{
	size_t i = 0;

	while (i < seen->n && seen->at[i].ns < from)
		i++;
	return i;
}

static bool is_right(const seen_t *all, const seen_t *some, int64_t from)
{
	size_t i = first_from(all, from), k = first_from(some, from);

	if (all->n - i != some->n - k || (k && some->at[0].packet != some->at[k - 1].packet))
		return false;
	for (; i < all->n; i++, k++) {
		if (all->at[i].ns != some->at[k].ns || all->at[i].packet != some->at[k].packet)
			return false;
	}
	return true;
}

/* Return: how many times were wrong. */
static int check_stream(const struct ctf_trace *t, const struct ctf_stream *s,
			const struct ctf_plan *plan)
{
	seen_t all = read_from(t, s, plan, INT64_MIN);
	int wrong = all.n == 0;

	for (int i = 0; i <= N_TIMES && all.n; i++) {
		int64_t first = all.at[0].ns, last = all.at[all.n - 1].ns;
		int64_t from = first - 1 + (last - first + 2) / N_TIMES * i;
		seen_t some = read_from(t, s, plan, from);

		if (!is_right(&all, &some, from)) {
			printf("# from %" PRId64 " on, of %zu events: %zu\n", from, all.n, some.n);
			wrong++;
		}
		vec_deinit(&some);
	}
	vec_deinit(&all);
	return wrong;
}

static int check_trace(const char *dir)
{
	struct error err = {0};
	struct ctf_trace *t;
	int wrong = 0;

	if (ctf_trace_open(&t, dir, &err)) {
		printf("# %s\n", err.text);
		error_deinit(&err);
		return 1;
	}
	struct ctf_plan *plan = ctf_plan_new(&t->type, NULL, NULL);

	vec_each (s, &t->streams)
		wrong += check_stream(t, s, plan);
	ctf_plan_free(plan);
	ctf_trace_free(t);
	return wrong;
}

int main(int argc, char **argv)
{
	int failures = 0;

	for (int i = 1; i < argc; i++) {
		int wrong = check_trace(argv[i]);

		printf("%s %d - %s\n", wrong ? "not ok" : "ok", i, argv[i]);
		failures += wrong != 0;
	}
	printf("1..%d\n", argc - 1);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
