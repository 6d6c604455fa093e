/* Paths, hosts and origins of requests: what is taken and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "server/url.h"
#include "server/uuid.h"

/* want: the parts, with '|' between them; NULL: it is refused. */
static void expect_parts(const char *path, const char *want)
{
	char *got = mem_strdup("");
	struct url u;
	bool good = url_init(&u, path);

	for (int i = 0; good && i < u.n; i++) {
		char *longer = mem_printf("%s%s%s", got, i ? "|" : "", u.parts[i]);

		free(got);
		got = longer;
	}
	url_deinit(&u);
	if (good != (want != NULL) || (want && strcmp(got, want) != 0))
		fail_msg("'%s' gives '%s' instead of '%s'", path, good ? got : "(refused)",
			 want ? want : "(refused)");
	free(got);
}

static void test_paths(void **state)
{
	(void)state;
	expect_parts("/", "");
	expect_parts("/tsp/api/traces", "tsp|api|traces");
	expect_parts("//tsp///api/", "tsp|api");
	expect_parts("/a%20b/%41%2D%c3%a9", "a b|A-\xc3\xa9");
	expect_parts("/%252e%252e", "%2e%2e"); /* decoded once, and no more */
	expect_parts("/.../..a/a..", "...|..a|a..");
	expect_parts("/%c0%ae%c0%ae", "\xc0\xae\xc0\xae"); /* bytes are bytes */
}

static void test_bad_paths(void **state)
{
	static const char *const bad[] = {
		"",	   "a",	     "*",	"http://localhost/",
		"/.",	   "/..",    "/a/../b", "/%2e",
		"/%2e%2E", "/.%2e",  "/a%2fb",	"/a%5c",
		"/a\\b",   "/a%00b", "/%00",	"/a%0ab",
		"/a\x7f",  "/a%7F",  "/%",	"/%4",
		"/%zz",	   "/%4g",   "/a\tb",	"/1/2/3/4/5/6/7/8/9/10/11/12/13",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		expect_parts(bad[i], NULL);
}

static void test_long_paths(void **state)
{
	char path[URL_MAX_LENGTH + 2];
	struct url u;

	(void)state;
	memset(path, 'a', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_false(url_init(&u, path));
	url_deinit(&u);
	path[URL_MAX_LENGTH] = '\0';
	assert_true(url_init(&u, path));
	assert_int_equal(strlen(u.parts[0]), URL_MAX_LENGTH - 1);
	url_deinit(&u);
}

static void test_hosts(void **state)
{
	static const char *const loopback[] = {"localhost",    "LocalHost:8080", "127.0.0.1",
					       "127.0.0.1:80", "[::1]",		 "[::1]:8080"};
	static const char *const elsewhere[] = {"10.1.2.3", "10.1.2.3:8080", "[fe80::1]:1",
						"this-machine", "THIS-machine:80"};
	static const char *const bad[] = {"",
					  ":80",
					  "evil.example",
					  "localhost.evil.example",
					  "127.0.0.1.evil.example",
					  "localhost:",
					  "[::1",
					  "[]:80",
					  "::1",
					  "[::1]x",
					  "localhost:8080x",
					  "localhost:80:80",
					  "user@localhost",
					  "this-machine.evil.example"};
	char long_name[400];

	(void)state;
	for (size_t i = 0; i < sizeof(loopback) / sizeof(*loopback); i++) {
		assert_true(url_host_is_ours(loopback[i], true, "this-machine"));
		assert_true(url_host_is_ours(loopback[i], false, "this-machine"));
	}
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(*elsewhere); i++) {
		assert_false(url_host_is_ours(elsewhere[i], true, "this-machine"));
		assert_true(url_host_is_ours(elsewhere[i], false, "this-machine"));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (strcmp(bad[i], "localhost:") != 0)
			assert_false(url_host_is_ours(bad[i], false, "this-machine"));
	}
	assert_false(url_host_is_ours(NULL, false, "this-machine"));
	memset(long_name, 'a', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_false(url_host_is_ours(long_name, false, "this-machine"));
}

static void test_origins(void **state)
{
	(void)state;
	assert_true(url_origin_is_good("http://localhost:3000", NULL));
	assert_true(url_origin_is_good("https://127.0.0.1", NULL));
	assert_true(url_origin_is_good("vscode-webview://0abc-d", NULL));
	assert_true(url_origin_is_good("http://10.0.0.1:8080", "10.0.0.1:8080"));
	assert_false(url_origin_is_good("http://10.0.0.1:8081", "10.0.0.1:8080"));
	assert_false(url_origin_is_good("http://10.0.0.1:8080", NULL));
	assert_false(url_origin_is_good("null", "localhost"));
	assert_false(url_origin_is_good("", "localhost"));
	assert_false(url_origin_is_good("file://localhost", "localhost"));
	assert_false(url_origin_is_good("vscode-webview://", NULL));
	assert_false(url_origin_is_good("vscode-webview://a/../b", NULL));
	assert_false(url_origin_is_good("http://localhost@evil.example", NULL));
	assert_false(url_origin_is_good("http://localhost/x", NULL));
}

static void test_uuids(void **state)
{
	struct uuid a = uuid_of("a", 1), b = uuid_of("b", 1);

	(void)state;
	assert_true(uuid_is(&a, uuid_of("a", 1).text));
	assert_false(uuid_is(&a, b.text));
	assert_int_equal(strlen(a.text), 36);
	assert_int_equal(strspn(a.text, "0123456789abcdef-"), 36);
	assert_int_equal(a.text[14], '8');
	assert_non_null(strchr("89ab", a.text[19]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),	   cmocka_unit_test(test_bad_paths),
		cmocka_unit_test(test_long_paths), cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_origins),	   cmocka_unit_test(test_uuids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
