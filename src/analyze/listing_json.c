#include "analyze/listing_print.h"

#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"

struct lines {
	struct jsonw json;
	bool is_packet; /* the packet context is being printed */
};

static void begin_value(struct jsonw *j, const char *name)
{
	if (name)
		jsonw_key(j, name);
}

static void on_open(void *ctx, const struct ctf_fc *fc, const char *name, uint64_t n)
{
	struct jsonw *j = &((struct lines *)ctx)->json;

	(void)n;
	begin_value(j, name);
	if (fc->kind == CTF_STRUCT)
		jsonw_object_begin(j);
	else
		jsonw_array_begin(j);
}

static void on_close(void *ctx, const struct ctf_fc *fc)
{
	struct jsonw *j = &((struct lines *)ctx)->json;

	if (fc->kind == CTF_STRUCT)
		jsonw_object_end(j);
	else
		jsonw_array_end(j);
}

static void write_number(struct jsonw *j, const struct ctf_fc *fc, uint64_t value)
{
	if (fc->is_bool)
		jsonw_bool(j, value != 0);
	else if (fc->is_signed)
		jsonw_int(j, (int64_t)value);
	else
		jsonw_uint(j, value);
}

static void write_enumeration(struct jsonw *j, const struct ctf_fc *fc, uint64_t value)
{
	jsonw_object_begin(j);
	jsonw_key(j, "value");
	write_number(j, fc, value);
	jsonw_key(j, "labels");
	jsonw_array_begin(j);
	for (uint32_t i = 0; i < fc->n_labels; i++) {
		if (listing_label_fits(fc, &fc->labels[i], value))
			jsonw_string(j, fc->labels[i].name);
	}
	jsonw_array_end(j);
	jsonw_object_end(j);
}

static void on_integer(void *ctx, const struct ctf_fc *fc, const char *name, uint64_t value)
{
	struct lines *l = ctx;

	/* The CPU stands in the line already. */
	if (l->is_packet && (listing_is_hidden(fc) || fc->role == CTF_ROLE_CPU_ID))
		return;
	begin_value(&l->json, name);
	if (fc->is_enum)
		write_enumeration(&l->json, fc, value);
	else
		write_number(&l->json, fc, value);
}

static void on_real(void *ctx, const struct ctf_fc *fc, const char *name, double value)
{
	struct jsonw *j = &((struct lines *)ctx)->json;

	(void)fc;
	begin_value(j, name);
	if (isfinite(value))
		jsonw_double(j, value);
	else
		jsonw_string(j, isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
}

static void write_blob(struct jsonw *j, const uint8_t *at, size_t n)
{
	jsonw_array_begin(j);
	for (size_t i = 0; i < n; i++)
		jsonw_uint(j, at[i]);
	jsonw_array_end(j);
}

static void on_bytes(void *ctx, const struct ctf_fc *fc, const char *name, const uint8_t *at,
		     size_t n)
{
	struct jsonw *j = &((struct lines *)ctx)->json;

	begin_value(j, name);
	if (fc->kind != CTF_STRING && fc->content == CTF_CONTENT_BLOB) {
		write_blob(j, at, n);
	} else if (fc->code_unit > 1) {
		size_t length;
		char *utf8 = listing_utf8(fc, at, n, &length);

		jsonw_bytes(j, utf8, length);
		free(utf8);
	} else {
		jsonw_bytes(j, (const char *)at, n);
	}
}

static const struct ctf_visitor visitor = {.open = on_open,
					   .close = on_close,
					   .integer = on_integer,
					   .real = on_real,
					   .bytes = on_bytes};

static void write_scope(struct lines *l, const struct ctf_cursor *c, enum ctf_scope scope,
			const char *key, bool present)
{
	if (!present)
		return;
	l->is_packet = scope == CTF_PACKET_CONTEXT;
	jsonw_key(&l->json, key);
	ctf_cursor_visit(c, scope, &visitor, l);
}

static bool has_more_than_cpu(const struct ctf_fc *context)
{
	for (uint32_t i = 0; context && i < context->n_members; i++) {
		if (context->members[i].fc->role == CTF_ROLE_NONE)
			return true;
	}
	return false;
}

static void begin_line(struct jsonw *j, const struct listing_entry *e)
{
	const struct ctf_stream *stream = e->cursor->stream;

	jsonw_object_begin(j);
	jsonw_key(j, "ts");
	jsonw_int(j, e->cursor->ns);
	jsonw_key(j, "trace");
	jsonw_string(j, e->machine);
	jsonw_key(j, "cpu");
	if (stream->has_cpu)
		jsonw_uint(j, stream->cpu);
	else
		jsonw_null(j);
}

static void end_line(struct jsonw *j)
{
	jsonw_object_end(j);
	jsonw_newline(j);
}

static void json_event(void *ctx, const struct listing_entry *e)
{
	struct lines *l = ctx;
	const struct ctf_cursor *c = e->cursor;
	const struct ctf_stream_class *stream = c->cls->stream;

	begin_line(&l->json, e);
	jsonw_key(&l->json, "name");
	jsonw_string(&l->json, c->cls->name);
	write_scope(l, c, CTF_PACKET_CONTEXT, "packet", has_more_than_cpu(stream->packet_context));
	write_scope(l, c, CTF_EVENT_COMMON_CONTEXT, "context", stream->event_common_context);
	write_scope(l, c, CTF_EVENT_SPECIFIC_CONTEXT, "event_context", c->cls->specific_context);
	write_scope(l, c, CTF_EVENT_PAYLOAD, "fields", c->cls->payload);
	end_line(&l->json);
}

static void json_lost(void *ctx, const struct listing_entry *e)
{
	struct jsonw *j = &((struct lines *)ctx)->json;
	const struct ctf_cursor *c = e->cursor;

	begin_line(j, e);
	jsonw_key(j, "lost");
	jsonw_object_begin(j);
	jsonw_key(j, "events");
	if (c->lost)
		jsonw_uint(j, c->lost);
	else
		jsonw_null(j);
	jsonw_key(j, "until");
	if (c->lost_to_ns == INT64_MAX)
		jsonw_null(j);
	else
		jsonw_int(j, c->lost_to_ns);
	jsonw_object_end(j);
	end_line(j);
}

static void lines_free(void *ctx)
{
	struct lines *l = ctx;

	jsonw_deinit(&l->json);
	free(l);
}

const struct listing_printer *listing_json_new(FILE *f, void **ctxp)
{
	static const struct listing_printer printer = {json_event, json_lost, lines_free};
	struct lines *l = mem_zalloc(1, sizeof(*l));

	jsonw_init(&l->json, f);
	*ctxp = l;
	return &printer;
}
