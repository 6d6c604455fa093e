#include "base/newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* Renaming over a device or a pipe would replace it. */
static int check_place(const char *path, struct error *err)
{
	struct stat st;

	if (!stat(path, &st) && !S_ISREG(st.st_mode))
		return error_set(err, "cannot write '%s': it is not a regular file", path);
	return 0;
}

int newfile_init(struct newfile *f, const char *path, struct error *err)
{
	if (check_place(path, err))
		return ERR;
	char *temporary = mem_printf("%s.%ld.tmp", path, (long)getpid());
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);

	if (fd < 0) {
		error_errno(err, errno, "cannot create '%s'", temporary);
		free(temporary);
		return ERR;
	}
	*f = (struct newfile){.path = mem_strdup(path), .temporary = temporary, .fd = fd};
	return 0;
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

static void put_on_disk(struct newfile *f)
{
	if (!f->failed && fsync(f->fd) < 0)
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
	free(f->temporary);
	f->temporary = NULL;
	return 0;
}

void newfile_deinit(struct newfile *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->temporary)
		unlink(f->temporary);
	free(f->temporary);
	free(f->path);
	*f = (struct newfile){.fd = -1};
}
