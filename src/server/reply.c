#include "server/reply.h"

#include <stdarg.h>

#include "base/mem.h"

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
	r->size = 0;
}

void reply_deinit(struct reply *r)
{
	discard(r);
	*r = (struct reply){0};
}

FILE *reply_stream(struct reply *r, const char *type)
{
	discard(r);
	r->status = 200;
	r->type = type;
	r->file = open_memstream(&r->data, &r->size);
	if (!r->file)
		abort(); /* out of memory, as in mem.h */
	return r->file;
}

struct jsonw *reply_json(struct reply *r)
{
	jsonw_init(&r->json, reply_stream(r, REPLY_JSON));
	r->is_json = true;
	return &r->json;
}

void reply_end(struct reply *r)
{
	if (r->is_json)
		jsonw_deinit(&r->json);
	r->is_json = false;
	if (r->file && fclose(r->file))
		abort(); /* out of memory, as in mem.h */
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
	jsonw_key(j, "title");
	jsonw_string(j, title);
	jsonw_key(j, "detail");
	jsonw_string(j, detail);
	jsonw_object_end(j);
	reply_end(r);
	free(detail);
}

void reply_failed(struct reply *r, int status, const char *title, struct error *err)
{
	reply_error(r, status, title, "%s", err->text);
	error_deinit(err);
}
