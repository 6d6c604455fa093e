#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "input/ctf/metadata.h"
#include "type_dump.h"

static const char trace_block[] = "trace { major = 1; minor = 8; byte_order = le; };\n";

struct bytes {
	VEC(uint8_t) data;
};

static void put(struct bytes *b, const void *p, size_t size)
{
	for (size_t i = 0; i < size; i++)
		*vec_push(&b->data) = ((const uint8_t *)p)[i];
}

static void put_u32(struct bytes *b, uint32_t value, bool big_endian)
{
	for (int i = 0; i < 4; i++)
		*vec_push(&b->data) = (uint8_t)(value >> 8 * (big_endian ? 3 - i : i));
}

/* A metadata packet with `padding` bytes behind its text. */
static void put_packet(struct bytes *b, const char *text, size_t size, size_t padding,
		       bool big_endian)
{
	static const uint8_t uuid[16] = {1, 2, 3}, schemes[5] = {0, 0, 0, 1, 8};

	put_u32(b, 0x75d11d57, big_endian);
	put(b, uuid, 16);
	put_u32(b, 0, big_endian);
	put_u32(b, (uint32_t)(37 + size) * 8, big_endian);
	put_u32(b, (uint32_t)(37 + size + padding) * 8, big_endian);
	put(b, schemes, 5);
	put(b, text, size);
	for (size_t i = 0; i < padding; i++)
		*vec_push(&b->data) = 0;
}

static char *parse_to_dump(const void *data, size_t size, uint64_t *droppedp)
{
	struct ctf_trace_type t;
	struct error err = {0};

	if (ctf_metadata_parse(&t, data, size, droppedp, &err))
		fail_msg("%s", err.text);
	char *dump = type_dump(&t);
	ctf_trace_type_deinit(&t);
	return dump;
}

static void assert_refused(const void *data, size_t size, const char *message)
{
	struct ctf_trace_type t;
	struct error err = {0};
	uint64_t dropped;

	assert_int_equal(ctf_metadata_parse(&t, data, size, &dropped, &err), ERR);
	if (!strstr(err.text, message))
		fail_msg("expected \"%s\", got \"%s\"", message, err.text);
	error_deinit(&err);
	ctf_trace_type_deinit(&t);
}

static void parse_tsdl(struct ctf_trace_type *t, const char *text)
{
	struct error err = {0};
	uint64_t dropped;

	if (ctf_metadata_parse(t, (const uint8_t *)text, strlen(text), &dropped, &err))
		fail_msg("%s", err.text);
}

/* ---- packets ---- */

static const char two_events[] = "trace {\n\tmajor = 1; minor = 8; byte_order = le;\n};\n"
				 "event {\n\tname = \"first\"; id = 1;\n};\n"
				 "event {\n\tname = \"second\"; id = 2;\n};\n";

static void check_packets(bool big_endian)
{
	struct bytes b = {0};
	uint64_t dropped;
	size_t half = sizeof(two_events) / 2;
	char *plain = parse_to_dump(two_events, strlen(two_events), &dropped);

	put_packet(&b, two_events, half, 100, big_endian);
	put_packet(&b, two_events + half, strlen(two_events) - half, 0, big_endian);
	char *packets = parse_to_dump(b.data.at, b.data.n, &dropped);
	assert_string_equal(packets, plain);
	assert_non_null(strstr(plain, "event 2 \"second\""));
	assert_int_equal(dropped, 0);
	free(packets);
	free(plain);
	vec_deinit(&b.data);
}

static void test_packets_join(void **state)
{
	(void)state;
	check_packets(false);
	check_packets(true);
}

