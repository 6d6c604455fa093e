#include "input/ctf/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/load.h"
#include "base/mem.h"
#include "input/ctf/bits.h"

/* A run longer than this fits in no packet; sums are cut here so that they cannot wrap around. */
#define BITS_MAX (UINT64_C(1) << 60)

enum { NO_OUT = UINT16_MAX, DENSE_IDS = 1 << 16 };

enum op_code { OP_END, OP_RUN, OP_ALIGN, OP_STRING, OP_BYTES, OP_LOOP, OP_BRANCH, OP_VARINT };

struct op {
	uint8_t code;
	uint8_t code_unit; /* STRING: bytes; BYTES: cut at the first NUL of so many, 0: not cut */
	bool is_static;	   /* LOOP: `bits` is the count; else it is in `ref` */
	uint16_t out;	   /* STRING, BYTES, VARINT: where to, or NO_OUT */
	int32_t ref;	   /* BYTES, LOOP, BRANCH: save slot */
	uint32_t first;	   /* RUN: first load; BRANCH: first arm */
	uint32_t n;	   /* RUN: loads; BRANCH: arms */
	uint32_t next;	   /* LOOP, BRANCH: the op behind their bodies */
	uint64_t bits;	   /* RUN: to move on; ALIGN: to what; BYTES: per element; LOOP: count */
	uint64_t need;	   /* RUN: bits that must be there (without padding at its end) */
	const struct ctf_fc *fc; /* VARINT; BRANCH: for its sign */
};

enum load_kind {
	LOAD_U8,
	LOAD_S8,
	LOAD_U16,
	LOAD_S16,
	LOAD_U32,
	LOAD_S32,
	LOAD_64,
	LOAD_U16_SWAP,
	LOAD_S16_SWAP,
	LOAD_U32_SWAP,
	LOAD_S32_SWAP,
	LOAD_64_SWAP,
	LOAD_BITS,  /* anything else */
	LOAD_TEXT,  /* `n` bytes, as a struct event_text */
	LOAD_CONST, /* `value`: the wanted field does not exist */
	LOAD_NO_TEXT,
};

struct load {
	uint8_t kind;
	bool note;	   /* the reader itself needs the value: ctf_reader_note() */
	uint8_t code_unit; /* LOAD_TEXT: cut at the first NUL of so many bytes, 0: not cut */
	uint16_t out;	   /* or NO_OUT */
	uint64_t offset;   /* bits from the run's start */
	union {
		uint64_t value;		 /* LOAD_CONST */
		uint64_t n;		 /* LOAD_TEXT: bytes */
		const struct ctf_fc *fc; /* the others */
	};
};

struct arm {
	const struct field_range *ranges;
	uint32_t n_ranges;
	bool if_not_zero;
	uint32_t body; /* op */
};

struct ctf_event_plan {
	const struct ctf_plan *plan;
	const struct ctf_event_class *cls;
	uint32_t start; /* op */
	uint16_t tag;
	uint8_t interest; /* CTF_WANTED | CTF_THEN_ANY */
};

/*
 * What ctf_plan_run() does with an event of a short header. If it is nothing but a run, the loads
 * are put in the plainest form (struct take), all places counted from the header's start; otherwise
 * its ops are executed.
 */
struct step {
	uint64_t need; /* bits from the header's start that must be there; NO_STEP: no such event */
	uint32_t bits; /* header and run; 0: the ops say */
	uint32_t first, n; /* takes */
	uint32_t start;	   /* op */
	uint16_t tag;
	uint8_t interest;
};

#define NO_STEP UINT64_MAX

enum take_kind { TAKE_INT, TAKE_INT_SWAP, TAKE_TEXT, TAKE_CONST, TAKE_NO_TEXT };

/*
 * A load of at most 64 bits is that of 8 bytes, of which the bits above the field are shifted out,
 * then those below.
 */
struct take {
	uint8_t kind;
	uint8_t up, down;
	uint8_t code_unit; /* TEXT: as in struct load, but 0 or 1 */
	uint16_t out;
	uint32_t at; /* bytes from the header's start */
	union {
		uint64_t mask;	/* INT: of the bits that are not the sign's copies */
		uint64_t n;	/* TEXT */
		uint64_t value; /* CONST */
	};
};

/*
 * An event header whose frequent form is an id and a time in at most 64 bits, such as LTTng's
 * compact and large ones: it is read with one load. Other forms are left to the header's ops.
 */
struct short_header {
	bool exists;
	bool big_endian;
	uint8_t id_shift, time_shift; /* in the 64 bits read */
	uint8_t bits, time_size;
	int32_t save;		  /* slot of the id, or CTF_NO_SLOT */
	uint64_t align;		  /* at least 8 */
	uint64_t id_mask, lo, hi; /* ids outside of lo..hi have another form */
};

struct ctf_stream_plan {
	const struct ctf_plan *plan;
	const struct ctf_stream_class *cls;
	uint32_t header; /* op */
	struct short_header short_header;
	struct ctf_event_plan *events;	     /* as cls->events */
	const struct ctf_event_plan **by_id; /* ids below n_by_id; the others are searched */
	struct step *steps;		     /* as by_id */
	uint32_t n_by_id;
};

struct ctf_plan {
	VEC(struct op) ops;
	VEC(struct load) loads;
	VEC(struct arm) arms;
	VEC(struct take) takes;
	struct ctf_stream_plan *streams;
	uint32_t n_streams;
};

