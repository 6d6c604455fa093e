/*
 * test_tracedat_cut FILE...: each trace.dat is cut at every byte. Whatever is left, it is either
 * said not to be readable, or each stream has the first of the events that it has in the whole
 * file, and damage is counted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "input/format.h"
#include "show.h"

/* What a whole file holds. */
struct whole {
	const char *path;
	struct file_map map;
	struct recording *recording;
	char **streams; /* as shown */
};

static struct recording *open_recording(const char *path, bool *failedp)
{
	struct input_options options = {0};
	struct error err = {0};
	struct recording *r;

	*failedp = input_tracedat.open(&r, path, &options, &err) != 0;
	error_deinit(&err);
	return r;
}

static bool same_stream(const struct recording_stream *a, const struct recording_stream *b)
{
	const char *x = a->channel ? a->channel : "", *y = b->channel ? b->channel : "";

	return a->cpu == b->cpu && !strcmp(x, y);
}

static const char *find_stream(const struct whole *w, const struct recording_stream *s)
{
	for (size_t i = 0; i < w->recording->streams.n; i++) {
		if (same_stream(&w->recording->streams.at[i], s))
			return w->streams[i];
	}
	return NULL;
}

/* The next line that is an event's; text may be at one. */
static const char *event_line(const char *text)
{
	while (*text == 'L')
		text = strchr(text, '\n') + 1;
	return text;
}

/* Return: whether all events of `cut` are those that `whole` begins with. */
static bool is_prefix(const char *cut, const char *whole)
{
	for (;;) {
		cut = event_line(cut);
		whole = event_line(whole);
		size_t n = strcspn(cut, "\n") + 1;

		if (!*cut)
			return true;
		if (strncmp(cut, whole, n) != 0)
			return false;
		cut += n;
		whole += n;
	}
}

static const char *check_streams(const struct whole *w, const struct recording *r,
				 struct diag_list *diags)
{
	for (size_t i = 0; i < r->streams.n; i++) {
		const char *all = find_stream(w, &r->streams.at[i]);
		char *some = show_stream(r, i, INT64_MIN, diags);
		bool is_good = all && is_prefix(some, all);

		free(some);
		if (!is_good)
			return all ? "other events" : "a stream that is not in the whole file";
	}
	return NULL;
}

static const char *check_cut(const struct whole *w, const char *path)
{
	struct diag_list diags = {0};
	bool failed;
	struct recording *r = open_recording(path, &failed);

	if (failed)
		return NULL;
	const char *wrong = check_streams(w, r, &diags);

	diag_merge(&diags, &r->diags);
	if (!wrong && diag_worst(&diags) != DIAG_DAMAGE)
		wrong = "no damage is counted";
	recording_free(r);
	return wrong;
}

/* The first n bytes, as a file that has a path. */
static const char *check_at(const struct whole *w, size_t n)
{
	int fd = memfd_create("cut", MFD_CLOEXEC);
	char *path = mem_printf("/proc/self/fd/%d", fd);
	const char *wrong = "cannot write";

	if (fd >= 0 && write(fd, w->map.data, n) == (ssize_t)n)
		wrong = check_cut(w, path);
	free(path);
	close(fd);
	return wrong;
}

static bool open_whole(struct whole *w, const char *path)
{
	struct diag_list diags = {0};
	struct error err = {0};
	bool failed;

	*w = (struct whole){.path = path, .recording = open_recording(path, &failed)};
	if (failed || file_map_init(&w->map, path, &err)) {
		error_deinit(&err);
		return false;
	}
	w->streams = mem_zalloc(w->recording->streams.n, sizeof(*w->streams));
	for (size_t i = 0; i < w->recording->streams.n; i++)
		w->streams[i] = show_stream(w->recording, i, INT64_MIN, &diags);
	return w->recording->streams.n > 0;
}

static void close_whole(struct whole *w)
{
	for (size_t i = 0; i < w->recording->streams.n; i++)
		free(w->streams[i]);
	free(w->streams);
	recording_free(w->recording);
	file_map_deinit(&w->map);
}

static bool test_file(const char *path, int number)
{
	const char *wrong = NULL;
	struct whole w;
	size_t n = 0;

	if (!open_whole(&w, path)) {
		printf("not ok %d - %s cannot be read\n", number, path);
		return false;
	}
	for (; n < w.map.size && !wrong; n++)
		wrong = check_at(&w, n);
	printf("%sok %d - %s\n", wrong ? "not " : "", number, path);
	if (wrong)
		printf("# cut at byte %zu: %s\n", n - 1, wrong);
	close_whole(&w);
	return !wrong;
}

int main(int argc, char **argv)
{
	bool is_good = argc > 1;

	printf("1..%d\n", argc - 1);
	for (int i = 1; i < argc; i++)
		is_good = test_file(argv[i], i) && is_good;
	return is_good ? 0 : 1;
}
