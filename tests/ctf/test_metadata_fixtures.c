/*
 * Runs every file of two directories:
 *
 *	test_metadata_fixtures GOOD FAIL
 *
 * A file of GOOD is metadata, a line "----" and what type_dump() has to say about it. A file of
 * FAIL has in its first line, between "expect: " and the end of the comment, a part of the message
 * that refusing it has to give; JSON knows no comments, so there that line is taken off.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <dirent.h>

#include "base/file.h"
#include "base/mem.h"
#include "input/ctf/metadata.h"
#include "type_dump.h"

static char *read_text(const char *path)
{
	struct file_map map;
	struct error err = {0};

	if (file_map_init(&map, path, &err))
		fail_msg("%s", err.text);
	char *text = mem_strndup((const char *)map.data, map.size);
	file_map_deinit(&map);
	return text;
}

/* The part behind the separator, which is cut off. */
static char *split(char *text, const char *separator)
{
	char *at = strstr(text, separator);

	assert_non_null(at);
	*at = '\0';
	return at + strlen(separator);
}

static void test_good(void **state)
{
	char *text = read_text(*state), *expected = split(text, "\n----\n");
	struct ctf_trace_type t;
	struct error err = {0};
	uint64_t dropped;

	if (ctf_metadata_parse(&t, (const uint8_t *)text, strlen(text), &dropped, &err))
		fail_msg("%s", err.text);
	char *dump = type_dump(&t);
	assert_string_equal(dump, expected);
	assert_int_equal(dropped, 0);
	free(dump);
	free(text);
	ctf_trace_type_deinit(&t);
}

static void test_fail(void **state)
{
	const char *path = *state;
	char *text = read_text(path), *expected, *rest;
	struct ctf_trace_type t;
	struct error err = {0};
	uint64_t dropped;
	bool json = strstr(path, ".json");

	expected = strstr(text, "expect: ");
	assert_non_null(expected);
	expected += strlen("expect: ");
	rest = strchr(expected, '\n');
	assert_non_null(rest);
	char *wanted = mem_strndup(expected, (size_t)(rest - expected));
	if (!json)
		split(wanted, " */");
	const char *metadata = json ? rest + 1 : text;
	int r = ctf_metadata_parse(&t, (const uint8_t *)metadata, strlen(metadata), &dropped, &err);
	assert_int_equal(r, ERR);
	if (!strstr(err.text, wanted))
		fail_msg("expected \"%s\", got \"%s\"", wanted, err.text);
	free(wanted);
	free(text);
	error_deinit(&err);
	ctf_trace_type_deinit(&t);
}

static int is_fixture(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

struct tests {
	VEC(struct CMUnitTest) list;
};

static void add_directory(struct tests *tests, const char *directory, CMUnitTestFunction fn)
{
	struct dirent **entries;
	int n = scandir(directory, &entries, is_fixture, alphasort);

	for (int i = 0; i < n; i++) {
		char *path = mem_printf("%s/%s", directory, entries[i]->d_name);

		*vec_push(&tests->list) =
			(struct CMUnitTest){.name = path, .test_func = fn, .initial_state = path};
		free(entries[i]);
	}
	if (n > 0)
		free(entries);
}

int main(int argc, char **argv)
{
	struct tests tests = {0};

	if (argc != 3)
		return 2;
	add_directory(&tests, argv[1], test_good);
	size_t n_good = tests.list.n;
	add_directory(&tests, argv[2], test_fail);
	if (!n_good || tests.list.n == n_good)
		return 2;
	int r = _cmocka_run_group_tests("metadata fixtures", tests.list.at, tests.list.n, NULL,
					NULL);
	vec_each (t, &tests.list)
		free((char *)t->name);
	vec_deinit(&tests.list);
	return r;
}
