/*
 * The compiled plans against the plain decoder, on random types and random bytes: the same values,
 * the same end, the same answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "input/ctf/bits.h"
#include "input/ctf/plan.h"
#include "input/ctf/visit.h"
#include "random_type.h"

enum { ROUNDS = 24000, EVENTS = 24, DATA_MAX = 512, WANTS_MAX = 40, ABSENT = -77 };

enum { NOTHING, ALL, MORE }; /* tags: what was wanted */

union slot {
	int64_t integer;
	struct event_text text;
};

/* Everything of an event class is wanted, as far as it can be. */
struct bindings {
	uint64_t *rng;
	struct ctf_want wants[WANTS_MAX];
	uint32_t n;
};

/* What the plain decoder shows of one top-level field. */
struct shown {
	unsigned depth;
	bool has_integer, has_bytes;
	uint64_t integer;
	const uint8_t *at;
	size_t n;
};

static void show_open(void *ctx, const struct ctf_fc *fc, const char *name, uint64_t n)
{
	(void)fc;
	(void)name;
	(void)n;
	((struct shown *)ctx)->depth++;
}

static void show_close(void *ctx, const struct ctf_fc *fc)
{
	(void)fc;
	((struct shown *)ctx)->depth--;
}

static void show_integer(void *ctx, const struct ctf_fc *fc, const char *name, uint64_t value)
{
	struct shown *s = ctx;

	(void)fc;
	(void)name;
	if (!s->depth) {
		s->has_integer = true;
		s->integer = value;
	}
}

static void show_bytes(void *ctx, const struct ctf_fc *fc, const char *name, const uint8_t *at,
		       size_t n)
{
	struct shown *s = ctx;

	(void)fc;
	(void)name;
	if (!s->depth) {
		s->has_bytes = true;
		s->at = at;
		s->n = n;
	}
}

static const struct ctf_visitor show = {
	.open = show_open, .close = show_close, .integer = show_integer, .bytes = show_bytes};

static bool can_want(const struct ctf_fc *fc, enum ctf_want_kind *kindp)
{
	*kindp = fc->kind == CTF_INT || fc->kind == CTF_VARINT ? CTF_WANT_INT : CTF_WANT_TEXT;
	return *kindp == CTF_WANT_INT || fc->kind == CTF_STRING || fc->kind == CTF_ARRAY ||
	       fc->kind == CTF_SEQUENCE;
}

static void bind_scope(struct bindings *b, enum ctf_scope scope, const struct ctf_fc *root)
{
	for (uint32_t i = 0; root && i < root->n_members && b->n < WANTS_MAX; i++) {
		enum ctf_want_kind kind;

		if (can_want(root->members[i].fc, &kind)) {
			b->wants[b->n] =
				(struct ctf_want){.name = root->members[i].name,
						  .scope = scope,
						  .kind = kind,
						  .offset = (uint16_t)(b->n * sizeof(union slot)),
						  .absent = ABSENT};
			b->n++;
		}
	}
}

static void bind_class(struct bindings *b, const struct ctf_event_class *cls)
{
	b->n = 0;
	bind_scope(b, CTF_EVENT_COMMON_CONTEXT, cls->stream->event_common_context);
	bind_scope(b, CTF_EVENT_SPECIFIC_CONTEXT, cls->specific_context);
	bind_scope(b, CTF_EVENT_PAYLOAD, cls->payload);
}

static bool want_all(void *ctx, const struct ctf_event_class *cls, struct ctf_interest *interestp)
{
	struct bindings *b = ctx;

	bind_class(b, cls);
	*interestp = (struct ctf_interest){.tag = ALL, .wants = b->wants, .n_wants = b->n};
	return true;
}

