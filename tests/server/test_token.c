/* Tokens before paths, and who else is logged in. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utmpx.h>

#include "server/token.h"

static const char token[] = "0123456789abcdef";

static bool takes(const char *path, int left)
{
	struct url u;
	bool good = url_init(&u, path) && token_take(&u, token);

	if (good)
		assert_int_equal(u.n, left);
	url_deinit(&u);
	return good;
}

static void test_only_the_token_is_taken(void **state)
{
	(void)state;
	assert_true(takes("/0123456789abcdef", 0));
	assert_true(takes("/0123456789abcdef/tsp/api/health", 3));
	assert_true(takes("//0123456789abcdef//tsp", 1));
	assert_false(takes("/", 0));
	assert_false(takes("/0123456789abcde", 0));
	assert_false(takes("/0123456789abcdef0", 0));
	assert_false(takes("/0123456789abcdef0123456789abcdef", 0));
	assert_false(takes("/0123456789abcdeF", 0));
	assert_false(takes("/tsp/0123456789abcdef", 0));
}

static void test_made_ones_differ_and_are_good(void **state)
{
	struct error err = {0};
	char *a = token_new(&err), *b = token_new(&err);

	(void)state;
	assert_true(token_is_good(a) && token_is_good(b) && strlen(a) == 32);
	assert_string_not_equal(a, b);
	free(a);
	free(b);
	assert_false(token_is_good("short"));
	assert_false(token_is_good("with/a/slash"));
	assert_false(token_is_good("with%20escape"));
}

/* Return: what is said where somebody is logged in at /dev/null, whose owner is root. */
static bool others_of(short type, uid_t user)
{
	struct utmpx entry = {.ut_type = type, .ut_line = "null", .ut_user = "somebody"};
	char path[] = "/tmp/vmscope-utmp-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0 && write(fd, &entry, sizeof(entry)) == sizeof(entry));
	close(fd);
	bool others = token_has_others(path, user);

	unlink(path);
	return others;
}

static void test_others_are_those_of_other_terminals(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(stat("/dev/null", &st), 0);
	assert_true(others_of(USER_PROCESS, st.st_uid + 1));
	assert_false(others_of(USER_PROCESS, st.st_uid));
	assert_false(others_of(DEAD_PROCESS, st.st_uid + 1));
	assert_false(token_has_others("/nowhere", st.st_uid + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_the_token_is_taken),
		cmocka_unit_test(test_made_ones_differ_and_are_good),
		cmocka_unit_test(test_others_are_those_of_other_terminals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