/* ---- compiling ------------------------------------------------------------------------------ */

/* What is known of the position: it is `rest` modulo `modulus`, a power of two. */
struct alignment {
	uint64_t modulus, rest;
};

struct compiler {
	struct ctf_plan *plan;
	struct alignment at;
	const struct ctf_want *wants;
	uint32_t n_wants;
	/* the run being built */
	uint64_t bits, need;
	uint32_t first_load;
};

static void compile(struct compiler *c, const struct ctf_fc *fc, const struct ctf_want *want);

static struct alignment join(struct alignment a, struct alignment b)
{
	uint64_t m = a.modulus < b.modulus ? a.modulus : b.modulus;

	while (a.rest % m != b.rest % m)
		m /= 2;
	return (struct alignment){.modulus = m, .rest = a.rest % m};
}

static uint64_t add_bits(uint64_t a, uint64_t b)
{
	return a > BITS_MAX || b > BITS_MAX || a + b > BITS_MAX ? BITS_MAX : a + b;
}

static uint64_t mul_bits(uint64_t a, uint64_t b)
{
	uint64_t r;

	return __builtin_mul_overflow(a, b, &r) || r > BITS_MAX ? BITS_MAX : r;
}

static void begin_run(struct compiler *c)
{
	c->bits = c->need = 0;
	c->first_load = (uint32_t)c->plan->loads.n;
}

static void flush_run(struct compiler *c)
{
	uint32_t n = (uint32_t)c->plan->loads.n - c->first_load;

	if (c->bits || n) {
		*vec_push(&c->plan->ops) = (struct op){.code = OP_RUN,
						       .first = c->first_load,
						       .n = n,
						       .bits = c->bits,
						       .need = c->need};
	}
	begin_run(c);
}

/* Ends the run and appends an op. Return: its index. */
static uint32_t emit(struct compiler *c, struct op op)
{
	flush_run(c);
	*vec_push(&c->plan->ops) = op;
	return (uint32_t)c->plan->ops.n - 1;
}

static void move_on(struct compiler *c, uint64_t bits)
{
	c->bits = add_bits(c->bits, bits);
	if (bits) /* padding alone may lie past the end */
		c->need = c->bits;
	c->at.rest = (c->at.rest + bits) % c->at.modulus;
}

static void compile_align(struct compiler *c, uint64_t align)
{
	if (c->at.modulus >= align) {
		uint64_t pad = -c->at.rest & (align - 1);

		c->bits = add_bits(c->bits, pad);
		c->at.rest = (c->at.rest + pad) % c->at.modulus;
	} else {
		emit(c, (struct op){.code = OP_ALIGN, .bits = align});
		c->at = (struct alignment){.modulus = align, .rest = 0};
	}
}

static enum load_kind load_kind_of(const struct compiler *c, const struct ctf_fc *fc)
{
	bool native = fc->big_endian == (BYTE_ORDER == BIG_ENDIAN);

	if (c->at.modulus < 8 || c->at.rest % 8 || fc->reversed_bits)
		return LOAD_BITS;
	switch (fc->size) {
	case 8:
		return fc->is_signed ? LOAD_S8 : LOAD_U8;
	case 16:
		return (native ? LOAD_U16 : LOAD_U16_SWAP) + fc->is_signed;
	case 32:
		return (native ? LOAD_U32 : LOAD_U32_SWAP) + fc->is_signed;
	case 64:
		return native ? LOAD_64 : LOAD_64_SWAP;
	default:
		return LOAD_BITS;
	}
}

static uint16_t out_of(const struct ctf_want *want)
{
	return want ? want->offset : NO_OUT;
}

static void compile_int(struct compiler *c, const struct ctf_fc *fc, const struct ctf_want *want)
{
	if (want || ctf_is_noted(fc)) {
		*vec_push(&c->plan->loads) = (struct load){.kind = load_kind_of(c, fc),
							   .note = ctf_is_noted(fc),
							   .out = out_of(want),
							   .offset = c->bits,
							   .fc = fc};
	}
	move_on(c, fc->size);
}

static void compile_string(struct compiler *c, const struct ctf_fc *fc, const struct ctf_want *want)
{
	emit(c, (struct op){.code = OP_STRING, .code_unit = fc->code_unit, .out = out_of(want)});
	c->at = (struct alignment){.modulus = 8, .rest = 0};
}

/*
 * Return: whether every field in fc has a fixed place and none has to be looked at; then *bitsp is
 * its size from a start aligned as fc is.
 */
static bool fixed_size(const struct ctf_fc *fc, uint64_t *bitsp)
{
	uint64_t bits = 0, inner;

	switch (fc->kind) {
	case CTF_INT:
	case CTF_FLOAT:
		*bitsp = fc->size;
		return fc->kind == CTF_FLOAT || !ctf_is_noted(fc);
	case CTF_STRUCT:
		for (uint32_t i = 0; i < fc->n_members; i++) {
			const struct ctf_fc *m = fc->members[i].fc;

			if (m->align > fc->align || !fixed_size(m, &inner))
				return false;
			bits = add_bits(bits_align(bits, m->align), inner);
		}
		*bitsp = bits;
		return true;
	case CTF_ARRAY:
		if (fc->elem->align > fc->align || !fixed_size(fc->elem, &inner))
			return false;
		bits = mul_bits(bits_align(inner, fc->elem->align),
				fc->length ? fc->length - 1 : 0);
		*bitsp = fc->length ? add_bits(bits, inner) : 0;
		return true;
	default:
		return false;
	}
}

