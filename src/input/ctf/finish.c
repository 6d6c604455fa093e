/*
 * The last step of both metadata readers: every field class is walked in the order in which its
 * fields are read. What a reference may name has been walked by then, so that "found" implies
 * "read before".
 */
#include "input/ctf/type.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
	OFF_PATH = -1,	     /* a level of the stack: not on it */
	MAX_STEPS = 1 << 26, /* of all searches: garbage could ask for a quadratic number */
	MAX_ALIGN = 1 << 16, /* bits */
	MAX_PATH_TEXT = 200, /* bytes, in messages */
};

/* A field class that is being walked, and which of its members or options is. */
struct level {
	struct ctf_fc *fc;
	uint32_t at;
};

struct finisher {
	struct ctf_trace_type *t;
	struct error *err;
	struct ctf_stream_class *stream; /* NULL in the packet header */
	struct ctf_event_class *event;	 /* NULL outside of event classes */
	struct ctf_fc *roots[CTF_N_SCOPES];
	enum ctf_scope scope; /* being walked */
	struct level stack[CTF_MAX_DEPTH];
	uint32_t depth;
	uint64_t n_nodes, steps;
	VEC(uint32_t) slots; /* what each slot has been merged into; itself if nothing */
	bool merged;
	bool exhausted; /* a bound of all metadata is reached: no class can be left out for it */
};

/* What a dependent field's path leads to: several fields when it goes through a variant. */
struct search {
	struct finisher *f;
	const struct ctf_ref *ref;
	struct ctf_fc *target; /* the first one found */
	bool not_integer, mixed_signs;
};

static const char *scope_name(enum ctf_scope scope)
{
	static const char *const names[CTF_N_SCOPES] = {
		[CTF_PACKET_HEADER] = "packet header",
		[CTF_PACKET_CONTEXT] = "packet context",
		[CTF_EVENT_HEADER] = "event header",
		[CTF_EVENT_COMMON_CONTEXT] = "common context",
		[CTF_EVENT_SPECIFIC_CONTEXT] = "specific context",
		[CTF_EVENT_PAYLOAD] = "payload",
	};
	return names[scope];
}

static int wrap_where(struct finisher *f, uint32_t where)
{
	if (!where)
		return ERR;
	return error_wrap(f->err, "%s %" PRIu32, f->t->major == 2 ? "fragment" : "line", where);
}

/* "a.b" for the member b of the member a that is being walked. */
static void path_text(const struct finisher *f, char text[MAX_PATH_TEXT])
{
	size_t n = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < f->depth && n < MAX_PATH_TEXT - 1; i++) {
		const struct level *l = &f->stack[i];
		const char *name = NULL;

		if (l->fc->kind == CTF_STRUCT)
			name = l->fc->members[l->at].name;
		else if (l->fc->kind == CTF_VARIANT)
			name = l->fc->options[l->at].name;
		if (!name)
			continue;
		int len = snprintf(text + n, MAX_PATH_TEXT - n, "%s%s", n ? "." : "", name);
		n += len > 0 ? (size_t)len : 0;
	}
}

/* The field being walked is wrong. Return: ERR. */
__attribute__((format(printf, 3, 4))) static int fail(struct finisher *f, const struct ctf_fc *fc,
						      const char *fmt, ...)
{
	char path[MAX_PATH_TEXT];
	va_list ap;

	va_start(ap, fmt);
	char *what = mem_vprintf(fmt, ap);
	va_end(ap);
	path_text(f, path);
	error_set(f->err, "%s", what);
	free(what);
	if (path[0])
		error_wrap(f->err, "field '%s'", path);
	error_wrap(f->err, "%s", scope_name(f->scope));
	if (f->event)
		error_wrap(f->err, "event '%s'", f->event->name);
	return wrap_where(f, fc->where);
}

static int fail_references(struct finisher *f, const struct ctf_fc *fc)
{
	f->exhausted = true;
	return fail(f, fc, "the metadata has too many references");
}

static uint32_t root_slot(struct finisher *f, uint32_t slot)
{
	while (f->slots.at[slot] != slot)
		slot = f->slots.at[slot] = f->slots.at[f->slots.at[slot]];
	return slot;
}

static void give_slot(struct finisher *f, struct ctf_fc *fc)
{
	if (fc->save != CTF_NO_SLOT)
		return;
	uint32_t slot = (uint32_t)f->slots.n;
	*vec_push(&f->slots) = slot;
	fc->save = (int32_t)slot;
}

