#include "input/name.h"

#include <fnmatch.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Cuts the path's last part if it is like the pattern. Return: whether it was. */
static bool cut_last(char *path, const char *pattern)
{
	char *slash = strrchr(path, '/');
	bool fits = slash && !fnmatch(pattern, slash + 1, 0);

	if (fits)
		*slash = '\0';
	return fits;
}

/* Cuts the end of the last part. Return: whether it was there, with something before it. */
static bool cut_end(char *path, const char *end)
{
	size_t n = strlen(path), k = strlen(end);
	bool fits = n > k && !strcmp(path + n - k, end) && path[n - k - 1] != '/';

	if (fits)
		path[n - k] = '\0';
	return fits;
}

/*
 * Cuts "archives/<from>-<to>-<n>", as LTTng calls it.
 * Return: whether it was that.
 */
static bool cut_archive(char *path)
{
	if (!cut_last(path, "[0-9]*T[0-9]*-[0-9]*T[0-9]*-[0-9]*"))
		return false;
	cut_last(path, "archives");
	return true;
}

/*
 * Cuts what lies in a directory "archives" under a name that nobody chose so that it says anything.
 */
static bool cut_other_archive(char *path)
{
	char *whole = mem_strdup(path);
	bool is_archive = cut_last(path, "*") && cut_last(path, "archives");

	if (!is_archive)
		strcpy(path, whole);
	free(whole);
	return is_archive;
}

/*
 * Cuts what recorders put below or behind what people named: "x/kernel",
 * "x/archives/<from>-<to>-<n>/kernel", "x/snapshot-<n>-<date>-<time>-<n>/kernel", "x/trace.dat",
 * "x/perf.data", "x.dat", "x.perf.data". Return: whether what is left does not say which machine it
 * is.
 */
static bool cut_layout(char *path)
{
	cut_last(path, "kernel");
	if (cut_last(path, "trace.dat") || cut_last(path, "perf.data"))
		return true;
	if (!cut_archive(path))
		cut_last(path, "snapshot-[0-9]*-[0-9]*-[0-9]*-[0-9]*");
	if (!cut_end(path, ".perf.data"))
		cut_end(path, ".dat");
	return false;
}

static char *last_part(const char *path)
{
	char *real = realpath(path, NULL);
	char *whole = real ? real : mem_strdup(path);

	cut_layout(whole);
	const char *slash = strrchr(whole, '/');
	char *name = mem_strdup(slash && slash[1] ? slash + 1 : whole);

	free(whole);
	return name;
}

char *recording_name_of(const char *root, const char *path, const char *hostname)
{
	bool is_root = !strcmp(root, path);
	/* With the slash before it; what the user named is not cut for being called "archives". */
	char *cut = mem_strdup(is_root ? path : path + strlen(root));
	bool is_mute = cut_layout(cut);

	if (!is_root)
		is_mute |= cut_other_archive(cut);
	const char *below = is_root ? "" : cut + strspn(cut, "/");
	char *name = *below				? mem_strdup(below)
		     : is_mute && hostname && *hostname ? mem_strdup(hostname)
							: last_part(is_mute ? root : path);

	free(cut);
	return name;
}
