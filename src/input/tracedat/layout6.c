#include <string.h>

#include "input/tracedat/option.h"
#include "input/tracedat/section.h"

enum { TAG_SIZE = 10 };

/* What the options of a version 6 leave to be read later. */
struct later {
	VEC(struct bytes) buffers; /* the data of each BUFFER: u64 offset, name\0 */
	bool has_clock_behind; /* TRACECLOCK is empty: its text stands behind the table of CPUs */
};

static uint64_t layout6_place(const struct tracedat *t, const struct bytes *b)
{
	return b->at ? (uint64_t)(b->at - t->map.data) : t->map.size;
}

static bool take_tag(struct bytes *b, const char *tag)
{
	return b->n >= TAG_SIZE && !memcmp(b->at, tag, TAG_SIZE) && bytes_take(b, TAG_SIZE);
}

static void layout6_read_options(struct tracedat *t, struct bytes *b, struct later *later)
{
	unsigned id;

	while ((id = bytes_u16(b)) != OPTION_DONE && !b->bad) {
		uint64_t place = layout6_place(t, b);
		struct bytes data = bytes_part(b, bytes_u32(b));

		if (data.bad)
			return;
		if (id == OPTION_BUFFER)
			*vec_push(&later->buffers) = data;
		else if (!tracedat_read_option(t, id, data))
			tracedat_report(t, DIAG_FILE_DAMAGED, place);
		later->has_clock_behind |= id == OPTION_TRACECLOCK && !t->facts.clock;
	}
}

static void add_buffer(struct tracedat *t, const char *name, struct bytes *b, uint32_t n_cpus)
{
	struct tracedat_buffer *buffer = vec_push(&t->buffers);

	buffer->name = arena_strdup(&t->base.arena, name);
	buffer->page_size = t->subbuf_size > t->page_size ? t->subbuf_size : t->page_size;
	for (uint32_t i = 0; i < n_cpus; i++) {
		struct tracedat_cpu cpu = {.cpu = i, .offset = bytes_u64(b), .size = bytes_u64(b)};

		if (b->bad)
			break;
		*vec_push(&buffer->cpus) = cpu;
	}
}

static void read_clock_behind(struct tracedat *t, struct bytes *b)
{
	uint64_t place = layout6_place(t, b);
	struct bytes text = bytes_part(b, bytes_u64(b));

	if (text.bad || !tracedat_read_option(t, OPTION_TRACECLOCK, text))
		tracedat_report(t, DIAG_FILE_DAMAGED, place);
}

/* Of an instance: the same as for the top buffer, elsewhere in the file. */
static void read_instance(struct tracedat *t, struct bytes option, uint32_t n_cpus)
{
	struct later later = {0};
	uint64_t offset = bytes_u64(&option);
	const char *name = bytes_string(&option);
	struct bytes b = tracedat_bytes_at(t, offset);

	if (take_tag(&b, "options  "))
		layout6_read_options(t, &b, &later);
	if (option.bad || !take_tag(&b, "flyrecord"))
		tracedat_report(t, DIAG_FILE_DAMAGED, offset);
	else
		add_buffer(t, name, &b, n_cpus);
	vec_deinit(&later.buffers);
}

static void read_buffers(struct tracedat *t, struct bytes *b, uint32_t n_cpus)
{
	struct later later = {0};

	if (take_tag(b, "options  "))
		layout6_read_options(t, b, &later);
	if (t->facts.n_cpus)
		n_cpus = t->facts.n_cpus;
	else
		t->facts.n_cpus = n_cpus;
	if (take_tag(b, "latency  ")) {
		t->has_text = true;
	} else if (take_tag(b, "flyrecord")) {
		add_buffer(t, "", b, n_cpus);
		if (later.has_clock_behind && !t->facts.clock)
			read_clock_behind(t, b);
	} else {
		b->bad = true;
	}
	vec_each (option, &later.buffers)
		read_instance(t, *option, n_cpus);
	vec_deinit(&later.buffers);
}

void tracedat_read_layout6(struct tracedat *t, struct bytes b)
{
	uint64_t start = layout6_place(t, &b);
	bool is_sound =
		tracedat_read_header_info(t, &b) && ftrace_read_system(&t->formats, &b, "ftrace");

	is_sound = ftrace_read_systems(&t->formats, &b) && is_sound;
	t->symbols_at = (uint64_t)(b.at - t->map.data);
	bytes_take(&b, bytes_u32(&b)); /* symbols of the kernel */
	bytes_take(&b, bytes_u32(&b)); /* formats of printk */
	tracedat_read_cmdlines(t, &b);
	uint32_t n_cpus = bytes_u32(&b);

	if (!b.bad)
		read_buffers(t, &b, n_cpus);
	if (b.bad || !is_sound)
		tracedat_report(t, b.bad ? DIAG_FILE_CUT : DIAG_FILE_DAMAGED, start);
}
