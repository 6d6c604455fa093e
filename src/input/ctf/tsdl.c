#include "input/ctf/tsdl.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "input/ctf/tsdl_parser.h"

enum { MAX_CLOCKS = 256 };

/* ---- what the parts of the reader share ---- */

int tsdl_fail_at(struct tsdl_parser *p, uint32_t line, const char *fmt, ...)
{
	va_list ap;

	if (p->err->text)
		return ERR;
	va_start(ap, fmt);
	char *what = mem_vprintf(fmt, ap);
	va_end(ap);
	error_set(p->err, "line %" PRIu32 ": %s", line, what);
	free(what);
	return ERR;
}

int tsdl_expected(struct tsdl_parser *p, const char *what)
{
	int shown = p->lx.len < 40 ? (int)p->lx.len : 40;

	if (p->lx.kind == TSDL_END)
		return tsdl_fail_at(p, p->lx.line, "expected %s, but the metadata ends", what);
	if (p->lx.kind == TSDL_NUMBER)
		return tsdl_fail_at(p, p->lx.line, "expected %s, not %" PRIu64, what, p->lx.number);
	return tsdl_fail_at(p, p->lx.line, "expected %s, not '%.*s'", what, shown, p->lx.text);
}

int tsdl_spend(struct tsdl_parser *p, uint64_t n)
{
	p->n_nodes += n;
	if (p->n_nodes > CTF_MAX_NODES)
		return tsdl_fail_at(p, p->lx.line, "more than %d fields in all", CTF_MAX_NODES);
	return 0;
}

bool tsdl_accept(struct tsdl_parser *p, int kind)
{
	if (p->lx.kind != kind)
		return false;
	tsdl_next(&p->lx);
	return true;
}

bool tsdl_accept_word(struct tsdl_parser *p, const char *word)
{
	if (!tsdl_is_word(&p->lx, word))
		return false;
	tsdl_next(&p->lx);
	return true;
}

int tsdl_expect(struct tsdl_parser *p, int kind, const char *what)
{
	return tsdl_accept(p, kind) ? 0 : tsdl_expected(p, what);
}

int tsdl_parse_dotted(struct tsdl_parser *p, char name[TSDL_NAME_SIZE])
{
	size_t n = 0;

	for (;;) {
		if (p->lx.kind != TSDL_WORD)
			return tsdl_expected(p, "a name");
		if (n + p->lx.len + 2 > TSDL_NAME_SIZE)
			return tsdl_fail_at(p, p->lx.line, "a name that is too long");
		memcpy(name + n, p->lx.text, p->lx.len);
		n += p->lx.len;
		name[n] = '\0';
		tsdl_next(&p->lx);
		if (!tsdl_accept(p, '.'))
			return 0;
		name[n++] = '.';
	}
}

static int parse_number(struct tsdl_parser *p, struct tsdl_value *v)
{
	v->kind = TSDL_NUMBER;
	v->negative = tsdl_accept(p, '-');
	if (!v->negative)
		tsdl_accept(p, '+');
	v->number = v->negative ? -p->lx.number : p->lx.number;
	if (p->lx.kind == TSDL_NUMBER && v->negative && p->lx.number > (uint64_t)1 << 63)
		return tsdl_fail_at(p, v->line, "a number of more than 64 bits");
	return tsdl_expect(p, TSDL_NUMBER, "a number");
}

int tsdl_parse_value(struct tsdl_parser *p, struct tsdl_value *v)
{
	v->line = p->lx.line;
	v->negative = false;
	v->kind = p->lx.kind;
	if (p->lx.kind == TSDL_WORD)
		return tsdl_parse_dotted(p, v->word);
	if (p->lx.kind == TSDL_NUMBER || p->lx.kind == '-' || p->lx.kind == '+')
		return parse_number(p, v);
	if (p->lx.kind != TSDL_STRING)
		return tsdl_expected(p, "a value");
	v->string = arena_strndup(&p->t->arena, p->lx.text, p->lx.len);
	tsdl_next(&p->lx);
	return 0;
}