/* As above, and one field that is not there, so that defaults are set first. */
static bool want_more(void *ctx, const struct ctf_event_class *cls, struct ctf_interest *interestp)
{
	struct bindings *b = ctx;

	want_all(ctx, cls, interestp);
	if (b->n < WANTS_MAX)
		b->wants[b->n++] = (struct ctf_want){.name = "absent",
						     .scope = CTF_EVENT_PAYLOAD,
						     .kind = CTF_WANT_INT,
						     .offset = WANTS_MAX * sizeof(union slot),
						     .absent = ABSENT};
	interestp->n_wants = b->n;
	interestp->tag = MORE;
	return true;
}

static const struct ctf_want *find_want(const struct bindings *b, const char *name)
{
	for (uint32_t i = 0; i < b->n; i++) {
		if (!strcmp(b->wants[i].name, name))
			return &b->wants[i];
	}
	return NULL;
}

static void check_text(const struct ctf_fc *fc, const struct shown *s,
		       const struct event_text *text)
{
	if (s->has_bytes && fc->align >= 8)
		assert_non_null(text->at);
	if (!text->at || !s->has_bytes)
		return;
	assert_ptr_equal(text->at, s->at);
	assert_int_equal(text->n, s->n);
}

static void check_field(const struct bindings *b, const struct ctf_member *m, const struct shown *s,
			const union slot *out)
{
	const struct ctf_want *w = find_want(b, m->name);

	if (!w)
		return;
	const union slot *slot = &out[w->offset / sizeof(*out)];

	if (w->kind == CTF_WANT_INT) {
		assert_true(s->has_integer);
		assert_int_equal(slot->integer, (int64_t)s->integer);
	} else {
		check_text(m->fc, s, &slot->text);
	}
}

/* The plain decoder, member by member; its results are kept for the comparison that follows. */
static int visit_root(struct ctf_reader *r, const struct ctf_fc *root, struct shown *results)
{
	r->pos = root ? bits_align(r->pos, root->align) : r->pos;
	for (uint32_t i = 0; root && i < root->n_members; i++) {
		results[i] = (struct shown){0};
		int read = ctf_visit(r, root->members[i].fc, NULL, &show, &results[i]);

		if (read)
			return read;
	}
	return CTF_READ_OK;
}

static void compare_readers(const struct ctf_trace_type *t, const struct ctf_reader *a,
			    const struct ctf_reader *b)
{
	assert_int_equal(a->pos, b->pos);
	assert_int_equal(a->clock, b->clock);
	assert_memory_equal(a->saved, b->saved, sizeof(*a->saved) * t->n_saves);
}

/* Return: whether reading can go on behind the event. */
static bool compare_event(const struct ctf_trace_type *t, const struct ctf_event_plan *event,
			  struct ctf_reader *plain, struct ctf_reader *planned)
{
	const struct ctf_event_class *cls = ctf_event_plan_class(event);
	const struct ctf_fc *roots[] = {cls->stream->event_common_context, cls->specific_context,
					cls->payload};
	struct bindings b = {0};
	struct shown results[3][8];
	union slot *out = mem_zalloc(WANTS_MAX + 1, sizeof(*out));
	int expected = CTF_READ_OK;
	uint16_t tag = NOTHING;

	ctf_event_plan_interest(event, &tag);
	for (int i = 0; i < 3 && !expected; i++)
		expected = visit_root(plain, roots[i], results[i]);
	assert_int_equal(ctf_plan_event(event, planned, out), expected);
	if (!expected) {
		compare_readers(t, plain, planned);
		bind_class(&b, cls);
		if (tag == MORE && b.n < WANTS_MAX)
			assert_int_equal(out[WANTS_MAX].integer, ABSENT);
		for (int i = 0; tag != NOTHING && i < 3; i++) {
			for (uint32_t j = 0; roots[i] && j < roots[i]->n_members; j++)
				check_field(&b, &roots[i]->members[j], &results[i][j], out);
		}
	}
	free(out);
	return !expected;
}

