#include "cli/output_args.h"

#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/common.h"
#include "store/reader.h"

static bool output_is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Return: whether the entry is that file, or a link to it, which would be read as one. */
static bool output_is_entry(const struct stat *output, const FTSENT *e)
{
	struct stat target;

	if (e->fts_info == FTS_SL)
		return !stat(e->fts_accpath, &target) && output_is_same(&target, output);
	return e->fts_info == FTS_F && output_is_same(e->fts_statp, output);
}

/* Return: whether the file is below the directory, as recordings are looked for there. */
static bool output_is_below(const struct stat *output, const char *directory)
{
	char *const roots[] = {(char *)directory, NULL};
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_COMFOLLOW, NULL);
	bool found = false;

	for (FTSENT *e = NULL; tree && !found && (e = fts_read(tree));)
		found = output_is_entry(output, e);
	if (tree)
		fts_close(tree);
	return found;
}

int output_args_check(const struct command *cmd, const char *output, char *const *inputs, int n)
{
	struct stat to, from;

	if (!output || stat(output, &to) || !S_ISREG(to.st_mode))
		return 0;
	for (int i = 0; i < n; i++) {
		if (stat(inputs[i], &from))
			continue;
		if (output_is_same(&to, &from) ||
		    (S_ISDIR(from.st_mode) && !store_is_results(output) &&
		     output_is_below(&to, inputs[i])))
			return cli_usage(cmd, "-o '%s' would replace what is read of '%s'", output,
					 inputs[i]);
	}
	return 0;
}
