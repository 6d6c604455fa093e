#include "input/perfdata/header.h"

#include "input/perfdata/tracing.h"

/* struct perf_file_header: where its members are, and sizes. */
enum {
	HEAD_SIZE = 8,
	HEAD_ATTR_SIZE = 16,
	HEAD_ATTRS = 24,
	HEAD_DATA = 40,
	HEAD_FEATURES = 72,
	HEAD_END = 104,
	PIPE_END = 16,
	SECTION = 16,
};

/* More features, besides those in header.h. */
enum {
	F_HOSTNAME = 3,
	F_OSRELEASE = 4,
	F_VERSION = 5,
	F_ARCH = 6,
	F_NRCPUS = 7,
	F_CPUDESC = 8,
	F_CPUID = 9,
	F_TOTAL_MEM = 10,
	F_CMDLINE = 11,
	F_EVENT_DESC = 12,
	F_SAMPLE_TIME = 21,
	F_CLOCK_DATA = 29,
};

enum { ATTR_TYPE = 0, ATTR_CONFIG = 8 };

enum perfdata_magic perfdata_magic_of(const uint8_t *at, size_t n)
{
	if (n < PERFDATA_MAGIC_SIZE)
		return PERFDATA_MAGIC_NONE;
	if (!memcmp(at, "PERFILE2", PERFDATA_MAGIC_SIZE))
		return PERFDATA_MAGIC_LITTLE;
	if (!memcmp(at, "2ELIFREP", PERFDATA_MAGIC_SIZE))
		return PERFDATA_MAGIC_BIG;
	return memcmp(at, "PERFFILE", PERFDATA_MAGIC_SIZE) ? PERFDATA_MAGIC_NONE
							   : PERFDATA_MAGIC_OLD;
}

/* ---- the header ------------------------------------------------------------------------------ */

static int check_magic(struct perfdata *p, const struct perfdata_source *file, struct error *err)
{
	enum perfdata_magic magic = perfdata_magic_of(file->at, file->size);

	if (magic == PERFDATA_MAGIC_OLD)
		return error_set(err,
				 "'%s' is a perf.data file of version 1, which perf wrote "
				 "before Linux 2.6.36; record with a newer perf",
				 file->path);
	if (magic == PERFDATA_MAGIC_NONE || file->size < PIPE_END)
		return error_set(err, "'%s' is no perf.data file", file->path);
	p->big_endian = magic == PERFDATA_MAGIC_BIG;
	return 0;
}

static struct perfdata_section section_at(const uint8_t *at, bool big_endian)
{
	return (struct perfdata_section){load_u64(at, big_endian), load_u64(at + 8, big_endian)};
}

static bool is_within(const struct perfdata_source *file, struct perfdata_section s)
{
	return s.offset <= file->size && s.size <= file->size - s.offset;
}

/* The words of the bits are longs of the machine that wrote them, which may be one of 32 bits. */
static void read_features(const struct perfdata *p, const uint8_t *at, struct perfdata_header *h)
{
	enum { N = PERFDATA_F_END / 64 };

	for (int i = 0; i < N; i++)
		h->features[i] = load_u64(at + i * 8, p->big_endian);
	if (!p->big_endian || perfdata_has_feature(h, F_HOSTNAME) ||
	    !perfdata_has_feature(h, F_HOSTNAME + 32))
		return;
	for (int i = 0; i < N; i++)
		h->features[i] = h->features[i] >> 32 | h->features[i] << 32;
}

/* How much of the data is there. */
static void bound_data(struct perfdata *p, const struct perfdata_source *file,
		       struct perfdata_header *h)
{
	bool is_closed = h->data.size > 0;

	h->is_whole = is_closed && is_within(file, h->data);
	if (h->is_whole)
		return;
	if (!is_closed)
		perfdata_note(p, DIAG_RECORDING_UNCLOSED, 1, file, file->at);
	else
		perfdata_note(p, DIAG_RECORD_CUT, 1, file, file->at + file->size);
	if (h->data.offset > file->size)
		h->data.offset = file->size;
	h->data.size = file->size - h->data.offset;
}

int perfdata_header_read(struct perfdata *p, const struct perfdata_source *file,
			 struct perfdata_header *h, struct error *err)
{
	*h = (struct perfdata_header){0};
	if (check_magic(p, file, err))
		return ERR;
	p->is_pipe = load_u64(file->at + HEAD_SIZE, p->big_endian) == PIPE_END;
	if (p->is_pipe) {
		h->data = (struct perfdata_section){PIPE_END, file->size - PIPE_END};
		h->is_whole = true;
		return 0;
	}
	if (file->size < HEAD_END)
		return error_set(err, "'%s' ends inside of its header", file->path);
	h->attr_size = load_u64(file->at + HEAD_ATTR_SIZE, p->big_endian);
	h->attrs = section_at(file->at + HEAD_ATTRS, p->big_endian);
	h->data = section_at(file->at + HEAD_DATA, p->big_endian);
	read_features(p, file->at + HEAD_FEATURES, h);
	bound_data(p, file, h);
	return 0;
}

