#include "type_dump.h"

#include <inttypes.h>
#include <stdio.h>

static const char *role_name(uint8_t role)
{
	static const char *const names[CTF_N_ROLES] = {
		[CTF_ROLE_NONE] = "",
		[CTF_ROLE_MAGIC] = "magic",
		[CTF_ROLE_UUID] = "uuid",
		[CTF_ROLE_STREAM_CLASS_ID] = "stream-class-id",
		[CTF_ROLE_STREAM_ID] = "stream-id",
		[CTF_ROLE_PACKET_SIZE] = "packet-size",
		[CTF_ROLE_CONTENT_SIZE] = "content-size",
		[CTF_ROLE_BEGIN_TIME] = "begin",
		[CTF_ROLE_END_TIME] = "end",
		[CTF_ROLE_DISCARDED] = "discarded",
		[CTF_ROLE_SEQ_NUM] = "seq-num",
		[CTF_ROLE_EVENT_CLASS_ID] = "event-class-id",
		[CTF_ROLE_CPU_ID] = "cpu",
	};
	return names[role];
}

static void dump_range(FILE *f, struct field_range r, bool is_signed)
{
	if (is_signed)
		fprintf(f, "%" PRId64, (int64_t)r.lo);
	else
		fprintf(f, "%" PRIu64, r.lo);
	if (r.lo == r.hi)
		return;
	if (is_signed)
		fprintf(f, "..%" PRId64, (int64_t)r.hi);
	else
		fprintf(f, "..%" PRIu64, r.hi);
}

static void dump_ranges(FILE *f, const struct field_range *ranges, uint32_t n, bool is_signed)
{
	for (uint32_t i = 0; i < n; i++) {
		fputc(i ? ',' : ' ', f);
		dump_range(f, ranges[i], is_signed);
	}
}

static void dump_number(FILE *f, const struct ctf_fc *fc)
{
	static const char *const kinds[] = {
		[CTF_INT] = "int", [CTF_VARINT] = "varint", [CTF_FLOAT] = "float"};

	fprintf(f, "%s%s%.0u",
		fc->is_bool		? "bool "
		: fc->is_signed		? "s"
		: fc->kind == CTF_FLOAT ? ""
					: "u",
		kinds[fc->kind], fc->size);
	if (fc->kind != CTF_VARINT)
		fprintf(f, " %s", fc->big_endian ? "be" : "le");
	if (fc->reversed_bits)
		fputs(" reversed", f);
	if (fc->base != 10)
		fprintf(f, " base %u", fc->base);
	if (fc->role)
		fprintf(f, " role %s", role_name(fc->role));
	if (fc->clock)
		fprintf(f, " clock %s", fc->clock->name);
	if (fc->save != CTF_NO_SLOT)
		fprintf(f, " save %d", fc->save);
	if (fc->is_enum)
		fputs(" enum", f);
	for (uint32_t i = 0; i < fc->n_labels; i++) {
		fprintf(f, " %s=", fc->labels[i].name);
		dump_range(f, fc->labels[i].range, fc->is_signed);
	}
}

static void dump_content(FILE *f, const struct ctf_fc *fc)
{
	if (fc->content == CTF_CONTENT_TEXT)
		fputs(" text", f);
	if (fc->content == CTF_CONTENT_BLOB)
		fputs(" blob", f);
	if (fc->code_unit != 1)
		fprintf(f, " unit %u %s", fc->code_unit, fc->big_endian ? "be" : "le");
	if (fc->role)
		fprintf(f, " role %s", role_name(fc->role));
}

static void dump_head(FILE *f, const struct ctf_fc *fc)
{
	switch (fc->kind) {
	case CTF_INT:
	case CTF_VARINT:
	case CTF_FLOAT:
		dump_number(f, fc);
		break;
	case CTF_STRING:
		fputs("string", f);
		dump_content(f, fc);
		break;
	case CTF_STRUCT:
		fputs("struct", f);
		break;
	case CTF_ARRAY:
		fprintf(f, "array %" PRIu64, fc->length);
		dump_content(f, fc);
		break;
	case CTF_SEQUENCE:
		fprintf(f, "sequence of slot %d", fc->ref);
		dump_content(f, fc);
		break;
	case CTF_VARIANT:
		fprintf(f, "variant of slot %d", fc->ref);
		break;
	case CTF_OPTIONAL:
		fprintf(f, "optional of slot %d", fc->ref);
		dump_ranges(f, fc->ranges, fc->n_ranges, fc->ref_signed);
		break;
	}
	if (fc->align > 1)
		fprintf(f, " align %" PRIu32, fc->align);
	fputc('\n', f);
}

