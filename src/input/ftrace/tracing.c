#include "input/ftrace/tracing.h"

struct bytes ftrace_named_text(struct bytes *b, const char *name)
{
	bool is_it = !strcmp(bytes_string(b), name);

	b->bad = b->bad || !is_it;
	return bytes_part(b, bytes_u64(b));
}

/* A format that cannot be understood does not spoil the others. */
bool ftrace_read_system(struct ftrace_formats *fs, struct bytes *b, const char *system)
{
	uint32_t n = bytes_u32(b);
	bool is_sound = true;

	for (uint32_t i = 0; i < n && !b->bad; i++) {
		struct bytes text = bytes_part(b, bytes_u64(b));
		struct error err = {0};

		if (!text.bad &&
		    ftrace_formats_add(fs, system, (const char *)text.at, text.n, &err))
			is_sound = false;
		error_deinit(&err);
	}
	return is_sound && !b->bad;
}

bool ftrace_read_systems(struct ftrace_formats *fs, struct bytes *b)
{
	uint32_t n = bytes_u32(b);
	bool is_sound = true;

	for (uint32_t i = 0; i < n && !b->bad; i++) {
		const char *system = bytes_string(b);

		is_sound = ftrace_read_system(fs, b, system) && is_sound;
	}
	return is_sound && !b->bad;
}
