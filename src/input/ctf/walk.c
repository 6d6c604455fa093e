#include "input/ctf/walk.h"

#include <stdlib.h>

#include "input/ctf/cursor.h"

struct ctf_walk {
	struct walk base;
	struct ctf_cursor cursor;
	struct ctf_plan *plan; /* that wants nothing */
	uint64_t damage;       /* what was met up to the last loss that was told */
};

static const struct ctf_cursor *cursor_of(const struct walk *w)
{
	return &((const struct ctf_walk *)w)->cursor;
}

struct walk *ctf_walk_new(const struct ctf_trace *t, size_t stream, int64_t from_ns)
{
	struct ctf_walk *w = mem_zalloc(1, sizeof(*w));

	w->plan = ctf_plan_new(&t->type, NULL, NULL);
	ctf_cursor_init(&w->cursor, t, &t->streams.at[stream], w->plan, true, from_ns);
	w->base.has_cpu = t->streams.at[stream].has_cpu;
	w->base.cpu = t->streams.at[stream].cpu;
	w->base.diags = &w->cursor.diags;
	return &w->base;
}

void ctf_walk_free(struct walk *w)
{
	struct ctf_walk *c = (struct ctf_walk *)w;

	ctf_cursor_deinit(&c->cursor);
	ctf_plan_free(c->plan);
}

/* ---- what there is to show ------------------------------------------------------------------ */

/* Whether a packet context's field is for the reader alone and not shown. */
static bool is_hidden(const struct ctf_fc *fc)
{
	return fc->role != CTF_ROLE_NONE && fc->role != CTF_ROLE_CPU_ID;
}

/*
 * How many fields of a packet context are shown; *onlyp is one of them. Nearly always it is the CPU
 * alone, which is known without reading the packet's header again for every event.
 */
static unsigned shown_packet_fields(const struct ctf_fc *context, const struct ctf_member **onlyp)
{
	unsigned n = 0;

	for (uint32_t i = 0; context && i < context->n_members; i++) {
		if (!is_hidden(context->members[i].fc)) {
			*onlyp = &context->members[i];
			n++;
		}
	}
	return n;
}

static bool has_more_than_cpu(const struct ctf_fc *context)
{
	for (uint32_t i = 0; context && i < context->n_members; i++) {
		if (context->members[i].fc->role == CTF_ROLE_NONE)
			return true;
	}
	return false;
}

static uint32_t scopes_of(const struct ctf_event_class *cls)
{
	const struct ctf_member *only;
	uint32_t scopes = 0;

	if (shown_packet_fields(cls->stream->packet_context, &only))
		scopes |= 1u << SCOPE_PACKET;
	if (cls->stream->event_common_context)
		scopes |= 1u << SCOPE_CONTEXT;
	if (cls->specific_context)
		scopes |= 1u << SCOPE_EVENT_CONTEXT;
	if (cls->payload)
		scopes |= 1u << SCOPE_PAYLOAD;
	return scopes;
}

/* ---- steps ---------------------------------------------------------------------------------- */

static uint64_t damage_so_far(const struct diag_list *diags)
{
	uint64_t n = 0;

	for (int i = 0; i < DIAG_N; i++) {
		/* That a packet is cut is known, and counted, when the one before it is read. */
		if (i != DIAG_EVENTS_LOST && i != DIAG_PACKET_CUT &&
		    diag_kind((enum diag_id)i)->severity == DIAG_DAMAGE)
			n += diags->at[i].count;
	}
	return n;
}

/*
 * Of events that the tracer counted as discarded it is not known whether they were before or behind
 * a packet, and the cursor tells of both places; the first one is enough for people.
 */
static bool is_second_place(struct ctf_walk *w)
{
	uint64_t damage = damage_so_far(&w->cursor.diags);
	const struct ctf_packet *p = &w->cursor.packet;
	bool again = !w->cursor.lost && damage == w->damage && !p->cut && !p->follows_damage;

	w->damage = damage;
	return again;
}

int ctf_walk_next(struct walk *base)
{
	struct ctf_walk *w = (struct ctf_walk *)base;
	struct ctf_cursor *c = &w->cursor;
	int r;

	do
		r = ctf_cursor_next(c, NULL);
	while (r == CTF_CURSOR_LOST && is_second_place(w));
	base->totals = ctf_cursor_totals(c);
	base->ns = c->ns;
	if (r == CTF_CURSOR_END)
		return WALK_END;
	if (r == CTF_CURSOR_LOST) {
		base->lost = c->lost;
		base->lost_to_ns = c->lost_to_ns;
		return WALK_LOST;
	}
	base->event = c->cls->index;
	base->scopes = scopes_of(c->cls);
	base->packet_has_more = has_more_than_cpu(c->cls->stream->packet_context);
	return WALK_EVENT;
}

