/* The scripts of `vmscope record` enable every event of the table that their tracer and machine
 * has, and no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "inspect/recipe.h"

static char *script_of(enum role role, enum tracer tracer)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	recipe_print(role, tracer, f);
	fclose(f);
	return text;
}

/* Return: how often a line ends with the words. */
static unsigned count_lines(const char *text, const char *words)
{
	unsigned n = 0;

	for (const char *at = text; (at = strstr(at, words)); at++)
		n += at > text && at[-1] == ' ' && at[strlen(words)] == '\n';
	return n;
}

/* One that only a machine of the other kind needs may be there for the sake of an entry that both
 * need. */
static bool is_shared(const struct required_event *r, enum role role, enum tracer tracer)
{
	for (size_t i = 0; i < n_required_events; i++) {
		const struct required_event *other = &required_events[i];

		if ((other->roles & role) && required_by(other, tracer) && r->enable[tracer] &&
		    other->enable[tracer] && !strcmp(r->enable[tracer], other->enable[tracer]))
			return true;
	}
	return false;
}

static void check_script(enum role role, enum tracer tracer)
{
	char *text = script_of(role, tracer);

	for (size_t i = 0; i < n_required_events; i++) {
		const struct required_event *r = &required_events[i];

		if (!required_by(r, tracer))
			continue;
		const char *how = r->enable[tracer] ? r->enable[tracer] : r->names[tracer][0];
		unsigned wanted = (r->roles & role) != 0 || is_shared(r, role, tracer);
		unsigned n = count_lines(text, how);

		if (n != wanted)
			fail_msg("%s, %s: '%s' is there %u times, not %u", role_name(role),
				 tracer_name(tracer), how, n, wanted);
	}
	free(text);
}

static void test_each_event_is_enabled_once(void **state)
{
	(void)state;
	for (enum tracer tracer = 0; tracer < N_TRACERS; tracer++) {
		check_script(ROLE_HOST, tracer);
		check_script(ROLE_GUEST, tracer);
	}
}

/* A line that does not fit a terminal is not read. */
static void test_lines_are_short(void **state)
{
	(void)state;
	for (enum tracer tracer = 0; tracer < N_TRACERS; tracer++) {
		char *text = script_of(ROLE_HOST, tracer);

		for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
			assert_in_range(strlen(line), 1, 100);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_event_is_enabled_once),
		cmocka_unit_test(test_lines_are_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
