#include "input/ctf/tsdl_parser.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CLOCKS = 256 };

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

struct ctf_clock *tsdl_clock(struct tsdl_parser *p, const char *name, bool define)
{
	struct ctf_clock *clock = ctf_builder_find_clock(&p->result, name);

	if (!clock)
		clock = add_clock(p, name);
	for (size_t i = 0; i < p->result.clocks.n && define; i++) {
		if (p->result.clocks.at[i] == clock)
			p->clock_defined.at[i] = true;
	}
	return clock;
}

/* After `name`: [= number]. */
static void env_take_entry(struct tsdl_parser *p, struct tsdl_lexer *lx)
{
	struct tsdl_env_number n = {.name = lx->text, .len = lx->len};

	tsdl_next(lx);
	if (lx->kind != '=')
		return;
	tsdl_next(lx);
	n.number = lx->number;
	if (lx->kind == TSDL_NUMBER)
		*vec_push(&p->env_numbers) = n;
}

/* Errors are left to be found again. */
static void env_scan(struct tsdl_parser *p)
{
	struct error ignored = {0};
	struct tsdl_lexer lx;
	bool in_env = false;
	uint32_t depth = 0;

	tsdl_lexer_init(&lx, p->text, p->size, &p->t->arena, &ignored);
	while (lx.kind != TSDL_END && lx.kind != TSDL_ERROR) {
		depth += lx.kind == '{';
		depth -= lx.kind == '}' && depth;
		if (!depth)
			in_env = tsdl_is_word(&lx, "env");
		if (in_env && depth == 1 && lx.kind == TSDL_WORD)
			env_take_entry(p, &lx);
		else
			tsdl_next(&lx);
	}
	error_deinit(&ignored);
}

int tsdl_env_number(struct tsdl_parser *p, const char *name, uint64_t *np)
{
	size_t len = strlen(name);

	if (!p->is_env_scanned)
		env_scan(p);
	p->is_env_scanned = true;
	vec_each (n, &p->env_numbers) {
		if (n->len == len && !memcmp(n->name, name, len)) {
			*np = n->number;
			return 0;
		}
	}
	return tsdl_fail_at(p, p->lx.line, "the environment has no number '%s'", name);
}

uint32_t tsdl_count_lines(const char *begin, const char *end)
{
	uint32_t n = 0;

	for (const char *at = begin; at < end; at++)
		n += *at == '\n';
	return n;
}

void tsdl_skip_statement(struct tsdl_parser *p, const char *begin, uint32_t line)
{
	const char *end = p->lx.end, *at = begin;

	ctf_trace_type_left_out(p->t, p->err);
	while (at < end && *at != '\n' && *at != ';')
		at++;
	at += at < end;
	p->members.n = p->labels.n = 0;
	p->depth = 0;
	tsdl_lexer_go(&p->lx, at, end, line + tsdl_count_lines(begin, at));
}

int tsdl_set_nothing(struct tsdl_parser *p, const char *name, const struct tsdl_value *v,
		     void *data)
{
	(void)p;
	(void)name;
	(void)v;
	(void)data;
	return 0;
}