static bool compare_header(const struct ctf_trace_type *t, const struct ctf_stream_plan *plan,
			   struct ctf_reader *plain, struct ctf_reader *planned,
			   const struct ctf_event_plan **eventp)
{
	const struct ctf_stream_class *s = t->streams[0];
	int expected = CTF_READ_OK;

	plain->roles_seen = 0;
	if (s->event_header)
		expected = ctf_visit(plain, s->event_header, NULL, &ctf_visit_nothing, NULL);
	assert_int_equal(ctf_plan_header(plan, planned, eventp), expected);
	if (expected)
		return false;
	compare_readers(t, plain, planned);
	if (s->event_header) {
		assert_int_equal(plain->role[CTF_ROLE_EVENT_CLASS_ID],
				 planned->role[CTF_ROLE_EVENT_CLASS_ID]);
		assert_true((*eventp != NULL) ==
			    (plain->role[CTF_ROLE_EVENT_CLASS_ID] < s->n_events));
	}
	return *eventp != NULL;
}

/* Random, with enough zeros and small numbers that lengths fit and strings end. */
static uint8_t *random_data(uint64_t *rng, size_t n)
{
	uint8_t *data = mem_alloc(n + !n);
	uint64_t style = random_below(rng, 3);

	for (size_t i = 0; i < n; i++) {
		uint64_t v = random_next(rng);

		data[i] = style == 0   ? (uint8_t)v
			  : v >> 8 & 1 ? 0
			  : style == 1 ? (uint8_t)(v & 3)
			  : v >> 9 & 1 ? (uint8_t)(v & 0x7f)
				       : (uint8_t)v;
	}
	return data;
}

static struct ctf_reader start_reader(const uint8_t *data, uint64_t begin, uint64_t end,
				      uint64_t *saved, uint64_t clock)
{
	return (struct ctf_reader){
		.data = data, .pos = begin, .end = end, .saved = saved, .clock = clock};
}

/* Return: the number of events that agreed. */
static unsigned compare_data(const struct ctf_trace_type *t, const struct ctf_plan *plan,
			     uint64_t *rng)
{
	const struct ctf_stream_plan *s = ctf_plan_borrow_stream(plan, t->streams[0]);
	size_t n = random_below(rng, DATA_MAX);
	uint8_t *data = random_data(rng, n);
	uint64_t *saved[2] = {mem_zalloc(t->n_saves + 1, 8), mem_zalloc(t->n_saves + 1, 8)};
	/* Not always a whole number of bytes, but all of the last one can be touched. */
	uint64_t end = n ? n * 8 - random_below(rng, 8) : 0;
	uint64_t begin = end ? random_below(rng, end < 64 ? end : 64) : 0;
	struct ctf_reader plain = start_reader(data, begin, end, saved[0], 12345);
	struct ctf_reader planned = start_reader(data, begin, end, saved[1], 12345);
	const struct ctf_event_plan *event;
	unsigned agreed = 0;

	while (agreed < EVENTS && compare_header(t, s, &plain, &planned, &event) &&
	       compare_event(t, event, &plain, &planned))
		agreed++;
	free(data);
	free(saved[0]);
	free(saved[1]);
	return agreed;
}

static void test_plan_reads_as_visit(void **state)
{
	static const ctf_interest_fn interests[] = {NULL, want_all, want_more};
	uint64_t rng = 1, agreed = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct ctf_trace_type t;
		struct bindings b = {0};

		random_type(&t, &rng);
		struct ctf_plan *plan = ctf_plan_new(&t, interests[round % 3], &b);

		for (int i = 0; i < 4; i++)
			agreed += compare_data(&t, plan, &rng);
		ctf_plan_free(plan);
		ctf_trace_type_deinit(&t);
	}
	/* The comparison is worth little if most data end at once. */
	assert_true(agreed > 4 * ROUNDS);
}

/* ---- runs ----------------------------------------------------------------------------------- */

enum { RUN_MAX = 5 };

/* What a run writes to. */
struct found {
	struct ctf_head head;
	union slot out[WANTS_MAX + 1];
};