int tsdl_byte_order(struct tsdl_parser *p, const struct tsdl_value *v, bool *big_endianp)
{
	const char *order = v->kind == TSDL_WORD ? v->word : "";

	if (!strcmp(order, "native"))
		*big_endianp = p->t->big_endian;
	else if (!strcmp(order, "be") || !strcmp(order, "network"))
		*big_endianp = true;
	else if (!strcmp(order, "le"))
		*big_endianp = false;
	else
		return tsdl_fail_at(p, v->line, "'byte_order' is not le, be, network or native");
	return 0;
}

static struct ctf_clock *add_clock(struct tsdl_parser *p, const char *name)
{
	if (p->result.clocks.n >= MAX_CLOCKS) {
		tsdl_fail_at(p, p->lx.line, "more than %d clocks", MAX_CLOCKS);
		return NULL;
	}
	struct ctf_clock *clock = arena_new(&p->t->arena, struct ctf_clock);
	clock->name = arena_strdup(&p->t->arena, name);
	clock->description = "";
	clock->frequency = 1000000000;
	*vec_push(&p->result.clocks) = clock;
	vec_push(&p->clock_defined);
	return clock;
}

/* Return: the clock that is meant if a byte of either name is damaged, or NULL. */
static struct ctf_clock *similar_clock(struct tsdl_parser *p, const char *name)
{
	struct error err = {0};

	for (size_t i = 0; i < p->result.clocks.n; i++) {
		struct ctf_clock *clock = p->result.clocks.at[i];

		if (!p->clock_defined.at[i] || !tsdl_is_similar(clock->name, name))
			continue;
		error_set(&err, "line %" PRIu32 ": the clock '%s' is mapped as '%s'", p->lx.line,
			  clock->name, name);
		ctf_trace_type_mended(p->t, &err);
		return clock;
	}
	return NULL;
}

struct ctf_clock *tsdl_clock(struct tsdl_parser *p, const char *name, bool define)
{
	struct ctf_clock *clock = ctf_builder_find_clock(&p->result, name);

	if (!clock && !define)
		clock = similar_clock(p, name);
	if (!clock)
		clock = add_clock(p, name);
	for (size_t i = 0; i < p->result.clocks.n && define; i++) {
		if (p->result.clocks.at[i] == clock)
			p->clock_defined.at[i] = true;
	}
	return clock;
}

/* ---- values of attributes ---- */

static int get_unsigned(struct tsdl_parser *p, const char *name, const struct tsdl_value *v,
			uint64_t *np)
{
	if (v->kind != TSDL_NUMBER || v->negative)
		return tsdl_fail_at(p, v->line, "'%s' is not a number", name);
	*np = v->number;
	return 0;
}

static int get_signed(struct tsdl_parser *p, const char *name, const struct tsdl_value *v,
		      int64_t *np)
{
	if (v->kind != TSDL_NUMBER || (!v->negative && v->number > INT64_MAX))
		return tsdl_fail_at(p, v->line, "'%s' is not a number of 64 bits", name);
	*np = (int64_t)v->number;
	return 0;
}

static int get_string(struct tsdl_parser *p, const char *name, const struct tsdl_value *v,
		      const char **sp)
{
	if (v->kind != TSDL_STRING)
		return tsdl_fail_at(p, v->line, "'%s' is not a string", name);
	*sp = v->string;
	return 0;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *d = c ? strchr(digits, c | 0x20) : NULL;

	return d ? (int)(d - digits) : -1;
}

/*
 * The usual form of a UUID; a character that has no place in it counts as a 0.
 * Return: how many of these there are, -1 if the text is too short or too long.
 */
static int parse_uuid(const char *s, uint8_t uuid[16])
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	int wrong = 0, n = 0;

	if (strlen(s) != sizeof(form) - 1)
		return -1;
	memset(uuid, 0, 16);
	for (size_t i = 0; form[i]; i++) {
		int digit = hex_digit(s[i]);

		if (form[i] == '-') {
			wrong += s[i] != '-';
			continue;
		}
		wrong += digit < 0;
		uuid[n / 2] |= (uint8_t)((digit < 0 ? 0 : digit) << (n % 2 ? 0 : 4));
		n++;
	}
	return wrong;
}

