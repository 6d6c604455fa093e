#include "input/ftrace/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input/ftrace/record.h"

enum { WORD = 8 /* bytes of a load */ };

/* ---- compiling ------------------------------------------------------------------------------- */

struct compiler {
	struct ftrace_plan *plan;
	const struct ftrace_format *format;
};

static const struct ftrace_field *find_context(const struct compiler *c, const char *name)
{
	const struct ftrace_field *pid = &c->plan->formats->common_pid;

	return !strcmp(name, "tid") && pid->size ? pid : NULL;
}

/* "args[1]". Return: false if there is no such array, or it has no such element. */
static bool find_element(const struct compiler *c, const char *name, struct ftrace_field *elementp)
{
	char array[32];
	unsigned i;
	int end = 0;

	if (sscanf(name, "%31[^[][%u]%n", array, &i, &end) != 2 || !end)
		return false;
	const struct ftrace_field *f = ftrace_find_field(c->format, array);

	if (!f || !f->is_array || f->place != FTRACE_FIXED || !f->elem_size ||
	    i >= f->size / f->elem_size)
		return false;
	*elementp = *f;
	elementp->is_array = false;
	elementp->offset += i * f->elem_size;
	elementp->size = f->elem_size;
	return true;
}

static bool plan_class_has(const void *ctx, const char *name, bool is_context)
{
	const struct compiler *c = ctx;
	struct ftrace_field element;

	return is_context ? find_context(c, name) != NULL
			  : ftrace_find_field(c->format, name) || find_element(c, name, &element);
}

/*
 * An integer that is the same in each record, or no text. The record's first bytes are loaded for
 * it all the same.
 */
static struct ftrace_take absent_take(const struct layout_want *want)
{
	bool is_int = want->kind == WANT_INT;

	return (struct ftrace_take){.out = want->offset,
				    .need = is_int ? WORD : 0,
				    .is_plain = true,
				    .value = want->absent,
				    .absent = want->absent};
}

static struct ftrace_take plan_int_take(const struct ftrace_formats *fs,
					const struct ftrace_field *f,
					const struct layout_want *want)
{
	uint32_t end = f->offset + f->size, at = end > WORD ? end - WORD : 0;
	unsigned bits = f->size * 8, lead = (f->offset - at) * 8;
	struct ftrace_take t = {.out = want->offset, .at = at, .absent = want->absent};

	t.need = at + WORD;
	t.lead = (uint8_t)lead;
	t.up = (uint8_t)(fs->big_endian ? lead : 64 - lead - bits);
	t.down = (uint8_t)(64 - bits);
	t.mask = f->is_signed ? UINT64_MAX : UINT64_MAX >> t.down;
	t.is_plain = !f->is_signed || end >= WORD;
	return t;
}

static struct ftrace_take plan_text_take(const struct ftrace_field *f,
					 const struct layout_want *want)
{
	struct ftrace_take t = {.out = want->offset, .field = f, .is_plain = true};

	t.is_name = f->place == FTRACE_FIXED && f->is_text && f->size == LOAD_COMM;
	if (t.is_name) {
		t.at = f->offset;
		t.need = f->offset + LOAD_COMM;
	}
	return t;
}

static bool is_readable_int(const struct ftrace_field *f)
{
	return f->place == FTRACE_FIXED && !f->is_array &&
	       (f->size == 1 || f->size == 2 || f->size == 4 || f->size == 8);
}

static struct ftrace_take plan_take_of(const struct compiler *c, const struct layout_want *want)
{
	const struct ftrace_field *f = NULL;
	struct ftrace_field element;

	if (want->is_context)
		f = find_context(c, want->name);
	else if (*want->name)
		f = ftrace_find_field(c->format, want->name);
	if (!f && want->kind == WANT_INT && find_element(c, want->name, &element))
		f = &element;
	if (f && want->kind == WANT_INT && is_readable_int(f))
		return plan_int_take(c->plan->formats, f, want);
	if (f && want->kind == WANT_TEXT && (f->is_array || f->place != FTRACE_FIXED))
		return plan_text_take(f, want);
	return absent_take(want);
}

static void add_take(struct ftrace_plan *plan, struct ftrace_step *s, enum want_kind kind,
		     struct ftrace_take t)
{
	bool is_plain = plan->is_plain && t.is_plain;

	if (t.need > s->plain_need || !is_plain)
		s->plain_need = is_plain ? t.need : UINT32_MAX;
	*vec_push(&plan->takes) = t;
	s->n_ints += kind == WANT_INT;
	s->n_texts += kind == WANT_TEXT;
}

