#include "input/foreign.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct foreign {
	const char *magic, *hint;
} foreigners[] = {
	{"PERFFILE", "was recorded by a perf before 2010, whose format nothing reads any more"},
	{"\x89VMS\r\n", "is a results file; see 'vmscope help report'"},
};

enum { N_FOREIGNERS = sizeof(foreigners) / sizeof(foreigners[0]), MAGIC_MAX = 16 };

/* Return: the hint for a file, or NULL. */
static const char *hint_of(int dir, const char *name)
{
	char head[MAGIC_MAX];
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? 0 : read(fd, head, sizeof(head));

	if (fd >= 0)
		close(fd);
	for (int i = 0; i < N_FOREIGNERS; i++) {
		size_t length = strlen(foreigners[i].magic);

		if (n >= (ssize_t)length && !memcmp(head, foreigners[i].magic, length))
			return foreigners[i].hint;
	}
	return NULL;
}

/* Of the first file by name for which there is one. */
static const char *hint_in(int dir, struct arena *arena)
{
	struct dirent **entries;
	const char *found = NULL;
	int n = scandirat(dir, ".", &entries, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		const char *hint = found ? NULL : hint_of(dir, entries[i]->d_name);

		if (hint)
			found = arena_printf(arena, "; '%s' in it %s", entries[i]->d_name, hint);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return found ? found : "";
}

const char *foreign_hint(const char *path, struct arena *arena)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0) {
		const char *hint = hint_of(AT_FDCWD, path);

		return hint ? arena_printf(arena, "; it %s", hint) : "";
	}
	const char *found = hint_in(dir, arena);

	close(dir);
	return found;
}