/* A UUID with one wrong character is of use: it is compared with some tolerance. */
static int get_uuid(struct tsdl_parser *p, const struct tsdl_value *v, uint8_t uuid[16])
{
	int wrong = v->kind == TSDL_STRING ? parse_uuid(v->string, uuid) : -1;

	if (wrong == 0)
		return 0;
	tsdl_fail_at(p, v->line, "'uuid' is not a UUID");
	if (wrong != 1)
		return ERR;
	ctf_trace_type_mended(p->t, p->err);
	return 0;
}

/* ---- blocks: name { name = value; name := type; ... } ---- */

struct block {
	int (*set)(struct tsdl_parser *p, const char *name, const struct tsdl_value *v, void *data);
	/* Where a root of this name goes. NULL, or *rootp NULL: it is of no interest. */
	struct ctf_fc **(*root)(const char *name, void *data);
	void *data;
	const char *const *known; /* names of attributes and roots, up to a NULL; or NULL: any */
};

static int parse_root(struct tsdl_parser *p, const struct block *b, const char *name)
{
	struct ctf_fc *fc;
	uint32_t line = p->lx.line;
	int r = tsdl_parse_type(p, &fc);

	if (r)
		return r;
	struct ctf_fc **root = b->root ? b->root(name, b->data) : NULL;
	if (!root && p->is_strict)
		return tsdl_fail_at(p, line, "'%s' is not known", name);
	if (!root)
		return 0;
	if (fc->kind != CTF_STRUCT)
		return tsdl_fail_at(p, line, "'%s' is not a struct", name);
	*root = fc;
	return 0;
}

static int parse_statement(struct tsdl_parser *p, const struct block *b)
{
	char name[TSDL_NAME_SIZE];
	struct tsdl_value v;
	uint32_t line = p->lx.line;
	int r = tsdl_parse_dotted(p, name);

	if (!r && b->known)
		r = tsdl_check_name(p, line, name, b->known);
	if (r)
		return r;
	if (tsdl_accept(p, TSDL_TYPE_ASSIGN)) {
		r = parse_root(p, b, name);
	} else {
		r = tsdl_expect(p, '=', "'=' or ':='");
		if (!r)
			r = tsdl_parse_value(p, &v);
		if (!r)
			r = b->set(p, name, &v, b->data);
	}
	return r ? r : tsdl_expect(p, ';', "';'");
}

/* The next statement of a block. Return: 0, or ERR with the error set. */
static int parse_next(struct tsdl_parser *p, const struct block *b)
{
	const char *begin = p->lx.at;
	uint32_t line = p->lx.line;

	if (tsdl_accept(p, ';'))
		return 0;
	int r = tsdl_parse_naming(p);
	if (r == 1)
		r = parse_statement(p, b);
	if (!r || !p->lenient)
		return r;
	tsdl_recover_statement(p, begin, line);
	return 0;
}

static bool at_block_end(struct tsdl_parser *p)
{
	return tsdl_accept(p, '}') || (p->lenient && p->lx.kind == TSDL_END);
}

static int parse_block(struct tsdl_parser *p, const struct block *b)
{
	uint32_t outer = tsdl_scope_enter(p);
	int r = tsdl_expect(p, '{', "'{'");

	while (!r && !at_block_end(p))
		r = parse_next(p, b);
	tsdl_scope_leave(p, outer);
	return r;
}

/* trace */

/* The first line of a CTF 1.8 metadata says so once more. */
static bool says_version(const struct tsdl_parser *p)
{
	static const char signature[] = "/* CTF 1.8 */";
	size_t n = sizeof(signature) - 1;

	return p->size > n && !memcmp(p->text, signature, n);
}

static int set_version(struct tsdl_parser *p, const char *name, const struct tsdl_value *v,
		       uint64_t wanted, int *np)
{
	uint64_t n = 0;
	int r = get_unsigned(p, name, v, &n);

	if (r)
		return r;
	p->is_other_version = n != wanted && !says_version(p);
	if (n != wanted)
		return tsdl_fail_at(p, v->line, "this is not CTF 1.8: '%s' is %" PRIu64, name, n);
	*np = (int)n;
	return 0;
}

