/*
 * oracle_tracedat TRACE.DAT: every event of a trace.dat with all its fields, as libtracecmd and
 * libtraceevent find them, one JSON object a line.
 *
 * The lines are those of tracedat_reader.py. Times are the recording's own counts. Text is printed
 * byte by byte, each that is not ASCII as one \u00xx, since it need not be UTF-8.
 */
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trace-cmd.h>

/* The library exports these, but its header does not declare them. */
enum { FLAG_RAW_TS = 1 << 3 };
void tracecmd_set_flag(struct tracecmd_input *handle, int flag);
int tracecmd_cpus(struct tracecmd_input *handle);

/* Bytes of a record. */
struct place {
	const uint8_t *at;
	int size;
};

struct oracle {
	struct tracecmd_input *input;
	struct tep_handle *tep;
	const char *instance;
};

static void print_text(const char *text, size_t n)
{
	putchar('"');
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void print_string(const char *text)
{
	print_text(text, strlen(text));
}

static uint64_t read_number(const struct oracle *o, const void *at, int size)
{
	return tep_read_number(o->tep, at, size);
}

static void print_number(const struct oracle *o, const uint8_t *at, int size, bool is_signed)
{
	uint64_t value = read_number(o, at, size);
	int up = 64 - 8 * size;

	if (is_signed)
		printf("%lld", (long long)((int64_t)(value << up) >> up));
	else
		printf("%llu", (unsigned long long)value);
}

static void print_array(const struct oracle *o, struct place place, int size, bool is_signed)
{
	putchar('[');
	for (int at = 0; at + size <= place.size; at += size) {
		if (at)
			putchar(',');
		print_number(o, place.at + at, size, is_signed);
	}
	putchar(']');
}

static bool is_size_of_number(unsigned size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

/* Cuts a place to what the record has. */
static struct place place_in(const struct tep_record *record, int at, int size)
{
	if (at < 0 || at > record->size)
		at = record->size;
	if (size < 0 || size > record->size - at)
		size = record->size - at;
	return (struct place){(const uint8_t *)record->data + at, size};
}

static struct place place_of(const struct oracle *o, const struct tep_format_field *field,
			     const struct tep_record *record)
{
	if (!(field->flags & TEP_FIELD_IS_DYNAMIC))
		return place_in(record, field->offset, field->size ? field->size : INT_MAX);
	uint32_t where = (uint32_t)read_number(o, (char *)record->data + field->offset, 4);
	int at = where & 0xffff;

	if (field->flags & TEP_FIELD_IS_RELATIVE)
		at += field->offset + field->size;
	return place_in(record, at, (int)(where >> 16));
}

static const char *skip_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	return strncmp(text, word, n) ? text : text + n;
}

/*
 * A field of size 0 takes the rest of the record; libtraceevent does not say that it is an array.
 */
static bool is_array(const struct tep_format_field *field)
{
	return !field->size || field->flags & (TEP_FIELD_IS_ARRAY | TEP_FIELD_IS_DYNAMIC);
}

/* libtraceevent takes arrays of u8 for strings, too. */
static bool is_text(const struct tep_format_field *field)
{
	const char *type = skip_word(field->type, "__data_loc ");

	type = skip_word(skip_word(type, "__rel_loc "), "const ");
	return is_array(field) && !strncmp(type, "char", 4) && strchr("[ ", type[4]);
}

static unsigned element_size(const struct oracle *o, const struct tep_format_field *field)
{
	if (field->size)
		return is_array(field) ? field->elementsize : (unsigned)field->size;
	if (strstr(field->type, "long"))
		return (unsigned)tep_get_long_size(o->tep);
	return strstr(field->type, "u32") ? 4 : 1;
}

static void print_value(const struct oracle *o, const struct tep_format_field *field,
			const struct tep_record *record)
{
	struct place place = place_of(o, field, record);
	bool is_signed = field->flags & TEP_FIELD_IS_SIGNED;
	unsigned size = element_size(o, field);

	if (is_text(field))
		print_text((const char *)place.at,
			   strnlen((const char *)place.at, (size_t)place.size));
	else if (!is_size_of_number(size))
		print_array(o, place, 1, false);
	else if (is_array(field))
		print_array(o, place, (int)size, is_signed);
	else
		print_number(o, place.at, place.size, is_signed);
}

static void print_fields(const struct oracle *o, const struct tep_format_field *fields,
			 const struct tep_record *record)
{
	const char *comma = "";

	putchar('{');
	for (const struct tep_format_field *f = fields; f; f = f->next) {
		if (!strcmp(f->name, "common_type"))
			continue;
		fputs(comma, stdout);
		print_string(f->name);
		putchar(':');
		print_value(o, f, record);
		comma = ",";
	}
	putchar('}');
}

static void print_lost(const struct oracle *o, const struct tep_record *record)
{
	printf("{\"raw\":null,\"cpu\":%d,\"instance\":", record->cpu);
	print_string(o->instance);
	if (record->missed_events > 0)
		printf(",\"lost\":{\"events\":%lld}}\n", (long long)record->missed_events);
	else
		fputs(",\"lost\":{\"events\":null}}\n", stdout);
}

static void print_record(const struct oracle *o, struct tep_record *record)
{
	struct tep_event *event = tep_find_event_by_record(o->tep, record);

	if (record->missed_events)
		print_lost(o, record);
	printf("{\"raw\":%llu,\"cpu\":%d,\"instance\":", record->ts, record->cpu);
	print_string(o->instance);
	if (!event) {
		fputs(",\"system\":null,\"name\":null,\"context\":{},\"fields\":{}}\n", stdout);
		return;
	}
	fputs(",\"system\":", stdout);
	print_string(event->system);
	fputs(",\"name\":", stdout);
	print_string(event->name);
	fputs(",\"context\":", stdout);
	print_fields(o, event->format.common_fields, record);
	fputs(",\"fields\":", stdout);
	print_fields(o, event->format.fields, record);
	fputs("}\n", stdout);
}

static void print_instance(struct tracecmd_input *input, const char *name)
{
	struct oracle o = {.input = input, .tep = tracecmd_get_tep(input), .instance = name};
	struct tep_record *record;

	tracecmd_set_flag(input, FLAG_RAW_TS);
	for (int cpu = 0; cpu < tracecmd_cpus(input); cpu++) {
		while ((record = tracecmd_read_data(input, cpu))) {
			print_record(&o, record);
			tracecmd_free_record(record);
		}
	}
}

int main(int argc, char **argv)
{
	struct tracecmd_input *input =
		argc == 2 ? tracecmd_open_head(argv[1], TRACECMD_FL_LOAD_NO_PLUGINS) : NULL;

	if (!input) {
		fprintf(stderr, argc == 2 ? "cannot open '%s'\n" : "usage: oracle_tracedat FILE\n",
			argv[argc - 1]);
		return EXIT_FAILURE;
	}
	tracecmd_set_flag(input, FLAG_RAW_TS);
	if (tracecmd_init_data(input))
		return EXIT_FAILURE;
	print_instance(input, "");
	for (int i = 0; i < tracecmd_buffer_instances(input); i++) {
		struct tracecmd_input *instance = tracecmd_buffer_instance_handle(input, i);

		if (!instance)
			return EXIT_FAILURE;
		print_instance(instance, tracecmd_buffer_instance_name(input, i));
		tracecmd_close(instance);
	}
	tracecmd_close(input);
	return ferror(stdout) || fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
