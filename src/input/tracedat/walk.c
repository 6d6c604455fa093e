#include "input/tracedat/cursor.h"
#include "input/tracedat/recording.h"

struct stream_walk {
	struct walk base;
	struct tracedat_cursor cursor;
	const struct ftrace_format *format; /* of the current event; NULL: there is none */
};

struct walk *tracedat_walk_new(const struct recording *r, size_t stream, int64_t from_ns)
{
	struct stream_walk *w = mem_zalloc(1, sizeof(*w));

	tracedat_cursor_init(&w->cursor, (const struct tracedat *)r, stream, from_ns);
	w->base.has_cpu = r->streams.at[stream].has_cpu;
	w->base.cpu = r->streams.at[stream].cpu;
	w->base.diags = &w->cursor.diags;
	return &w->base;
}

void tracedat_walk_free(struct walk *w)
{
	tracedat_cursor_deinit(&((struct stream_walk *)w)->cursor);
}

static uint32_t walk_scopes(const struct stream_walk *w)
{
	uint32_t scopes = w->base.has_cpu ? 1u << SCOPE_PACKET : 0;

	if (w->format && w->format->n_common > 1)
		scopes |= 1u << SCOPE_CONTEXT;
	if (w->format && w->format->n_fields > w->format->n_common)
		scopes |= 1u << SCOPE_PAYLOAD;
	return scopes;
}

static void walk_take_event(struct stream_walk *w)
{
	const struct ftrace_formats *fs = &w->cursor.trace->formats;
	struct ring_record record = w->cursor.record;

	w->format = ftrace_format_of(fs, ftrace_id_of(fs, record.at, record.size));
	if (!w->format)
		tracedat_cursor_report_event(&w->cursor, DIAG_EVENT_FORMAT);
	w->base.event = w->format ? w->format->index : (uint32_t)fs->all.n;
	w->base.scopes = walk_scopes(w);
}

int tracedat_walk_next(struct walk *base)
{
	struct stream_walk *w = (struct stream_walk *)base;
	int r = tracedat_cursor_next(&w->cursor);

	base->totals = tracedat_cursor_totals(&w->cursor);
	base->ns = w->cursor.ns;
	if (r == CURSOR_END)
		return WALK_END;
	if (r == CURSOR_LOST) {
		base->lost = w->cursor.lost;
		base->lost_to_ns = w->cursor.lost_to_ns;
		return WALK_LOST;
	}
	walk_take_event(w);
	return WALK_EVENT;
}

static void walk_visit_cpu(const struct walk *w, const struct field_visitor *v, void *ctx)
{
	static const struct field root = {.kind = FIELD_STRUCT};
	static const struct field cpu = {
		.name = "cpu_id", .kind = FIELD_INT, .size = 32, .base = 10, .is_cpu = true};

	if (v->open)
		v->open(ctx, &root);
	if (v->integer)
		v->integer(ctx, &cpu, w->cpu);
	if (v->close)
		v->close(ctx, &root);
}

void tracedat_walk_visit(const struct walk *base, enum field_scope scope,
			 const struct field_visitor *v, void *ctx)
{
	const struct stream_walk *w = (const struct stream_walk *)base;
	struct ring_record record = w->cursor.record;

	if (scope == SCOPE_PACKET)
		walk_visit_cpu(base, v, ctx);
	else if (w->format)
		ftrace_visit(&w->cursor.trace->formats, w->format, record.at, record.size, scope, v,
			     ctx);
}
