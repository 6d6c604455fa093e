#include "server/roots.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "input/session.h"

enum { MAX_DEPTH = 8, MAX_FILES = 200000 };

int roots_add(struct roots *r, const char *path, struct error *err)
{
	char *real = realpath(path, NULL);
	struct stat st;

	if (!real || stat(real, &st)) {
		free(real);
		return error_errno(err, errno, "cannot open '%s'", path);
	}
	char *slash = strrchr(real, '/');

	if (!S_ISDIR(st.st_mode))
		slash[slash == real] = '\0';
	*vec_push(&r->at) = real;
	return 0;
}

void roots_deinit(struct roots *r)
{
	vec_each (root, &r->at)
		free(*root);
	vec_deinit(&r->at);
}

/* Whether a resolved path is one of the roots or below. */
static bool is_below(const struct roots *r, const char *real)
{
	vec_each (root, &r->at) {
		size_t n = strlen(*root);

		if (!strncmp(real, *root, n) &&
		    (real[n] == '/' || real[n] == '\0' || !strcmp(*root, "/")))
			return true;
	}
	return false;
}

/* What was seen of a recording. */
struct survey {
	const struct roots *roots;
	unsigned files;
	bool has_recording, is_bad;
};

static void survey_directory(struct survey *s, const char *path, int depth);

static void survey_file(struct survey *s, const char *path, const struct dirent *e, int depth)
{
	struct stat st;

	if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
		return;
	char *full = mem_printf("%s/%s", path, e->d_name);

	s->is_bad |= ++s->files > MAX_FILES;
	if (lstat(full, &st)) {
		free(full);
		return;
	}
	if (S_ISLNK(st.st_mode)) {
		char *real = realpath(full, NULL);

		s->is_bad |= !real || !is_below(s->roots, real) || stat(full, &st);
		free(real);
	}
	s->has_recording |= S_ISREG(st.st_mode) &&
			    (!strcmp(e->d_name, "metadata") || session_is_recording(full, false));
	if (S_ISDIR(st.st_mode))
		survey_directory(s, full, depth + 1);
	free(full);
}

static void survey_directory(struct survey *s, const char *path, int depth)
{
	DIR *dir = depth <= MAX_DEPTH && !s->is_bad ? opendir(path) : NULL;
	const struct dirent *e;

	if (!dir)
		return;
	while (!s->is_bad && (e = readdir(dir)))
		survey_file(s, path, e, depth);
	closedir(dir);
}

static bool has_suffix(const char *text, const char *suffix)
{
	size_t n = strlen(text), m = strlen(suffix);

	return n > m && !strcmp(text + n - m, suffix);
}

static enum root_answer survey(const struct roots *r, const char *real)
{
	struct survey s = {.roots = r};
	struct stat st;

	if (stat(real, &st))
		return ROOT_MISSING;
	if (S_ISREG(st.st_mode) && has_suffix(real, ".vms"))
		return ROOT_RESULTS;
	if (S_ISREG(st.st_mode))
		return session_is_recording(real, false) ? ROOT_RECORDING : ROOT_OTHER;
	if (!S_ISDIR(st.st_mode))
		return ROOT_OTHER;
	survey_directory(&s, real, 0);
	if (s.is_bad)
		return ROOT_OUTSIDE;
	return s.has_recording ? ROOT_RECORDING : ROOT_OTHER;
}

/*
 * Of a path that leads nowhere: whether what there is of it, from its begin, is served. A link that
 * leads nowhere does not count: whether there is something at its end is nobody's to know.
 */
static bool is_missing_below(const struct roots *r, const char *path)
{
	char *part = mem_strdup(path), *slash, *real = NULL;
	struct stat st;

	while (lstat(part, &st) && (slash = strrchr(part, '/')) && slash != part)
		*slash = '\0';
	if (!lstat(part, &st))
		real = realpath(part, NULL);
	bool below = real && is_below(r, real);

	free(real);
	free(part);
	return below;
}

enum root_answer roots_resolve(const struct roots *r, const char *path, char **realp)
{
	if (*path != '/' || strlen(path) >= PATH_MAX)
		return ROOT_OUTSIDE;
	char *real = realpath(path, NULL);

	if (!real)
		return is_missing_below(r, path) ? ROOT_MISSING : ROOT_OUTSIDE;
	if (!is_below(r, real)) {
		free(real);
		return ROOT_OUTSIDE;
	}
	enum root_answer answer = survey(r, real);

	if (answer == ROOT_OUTSIDE || answer == ROOT_MISSING)
		free(real);
	else
		*realp = real;
	return answer;
}

int roots_open(const char *real)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
			       .resolve = RESOLVE_NO_SYMLINKS};

	return (int)syscall(SYS_openat2, AT_FDCWD, real, &how, sizeof(how));
}