static int set_trace(struct tsdl_parser *p, const char *name, const struct tsdl_value *v,
		     void *data)
{
	struct ctf_trace_type *t = data;
	bool again;

	if (!strcmp(name, "major"))
		return set_version(p, name, v, 1, &t->major);
	if (!strcmp(name, "minor"))
		return set_version(p, name, v, 8, &t->minor);
	if (!strcmp(name, "byte_order"))
		return tsdl_byte_order(p, v, &again);
	if (!strcmp(name, "uuid")) {
		t->has_uuid = true;
		return get_uuid(p, v, t->uuid);
	}
	return 0;
}

static struct ctf_fc **trace_root(const char *name, void *data)
{
	struct ctf_trace_type *t = data;

	return !strcmp(name, "packet.header") ? &t->packet_header : NULL;
}

static int parse_trace(struct tsdl_parser *p)
{
	static const char *const trace_names[] = {"major", "minor",	    "byte_order",
						  "uuid",  "packet.header", NULL};
	struct block b = {set_trace, trace_root, p->t, trace_names};

	if (p->has_trace)
		return tsdl_fail_at(p, p->lx.line, "a second trace block");
	p->has_trace = true;
	return parse_block(p, &b);
}

/* env */

static int set_env(struct tsdl_parser *p, const char *name, const struct tsdl_value *v, void *data)
{
	struct ctf_env *e;
	int r = tsdl_spend(p, 1);

	(void)data;
	if (r)
		return r;
	e = vec_push(&p->result.env);
	e->name = arena_strdup(&p->t->arena, name);
	if (v->kind == TSDL_STRING)
		e->string = v->string;
	else if (v->kind == TSDL_WORD)
		e->string = arena_strdup(&p->t->arena, v->word);
	else
		e->integer = (int64_t)v->number;
	return 0;
}

static int parse_env(struct tsdl_parser *p)
{
	struct block b = {set_env, NULL, NULL, NULL};

	return parse_block(p, &b);
}

/* clock */

struct clock_attributes {
	struct ctf_clock clock;
	bool negative_offset; /* offset_cycles is two's complement */
};

static int set_clock_offset(struct tsdl_parser *p, const struct tsdl_value *v,
			    struct clock_attributes *a)
{
	if (v->kind != TSDL_NUMBER)
		return tsdl_fail_at(p, v->line, "'offset' is not a number");
	a->clock.offset_cycles = v->number;
	a->negative_offset = v->negative;
	return 0;
}

static int set_clock_frequency(struct tsdl_parser *p, const struct tsdl_value *v,
			       struct ctf_clock *clock)
{
	uint64_t frequency = 0;

	if (get_unsigned(p, "freq", v, &frequency))
		return ERR;
	if (!frequency)
		return tsdl_fail_at(p, v->line, "a clock's frequency is 0");
	clock->frequency = frequency;
	return 0;
}

static int set_clock_absolute(struct tsdl_parser *p, const struct tsdl_value *v,
			      struct ctf_clock *clock)
{
	const char *word = v->kind == TSDL_WORD ? v->word : "";

	clock->unix_epoch = (v->kind == TSDL_NUMBER && v->number) || !strcmp(word, "true") ||
			    !strcmp(word, "TRUE");
	if (v->kind != TSDL_NUMBER && v->kind != TSDL_WORD)
		return tsdl_fail_at(p, v->line, "'absolute' is neither true nor false");
	return 0;
}

static int set_clock_uuid(struct tsdl_parser *p, const struct tsdl_value *v,
			  struct ctf_clock *clock)
{
	uint8_t uuid[16];
	int r = get_uuid(p, v, uuid);

	if (r)
		return r;
	char *text = arena_strdup(&p->t->arena, v->string);
	for (char *c = text; *c; c++)
		*c = *c >= 'A' && *c <= 'F' ? *c | 0x20 : *c;
	clock->uuid = text;
	return 0;
}

