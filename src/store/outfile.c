#include "store/outfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

/*
 * What is written at once becomes one piece of the page cache, which a reader of the file then maps
 * as a whole.
 */
enum { BUFFER_SIZE = 1 << 16 };

int outfile_init(struct outfile *f, const char *path, struct error *err)
{
	*f = (struct outfile){0};
	if (newfile_init(&f->to, path, err))
		return ERR;
	f->buffer = mem_alloc(BUFFER_SIZE);
	return 0;
}

int outfile_init_unnamed(struct outfile *f, struct error *err)
{
	*f = (struct outfile){0};
	if (newfile_init_unnamed(&f->to, err))
		return ERR;
	f->buffer = mem_alloc(BUFFER_SIZE);
	return 0;
}

static void flush(struct outfile *f)
{
	newfile_write(&f->to, f->buffer, f->n);
	f->n = 0;
}

void outfile_write(struct outfile *f, const void *at, size_t n)
{
	if (n > BUFFER_SIZE - f->n)
		flush(f);
	if (n > BUFFER_SIZE) {
		newfile_write(&f->to, at, n);
	} else {
		memcpy(f->buffer + f->n, at, n);
		f->n += n;
	}
	f->offset += n;
}

int outfile_commit(struct outfile *f, uint64_t offset, const void *at, size_t n, struct error *err)
{
	flush(f);
	if (!f->to.failed && lseek(f->to.fd, (off_t)offset, SEEK_SET) < 0)
		f->to.failed = errno;
	newfile_write(&f->to, at, n);
	return newfile_commit(&f->to, err);
}

void outfile_deinit(struct outfile *f)
{
	newfile_deinit(&f->to);
	free(f->buffer);
	*f = (struct outfile){.to.fd = -1};
}