static void compile_loop(struct compiler *c, const struct ctf_fc *fc)
{
	uint32_t loop = emit(c, (struct op){.code = OP_LOOP,
					    .is_static = fc->kind == CTF_ARRAY,
					    .bits = fc->length,
					    .ref = fc->ref});

	/* Nothing is known of where the second element begins, nor of the end. */
	c->at = (struct alignment){.modulus = 1, .rest = 0};
	compile(c, fc->elem, NULL);
	emit(c, (struct op){.code = OP_END});
	c->plan->ops.at[loop].next = (uint32_t)c->plan->ops.n;
	c->at = (struct alignment){.modulus = 1, .rest = 0};
}

static uint8_t cut_unit(const struct ctf_fc *fc)
{
	return fc->content == CTF_CONTENT_TEXT ? fc->code_unit : 0;
}

/* Wanted bytes: byte-sized elements from a byte boundary. */
static bool takes_text(const struct compiler *c, const struct ctf_fc *fc, uint64_t stride)
{
	return c->at.modulus >= 8 && c->at.rest % 8 == 0 && stride && stride % 8 == 0 &&
	       fc->elem->kind == CTF_INT;
}

static void compile_no_text(struct compiler *c, const struct ctf_want *want)
{
	if (want)
		*vec_push(&c->plan->loads) =
			(struct load){.kind = LOAD_NO_TEXT, .out = want->offset};
}

static void compile_array(struct compiler *c, const struct ctf_fc *fc, const struct ctf_want *want)
{
	uint64_t bits, stride;

	if (!fixed_size(fc, &bits)) {
		compile_no_text(c, want);
		compile_loop(c, fc);
		return;
	}
	stride = bits_align(fc->elem->size, fc->elem->align);
	if (want && takes_text(c, fc, stride)) {
		*vec_push(&c->plan->loads) = (struct load){.kind = LOAD_TEXT,
							   .code_unit = cut_unit(fc),
							   .out = want->offset,
							   .offset = c->bits,
							   .n = bits / 8};
	} else {
		compile_no_text(c, want);
	}
	move_on(c, bits);
}

static void compile_sequence(struct compiler *c, const struct ctf_fc *fc,
			     const struct ctf_want *want)
{
	uint64_t bits;

	if (!fixed_size(fc->elem, &bits) || bits % fc->elem->align) {
		compile_no_text(c, want);
		compile_loop(c, fc);
		return;
	}
	if (want && !takes_text(c, fc, bits)) {
		compile_no_text(c, want);
		want = NULL;
	}
	emit(c, (struct op){.code = OP_BYTES,
			    .code_unit = cut_unit(fc),
			    .out = out_of(want),
			    .ref = fc->ref,
			    .bits = bits});
	uint64_t step = bits & -bits;

	if (step < c->at.modulus)
		c->at = (struct alignment){.modulus = step, .rest = c->at.rest % step};
}

static void compile_body(struct compiler *c, uint32_t arm, const struct ctf_fc *fc,
			 struct alignment start, struct alignment *endp)
{
	c->at = start;
	c->plan->arms.at[arm].body = (uint32_t)c->plan->ops.n;
	if (fc)
		compile(c, fc, NULL);
	emit(c, (struct op){.code = OP_END});
	*endp = endp->modulus ? join(*endp, c->at) : c->at;
}

static void compile_variant(struct compiler *c, const struct ctf_fc *fc)
{
	uint32_t arms = (uint32_t)c->plan->arms.n;
	uint32_t branch = emit(c, (struct op){.code = OP_BRANCH,
					      .ref = fc->ref,
					      .first = arms,
					      .n = fc->n_options,
					      .fc = fc});
	struct alignment start = c->at, end = {0};

	/* All arms first: a nested variant appends its own behind them. */
	for (uint32_t i = 0; i < fc->n_options; i++) {
		*vec_push(&c->plan->arms) = (struct arm){.ranges = fc->options[i].ranges,
							 .n_ranges = fc->options[i].n_ranges};
	}
	for (uint32_t i = 0; i < fc->n_options; i++)
		compile_body(c, arms + i, fc->options[i].fc, start, &end);
	c->plan->ops.at[branch].next = (uint32_t)c->plan->ops.n;
	c->at = end.modulus ? end : start;
}

static void compile_optional(struct compiler *c, const struct ctf_fc *fc)
{
	uint32_t arms = (uint32_t)c->plan->arms.n;
	uint32_t branch = emit(
		c, (struct op){.code = OP_BRANCH, .ref = fc->ref, .first = arms, .n = 2, .fc = fc});
	struct alignment start = c->at, end = {0};

	*vec_push(&c->plan->arms) = (struct arm){
		.ranges = fc->ranges, .n_ranges = fc->n_ranges, .if_not_zero = fc->n_ranges == 0};
	*vec_push(&c->plan->arms) = (struct arm){0};
	compile_body(c, arms, fc->elem, start, &end);
	compile_body(c, arms + 1, NULL, start, &end);
	c->plan->ops.at[branch].next = (uint32_t)c->plan->ops.n;
	c->at = end;
}

static bool suits(const struct ctf_want *want, const struct ctf_fc *fc)
{
	if (want->kind == CTF_WANT_INT)
		return fc->kind == CTF_INT || fc->kind == CTF_VARINT;
	return fc->kind == CTF_STRING || fc->kind == CTF_ARRAY || fc->kind == CTF_SEQUENCE;
}