static struct ftrace_step plan_compile_event(const struct compiler *c, enum event_id id)
{
	struct layout_class cls = {.name = c->format->full_name,
				   .is_x86_64 = c->plan->formats->is_x86_64,
				   .has = plan_class_has,
				   .ctx = c};
	struct layout_want wants[LAYOUT_WANTS_MAX];
	struct ftrace_step s = {.first = (uint32_t)c->plan->takes.n,
				.id = (uint16_t)id,
				.is_wanted = true,
				.then_any = layout_then_any(id)};
	uint32_t n = layout_wants(id, &cls, wants);

	for (enum want_kind kind = WANT_INT; kind <= WANT_TEXT; kind++) {
		for (uint32_t i = 0; i < n; i++) {
			if (wants[i].kind == kind)
				add_take(c->plan, &s, kind, plan_take_of(c, &wants[i]));
		}
	}
	return s;
}

static void compile_other(struct ftrace_plan *plan)
{
	const struct ftrace_field *pid = &plan->formats->common_pid;
	struct layout_want want = {.offset = offsetof(struct event, tid), .absent = NO_VALUE};

	plan->other = (struct ftrace_step){
		.first = (uint32_t)plan->takes.n, .id = EV_OTHER, .is_wanted = plan->every};
	if (pid->size && is_readable_int(pid))
		add_take(plan, &plan->other, WANT_INT, plan_int_take(plan->formats, pid, &want));
}

struct ftrace_plan *ftrace_plan_new(const struct ftrace_formats *fs, struct event_set wanted,
				    bool every)
{
	struct ftrace_plan *plan = mem_zalloc(1, sizeof(*plan));

	plan->formats = fs;
	plan->every = every;
	plan->is_plain = !fs->big_endian && !fs->common_type.offset &&
			 fs->common_type.size == sizeof(uint16_t);
	plan->n_steps = fs->n_by_id;
	plan->steps = mem_zalloc(plan->n_steps, sizeof(*plan->steps));
	/* There is always a place to point at, also when nothing is taken. */
	vec_push(&plan->takes);
	plan->takes.n = 0;
	compile_other(plan);
	plan->other.is_unknown = true;
	for (uint32_t i = 0; i < plan->n_steps; i++)
		plan->steps[i] = plan->other;
	vec_each (f, &fs->all) {
		struct compiler c = {.plan = plan, .format = *f};
		enum event_id id = layout_event_of((*f)->full_name);

		plan->steps[(*f)->id].is_unknown = false;
		if (id < EV_N && event_set_has(wanted, id))
			plan->steps[(*f)->id] = plan_compile_event(&c, id);
	}
	return plan;
}

void ftrace_plan_free(struct ftrace_plan *plan)
{
	if (!plan)
		return;
	vec_deinit(&plan->takes);
	free(plan->steps);
	free(plan);
}

/* ---- executing ------------------------------------------------------------------------------- */

static inline size_t text_length(const uint8_t *at, size_t n)
{
	return n == LOAD_COMM ? load_comm_length(at) : strnlen((const char *)at, n);
}

struct event_text ftrace_plan_take_text(const struct ftrace_plan *plan, const struct ftrace_take *t,
					const uint8_t *record, size_t size)
{
	const struct ftrace_field *f = t->field;
	struct ftrace_bytes b;

	if (!f || !ftrace_locate(plan->formats, f, record, size, &b))
		return (struct event_text){0};
	return (struct event_text){(const char *)b.at, f->is_text ? text_length(b.at, b.n) : b.n};
}

/* As the format describes it, which is the same in both byte orders once the bytes are swapped. */
static int64_t plan_take_int(const struct ftrace_take *t, bool big_endian, const uint8_t *record)
{
	uint64_t v = load_u64(record + t->at, big_endian);

	return (int64_t)((uint64_t)((int64_t)(v << t->up) >> t->down) & t->mask) ^ t->value;
}

void ftrace_plan_take_fields(const struct ftrace_plan *plan, const struct ftrace_step *s,
			     const uint8_t *record, size_t size, struct event *e)
{
	const struct ftrace_take *t = &plan->takes.at[s->first], *end = t + s->n_ints;
	bool big_endian = plan->formats->big_endian;

	e->id = s->id;
	e->tid = NO_VALUE;
	for (; t < end; t++) {
		int64_t v = size >= t->need ? plan_take_int(t, big_endian, record) : t->absent;

		memcpy((char *)e + t->out, &v, sizeof(v));
	}
	for (end = t + s->n_texts; t < end; t++) {
		struct event_text text = ftrace_plan_take_text(plan, t, record, size);

		memcpy((char *)e + t->out, &text, sizeof(text));
	}
}
