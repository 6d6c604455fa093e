#include "base/newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/leftover.h"
#include "base/mem.h"
#include "base/temporary.h"

/* Of temporary names: nobody else uses it, for what has such a name may be removed. */
#define SUFFIX ".vmscope-tmp"

/* Renaming over a device or a pipe would replace it. */
static int check_place(const char *path, struct error *err)
{
	struct stat st;

	if (!*path)
		return error_set(err, "the name of the file to write is empty");
	if (!stat(path, &st) && !S_ISREG(st.st_mode))
		return error_set(err, "cannot write '%s': it is not a regular file", path);
	return 0;
}

/* Return: the directory of a file, the caller's. */
static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? mem_strndup(path, (size_t)(slash - path) + 1) : mem_strdup(".");
}

/* Removes what others left behind who were killed while they wrote the same file. */
static void sweep(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = directory_of(path), *prefix = mem_printf("%s.", slash ? slash + 1 : path);

	leftover_sweep(dir, &(struct leftover_name){prefix, LEFTOVER_DIGITS, SUFFIX});
	free(prefix);
	free(dir);
}

/* Return: a file in the directory of `path` that has no name and can be given one, or -1: not
 * possible here. */
static int open_nameless(const char *path)
{
	char *dir = directory_of(path);
	int fd = -1;

	if (!access("/proc/self/fd", X_OK))
		fd = open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
	free(dir);
	return fd;
}

static void has_temporary(struct newfile *f)
{
	f->has_temporary = true;
	leftover_add(f->temporary);
}

/* It has a name that can be foreseen, so somebody may have put something there. */
static int open_named(struct newfile *f, struct error *err)
{
	int why = 0;

	leftover_hold();
	do {
		if (f->fd >= 0)
			close(f->fd);
		f->fd = open(f->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		why = errno;
	} while (f->fd >= 0 && !leftover_lock(f->fd));
	if (f->fd >= 0)
		has_temporary(f);
	leftover_release();
	return f->fd >= 0 ? 0 : error_errno(err, why, "cannot create '%s'", f->temporary);
}

static int init(struct newfile *f, const char *path, bool by_name, struct error *err)
{
	if (check_place(path, err))
		return ERR;
	*f = (struct newfile){.path = mem_strdup(path),
			      .temporary = mem_printf("%s.%ld" SUFFIX, path, (long)getpid()),
			      .fd = by_name ? -1 : open_nameless(path)};
	int r = 0;

	sweep(path);
	if (f->fd < 0)
		r = open_named(f, err);
	if (r)
		newfile_deinit(f);
	return r;
}

int newfile_init(struct newfile *f, const char *path, struct error *err)
{
	return init(f, path, false, err);
}

int newfile_init_by_name(struct newfile *f, const char *path, struct error *err)
{
	return init(f, path, true, err);
}

int newfile_init_unnamed(struct newfile *f, struct error *err)
{
	*f = (struct newfile){.fd = temporary_open()};
	return f->fd >= 0 ? 0
			  : error_errno(err, errno, "cannot create a temporary file in '%s'",
					temporary_place());
}

void newfile_write(struct newfile *f, const void *at, size_t n)
{
	const uint8_t *next = at;

	while (n && !f->failed) {
		ssize_t r = write(f->fd, next, n);

		if (r < 0 && errno != EINTR)
			f->failed = errno;
		if (r > 0) {
			next += r;
			n -= (size_t)r;
		}
	}
}

/*
 * Gives a file its temporary name that has none yet: a name that is taken cannot be given at once.
 */
static int give_temporary(struct newfile *f)
{
	char link[32];

	if (f->has_temporary)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", f->fd);
	unlink(f->temporary);
	flock(f->fd, LOCK_EX | LOCK_NB); /* before others can see it */
	leftover_hold();
	int r = linkat(AT_FDCWD, link, AT_FDCWD, f->temporary, AT_SYMLINK_FOLLOW), why = errno;

	if (!r)
		has_temporary(f);
	leftover_release();
	errno = why;
	return r;
}

int newfile_finish(struct newfile *f, struct error *err)
{
	if (f->path && !f->failed && !f->finished && (fsync(f->fd) < 0 || give_temporary(f)))
		f->failed = errno;
	f->finished = true;
	if (!f->failed)
		return 0;
	return f->path ? error_errno(err, f->failed, "cannot write '%s'", f->path)
		       : error_errno(err, f->failed, "cannot write the temporary file");
}

int newfile_commit(struct newfile *f, struct error *err)
{
	if (newfile_finish(f, err))
		return ERR;
	if (!f->path)
		return 0;
	if (rename(f->temporary, f->path) < 0)
		return error_errno(err, errno, "cannot rename '%s' to '%s'", f->temporary, f->path);
	f->has_temporary = false; /* what a signal would remove under that name is there no more */
	leftover_drop(f->temporary);
	close(f->fd); /* only now, for the lock; fsync() has said what there was to say */
	f->fd = -1;
	return 0;
}

void newfile_deinit(struct newfile *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->has_temporary) {
		unlink(f->temporary);
		leftover_drop(f->temporary);
	}
	free(f->temporary);
	free(f->path);
	*f = (struct newfile){.fd = -1};
}