static const struct ctf_want *find_want(const struct compiler *c, enum ctf_scope scope,
					const struct ctf_member *m)
{
	for (uint32_t i = 0; i < c->n_wants; i++) {
		const struct ctf_want *w = &c->wants[i];

		if (w->scope == scope && m->name && !strcmp(w->name, m->name) && suits(w, m->fc))
			return w;
	}
	return NULL;
}

static void compile(struct compiler *c, const struct ctf_fc *fc, const struct ctf_want *want)
{
	compile_align(c, fc->align);
	switch (fc->kind) {
	case CTF_INT:
		compile_int(c, fc, want);
		break;
	case CTF_VARINT:
		emit(c, (struct op){.code = OP_VARINT, .out = out_of(want), .fc = fc});
		c->at = (struct alignment){.modulus = 8, .rest = 0};
		break;
	case CTF_FLOAT:
		move_on(c, fc->size);
		break;
	case CTF_STRING:
		compile_string(c, fc, want);
		break;
	case CTF_STRUCT:
		for (uint32_t i = 0; i < fc->n_members; i++)
			compile(c, fc->members[i].fc, NULL);
		break;
	case CTF_ARRAY:
		compile_array(c, fc, want);
		break;
	case CTF_SEQUENCE:
		compile_sequence(c, fc, want);
		break;
	case CTF_VARIANT:
		compile_variant(c, fc);
		break;
	case CTF_OPTIONAL:
		compile_optional(c, fc);
		break;
	}
}

/* A scope's root: its members are what can be wanted. */
static void compile_root(struct compiler *c, enum ctf_scope scope, const struct ctf_fc *root)
{
	if (!root)
		return;
	compile_align(c, root->align);
	for (uint32_t i = 0; i < root->n_members; i++)
		compile(c, root->members[i].fc, find_want(c, scope, &root->members[i]));
}

/* Return: whether a member of root fills this want (and not another one of the same name). */
static bool is_filled(const struct compiler *c, const struct ctf_fc *root, const struct ctf_want *w)
{
	for (uint32_t i = 0; root && i < root->n_members; i++) {
		if (find_want(c, w->scope, &root->members[i]) == w)
			return true;
	}
	return false;
}

/* What no field of the event fills. */
static void compile_defaults(struct compiler *c, const struct ctf_event_class *cls)
{
	const struct ctf_fc *root[CTF_N_SCOPES] = {
		[CTF_EVENT_COMMON_CONTEXT] = cls->stream->event_common_context,
		[CTF_EVENT_SPECIFIC_CONTEXT] = cls->specific_context,
		[CTF_EVENT_PAYLOAD] = cls->payload,
	};

	for (uint32_t i = 0; i < c->n_wants; i++) {
		const struct ctf_want *w = &c->wants[i];

		if (is_filled(c, root[w->scope], w))
			continue;
		*vec_push(&c->plan->loads) =
			w->kind == CTF_WANT_INT
				? (struct load){.kind = LOAD_CONST,
						.out = w->offset,
						.value = (uint64_t)w->absent}
				: (struct load){.kind = LOAD_NO_TEXT, .out = w->offset};
	}
}

static void compile_event(struct compiler *c, struct ctf_event_plan *e,
			  const struct ctf_event_class *cls, ctf_interest_fn fn, void *ctx)
{
	struct ctf_interest interest = {0};

	*e = (struct ctf_event_plan){.plan = c->plan, .cls = cls};
	if (fn && fn(ctx, cls, &interest)) {
		e->tag = interest.tag;
		e->interest = CTF_WANTED | (interest.then_any ? CTF_THEN_ANY : 0);
	}
	c->wants = interest.wants;
	c->n_wants = interest.n_wants;
	e->start = (uint32_t)c->plan->ops.n;
	begin_run(c);
	compile_defaults(c, cls);
	compile_root(c, CTF_EVENT_COMMON_CONTEXT, cls->stream->event_common_context);
	compile_root(c, CTF_EVENT_SPECIFIC_CONTEXT, cls->specific_context);
	compile_root(c, CTF_EVENT_PAYLOAD, cls->payload);
	emit(c, (struct op){.code = OP_END});
}

static bool is_plain_unsigned(const struct ctf_fc *fc)
{
	return fc->kind == CTF_INT && !fc->is_signed && !fc->reversed_bits;
}

/*
 * Return: the time in what follows a header's id, found *offsetp bits behind the header's start;
 * NULL where that differs from event to event, for what a variant holds can be aligned to more than
 * the header is (LTTng's on 32-bit ARM: a time aligned to 32 bits, the header to 16).
 */
static const struct ctf_fc *short_time(const struct ctf_fc *id, const struct ctf_fc *rest,
				       struct short_header *h, uint64_t *offsetp)
{
	uint64_t offset = bits_align(id->size, rest->align);

	h->hi = h->id_mask;
	if (rest->kind == CTF_VARIANT) {
		const struct ctf_option *o = rest->options;

		if (!rest->n_options || rest->ref != id->save || o->n_ranges != 1)
			return NULL;
		h->lo = o->ranges[0].lo;
		h->hi = o->ranges[0].hi;
		rest = o->fc;
		if (rest->align > h->align)
			return NULL;
		offset = bits_align(offset, rest->align);
	}
	if (rest->kind == CTF_STRUCT && rest->n_members == 1)
		rest = rest->members[0].fc;
	*offsetp = bits_align(offset, rest->align);
	return rest;
}

