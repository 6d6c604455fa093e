#include "input/ctf/ctf2.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "input/ctf/ctf2_parser.h"

enum {
	MAX_RECORD = 16 << 20, /* bytes of text; its tree in memory is many times that */
	MAX_ALIAS_BYTES = 16 << 20,
	MAX_CLOCKS = 256,
	RECORD_SEPARATOR = 0x1e,
};

/* ---- preamble ---- */

/* An extension may change anything about the format: one that is declared must be known. */
static int check_extensions(struct ctf2_parser *p, const json_t *o)
{
	json_t *namespaces, *extensions;
	const char *name;
	int r = ctf2_json_compound(o, "extensions", JSON_OBJECT, false, &namespaces, p->err);

	if (r || !namespaces)
		return r;
	json_object_foreach(namespaces, name, extensions)
	{
		void *first = json_object_iter(extensions);

		if (first)
			return error_set(p->err, "the extension '%s' of '%s' is not supported",
					 json_object_iter_key(first), name);
	}
	return 0;
}

static int parse_uuid(struct ctf2_parser *p, const json_t *o)
{
	json_t *uuid, *v;
	size_t i;
	int r = ctf2_json_compound(o, "uuid", JSON_ARRAY, false, &uuid, p->err);

	if (r || !uuid)
		return r;
	if (json_array_size(uuid) != 16)
		return error_set(p->err, "'uuid' has not 16 elements");
	json_array_foreach(uuid, i, v)
	{
		struct ctf2_integer byte;

		if (!ctf2_json_integer(v, &byte) || byte.negative || byte.value > 255)
			return error_set(p->err, "an element of 'uuid' is not a byte");
		p->t->uuid[i] = (uint8_t)byte.value;
	}
	p->t->has_uuid = true;
	return 0;
}

static int parse_preamble(struct ctf2_parser *p, const json_t *o, size_t size)
{
	uint64_t version;

	(void)size;
	if (p->fragment != 1)
		return error_set(p->err, "it is not the first fragment");
	int r = ctf2_json_unsigned(o, "version", 2, 2, NULL, &version, p->err);
	if (!r)
		r = check_extensions(p, o);
	return r ? r : parse_uuid(p, o);
}

/* ---- field class alias ---- */

static int parse_alias(struct ctf2_parser *p, const json_t *o, size_t size)
{
	const char *name = "";
	json_t *fc = json_object_get(o, "field-class");
	int r = ctf2_json_string(o, "name", NULL, &name, p->err);

	if (r)
		return r;
	if (!json_is_object(fc) && !json_is_string(fc))
		return error_set(p->err, "'field-class' is missing");
	if (json_object_get(p->aliases, name))
		return error_set(p->err, "the alias '%s' is defined a second time", name);
	p->alias_bytes += size;
	if (p->alias_bytes > MAX_ALIAS_BYTES)
		return error_set(p->err, "the aliases have more than %d bytes", MAX_ALIAS_BYTES);
	json_object_set(p->aliases, name, fc);
	return 0;
}

/* ---- trace class ---- */

static int parse_env_entry(struct ctf2_parser *p, const char *name, const json_t *v)
{
	struct ctf2_integer integer = {0};
	const char *string = NULL;

	if (!ctf2_json_integer(v, &integer)) {
		string = json_string_value(v);
		if (!string)
			return error_set(p->err, "'%s' is neither an integer nor a string", name);
		string = arena_strdup(&p->t->arena, string);
	}
	*vec_push(&p->result.env) = (struct ctf_env){.name = arena_strdup(&p->t->arena, name),
						     .string = string,
						     .integer = (int64_t)integer.value};
	return 0;
}

static int parse_environment(struct ctf2_parser *p, const json_t *o)
{
	json_t *environment, *v;
	const char *name;
	int r = ctf2_json_compound(o, "environment", JSON_OBJECT, false, &environment, p->err);

	if (!r)
		r = ctf2_spend(p, json_object_size(environment));
	if (r)
		return r;
	json_object_foreach(environment, name, v)
	{
		r = parse_env_entry(p, name, v);
		if (r)
			return error_wrap(p->err, "environment");
	}
	return 0;
}

static int parse_trace_class(struct ctf2_parser *p, const json_t *o, size_t size)
{
	(void)size;
	if (p->has_trace_class)
		return error_set(p->err, "it is a second one");
	p->has_trace_class = true;
	int r = parse_environment(p, o);
	return r ? r
		 : ctf2_parse_root(p, o, "packet-header-field-class", CTF_PACKET_HEADER, NULL,
				   &p->t->packet_header);
}

