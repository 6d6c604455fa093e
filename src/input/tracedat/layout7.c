#include <stdlib.h>
#include <string.h>

#include "input/tracedat/mend.h"
#include "input/tracedat/option.h"
#include "input/tracedat/section.h"

enum {
	SECTION_HEAD = 16,	/* bytes */
	SECTION_COMPRESSED = 1, /* flag */
	SECTION_SIZE_MAX =
		64 << 20, /* bytes, once decompressed; all formats of a kernel are some 2 MB */
	SECTIONS_MAX = 1 << 12, /* their offsets could form a ring */
	SECTION_ID_MAX = 64,	/* far more than there are */
};

struct section {
	unsigned id;
	bool is_compressed;
	uint64_t size;
	uint64_t end;	   /* byte of the file behind it */
	struct bytes data; /* as it is in the file */
};

/* Return: whether there is one; it may be cut. */
static bool layout7_find_section(const struct tracedat *t, uint64_t offset, struct section *s)
{
	struct bytes b = tracedat_bytes_at(t, offset);

	s->id = bytes_u16(&b);
	s->is_compressed = bytes_u16(&b) & SECTION_COMPRESSED;
	bytes_u32(&b);
	s->size = bytes_u64(&b);
	s->data = b;
	if (b.bad || s->size > UINT64_MAX - offset - SECTION_HEAD)
		return false;
	s->end = offset + SECTION_HEAD + s->size;
	s->data.n = s->size < b.n ? s->size : b.n;
	return true;
}

/*
 * The section's content; *ownedp is to be freed once it has been read, and may be NULL.
 * Return: false when it is damaged or cut.
 */
static bool layout7_open_section(const struct tracedat *t, const struct section *s,
				 struct bytes *contentp, uint8_t **ownedp)
{
	struct tracedat_inflater inflater = {0};
	struct bytes b = s->data;

	*contentp = b;
	*ownedp = NULL;
	if (!s->is_compressed)
		return b.n == s->size;
	uint32_t packed = bytes_u32(&b), size = bytes_u32(&b);
	const uint8_t *in = bytes_take(&b, packed);

	if (!in || size > SECTION_SIZE_MAX)
		return false;
	*ownedp = mem_alloc(size ? size : 1);
	contentp->at = *ownedp;
	contentp->n = tracedat_inflate(&inflater, t->compression, in, packed, *ownedp, size);
	tracedat_inflater_deinit(&inflater);
	return contentp->n == size;
}

bool layout7_open_symbols(const struct tracedat *t, struct bytes *contentp, uint8_t **ownedp)
{
	struct section s;

	*ownedp = NULL;
	return layout7_find_section(t, t->symbols_at, &s) && s.id == OPTION_KALLSYMS &&
	       layout7_open_section(t, &s, contentp, ownedp);
}

/* Something is wrong with the section at `offset`. */
static void report_section(struct tracedat *t, const struct section *s, uint64_t offset)
{
	tracedat_report(t, s->end > t->map.size ? DIAG_FILE_CUT : DIAG_FILE_DAMAGED, offset);
}

/* ---- sections with a place of their own ------------------------------------------------------ */

static bool read_content(struct tracedat *t, unsigned id, struct bytes b)
{
	switch (id) {
	case OPTION_HEADER_INFO:
		return tracedat_read_header_info(t, &b);
	case OPTION_FTRACE_EVENTS:
		return ftrace_read_system(&t->formats, &b, "ftrace");
	case OPTION_EVENT_FORMATS:
		return ftrace_read_systems(&t->formats, &b);
	case OPTION_CMDLINES:
		return tracedat_read_cmdlines(t, &b);
	default:
		return true;
	}
}

static bool is_read(unsigned id)
{
	return id == OPTION_HEADER_INFO || id == OPTION_FTRACE_EVENTS ||
	       id == OPTION_EVENT_FORMATS || id == OPTION_CMDLINES;
}

static void read_section_at(struct tracedat *t, unsigned id, uint64_t offset)
{
	struct section s;
	struct bytes content;
	uint8_t *owned = NULL;

	if (t->sections_read & 1u << id)
		return;
	t->sections_read |= 1u << id;
	if (!layout7_find_section(t, offset, &s)) {
		tracedat_report(t, DIAG_FILE_CUT, offset);
	} else if (s.id != id || !layout7_open_section(t, &s, &content, &owned) ||
		   !read_content(t, id, content)) {
		report_section(t, &s, offset);
	}
	free(owned);
}

/* ---- buffers --------------------------------------------------------------------------------- */

/*
 * u64 offset of its section, name\0, clock\0, u32 sub-buffer size, u32 CPUs; of each u32 CPU, u64
 * offset, u64 size.
 */
