#include "random_type.h"

#include <stddef.h>

enum { DEPTH_MAX = 5, INTS_MAX = 8 };

/* A struct that is being made, and its integers so far. */
struct level {
	const struct ctf_fc *ints[INTS_MAX];
	const char *names[INTS_MAX];
	uint32_t n;
};

struct maker {
	struct ctf_trace_type *t;
	uint64_t *rng;
	struct ctf_clock *clock;
	struct level levels[DEPTH_MAX + 1];
	uint32_t n_levels, n_names;
	const struct ctf_fc *header_id; /* integer of the event header that others may use */
};

static uint64_t below(struct maker *m, uint64_t n)
{
	return random_below(m->rng, n);
}

static uint32_t some_align(struct maker *m)
{
	static const uint32_t aligns[] = {1, 1, 1, 2, 8, 8, 8, 8, 8, 16, 32, 64, 128};

	return aligns[below(m, sizeof(aligns) / sizeof(*aligns))];
}

static uint16_t some_size(struct maker *m)
{
	static const uint16_t sizes[] = {8, 16, 32, 64};

	switch (below(m, 4)) {
	case 0:
		return (uint16_t)(1 + below(m, 64));
	case 1: /* a good length, or selector */
		return (uint16_t)(1 + below(m, 4));
	default:
		return sizes[below(m, 4)];
	}
}

static struct ctf_fc *make_int(struct maker *m)
{
	struct ctf_fc *fc = ctf_fc_new(&m->t->arena, CTF_INT);

	fc->size = some_size(m);
	fc->align = some_align(m);
	fc->is_signed = below(m, 3) == 0;
	fc->big_endian = below(m, 3) == 0;
	fc->reversed_bits = below(m, 12) == 0;
	if (below(m, 16) == 0)
		fc->clock = m->clock;
	return fc;
}

static struct ctf_fc *make_varint(struct maker *m)
{
	struct ctf_fc *fc = ctf_fc_new(&m->t->arena, CTF_VARINT);

	fc->is_signed = below(m, 2);
	if (below(m, 8) == 0)
		fc->clock = m->clock;
	return fc;
}

static struct ctf_fc *make_float(struct maker *m)
{
	static const uint16_t sizes[] = {16, 32, 64, 128};
	struct ctf_fc *fc = ctf_fc_new(&m->t->arena, CTF_FLOAT);

	fc->size = sizes[below(m, 4)];
	fc->align = some_align(m);
	fc->big_endian = below(m, 2);
	return fc;
}

static struct ctf_fc *make_string(struct maker *m)
{
	struct ctf_fc *fc = ctf_fc_new(&m->t->arena, CTF_STRING);

	fc->code_unit = (uint8_t)(1 << below(m, 3));
	return fc;
}

/*
 * Makes fc depend on an integer read before it, an unsigned one for a length.
 * Return: that integer, or NULL when there is none.
 */
static const struct ctf_fc *depend(struct maker *m, struct ctf_fc *fc, bool on_length)
{
	uint32_t up = (uint32_t)below(m, m->n_levels);
	const struct level *l = &m->levels[m->n_levels - 1 - up];

	fc->path.relative = true;
	fc->path.names = arena_array(&m->t->arena, const char *, up + 1);
	fc->path.n_names = up + 1; /* leading NULLs go up */
	for (uint32_t tries = 0; l->n && tries < 4; tries++) {
		uint32_t i = (uint32_t)below(m, l->n);

		if (on_length && l->ints[i]->is_signed)
			continue;
		fc->path.names[up] = l->names[i];
		return l->ints[i];
	}
	if (!m->header_id)
		return NULL;
	fc->path =
		(struct ctf_ref){.scope = CTF_EVENT_HEADER, .names = fc->path.names, .n_names = 1};
	fc->path.names[0] = "id";
	return m->header_id;
}

static struct ctf_fc *make(struct maker *m, uint32_t depth);

static struct ctf_fc *make_array(struct maker *m, uint32_t depth)
{
	struct ctf_fc *fc = ctf_fc_new(&m->t->arena, CTF_ARRAY);

	fc->length = below(m, 6);
	if (below(m, 2)) {
		fc->kind = CTF_SEQUENCE;
		if (!depend(m, fc, true))
			fc->kind = CTF_ARRAY;
	}
	if (below(m, 2)) {
		fc->elem = make(m, depth + 1);
		return fc;
	}
	fc->elem = ctf_fc_new(&m->t->arena, CTF_INT);
	fc->elem->size = 8;
	fc->elem->align = below(m, 4) ? 8 : some_align(m);
	fc->content = (enum ctf_content)below(m, 3);
	fc->code_unit = (uint8_t)(1 << below(m, 2));
	return fc;
}