/* ---- clock class ---- */

static int parse_clock_offset(struct ctf2_parser *p, const json_t *o, struct ctf_clock *clock)
{
	const uint64_t none = 0;
	struct ctf2_integer seconds = {0};
	json_t *offset, *s;
	int r = ctf2_json_compound(o, "offset-from-origin", JSON_OBJECT, false, &offset, p->err);

	if (r || !offset)
		return r;
	s = json_object_get(offset, "seconds");
	if (s &&
	    (!ctf2_json_integer(s, &seconds) || (!seconds.negative && seconds.value > INT64_MAX)))
		return error_set(p->err, "'seconds' is not an integer of 64 bits");
	clock->offset_s = (int64_t)seconds.value;
	return ctf2_json_unsigned(offset, "cycles", 0, UINT64_MAX, &none, &clock->offset_cycles,
				  p->err);
}

static int parse_clock_origin(struct ctf2_parser *p, const json_t *o, struct ctf_clock *clock)
{
	const json_t *origin = json_object_get(o, "origin");
	const char *name = json_string_value(origin);

	clock->unix_epoch = name && !strcmp(name, "unix-epoch");
	if (origin && !clock->unix_epoch && !json_is_object(origin))
		return error_set(p->err, "'origin' is neither unix-epoch nor an object");
	return 0;
}

/* Return: the UID in lower case if it has the form of a UUID, or NULL. */
static const char *uuid_of(struct ctf2_parser *p, const char *uid)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	char *uuid = arena_strdup(&p->t->arena, uid);
	size_t i;

	for (i = 0; uuid[i] && form[i]; i++) {
		if (uuid[i] >= 'A' && uuid[i] <= 'F')
			uuid[i] |= 0x20;
		if (form[i] == '-' ? uuid[i] != '-' : !strchr("0123456789abcdef", uuid[i]))
			return NULL;
	}
	return uuid[i] || form[i] ? NULL : uuid;
}

static int parse_clock_class(struct ctf2_parser *p, const json_t *o, size_t size)
{
	const uint64_t unknown = 0;
	struct ctf_clock *clock = arena_new(&p->t->arena, struct ctf_clock);
	const char *id = "", *description = "", *uid = "";
	int r = ctf2_json_string(o, "id", NULL, &id, p->err);

	(void)size;
	if (!r)
		r = ctf2_json_string(o, "description", "", &description, p->err);
	if (!r)
		r = ctf2_json_string(o, "uid", "", &uid, p->err);
	if (!r)
		r = ctf2_json_unsigned(o, "frequency", 1, UINT64_MAX, NULL, &clock->frequency,
				       p->err);
	if (!r)
		r = ctf2_json_unsigned(o, "precision", 0, UINT64_MAX, &unknown, &clock->precision,
				       p->err);
	if (!r)
		r = parse_clock_origin(p, o, clock);
	if (!r)
		r = parse_clock_offset(p, o, clock);
	if (r)
		return r;
	if (ctf_builder_find_clock(&p->result, id))
		return error_set(p->err, "a second clock has the id '%s'", id);
	if (p->result.clocks.n >= MAX_CLOCKS)
		return error_set(p->err, "more than %d clocks", MAX_CLOCKS);
	clock->name = arena_strdup(&p->t->arena, id);
	clock->description = arena_strdup(&p->t->arena, description);
	clock->uuid = uuid_of(p, uid);
	*vec_push(&p->result.clocks) = clock;
	return 0;
}

/* ---- data stream class ---- */

static int parse_default_clock(struct ctf2_parser *p, const json_t *o, struct ctf_stream_class *s)
{
	const char *id = "";
	int r = ctf2_json_string(o, "default-clock-class-id", "", &id, p->err);

	if (r || !json_object_get(o, "default-clock-class-id"))
		return r;
	s->clock = ctf_builder_find_clock(&p->result, id);
	return s->clock ? 0 : error_set(p->err, "no clock before it has the id '%s'", id);
}