/*
 * Fields that are each the target of the same reference share one slot: only one of them is read,
 * since they are in different options of a variant.
 */
static void found(struct search *s, struct ctf_fc *fc)
{
	if (fc->kind != CTF_INT && fc->kind != CTF_VARINT) {
		s->not_integer = true;
		return;
	}
	give_slot(s->f, fc);
	if (!s->target) {
		s->target = fc;
		return;
	}
	if (s->target->is_signed != fc->is_signed)
		s->mixed_signs = true;
	uint32_t a = root_slot(s->f, (uint32_t)s->target->save);
	uint32_t b = root_slot(s->f, (uint32_t)fc->save);
	if (a != b) {
		s->f->slots.at[b] = a;
		s->f->merged = true;
	}
}

static void descend(struct search *s, struct ctf_fc *fc, int level, uint32_t n);

/* Return: the level of what is inside the field of that level, if it is on the stack at all. */
static int inner_level(int level, bool on_path)
{
	return level != OFF_PATH && on_path ? level + 1 : OFF_PATH;
}

static void descend_struct(struct search *s, struct ctf_fc *fc, int level, uint32_t n)
{
	/* Of a struct that is being walked, only what is read already, last first: that is what
	 * the writer of the metadata saw last, and mostly the one before. */
	uint32_t at = level == OFF_PATH ? fc->n_members : s->f->stack[level].at + 1;

	while (at-- > 0 && s->f->steps++ < MAX_STEPS) {
		bool on_path = level != OFF_PATH && at == s->f->stack[level].at;

		if (!strcmp(fc->members[at].name, s->ref->names[n])) {
			descend(s, fc->members[at].fc, inner_level(level, on_path), n + 1);
			return;
		}
	}
}

static int option_by_name(const struct ctf_fc *fc, const char *name)
{
	for (uint32_t i = 0; i < fc->n_options; i++) {
		if (fc->options[i].name && !strcmp(fc->options[i].name, name))
			return (int)i;
	}
	return -1;
}

/* TSDL paths name the option; those of CTF 2 mean whichever is selected. */
static void descend_variant(struct search *s, struct ctf_fc *fc, int level, uint32_t n)
{
	int named = -1;

	s->f->steps += fc->n_options;
	if (s->f->t->major == 1 && n < s->ref->n_names)
		named = option_by_name(fc, s->ref->names[n]);
	for (uint32_t i = 0; i < fc->n_options && s->f->steps < MAX_STEPS; i++) {
		bool on_path = level != OFF_PATH && i == s->f->stack[level].at;

		if (named >= 0 ? (int)i == named : level == OFF_PATH || on_path)
			descend(s, fc->options[i].fc, inner_level(level, on_path),
				n + (named >= 0));
	}
}

/*
 * Follows the names from number n on, from fc. level: where fc is on the stack, if it is: then only
 * what was walked already counts, and "the" element of an array is the one that is being walked.
 */
static void descend(struct search *s, struct ctf_fc *fc, int level, uint32_t n)
{
	if (s->f->steps++ >= MAX_STEPS || level >= (int)s->f->depth)
		return;
	if (fc->kind == CTF_VARIANT)
		descend_variant(s, fc, level, n);
	else if (fc->kind == CTF_OPTIONAL)
		descend(s, fc->elem, inner_level(level, true), n);
	else if ((fc->kind == CTF_ARRAY || fc->kind == CTF_SEQUENCE) && level != OFF_PATH)
		descend(s, fc->elem, level + 1, n);
	else if (n == s->ref->n_names)
		found(s, fc);
	else if (fc->kind == CTF_STRUCT)
		descend_struct(s, fc, level, n);
}

/* TSDL: the innermost struct that has it, then the scopes that are read before. */
static void search_outwards(struct search *s)
{
	struct finisher *f = s->f;

	for (int level = (int)f->depth - 1; level >= 0 && !s->target; level--) {
		if (f->stack[level].fc->kind == CTF_STRUCT)
			descend(s, f->stack[level].fc, level, 0);
	}
	for (int scope = (int)f->scope - 1; scope >= 0 && !s->target; scope--) {
		if (f->roots[scope])
			descend(s, f->roots[scope], OFF_PATH, 0);
	}
}

