#include "host/files.h"

#include <dirent.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum { FILES_MOST = 65536 };

static char *files_read(const char *path, size_t *np)
{
	FILE *f = fopen(path, "re");

	if (!f)
		return NULL;
	char *text = mem_alloc(FILES_MOST + 1);
	size_t n = fread(text, 1, FILES_MOST, f);
	bool failed = ferror(f) != 0;

	fclose(f);
	if (failed) {
		free(text);
		return NULL;
	}
	n -= n > 0 && text[n - 1] == '\n';
	text[n] = '\0';
	if (np)
		*np = n;
	return text;
}

char *files_text(size_t *np, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *path = mem_vprintf(fmt, ap);

	va_end(ap);
	char *text = files_read(path, np);

	free(path);
	return text;
}

int64_t files_number(int64_t otherwise, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *path = mem_vprintf(fmt, ap);

	va_end(ap);
	char *text = files_read(path, NULL), *end = text;
	long long n = text ? strtoll(text, &end, 10) : 0;
	bool is_number = end != text;

	free(text);
	free(path);
	return is_number ? n : otherwise;
}

char *files_link(const char *fmt, ...)
{
	char to[PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	char *path = mem_vprintf(fmt, ap);

	va_end(ap);
	ssize_t n = readlink(path, to, sizeof(to));

	free(path);
	return n < 0 ? NULL : mem_strndup(to, (size_t)n);
}

char *files_value(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, n) != 0)
			continue;
		const char *value = line + n + strspn(line + n, " \t");

		return mem_strndup(value, strcspn(value, "\n"));
	}
	return NULL;
}

void files_each(const char *dir, void (*each)(void *context, const char *name), void *context)
{
	DIR *d = opendir(dir);

	if (!d)
		return;
	for (struct dirent *e = readdir(d); e; e = readdir(d)) {
		if (e->d_name[0] != '.')
			each(context, e->d_name);
	}
	closedir(d);
}
