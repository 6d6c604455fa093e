/*
 * Packets of any bytes, read with one of a few small metadata (the first byte says which): nothing
 * outside of them is touched, reading ends, and the three ways of reading agree: every event shown,
 * all fields wanted, nothing wanted.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "input/ctf/cursor.h"
#include "input/ctf/metadata.h"
#include "fuzz.h"

/* As LTTng's kernel tracer, with fields of odd sizes, variable sizes and every kind besides. */
static const char compact[] =
	"/* CTF 1.8 */\n"
	"typealias integer { size = 8; align = 8; } := u8;\n"
	"typealias integer { size = 32; align = 8; } := u32;\n"
	"typealias integer { size = 64; align = 8; } := u64;\n"
	"trace { major = 1; minor = 8; uuid = \"00010203-0405-0607-0809-0a0b0c0d0e0f\";\n"
	"byte_order = le; packet.header := struct { u32 magic; u8 uuid[16]; u32 stream_id; }; };\n"
	"clock { name = c; freq = 1000000000; };\n"
	"stream { id = 0; packet.context := struct {\n"
	"integer { size = 64; align = 8; map = clock.c.value; } timestamp_begin;\n"
	"integer { size = 64; align = 8; map = clock.c.value; } timestamp_end;\n"
	"u64 content_size; u64 packet_size; u64 packet_seq_num; u64 events_discarded; u32 cpu_id; };\n"
	"event.header := struct {\n"
	"enum : integer { size = 5; align = 1; } { compact = 0 ... 30, extended = 31 } id;\n"
	"variant <id> {\n"
	"struct { integer { size = 27; align = 1; map = clock.c.value; } t; } compact;\n"
	"struct { u32 id; integer { size = 64; align = 8; map = clock.c.value; } t; } extended;\n"
	"} v; } align(8); };\n"
	"event { name = a; id = 0; stream_id = 0; fields := struct { u8 x; }; };\n"
	"event { name = b; id = 1; stream_id = 0; fields := struct { string s; u32 y; }; };\n"
	"event { name = c; id = 2; stream_id = 0; fields := struct {\n"
	"integer { size = 3; } n; integer { size = 7; } f[n]; enum : u8 { p = 0 ... 3, q = 5 } tag;\n"
	"variant <tag> { u32 p; struct { string s; u8 n; string t[n]; } q; } v;\n"
	"integer { size = 8; align = 8; encoding = UTF8; } comm[16]; }; };\n";

/* Large headers, big-endian, 32-bit counters and times, two stream classes. */
static const char large[] =
	"/* CTF 1.8 */\n"
	"typealias integer { size = 8; align = 8; } := u8;\n"
	"typealias integer { size = 16; align = 16; } := u16;\n"
	"typealias integer { size = 32; align = 32; } := u32;\n"
	"trace { major = 1; minor = 8; byte_order = be;\n"
	"packet.header := struct { u32 magic; u8 stream_id; }; };\n"
	"clock { name = c; freq = 3000000; offset = 7; };\n"
	"stream { id = 0; packet.context := struct {\n"
	"integer { size = 32; align = 32; map = clock.c.value; } timestamp_begin;\n"
	"integer { size = 32; align = 32; map = clock.c.value; } timestamp_end;\n"
	"u32 content_size; u32 packet_size; u32 events_discarded; };\n"
	"event.header := struct { enum : u16 { compact = 0 ... 65534, extended = 65535 } id;\n"
	"variant <id> { struct { integer { size = 32; align = 32; map = clock.c.value; } t; } compact;\n"
	"struct { u32 id; integer { size = 64; align = 32; map = clock.c.value; } t; } extended; } v;\n"
	"}; event.context := struct { u8 n; u16 ids[n]; }; };\n"
	"stream { id = 1; event.header := struct { u8 id; }; };\n"
	"event { name = a; id = 0; stream_id = 0; fields := struct { u8 x; u32 y; }; };\n"
	"event { name = b; id = 7; stream_id = 0; context := struct { u8 z; };\n"
	"fields := struct { u16 n; u8 bytes[n]; floating_point { exp_dig = 11; mant_dig = 53; } d; }; };\n"
	"event { name = c; id = 0; stream_id = 1; fields := struct { string s; }; };\n"
	"event { name = d; id = 1; stream_id = 1; fields := struct { }; };\n";

/* Neither header nor context. */
static const char bare[] =
	"/* CTF 1.8 */\n"
	"trace { major = 1; minor = 8; byte_order = le; };\n"
	"stream { event.header := struct { integer { size = 4; } id; }; };\n"
	"event { name = a; id = 0; fields := struct { integer { size = 3; } x; }; };\n"
	"event { name = b; id = 1; fields := struct { integer { size = 2; } n;\n"
	"struct { integer { size = 5; } k; integer { size = 9; signed = true; } g[k]; } f[n]; }; };\n";

