/* Bodies of requests: what they ask for, and which are refused with what words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "server/request.h"

/* Reads a body that must be good; to be deinitialized. */
static struct view_request read_good(const char *body, bool tsp, int64_t origin)
{
	struct view_request r;
	struct error err = {0};

	if (view_request_init(&r, body, strlen(body), tsp, origin, &err))
		fail_msg("%s: %s", body, err.text);
	return r;
}

static void expect_refused(const char *body, bool tsp, const char *why)
{
	struct view_request r;
	struct error err = {0};

	if (!view_request_init(&r, body, strlen(body), tsp, 1000, &err))
		fail_msg("'%.100s' is taken", body);
	if (!strstr(err.text, why))
		fail_msg("'%.100s' is refused for '%s', not '%s'", body, err.text, why);
	error_deinit(&err);
	view_request_deinit(&r);
}

static void test_nothing(void **state)
{
	static const char *const bodies[] = {"",
					     "  \n",
					     "{}",
					     "{\"parameters\":{}}",
					     "{\"parameters\":null}",
					     "{\"x\":[1,{\"y\":2}]}"};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		struct view_request r = read_good(bodies[i], true, 0);

		assert_false(r.has_range || r.has_items || r.search);
		assert_int_equal(r.index, -1);
		view_request_deinit(&r);
	}
}

static void test_times_are_exact(void **state)
{
	struct view_request r =
		read_good("{\"parameters\":{\"requested_timerange\":{\"start\":1795396679191196227,"
			  "\"end\":1795396679191196229,\"nbTimes\":7}}}",
			  true, 0);

	(void)state;
	assert_true(r.has_range);
	assert_true(r.from == 1795396679191196227);
	assert_true(r.to == 1795396679191196230); /* the end is a time that is asked for, too */
	assert_int_equal(r.pixels, 7);
	view_request_deinit(&r);

	r = read_good("{\"parameters\":{\"requested_times\":[30,-5,10]}}", true, 0);
	assert_true(r.from == -5 && r.to == 31);
	assert_int_equal(r.pixels, 3);
	view_request_deinit(&r);

	r = read_good("{\"start\":5,\"end\":9,\"pixels\":3}", false, 1795396679191196227);
	assert_true(r.from == 1795396679191196232 && r.to == 1795396679191196236);
	assert_int_equal(r.pixels, 3);
	view_request_deinit(&r);
}

static void test_timerange_wins(void **state)
{
	struct view_request r = read_good("{\"parameters\":{\"requested_times\":[1,2],"
					  "\"requested_timerange\":{\"start\":10,\"end\":20}}}",
					  true, 0);

	(void)state;
	assert_true(r.from == 10 && r.to == 21);
	view_request_deinit(&r);
}

static void test_pixels_are_bounded(void **state)
{
	static const struct {
		const char *n;
		uint32_t pixels;
	} cases[] = {{"0", 1},	       {"1", 1},	 {"-7", 1},
		     {"65536", 65536}, {"65537", 65536}, {"9223372036854775807", 65536},
		     {"12.0", 12}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *body = mem_printf("{\"parameters\":{\"requested_timerange\":{\"start\":1,"
					"\"end\":2,\"nbTimes\":%s}}}",
					cases[i].n);
		struct view_request r = read_good(body, true, 0);

		assert_int_equal(r.pixels, cases[i].pixels);
		view_request_deinit(&r);
		free(body);
	}
}

/* Ids that no row has stay in their places: the reply has a lane for each. */
static void test_items(void **state)
{
	struct view_request r = read_good(
		"{\"items\":[5,-1,-7,2147483647,2147483648,9223372036854775807,3.0]}", false, 0);
	static const int32_t want[] = {5, -1, -1, INT32_MAX, -1, -1, 3};

	(void)state;
	assert_int_equal(r.items.n, 7);
	assert_memory_equal(r.items.at, want, sizeof(want));
	view_request_deinit(&r);
	r = read_good("{\"items\":[]}", false, 0);
	assert_true(r.has_items && !r.items.n);
	view_request_deinit(&r);
}

static void test_tables(void **state)
{
	struct view_request r = read_good(
		"{\"parameters\":{\"requested_table_index\":9007199254740991,"
		"\"requested_table_count\":2147483647,\"requested_table_column_ids\":[2,99],"
		"\"table_search_expressions\":{\"3\":\"^a+$\"},"
		"\"table_search_direction\":\"PREVIOUS\"}}",
		true, 0);

	(void)state;
	assert_true(r.index == 9007199254740991);
	assert_int_equal(r.lines, REQUEST_MAX_LINES);
	assert_int_equal(r.columns.n, 2);
	assert_true(r.search && r.backwards);
	assert_int_equal(r.searches.n, 1);
	assert_true(pattern_matches(r.searches.at[0].pattern, "aaa"));
	assert_false(pattern_matches(r.searches.at[0].pattern, "aba"));
	view_request_deinit(&r);
}

