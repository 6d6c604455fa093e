/*
 * A new file (base/newfile.h) is not to be seen before it is complete, nor ever in parts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/newfile.h"

static int enter_directory(void **state)
{
	char *dir = strdup("/tmp/test_newfile-XXXXXX");

	*state = dir;
	return mkdtemp(dir) && !chdir(dir) ? 0 : -1;
}

static int leave_directory(void **state)
{
	unlink("file");
	int r = chdir("/") || rmdir(*state);

	free(*state);
	return r;
}

static unsigned n_files(void)
{
	DIR *here = opendir(".");
	unsigned n = 0;

	assert_non_null(here);
	for (struct dirent *e; (e = readdir(here));)
		n += e->d_name[0] != '.';
	closedir(here);
	return n;
}

static void assert_holds(const char *text)
{
	char found[64] = {0};
	FILE *f = fopen("file", "r");

	assert_non_null(f);
	assert_true(fread(found, 1, sizeof(found) - 1, f) > 0 || !*text);
	fclose(f);
	assert_string_equal(found, text);
}

static void write_file(const char *text)
{
	struct newfile f;
	struct error err = {0};

	assert_int_equal(newfile_init(&f, "file", &err), 0);
	newfile_write(&f, text, strlen(text));
	assert_int_equal(newfile_commit(&f, &err), 0);
	newfile_deinit(&f);
}

/* Return: whether a file can be without a name here. */
static int can_be_nameless(void)
{
	int fd = open(".", O_TMPFILE | O_WRONLY, 0600);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void test_appears_when_complete(void **state)
{
	struct newfile f;
	struct error err = {0};

	(void)state;
	if (!can_be_nameless())
		skip();
	write_file("old");
	assert_int_equal(newfile_init(&f, "file", &err), 0);
	newfile_write(&f, "new", 3);
	assert_int_equal(n_files(), 1);
	assert_holds("old");
	assert_int_equal(newfile_commit(&f, &err), 0);
	newfile_deinit(&f);
	assert_int_equal(n_files(), 1);
	assert_holds("new");
}

static void test_given_up(void **state)
{
	struct newfile f;
	struct error err = {0};

	(void)state;
	write_file("old");
	assert_int_equal(newfile_init(&f, "./file", &err), 0);
	newfile_write(&f, "new", 3);
	newfile_deinit(&f);
	assert_int_equal(newfile_init_by_name(&f, "file", &err), 0);
	assert_int_equal(access(f.temporary, W_OK), 0);
	newfile_deinit(&f);
	assert_int_equal(n_files(), 1);
	assert_holds("old");
}

static void test_mode_is_the_users(void **state)
{
	struct stat st;
	mode_t before = umask(027);

	(void)state;
	write_file("text");
	umask(before);
	assert_int_equal(stat("file", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_appears_when_complete, enter_directory,
						leave_directory),
		cmocka_unit_test_setup_teardown(test_given_up, enter_directory, leave_directory),
		cmocka_unit_test_setup_teardown(test_mode_is_the_users, enter_directory,
						leave_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