#define UINT(size, role)                                                   \
	"{\"type\": \"fixed-length-unsigned-integer\", \"length\": " #size \
	", \"byte-order\": \"little-endian\", \"alignment\": 8, \"roles\": [\"" role "\"]}"
#define VARINT(...) "{\"type\": \"variable-length-unsigned-integer\"" __VA_ARGS__ "}"

static const char ctf2[] =
	"\x1e{\"type\": \"preamble\", \"version\": 2}\n"
	"\x1e{\"type\": \"trace-class\", \"packet-header-field-class\": {\"type\": \"structure\", "
	"\"member-classes\": [{\"name\": \"m\", \"field-class\": " UINT(
		32,
		"packet-magic-number") "}]}}\n"
				       "\x1e{\"type\": \"clock-class\", \"id\": \"c\", \"frequency\": 1000000000}\n"
				       "\x1e{\"type\": \"data-stream-class\", \"default-clock-class-id\": \"c\", "
				       "\"packet-context-field-class\": {\"type\": \"structure\", \"member-classes\": ["
				       "{\"name\": \"t\", \"field-class\": " UINT(16,
										  "packet-total-length") "}, "
													 "{\"name\": \"c\", \"field-class\": " UINT(16, "packet-content-length") "}, "
																						 "{\"name\": \"d\", \"field-class\": " UINT(8,
																											    "discarded-event-record-counter-snapshot") "}]}, \"event-record-header-field-class\": {\"type\": \"structure\", \"member-classes\": ["
																																       "{\"name\": \"i\", \"field-class\": " VARINT(", \"roles\": [\"event-record-class-id\"]") "}, "
																																												"{\"name\": \"t\", \"field-class\": " VARINT(", \"roles\": [\"default-clock-timestamp\"]") "}]}}\n"
																																																							   "\x1e{\"type\": \"event-record-class\", \"id\": 0, \"name\": \"a\", "
																																																							   "\"payload-field-class\": {\"type\": \"structure\", \"member-classes\": ["
																																																							   "{\"name\": \"n\", \"field-class\": " VARINT() "}, "
																																																													  "{\"name\": \"o\", \"field-class\": {\"type\": \"dynamic-length-array\", "
																																																													  "\"length-field-location\": {\"path\": [\"n\"]}, \"element-field-class\": "
																																																													  "{\"type\": \"optional\", \"selector-field-location\": {\"path\": [\"n\"]}, "
																																																													  "\"selector-field-ranges\": [[3, 9]], \"field-class\": " VARINT() "}}}, "
																																																																					    "{\"name\": \"b\", \"field-class\": {\"type\": \"dynamic-length-blob\", "
																																																																					    "\"length-field-location\": {\"path\": [\"n\"]}}}]}}\n"
																																																																					    "\x1e{\"type\": \"event-record-class\", \"id\": 1, \"name\": \"b\", "
																																																																					    "\"payload-field-class\": {\"type\": \"structure\", \"member-classes\": ["
																																																																					    "{\"name\": \"s\", \"field-class\": {\"type\": \"null-terminated-string\", "
																																																																					    "\"encoding\": \"utf-16le\"}}]}}\n";

struct choice {
	const char *text;
	size_t size;
};

static const struct choice choices[] = {{compact, sizeof(compact) - 1},
					{large, sizeof(large) - 1},
					{bare, sizeof(bare) - 1},
					{ctf2, sizeof(ctf2) - 1}};

enum { N_CHOICES = sizeof(choices) / sizeof(*choices), WANTS_MAX = 16 };

/* What one way of reading found. */
struct sums {
	uint64_t events, packets, lost, last_clock;
	struct diag_list diags;
};

enum { RUN_MAX = 3 };

struct found {
	struct ctf_head head;
	struct event_text at[WANTS_MAX];
};

struct slots {
	struct ctf_want wants[WANTS_MAX];
	uint32_t n;
	struct found found[RUN_MAX];
};

static void require(bool condition)
{
	if (!condition)
		abort();
}

static bool want_all(void *ctx, const struct ctf_event_class *cls, struct ctf_interest *interestp)
{
	struct slots *s = ctx;

	s->n = 0;
	for (uint32_t i = 0; cls->payload && i < cls->payload->n_members && i < WANTS_MAX; i++) {
		const struct ctf_member *m = &cls->payload->members[i];
		bool is_int = m->fc->kind == CTF_INT || m->fc->kind == CTF_VARINT;

		s->wants[s->n++] =
			(struct ctf_want){.name = m->name,
					  .scope = CTF_EVENT_PAYLOAD,
					  .kind = is_int ? CTF_WANT_INT : CTF_WANT_TEXT,
					  .offset = (uint16_t)offsetof(struct found, at[i])};
	}
	*interestp = (struct ctf_interest){.tag = 1, .wants = s->wants, .n_wants = s->n};
	return true;
}

