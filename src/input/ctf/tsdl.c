#include "input/ctf/tsdl.h"

#include <inttypes.h>
#include <string.h>

#include "input/ctf/tsdl_block.h"
#include "input/ctf/tsdl_recover.h"

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
		tsdl_add_stream(p)->id = id;
	if (!p->event_has_stream.at[i] && p->result.streams.n == 1)
		return p->result.streams.at[0];
	struct ctf_stream_class *s = ctf_builder_find_stream(&p->result, id);
	if (!s)
		tsdl_fail_at(p, e->where,
			     "event '%s' is of stream %" PRIu64 ", which is not defined", e->name,
			     id);
	return s;
}

/* Events of streams that are not defined are left out. */
static void bind_events(struct tsdl_parser *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->result.events.n; i++) {
		struct ctf_event_class *e = p->result.events.at[i];

		e->stream = stream_of(p, i);
		if (e->stream)
			p->result.events.at[kept++] = e;
		else
			ctf_trace_type_left_out(p->t, p->err);
	}
	p->result.events.n = kept;
}

/* A clock whose block is not there, or was left out, is as one that says nothing. */
static void check_clocks(struct tsdl_parser *p)
{
	for (size_t i = 0; i < p->result.clocks.n; i++) {
		if (p->clock_defined.at[i] || p->lost_other)
			continue;
		tsdl_fail_at(p, p->lx.line, "the clock '%s' is mapped but not defined",
			     p->result.clocks.at[i]->name);
		ctf_trace_type_mended(p->t, p->err);
	}
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

static void assign_roles(struct ctf_fc *root, const struct role_name *roles)
{
	for (uint32_t i = 0; root && i < root->n_members; i++) {
		const struct ctf_member *m = &root->members[i];

		for (const struct role_name *r = roles; r->name; r++) {
			if (m->fc->kind == r->kind && !strcmp(m->name, r->name))
				m->fc->role = (uint8_t)r->role;
		}
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
	assign_roles(root, context_roles);
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
	if (!p->has_trace && p->t->damage)
		return error_set(p->err, "%s", p->t->damage);
	if (!p->has_trace)
		return tsdl_fail_at(p, p->lx.line, "the metadata ends without a trace block");
	check_clocks(p);
	bind_events(p);
	return 0;
}

static int finish(struct tsdl_parser *p)
{
	struct ctf_trace_type *t = p->t;

	assign_roles(t->packet_header, header_roles);
	for (size_t i = 0; i < p->result.streams.n; i++) {
		finish_context(p, p->result.streams.at[i]->packet_context);
		finish_header(p, p->result.streams.at[i]->event_header);
	}
	return ctf_builder_finish(&p->result, t, p->err);
}

static void deinit(struct tsdl_parser *p)
{
	vec_deinit(&p->named);
	vec_deinit(&p->members);
	vec_deinit(&p->labels);
	vec_deinit(&p->env_numbers);
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
