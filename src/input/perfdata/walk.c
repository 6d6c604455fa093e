#include <stdlib.h>

#include "input/perfdata/cursor.h"
#include "input/perfdata/show.h"

struct perfdata_walk {
	struct walk base;
	struct perfdata_cursor cursor;
	const struct ftrace_format *format; /* of the event, or NULL */
	struct perfdata_part raw;
};

struct walk *perfdata_walk_new(const struct recording *r, size_t stream, int64_t from_ns)
{
	struct perfdata_walk *w = mem_zalloc(1, sizeof(*w));

	perfdata_cursor_init(&w->cursor, perfdata_of(r), stream, from_ns);
	w->cursor.tells_others = true;
	w->base.has_cpu = r->streams.at[stream].has_cpu;
	w->base.cpu = r->streams.at[stream].cpu;
	w->base.diags = &w->cursor.diags;
	return &w->base;
}

void perfdata_walk_free(struct walk *w)
{
	perfdata_cursor_deinit(&((struct perfdata_walk *)w)->cursor);
}

static const struct ftrace_format *find_format(struct perfdata_walk *w)
{
	const struct perfdata_cursor *c = &w->cursor;
	const struct ftrace_formats *fs = &c->p->formats;

	w->raw = (struct perfdata_part){0};
	if (c->attr->type != PERFDATA_TRACEPOINT ||
	    !perfdata_raw(&c->attr->layout, &c->record, c->p->big_endian, &w->raw))
		return NULL;
	return ftrace_format_of(fs, ftrace_id_of(fs, w->raw.at, w->raw.n));
}

/* By its own word, or by the attribute's. */
static uint32_t event_of(const struct perfdata_walk *w)
{
	const struct perfdata *p = w->cursor.p;
	uint32_t i = w->format ? p->event_of_format[w->format->index] : PERFDATA_NO_EVENT;

	return i != PERFDATA_NO_EVENT ? i : w->cursor.attr->event;
}

int perfdata_walk_next(struct walk *base)
{
	struct perfdata_walk *w = (struct perfdata_walk *)base;
	struct perfdata_cursor *c = &w->cursor;
	int step;

	perfdata_copies_turn(&c->copies);
	do
		step = perfdata_cursor_next(c);
	while (step == PERFDATA_SIDE);
	base->totals = c->totals;
	base->ns = c->ns;
	if (step == PERFDATA_END)
		return WALK_END;
	if (step == PERFDATA_MISSING) {
		base->lost = c->missing;
		base->lost_to_ns = c->missing_to;
		return WALK_LOST;
	}
	w->format = find_format(w);
	base->event = event_of(w);
	base->scopes = 1u << SCOPE_CONTEXT | (w->format ? 1u << SCOPE_PAYLOAD : 0);
	return WALK_EVENT;
}

/* ---- fields ---------------------------------------------------------------------------------- */

/* The raw data's common fields are shown inside of the struct that is open already. */
struct inner {
	const struct field_visitor *v;
	void *ctx;
	unsigned depth;
};

static void inner_open(void *ctx, const struct field *f)
{
	struct inner *in = ctx;

	if (in->depth++ && in->v->open)
		in->v->open(in->ctx, f);
}

static void inner_close(void *ctx, const struct field *f)
{
	struct inner *in = ctx;

	if (--in->depth && in->v->close)
		in->v->close(in->ctx, f);
}

static void inner_integer(void *ctx, const struct field *f, uint64_t value)
{
	struct inner *in = ctx;

	if (in->v->integer)
		in->v->integer(in->ctx, f, value);
}

static void inner_real(void *ctx, const struct field *f, double value)
{
	struct inner *in = ctx;

	if (in->v->real)
		in->v->real(in->ctx, f, value);
}

static void inner_bytes(void *ctx, const struct field *f, const uint8_t *at, size_t n)
{
	struct inner *in = ctx;

	if (in->v->bytes)
		in->v->bytes(in->ctx, f, at, n);
}

static const struct field_visitor inner_visitor = {.open = inner_open,
						   .close = inner_close,
						   .integer = inner_integer,
						   .real = inner_real,
						   .bytes = inner_bytes};

static void show_context(const struct perfdata_walk *w, const struct field_visitor *v, void *ctx)
{
	static const struct field root = {.kind = FIELD_STRUCT};
	const struct perfdata_cursor *c = &w->cursor;
	struct inner in = {.v = v, .ctx = ctx};

	if (v->open)
		v->open(ctx, &root);
	perfdata_show(&c->attr->layout, &c->record, c->p->big_endian, v, ctx);
	if (w->format)
		ftrace_visit(&c->p->formats, w->format, w->raw.at, w->raw.n, SCOPE_CONTEXT,
			     &inner_visitor, &in);
	if (v->close)
		v->close(ctx, &root);
}

void perfdata_walk_visit(const struct walk *base, enum field_scope scope,
			 const struct field_visitor *v, void *ctx)
{
	const struct perfdata_walk *w = (const struct perfdata_walk *)base;

	if (scope == SCOPE_CONTEXT)
		show_context(w, v, ctx);
	else if (scope == SCOPE_PAYLOAD && w->format)
		ftrace_visit(&w->cursor.p->formats, w->format, w->raw.at, w->raw.n, scope, v, ctx);
}
