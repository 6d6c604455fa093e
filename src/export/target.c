#include "export/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* For a stream that remembers why writing failed, which a FILE does not. */
static ssize_t write_all(void *cookie, const char *at, size_t n)
{
	struct target *t = cookie;
	size_t done = 0;

	while (done < n && !t->failed) {
		ssize_t r = write(t->fd, at + done, n - done);

		if (r < 0 && errno != EINTR)
			t->failed = errno;
		if (r > 0)
			done += (size_t)r;
	}
	return t->failed ? -1 : (ssize_t)n;
}

static int check_place(const char *path, struct error *err)
{
	struct stat st;

	if (!stat(path, &st) && !S_ISREG(st.st_mode))
		return error_set(err, "cannot write '%s': it is not a regular file", path);
	return 0;
}

int target_begin_unopened(struct target *t, const char *path, struct error *err)
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
	*t = (struct target){.path = mem_strdup(path), .temporary = temporary, .fd = fd};
	return 0;
}

int target_begin(struct target *t, const char *path, struct error *err)
{
	*t = (struct target){.file = stdout, .fd = -1};
	if (!path)
		return 0;
	if (target_begin_unopened(t, path, err))
		return ERR;
	t->file = fopencookie(t, "w", (cookie_io_functions_t){.write = write_all});
	if (!t->file)
		abort(); /* out of memory, as in mem.h */
	return 0;
}

/* Return: 0, or the errno of what could not be written. */
static int complete(struct target *t)
{
	if (t->file) {
		fclose(t->file);
		t->file = NULL;
	}
	if (!t->failed && fsync(t->fd) < 0)
		t->failed = errno;
	return t->failed;
}

int target_commit(struct target *t, struct error *err)
{
	if (!t->path)
		return 0;
	if (complete(t))
		return error_errno(err, t->failed, "cannot write '%s'", t->path);
	if (rename(t->temporary, t->path) < 0)
		return error_errno(err, errno, "cannot rename '%s' to '%s'", t->temporary, t->path);
	free(t->temporary);
	t->temporary = NULL;
	return 0;
}

void target_end(struct target *t)
{
	if (t->file && t->file != stdout)
		fclose(t->file);
	if (t->fd >= 0)
		close(t->fd);
	if (t->temporary)
		unlink(t->temporary);
	free(t->temporary);
	free(t->path);
	*t = (struct target){.fd = -1};
}