/* CTF 2: from the innermost struct, one further out for each NULL that the path begins with. */
static void search_upwards(struct search *s)
{
	const struct finisher *f = s->f;
	uint32_t n = 0;

	for (int level = (int)f->depth - 1; level >= 0; level--) {
		if (f->stack[level].fc->kind != CTF_STRUCT)
			continue;
		if (n == s->ref->n_names || s->ref->names[n]) {
			descend(s, f->stack[level].fc, level, n);
			return;
		}
		n++;
	}
}

static void search_scope(struct search *s)
{
	struct finisher *f = s->f;
	enum ctf_scope scope = s->ref->scope;

	if (scope == f->scope)
		descend(s, f->roots[scope], 0, 0);
	else if (scope < f->scope && f->roots[scope])
		descend(s, f->roots[scope], OFF_PATH, 0);
}

static char *ref_text(const struct ctf_ref *ref)
{
	char *text = ref->relative ? mem_strdup("") : mem_printf("%s: ", scope_name(ref->scope));

	for (uint32_t i = 0; i < ref->n_names; i++)
		mem_append(&text, "%s%s", i ? "." : "", ref->names[i] ? ref->names[i] : "^");
	return text;
}

static int fail_ref(struct finisher *f, const struct ctf_fc *fc, const char *problem)
{
	char *text = ref_text(&fc->path);

	fail(f, fc, "it depends on '%s', %s", text, problem);
	free(text);
	return ERR;
}

/* Finds the field that fc depends on. */
static int resolve(struct finisher *f, struct ctf_fc *fc, struct ctf_fc **targetp)
{
	struct search s = {.f = f, .ref = &fc->path};

	if (!fc->path.n_names)
		return fail(f, fc, "nothing says which field it depends on");
	if (!fc->path.relative)
		search_scope(&s);
	else if (f->t->major == 1)
		search_outwards(&s);
	else
		search_upwards(&s);
	if (f->steps >= MAX_STEPS)
		return fail_references(f, fc);
	if (s.not_integer)
		return fail_ref(f, fc, "which is not an integer");
	if (s.mixed_signs)
		return fail_ref(f, fc, "an integer that is signed in one case and not in another");
	if (!s.target)
		return fail_ref(f, fc, "which is not a field read before it");
	fc->ref = s.target->save;
	fc->ref_signed = s.target->is_signed;
	*targetp = s.target;
	return 0;
}

/* One leading underscore is how TSDL's writers keep names apart from its keywords. */
static const char *shown(const char *name)
{
	return name[0] == '_' ? name + 1 : name;
}

/* TSDL: an option is selected by the label of its name. */
static int option_ranges(struct finisher *f, struct ctf_option *o, const struct ctf_fc *selector)
{
	VEC(struct field_range) ranges = {0};

	for (uint32_t i = 0; i < selector->n_labels; i++) {
		if (!strcmp(shown(selector->labels[i].name), o->name))
			*vec_push(&ranges) = selector->labels[i].range;
	}
	f->steps += selector->n_labels;
	o->ranges = arena_memdup(&f->t->arena, ranges.at, sizeof(*ranges.at) * ranges.n);
	o->n_ranges = (uint32_t)ranges.n;
	vec_deinit(&ranges);
	return 0;
}

static int select_by_label(struct finisher *f, struct ctf_fc *fc, const struct ctf_fc *selector)
{
	if (!selector->is_enum)
		return fail_ref(f, fc, "which is not an enumeration");
	for (uint32_t i = 0; i < fc->n_options; i++) {
		option_ranges(f, &fc->options[i], selector);
		if (f->steps >= MAX_STEPS)
			return fail_references(f, fc);
	}
	return 0;
}

static int finish_fc(struct finisher *f, struct ctf_fc *fc, uint64_t *bitsp);

/*
 * A field inside the one on top of the stack. Adds to *bitsp what it takes at most, `times` over.
 */
static int finish_inner(struct finisher *f, uint32_t at, struct ctf_fc *inner, uint64_t times,
			uint64_t *bitsp)
{
	uint64_t bits = 0, sum;

	f->stack[f->depth - 1].at = at;
	int r = finish_fc(f, inner, &bits);
	if (r)
		return r;
	if (__builtin_mul_overflow(bits + inner->align - 1, times, &sum) ||
	    sum > CTF_MAX_STATIC_BITS || *bitsp + sum > CTF_MAX_STATIC_BITS)
		return fail(f, inner, "it is too large");
	*bitsp += sum;
	return 0;
}

static void align_to(struct ctf_fc *fc, uint32_t align)
{
	if (fc->align < align)
		fc->align = align;
}