static void indent(FILE *f, int depth)
{
	for (int i = 0; i < depth; i++)
		fputs("  ", f);
}

static void dump_fc(FILE *f, const char *name, const struct ctf_fc *fc, int depth)
{
	indent(f, depth);
	fprintf(f, "%s: ", name);
	dump_head(f, fc);
	if (fc->elem)
		dump_fc(f, "-", fc->elem, depth + 1);
	for (uint32_t i = 0; i < fc->n_members; i++)
		dump_fc(f, fc->members[i].name, fc->members[i].fc, depth + 1);
	for (uint32_t i = 0; i < fc->n_options; i++) {
		const struct ctf_option *o = &fc->options[i];

		indent(f, depth + 1);
		fputs("when", f);
		dump_ranges(f, o->ranges, o->n_ranges, fc->ref_signed);
		fputc('\n', f);
		dump_fc(f, o->name ? o->name : "-", o->fc, depth + 2);
	}
}

static void dump_root(FILE *f, const char *name, const struct ctf_fc *fc, int depth)
{
	if (fc)
		dump_fc(f, name, fc, depth);
}

static void dump_trace(FILE *f, const struct ctf_trace_type *t)
{
	fprintf(f, "CTF %d.%d %s", t->major, t->minor, t->big_endian ? "be" : "le");
	if (t->has_uuid)
		fputs(" uuid ", f);
	for (int i = 0; i < 16 && t->has_uuid; i++)
		fprintf(f, "%02x", t->uuid[i]);
	fprintf(f, " events %" PRIu32 " slots %" PRIu32 "\n", t->n_event_classes, t->n_saves);
	for (uint32_t i = 0; i < t->n_env; i++) {
		if (t->env[i].string)
			fprintf(f, "env %s = \"%s\"\n", t->env[i].name, t->env[i].string);
		else
			fprintf(f, "env %s = %" PRId64 "\n", t->env[i].name, t->env[i].integer);
	}
}

static void dump_clock(FILE *f, const struct ctf_clock *c)
{
	fprintf(f,
		"clock %s \"%s\" uuid %s %" PRIu64 " Hz +- %" PRIu64 " offset %" PRId64
		" s %" PRIu64 "%s\n",
		c->name, c->description, c->uuid ? c->uuid : "-", c->frequency, c->precision,
		c->offset_s, c->offset_cycles, c->unix_epoch ? " epoch" : "");
}

static void dump_event(FILE *f, const struct ctf_event_class *e)
{
	fprintf(f, "  event %" PRIu64 " \"%s\" index %" PRIu32 " level %" PRId64 "\n", e->id,
		e->name, e->index, e->log_level);
	dump_root(f, "context", e->specific_context, 2);
	dump_root(f, "payload", e->payload, 2);
}

static void dump_stream(FILE *f, const struct ctf_stream_class *s)
{
	fprintf(f, "stream %" PRIu64 " clock %s\n", s->id, s->clock ? s->clock->name : "-");
	dump_root(f, "packet context", s->packet_context, 1);
	dump_root(f, "event header", s->event_header, 1);
	dump_root(f, "common context", s->event_common_context, 1);
	for (uint32_t i = 0; i < s->n_events; i++)
		dump_event(f, s->events[i]);
}

char *type_dump(const struct ctf_trace_type *t)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	dump_trace(f, t);
	for (uint32_t i = 0; i < t->n_clocks; i++)
		dump_clock(f, t->clocks[i]);
	dump_root(f, "packet header", t->packet_header, 0);
	for (uint32_t i = 0; i < t->n_streams; i++)
		dump_stream(f, t->streams[i]);
	fclose(f);
	return text;
}