static int set_clock(struct tsdl_parser *p, const char *name, const struct tsdl_value *v,
		     void *data)
{
	struct clock_attributes *a = data;
	struct ctf_clock *clock = &a->clock;

	if (!strcmp(name, "name")) {
		/* LTTng quotes it, the specification's grammar does not. */
		clock->name = arena_strdup(&p->t->arena, v->kind == TSDL_STRING ? v->string
							 : v->kind == TSDL_WORD ? v->word
										: "");
		return 0;
	}
	if (!strcmp(name, "description"))
		return get_string(p, name, v, &clock->description);
	if (!strcmp(name, "uuid"))
		return set_clock_uuid(p, v, clock);
	if (!strcmp(name, "freq"))
		return set_clock_frequency(p, v, clock);
	if (!strcmp(name, "precision"))
		return get_unsigned(p, name, v, &clock->precision);
	if (!strcmp(name, "offset_s"))
		return get_signed(p, name, v, &clock->offset_s);
	if (!strcmp(name, "offset"))
		return set_clock_offset(p, v, a);
	if (!strcmp(name, "absolute"))
		return set_clock_absolute(p, v, clock);
	return 0;
}

/* Makes cycles count upwards from a whole second before. */
static void normalize_offset(struct clock_attributes *a)
{
	struct ctf_clock *clock = &a->clock;

	if (!a->negative_offset || !clock->offset_cycles)
		return;
	uint64_t before = -clock->offset_cycles;
	uint64_t seconds = (before - 1) / clock->frequency + 1;
	clock->offset_s -= (int64_t)seconds;
	clock->offset_cycles =
		(before % clock->frequency) ? clock->frequency - before % clock->frequency : 0;
}

static int parse_clock(struct tsdl_parser *p)
{
	static const char *const clock_names[] = {"name",   "description", "uuid",
						  "freq",   "precision",   "offset_s",
						  "offset", "absolute",	   NULL};
	struct clock_attributes a = {.clock = {.description = "", .frequency = 1000000000}};
	struct block b = {set_clock, NULL, &a, clock_names};
	uint32_t line = p->lx.line;
	int r = parse_block(p, &b);

	if (r)
		return r;
	if (!a.clock.name || !a.clock.name[0])
		return tsdl_fail_at(p, line, "a clock without a name");
	if (a.clock.offset_s < -(INT64_MAX / 2))
		return tsdl_fail_at(p, line, "a clock's offset is too large");
	normalize_offset(&a);
	struct ctf_clock *clock = tsdl_clock(p, a.clock.name, true);
	if (!clock)
		return ERR;
	*clock = a.clock;
	return 0;
}

/* stream */

static int set_stream(struct tsdl_parser *p, const char *name, const struct tsdl_value *v,
		      void *data)
{
	struct ctf_stream_class *s = data;

	return strcmp(name, "id") ? 0 : get_unsigned(p, name, v, &s->id);
}

static struct ctf_fc **stream_root(const char *name, void *data)
{
	struct ctf_stream_class *s = data;

	if (!strcmp(name, "packet.context"))
		return &s->packet_context;
	if (!strcmp(name, "event.header"))
		return &s->event_header;
	if (!strcmp(name, "event.context"))
		return &s->event_common_context;
	return NULL;
}

static struct ctf_stream_class *add_stream(struct tsdl_parser *p)
{
	struct ctf_stream_class *s = arena_new(&p->t->arena, struct ctf_stream_class);

	s->where = p->lx.line;
	*vec_push(&p->result.streams) = s;
	return s;
}

static int parse_stream(struct tsdl_parser *p)
{
	static const char *const stream_names[] = {"id", "packet.context", "event.header",
						   "event.context", NULL};
	if (p->result.streams.n >= CTF_MAX_STREAM_CLASSES)
		return tsdl_fail_at(p, p->lx.line, "more than %d stream classes",
				    CTF_MAX_STREAM_CLASSES);
	struct block b = {set_stream, stream_root, add_stream(p), stream_names};
	return parse_block(p, &b);
}

/* event */

static int set_event_name(struct tsdl_parser *p, const struct tsdl_value *v,
			  struct ctf_event_class *e)
{
	if (v->kind == TSDL_WORD) {
		e->name = arena_strdup(&p->t->arena, v->word);
		return 0;
	}
	return get_string(p, "name", v, &e->name);
}

