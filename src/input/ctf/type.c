#include "input/ctf/type.h"

#include <string.h>

struct ctf_fc *ctf_fc_new(struct arena *a, enum ctf_kind kind)
{
	struct ctf_fc *fc = arena_new(a, struct ctf_fc);

	fc->kind = kind;
	fc->align = 1;
	fc->base = 10;
	fc->code_unit = 1;
	fc->save = CTF_NO_SLOT;
	fc->ref = CTF_NO_SLOT;
	return fc;
}

struct ctf_fc *ctf_fc_copy(struct arena *a, const struct ctf_fc *fc)
{
	struct ctf_fc *copy = arena_memdup(a, fc, sizeof(*fc));

	if (fc->elem)
		copy->elem = ctf_fc_copy(a, fc->elem);
	copy->members = arena_memdup(a, fc->members, sizeof(*fc->members) * fc->n_members);
	for (uint32_t i = 0; i < fc->n_members; i++)
		copy->members[i].fc = ctf_fc_copy(a, fc->members[i].fc);
	copy->options = arena_memdup(a, fc->options, sizeof(*fc->options) * fc->n_options);
	for (uint32_t i = 0; i < fc->n_options; i++)
		copy->options[i].fc = ctf_fc_copy(a, fc->options[i].fc);
	return copy;
}

static void add_extent(struct ctf_extent *sum, const struct ctf_fc *inner)
{
	struct ctf_extent e = ctf_fc_extent(inner);

	sum->nodes += e.nodes;
	if (e.depth + 1 > sum->depth)
		sum->depth = e.depth + 1;
}

struct ctf_extent ctf_fc_extent(const struct ctf_fc *fc)
{
	struct ctf_extent sum = {.nodes = 1, .depth = 1};

	if (fc->elem)
		add_extent(&sum, fc->elem);
	for (uint32_t i = 0; i < fc->n_members; i++)
		add_extent(&sum, fc->members[i].fc);
	for (uint32_t i = 0; i < fc->n_options; i++)
		add_extent(&sum, fc->options[i].fc);
	return sum;
}

struct ctf_stream_class *ctf_find_stream_class(const struct ctf_trace_type *t, uint64_t id)
{
	for (uint32_t lo = 0, hi = t->n_streams; lo < hi;) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (t->streams[mid]->id == id)
			return t->streams[mid];
		if (t->streams[mid]->id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

struct ctf_event_class *ctf_find_event_class(const struct ctf_stream_class *s, uint64_t id)
{
	for (uint32_t lo = 0, hi = s->n_events; lo < hi;) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (s->events[mid]->id == id)
			return s->events[mid];
		if (s->events[mid]->id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

const char *ctf_env_string(const struct ctf_trace_type *t, const char *name)
{
	for (uint32_t i = 0; i < t->n_env; i++) {
		if (!strcmp(t->env[i].name, name))
			return t->env[i].string;
	}
	return NULL;
}

static bool in_range(struct field_range range, uint64_t value, bool is_signed)
{
	if (is_signed)
		return (int64_t)value >= (int64_t)range.lo && (int64_t)value <= (int64_t)range.hi;
	return value >= range.lo && value <= range.hi;
}

const char *ctf_label_of(const struct ctf_fc *fc, uint64_t value)
{
	for (uint32_t i = 0; i < fc->n_labels; i++) {
		if (in_range(fc->labels[i].range, value, fc->is_signed))
			return fc->labels[i].name;
	}
	return NULL;
}

bool ctf_in_ranges(const struct field_range *ranges, uint32_t n, uint64_t value, bool is_signed)
{
	for (uint32_t i = 0; i < n; i++) {
		if (in_range(ranges[i], value, is_signed))
			return true;
	}
	return false;
}

static void note_damage(struct ctf_trace_type *t, struct error *err)
{
	if (!t->damage && err->text)
		t->damage = arena_strdup(&t->arena, err->text);
	error_deinit(err);
}

void ctf_trace_type_left_out(struct ctf_trace_type *t, struct error *err)
{
	t->n_left_out++;
	note_damage(t, err);
}

void ctf_trace_type_mended(struct ctf_trace_type *t, struct error *err)
{
	t->n_mended++;
	note_damage(t, err);
}

void ctf_trace_type_deinit(struct ctf_trace_type *t)
{
	arena_deinit(&t->arena);
	*t = (struct ctf_trace_type){0};
}

static bool fc_has_same_members(const struct ctf_fc *a, const struct ctf_fc *b)
{
	if (a->n_members != b->n_members)
		return false;
	for (uint32_t i = 0; i < a->n_members; i++) {
		if (strcmp(a->members[i].name, b->members[i].name) != 0 ||
		    !ctf_fc_is_same(a->members[i].fc, b->members[i].fc))
			return false;
	}
	return true;
}

static bool fc_has_same_path(const struct ctf_fc *a, const struct ctf_fc *b)
{
	if (a->path.relative != b->path.relative || a->path.scope != b->path.scope ||
	    a->path.n_names != b->path.n_names)
		return false;
	for (uint32_t i = 0; i < a->path.n_names; i++) {
		const char *x = a->path.names[i], *y = b->path.names[i];

		if (!x != !y || (x && strcmp(x, y) != 0))
			return false;
	}
	return true;
}

bool ctf_fc_is_same(const struct ctf_fc *a, const struct ctf_fc *b)
{
	if (!a || !b)
		return a == b;
	if (a->kind != b->kind || a->align != b->align || a->size != b->size ||
	    a->is_signed != b->is_signed || a->big_endian != b->big_endian ||
	    a->reversed_bits != b->reversed_bits || a->is_char != b->is_char ||
	    a->role != b->role || a->clock != b->clock || a->code_unit != b->code_unit ||
	    a->content != b->content || a->length != b->length)
		return false;
	switch (a->kind) {
	case CTF_STRUCT:
		return fc_has_same_members(a, b);
	case CTF_ARRAY:
		return ctf_fc_is_same(a->elem, b->elem);
	case CTF_SEQUENCE:
		return fc_has_same_path(a, b) && ctf_fc_is_same(a->elem, b->elem);
	case CTF_VARIANT:
	case CTF_OPTIONAL:
		return false;
	default:
		return true;
	}
}