/* A piece of what the selector can be, so that most values meet one of four. */
static struct field_range *some_range(struct maker *m, const struct ctf_fc *selector)
{
	struct field_range *r = arena_new(&m->t->arena, struct field_range);
	unsigned size = selector->size && selector->size < 8 ? selector->size : 8;
	uint64_t all = UINT64_C(1) << size;
	uint64_t low = below(m, all);

	r->lo = low - (selector->is_signed ? all / 2 : 0);
	r->hi = r->lo + below(m, all - low + 1);
	if (below(m, 4) == 0 && !selector->is_signed)
		r->hi = UINT64_MAX;
	return r;
}

static struct ctf_fc *make_variant(struct maker *m, uint32_t depth)
{
	struct ctf_fc *fc = ctf_fc_new(&m->t->arena, CTF_VARIANT);
	const struct ctf_fc *selector = depend(m, fc, false);

	if (!selector)
		return make_int(m);
	fc->n_options = 1 + (uint32_t)below(m, 4);
	fc->options = arena_array(&m->t->arena, struct ctf_option, fc->n_options);
	for (uint32_t i = 0; i < fc->n_options; i++) {
		fc->options[i] = (struct ctf_option){
			.fc = make(m, depth + 1), .ranges = some_range(m, selector), .n_ranges = 1};
	}
	return fc;
}

static struct ctf_fc *make_optional(struct maker *m, uint32_t depth)
{
	struct ctf_fc *fc = ctf_fc_new(&m->t->arena, CTF_OPTIONAL);
	const struct ctf_fc *selector = depend(m, fc, false);

	if (!selector)
		return make_varint(m);
	if (below(m, 2)) {
		fc->ranges = some_range(m, selector);
		fc->n_ranges = 1;
	}
	fc->elem = make(m, depth + 1);
	return fc;
}

static struct ctf_fc *make_struct(struct maker *m, uint32_t depth)
{
	struct ctf_fc *fc = ctf_fc_new(&m->t->arena, CTF_STRUCT);
	struct level *l = &m->levels[m->n_levels++];

	*l = (struct level){0};
	fc->align = some_align(m);
	fc->n_members = (uint32_t)below(m, 8);
	fc->members = arena_array(&m->t->arena, struct ctf_member, fc->n_members);
	for (uint32_t i = 0; i < fc->n_members; i++) {
		struct ctf_fc *inner = make(m, depth + 1);
		const char *name = arena_printf(&m->t->arena, "f%u", m->n_names++);

		fc->members[i] = (struct ctf_member){.name = name, .fc = inner};
		if ((inner->kind == CTF_INT || inner->kind == CTF_VARINT) && l->n < INTS_MAX) {
			l->ints[l->n] = inner;
			l->names[l->n++] = name;
		}
	}
	m->n_levels--;
	return fc;
}

static struct ctf_fc *make(struct maker *m, uint32_t depth)
{
	switch (below(m, depth < DEPTH_MAX ? 14 : 8)) {
	case 0:
		return make_varint(m);
	case 1:
		return make_float(m);
	case 2:
		return make_string(m);
	case 8:
	case 9:
		return make_array(m, depth);
	case 10:
	case 11:
		return make_variant(m, depth);
	case 12:
		return make_optional(m, depth);
	case 13:
		return make_struct(m, depth);
	default:
		return make_int(m);
	}
}

static struct ctf_fc *plain_int(struct maker *m, uint16_t size, uint32_t align, bool big_endian)
{
	struct ctf_fc *fc = ctf_fc_new(&m->t->arena, CTF_INT);

	fc->size = size;
	fc->align = align;
	fc->big_endian = big_endian;
	return fc;
}

static struct ctf_fc *struct_of(struct maker *m, uint32_t align, uint32_t n)
{
	struct ctf_fc *fc = ctf_fc_new(&m->t->arena, CTF_STRUCT);

	fc->align = align;
	fc->members = arena_array(&m->t->arena, struct ctf_member, n);
	fc->n_members = n;
	return fc;
}

static struct ctf_fc *timestamp(struct maker *m, uint16_t size, uint32_t align, bool big_endian)
{
	struct ctf_fc *fc = plain_int(m, size, align, big_endian);

	fc->clock = m->clock;
	return fc;
}