static int finish_struct(struct finisher *f, struct ctf_fc *fc, uint64_t *bitsp)
{
	for (uint32_t i = 0; i < fc->n_members; i++) {
		int r = finish_inner(f, i, fc->members[i].fc, 1, bitsp);
		if (r)
			return r;
		align_to(fc, fc->members[i].fc->align);
	}
	return 0;
}

/* Return: whether fc takes no bit whatever the trace says. */
static bool is_empty(const struct ctf_fc *fc)
{
	bool empty = true;

	switch (fc->kind) {
	case CTF_STRUCT:
		for (uint32_t i = 0; i < fc->n_members && empty; i++)
			empty = is_empty(fc->members[i].fc);
		return empty;
	case CTF_VARIANT:
		for (uint32_t i = 0; i < fc->n_options && empty; i++)
			empty = is_empty(fc->options[i].fc);
		return empty;
	case CTF_ARRAY:
		return fc->length == 0 || is_empty(fc->elem);
	case CTF_OPTIONAL:
		return is_empty(fc->elem);
	default:
		return false;
	}
}

static int finish_array(struct finisher *f, struct ctf_fc *fc, uint64_t *bitsp)
{
	uint64_t times = fc->kind == CTF_ARRAY ? fc->length : 0;
	int r = finish_inner(f, 0, fc->elem, times, bitsp);

	if (r)
		return r;
	if (is_empty(fc->elem))
		return fail(f, fc, "its elements have no size");
	align_to(fc, fc->elem->align);
	return 0;
}

static int finish_options(struct finisher *f, struct ctf_fc *fc, uint64_t *bitsp)
{
	for (uint32_t i = 0; i < fc->n_options; i++) {
		uint64_t bits = 0;
		int r = finish_inner(f, i, fc->options[i].fc, 1, &bits);

		if (r)
			return r;
		if (*bitsp < bits)
			*bitsp = bits;
	}
	return 0;
}

static int finish_composite(struct finisher *f, struct ctf_fc *fc, uint64_t *bitsp)
{
	switch (fc->kind) {
	case CTF_STRUCT:
		return finish_struct(f, fc, bitsp);
	case CTF_VARIANT:
		return finish_options(f, fc, bitsp);
	case CTF_OPTIONAL:
		return finish_inner(f, 0, fc->elem, 1, bitsp);
	default:
		return finish_array(f, fc, bitsp);
	}
}

static int resolve_own(struct finisher *f, struct ctf_fc *fc)
{
	struct ctf_fc *target = NULL;

	if (fc->kind != CTF_SEQUENCE && fc->kind != CTF_VARIANT && fc->kind != CTF_OPTIONAL)
		return 0;
	int r = resolve(f, fc, &target);
	if (r)
		return r;
	if (fc->kind == CTF_VARIANT && f->t->major == 1)
		return select_by_label(f, fc, target);
	if (fc->kind == CTF_SEQUENCE && target->is_signed)
		return fail_ref(f, fc, "a signed integer, which is no length");
	return 0;
}

static int note_clock(struct finisher *f, const struct ctf_fc *fc)
{
	if (!fc->clock || !f->stream)
		return 0;
	if (!f->stream->clock)
		f->stream->clock = fc->clock;
	if (f->stream->clock != fc->clock)
		return fail(f, fc, "its clock is '%s', but another field of the stream uses '%s'",
			    fc->clock->name, f->stream->clock->name);
	return 0;
}

static int finish_number(struct finisher *f, struct ctf_fc *fc, uint64_t *bitsp)
{
	uint16_t size = fc->size;

	*bitsp = size;
	if (fc->kind == CTF_VARINT)
		align_to(fc, 8);
	if (fc->kind == CTF_FLOAT && size != 16 && size != 32 && size != 64 && size != 128)
		return fail(f, fc, "a floating point number of %u bits", size);
	if (fc->kind == CTF_INT && (size < 1 || size > 64))
		return fail(f, fc, "an integer of %u bits", size);
	return note_clock(f, fc);
}

static int finish_string(struct finisher *f, struct ctf_fc *fc)
{
	if (fc->code_unit != 1 && fc->code_unit != 2 && fc->code_unit != 4)
		return fail(f, fc, "a string of %u-byte units", fc->code_unit);
	align_to(fc, 8);
	return 0;
}

