/*
 * Runs a fuzz target once on each file given, and on each file of each directory given.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "fuzz.h"

/* The input is a copy of its exact size, so that a sanitizer sees the first byte beyond it. */
static int replay_file(const char *path)
{
	struct file_map map;
	struct error err = {0};

	if (file_map_init(&map, path, &err)) {
		fprintf(stderr, "%s\n", err.text);
		error_deinit(&err);
		return ERR;
	}
	uint8_t *copy = mem_alloc(map.size);
	for (size_t i = 0; i < map.size; i++)
		copy[i] = map.data[i];
	LLVMFuzzerTestOneInput(copy, map.size);
	free(copy);
	file_map_deinit(&map);
	return 0;
}

static int is_input(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

/* Return: the number of files run, or ERR when there is none. */
static int replay_directory(const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, is_input, alphasort), r = n > 0 ? n : ERR;

	for (int i = 0; i < n; i++) {
		char *file = mem_printf("%s/%s", path, entries[i]->d_name);

		if (replay_file(file))
			r = ERR;
		free(file);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return r;
}

static bool is_directory(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		int r = is_directory(argv[i]) ? replay_directory(argv[i]) : replay_file(argv[i]);

		if (r < 0) {
			fprintf(stderr, "no inputs run from '%s'\n", argv[i]);
			return 1;
		}
	}
	return 0;
}