/* ---- attributes ------------------------------------------------------------------------------ */

/* Sections do not overlap, so that together they have no more ids than fit in the file. */
static void read_ids(struct perfdata *p, const struct perfdata_source *file,
		     struct perfdata_section s, uint64_t *leftp)
{
	if (!is_within(file, s) || s.size > *leftp) {
		perfdata_note(p, DIAG_METADATA_DAMAGED, 1, file, file->at);
		return;
	}
	*leftp -= s.size;
	for (uint64_t i = 0; i + 8 <= s.size; i += 8)
		perfdata_attr_id(&p->attrs, load_u64(file->at + s.offset + i, p->big_endian));
}

void perfdata_header_attrs(struct perfdata *p, const struct perfdata_source *file,
			   const struct perfdata_header *h)
{
	const struct perfdata_section *s = &h->attrs;
	uint64_t left = file->size;
	bool is_sound = h->attr_size > SECTION && h->attr_size <= file->size && is_within(file, *s);

	for (uint64_t i = 0; is_sound && h->attr_size <= s->size - i; i += h->attr_size) {
		const uint8_t *at = file->at + s->offset + i;
		struct perfdata_bytes b = {at, (size_t)h->attr_size - SECTION, p->big_endian};

		is_sound = perfdata_attr_add(&p->attrs, b);
		if (is_sound)
			read_ids(p, file, section_at(at + b.n, p->big_endian), &left);
	}
	if (!is_sound)
		perfdata_note(p, DIAG_METADATA_DAMAGED, 1, file, file->at);
}

/* ---- features -------------------------------------------------------------------------------- */

/* u32 size, text with NULs up to it. */
static bool take_text(struct perfdata *p, struct perfdata_bytes *b, const char **textp)
{
	struct perfdata_bytes text;
	uint32_t n;

	if (!perfdata_take_u32(b, &n) || !perfdata_take(b, n, &text))
		return false;
	*textp = arena_strndup(&p->base.arena, (const char *)text.at,
			       strnlen((const char *)text.at, text.n));
	return true;
}

static void add_env(struct perfdata *p, const char *name, const char *string, int64_t integer)
{
	*vec_push(&p->base.env) = (struct recording_env){name, string, integer};
}

static bool read_text(struct perfdata *p, struct perfdata_bytes b, const char *name,
		      const char **textp)
{
	const char *text;

	if (!take_text(p, &b, &text))
		return false;
	if (name)
		add_env(p, name, text, 0);
	if (textp)
		*textp = text;
	return true;
}

static bool read_version(struct perfdata *p, struct perfdata_bytes b)
{
	const char *text;

	if (!take_text(p, &b, &text))
		return false;
	if (*text)
		p->base.tracer = arena_printf(&p->base.arena, "perf %s", text);
	return true;
}

static bool read_cpus(struct perfdata *p, struct perfdata_bytes b)
{
	uint32_t present, online;

	if (!perfdata_take_u32(&b, &present) || !perfdata_take_u32(&b, &online))
		return false;
	add_env(p, "cpus_present", NULL, present);
	add_env(p, "cpus_online", NULL, online);
	return true;
}

static bool read_memory(struct perfdata *p, struct perfdata_bytes b)
{
	uint64_t kb;

	if (!perfdata_take_u64(&b, &kb))
		return false;
	add_env(p, "memory_kb", NULL, (int64_t)kb);
	return true;
}

/*
 * Return: how many bytes the next text has up to its NUL; it is copied to `to`. Negative: there is
 * none.
 */
static long copy_text(struct perfdata_bytes *b, char *to)
{
	struct perfdata_bytes text;
	uint32_t n;

	if (!perfdata_take_u32(b, &n) || !perfdata_take(b, n, &text))
		return -1;
	size_t length = strnlen((const char *)text.at, text.n);

	memcpy(to, text.at, length);
	return (long)length;
}

static bool read_command(struct perfdata *p, struct perfdata_bytes b)
{
	/* A word has a size in front of it, so that there is room for a space and the NUL. */
	char *line = arena_alloc(&p->base.arena, b.n + 1), *end = line;
	uint32_t n;

	if (!perfdata_take_u32(&b, &n))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		long length = copy_text(&b, end + (i > 0));

		if (length < 0)
			return false;
		if (i > 0)
			*end++ = ' ';
		end += length;
	}
	*end = '\0';
	add_env(p, "command", line, 0);
	return true;
}