static uint64_t ones(unsigned n)
{
	return n >= 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;
}

static void find_short_header(struct short_header *h, const struct ctf_fc *root)
{
	uint64_t offset;

	if (!root || root->align < 8 || root->n_members != 2)
		return;
	const struct ctf_fc *id = root->members[0].fc;

	if (!is_plain_unsigned(id) || id->role != CTF_ROLE_EVENT_CLASS_ID || id->clock)
		return;
	*h = (struct short_header){.big_endian = id->big_endian,
				   .save = id->save,
				   .align = root->align,
				   .id_mask = ones(id->size)};
	const struct ctf_fc *time = short_time(id, root->members[1].fc, h, &offset);

	if (!time || !is_plain_unsigned(time) || !time->clock || time->save != CTF_NO_SLOT ||
	    time->role != CTF_ROLE_NONE || time->big_endian != id->big_endian ||
	    offset + time->size > 64 || h->lo > h->hi)
		return;
	h->bits = (uint8_t)(offset + time->size);
	h->time_size = (uint8_t)time->size;
	h->id_shift = h->big_endian ? (uint8_t)(64 - id->size) : 0;
	h->time_shift = h->big_endian ? (uint8_t)(64 - h->bits) : (uint8_t)offset;
	h->exists = true;
}

/* Return: whether the integer lies in 8 bytes and can be had by shifting. */
static bool int_take(struct take *t, const struct load *l, uint64_t bit)
{
	const struct ctf_fc *fc = l->fc;
	unsigned in_byte = bit % 8;

	if (l->note || fc->reversed_bits || in_byte + fc->size > 64)
		return false;
	t->kind = fc->big_endian == (BYTE_ORDER == BIG_ENDIAN) ? TAKE_INT : TAKE_INT_SWAP;
	t->up = (uint8_t)(fc->big_endian ? in_byte : 64 - in_byte - fc->size);
	t->down = (uint8_t)(64 - fc->size);
	t->mask = fc->is_signed ? UINT64_MAX : ones(fc->size);
	return true;
}

/* A load, `bit` bits behind the header's start. Return: whether it has the plainest form. */
static bool take_of(struct take *t, const struct load *l, uint64_t bit)
{
	*t = (struct take){.out = l->out, .at = (uint32_t)(bit / 8)};
	if (bit / 8 > UINT32_MAX / 16)
		return false;
	switch (l->kind) {
	case LOAD_TEXT:
		t->kind = TAKE_TEXT;
		t->code_unit = l->code_unit;
		t->n = l->n;
		return bit % 8 == 0 && l->code_unit <= 1;
	case LOAD_CONST:
		t->kind = TAKE_CONST;
		t->value = l->value;
		return true;
	case LOAD_NO_TEXT:
		t->kind = TAKE_NO_TEXT;
		return true;
	default:
		return int_take(t, l, bit);
	}
}

/* Makes takes of the run's loads. Return: whether all of them can be. */
static bool add_takes(struct ctf_plan *plan, const struct op *run, struct step *step,
		      uint64_t header_bits)
{
	step->first = (uint32_t)plan->takes.n;
	for (uint32_t i = 0; i < run->n; i++) {
		const struct load *l = &plan->loads.at[run->first + i];
		struct take take;

		if (!take_of(&take, l, header_bits + l->offset)) {
			plan->takes.n = step->first;
			return false;
		}
		*vec_push(&plan->takes) = take;
		if (take.kind <= TAKE_INT_SWAP && ((uint64_t)take.at + 8) * 8 > step->need)
			step->need = ((uint64_t)take.at + 8) * 8;
	}
	step->n = run->n;
	return true;
}

static struct step step_of(struct ctf_plan *plan, const struct ctf_event_plan *e,
			   const struct short_header *h)
{
	const struct op *op = &plan->ops.at[e->start];
	struct step step = {.start = e->start,
			    .tag = e->interest ? e->tag : CTF_TAG_ANY,
			    .interest = e->interest,
			    .need = h->bits};

	if (op->code == OP_END) {
		step.bits = h->bits;
	} else if (op->code == OP_RUN && op[1].code == OP_END && op->bits < UINT32_MAX / 2) {
		step.need = h->bits + op->need;
		if (add_takes(plan, op, &step, h->bits))
			step.bits = h->bits + (uint32_t)op->bits;
	}
	return step;
}

static void index_events(struct ctf_plan *plan, struct ctf_stream_plan *s)
{
	uint32_t n = s->cls->n_events;

	for (uint32_t i = 0; i < n; i++) {
		if (s->cls->events[i]->id < DENSE_IDS)
			s->n_by_id = (uint32_t)s->cls->events[i]->id + 1;
	}
	s->by_id = mem_zalloc(s->n_by_id, sizeof(*s->by_id));
	s->steps = mem_alloc(s->n_by_id * sizeof(*s->steps));
	for (uint32_t id = 0; id < s->n_by_id; id++)
		s->steps[id] = (struct step){.need = NO_STEP};
	for (uint32_t i = 0; i < n; i++) {
		uint64_t id = s->cls->events[i]->id;

		if (id >= DENSE_IDS)
			continue;
		s->by_id[id] = &s->events[i];
		s->steps[id] = step_of(plan, &s->events[i], &s->short_header);
	}
}