/* Wherever the file is cut after the trace block, what stands before is of use. */
static void test_cut_packet(void **state)
{
	struct bytes b = {0};
	size_t whole = (size_t)(strstr(two_events, "event") - two_events) - 1;

	(void)state;
	put_packet(&b, two_events, strlen(two_events), 50, false);
	for (size_t size = 37 + whole; size < b.data.n; size++) {
		uint64_t dropped;
		char *dump = parse_to_dump(b.data.at, size, &dropped);
		size_t text = size - 37 < strlen(two_events) ? size - 37 : strlen(two_events);
		bool has_first = text >= (size_t)(strstr(two_events, "event {\n\tname = \"second") -
						  two_events - 1);

		assert_int_equal(strstr(dump, "\"first\"") != NULL, has_first);
		assert_int_equal(strstr(dump, "\"second\"") != NULL,
				 text >= strlen(two_events) - 1);
		assert_true(dropped < strlen("event {\n\tname = \"second\"; id = 2;\n};\n"));
		free(dump);
	}
	vec_deinit(&b.data);
}

static void test_rubbish_after_packet(void **state)
{
	struct bytes b = {0};
	uint64_t dropped;

	(void)state;
	put_packet(&b, two_events, strlen(two_events), 0, false);
	put(&b, "rubbish", 7);
	char *dump = parse_to_dump(b.data.at, b.data.n, &dropped);
	assert_non_null(strstr(dump, "\"second\""));
	assert_int_equal(dropped, 7);
	free(dump);
	vec_deinit(&b.data);
}

/* A mistake in a file that is whole is the writer's, and stays one. */
static void test_mistake_in_whole_packet(void **state)
{
	static const char text[] = "trace { major = 1; minor = 8; byte_order = le; };\nevent {\n";
	struct bytes b = {0};

	(void)state;
	put_packet(&b, text, strlen(text), 0, false);
	assert_refused(b.data.at, b.data.n, "line 3: expected a name, but the metadata ends");
	vec_deinit(&b.data);
}

static void test_packet_headers_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		const char *message;
	} changes[] = {
		{32, 1, "compressed (scheme 1)"},
		{33, 2, "encrypted (scheme 2)"},
		{34, 3, "checksum (scheme 3)"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		struct bytes b = {0};

		put_packet(&b, two_events, strlen(two_events), 0, false);
		b.data.at[changes[i].at] = changes[i].value;
		assert_refused(b.data.at, b.data.n, changes[i].message);
		vec_deinit(&b.data);
	}
	assert_refused("\x57\x1d\xd1\x75", 4, "header is cut");
}

/* ---- damage ---- */

static void parse_damaged(struct ctf_trace_type *t, const void *data, size_t size)
{
	struct error err = {0};
	uint64_t dropped;

	if (ctf_metadata_parse(t, data, size, &dropped, &err))
		fail_msg("%s", err.text);
	assert_int_equal(dropped, 0);
}

static void check_damaged_header(const struct bytes *b, size_t byte, bool changes_order)
{
	struct ctf_trace_type t;
	uint8_t was = b->data.at[byte];

	for (int with = 1; with < 256; with++) {
		b->data.at[byte] = (uint8_t)(was ^ with);
		parse_damaged(&t, b->data.at, b->data.n);
		assert_int_equal(t.n_event_classes, 2);
		assert_int_equal(t.n_left_out, 0);
		assert_true(t.n_mended > 0 || !changes_order);
		ctf_trace_type_deinit(&t);
	}
	b->data.at[byte] = was;
}

/* Whatever byte of a packet's header is damaged, the packets before and behind it say enough. */
static void check_damaged_headers(bool big_endian)
{
	static const size_t important[] = {0, 1, 2, 3, 28, 29, 30, 31, 32, 33, 34};
	size_t third = strlen(two_events) / 3, first[3] = {0, 37 + third, 2 * (37 + third)};
	struct bytes b = {0};

	put_packet(&b, two_events, third, 0, big_endian);
	put_packet(&b, two_events + third, third, 0, big_endian);
	put_packet(&b, two_events + 2 * third, strlen(two_events) - 2 * third, 0, big_endian);
	for (size_t p = 0; p < 3; p++) {
		for (size_t i = 0; i < sizeof(important) / sizeof(*important); i++)
			check_damaged_header(&b, first[p] + important[i], false);
	}
	check_damaged_header(&b, first[1], true);
	vec_deinit(&b.data);
}

static void test_damaged_packet_headers(void **state)
{
	(void)state;
	check_damaged_headers(false);
	check_damaged_headers(true);
}