static int set_event(struct tsdl_parser *p, const char *name, const struct tsdl_value *v,
		     void *data)
{
	struct ctf_event_class *e = data;

	if (!strcmp(name, "name"))
		return set_event_name(p, v, e);
	if (!strcmp(name, "id"))
		return get_unsigned(p, name, v, &e->id);
	if (!strcmp(name, "stream_id")) {
		p->event_has_stream.at[p->event_has_stream.n - 1] = true;
		return get_unsigned(p, name, v, &p->event_streams.at[p->event_streams.n - 1]);
	}
	if (!strcmp(name, "loglevel") && v->kind == TSDL_NUMBER)
		e->log_level = (int64_t)v->number;
	return 0;
}

static struct ctf_fc **event_root(const char *name, void *data)
{
	struct ctf_event_class *e = data;

	if (!strcmp(name, "context"))
		return &e->specific_context;
	if (!strcmp(name, "fields"))
		return &e->payload;
	return NULL;
}

static int parse_event(struct tsdl_parser *p)
{
	static const char *const event_names[] = {"name",    "id",     "stream_id", "loglevel",
						  "context", "fields", NULL};
	int r = tsdl_spend(p, 1);

	if (r)
		return r;
	struct ctf_event_class *e = arena_new(&p->t->arena, struct ctf_event_class);
	e->name = "";
	e->log_level = -1;
	e->where = p->lx.line;
	*vec_push(&p->result.events) = e;
	vec_push(&p->event_streams);
	vec_push(&p->event_has_stream);
	struct block b = {set_event, event_root, e, event_names};
	return parse_block(p, &b);
}

/* callsite: where an event is in the source; nothing here needs it */

static int set_nothing(struct tsdl_parser *p, const char *name, const struct tsdl_value *v,
		       void *data)
{
	(void)p;
	(void)name;
	(void)v;
	(void)data;
	return 0;
}

static int parse_callsite(struct tsdl_parser *p)
{
	struct block b = {set_nothing, NULL, NULL, NULL};

	return parse_block(p, &b);
}

int tsdl_parse_top(struct tsdl_parser *p)
{
	static const struct {
		const char *word;
		int (*parse)(struct tsdl_parser *p);
	} blocks[] = {
		{"event", parse_event}, {"trace", parse_trace},	  {"env", parse_env},
		{"clock", parse_clock}, {"stream", parse_stream}, {"callsite", parse_callsite},
	};

	for (size_t i = 0; i < sizeof(blocks) / sizeof(*blocks); i++) {
		if (!tsdl_accept_word(p, blocks[i].word))
			continue;
		int r = blocks[i].parse(p);
		if (r || (p->lenient && p->lx.kind == TSDL_END))
			return r;
		return tsdl_expect(p, ';', "';'");
	}
	int r = tsdl_parse_naming(p);
	return r == 1 ? tsdl_expected(p, "a block or a type") : r;
}

/* ---- putting the trace type together ---- */

/* Return: whether the token is the first of its line. */
static bool begins_line(const struct tsdl_lexer *lx, const char *text)
{
	return lx->at == text || lx->at[-1] == '\n';
}

/*
 * The trace's byte order is what integers without one have, and the trace block may stand after
 * them: so it is looked up first. Errors are left to be found again.
 */
static void scan_byte_order(struct ctf_trace_type *t, const char *text, size_t size)
{
	struct error ignored = {0};
	struct tsdl_lexer lx;
	bool in_trace = false;
	uint32_t depth = 0;

	tsdl_lexer_init(&lx, text, size, &t->arena, &ignored);
	for (; lx.kind != TSDL_END; tsdl_next(&lx)) {
		if (lx.kind == TSDL_ERROR)
			tsdl_lexer_go(&lx, lx.at + 1, text + size, 1);
		depth += lx.kind == '{';
		depth -= lx.kind == '}' && depth;
		if (tsdl_is_word(&lx, "trace") && begins_line(&lx, text))
			depth = 0;
		if (!depth)
			in_trace = tsdl_is_word(&lx, "trace");
		if (!in_trace || depth != 1 || !tsdl_is_word(&lx, "byte_order"))
			continue;
		tsdl_next(&lx);
		if (lx.kind == '=')
			tsdl_next(&lx);
		t->big_endian = tsdl_is_word(&lx, "be") || tsdl_is_word(&lx, "network");
		break;
	}
	error_deinit(&ignored);
}