/* Touches what is shown, for the sanitizers to see. */
static void touch(void *ctx, const struct ctf_fc *fc, const char *name, const uint8_t *at, size_t n)
{
	unsigned *sum = ctx;

	(void)fc;
	(void)name;
	for (size_t i = 0; i < n; i++)
		*sum += at[i];
}

static const struct ctf_visitor toucher = {.bytes = touch};

static void show_event(const struct ctf_cursor *c)
{
	unsigned sum = 0;

	for (enum ctf_scope s = CTF_EVENT_COMMON_CONTEXT; s <= CTF_EVENT_PAYLOAD; s++)
		ctf_cursor_visit(c, s, &toucher, &sum);
	ctf_cursor_visit(c, CTF_PACKET_CONTEXT, &toucher, &sum);
}

static void take_sums(struct sums *sums, const struct ctf_cursor *c)
{
	sums->events = c->n_events;
	sums->packets = c->n_packets;
	sums->last_clock = c->last_clock;
	sums->diags = c->diags;
}

static void read_stream(const struct ctf_trace *t, const struct ctf_plan *plan, bool every_event,
			struct slots *out, struct sums *sums)
{
	struct ctf_cursor c;
	int r;

	ctf_cursor_init(&c, t, &t->streams.at[0], plan, every_event, INT64_MIN);
	while ((r = ctf_cursor_next(&c, out->found)) != CTF_CURSOR_END) {
		sums->lost += r == CTF_CURSOR_LOST;
		if (every_event && r == CTF_CURSOR_EVENT)
			show_event(&c);
	}
	take_sums(sums, &c);
	ctf_cursor_deinit(&c);
}

/* The same, many at a time. */
static void run_stream(const struct ctf_trace *t, const struct ctf_plan *plan, struct slots *out,
		       struct sums *sums)
{
	struct ctf_cursor c;
	uint64_t taken = 0;
	int r = CTF_CURSOR_LOST;

	ctf_cursor_init(&c, t, &t->streams.at[0], plan, false, INT64_MIN);
	while (r != CTF_CURSOR_END) {
		size_t n = ctf_cursor_run(&c, out->found, sizeof(*out->found), RUN_MAX);

		require(n <= RUN_MAX);
		taken += n;
		if (n == RUN_MAX)
			continue;
		r = ctf_cursor_next(&c, out->found);
		taken += r == CTF_CURSOR_EVENT;
		sums->lost += r == CTF_CURSOR_LOST;
	}
	require(taken == c.n_events);
	take_sums(sums, &c);
	ctf_cursor_deinit(&c);
}

static void read_all_ways(const struct ctf_trace *t)
{
	struct slots slots = {0};
	struct sums shown = {0}, wanted = {0}, skipped = {0}, run = {0};
	struct ctf_plan *all = ctf_plan_new(&t->type, want_all, &slots);
	struct ctf_plan *none = ctf_plan_new(&t->type, NULL, NULL);

	read_stream(t, none, true, &slots, &shown);
	read_stream(t, all, false, &slots, &wanted);
	read_stream(t, none, false, &slots, &skipped);
	require(!memcmp(&shown, &wanted, sizeof(shown)));
	require(!memcmp(&shown, &skipped, sizeof(shown)));
	run_stream(t, all, &slots, &run);
	require(!memcmp(&shown, &run, sizeof(shown)));
	ctf_plan_free(all);
	ctf_plan_free(none);
}

static void read_file(struct ctf_trace *t, struct ctf_file *f)
{
	uint64_t *saved = mem_zalloc(t->type.n_saves + 1, sizeof(*saved));
	struct diag_list diags = {0};
	struct file_window window;
	struct ctf_packets src = ctf_trace_packets(t, f, &window, &diags);
	struct ctf_reader r;

	ctf_reader_init(&r, saved);
	if (ctf_packet_read(&src, 0, &r, &f->first)) {
		struct ctf_stream *s = vec_push(&t->streams);

		s->cls = f->first.cls;
		*vec_push(&s->files) = f;
		read_all_ways(t);
		vec_deinit(&s->files);
		vec_deinit(&t->streams);
	}
	file_window_deinit(&window);
	free(saved);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ctf_trace t = {0};
	struct error err = {0};
	uint64_t dropped;

	if (size < 2)
		return 0;
	const struct choice *choice = &choices[data[0] % N_CHOICES];
	struct ctf_file f = {.path = (char *)"packets",
			     .map = {.data = data + 1, .size = size - 1}};

	require(!ctf_metadata_parse(&t.type, (const uint8_t *)choice->text, choice->size, &dropped,
				    &err));
	read_file(&t, &f);
	ctf_trace_type_deinit(&t.type);
	error_deinit(&err);
	return 0;
}
