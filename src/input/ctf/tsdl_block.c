#include "input/ctf/tsdl_block.h"

#include <inttypes.h>
#include <string.h>

#include "input/ctf/tsdl_type.h"

/* ---- values of attributes ------------------------------------------------------------------- */

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

/* ---- blocks: name { name = value; name := type; ... } --------------------------------------- */

struct block {
	int (*set)(struct tsdl_parser *p, const char *name, const struct tsdl_value *v, void *data);
	/*
	 * Where a root of this name goes. NULL, or it returns NULL: the block has none such. What
	 * bytes that describes is not known, so the block cannot be read.
	 */
	struct ctf_fc **(*root)(const char *name, void *data);
	void *data;
	const char *const *known; /* names of attributes, up to a NULL; or NULL: any */
};

static bool is_known(const struct block *b, const char *name)
{
	for (size_t i = 0; b->known && b->known[i]; i++) {
		if (!strcmp(b->known[i], name))
			return true;
	}
	return !b->known;
}

/* One that is not known is left out, and said. */
static int set_attribute(struct tsdl_parser *p, const struct block *b, const char *name,
			 const struct tsdl_value *v)
{
	if (is_known(b, name))
		return b->set(p, name, v, b->data);
	tsdl_fail_at(p, v->line, "'%s' is not known", name);
	ctf_trace_type_left_out(p->t, p->err);
	return 0;
}

static int parse_root(struct tsdl_parser *p, const struct block *b, const char *name)
{
	struct ctf_fc *fc;
	uint32_t line = p->lx.line;
	int r = tsdl_parse_type(p, &fc);

	if (r)
		return r;
	struct ctf_fc **root = b->root ? b->root(name, b->data) : NULL;
	if (!root)
		return tsdl_fail_at(p, line, "'%s' is not known", name);
	if (fc->kind != CTF_STRUCT)
		return tsdl_fail_at(p, line, "'%s' is not a struct", name);
	*root = fc;
	return 0;
}

static int parse_statement(struct tsdl_parser *p, const struct block *b)
{
	char name[TSDL_NAME_SIZE];
	struct tsdl_value v;
	int r = tsdl_parse_dotted(p, name);

	if (r)
		return r;
	if (tsdl_accept(p, TSDL_TYPE_ASSIGN)) {
		r = parse_root(p, b, name);
	} else {
		r = tsdl_expect(p, '=', "'=' or ':='");
		if (!r)
			r = tsdl_parse_value(p, &v);
		if (!r)
			r = set_attribute(p, b, name, &v);
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
	tsdl_skip_statement(p, begin, line);
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
	static const char *const trace_names[] = {"major", "minor", "byte_order", "uuid", NULL};
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

struct ctf_stream_class *tsdl_add_stream(struct tsdl_parser *p)
{
	struct ctf_stream_class *s = arena_new(&p->t->arena, struct ctf_stream_class);

	s->where = p->lx.line;
	*vec_push(&p->result.streams) = s;
	return s;
}

static int parse_stream(struct tsdl_parser *p)
{
	static const char *const stream_names[] = {"id", NULL};

	if (p->result.streams.n >= CTF_MAX_STREAM_CLASSES)
		return tsdl_fail_at(p, p->lx.line, "more than %d stream classes",
				    CTF_MAX_STREAM_CLASSES);
	struct block b = {set_stream, stream_root, tsdl_add_stream(p), stream_names};
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
	static const char *const event_names[] = {"name",	   "id", "stream_id", "loglevel",
						  "model.emf.uri", NULL};
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

static int parse_callsite(struct tsdl_parser *p)
{
	struct block b = {tsdl_set_nothing, NULL, NULL, NULL};

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