/* Of three classes one is not wanted, and one makes the next event wanted. */
static bool want_some(void *ctx, const struct ctf_event_class *cls, struct ctf_interest *interestp)
{
	struct bindings *b = ctx;

	if (cls->id % 3 == 0)
		return false;
	want_more(ctx, cls, interestp);
	for (uint32_t i = 0; i < b->n; i++)
		b->wants[i].offset += offsetof(struct found, out);
	interestp->tag = (uint16_t)cls->id;
	interestp->then_any = cls->id % 3 == 2;
	return true;
}

/* One reader that runs and one that reads events one by one. */
struct race {
	const struct ctf_stream_plan *plan;
	struct ctf_reader fast, slow;
	uint64_t limit;
	bool any; /* the next event is wanted */
	uint64_t passed, taken;
};

/* Return: whether the next event is a good one, of which *foundp is then what is known if it is
 * wanted. */
static bool read_slowly(struct race *r, struct found *foundp, bool *wantedp)
{
	const struct ctf_event_plan *event;
	uint64_t before = r->slow.clock, start = r->slow.pos;
	uint16_t tag;

	*foundp = (struct found){0};
	if (ctf_plan_header(r->plan, &r->slow, &event) || !event)
		return false;
	foundp->head.ns = (int64_t)r->slow.clock + 1000;
	if (r->slow.clock < before || r->slow.clock > r->limit)
		return false;
	int interest = ctf_event_plan_interest(event, &tag);

	*wantedp = interest || r->any;
	foundp->head.tag = interest ? tag : CTF_TAG_ANY;
	r->any = interest & CTF_THEN_ANY;
	return ctf_plan_event(event, &r->slow, foundp) == CTF_READ_OK && r->slow.pos > start;
}

/* What a run passed, one by one. */
static void follow_run(struct race *r, const struct ctf_run *run, const struct found *found)
{
	size_t n = 0;

	for (uint64_t i = 0; i < run->passed; i++) {
		struct found expected;
		bool wanted = false;

		assert_true(read_slowly(r, &expected, &wanted));
		if (!wanted)
			continue;
		assert_true(n < run->n);
		assert_int_equal(found[n].head.ns, expected.head.ns);
		assert_int_equal(found[n].head.tag, expected.head.tag);
		assert_memory_equal(found[n].out, expected.out, sizeof(expected.out));
		n++;
	}
	assert_int_equal(n, run->n);
	assert_int_equal(r->any, run->any);
	assert_int_equal(r->fast.pos, r->slow.pos);
	assert_int_equal(r->fast.clock, r->slow.clock);
	r->passed += run->passed;
	r->taken += run->n;
}

/* Runs until there is no more, with the events that stop it read one by one. */
static void compare_runs(struct race *r, uint64_t *rng)
{
	for (;;) {
		struct found found[RUN_MAX] = {0}, other;
		struct ctf_run run = {.out = found,
				      .stride = sizeof(*found),
				      .max = random_below(rng, RUN_MAX + 1),
				      .clock_limit = r->limit,
				      .ns_offset = 1000,
				      .any = r->any};
		bool wanted;

		ctf_plan_run(r->plan, &r->fast, &run);
		follow_run(r, &run, found);
		if (!read_slowly(r, &other, &wanted))
			return;
		uint64_t *saved = r->fast.saved;

		r->fast = r->slow;
		r->fast.saved = saved;
	}
}

static void race(const struct ctf_trace_type *t, const struct ctf_plan *plan, uint64_t *rng,
		 uint64_t *passed, uint64_t *taken)
{
	size_t n = random_below(rng, DATA_MAX);
	uint8_t *data = random_data(rng, n);
	uint64_t *saved[2] = {mem_zalloc(t->n_saves + 1, 8), mem_zalloc(t->n_saves + 1, 8)};
	struct race r = {.plan = ctf_plan_borrow_stream(plan, t->streams[0]),
			 .fast = start_reader(data, 0, n * 8, saved[0], 0),
			 .slow = start_reader(data, 0, n * 8, saved[1], 0),
			 .limit = random_below(rng, 2) ? UINT64_MAX : random_next(rng) >> 24};

	compare_runs(&r, rng);
	*passed += r.passed;
	*taken += r.taken;
	free(data);
	free(saved[0]);
	free(saved[1]);
}