static bool read_buffer(struct tracedat *t, struct bytes b)
{
	struct tracedat_buffer buffer = {0};
	uint64_t offset = bytes_u64(&b);
	const char *name = bytes_string(&b), *clock = bytes_string(&b);
	uint32_t page_size = bytes_u32(&b), n = bytes_u32(&b);
	struct section s;

	if (b.bad)
		return false;
	buffer.name = arena_strdup(&t->base.arena, name);
	buffer.clock = *clock ? arena_strdup(&t->base.arena, clock) : NULL;
	buffer.page_size = page_size;
	buffer.is_compressed = layout7_find_section(t, offset, &s) && s.is_compressed;
	for (uint32_t i = 0; i < n && !b.bad; i++) {
		struct tracedat_cpu cpu = {
			.cpu = bytes_u32(&b), .offset = bytes_u64(&b), .size = bytes_u64(&b)};

		if (!b.bad)
			*vec_push(&buffer.cpus) = cpu;
	}
	*vec_push(&t->buffers) = buffer;
	return !b.bad;
}

/* ---- options --------------------------------------------------------------------------------- */

/* Return: whether it is sound. */
static bool layout7_take_option(struct tracedat *t, unsigned id, struct bytes data)
{
	if (id == OPTION_BUFFER)
		return read_buffer(t, data);
	t->has_text |= id == OPTION_BUFFER_TEXT;
	if (id == OPTION_KALLSYMS) {
		t->symbols_at = bytes_u64(&data);
		return !data.bad;
	}
	if (!is_read(id))
		return tracedat_read_option(t, id, data);
	uint64_t offset = bytes_u64(&data);

	if (!data.bad)
		read_section_at(t, id, offset);
	return !data.bad;
}

/*
 * Of one section; *nextp is the offset of the next one, 0: there is none. Return: whether they end
 * as they should.
 */
static bool layout7_read_options(struct tracedat *t, uint64_t offset, struct bytes b,
				 uint64_t *nextp)
{
	while (b.n && !b.bad) {
		unsigned id = bytes_u16(&b);
		struct bytes data = bytes_part(&b, bytes_u32(&b));

		if (id == OPTION_DONE) {
			*nextp = bytes_u64(&data);
			return !data.bad;
		}
		if (!data.bad && !layout7_take_option(t, id, data))
			tracedat_report(t, DIAG_FILE_DAMAGED, offset);
	}
	return false;
}

/* Return: the offset of the next section of options, 0: there is none. */
static uint64_t read_option_section(struct tracedat *t, uint64_t offset)
{
	struct section s;
	struct bytes content;
	uint8_t *owned = NULL;
	uint64_t next = 0;

	if (!layout7_find_section(t, offset, &s)) {
		tracedat_report(t, DIAG_FILE_CUT, offset);
		return 0;
	}
	bool is_whole = layout7_open_section(t, &s, &content, &owned);

	if (s.id != OPTION_DONE || (!is_whole && s.is_compressed) ||
	    !layout7_read_options(t, offset, content, &next))
		report_section(t, &s, offset);
	free(owned);
	return next;
}

/* ---- sections as they follow one another ----------------------------------------------------- */

/* Of which no option told. */
static void take_section(struct tracedat *t, const struct section *s, uint64_t offset)
{
	uint64_t end = s->size && s->end < t->map.size ? s->end : t->map.size;

	if (is_read(s->id))
		read_section_at(t, s->id, offset);
	else if (s->id == OPTION_KALLSYMS)
		t->symbols_at = offset;
	else if (s->id == OPTION_BUFFER &&
		 tracedat_mend_buffer(t, offset + SECTION_HEAD, end, s->is_compressed))
		tracedat_report(t, DIAG_FILE_MENDED, offset);
}

/*
 * Return: whether there is one, and it can be said where it ends: the size of events is filled in
 * when all are written.
 */
static bool layout7_pass_section(struct tracedat *t, uint64_t offset, bool are_untold,
				 uint64_t *endp)
{
	struct section s;
	bool is_there = layout7_find_section(t, offset, &s) && s.id <= SECTION_ID_MAX;

	if (!is_there || s.end > t->map.size)
		tracedat_report(t, DIAG_FILE_CUT, offset);
	if (is_there && are_untold)
		take_section(t, &s, offset);
	*endp = s.end;
	return is_there && (s.size || s.id != OPTION_BUFFER);
}

/*
 * From `offset` on. If all options are missing that tell where events are, the sections themselves
 * do.
 */
static void layout7_pass_sections(struct tracedat *t, uint64_t offset)
{
	bool are_untold = !t->buffers.n;

	for (unsigned i = 0; i < SECTIONS_MAX && offset < t->map.size; i++) {
		if (!layout7_pass_section(t, offset, are_untold, &offset))
			return;
	}
}

void tracedat_read_layout7(struct tracedat *t, struct bytes b)
{
	const char *compression = bytes_string(&b);

	bytes_string(&b); /* its version */
	t->compression = tracedat_compression_of(compression);
	uint64_t offset = bytes_u64(&b);

	if (b.bad)
		tracedat_report(t, DIAG_FILE_CUT, 0);
	for (unsigned i = 0; offset && i < SECTIONS_MAX; i++)
		offset = read_option_section(t, offset);
	if (!b.bad)
		layout7_pass_sections(t, (uint64_t)(b.at - t->map.data));
}
