#include "inspect/listing_print.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/member.h"

struct lines {
	struct jsonw json;
};

static void begin_value(struct jsonw *j, const char *name)
{
	if (name)
		jsonw_key(j, name);
}

static void on_open(void *ctx, const struct field *f)
{
	struct jsonw *j = &((struct lines *)ctx)->json;

	/* Which one was chosen shows. */
	if (f->kind == FIELD_CHOICE)
		return;
	begin_value(j, f->name);
	if (f->kind == FIELD_STRUCT)
		jsonw_object_begin(j);
	else
		jsonw_array_begin(j);
}

static void on_close(void *ctx, const struct field *f)
{
	struct jsonw *j = &((struct lines *)ctx)->json;

	if (f->kind == FIELD_STRUCT)
		jsonw_object_end(j);
	else if (f->kind != FIELD_CHOICE)
		jsonw_array_end(j);
}

static void write_number(struct jsonw *j, const struct field *f, uint64_t value)
{
	if (f->is_bool)
		jsonw_bool(j, value != 0);
	else if (f->is_signed)
		jsonw_int(j, (int64_t)value);
	else
		jsonw_uint(j, value);
}

static void write_enumeration(struct jsonw *j, const struct field *f, uint64_t value)
{
	jsonw_object_begin(j);
	jsonw_key(j, "value");
	write_number(j, f, value);
	member_array(j, "labels");
	for (uint32_t i = 0; i < f->n_labels; i++) {
		if (field_label_fits(f, &f->labels[i], value))
			jsonw_string(j, f->labels[i].name);
	}
	jsonw_array_end(j);
	jsonw_object_end(j);
}

static void on_integer(void *ctx, const struct field *f, uint64_t value)
{
	struct lines *l = ctx;

	/* The CPU stands in the line already. */
	if (f->is_cpu)
		return;
	begin_value(&l->json, f->name);
	if (f->is_enum)
		write_enumeration(&l->json, f, value);
	else
		write_number(&l->json, f, value);
}

static void on_real(void *ctx, const struct field *f, double value)
{
	struct jsonw *j = &((struct lines *)ctx)->json;

	begin_value(j, f->name);
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

static void on_bytes(void *ctx, const struct field *f, const uint8_t *at, size_t n)
{
	struct jsonw *j = &((struct lines *)ctx)->json;

	begin_value(j, f->name);
	if (f->kind == FIELD_BLOB) {
		write_blob(j, at, n);
	} else if (f->code_unit > 1) {
		size_t length;
		char *utf8 = listing_utf8(f, at, n, &length);

		jsonw_bytes(j, utf8, length);
		free(utf8);
	} else {
		jsonw_bytes(j, (const char *)at, n);
	}
}

static const struct field_visitor visitor = {.open = on_open,
					     .close = on_close,
					     .integer = on_integer,
					     .real = on_real,
					     .bytes = on_bytes};

static void write_scope(struct lines *l, const struct walk *w, enum field_scope scope)
{
	static const char *const keys[N_SCOPES] = {[SCOPE_PACKET] = "packet",
						   [SCOPE_CONTEXT] = "context",
						   [SCOPE_EVENT_CONTEXT] = "event_context",
						   [SCOPE_PAYLOAD] = "fields"};

	if (!(w->scopes & 1u << scope) || (scope == SCOPE_PACKET && !w->packet_has_more))
		return;
	jsonw_key(&l->json, keys[scope]);
	walk_visit(w, scope, &visitor, l);
}

static void begin_line(struct jsonw *j, const struct listing_entry *e)
{
	const struct walk *w = e->walk;

	jsonw_object_begin(j);
	member_int(j, "ts", w->ns);
	member_text(j, "trace", e->machine);
	jsonw_key(j, "cpu");
	if (w->has_cpu)
		jsonw_uint(j, w->cpu);
	else
		jsonw_null(j);
	if (w->stream->channel) {
		member_text(j, "channel", w->stream->channel);
	}
}

static void end_line(struct jsonw *j)
{
	jsonw_object_end(j);
	jsonw_newline(j);
}

static void json_event(void *ctx, const struct listing_entry *e)
{
	struct lines *l = ctx;
	const struct walk *w = e->walk;

	begin_line(&l->json, e);
	member_text(&l->json, "name", w->recording->events.at[w->event].name);
	for (enum field_scope scope = SCOPE_PACKET; scope < N_SCOPES; scope++)
		write_scope(l, w, scope);
	end_line(&l->json);
}

static void json_lost(void *ctx, const struct listing_entry *e)
{
	struct jsonw *j = &((struct lines *)ctx)->json;
	const struct walk *w = e->walk;

	begin_line(j, e);
	member_object(j, "lost");
	jsonw_key(j, "events");
	if (w->lost)
		jsonw_uint(j, w->lost);
	else
		jsonw_null(j);
	jsonw_key(j, "until");
	if (w->lost_to_ns == INT64_MAX)
		jsonw_null(j);
	else
		jsonw_int(j, w->lost_to_ns);
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
