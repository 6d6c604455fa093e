#include "export/target.h"

#include "base/mem.h"

/* For a stream that remembers why writing failed, which a FILE does not. */
static ssize_t write_on(void *cookie, const char *at, size_t n)
{
	struct newfile *to = cookie;

	newfile_write(to, at, n);
	return to->failed ? -1 : (ssize_t)n;
}

int target_begin(struct target *t, const char *path, struct error *err)
{
	*t = (struct target){.file = stdout, .to.fd = -1};
	if (!path)
		return 0;
	if (newfile_init(&t->to, path, err))
		return ERR;
	t->file = mem_given(fopencookie(&t->to, "w", (cookie_io_functions_t){.write = write_on}));
	return 0;
}

int target_finish(struct target *t, struct error *err)
{
	if (!t->to.path)
		return 0;
	if (t->file)
		fclose(t->file); /* what fails then is in t->to */
	t->file = NULL;
	return newfile_finish(&t->to, err);
}

int target_commit(struct target *t, struct error *err)
{
	if (!t->to.path)
		return 0;
	return target_finish(t, err) ? ERR : newfile_commit(&t->to, err);
}

void target_end(struct target *t)
{
	if (t->file && t->file != stdout)
		fclose(t->file);
	newfile_deinit(&t->to);
	*t = (struct target){.to.fd = -1};
}
