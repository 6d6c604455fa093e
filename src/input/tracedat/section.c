#include "input/tracedat/section.h"

#include <stdlib.h>
#include <string.h>

enum { THREADS_MAX = 1 << 20, PAGE_HEAD_MAX = 64 };

/* ---- what sub-buffers look like -------------------------------------------------------------- */

/*
 *	field: u64 timestamp;	offset:0;	size:8;	signed:0;
 *	field: local_t commit;	offset:8;	size:8;	signed:1;
 *	field: char data;	offset:16;	size:4080;	signed:1;
 */
static bool page_field(const char *text, const char *name, uint32_t *offsetp, uint32_t *sizep)
{
	const char *at = strstr(text, name);
	const char *end = at ? strchr(at, '\n') : NULL;
	const char *offset = at ? strstr(at, "offset:") : NULL;
	const char *size = at ? strstr(at, "size:") : NULL;

	if (!offset || !size || (end && (offset > end || size > end)))
		return false;
	*offsetp = (uint32_t)strtoul(offset + strlen("offset:"), NULL, 10);
	*sizep = (uint32_t)strtoul(size + strlen("size:"), NULL, 10);
	return true;
}

static void read_header_page(struct tracedat *t, const char *text)
{
	uint32_t offset, size;

	if (page_field(text, " commit;", &offset, &size) && offset == sizeof(uint64_t) &&
	    (size == sizeof(uint32_t) || size == sizeof(uint64_t))) {
		t->long_size = size;
		t->data_at = offset + size;
	}
	if (page_field(text, " data;", &offset, &size) && offset >= t->data_at &&
	    offset <= PAGE_HEAD_MAX) {
		t->data_at = offset;
		t->subbuf_size = size <= TRACEDAT_PAGE_MAX ? offset + size : 0;
	}
}

bool tracedat_read_header_info(struct tracedat *t, struct bytes *b)
{
	struct bytes page = ftrace_named_text(b, "header_page");

	if (!page.bad) {
		char *text = mem_strndup((const char *)page.at, page.n);

		read_header_page(t, text);
		free(text);
	}
	ftrace_named_text(b, "header_event");
	return !b->bad;
}

/* ---- names of threads ------------------------------------------------------------------------ */

/* "147 CPU 0/KVM". A thread whose name the kernel did not keep is called "<...>". */
static void read_cmdline(struct tracedat *t, const char *line, size_t n)
{
	char *text = mem_strndup(line, n), *name;
	long tid = strtol(text, &name, 10);

	if (name > text && *name == ' ' && name[1] && strcmp(name + 1, "<...>") != 0 &&
	    t->base.threads.n < THREADS_MAX)
		*vec_push(&t->base.threads) =
			(struct recording_thread){.tid = tid,
						  .pid = NO_VALUE,
						  .comm = arena_strdup(&t->base.arena, name + 1)};
	free(text);
}

bool tracedat_read_cmdlines(struct tracedat *t, struct bytes *b)
{
	struct bytes text = bytes_part(b, bytes_u64(b));

	while (text.n) {
		const uint8_t *end = memchr(text.at, '\n', text.n);
		size_t n = end ? (size_t)(end - text.at) : text.n;

		read_cmdline(t, (const char *)text.at, n);
		bytes_take(&text, n + (end != NULL));
	}
	return !b->bad;
}
