#include "server/reply.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "base/member.h"

enum { STREAM_BUFFER = 4096, LARGE_PAGE = 1 << 21, GROWTH = 4 };

static void discard(struct reply *r)
{
	if (r->is_json)
		jsonw_deinit(&r->json);
	if (r->file)
		fclose(r->file);
	r->is_json = false;
	r->file = NULL;
	free(r->data);
	r->data = NULL;
	r->borrowed = NULL;
	r->size = r->cap = 0;
}

void reply_deinit(struct reply *r)
{
	discard(r);
	*r = (struct reply){0};
}

char *reply_room(size_t size)
{
	if (size < LARGE_PAGE)
		return mem_alloc(size);
	size = (size + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
	char *room = mem_given(aligned_alloc(LARGE_PAGE, size));

	madvise(room, size, MADV_HUGEPAGE); /* where there are none, small ones will do */
	return room;
}

static void grow(struct reply *r, size_t size)
{
	char *data;

	r->cap = size * GROWTH;
	data = reply_room(r->cap);
	if (r->size)
		memcpy(data, r->data, r->size);
	free(r->data);
	r->data = data;
}

/* What open_memstream() does, without clearing what will be written anyway. */
static ssize_t append(void *cookie, const char *data, size_t n)
{
	struct reply *r = cookie;

	if (n > r->cap - r->size)
		grow(r, r->size + n);
	memcpy(r->data + r->size, data, n);
	r->size += n;
	return (ssize_t)n;
}

FILE *reply_stream(struct reply *r, const char *type)
{
	discard(r);
	r->status = 200;
	r->type = type;
	r->file = mem_given(fopencookie(r, "w", (cookie_io_functions_t){.write = append}));
	setvbuf(r->file, NULL, _IOFBF, STREAM_BUFFER);
	return r->file;
}

struct jsonw *reply_json(struct reply *r)
{
	jsonw_init(&r->json, reply_stream(r, REPLY_JSON));
	r->is_json = true;
	return &r->json;
}

void reply_data(struct reply *r, const char *type, char *data, size_t size)
{
	discard(r);
	r->status = 200;
	r->type = type;
	r->data = data;
	r->size = size;
}

void reply_end(struct reply *r)
{
	if (r->is_json)
		jsonw_deinit(&r->json);
	r->is_json = false;
	if (r->file)
		fclose(r->file);
	r->file = NULL;
}

void reply_error(struct reply *r, int status, const char *title, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *detail = mem_vprintf(fmt, ap);

	va_end(ap);
	struct jsonw *j = reply_json(r);

	r->status = status;
	r->page = r->for_ever = false;
	jsonw_object_begin(j);
	member_text(j, "title", title);
	member_text(j, "detail", detail);
	jsonw_object_end(j);
	reply_end(r);
	free(detail);
}

void reply_failed(struct reply *r, int status, const char *title, struct error *err)
{
	reply_error(r, status, title, "%s", err->text);
	error_deinit(err);
}