static void compile_stream(struct ctf_plan *plan, struct ctf_stream_plan *s,
			   const struct ctf_stream_class *cls, ctf_interest_fn fn, void *ctx)
{
	struct compiler c = {.plan = plan, .at = {.modulus = 1}};

	*s = (struct ctf_stream_plan){.plan = plan, .cls = cls};
	s->header = (uint32_t)plan->ops.n;
	find_short_header(&s->short_header, cls->event_header);
	begin_run(&c);
	if (cls->event_header)
		compile(&c, cls->event_header, NULL);
	emit(&c, (struct op){.code = OP_END});
	struct alignment after_header = c.at;

	s->events = mem_zalloc(cls->n_events, sizeof(*s->events));
	for (uint32_t i = 0; i < cls->n_events; i++) {
		c.at = after_header;
		compile_event(&c, &s->events[i], cls->events[i], fn, ctx);
	}
	index_events(plan, s);
}

struct ctf_plan *ctf_plan_new(const struct ctf_trace_type *t, ctf_interest_fn fn, void *ctx)
{
	struct ctf_plan *plan = mem_zalloc(1, sizeof(*plan));

	plan->n_streams = t->n_streams;
	plan->streams = mem_zalloc(t->n_streams, sizeof(*plan->streams));
	for (uint32_t i = 0; i < t->n_streams; i++)
		compile_stream(plan, &plan->streams[i], t->streams[i], fn, ctx);
	return plan;
}

void ctf_plan_free(struct ctf_plan *plan)
{
	if (!plan)
		return;
	for (uint32_t i = 0; i < plan->n_streams; i++) {
		free(plan->streams[i].events);
		free(plan->streams[i].by_id);
		free(plan->streams[i].steps);
	}
	free(plan->streams);
	vec_deinit(&plan->ops);
	vec_deinit(&plan->loads);
	vec_deinit(&plan->arms);
	vec_deinit(&plan->takes);
	free(plan);
}

const struct ctf_stream_plan *ctf_plan_borrow_stream(const struct ctf_plan *plan,
						     const struct ctf_stream_class *stream)
{
	for (uint32_t i = 0; i < plan->n_streams; i++) {
		if (plan->streams[i].cls == stream)
			return &plan->streams[i];
	}
	return NULL;
}

const struct ctf_event_class *ctf_event_plan_class(const struct ctf_event_plan *event)
{
	return event->cls;
}

int ctf_event_plan_interest(const struct ctf_event_plan *event, uint16_t *tagp)
{
	*tagp = event->tag;
	return event->interest;
}

/* ---- executing ------------------------------------------------------------------------------ */

#define LOAD_AS(type, p)                      \
	({                                    \
		type v_;                      \
		memcpy(&v_, (p), sizeof(v_)); \
		v_;                           \
	})

static uint64_t load_int(const struct load *l, const uint8_t *data, uint64_t pos)
{
	const uint8_t *p = data + (pos >> 3);

	switch (l->kind) {
	case LOAD_U8:
		return *p;
	case LOAD_S8:
		return (uint64_t)(int64_t)(int8_t)*p;
	case LOAD_U16:
		return LOAD_AS(uint16_t, p);
	case LOAD_S16:
		return (uint64_t)(int64_t)LOAD_AS(int16_t, p);
	case LOAD_U32:
		return LOAD_AS(uint32_t, p);
	case LOAD_S32:
		return (uint64_t)(int64_t)LOAD_AS(int32_t, p);
	case LOAD_64:
		return LOAD_AS(uint64_t, p);
	case LOAD_U16_SWAP:
		return __builtin_bswap16(LOAD_AS(uint16_t, p));
	case LOAD_S16_SWAP:
		return (uint64_t)(int64_t)(int16_t)__builtin_bswap16(LOAD_AS(uint16_t, p));
	case LOAD_U32_SWAP:
		return __builtin_bswap32(LOAD_AS(uint32_t, p));
	case LOAD_S32_SWAP:
		return (uint64_t)(int64_t)(int32_t)__builtin_bswap32(LOAD_AS(uint32_t, p));
	case LOAD_64_SWAP:
		return __builtin_bswap64(LOAD_AS(uint64_t, p));
	default:
		return ctf_read_int(data, pos, l->fc);
	}
}

static void store_text(void *out, uint16_t offset, const uint8_t *at, uint64_t n, unsigned unit)
{
	struct event_text *text = (struct event_text *)((char *)out + offset);

	text->at = (const char *)at;
	text->n = unit ? ctf_text_length(at, n, unit) : n;
}

static void store_int(void *out, uint16_t offset, uint64_t value)
{
	memcpy((char *)out + offset, &value, sizeof(value));
}

static void do_load(const struct load *l, struct ctf_reader *r, void *out)
{
	if (l->kind <= LOAD_BITS) {
		uint64_t value = load_int(l, r->data, r->pos + l->offset);

		if (l->note)
			ctf_reader_note(r, l->fc, value, l->fc->size);
		if (l->out != NO_OUT)
			store_int(out, l->out, value);
	} else if (l->kind == LOAD_TEXT) {
		store_text(out, l->out, r->data + ((r->pos + l->offset) >> 3), l->n, l->code_unit);
	} else if (l->kind == LOAD_CONST) {
		store_int(out, l->out, l->value);
	} else {
		*(struct event_text *)((char *)out + l->out) = (struct event_text){0};
	}
}