/* A run finds the same as reading one by one. */
static void test_run_reads_as_one_by_one(void **state)
{
	uint64_t rng = 2, passed = 0, taken = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct ctf_trace_type t;
		struct bindings b = {0};

		random_type(&t, &rng);
		struct ctf_plan *plan = ctf_plan_new(&t, want_some, &b);

		for (int i = 0; i < 4; i++)
			race(&t, plan, &rng, &passed, &taken);
		ctf_plan_free(plan);
		ctf_trace_type_deinit(&t);
	}
	assert_true(taken > ROUNDS / 3 && passed > 4 * ROUNDS);
}

/* A length of 2^40 over elements that take no space must not be counted through. */
static void test_elements_without_size(void **state)
{
	struct ctf_trace_type t = {.major = 2};
	struct ctf_fc *root = ctf_fc_new(&t.arena, CTF_STRUCT);
	struct ctf_fc *n = ctf_fc_new(&t.arena, CTF_INT);
	struct ctf_fc *seq = ctf_fc_new(&t.arena, CTF_SEQUENCE);
	struct ctf_fc *opt = ctf_fc_new(&t.arena, CTF_OPTIONAL);
	struct ctf_fc *byte = ctf_fc_new(&t.arena, CTF_INT);
	struct field_range never = {1, 1};
	const char *name = "n";
	struct ctf_member members[] = {{"n", n}, {"seq", seq}};
	struct ctf_event_class e = {.name = "e", .payload = root};
	struct ctf_event_class *events = &e;
	struct ctf_stream_class s = {.events = &events, .n_events = 1};
	struct ctf_stream_class *streams = &s;
	uint8_t data[8] = {0, 0, 0, 0, 0, 1, 0, 0};
	uint64_t saved[2];
	struct error err = {0};
	const struct ctf_event_plan *event;

	(void)state;
	n->size = 64;
	byte->size = 8;
	seq->path = opt->path = (struct ctf_ref){.relative = true, .names = &name, .n_names = 1};
	seq->elem = opt;
	opt->elem = byte;
	opt->ranges = &never;
	opt->n_ranges = 1;
	root->members = members;
	root->n_members = 2;
	e.stream = &s;
	t.streams = &streams;
	t.n_streams = 1;
	assert_int_equal(ctf_trace_type_finish(&t, &err), 0);
	struct ctf_plan *plan = ctf_plan_new(&t, NULL, NULL);
	struct ctf_reader r = start_reader(data, 0, 64, saved, 0);

	assert_int_equal(ctf_plan_header(ctf_plan_borrow_stream(plan, &s), &r, &event), 0);
	assert_int_equal(ctf_plan_event(event, &r, NULL), CTF_READ_OK);
	assert_int_equal(r.pos, 64);
	r.pos = 0;
	assert_int_equal(ctf_visit(&r, root, NULL, &ctf_visit_nothing, NULL), CTF_READ_OK);
	assert_int_equal(r.pos, 64);
	ctf_plan_free(plan);
	ctf_trace_type_deinit(&t);
}

static void test_clock_extension(void **state)
{
	(void)state;
	assert_int_equal(ctf_clock_extend(0x7fffffe, 0x7ffffff, 27), 0x7ffffff);
	assert_int_equal(ctf_clock_extend(0x7ffffff, 0, 27), 0x8000000);
	assert_int_equal(ctf_clock_extend(0x1ffffffffull, 5, 32), 0x200000005ull);
	assert_int_equal(ctf_clock_extend(0x200000005ull, 5, 32), 0x200000005ull);
	assert_int_equal(ctf_clock_extend(100, 7, 64), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan_reads_as_visit),
		cmocka_unit_test(test_run_reads_as_one_by_one),
		cmocka_unit_test(test_elements_without_size),
		cmocka_unit_test(test_clock_extension),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