/* As LTTng writes them: a short id and time, or, by the id, an extended form. */
static struct ctf_fc *two_forms(struct maker *m, struct ctf_fc *id, struct ctf_fc *time, bool be)
{
	static const uint32_t aligns[] = {1, 1, 8, 8, 32};
	struct ctf_fc *compact = struct_of(m, aligns[below(m, 5)], 1),
		      *extended = struct_of(m, 8, 2);
	struct ctf_fc *v = ctf_fc_new(&m->t->arena, CTF_VARIANT);
	struct field_range *ranges = arena_array(&m->t->arena, struct field_range, 2);
	uint64_t last = (UINT64_C(1) << id->size) - 1;

	ranges[0] = (struct field_range){0, last - 1};
	ranges[1] = (struct field_range){last, last};
	compact->members[0] = (struct ctf_member){"t", time};
	extended->members[0] = (struct ctf_member){"id", plain_int(m, 32, 8, be)};
	extended->members[0].fc->role = CTF_ROLE_EVENT_CLASS_ID;
	extended->members[1] = (struct ctf_member){"t", timestamp(m, 64, 8, be)};
	v->n_options = 2;
	v->options = arena_array(&m->t->arena, struct ctf_option, 2);
	v->options[0] = (struct ctf_option){.fc = compact, .ranges = &ranges[0], .n_ranges = 1};
	v->options[1] = (struct ctf_option){.fc = extended, .ranges = &ranges[1], .n_ranges = 1};
	v->path = (struct ctf_ref){.relative = true, .n_names = 1};
	v->path.names = arena_array(&m->t->arena, const char *, 1);
	v->path.names[0] = "id";
	return v;
}

/* Mostly packed, as on x86; else a header's fields may be aligned to more or less than it is. */
static struct ctf_fc *make_header(struct maker *m)
{
	static const uint16_t id_sizes[] = {2, 5, 8, 16};
	static const uint16_t time_sizes[] = {27, 32, 14, 56};
	static const uint32_t aligns[] = {8, 8, 16, 32, 64};
	static const uint32_t root_aligns[] = {1, 8, 8, 8, 16, 32};
	bool be = below(m, 2);
	bool packed = below(m, 3);
	uint32_t id_align = packed ? 1 : aligns[below(m, 3)];
	struct ctf_fc *id = plain_int(m, id_sizes[below(m, 4)], id_align, be);
	uint32_t time_align = packed ? 1 : aligns[below(m, 5)];
	struct ctf_fc *time = timestamp(m, time_sizes[below(m, 4)], time_align, be);
	struct ctf_fc *root = struct_of(m, root_aligns[below(m, 6)], 2);

	id->role = CTF_ROLE_EVENT_CLASS_ID;
	root->members[0] = (struct ctf_member){"id", id};
	root->members[1] =
		(struct ctf_member){"rest", below(m, 2) ? two_forms(m, id, time, be) : time};
	m->header_id = id;
	return root;
}

static struct ctf_fc *maybe_struct(struct maker *m)
{
	return below(m, 3) ? make_struct(m, 0) : NULL;
}

static void make_type(struct maker *m)
{
	struct ctf_trace_type *t = m->t;
	struct ctf_stream_class *s = arena_new(&t->arena, struct ctf_stream_class);

	t->major = 2;
	m->clock = arena_new(&t->arena, struct ctf_clock);
	m->clock->name = "c";
	m->clock->frequency = 1000000000;
	t->streams = arena_array(&t->arena, struct ctf_stream_class *, 1);
	t->streams[0] = s;
	t->n_streams = 1;
	s->event_header = below(m, 8) ? make_header(m) : NULL;
	s->event_common_context = below(m, 4) ? NULL : make_struct(m, 0);
	s->n_events = 1 + (uint32_t)below(m, 5);
	s->events = arena_array(&t->arena, struct ctf_event_class *, s->n_events);
	for (uint32_t i = 0; i < s->n_events; i++) {
		struct ctf_event_class *e = arena_new(&t->arena, struct ctf_event_class);

		e->name = "e";
		e->id = i;
		e->stream = s;
		e->specific_context = below(m, 4) ? NULL : make_struct(m, 0);
		e->payload = maybe_struct(m);
		s->events[i] = e;
	}
}

void random_type(struct ctf_trace_type *t, uint64_t *rng)
{
	for (;;) {
		struct error err = {0};
		struct maker m = {.t = t, .rng = rng};

		*t = (struct ctf_trace_type){0};
		make_type(&m);
		int r = ctf_trace_type_finish(t, &err);

		error_deinit(&err);
		if (!r && !t->n_left_out)
			return;
		ctf_trace_type_deinit(t); /* such as a sequence of nothing: try another one */
	}
}
