#include "input/foreign.h"

#include <dirent.h>
#include <fcntl.h>
#include <regex.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct foreign {
	const char *magic, *hint;
} foreigners[] = {
	{"PERFFILE", "was recorded by a perf before 2010, whose format nothing reads any more"},
	{"\x89VMS\r\n", "is a results file; see 'vmscope help report'"},
};

enum { N_FOREIGNERS = sizeof(foreigners) / sizeof(foreigners[0]), HEAD_MAX = 4096 };

/* ---- text ------------------------------------------------------------------------------------ */

/*
 * Texts that are printed from recordings, by a line of theirs, as extended regular expressions:
 *
 *	trace-cmd report	"  qemu-kvm-1234  [002] 98.765432: kvm_entry: vcpu 0"; the CPU may
 *				be followed by flags
 *	perf script		"qemu-kvm 1234/1240 [002] 98.765432: kvm:kvm_entry: vcpu 0"; a count
 *				may stand before the event
 */
static const struct foreign_text {
	const char *line, *hint;
} texts[] = {
	{"^(# tracer: |(.*\n)?[ \t]*[^\n]*-[0-9]+[ \t]+(\\([^\n)]*\\)[ \t]+)?\\[[0-9]+\\][ \t]+([^ \t\n]{4,5}[ "
	 "\t]+)?[0-9]+\\.[0-9]+: [a-z_0-9]+:)",
	 "is text, as trace-cmd report or the file trace of tracefs has it; it does not hold all that was recorded: give the trace.dat "
	 "that it was printed from"},
	{"^(.*\n)?[^\n]* [0-9]+(/[0-9]+)?[ \t]+\\[[0-9]+\\][ \t]+[0-9]+\\.[0-9]+:[ \t]+([0-9]+[ \t]+)?[a-z_0-9-]+:",
	 "is text, as perf script prints it; it does not hold all that was recorded: give the perf.data that it was printed from"},
};

enum { N_TEXTS = sizeof(texts) / sizeof(texts[0]) };

static bool foreign_matches(const char *pattern, const char *text)
{
	regex_t regex;
	bool matches;

	if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB))
		return false;
	matches = regexec(&regex, text, 0, NULL, 0) == 0;
	regfree(&regex);
	return matches;
}

/* head ends with a NUL. */
static const char *foreign_text_hint(const char *head)
{
	for (int i = 0; i < N_TEXTS; i++) {
		if (foreign_matches(texts[i].line, head))
			return texts[i].hint;
	}
	return NULL;
}

/* ---- files ----------------------------------------------------------------------------------- */

/* Return: the hint for a file, or NULL. */
static const char *hint_of(int dir, const char *name)
{
	char head[HEAD_MAX + 1];
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? 0 : read(fd, head, HEAD_MAX);

	if (fd >= 0)
		close(fd);
	for (int i = 0; i < N_FOREIGNERS; i++) {
		size_t length = strlen(foreigners[i].magic);

		if (n >= (ssize_t)length && !memcmp(head, foreigners[i].magic, length))
			return foreigners[i].hint;
	}
	if (n <= 0 || memchr(head, '\0', (size_t)n))
		return NULL;
	head[n] = '\0';
	return foreign_text_hint(head);
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
