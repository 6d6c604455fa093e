/* Names of system calls against the kernel's own header on this machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "events/syscall_name.h"

static const char header[] = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h";

static void test_names_are_the_kernels(void **state)
{
	FILE *f = fopen(header, "r");
	char line[200], name[100];
	int n_checked = 0, number;

	(void)state;
	if (!f)
		skip();
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "#define __NR_%99s %d", name, &number) != 2 ||
		    !strcmp(syscall_name(number), "unknown"))
			continue;
		assert_string_equal(syscall_name(number), name);
		n_checked++;
	}
	fclose(f);
	assert_true(n_checked > 50);
}

static void test_other_numbers_have_none(void **state)
{
	(void)state;
	assert_string_equal(syscall_name(INT64_MIN), "unknown");
	assert_string_equal(syscall_name(-1), "unknown");
	assert_string_equal(syscall_name(400), "unknown");
	assert_string_equal(syscall_name(100000), "unknown");
	assert_string_equal(syscall_name(INT64_MAX), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_are_the_kernels),
		cmocka_unit_test(test_other_numbers_have_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