/* ---- fields --------------------------------------------------------------------------------- */

/* What a visitor of CTF's fields passes on to one of fields as such. */
struct translation {
	const struct field_visitor *v;
	void *ctx;
	bool is_packet;
};

static enum field_kind kind_of(const struct ctf_fc *fc)
{
	switch (fc->kind) {
	case CTF_INT:
	case CTF_VARINT:
		return FIELD_INT;
	case CTF_FLOAT:
		return FIELD_REAL;
	case CTF_STRUCT:
		return FIELD_STRUCT;
	default:
		return FIELD_ARRAY;
	}
}

static struct field field_of(const struct ctf_fc *fc, const char *name)
{
	return (struct field){.name = name,
			      .kind = kind_of(fc),
			      .size = fc->size,
			      .is_signed = fc->is_signed,
			      .is_bool = fc->is_bool,
			      .is_enum = fc->is_enum,
			      .is_cpu = fc->role == CTF_ROLE_CPU_ID,
			      .base = fc->base,
			      .code_unit = fc->code_unit,
			      .big_endian = fc->big_endian,
			      .labels = fc->labels,
			      .n_labels = fc->n_labels};
}

static void on_open(void *ctx, const struct ctf_fc *fc, const char *name, uint64_t n)
{
	const struct translation *t = ctx;
	struct field f = field_of(fc, name);

	(void)n;
	if (t->v->open)
		t->v->open(t->ctx, &f);
}

static void on_close(void *ctx, const struct ctf_fc *fc)
{
	const struct translation *t = ctx;
	struct field f = field_of(fc, NULL);

	if (t->v->close)
		t->v->close(t->ctx, &f);
}

static void on_choice(void *ctx, const char *name, bool opens)
{
	const struct translation *t = ctx;
	struct field f = {.name = name, .kind = FIELD_CHOICE};

	if (opens && t->v->open)
		t->v->open(t->ctx, &f);
	else if (!opens && t->v->close)
		t->v->close(t->ctx, &f);
}

static void on_integer(void *ctx, const struct ctf_fc *fc, const char *name, uint64_t value)
{
	const struct translation *t = ctx;
	struct field f = field_of(fc, name);

	if (t->v->integer && !(t->is_packet && is_hidden(fc)))
		t->v->integer(t->ctx, &f, value);
}

static void on_real(void *ctx, const struct ctf_fc *fc, const char *name, double value)
{
	const struct translation *t = ctx;
	struct field f = field_of(fc, name);

	if (t->v->real)
		t->v->real(t->ctx, &f, value);
}

static void on_bytes(void *ctx, const struct ctf_fc *fc, const char *name, const uint8_t *at,
		     size_t n)
{
	const struct translation *t = ctx;
	struct field f = field_of(fc, name);
	bool is_blob = fc->kind != CTF_STRING && fc->content == CTF_CONTENT_BLOB;

	f.kind = is_blob ? FIELD_BLOB : FIELD_TEXT;
	if (t->v->bytes)
		t->v->bytes(t->ctx, &f, at, n);
}

static const struct ctf_visitor translator = {.open = on_open,
					      .close = on_close,
					      .choice = on_choice,
					      .integer = on_integer,
					      .real = on_real,
					      .bytes = on_bytes};

/* Return: whether the packet's only shown field was its CPU, which was then shown. */
static bool show_cpu_alone(const struct ctf_cursor *c, struct translation *t)
{
	const struct ctf_fc *context = c->cls->stream->packet_context;
	const struct ctf_member *only;

	if (shown_packet_fields(context, &only) != 1 || only->fc->role != CTF_ROLE_CPU_ID ||
	    only->fc->is_enum)
		return false;
	on_open(t, context, NULL, 1);
	on_integer(t, only->fc, only->name, c->packet.cpu);
	on_close(t, context);
	return true;
}

void ctf_walk_visit(const struct walk *w, enum field_scope scope, const struct field_visitor *v,
		    void *ctx)
{
	static const enum ctf_scope scopes[N_SCOPES] = {
		[SCOPE_PACKET] = CTF_PACKET_CONTEXT,
		[SCOPE_CONTEXT] = CTF_EVENT_COMMON_CONTEXT,
		[SCOPE_EVENT_CONTEXT] = CTF_EVENT_SPECIFIC_CONTEXT,
		[SCOPE_PAYLOAD] = CTF_EVENT_PAYLOAD,
	};
	const struct ctf_cursor *c = cursor_of(w);
	struct translation t = {.v = v, .ctx = ctx, .is_packet = scope == SCOPE_PACKET};

	if (!t.is_packet || !show_cpu_alone(c, &t))
		ctf_cursor_visit(c, scopes[scope], &translator, &t);
}
