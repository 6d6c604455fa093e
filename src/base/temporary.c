#include "base/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/leftover.h"
#include "base/mem.h"

const char *temporary_place(void)
{
	const char *dir = getenv("TMPDIR");

	return dir && *dir ? dir : "/tmp";
}

int temporary_open(void)
{
	char *name = mem_printf("%s/vmscope-XXXXXX", temporary_place());
	int fd = mkostemp(name, O_CLOEXEC), why = errno;

	if (fd >= 0)
		unlink(name);
	free(name);
	errno = why;
	return fd;
}

/* Return: whether it was made and is locked; else errno is set. */
static bool make(struct temporary_dir *d, const char *name)
{
	do {
		if (d->fd >= 0)
			close(d->fd);
		free(d->path);
		d->fd = -1;
		d->path = mem_printf("%s/%s-XXXXXX", temporary_place(), name);
		if (!mkdtemp(d->path))
			return false;
		d->fd = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	} while (d->fd < 0 ? errno == ENOENT : !leftover_lock(d->fd));
	return d->fd >= 0;
}

int temporary_dir_init(struct temporary_dir *d, const char *name, struct error *err)
{
	char *prefix = mem_printf("%s-", name);

	*d = (struct temporary_dir){.fd = -1};
	leftover_sweep(temporary_place(), &(struct leftover_name){prefix, LEFTOVER_LETTERS, ""});
	free(prefix);
	leftover_hold();
	bool is_made = make(d, name);
	int why = errno;

	if (is_made)
		leftover_add(d->path);
	leftover_release();
	if (is_made)
		return 0;
	error_errno(err, why, "cannot make a directory in '%s'", temporary_place());
	free(d->path);
	*d = (struct temporary_dir){0};
	return ERR;
}

void temporary_dir_deinit(struct temporary_dir *d)
{
	if (!d->path)
		return;
	leftover_remove_files(d->fd);
	rmdir(d->path);
	leftover_drop(d->path);
	close(d->fd);
	free(d->path);
	*d = (struct temporary_dir){0};
}
