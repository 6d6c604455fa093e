#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input/ftrace/format.h"
#include "input/ftrace/record.h"

enum take_kind { TAKE_INT, TAKE_TEXT, TAKE_CONST, TAKE_NO_TEXT };

enum { WORD = 8 /* bytes of a load */ };

/*
 * An integer is a load of 8 bytes, of which the bits above the field are shifted out, then those below.
 * The load ends where the field ends, so that it stays inside of the record, which begins with 8
 * bytes of common fields.
 */
struct take {
	uint8_t kind;
	uint8_t up, down;
	uint16_t out;  /* bytes into struct event */
	uint32_t at;   /* INT: bytes from the record's start */
	uint32_t need; /* INT: bytes that the record must have */
	union {
		uint64_t mask; /* INT: of the bits that are not the sign's copies */
		int64_t value; /* CONST */
		const struct ftrace_field *field; /* TEXT */
	};
	int64_t absent; /* INT: where the record is too short for it */
};

/* What is done with an event. */
struct step {
	uint32_t need;	   /* bytes that the record must have for all of its integers */
	uint32_t first, n; /* takes */
	uint16_t id;	   /* enum event_id */
	bool is_wanted, then_any;
};

struct ftrace_plan {
	const struct ftrace_formats *formats; /* borrowed */
	VEC(struct take) takes;
	struct step *steps; /* by the event's number; n_steps of them */
	uint32_t n_steps;
	struct step other; /* of events that are wanted only for their time */
	bool every;
};

/* ---- compiling -------------------------------------------------------------------------------- */

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

static struct take absent_take(const struct layout_want *want)
{
	return (struct take){.kind = want->kind == WANT_INT ? TAKE_CONST : TAKE_NO_TEXT,
			     .out = want->offset,
			     .value = want->absent};
}

static struct take plan_int_take(const struct ftrace_formats *fs, const struct ftrace_field *f,
				 const struct layout_want *want)
{
	uint32_t end = f->offset + f->size, at = end > WORD ? end - WORD : 0;
	unsigned bits = f->size * 8, lead = (f->offset - at) * 8;
	struct take t = {.kind = TAKE_INT, .out = want->offset, .at = at, .absent = want->absent};

	t.need = at + WORD;
	t.up = (uint8_t)(fs->big_endian ? lead : 64 - lead - bits);
	t.down = (uint8_t)(64 - bits);
	t.mask = f->is_signed ? UINT64_MAX : UINT64_MAX >> t.down;
	return t;
}

static bool is_readable_int(const struct ftrace_field *f)
{
	return f->place == FTRACE_FIXED && !f->is_array &&
	       (f->size == 1 || f->size == 2 || f->size == 4 || f->size == 8);
}

static struct take plan_take_of(const struct compiler *c, const struct layout_want *want)
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
		return (struct take){.kind = TAKE_TEXT, .out = want->offset, .field = f};
	return absent_take(want);
}

static void add_take(struct ftrace_plan *plan, struct step *s, struct take t)
{
	if (t.kind == TAKE_INT && t.need > s->need)
		s->need = t.need;
	*vec_push(&plan->takes) = t;
	s->n++;
}

static struct step plan_compile_event(const struct compiler *c, enum event_id id)
{
	struct layout_class cls = {.name = c->format->full_name,
				   .is_x86_64 = c->plan->formats->is_x86_64,
				   .has = plan_class_has,
				   .ctx = c};
	struct layout_want wants[LAYOUT_WANTS_MAX];
	struct step s = {.first = (uint32_t)c->plan->takes.n,
			 .id = (uint16_t)id,
			 .is_wanted = true,
			 .then_any = layout_then_any(id)};
	uint32_t n = layout_wants(id, &cls, wants);

	for (uint32_t i = 0; i < n; i++)
		add_take(c->plan, &s, plan_take_of(c, &wants[i]));
	return s;
}

static void compile_other(struct ftrace_plan *plan)
{
	const struct ftrace_field *pid = &plan->formats->common_pid;
	struct layout_want want = {.offset = offsetof(struct event, tid), .absent = NO_VALUE};

	plan->other = (struct step){
		.first = (uint32_t)plan->takes.n, .id = EV_OTHER, .is_wanted = plan->every};
	if (pid->size && is_readable_int(pid))
		add_take(plan, &plan->other, plan_int_take(plan->formats, pid, &want));
}

struct ftrace_plan *ftrace_plan_new(const struct ftrace_formats *fs, struct event_set wanted,
				    bool every)
{
	struct ftrace_plan *plan = mem_zalloc(1, sizeof(*plan));

	plan->formats = fs;
	plan->every = every;
	plan->n_steps = fs->n_by_id;
	plan->steps = mem_zalloc(plan->n_steps, sizeof(*plan->steps));
	compile_other(plan);
	for (uint32_t i = 0; i < plan->n_steps; i++)
		plan->steps[i] = plan->other;
	vec_each (f, &fs->all) {
		struct compiler c = {.plan = plan, .format = *f};
		enum event_id id = layout_event_of((*f)->full_name);

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

/* ---- executing -------------------------------------------------------------------------------- */

static inline size_t text_length(const uint8_t *at, size_t n)
{
	return n == LOAD_COMM ? load_comm_length(at) : strnlen((const char *)at, n);
}

static struct event_text take_text(const struct ftrace_plan *plan, const struct ftrace_field *f,
				   const uint8_t *record, size_t size)
{
	struct ftrace_bytes b;

	if (!ftrace_locate(plan->formats, f, record, size, &b))
		return (struct event_text){0};
	return (struct event_text){(const char *)b.at, f->is_text ? text_length(b.at, b.n) : b.n};
}

/* As the format describes it, which is the same in both byte orders once the bytes are swapped. */
static inline int64_t take_int(const struct take *t, bool big_endian, const uint8_t *record)
{
	uint64_t v = load_u64(record + t->at, big_endian);

	return (int64_t)((uint64_t)((int64_t)(v << t->up) >> t->down) & t->mask);
}

static void plan_take_fields(const struct ftrace_plan *plan, const struct step *s,
			     const uint8_t *record, size_t size, struct event *e)
{
	const struct take *t = &plan->takes.at[s->first];
	bool is_long = size >= s->need, big_endian = plan->formats->big_endian;

	for (const struct take *end = t + s->n; t < end; t++) {
		char *to = (char *)e + t->out;
		int64_t v = t->value;

		if (__builtin_expect(t->kind == TAKE_INT, 1)) {
			v = is_long || size >= t->need ? take_int(t, big_endian, record)
						       : t->absent;
		} else if (t->kind != TAKE_CONST) {
			*(struct event_text *)to = t->kind == TAKE_TEXT
							   ? take_text(plan, t->field, record, size)
							   : (struct event_text){0};
			continue;
		}
		memcpy(to, &v, sizeof(v));
	}
}

bool ftrace_plan_take(const struct ftrace_plan *plan, const uint8_t *record, size_t size,
		      int64_t pid, bool *anyp, struct event *e)
{
	uint32_t id = ftrace_id_of(plan->formats, record, size);
	const struct step *s = id < plan->n_steps ? &plan->steps[id] : &plan->other;

	if (!s->is_wanted && !*anyp)
		return false;
	e->id = s->id;
	e->tid = NO_VALUE;
	e->pid = pid;
	if (s->n)
		plan_take_fields(plan, s, record, size, e);
	*anyp = s->then_any;
	return true;
}
