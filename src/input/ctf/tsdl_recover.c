#include "input/ctf/tsdl_recover.h"

#include <string.h>

#include "input/ctf/tsdl_block.h"
#include "input/ctf/tsdl_type.h"

/* ---- taking a block back ---- */

/* What reading a block may change, so that it can be taken back. */
struct tsdl_mark {
	struct tsdl_lexer lx;
	size_t n_clocks, n_streams, n_events, n_env, n_named;
	bool has_trace, has_uuid;
	uint8_t uuid[16];
	struct ctf_fc *packet_header;
};

static void mark_block(const struct tsdl_parser *p, struct tsdl_mark *m)
{
	*m = (struct tsdl_mark){.lx = p->lx,
				.n_clocks = p->result.clocks.n,
				.n_streams = p->result.streams.n,
				.n_events = p->result.events.n,
				.n_env = p->result.env.n,
				.n_named = p->named.n,
				.has_trace = p->has_trace,
				.has_uuid = p->t->has_uuid,
				.packet_header = p->t->packet_header};
	memcpy(m->uuid, p->t->uuid, sizeof(m->uuid));
}

/* What the block has asked for stays counted (n_nodes): it is in the arena still. */
static void rollback(struct tsdl_parser *p, const struct tsdl_mark *m)
{
	p->lx = m->lx;
	p->result.clocks.n = p->clock_defined.n = m->n_clocks;
	p->result.streams.n = m->n_streams;
	p->result.events.n = p->event_streams.n = p->event_has_stream.n = m->n_events;
	p->result.env.n = m->n_env;
	p->scope_start = m->n_named ? (uint32_t)m->n_named : 1;
	tsdl_scope_leave(p, 1);
	p->has_trace = m->has_trace;
	p->t->has_uuid = m->has_uuid;
	p->t->packet_header = m->packet_header;
	memcpy(p->t->uuid, m->uuid, sizeof(m->uuid));
	p->members.n = p->labels.n = 0;
	p->depth = 0;
}

/* ---- where a block ends that cannot be read ---- */

/* A block that could not be read. */
struct tsdl_damage {
	const char *begin, *end;
	uint32_t line;	  /* of begin */
	struct error err; /* what is wrong; owned */
};

static bool is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

/* Return: whether a block or statement of the top level may begin here. */
static bool begins_top(const char *at, const char *end)
{
	static const char *const words[] = {"event",	 "trace",    "env",    "clock",
					    "stream",	 "callsite", "struct", "variant",
					    "typealias", "typedef",  "enum",   NULL};

	for (size_t i = 0; words[i]; i++) {
		size_t n = strlen(words[i]);

		if ((size_t)(end - at) > n && !memcmp(at, words[i], n) && !is_word_char(at[n]) &&
		    at[n] != '.')
			return true;
	}
	return false;
}

static const char *skip_spaces(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	return at;
}

/* A brace that closes the outermost one. Return: whether the block ends there, since the next one
 * follows on the same line; then *atp is where that begins. */
static bool ends_on_line(const char **atp, const char *end)
{
	const char *at = skip_spaces(*atp + 1, end);

	if (at == end || *at != ';')
		return false;
	at = skip_spaces(at + 1, end);
	if (at == end || !begins_top(at, end))
		return false;
	*atp = at;
	return true;
}

/*
 * Quotes and braces of a damaged block say little, lines a lot: what every writer of metadata puts
 * at the beginning of a line is what the top level consists of. Only where several blocks share a
 * line do the braces tell.
 * Return: where the block or statement after the one at `begin` begins.
 */
static const char *block_end(const char *begin, const char *end)
{
	int depth = 0;

	for (const char *at = begin; at < end; at++) {
		depth += *at == '{';
		if (*at == '}' && --depth == 0 && ends_on_line(&at, end))
			return at;
		if (*at == '\n' && begins_top(at + 1, end))
			return at + 1;
	}
	return end;
}

/* ---- what to do about it ---- */

static bool starts_with(const struct tsdl_damage *d, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(d->end - d->begin) > n && !memcmp(d->begin, word, n) &&
	       !is_word_char(d->begin[n]);
}

/* An environment or a clock is of use without one of its statements. */
static bool read_leniently(struct tsdl_parser *p, const struct tsdl_damage *d)
{
	struct tsdl_mark mark;

	if (!starts_with(d, "env") && !starts_with(d, "clock"))
		return false;
	mark_block(p, &mark);
	p->lenient = true;
	tsdl_lexer_go(&p->lx, d->begin, d->end, d->line);
	int r = tsdl_parse_top(p);
	p->lenient = false;
	error_deinit(p->err);
	if (r)
		rollback(p, &mark);
	return !r;
}

static void leave_out(struct tsdl_parser *p, struct tsdl_damage *d)
{
	uint32_t n_left_out = p->t->n_left_out;

	if (read_leniently(p, d) && p->t->n_left_out > n_left_out) {
		error_deinit(&d->err);
		return;
	}
	p->lost_other |=
		!starts_with(d, "event") && !starts_with(d, "env") && !starts_with(d, "callsite");
	ctf_trace_type_left_out(p->t, &d->err);
}

static void recover(struct tsdl_parser *p, const struct tsdl_mark *mark)
{
	const char *end = p->text + p->size;
	struct tsdl_damage d = {.begin = mark->lx.at, .line = mark->lx.line, .err = *p->err};

	*p->err = (struct error){0};
	d.end = block_end(d.begin, end);
	rollback(p, mark);
	leave_out(p, &d);
	tsdl_lexer_go(&p->lx, d.end, end, d.line + tsdl_count_lines(d.begin, d.end));
}

int tsdl_recover_top(struct tsdl_parser *p)
{
	struct tsdl_mark mark;

	mark_block(p, &mark);
	int r = tsdl_parse_top(p);
	if (!r)
		return 0;
	if (p->is_other_version || p->n_nodes > CTF_MAX_NODES)
		return r;
	recover(p, &mark);
	return 0;
}
