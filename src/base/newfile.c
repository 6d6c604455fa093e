#include "base/newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

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

/* Return: a file in the directory of `path` that has no name and can be given one, or -1: not
 * possible here. */
static int open_nameless(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? mem_strndup(path, (size_t)(slash - path) + 1) : mem_strdup(".");
	int fd = -1;

	if (!access("/proc/self/fd", X_OK))
		fd = open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
	free(dir);
	return fd;
}

static int open_named(struct newfile *f, struct error *err)
{
	f->fd = open(f->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (f->fd < 0)
		return error_errno(err, errno, "cannot create '%s'", f->temporary);
	f->has_temporary = true;
	return 0;
}

static int init(struct newfile *f, const char *path, bool by_name, struct error *err)
{
	if (check_place(path, err))
		return ERR;
	*f = (struct newfile){.path = mem_strdup(path),
			      .temporary = mem_printf("%s.%ld.tmp", path, (long)getpid()),
			      .fd = by_name ? -1 : open_nameless(path)};
	int r = f->fd < 0 ? open_named(f, err) : 0;

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
	const char *dir = getenv("TMPDIR");
	char *name = mem_printf("%s/vmscope-XXXXXX", dir && *dir ? dir : "/tmp");
	int fd = mkostemp(name, O_CLOEXEC);

	if (fd < 0)
		error_errno(err, errno, "cannot create the temporary file '%s'", name);
	else
		unlink(name);
	free(name);
	*f = (struct newfile){.fd = fd};
	return fd < 0 ? ERR : 0;
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
	if (linkat(AT_FDCWD, link, AT_FDCWD, f->temporary, AT_SYMLINK_FOLLOW) < 0)
		return ERR;
	f->has_temporary = true;
	return 0;
}

static void put_on_disk(struct newfile *f)
{
	if (!f->failed && (fsync(f->fd) < 0 || give_temporary(f)))
		f->failed = errno;
	if (close(f->fd) < 0 && !f->failed)
		f->failed = errno;
	f->fd = -1;
}

int newfile_commit(struct newfile *f, struct error *err)
{
	if (f->path)
		put_on_disk(f);
	if (f->failed)
		return f->path ? error_errno(err, f->failed, "cannot write '%s'", f->path)
			       : error_errno(err, f->failed, "cannot write the temporary file");
	if (!f->path)
		return 0;
	if (rename(f->temporary, f->path) < 0)
		return error_errno(err, errno, "cannot rename '%s' to '%s'", f->temporary, f->path);
	f->has_temporary = false;
	return 0;
}

void newfile_deinit(struct newfile *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->has_temporary)
		unlink(f->temporary);
	free(f->temporary);
	free(f->path);
	*f = (struct newfile){.fd = -1};
}