/* Names stand in the order of the attributes. */
static void name_attr(struct perfdata *p, uint32_t i, struct perfdata_bytes attr, const char *name)
{
	struct perfdata_attr *a = i < p->attrs.at.n ? &p->attrs.at.at[i] : NULL;

	if (a && attr.n >= ATTR_CONFIG + 8 &&
	    a->type == load_u32(attr.at + ATTR_TYPE, p->big_endian) &&
	    a->config == load_u64(attr.at + ATTR_CONFIG, p->big_endian))
		a->name = name;
}

static bool read_event_names(struct perfdata *p, struct perfdata_bytes b)
{
	uint32_t n, attr_size, n_ids;
	const char *name;

	if (!perfdata_take_u32(&b, &n) || !perfdata_take_u32(&b, &attr_size))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		struct perfdata_bytes attr, ids;

		if (!perfdata_take(&b, attr_size, &attr) || !perfdata_take_u32(&b, &n_ids) ||
		    !take_text(p, &b, &name) || !perfdata_take(&b, n_ids * UINT64_C(8), &ids))
			return false;
		name_attr(p, i, attr, name);
	}
	return true;
}

static bool read_sample_time(struct perfdata *p, struct perfdata_bytes b)
{
	uint64_t first, last;

	if (!perfdata_take_u64(&b, &first) || !perfdata_take_u64(&b, &last))
		return false;
	add_env(p, "first_sample_ns", NULL, (int64_t)first);
	add_env(p, "last_sample_ns", NULL, (int64_t)last);
	return true;
}

/* What the clock of the samples and the wall clock said at one time. */
static bool read_clock_data(struct perfdata *p, struct perfdata_bytes b)
{
	uint32_t version, clock;
	uint64_t wall, own;

	if (!perfdata_take_u32(&b, &version) || !perfdata_take_u32(&b, &clock) ||
	    !perfdata_take_u64(&b, &wall) || !perfdata_take_u64(&b, &own) || wall > INT64_MAX ||
	    own > INT64_MAX)
		return false;
	p->has_wall_clock = true;
	p->wall_clock = clock;
	p->wall_offset_ns = (int64_t)wall - (int64_t)own;
	return true;
}

static bool read_architecture(struct perfdata *p, struct perfdata_bytes b)
{
	const char *text = NULL;
	bool is_read = read_text(p, b, "architecture", &text);

	p->formats.is_x86_64 = text && !strcmp(text, "x86_64");
	return is_read;
}

bool perfdata_feature(struct perfdata *p, unsigned id, struct perfdata_bytes b)
{
	switch (id) {
	case F_HOSTNAME:
		return read_text(p, b, NULL, &p->base.hostname);
	case F_OSRELEASE:
		return read_text(p, b, NULL, &p->base.kernel);
	case F_VERSION:
		return read_version(p, b);
	case F_ARCH:
		return read_architecture(p, b);
	case F_NRCPUS:
		return read_cpus(p, b);
	case F_CPUDESC:
		return read_text(p, b, "cpu", NULL);
	case F_CPUID:
		return read_text(p, b, "cpuid", NULL);
	case F_TOTAL_MEM:
		return read_memory(p, b);
	case F_CMDLINE:
		return read_command(p, b);
	case F_EVENT_DESC:
		return read_event_names(p, b);
	case F_SAMPLE_TIME:
		return read_sample_time(p, b);
	case F_CLOCK_DATA:
		return read_clock_data(p, b);
	default:
		return true;
	}
}

bool perfdata_tracing_data(struct perfdata *p, struct perfdata_bytes b)
{
	p->formats.arena = &p->base.arena;
	return perfdata_tracing_read(&p->formats, b);
}

/* Return: whether it is there and could be read. */
static bool read_section(struct perfdata *p, const struct perfdata_source *file, unsigned id,
			 const uint8_t *entry)
{
	struct perfdata_section s = section_at(entry, p->big_endian);

	if (!is_within(file, s))
		return false;
	struct perfdata_bytes b = {file->at + s.offset, (size_t)s.size, p->big_endian};

	return id == PERFDATA_F_TRACING_DATA ? perfdata_tracing_data(p, b)
					     : perfdata_feature(p, id, b);
}

void perfdata_header_features(struct perfdata *p, const struct perfdata_source *file,
			      const struct perfdata_header *h)
{
	uint64_t at = h->data.offset + h->data.size;

	for (unsigned id = 0; id < PERFDATA_F_END; id++) {
		if (!perfdata_has_feature(h, id))
			continue;
		if (file->size - at < SECTION) {
			if (h->is_whole)
				perfdata_note(p, DIAG_RECORD_CUT, 1, file, file->at + file->size);
			return;
		}
		if (!read_section(p, file, id, file->at + at))
			perfdata_note(p, DIAG_METADATA_DAMAGED, 1, file, file->at + at);
		at += SECTION;
	}
}