/* Return: the stream class of event number i, or NULL with the error set. */
static struct ctf_stream_class *stream_of(struct tsdl_parser *p, size_t i)
{
	const struct ctf_event_class *e = p->result.events.at[i];
	uint64_t id = p->event_streams.at[i];

	if (!p->result.streams.n && !p->lost_other)
		add_stream(p)->id = id;
	if (!p->event_has_stream.at[i] && p->result.streams.n == 1)
		return p->result.streams.at[0];
	struct ctf_stream_class *s = ctf_builder_find_stream(&p->result, id);
	if (!s)
		tsdl_fail_at(p, e->where,
			     "event '%s' is of stream %" PRIu64 ", which is not defined", e->name,
			     id);
	return s;
}

/* Events of streams that are not defined are left out, as are those that could not be read. */
static void bind_events(struct tsdl_parser *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->result.events.n; i++) {
		struct ctf_event_class *e = p->result.events.at[i];

		if (!e)
			continue;
		e->stream = stream_of(p, i);
		if (e->stream)
			p->result.events.at[kept++] = e;
		else
			ctf_trace_type_left_out(p->t, p->err);
	}
	p->result.events.n = kept;
}

/* A clock whose block was left out is as one that says nothing. */
static int check_clocks(struct tsdl_parser *p)
{
	for (size_t i = 0; i < p->result.clocks.n; i++) {
		if (p->clock_defined.at[i] || p->lost_other)
			continue;
		return tsdl_fail_at(p, p->lx.line, "the clock '%s' is mapped but not defined",
				    p->result.clocks.at[i]->name);
	}
	return 0;
}

struct role_name {
	const char *name;
	enum ctf_kind kind;
	enum ctf_role role;
};

static const struct role_name header_roles[] = {
	{"magic", CTF_INT, CTF_ROLE_MAGIC},
	{"uuid", CTF_ARRAY, CTF_ROLE_UUID},
	{"stream_id", CTF_INT, CTF_ROLE_STREAM_CLASS_ID},
	{"stream_instance_id", CTF_INT, CTF_ROLE_STREAM_ID},
	{NULL, 0, 0},
};

static const struct role_name context_roles[] = {
	{"packet_size", CTF_INT, CTF_ROLE_PACKET_SIZE},
	{"content_size", CTF_INT, CTF_ROLE_CONTENT_SIZE},
	{"timestamp_begin", CTF_INT, CTF_ROLE_BEGIN_TIME},
	{"timestamp_end", CTF_INT, CTF_ROLE_END_TIME},
	{"events_discarded", CTF_INT, CTF_ROLE_DISCARDED},
	{"packet_seq_num", CTF_INT, CTF_ROLE_SEQ_NUM},
	{"cpu_id", CTF_INT, CTF_ROLE_CPU_ID},
	{NULL, 0, 0},
};

static bool has_role(const struct ctf_fc *root, enum ctf_role role)
{
	for (uint32_t i = 0; i < root->n_members; i++) {
		if (root->members[i].fc->role == role)
			return true;
	}
	return false;
}

/* A field that no other is, and whose name is one byte off. */
static void assign_damaged(struct tsdl_parser *p, struct ctf_fc *root, const struct role_name *r)
{
	struct error err = {0};

	for (uint32_t i = 0; i < root->n_members; i++) {
		const struct ctf_member *m = &root->members[i];

		if (m->fc->kind != r->kind || m->fc->role || !tsdl_is_similar(m->name, r->name))
			continue;
		error_set(&err, "line %" PRIu32 ": '%s' is not known; '%s' is", m->fc->where,
			  m->name, r->name);
		ctf_trace_type_mended(p->t, &err);
		m->fc->role = (uint8_t)r->role;
		return;
	}
}

static void assign_roles(struct tsdl_parser *p, struct ctf_fc *root, const struct role_name *roles)
{
	for (uint32_t i = 0; root && i < root->n_members; i++) {
		const struct ctf_member *m = &root->members[i];

		for (const struct role_name *r = roles; r->name; r++) {
			if (m->fc->kind == r->kind && !strcmp(m->name, r->name))
				m->fc->role = (uint8_t)r->role;
		}
	}
	for (const struct role_name *r = roles; root && r->name; r++) {
		if (!has_role(root, r->role))
			assign_damaged(p, root, r);
	}
}

