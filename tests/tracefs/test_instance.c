/* A tracefs instance of our own: where tests may trace (root, tracefs), else skipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "tracefs/instance.h"
#include "tracefs/owner.h"
#include "tracefs/tracing.h"

static struct instance *make(void)
{
	struct error err = {0};
	struct instance *i = NULL;

	if (instance_new(&i, "test", &err)) {
		print_message("%s\n", err.text);
		assert_true(strlen(err.text) > 20); /* it names the cause */
		error_deinit(&err);
		skip();
	}
	return i;
}

static void done(int r, struct error *err)
{
	if (r < 0)
		fail_msg("%s", err->text);
}

static bool exists(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "/sys/kernel/tracing/instances/%s", name);
	return !access(path, F_OK);
}

/* ---- names ----------------------------------------------------------------------------------- */

static void names_tell_living_from_gone(void **state)
{
	(void)state;
	char *mine = owner_name("test");
	int pid;
	unsigned long long start, space;

	assert_int_equal(sscanf(mine, "vmscope-test-%d-%llu-%llu", &pid, &start, &space), 3);
	assert_int_equal(pid, getpid());
	assert_false(owner_is_gone(mine));

	/* The PID is in use again, by a process that began at another time. */
	char *reused = mem_printf("vmscope-test-%d-%llu-%llu", pid, start + 1, space);
	char *elsewhere = mem_printf("vmscope-test-%d-%llu-%llu", pid, start + 1, space + 1);
	char *longer = mem_printf("vmscope-test-%d-%llu-%llu-x", pid, start + 1, space);

	assert_true(owner_is_gone(reused));
	assert_false(owner_is_gone(elsewhere));
	assert_false(owner_is_gone(longer));
	assert_false(owner_is_gone("vmscope-test"));
	assert_false(owner_is_gone("others"));
	free(longer);
	free(elsewhere);
	free(reused);
	free(mine);
}

/* ---- use ------------------------------------------------------------------------------------- */

static void busy(void)
{
	for (int n = 0; n < 200; n++)
		usleep(100);
}

static size_t read_all(const struct instance *i)
{
	char *page = malloc(instance_subbuffer(i));
	struct error err = {0};
	size_t bytes = 0;

	for (unsigned cpu = 0; cpu < instance_n_cpus(i); cpu++) {
		int fd = instance_open_raw(i, cpu, &err);
		ssize_t n;

		done(fd, &err);
		while ((n = read(fd, page, instance_subbuffer(i))) > 0)
			bytes += (size_t)n;
		close(fd);
	}
	free(page);
	return bytes;
}

static void records_and_goes_away(void **state)
{
	(void)state;
	struct error err = {0};
	struct instance *i = make();
	char name[128];

	snprintf(name, sizeof(name), "%s", instance_name(i));
	assert_true(exists(name));
	assert_true(instance_has_clock("mono"));
	assert_false(instance_has_clock("mon"));
	done(instance_set_clock(i, "mono", &err), &err);
	done(instance_set_buffer_kb(i, 512, &err), &err);
	done(instance_set_buffer_percent(i, 0, &err), &err);
	done(instance_set_option(i, "overwrite", false, &err), &err);
	assert_int_equal(instance_enable(i, "sched:sched_switch", NULL, &err), 1);
	assert_int_equal(instance_enable(i, "sched:no_such_event", NULL, &err), 0);
	assert_true(instance_enable(i, "sched:sched_wak*", NULL, &err) > 1);
	busy();
	assert_int_equal(read_all(i), 0); /* not switched on yet */
	done(instance_set_tracing(i, true, &err), &err);
	busy();
	done(instance_set_tracing(i, false, &err), &err);
	assert_true(read_all(i) > instance_subbuffer(i));
	instance_free(i);
	assert_false(exists(name));
}

static void counts_what_is_dropped(void **state)
{
	(void)state;
	struct error err = {0};
	struct instance *i = make();
	uint64_t dropped = 0;

	done(instance_set_buffer_kb(i, 4, &err), &err);
	done(instance_set_option(i, "overwrite", false, &err), &err);
	assert_true(instance_enable(i, "raw_syscalls:sys_*", NULL, &err) >= 0);
	done(instance_enable(i, "sched:sched_*", NULL, &err), &err);
	done(instance_set_tracing(i, true, &err), &err);
	for (int n = 0; n < 20; n++)
		busy();
	done(instance_set_tracing(i, false, &err), &err);
	for (unsigned cpu = 0; cpu < instance_n_cpus(i); cpu++) {
		struct instance_stats stats;

		done(instance_read_stats(i, cpu, &stats, &err), &err);
		dropped += stats.dropped;
		assert_int_equal(stats.overrun, 0);
	}
	assert_true(dropped > 0);
	instance_free(i);
}

static void refuses_a_wrong_filter(void **state)
{
	(void)state;
	struct error err = {0};
	struct instance *i = make();

	assert_int_equal(instance_enable(i, "sched:sched_switch", "no_such_field == 1", &err), ERR);
	assert_non_null(strstr(err.text, "no_such_field"));
	error_deinit(&err);
	assert_int_equal(instance_enable(i, "sched:sched_switch", "prev_pid != 0", &err), 1);
	instance_free(i);
}

/* ---- what a killed one leaves ---------------------------------------------------------------- */

static void remains_of_the_killed_are_removed(void **state)
{
	(void)state;
	struct error err = {0};
	struct instance *mine = make();
	int pipes[2];
	char name[128] = {0}, other[] = "/sys/kernel/tracing/instances/others-own";

	assert_int_equal(pipe(pipes), 0);
	pid_t pid = fork();

	if (!pid) {
		struct instance *i;

		if (!instance_new(&i, "test", &err) &&
		    instance_enable(i, "sched:sched_switch", NULL, &err) >= 0 &&
		    !instance_set_tracing(i, true, &err) &&
		    write(pipes[1], instance_name(i), strlen(instance_name(i))) > 0)
			pause();
		_exit(1);
	}
	assert_true(read(pipes[0], name, sizeof(name) - 1) > 0);
	done(instance_sweep(&err), &err);
	assert_true(exists(name)); /* it lives */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(exists(name));
	mkdir(other, 0700);
	assert_true(instance_sweep(&err) >= 1);
	assert_false(exists(name));
	assert_true(exists(instance_name(mine)));
	assert_int_equal(rmdir(other), 0);
	close(pipes[0]);
	close(pipes[1]);
	instance_free(mine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_tell_living_from_gone),
		cmocka_unit_test(records_and_goes_away),
		cmocka_unit_test(counts_what_is_dropped),
		cmocka_unit_test(refuses_a_wrong_filter),
		cmocka_unit_test(remains_of_the_killed_are_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