static int do_string(const struct op *op, struct ctf_reader *r, void *out)
{
	uint64_t start = r->pos;
	struct ctf_fc fc = {.kind = CTF_STRING, .align = 8, .code_unit = op->code_unit};
	int read = CTF_READ_OK;

	if (op->code_unit == 1) {
		size_t left = r->pos <= r->end ? (r->end - r->pos) >> 3 : 0;
		const uint8_t *at = r->data + (r->pos >> 3);
		const uint8_t *nul = left ? memchr(at, 0, left) : NULL;

		if (!nul)
			return CTF_READ_END;
		r->pos += (uint64_t)(nul - at + 1) * 8;
	} else {
		read = ctf_visit(r, &fc, NULL, &ctf_visit_nothing, NULL);
	}
	if (!read && op->out != NO_OUT)
		store_text(out, op->out, r->data + (start >> 3),
			   ((r->pos - start) >> 3) - op->code_unit, 0);
	return read;
}

static int do_bytes(const struct op *op, struct ctf_reader *r, void *out)
{
	uint64_t bits = mul_bits(r->saved[op->ref], op->bits);

	if (!ctf_fits(r, bits))
		return CTF_READ_END;
	if (op->out != NO_OUT)
		store_text(out, op->out, r->data + (r->pos >> 3), bits >> 3, op->code_unit);
	r->pos += bits;
	return CTF_READ_OK;
}

static int do_varint(const struct op *op, struct ctf_reader *r, void *out)
{
	uint64_t value;
	int read = ctf_read_varint(r, op->fc, &value);

	if (read)
		return read;
	if (op->out != NO_OUT)
		store_int(out, op->out, value);
	return CTF_READ_OK;
}

static const struct arm *find_arm(const struct ctf_plan *plan, const struct op *op,
				  uint64_t selector)
{
	for (uint32_t i = 0; i < op->n; i++) {
		const struct arm *a = &plan->arms.at[op->first + i];

		if (a->if_not_zero
			    ? selector != 0
			    : ctf_in_ranges(a->ranges, a->n_ranges, selector, op->fc->ref_signed))
			return a;
	}
	/* The last arm of an optional is its absence. */
	return op->fc->kind == CTF_OPTIONAL ? &plan->arms.at[op->first + 1] : NULL;
}

static int execute(const struct ctf_plan *plan, uint32_t start, struct ctf_reader *r, void *out);

static int do_loop(const struct ctf_plan *plan, const struct op *op, struct ctf_reader *r)
{
	uint64_t n = op->is_static ? op->bits : r->saved[op->ref];
	uint32_t body = (uint32_t)(op - plan->ops.at) + 1;

	for (uint64_t i = 0; i < n; i++) {
		uint64_t before = r->pos;
		int read = execute(plan, body, r, NULL);

		if (read)
			return read;
		if (r->pos == before) /* as in ctf_visit() */
			break;
	}
	return CTF_READ_OK;
}

static int do_branch(const struct ctf_plan *plan, const struct op *op, struct ctf_reader *r)
{
	const struct arm *a = find_arm(plan, op, r->saved[op->ref]);

	return a ? execute(plan, a->body, r, NULL) : CTF_READ_SELECTOR;
}

static int do_run(const struct ctf_plan *plan, const struct op *op, struct ctf_reader *r, void *out)
{
	if (!ctf_fits(r, op->need))
		return CTF_READ_END;
	for (uint32_t i = 0; i < op->n; i++)
		do_load(&plan->loads.at[op->first + i], r, out);
	r->pos += op->bits;
	return CTF_READ_OK;
}

static int execute(const struct ctf_plan *plan, uint32_t start, struct ctf_reader *r, void *out)
{
	const struct op *op = &plan->ops.at[start];
	int read = CTF_READ_OK;

	while (op->code != OP_END && read == CTF_READ_OK) {
		const struct op *next = op + 1;

		switch (op->code) {
		case OP_RUN:
			read = do_run(plan, op, r, out);
			break;
		case OP_ALIGN:
			r->pos = bits_align(r->pos, op->bits);
			break;
		case OP_STRING:
			read = do_string(op, r, out);
			break;
		case OP_BYTES:
			read = do_bytes(op, r, out);
			break;
		case OP_LOOP:
			read = do_loop(plan, op, r);
			next = &plan->ops.at[op->next];
			break;
		case OP_BRANCH:
			read = do_branch(plan, op, r);
			next = &plan->ops.at[op->next];
			break;
		case OP_VARINT:
			read = do_varint(op, r, out);
			break;
		}
		op = next;
	}
	return read;
}

