/*
 * fence_probe write INSIDE OUTSIDE | start X X | self: gives up what the server or the analysis
 * gives up, tries what they must not be able to do, and prints a word for each thing that it could
 * do.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fence.h"
#include "base/mem.h"

static void say(const char *what, bool could)
{
	if (could)
		puts(what);
}

static bool probe_make(const char *directory, const char *name)
{
	char *path = mem_printf("%s/%s", directory, name);
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	free(path);
	return fd >= 0 && !close(fd);
}

static bool probe_rename(const char *from, const char *to, const char *name)
{
	char *a = mem_printf("%s/%s", from, name), *b = mem_printf("%s/%s-2", to, name);
	bool done = !rename(a, b);

	free(a);
	free(b);
	return done;
}

static bool probe_open(const char *directory, const char *name, int flags)
{
	char *path = mem_printf("%s/%s", directory, name);
	int fd = open(path, flags | O_CLOEXEC, 0600);

	free(path);
	return fd >= 0 && !close(fd);
}

static bool probe_remove(const char *directory, const char *name)
{
	char *path = mem_printf("%s/%s", directory, name);
	bool done = !unlink(path);

	free(path);
	return done;
}

/* Return: whether the program could be started, and ended well. */
static bool probe_start(const char *program, const char *argument)
{
	int status = 1;
	pid_t pid = fork();

	if (!pid) {
		execl(program, program, argument, NULL);
		_exit(1);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}

static void probe_writes(const char *inside, const char *outside)
{
	say("make-inside", probe_make(inside, "new"));
	say("rename-inside", probe_rename(inside, inside, "new"));
	say("remove-inside", probe_remove(inside, "new-2"));
	say("unnamed-inside", probe_open(inside, ".", O_TMPFILE | O_RDWR));
	say("null", probe_open("/dev", "null", O_WRONLY));
	say("read-outside", probe_open(outside, "there", O_RDONLY));
	say("write-outside", probe_open(outside, "there", O_WRONLY));
	say("truncate-outside", probe_open(outside, "there", O_WRONLY | O_TRUNC));
	say("make-outside", probe_make(outside, "new"));
	say("unnamed-outside", probe_open(outside, ".", O_TMPFILE | O_RDWR));
	say("remove-outside", probe_remove(outside, "there"));
	say("rename-outside", probe_rename(outside, inside, "there"));
	say("start-self", probe_start("/proc/self/exe", "self"));
	say("start-other", probe_start("/bin/true", NULL));
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "self"))
		return 0;
	if (argc != 4)
		return 2;
	setvbuf(stdout, NULL, _IONBF, 0);
	if (!strcmp(argv[1], "write")) {
		say("fenced", fence_write_below(argv[2]));
		probe_writes(argv[2], argv[3]);
		return 0;
	}
	say("fenced", fence_start_nothing());
	say("start-other", probe_start("/bin/true", NULL));
	say("start-self", probe_start("/proc/self/exe", "self"));
	return 0;
}