/* *bitsp, 0 before: at most so many bits, while all sequences are empty. */
static int finish_fc(struct finisher *f, struct ctf_fc *fc, uint64_t *bitsp)
{
	if (++f->n_nodes > CTF_MAX_NODES) {
		f->exhausted = true;
		return fail(f, fc, "more than %d fields in all", CTF_MAX_NODES);
	}
	if (!fc->align || fc->align & (fc->align - 1) || fc->align > MAX_ALIGN)
		return fail(f, fc, "an alignment of %" PRIu32 " bits", fc->align);
	if (fc->kind == CTF_INT || fc->kind == CTF_VARINT || fc->kind == CTF_FLOAT)
		return finish_number(f, fc, bitsp);
	if (fc->kind == CTF_STRING)
		return finish_string(f, fc);
	int r = resolve_own(f, fc);
	if (r)
		return r;
	if (f->depth == CTF_MAX_DEPTH)
		return fail(f, fc, "nested more than %d deep", CTF_MAX_DEPTH);
	f->stack[f->depth++] = (struct level){.fc = fc};
	r = finish_composite(f, fc, bitsp);
	f->depth--;
	return r;
}

static int finish_root(struct finisher *f, enum ctf_scope scope, struct ctf_fc *root)
{
	uint64_t bits = 0;

	f->roots[scope] = root;
	f->scope = scope;
	f->depth = 0;
	if (!root)
		return 0;
	if (root->kind != CTF_STRUCT)
		return fail(f, root, "not a structure");
	return finish_fc(f, root, &bits);
}

static int finish_event(struct finisher *f, struct ctf_event_class *e)
{
	f->event = e;
	e->index = f->t->n_event_classes++;
	int r = finish_root(f, CTF_EVENT_SPECIFIC_CONTEXT, e->specific_context);
	if (!r)
		r = finish_root(f, CTF_EVENT_PAYLOAD, e->payload);
	f->event = NULL;
	return r;
}

static int compare_ids(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_event_id(const void *a, const void *b)
{
	struct ctf_event_class *const *x = a, *const *y = b;

	return compare_ids((*x)->id, (*y)->id);
}

static int by_stream_id(const void *a, const void *b)
{
	struct ctf_stream_class *const *x = a, *const *y = b;

	return compare_ids((*x)->id, (*y)->id);
}

/* Return: how many events from number i on have the same id. */
static uint32_t same_event_id(const struct ctf_stream_class *s, uint32_t i)
{
	uint32_t n = 1;

	while (i + n < s->n_events && s->events[i + n]->id == s->events[i]->id)
		n++;
	return n;
}

/*
 * Events from number i on have the same id. If their fields are the same, too, what an event of it
 * says can be read, and it is called by all of their names: which is its own is not known.
 * Return: whether they are.
 */
static bool finish_join_events(struct finisher *f, struct ctf_stream_class *s, uint32_t i,
			       uint32_t same)
{
	struct ctf_event_class *a = s->events[i];

	for (uint32_t k = i + 1; k < i + same; k++) {
		if (!ctf_fc_is_same(a->payload, s->events[k]->payload) ||
		    !ctf_fc_is_same(a->specific_context, s->events[k]->specific_context))
			return false;
	}
	for (uint32_t k = i + 1; k < i + same; k++) {
		if (strcmp(a->name, s->events[k]->name) != 0)
			a->name = arena_printf(&f->t->arena, "%s|%s", a->name, s->events[k]->name);
	}
	return true;
}

/*
 * Nobody knows which of several events with one id is meant: all of them are left out, unless their
 * bytes can be read all the same.
 */
static void sort_events(struct finisher *f, struct ctf_stream_class *s)
{
	uint32_t kept = 0, same;

	if (s->n_events)
		qsort(s->events, s->n_events, sizeof(*s->events), by_event_id);
	for (uint32_t i = 0; i < s->n_events; i += same) {
		const struct ctf_event_class *a = s->events[i], *b;

		same = same_event_id(s, i);
		if (same == 1) {
			s->events[kept++] = s->events[i];
			continue;
		}
		b = s->events[i + 1];
		if (a->where > b->where) {
			a = b;
			b = s->events[i];
		}
		error_set(f->err,
			  "events '%s' and '%s' of stream %" PRIu64 " have the same id %" PRIu64,
			  a->name, b->name, s->id, a->id);
		wrap_where(f, b->where);
		ctf_trace_type_left_out(f->t, f->err);
		if (finish_join_events(f, s, i, same))
			s->events[kept++] = s->events[i];
	}
	s->n_events = kept;
}

/* As with events. */
static void sort_streams(struct finisher *f)
{
	struct ctf_trace_type *t = f->t;
	uint32_t kept = 0, same;

	if (t->n_streams)
		qsort(t->streams, t->n_streams, sizeof(*t->streams), by_stream_id);
	for (uint32_t i = 0; i < t->n_streams; i += same) {
		const struct ctf_stream_class *a = t->streams[i];
		uint32_t where = a->where;

		for (same = 1; i + same < t->n_streams && t->streams[i + same]->id == a->id; same++)
			where = where < t->streams[i + same]->where ? t->streams[i + same]->where
								    : where;
		if (same == 1) {
			t->streams[kept++] = t->streams[i];
			continue;
		}
		error_set(f->err, "two streams have the same id %" PRIu64, a->id);
		wrap_where(f, where);
		ctf_trace_type_left_out(t, f->err);
	}
	t->n_streams = kept;
}

/* Events that cannot be are left out. Return: 0, or ERR when that is of no help. */
static int finish_events(struct finisher *f, struct ctf_stream_class *s)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < s->n_events; i++) {
		int r = finish_event(f, s->events[i]);

		if (!r) {
			s->events[kept++] = s->events[i];
			continue;
		}
		if (f->exhausted)
			return r;
		f->t->n_event_classes--;
		ctf_trace_type_left_out(f->t, f->err);
	}
	s->n_events = kept;
	return 0;
}