/* The clock of timestamps that are mapped to none: the only one there is, made up if there is none.
 * Return: NULL when there are several. */
static struct ctf_clock *only_clock(struct tsdl_parser *p)
{
	if (!p->result.clocks.n)
		return tsdl_clock(p, "default", true);
	return p->result.clocks.n == 1 ? p->result.clocks.at[0] : NULL;
}

static void map_timestamp(struct tsdl_parser *p, struct ctf_fc *fc)
{
	if (fc->kind == CTF_INT && !fc->clock)
		fc->clock = only_clock(p);
}

static void finish_context(struct tsdl_parser *p, struct ctf_fc *root)
{
	assign_roles(p, root, context_roles);
	for (uint32_t i = 0; root && i < root->n_members; i++) {
		struct ctf_fc *fc = root->members[i].fc;

		if (fc->role == CTF_ROLE_BEGIN_TIME || fc->role == CTF_ROLE_END_TIME)
			map_timestamp(p, fc);
	}
}

static void finish_header_field(struct tsdl_parser *p, const char *name, struct ctf_fc *fc);

/* The id and the timestamp may be inside of a variant. */
static void finish_header(struct tsdl_parser *p, struct ctf_fc *fc)
{
	for (uint32_t i = 0; fc && i < fc->n_members; i++)
		finish_header_field(p, fc->members[i].name, fc->members[i].fc);
	for (uint32_t i = 0; fc && i < fc->n_options; i++)
		finish_header_field(p, fc->options[i].name, fc->options[i].fc);
}

static void finish_header_field(struct tsdl_parser *p, const char *name, struct ctf_fc *fc)
{
	if (fc->kind == CTF_INT && !strcmp(name, "id"))
		fc->role = CTF_ROLE_EVENT_CLASS_ID;
	if (!strcmp(name, "timestamp"))
		map_timestamp(p, fc);
	finish_header(p, fc);
}

static int parse_all(struct tsdl_parser *p)
{
	int r = 0;

	p->t->major = 1;
	p->t->minor = 8;
	while (!r && p->lx.kind != TSDL_END) {
		if (!tsdl_accept(p, ';'))
			r = tsdl_recover_top(p);
	}
	if (r)
		return r;
	tsdl_recover_events(p);
	if (!p->has_trace && p->t->damage)
		return error_set(p->err, "%s", p->t->damage);
	if (!p->has_trace)
		return tsdl_fail_at(p, p->lx.line, "the metadata ends without a trace block");
	r = check_clocks(p);
	if (!r)
		bind_events(p);
	return r;
}

static int finish(struct tsdl_parser *p)
{
	struct ctf_trace_type *t = p->t;

	assign_roles(p, t->packet_header, header_roles);
	for (size_t i = 0; i < p->result.streams.n; i++) {
		finish_context(p, p->result.streams.at[i]->packet_context);
		finish_header(p, p->result.streams.at[i]->event_header);
	}
	return ctf_builder_finish(&p->result, t, p->err);
}

static void deinit(struct tsdl_parser *p)
{
	vec_each (d, &p->damaged_events)
		error_deinit(&d->err);
	vec_deinit(&p->damaged_events);
	vec_deinit(&p->named);
	vec_deinit(&p->members);
	vec_deinit(&p->labels);
	ctf_builder_deinit(&p->result);
	vec_deinit(&p->clock_defined);
	vec_deinit(&p->event_streams);
	vec_deinit(&p->event_has_stream);
}

int ctf_tsdl_parse(struct ctf_trace_type *t, const char *text, size_t size, struct error *err)
{
	struct tsdl_parser p = {
		.text = size ? text : "", .size = size, .t = t, .err = err, .scope_start = 1};

	error_deinit(err);
	scan_byte_order(t, p.text, size);
	tsdl_lexer_init(&p.lx, p.text, size, &t->arena, err);
	int r = parse_all(&p);
	if (!r)
		r = finish(&p);
	deinit(&p);
	return r;
}