static int parse_stream_roots(struct ctf2_parser *p, const json_t *o, struct ctf_stream_class *s)
{
	int r = ctf2_parse_root(p, o, "packet-context-field-class", CTF_PACKET_CONTEXT, s->clock,
				&s->packet_context);
	if (!r)
		r = ctf2_parse_root(p, o, "event-record-header-field-class", CTF_EVENT_HEADER,
				    s->clock, &s->event_header);
	if (!r)
		r = ctf2_parse_root(p, o, "event-record-common-context-field-class",
				    CTF_EVENT_COMMON_CONTEXT, s->clock, &s->event_common_context);
	return r;
}

static int parse_stream_class(struct ctf2_parser *p, const json_t *o, size_t size)
{
	const uint64_t zero = 0;
	const char *name = "";
	struct ctf_stream_class *s = arena_new(&p->t->arena, struct ctf_stream_class);

	(void)size;
	if (p->result.streams.n >= CTF_MAX_STREAM_CLASSES)
		return error_set(p->err, "more than %d stream classes", CTF_MAX_STREAM_CLASSES);
	int r = ctf2_json_unsigned(o, "id", 0, UINT64_MAX, &zero, &s->id, p->err);
	if (!r)
		r = ctf2_json_string(o, "name", "", &name, p->err);
	if (!r)
		r = parse_default_clock(p, o, s);
	if (!r)
		r = parse_stream_roots(p, o, s);
	if (r)
		return r;
	s->name = json_object_get(o, "name") ? arena_strdup(&p->t->arena, name) : NULL;
	s->where = p->fragment;
	*vec_push(&p->result.streams) = s;
	return 0;
}

/* ---- event record class ---- */

/* LTTng's log levels by name, 0 first. */
static int64_t log_level_of(const json_t *v)
{
	static const char *const names[] = {
		"emergency",	"alert",      "critical",	"error",	 "warning",
		"notice",	"info",	      "debug:system",	"debug:program", "debug:process",
		"debug:module", "debug:unit", "debug:function", "debug:line",	 "debug",
	};
	const char *name = json_string_value(v);

	if (json_is_integer(v))
		return json_integer_value(v);
	for (size_t i = 0; name && i < sizeof(names) / sizeof(*names); i++) {
		if (!strcmp(name, names[i]))
			return (int64_t)i;
	}
	return -1;
}

static int64_t find_log_level(const json_t *o)
{
	const json_t *attributes = json_object_get(o, "attributes");

	return log_level_of(
		json_object_get(json_object_get(attributes, "lttng.org,2009"), "log-level"));
}

static int parse_event_roots(struct ctf2_parser *p, const json_t *o, struct ctf_event_class *e)
{
	int r = ctf2_parse_root(p, o, "specific-context-field-class", CTF_EVENT_SPECIFIC_CONTEXT,
				e->stream->clock, &e->specific_context);

	return r ? r
		 : ctf2_parse_root(p, o, "payload-field-class", CTF_EVENT_PAYLOAD, e->stream->clock,
				   &e->payload);
}

static int parse_event_class(struct ctf2_parser *p, const json_t *o, size_t size)
{
	const uint64_t zero = 0;
	uint64_t stream_id = 0;
	const char *name = "";
	struct ctf_event_class *e = arena_new(&p->t->arena, struct ctf_event_class);
	int r = ctf2_spend(p, 1);

	(void)size;
	if (!r)
		r = ctf2_json_string(o, "name", "", &name, p->err);
	if (!r)
		r = ctf2_json_unsigned(o, "id", 0, UINT64_MAX, &zero, &e->id, p->err);
	if (!r)
		r = ctf2_json_unsigned(o, "data-stream-class-id", 0, UINT64_MAX, &zero, &stream_id,
				       p->err);
	if (r)
		return r;
	e->name = arena_strdup(&p->t->arena, name);
	e->log_level = find_log_level(o);
	e->where = p->fragment;
	e->stream = ctf_builder_find_stream(&p->result, stream_id);
	if (!e->stream)
		r = error_set(p->err, "no data stream class before it has the id %" PRIu64,
			      stream_id);
	else
		r = parse_event_roots(p, o, e);
	if (r)
		return error_wrap(p->err, "event '%s'", e->name);
	*vec_push(&p->result.events) = e;
	return 0;
}

/* ---- fragments ---- */

