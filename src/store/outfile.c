#include "store/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* What is written at once becomes one piece of the page cache, which a reader of the file then maps as a whole. */
enum { BUFFER_SIZE = 1 << 16 };

/* Renaming over a device or a pipe would replace it. */
static int check_target(const char *path, struct error *err)
{
	struct stat st;

	if (!stat(path, &st) && !S_ISREG(st.st_mode))
		return error_set(err, "cannot write '%s': it is not a regular file", path);
	return 0;
}

int outfile_init(struct outfile *f, const char *path, struct error *err)
{
	if (check_target(path, err))
		return ERR;
	char *temporary = mem_printf("%s.%ld.tmp", path, (long)getpid());
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);

	if (fd < 0) {
		error_errno(err, errno, "cannot create '%s'", temporary);
		free(temporary);
		return ERR;
	}
	*f = (struct outfile){.path = mem_strdup(path),
			      .temporary = temporary,
			      .fd = fd,
			      .buffer = mem_alloc(BUFFER_SIZE)};
	return 0;
}

int outfile_init_unnamed(struct outfile *f, struct error *err)
{
	const char *dir = getenv("TMPDIR");
	char *name = mem_printf("%s/vmscope-XXXXXX", dir && *dir ? dir : "/tmp");
	int fd = mkostemp(name, O_CLOEXEC);

	if (fd < 0)
		error_errno(err, errno, "cannot create the temporary file '%s'", name);
	else
		unlink(name);
	free(name);
	*f = (struct outfile){.fd = fd, .buffer = fd < 0 ? NULL : mem_alloc(BUFFER_SIZE)};
	return fd < 0 ? ERR : 0;
}

static void write_all(struct outfile *f, const uint8_t *at, size_t n)
{
	while (n && !f->failed) {
		ssize_t r = write(f->fd, at, n);

		if (r < 0 && errno != EINTR)
			f->failed = errno;
		if (r > 0) {
			at += r;
			n -= (size_t)r;
		}
	}
}

static void flush(struct outfile *f)
{
	write_all(f, f->buffer, f->n);
	f->n = 0;
}

void outfile_write(struct outfile *f, const void *at, size_t n)
{
	if (n > BUFFER_SIZE - f->n)
		flush(f);
	if (n > BUFFER_SIZE) {
		write_all(f, at, n);
	} else {
		memcpy(f->buffer + f->n, at, n);
		f->n += n;
	}
	f->offset += n;
}

static void complete(struct outfile *f, uint64_t offset, const void *at, size_t n)
{
	flush(f);
	if (!f->failed && lseek(f->fd, (off_t)offset, SEEK_SET) < 0)
		f->failed = errno;
	write_all(f, at, n);
	if (!f->path)
		return;
	if (!f->failed && fsync(f->fd) < 0)
		f->failed = errno;
	if (close(f->fd) < 0 && !f->failed)
		f->failed = errno;
	f->fd = -1;
}

int outfile_commit(struct outfile *f, uint64_t offset, const void *at, size_t n, struct error *err)
{
	complete(f, offset, at, n);
	if (f->failed)
		return error_errno(err, f->failed, "cannot write '%s'",
				   f->path ? f->temporary : "the temporary file");
	if (!f->path)
		return 0;
	if (rename(f->temporary, f->path) < 0)
		return error_errno(err, errno, "cannot rename '%s' to '%s'", f->temporary, f->path);
	free(f->temporary);
	f->temporary = NULL;
	return 0;
}

void outfile_deinit(struct outfile *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->temporary)
		unlink(f->temporary);
	free(f->temporary);
	free(f->path);
	free(f->buffer);
	*f = (struct outfile){.fd = -1};
}