static int finish_stream(struct finisher *f, struct ctf_stream_class *s)
{
	f->stream = s;
	sort_events(f, s);
	int r = finish_root(f, CTF_PACKET_CONTEXT, s->packet_context);
	if (!r)
		r = finish_root(f, CTF_EVENT_HEADER, s->event_header);
	if (!r)
		r = finish_root(f, CTF_EVENT_COMMON_CONTEXT, s->event_common_context);
	return r ? r : finish_events(f, s);
}

static int finish_streams(struct finisher *f)
{
	struct ctf_trace_type *t = f->t;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < t->n_streams; i++) {
		int r = finish_stream(f, t->streams[i]);

		if (r && f->exhausted)
			return r;
		if (r)
			ctf_trace_type_left_out(t, f->err);
		else
			t->streams[kept++] = t->streams[i];
	}
	t->n_streams = kept;
	return 0;
}

/* Puts the slot that the others were merged into in the place of each. */
static void rename_slots(struct finisher *f, struct ctf_fc *fc)
{
	if (!fc)
		return;
	if (fc->save != CTF_NO_SLOT)
		fc->save = (int32_t)root_slot(f, (uint32_t)fc->save);
	if (fc->ref != CTF_NO_SLOT)
		fc->ref = (int32_t)root_slot(f, (uint32_t)fc->ref);
	rename_slots(f, fc->elem);
	for (uint32_t i = 0; i < fc->n_members; i++)
		rename_slots(f, fc->members[i].fc);
	for (uint32_t i = 0; i < fc->n_options; i++)
		rename_slots(f, fc->options[i].fc);
}

static void rename_stream_slots(struct finisher *f, struct ctf_stream_class *s)
{
	rename_slots(f, s->packet_context);
	rename_slots(f, s->event_header);
	rename_slots(f, s->event_common_context);
	for (uint32_t i = 0; i < s->n_events; i++) {
		rename_slots(f, s->events[i]->specific_context);
		rename_slots(f, s->events[i]->payload);
	}
}

static void rename_all_slots(struct finisher *f)
{
	rename_slots(f, f->t->packet_header);
	for (uint32_t i = 0; i < f->t->n_streams; i++)
		rename_stream_slots(f, f->t->streams[i]);
}

/*
 * What is left of damaged metadata has to be of use: else what was wrong first is the error.
 * Return: 0, or ERR with err set.
 */
static int check_rest(const struct ctf_trace_type *t, struct error *err)
{
	if (!t->damage || (t->n_streams && t->n_event_classes))
		return 0;
	return error_set(err, "%s", t->damage);
}

int ctf_trace_type_finish(struct ctf_trace_type *t, struct error *err)
{
	struct finisher f = {.t = t, .err = err};

	t->n_event_classes = 0;
	sort_streams(&f);
	int r = finish_root(&f, CTF_PACKET_HEADER, t->packet_header);
	if (!r)
		r = finish_streams(&f);
	if (!r && f.merged)
		rename_all_slots(&f);
	t->n_saves = (uint32_t)f.slots.n;
	vec_deinit(&f.slots);
	return r ? r : check_rest(t, err);
}