static int parse_typed(struct ctf2_parser *p, const char *type, const json_t *o, size_t size)
{
	static const struct {
		const char *type;
		int (*parse)(struct ctf2_parser *p, const json_t *o, size_t size);
	} types[] = {
		{"event-record-class", parse_event_class}, {"field-class-alias", parse_alias},
		{"data-stream-class", parse_stream_class}, {"clock-class", parse_clock_class},
		{"trace-class", parse_trace_class},	   {"preamble", parse_preamble},
	};

	if (p->fragment == 1 && strcmp(type, "preamble"))
		return error_set(p->err, "the first fragment is not the preamble");
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		if (!strcmp(type, types[i].type)) {
			p->is_known = true;
			return types[i].parse(p, o, size);
		}
	}
	return error_set(p->err, "it is of no known type");
}

static int parse_fragment(struct ctf2_parser *p, const json_t *o, size_t size)
{
	const char *type = "";

	if (!json_is_object(o))
		return error_set(p->err, "it is not an object");
	int r = ctf2_json_string(o, "type", NULL, &type, p->err);
	if (r)
		return r;
	r = parse_typed(p, type, o, size);
	return r ? error_wrap(p->err, "%s", type) : 0;
}

static size_t skip_blank(const char *text, size_t size, size_t at)
{
	while (at < size &&
	       (text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n'))
		at++;
	return at;
}

static int load_fragment(struct ctf2_parser *p, const char *text, size_t size, size_t *usedp)
{
	p->fragment++;
	p->is_known = false;
	json_t *o = ctf2_json_load(text, size, usedp, p->err);
	int r = o ? parse_fragment(p, o, *usedp) : ERR;
	json_decref(o);
	return r ? error_wrap(p->err, "fragment %" PRIu32, p->fragment) : 0;
}

static bool holds(const char *text, size_t size, const char *s)
{
	return memmem(text, size, s, strlen(s)) != NULL;
}

/*
 * A fragment that cannot be read is left out, if it is an event record class or not even JSON: what
 * else is said wrongly concerns everything.
 * Return: 0, or ERR with the error set.
 */
static int leave_out(struct ctf2_parser *p, const char *text, size_t size)
{
	bool is_event = holds(text, size, "\"event-record-class\"");

	if (p->n_nodes > CTF_MAX_NODES || (p->is_known && !is_event))
		return ERR;
	p->lost_other |= !is_event;
	ctf_trace_type_left_out(p->t, p->err);
	return 0;
}

/* Where a record separator is damaged, the next fragment still begins a line. Return: the offset at
 * or after `at` of its object, or size. */
static size_t next_object(const char *text, size_t size, size_t at)
{
	for (; at + 2 < size; at++) {
		if (text[at] == '\n' && text[at + 1] == '{')
			return at + 1;
		if (text[at] == '\n' && text[at + 2] == '{' && text[at + 1] != ' ' &&
		    text[at + 1] != '\t' && text[at + 1] != '[')
			return at + 2;
	}
	return size;
}

/* What is between two record separators: one fragment, or several from a careless writer. */
static int parse_record(struct ctf2_parser *p, const char *text, size_t size)
{
	size_t used;

	if (size > MAX_RECORD)
		return error_set(p->err,
				 "a fragment after number %" PRIu32 " has more than %d bytes",
				 p->fragment, MAX_RECORD);
	for (size_t at = skip_blank(text, size, 0); at < size;
	     at = skip_blank(text, size, at + used)) {
		if (!load_fragment(p, text + at, size - at, &used))
			continue;
		used = next_object(text, size, at) - at;
		if (leave_out(p, text + at, used))
			return ERR;
	}
	return 0;
}

static int parse_records(struct ctf2_parser *p, const char *text, size_t size)
{
	size_t at = 0;

	while (at < size) {
		const char *end = memchr(text + at, RECORD_SEPARATOR, size - at);
		size_t record = end ? (size_t)(end - (text + at)) : size - at;
		int r = parse_record(p, text + at, record);

		if (r)
			return r;
		at += record + 1;
	}
	if (!p->fragment)
		return error_set(p->err, "the metadata has no fragment");
	/* Without its trace class nobody knows where packets begin. */
	if (p->lost_other && !p->has_trace_class)
		return error_set(p->err, "%s", p->t->damage);
	return 0;
}

int ctf_ctf2_parse(struct ctf_trace_type *t, const char *text, size_t size, struct error *err)
{
	struct ctf2_parser p = {.t = t, .err = err, .aliases = json_object()};

	t->major = 2;
	t->minor = 0;
	int r = parse_records(&p, text, size);
	if (!r)
		r = ctf_builder_finish(&p.result, t, err);
	json_decref(p.aliases);
	ctf_builder_deinit(&p.result);
	return r;
}
