#include "tracefs/owner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* What tells a process from all others since the machine was started. */
struct owner {
	int pid;
	unsigned long long start; /* clock ticks since boot */
	unsigned long long space; /* inode of its PID namespace */
};

/* Field 22 of /proc/PID/stat. The name, field 2, may hold anything but ends at the last ')'. */
static bool owner_read_start(int pid, unsigned long long *startp)
{
	char path[40], text[1024];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	if (f)
		fclose(f);
	text[n] = '\0';
	const char *at = strrchr(text, ')');

	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (!at)
		return false;
	*startp = strtoull(at, NULL, 10);
	return true;
}

static unsigned long long owner_space(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) ? 0 : (unsigned long long)st.st_ino;
}

char *owner_name(const char *purpose)
{
	struct owner me = {.pid = (int)getpid(), .space = owner_space()};

	owner_read_start(me.pid, &me.start);
	return mem_printf("vmscope-%s-%d-%llu-%llu", purpose, me.pid, me.start, me.space);
}

/* Return: whether all of the name is what owner_name() writes. */
static bool owner_parse(const char *name, struct owner *o)
{
	int n = 0;

	return sscanf(name, "vmscope-%*[a-z]-%d-%llu-%llu%n", &o->pid, &o->start, &o->space, &n) ==
		       3 &&
	       n > 0 && !name[n] && o->pid > 0;
}

bool owner_is_gone(const char *name)
{
	struct owner o;
	unsigned long long start;

	if (!owner_parse(name, &o) || o.space != owner_space())
		return false;
	return !owner_read_start(o.pid, &start) || start != o.start;
}

int owner_pid(const char *name, const char *purpose)
{
	size_t n = strlen(purpose);
	struct owner o;

	if (!owner_parse(name, &o) || owner_is_gone(name) || o.space != owner_space() ||
	    strncmp(name + strlen("vmscope-"), purpose, n) != 0 ||
	    name[strlen("vmscope-") + n] != '-')
		return 0;
	return o.pid;
}