static void test_bad_json(void **state)
{
	static const char *const bad[] = {"{",
					  "[",
					  "{\"a\":1,}",
					  "{\"a\":NaN}",
					  "{\"a\":1e999}",
					  "{\"a\":\"\xff\"}",
					  "{\"a\":1,\"a\":1}",
					  "{} x",
					  "{\"a\":99999999999999999999}",
					  "{\"a\":\"\\u0000\"}"};
	char deep[5000];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		expect_refused(bad[i], true, "is not JSON");
	memset(deep, '[', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	expect_refused(deep, true, "is not JSON");
	expect_refused("[]", true, "must be an object");
	expect_refused("{\"parameters\":[]}", true, "'parameters' must be an object");
}

static void test_bad_values(void **state)
{
	static const struct {
		const char *parameters, *why;
	} bad[] = {
		{"{\"requested_timerange\":[]}", "must be an object"},
		{"{\"requested_timerange\":{\"start\":1}}", "with start and end"},
		{"{\"requested_timerange\":{\"start\":2,\"end\":1}}", "start before end"},
		{"{\"requested_timerange\":{\"start\":1.5,\"end\":2}}",
		 "'start' must be an integer"},
		{"{\"requested_timerange\":{\"start\":\"1\",\"end\":2}}", "must be an integer"},
		{"{\"requested_timerange\":{\"start\":1,\"end\":9223372036854775807}}", "stretch"},
		{"{\"requested_timerange\":{\"start\":-9223372036854775808,\"end\":1}}", "stretch"},
		{"{\"requested_items\":{}}", "must be an array"},
		{"{\"requested_items\":[true]}", "must be an integer"},
		{"{\"requested_items\":[1e300]}", "must be an integer"},
		{"{\"requested_table_index\":-1}", "must be from 0"},
		{"{\"requested_table_index\":9007199254740992}", "must be from 0"},
		{"{\"table_search_direction\":\"UP\"}", "NEXT or PREVIOUS"},
		{"{\"table_search_expressions\":{\"a\":\"b\"}}", "by number of their column"},
		{"{\"table_search_expressions\":{\"1\":\"(\"}}", "no pattern"},
		{"{\"table_search_expressions\":{\"1\":\"a{1,99999}\"}}", "no pattern"},
		{"{\"table_search_expressions\":{\"1\":\"((a{999}){999}){999}\"}}", "no pattern"},
		{"{\"table_search_expressions\":{\"1\":\"(a)\\\\1\"}}", "no pattern"},
		{"{\"filter_query_parameters\":[]}", "must be an object"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char *body = mem_printf("{\"parameters\":%s}", bad[i].parameters);

		expect_refused(body, true, bad[i].why);
		free(body);
	}
	expect_refused("{\"start\":5,\"end\":5}", false, "after start");
	expect_refused("{\"start\":0,\"end\":9007199254740993}", false, "must be from");
	expect_refused("{\"start\":0,\"end\":1,\"pixels\":0}", false, "'pixels' must be from 1");
	expect_refused("{\"items\":5}", false, "must be an array");
}

/* What people search for. */
static void test_patterns(void **state)
{
	static const char *const good[] = {
		"^CPU [0-9]+/KVM$", "(read|write)+", "[]+*]+x", "kvm.*|msr",
		"a?b+c*",	    "\\\\w+ \\\\.+", "(ab?)*",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		char *body = mem_printf(
			"{\"parameters\":{\"table_search_expressions\":{\"1\":\"%s\"}}}", good[i]);
		struct view_request r;
		struct error err = {0};

		assert_int_equal(view_request_init(&r, body, strlen(body), true, 0, &err), 0);
		assert_int_equal(r.searches.n, 1);
		view_request_deinit(&r);
		free(body);
	}
}

/*
 * Ways to match that double with every character; and what has as many groups as a length allows.
 */
static void test_patterns_end(void **state)
{
	static const char *const slow[] = {
		"(((((a+)+)+)+)+)+$",
		"(a|aa)+$",
		"(a*)*b",
		"(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)b",
		"((((((a?){30}){30}))))c",
	};
	char text[201], deep[PATTERN_MAX_LENGTH + 2];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[199] = '!';
	text[200] = '\0';
	for (size_t i = 0; i < sizeof(slow) / sizeof(*slow); i++) {
		struct pattern *p = pattern_new(slow[i]);

		assert_non_null(p);
		assert_false(pattern_matches(p, text));
		pattern_free(p);
	}
	memset(deep, '(', sizeof(deep));
	memset(deep + sizeof(deep) / 2, ')', sizeof(deep) / 2);
	deep[sizeof(deep) - 1] = '\0';
	assert_null(pattern_new(deep));
	memset(deep, 'a', sizeof(deep) - 1);
	assert_null(pattern_new(deep));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),	       cmocka_unit_test(test_times_are_exact),
		cmocka_unit_test(test_timerange_wins), cmocka_unit_test(test_pixels_are_bounded),
		cmocka_unit_test(test_items),	       cmocka_unit_test(test_tables),
		cmocka_unit_test(test_bad_json),       cmocka_unit_test(test_bad_values),
		cmocka_unit_test(test_patterns),       cmocka_unit_test(test_patterns_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
