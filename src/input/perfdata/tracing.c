#include "input/perfdata/tracing.h"

#include "input/ftrace/tracing.h"

static const uint8_t magic[] = {23, 8, 68, 't', 'r', 'a', 'c', 'i', 'n', 'g'};

/* The byte order of what follows stands in front of it. */
static bool take_head(struct bytes *b, struct ftrace_formats *fs)
{
	const uint8_t *at = bytes_take(b, sizeof(magic));

	if (!at || memcmp(at, magic, sizeof(magic)) != 0)
		return false;
	bytes_string(b); /* version */
	bool big_endian = bytes_u8(b) == 1;
	uint8_t long_size = bytes_u8(b);

	if (b->bad)
		return false;
	fs->big_endian = b->big_endian = big_endian;
	fs->long_size = long_size == 4 ? 4 : 8;
	bytes_u32(b); /* size of a page */
	ftrace_named_text(b, "header_page");
	ftrace_named_text(b, "header_event");
	return !b->bad;
}

bool perfdata_tracing_read(struct ftrace_formats *fs, struct perfdata_bytes data)
{
	struct bytes b = {.at = data.at, .n = data.n, .big_endian = data.big_endian};

	if (!take_head(&b, fs))
		return false;
	bool is_sound = ftrace_read_system(fs, &b, "ftrace");

	return ftrace_read_systems(fs, &b) && is_sound;
}