/* The only packet: its sizes are not needed where the file ends with it. */
static void test_damaged_only_packet(void **state)
{
	struct bytes b = {0};

	(void)state;
	put_packet(&b, two_events, strlen(two_events), 0, false);
	for (size_t byte = 0; byte < 4; byte++)
		check_damaged_header(&b, byte, true);
	for (size_t byte = 28; byte < 32; byte++)
		check_damaged_header(&b, byte, false);
	vec_deinit(&b.data);
}

enum { NUMBERED = 6 };
static const char numbered[] = "trace { major = 1; minor = 8; byte_order = le; };\n"
			       "stream { id = 0; };\n"
			       "env {\n\thostname = \"h\";\n\tdomain = \"kernel\";\n};\n"
			       "event { name = \"a\"; id = 13; fields := struct { string s; }; };\n"
			       "event { name = \"b\"; id = 12; fields := struct { string s; }; };\n"
			       "event { name = \"c\"; id = 11; fields := struct { string s; }; };\n"
			       "event { name = \"d\"; id = 10; fields := struct { string s; }; };\n"
			       "event { name = \"e\"; id = 9; fields := struct { string s; }; };\n"
			       "event { name = \"f\"; id = 8; fields := struct { string s; }; };\n";

/* Reads `numbered` with the first `old` replaced. */
static void parse_replaced(struct ctf_trace_type *t, const char *old, const char *new)
{
	const char *at = strstr(numbered, old);

	assert_non_null(at);
	char *text = mem_printf("%.*s%s%s", (int)(at - numbered), numbered, new, at + strlen(old));

	parse_damaged(t, text, strlen(text));
	free(text);
}

static void assert_id_of(const struct ctf_trace_type *t, const char *name, int64_t id)
{
	const struct ctf_stream_class *s = t->streams[0];
	int64_t found = -1;

	for (uint32_t i = 0; i < s->n_events; i++) {
		if (!strcmp(s->events[i]->name, name))
			found = (int64_t)s->events[i]->id;
	}
	assert_int_equal(found, id);
}

