#include "input/perfdata/tracing.h"

static const uint8_t magic[] = {23, 8, 68, 't', 'r', 'a', 'c', 'i', 'n', 'g'};

/* Return: whether b begins with a text and its NUL, which is then taken. */
static bool take_text(struct perfdata_bytes *b, const char **textp)
{
	const uint8_t *end = b->n ? memchr(b->at, '\0', b->n) : NULL;
	struct perfdata_bytes part;

	if (!end)
		return false;
	*textp = (const char *)b->at;
	return perfdata_take(b, (uint64_t)(end - b->at) + 1, &part);
}

static bool take_sized(struct perfdata_bytes *b, struct perfdata_bytes *partp)
{
	uint64_t n;

	return perfdata_take_u64(b, &n) && perfdata_take(b, n, partp);
}

static bool skip_named(struct perfdata_bytes *b, const char *name)
{
	struct perfdata_bytes part;
	const char *text;

	return take_text(b, &text) && !strcmp(text, name) && take_sized(b, &part);
}

/* The byte order of what follows stands in front of it. */
static bool take_head(struct perfdata_bytes *b, struct ftrace_formats *fs)
{
	struct perfdata_bytes part;
	const char *version;
	uint32_t page_size;

	if (!perfdata_take(b, sizeof(magic), &part) || memcmp(part.at, magic, sizeof(magic)) != 0 ||
	    !take_text(b, &version) || !perfdata_take(b, 2, &part))
		return false;
	fs->big_endian = b->big_endian = part.at[0] == 1;
	fs->long_size = part.at[1] == 4 ? 4 : 8;
	return perfdata_take_u32(b, &page_size) && skip_named(b, "header_page") &&
	       skip_named(b, "header_event");
}

/* A format that cannot be understood does not spoil the others. Return: whether all texts are there. */
static bool take_formats(struct perfdata_bytes *b, struct ftrace_formats *fs, const char *system,
			 bool *soundp)
{
	struct perfdata_bytes text;
	struct error err = {0};
	uint32_t n;

	if (!perfdata_take_u32(b, &n))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		if (!take_sized(b, &text))
			return false;
		if (ftrace_formats_add(fs, system, (const char *)text.at, text.n, &err)) {
			*soundp = false;
			error_deinit(&err);
		}
	}
	return true;
}

bool perfdata_tracing_read(struct ftrace_formats *fs, struct perfdata_bytes b)
{
	const char *system;
	bool sound = true;
	uint32_t n;

	if (!take_head(&b, fs) || !take_formats(&b, fs, "ftrace", &sound) ||
	    !perfdata_take_u32(&b, &n))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		if (!take_text(&b, &system) || !take_formats(&b, fs, system, &sound))
			return false;
	}
	return sound;
}