static const struct ctf_event_plan *find_event(const struct ctf_stream_plan *s, uint64_t id)
{
	if (id < s->n_by_id)
		return s->by_id[id];
	for (uint32_t lo = 0, hi = s->cls->n_events; lo < hi;) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (s->cls->events[mid]->id == id)
			return &s->events[mid];
		if (s->cls->events[mid]->id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* The eight bytes of a short header at bit pos, which is that of a whole byte. */
static inline uint64_t load_short(const struct short_header *h, const uint8_t *data, uint64_t pos)
{
	return load_u64(data + (pos >> 3), h->big_endian);
}

static inline uint64_t short_id(const struct short_header *h, uint64_t v)
{
	return v >> h->id_shift & h->id_mask;
}

static inline bool is_short(const struct short_header *h, uint64_t id)
{
	return id - h->lo <= h->hi - h->lo;
}

static inline uint64_t short_clock(const struct short_header *h, uint64_t clock, uint64_t v)
{
	return ctf_clock_extend(clock, v >> h->time_shift, h->time_size);
}

/* Return: whether the header was a short one and has been read. */
static bool read_short_header(const struct ctf_stream_plan *s, struct ctf_reader *r)
{
	const struct short_header *h = &s->short_header;
	uint64_t pos = bits_align(r->pos, h->align);

	if (pos > r->end || r->end - pos < 64)
		return false;
	uint64_t v = load_short(h, r->data, pos), id = short_id(h, v);

	if (!is_short(h, id))
		return false;
	if (h->save != CTF_NO_SLOT)
		r->saved[h->save] = id;
	r->role[CTF_ROLE_EVENT_CLASS_ID] = id;
	r->roles_seen |= 1u << CTF_ROLE_EVENT_CLASS_ID;
	r->clock_before = r->clock;
	r->clock_size = h->time_size;
	r->clock = short_clock(h, r->clock, v);
	r->pos = pos + h->bits;
	return true;
}

int ctf_plan_header(const struct ctf_stream_plan *s, struct ctf_reader *r,
		    const struct ctf_event_plan **eventp)
{
	if (!s->short_header.exists || !read_short_header(s, r)) {
		r->roles_seen &= ~(1u << CTF_ROLE_EVENT_CLASS_ID);
		int read = execute(s->plan, s->header, r, NULL);

		if (read)
			return read;
	}
	if (!(r->roles_seen & 1u << CTF_ROLE_EVENT_CLASS_ID)) {
		/* Without an id there is only one class, or it is class 0. */
		*eventp = s->cls->n_events == 1 ? &s->events[0] : find_event(s, 0);
		return CTF_READ_OK;
	}
	*eventp = find_event(s, r->role[CTF_ROLE_EVENT_CLASS_ID]);
	return CTF_READ_OK;
}

int ctf_plan_event(const struct ctf_event_plan *event, struct ctf_reader *r, void *out)
{
	return execute(event->plan, event->start, r, out);
}

static inline uint64_t take_length(const struct take *t, const uint8_t *at)
{
	if (!t->code_unit)
		return t->n;
	if (t->n != LOAD_COMM)
		return ctf_text_length(at, t->n, 1);
	return load_comm_length(at);
}

static inline void take_fields(const struct take *t, uint32_t n, const uint8_t *header, void *out)
{
	for (const struct take *end = t + n; t < end; t++) {
		char *to = (char *)out + t->out;
		uint64_t v = t->value;

		if (t->kind <= TAKE_INT_SWAP) {
			v = LOAD_AS(uint64_t, header + t->at);
			v = t->kind == TAKE_INT ? v : __builtin_bswap64(v);
			v = (uint64_t)((int64_t)(v << t->up) >> t->down) & t->mask;
		} else if (t->kind != TAKE_CONST) {
			const uint8_t *at = header + t->at;

			*(struct event_text *)to =
				t->kind == TAKE_NO_TEXT
					? (struct event_text){0}
					: (struct event_text){(const char *)at, take_length(t, at)};
			continue;
		}
		memcpy(to, &v, sizeof(v));
	}
}

/*
 * Executes the ops of the event whose short header lies at `at`. Return: whether they went well and
 * left the clock alone; then the reader is behind the event.
 */
static bool run_ops(const struct ctf_stream_plan *s, struct ctf_reader *r, const struct step *step,
		    uint64_t at, uint64_t id, void *out)
{
	uint64_t clock = r->clock;

	r->pos = at + s->short_header.bits;
	if (s->short_header.save != CTF_NO_SLOT)
		r->saved[s->short_header.save] = id;
	return execute(s->plan, step->start, r, out) == CTF_READ_OK && r->clock == clock;
}

/* The head's padding is the caller's. */
static inline void put_head(void *out, int64_t ns, uint16_t tag)
{
	struct ctf_head *head = out;

	head->ns = ns;
	head->tag = tag;
}

void ctf_plan_run(const struct ctf_stream_plan *s, struct ctf_reader *r, struct ctf_run *run)
{
	const struct short_header *h = &s->short_header;
	uint64_t pos = r->pos, end = r->end, clock = r->clock;
	char *slot = (char *)run->out;
	bool any = run->any;

	run->n = run->passed = 0;
	while (h->exists) {
		uint64_t at = bits_align(pos, h->align);

		if (at > end || end - at < 64)
			break;
		uint64_t v = load_short(h, r->data, at), id = short_id(h, v);

		if (!is_short(h, id) || id >= s->n_by_id)
			break;
		const struct step *step = &s->steps[id];
		uint64_t now = short_clock(h, clock, v);
		bool taken = step->interest | any;

		if (end - at < step->need || now < clock || now > run->clock_limit ||
		    (taken && run->n == run->max))
			break;
		if (step->bits) {
			if (step->n)
				take_fields(&s->plan->takes.at[step->first], step->n,
					    r->data + at / 8, slot);
			pos = at + step->bits;
		} else {
			r->clock = now;
			if (!run_ops(s, r, step, at, id, taken ? slot : NULL))
				break;
			pos = r->pos;
		}
		clock = now;
		run->passed++;
		if (taken) {
			put_head(slot, run->ns_offset + (int64_t)now, step->tag);
			any = step->interest & CTF_THEN_ANY;
			slot += run->stride;
			run->n++;
		}
	}
	r->pos = pos;
	r->clock = clock;
	run->any = any;
}