/* What cannot be told is left out, and nothing else is. */
static void test_left_out(void **state)
{
	static const struct {
		const char *old, *new, *damage;
		uint32_t n_events, n_env;
	} cases[] = {
		{"event { name = \"b\"", "evxxt { name = \"b\"", "line 8: expected a block", 5, 2},
		{"\"b\"; id = 12; fields := struct { string s; }; };", "\"b\"; id = 12; fi",
		 "line 9: expected '='", 5, 2},
		{"\"b\"; id = 12; fields := struct", "\"b\"; id = 12; fields := strng",
		 "line 8: the type 'strng' is not defined", 5, 2},
		{"\"b\"; id = 12; fields := struct { string s;",
		 "\"b\"; id = 12; fields := struct { string s[missing];",
		 "line 8: event 'b': payload: field 's': it depends on 'missing'", 5, 2},
		{"hostname =", "hostname ??", "line 4: a character", 6, 1},
		{"\"kernel\";\n}", "\"kernel\n}", "line 5: a string", 6, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ctf_trace_type t;

		parse_replaced(&t, cases[i].old, cases[i].new);
		assert_int_equal(t.n_left_out, 1);
		assert_int_equal(t.n_mended, 0);
		if (!strstr(t.damage, cases[i].damage))
			fail_msg("expected \"%s\", got \"%s\"", cases[i].damage, t.damage);
		assert_int_equal(t.n_event_classes, cases[i].n_events);
		assert_int_equal(t.n_env, cases[i].n_env);
		assert_id_of(&t, "a", 13);
		assert_id_of(&t, "c", 11);
		ctf_trace_type_deinit(&t);
	}
}

/* What one wrong byte makes unreadable is refused, however near it is to what would be right. */
static void test_not_guessed(void **state)
{
	static const char *const changes[][2] = {
		{"\"b\"; id = 12; fields := struct { string s",
		 "\"b\"; id = 12; fields := struct { str\xe9ng s"},
		{"\"b\"; id = 12; fields := struct", "\"b\"; id = 12; fields := strubt"},
		{"event { name = \"b\"", "evunt { name = \"b\""},
		{"12; fields", "12; fjelds"},
		{"id = 12", "id } 12"},
		{"\"b\";", "\"b\":"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		struct ctf_trace_type t;

		parse_replaced(&t, changes[i][0], changes[i][1]);
		assert_int_equal(t.n_mended, 0);
		assert_int_equal(t.n_left_out, 1);
		assert_int_equal(t.n_event_classes, NUMBERED - 1);
		assert_id_of(&t, "a", 13);
		assert_id_of(&t, "b", -1);
		assert_id_of(&t, "c", 11);
		ctf_trace_type_deinit(&t);
	}
}

/* An attribute that is not known is said: it may have been one that is. */
static void test_unknown_attributes(void **state)
{
	static const char text[] =
		"trace { major = 1; minor = 8; byte_order = le; };\n"
		"clock { name = c; frec = 1000; offset_s = 7; };\n"
		"event { name = \"a\"; id = 40; model.emf.uri = \"http://x\"; };\n";
	struct ctf_trace_type t;

	(void)state;
	parse_damaged(&t, text, strlen(text));
	assert_int_equal(t.n_left_out, 1);
	assert_string_equal(t.damage, "line 2: 'frec' is not known");
	assert_int_equal(t.n_event_classes, 1);
	assert_int_equal(t.n_clocks, 1);
	assert_int_equal(t.clocks[0]->offset_s, 7);
	ctf_trace_type_deinit(&t);
}

/* Of two events with one id, the neighbours tell whose it is, and what the other's was. */
static void test_ids_by_neighbours(void **state)
{
	static const char *const changes[][2] = {
		{"id = 12", "id = 11"}, {"id = 12", "id = 10"}, {"id = 13", "id = 11"},
		{"id = 10", "id = 12"}, {"id = 11", "id = 13"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		struct ctf_trace_type t;

		parse_replaced(&t, changes[i][0], changes[i][1]);
		for (int e = 0; e < NUMBERED; e++)
			assert_id_of(&t, (char[]){(char)('a' + e), 0}, 13 - e);
		assert_int_equal(t.n_mended, 1);
		assert_int_equal(t.n_left_out, 0);
		ctf_trace_type_deinit(&t);
	}
}

/* Where they tell nothing, neither event is believed. */
static void test_ids_in_doubt(void **state)
{
	static const char text[] =
		"trace { major = 1; minor = 8; byte_order = le; };\n"
		"event { name = \"a\"; id = 40; };\n"
		"event { name = \"b\"; id = 7; };\n"
		"event { name = \"c\"; id = 25; };\n"
		"event { name = \"d\"; id = 7; fields := struct { integer { size = 8; } x; }; };\n";
	struct ctf_trace_type t;

	(void)state;
	parse_damaged(&t, text, strlen(text));
	assert_int_equal(t.n_event_classes, 2);
	assert_id_of(&t, "b", -1);
	assert_id_of(&t, "d", -1);
	assert_int_equal(t.n_left_out, 1);
	ctf_trace_type_deinit(&t);
}

/* Their bytes are the same: only which of the names is an event's own is not known. */
static void test_ids_of_same_fields(void **state)
{
	static const char text[] =
		"trace { major = 1; minor = 8; byte_order = le; };\n"
		"event { name = \"a\"; id = 40; };\n"
		"event { name = \"b\"; id = 7; fields := struct { integer { size = 8; } x; }; };\n"
		"event { name = \"c\"; id = 25; };\n"
		"event { name = \"d\"; id = 7; fields := struct { integer { size = 8; } x; }; };\n";
	struct ctf_trace_type t;

	(void)state;
	parse_damaged(&t, text, strlen(text));
	assert_int_equal(t.n_event_classes, 3);
	assert_id_of(&t, "b|d", 7);
	assert_id_of(&t, "b", -1);
	assert_id_of(&t, "d", -1);
	assert_int_equal(t.n_left_out, 1);
	ctf_trace_type_deinit(&t);
}

static void test_damaged_fragments(void **state)
{
	static const char *const fragments[] = {
		"{\"type\": \"preamble\", \"version\": 2}\n",
		"{\"type\": \"trace-class\"}\n{\"type\": \"data-stream-class\", \"id\": 5}\n",
		"{\"type\": \"event-record-class\", \"data-stream-class-id\": 5, \"id\": 1}\n",
		"{\"type\": \"event-record-class\", \"data-stream-class-id\": 5, \"id\": 2}\n",
		"{\"type\": \"event-record-class\", \"data-stream-class-id\": 5, \"id\": 3}\n",
	};
	struct bytes b = {0};
	size_t second = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(fragments) / sizeof(*fragments); i++) {
		if (i == 3)
			second = b.data.n;
		put(&b, "\x1e", 1);
		put(&b, fragments[i], strlen(fragments[i]));
	}
	for (size_t i = 0; i < 1 + strlen(fragments[3]); i++) {
		struct ctf_trace_type t;

		b.data.at[second + i] ^= 0x80;
		parse_damaged(&t, b.data.at, b.data.n);
		assert_non_null(ctf_find_event_class(t.streams[0], 1));
		assert_non_null(ctf_find_event_class(t.streams[0], 3));
		ctf_trace_type_deinit(&t);
		b.data.at[second + i] ^= 0x80;
	}
	vec_deinit(&b.data);
}

static void test_empty_and_rubbish(void **state)
{
	(void)state;
	assert_refused("", 0, "the metadata is empty");
	assert_refused(NULL, 0, "the metadata is empty");
	assert_refused("\xff\xfe", 2, "line 1: a character");
	assert_refused("\x1e", 1, "the metadata has no fragment");
	assert_refused("\0", 1, "line 1: a character");
}

static void test_record_separators(void **state)
{
	static const char text[] =
		"\x1e{\"type\": \"preamble\", \"version\": 2}\n"
		"\x1e\x1e{\"type\": \"data-stream-class\", \"id\": 5}"
		"\x1e{\"type\": \"event-record-class\", \"data-stream-class-id\": 5,"
		" \"name\": \"\xc3\xa9\"}\n\n";
	uint64_t dropped;

	(void)state;
	char *dump = parse_to_dump(text, strlen(text), &dropped);
	assert_string_equal(dump, "CTF 2.0 le events 1 slots 0\nstream 5 clock -\n"
				  "  event 0 \"\xc3\xa9\" index 0 level -1\n");
	free(dump);
	assert_refused("\x1e{\"type\": \"preamble\",\x1e \"version\": 2}", 36, "fragment 1");
}

static void test_cut_fragments(void **state)
{
	static const char text[] = "\x1e{\"type\": \"preamble\", \"version\": 2}\n"
				   "\x1e{\"type\": \"data-stream-class\"}\n"
				   "\x1e{\"type\": \"event-record-class\"}\n";
	struct bytes b = {0};
	uint64_t dropped;

	(void)state;
	put_packet(&b, text, strlen(text), 0, false);
	char *dump = parse_to_dump(b.data.at, b.data.n - 5, &dropped);
	assert_string_equal(dump, "CTF 2.0 le events 0 slots 0\nstream 0 clock -\n");
	assert_int_equal(dropped, strlen("\x1e{\"type\": \"event-record-class\"}\n") - 5);
	free(dump);
	vec_deinit(&b.data);
}

/* ---- what is asked of a trace type ---- */

static void test_find(void **state)
{
	struct ctf_trace_type t;
	VEC(char) text = {0};
	uint32_t found = 0;

	(void)state;
	for (const char *c = trace_block; *c; c++)
		*vec_push(&text) = *c;
	for (int id = 60; id >= 0; id -= 3) {
		char *event = mem_printf("event { id = %d; name = \"e%d\"; };\n", id, id);

		for (const char *c = event; *c; c++)
			*vec_push(&text) = *c;
		free(event);
	}
	vec_push(&text);
	parse_tsdl(&t, text.at);
	const struct ctf_stream_class *s = ctf_find_stream_class(&t, 0);
	assert_non_null(s);
	assert_null(ctf_find_stream_class(&t, 1));
	for (uint64_t id = 0; id < 70; id++) {
		const struct ctf_event_class *e = ctf_find_event_class(s, id);

		assert_int_equal(e != NULL, id % 3 == 0 && id <= 60);
		if (e) {
			assert_int_equal(e->id, id);
			assert_int_equal(e->index, found++);
			assert_ptr_equal(e->stream, s);
		}
	}
	vec_deinit(&text);
	ctf_trace_type_deinit(&t);
}

static void test_environment(void **state)
{
	struct ctf_trace_type t;

	(void)state;
	parse_tsdl(&t, "trace { major = 1; minor = 8; byte_order = le; };"
		       "env { hostname = \"a\"; tracer_major = 2; };");
	assert_string_equal(ctf_env_string(&t, "hostname"), "a");
	assert_null(ctf_env_string(&t, "tracer_major"));
	assert_null(ctf_env_string(&t, "domain"));
	ctf_trace_type_deinit(&t);
}

static void test_labels_and_ranges_keep_the_sign(void **state)
{
	static const struct field_label labels[] = {{"low", {(uint64_t)-5, (uint64_t)-1}},
						    {"zero", {0, 0}},
						    {"both", {(uint64_t)-1, 7}}};
	struct ctf_fc fc = {.kind = CTF_INT, .is_signed = true, .labels = labels, .n_labels = 3};
	const struct field_range range = {3, (uint64_t)-2};

	(void)state;
	assert_string_equal(ctf_label_of(&fc, (uint64_t)-5), "low");
	assert_string_equal(ctf_label_of(&fc, (uint64_t)-1), "low");
	assert_string_equal(ctf_label_of(&fc, 0), "zero");
	assert_string_equal(ctf_label_of(&fc, 7), "both");
	assert_null(ctf_label_of(&fc, 8));
	assert_null(ctf_label_of(&fc, (uint64_t)-6));
	assert_true(ctf_in_ranges(&range, 1, 5, false));
	assert_true(ctf_in_ranges(&range, 1, (uint64_t)-2, false));
	assert_false(ctf_in_ranges(&range, 1, (uint64_t)-1, false));
	assert_false(ctf_in_ranges(&range, 1, 5, true));
}

/* Two uses of one named type have slots of their own: else one's length would be the other's. */
static void test_uses_of_a_type_share_no_slot(void **state)
{
	struct ctf_trace_type t;

	(void)state;
	parse_tsdl(&t, "trace { major = 1; minor = 8; byte_order = le; };"
		       "typealias integer { size = 8; } := u8;"
		       "typealias struct { u8 n; u8 a[n]; } := list;"
		       "event { fields := struct { list one; list two; list three[2]; }; };");
	const struct ctf_fc *payload = t.streams[0]->events[0]->payload;
	int32_t slots[3];
	for (int i = 0; i < 3; i++) {
		const struct ctf_fc *list = payload->members[i].fc;

		list = list->elem ? list->elem : list;
		slots[i] = list->members[0].fc->save;
		assert_int_equal(list->members[1].fc->ref, slots[i]);
	}
	assert_int_not_equal(slots[0], slots[1]);
	assert_int_not_equal(slots[1], slots[2]);
	assert_int_equal(t.n_saves, 3);
	ctf_trace_type_deinit(&t);
}

/* ---- metadata that asks for too much ---- */

static char *repeat(const char *before, const char *open, const char *middle, const char *close,
		    size_t n)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	fprintf(f, "%s%s", trace_block, before);
	for (size_t i = 0; i < n; i++)
		fputs(open, f);
	fputs(middle, f);
	for (size_t i = 0; i < n; i++)
		fputs(close, f);
	fclose(f);
	return text;
}

static void assert_too_deep(const char *before, const char *open, const char *middle,
			    const char *close, const char *message)
{
	char *text = repeat(before, open, middle, close, 100000);

	assert_refused(text, strlen(text), message);
	free(text);
}

static void test_nesting_is_bounded(void **state)
{
	(void)state;
	assert_too_deep("", "struct { ", "string a;", "} a;", "types nested more than 64 deep");
	assert_too_deep("struct { string a", "[1]", "; };", "", "types nested more than 64 deep");
	assert_too_deep("", "struct { variant <x> { ", "string a;", "} a; } b;",
			"types nested more than 64 deep");
	assert_too_deep("", "enum : ", "string", "", "line 2: ");
}

static void test_deepest_that_is_taken(void **state)
{
	struct ctf_trace_type t;
	struct error err = {0};
	uint64_t dropped;

	(void)state;
	for (size_t depth = 60; depth < 66; depth++) {
		char *text = repeat("event { fields := ", "struct { ", "string a;", "} a;", depth);
		text[strlen(text) - 2] = ' '; /* the event's own type has no name */
		char *event = mem_printf("%s };", text);
		int r = ctf_metadata_parse(&t, (uint8_t *)event, strlen(event), &dropped, &err);

		assert_int_equal(r, depth <= 63 ? 0 : ERR);
		error_deinit(&err);
		ctf_trace_type_deinit(&t);
		free(text);
		free(event);
	}
}

/* Each name stands for twice the one before. */
static void test_growth_by_names_is_bounded(void **state)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	fprintf(f, "%stypealias string := t0;\n", trace_block);
	for (int i = 0; i < 60; i++)
		fprintf(f, "typealias struct { t%d a; t%d b; } := t%d;\n", i, i, i + 1);
	fclose(f);
	assert_refused(text, size, "more than 1048576 fields in all");
	free(text);
}

static void test_growth_by_aliases_is_bounded(void **state)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	fputs("{\"type\": \"preamble\", \"version\": 2}\n"
	      "{\"type\": \"field-class-alias\", \"name\": \"a0\", \"field-class\": {\"type\": "
	      "\"null-terminated-string\"}}\n",
	      f);
	for (int i = 0; i < 60; i++)
		fprintf(f,
			"{\"type\": \"field-class-alias\", \"name\": \"a%d\", \"field-class\": "
			"{\"type\": \"structure\", \"member-classes\": [{\"name\": \"x\", "
			"\"field-class\": \"a%d\"}, {\"name\": \"y\", \"field-class\": \"a%d\"}]}}\n",
			i + 1, i, i);
	fputs("{\"type\": \"trace-class\", \"packet-header-field-class\": \"a60\"}", f);
	fclose(f);
	assert_refused(text, size, "more than 1048576 fields in all");
	free(text);
}

/* Every sequence looks through all the members before it. */
static void test_searches_are_bounded(void **state)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	fprintf(f, "%stypealias integer { size = 8; } := u8;\nevent { fields := struct {\nu8 n;\n",
		trace_block);
	for (int i = 0; i < 100000; i++)
		fprintf(f, "u8 f%d[n];\n", i);
	fputs("}; };", f);
	fclose(f);
	assert_refused(text, size, "the metadata has too many references");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packets_join),
		cmocka_unit_test(test_cut_packet),
		cmocka_unit_test(test_rubbish_after_packet),
		cmocka_unit_test(test_mistake_in_whole_packet),
		cmocka_unit_test(test_packet_headers_refused),
		cmocka_unit_test(test_damaged_packet_headers),
		cmocka_unit_test(test_damaged_only_packet),
		cmocka_unit_test(test_left_out),
		cmocka_unit_test(test_not_guessed),
		cmocka_unit_test(test_unknown_attributes),
		cmocka_unit_test(test_ids_by_neighbours),
		cmocka_unit_test(test_ids_in_doubt),
		cmocka_unit_test(test_ids_of_same_fields),
		cmocka_unit_test(test_damaged_fragments),
		cmocka_unit_test(test_empty_and_rubbish),
		cmocka_unit_test(test_record_separators),
		cmocka_unit_test(test_cut_fragments),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_labels_and_ranges_keep_the_sign),
		cmocka_unit_test(test_uses_of_a_type_share_no_slot),
		cmocka_unit_test(test_nesting_is_bounded),
		cmocka_unit_test(test_deepest_that_is_taken),
		cmocka_unit_test(test_growth_by_names_is_bounded),
		cmocka_unit_test(test_growth_by_aliases_is_bounded),
		cmocka_unit_test(test_searches_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
