/*
 * mktrace FROM TO BYTES [PACKET_BYTES]: makes a long trace out of a short one.
 *
 * The events of the trace in directory FROM are written to directory TO again and again, each time
 * later, until the stream files have BYTES in all; in packets of about PACKET_BYTES (262144).
 *
 * Each repetition is later by a multiple of 2^32 cycles: event headers with 27 or 32 bits of time
 * stay as they are, and only full times and those of packets are written anew. This asks for times
 * of 64 bits in packet contexts and of no other sizes than these in event headers, and for event
 * headers that are aligned to bytes, which all is true of LTTng's kernel traces.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "input/ctf/bits.h"
#include "input/ctf/trace.h"
#include "input/ctf/visit.h"

enum { PAGE = 4096, PACKET_BYTES = 262144 };

#define SHIFT_STEP ((uint64_t)1 << 32)

/* A 64-bit integer in the bytes of a packet. */
struct place {
	uint64_t byte;
	bool big_endian;
	enum ctf_role role; /* of the packet context's; CTF_ROLE_NONE: an event's time */
};

struct event {
	uint64_t begin, end; /* bytes of its packet */
	uint64_t clock;
	uint32_t first_time, n_times; /* of the packet's event times */
};

/* A packet of FROM, taken apart. */
struct source {
	const uint8_t *data;
	uint64_t context_end; /* bytes */
	VEC(struct event) events;
	VEC(struct place) context, times;
};

struct stream {
	VEC(struct source) packets;
	FILE *out;
	uint64_t seq_num;
};

struct maker {
	const struct ctf_trace *from;
	const char *to;
	uint64_t packet_bytes, shift, written;
	VEC(struct stream) streams;
};

/* ---- taking apart --------------------------------------------------------------------------- */

struct walk {
	struct ctf_reader r;
	struct source *source;
	bool in_event;
};

static bool is_rewritten(const struct walk *w, const struct ctf_fc *fc)
{
	if (w->in_event)
		return fc->clock != NULL;
	return fc->role == CTF_ROLE_BEGIN_TIME || fc->role == CTF_ROLE_END_TIME ||
	       fc->role == CTF_ROLE_CONTENT_SIZE || fc->role == CTF_ROLE_PACKET_SIZE ||
	       fc->role == CTF_ROLE_SEQ_NUM;
}

static void note_integer(void *ctx, const struct ctf_fc *fc, const char *name, uint64_t value)
{
	struct walk *w = ctx;
	struct place p = {.byte = (w->r.pos - fc->size) / 8,
			  .big_endian = fc->big_endian,
			  .role = (enum ctf_role)fc->role};

	(void)name;
	(void)value;
	if (fc->size != 64 || !is_rewritten(w, fc))
		return;
	if (w->in_event)
		*vec_push(&w->source->times) = p;
	else
		*vec_push(&w->source->context) = p;
}

static const struct ctf_visitor noter = {.integer = note_integer};

/* Return: enum ctf_read. */
static int walk_root(struct walk *w, const struct ctf_fc *root)
{
	return root ? ctf_visit(&w->r, root, NULL, &noter, w) : CTF_READ_OK;
}

/* Return: whether there was an event. */
static bool walk_event(struct walk *w, const struct ctf_stream_class *s)
{
	struct event e = {.first_time = (uint32_t)w->source->times.n};

	w->r.pos = bits_align(w->r.pos, s->event_header->align);
	e.begin = w->r.pos / 8;
	if (w->r.pos >= w->r.end || walk_root(w, s->event_header))
		return false;
	e.clock = w->r.clock;
	const struct ctf_event_class *cls =
		ctf_find_event_class(s, w->r.role[CTF_ROLE_EVENT_CLASS_ID]);

	if (!cls || walk_root(w, s->event_common_context) || walk_root(w, cls->specific_context) ||
	    walk_root(w, cls->payload))
		return false;
	e.end = (w->r.pos + 7) / 8;
	e.n_times = (uint32_t)w->source->times.n - e.first_time;
	*vec_push(&w->source->events) = e;
	return true;
}

static void take_apart(const struct ctf_packets *src, const struct ctf_packet *p, uint64_t *saved,
		       struct source *out)
{
	struct walk w = {.source = out};

	ctf_reader_init(&w.r, saved);
	w.r.data = out->data = src->data + p->offset;
	w.r.end = p->content_end;
	walk_root(&w, src->type->packet_header);
	walk_root(&w, p->cls->packet_context);
	out->context_end = (w.r.pos + 7) / 8;
	w.in_event = true;
	while (walk_event(&w, p->cls))
		;
}

static void take_file_apart(const struct ctf_trace *t, const struct ctf_file *f, struct stream *s)
{
	struct diag_list diags = {0};
	struct file_window window;
	struct ctf_packets src = ctf_trace_packets(t, f, &window, &diags);
	uint64_t *saved = mem_zalloc(t->type.n_saves + 1, sizeof(*saved));
	struct ctf_reader r;
	struct ctf_packet p;

	ctf_reader_init(&r, saved);
	for (uint64_t at = 0; ctf_packet_read(&src, at, &r, &p); at = p.offset + p.size)
		take_apart(&src, &p, saved, vec_push(&s->packets));
	file_window_deinit(&window);
	free(saved);
}

/* ---- writing -------------------------------------------------------------------------------- */

static uint64_t get(const uint8_t *at, bool big_endian)
{
	return big_endian ? bits_read_be(at, 0, 64) : bits_read_le(at, 0, 64);
}

static void put(uint8_t *at, bool big_endian, uint64_t value)
{
	for (unsigned i = 0; i < 8; i++)
		at[big_endian ? 7 - i : i] = (uint8_t)(value >> (8 * i));
}

static uint64_t context_value(const struct place *p, const struct maker *m, const struct stream *s,
			      const struct event *first, const struct event *last, uint64_t content)
{
	switch (p->role) {
	case CTF_ROLE_BEGIN_TIME:
		return first->clock + m->shift;
	case CTF_ROLE_END_TIME:
		return last->clock + m->shift;
	case CTF_ROLE_CONTENT_SIZE:
		return content * 8;
	case CTF_ROLE_PACKET_SIZE:
		return bits_align(content, PAGE) * 8;
	default:
		return s->seq_num;
	}
}

/* Writes the events [from, to) of a packet as one packet. Return: whether it could be written. */
static bool write_packet(struct maker *m, struct stream *s, const struct source *src, size_t from,
			 size_t to)
{
	const struct event *first = &src->events.at[from], *last = &src->events.at[to - 1];
	uint64_t content = src->context_end + last->end - first->begin;
	uint64_t size = bits_align(content, PAGE);
	uint8_t *out = mem_zalloc(size, 1);

	memcpy(out, src->data, src->context_end);
	memcpy(out + src->context_end, src->data + first->begin, last->end - first->begin);
	vec_each (p, &src->context)
		put(out + p->byte, p->big_endian, context_value(p, m, s, first, last, content));
	for (uint32_t i = first->first_time; i < last->first_time + last->n_times; i++) {
		const struct place *p = &src->times.at[i];
		uint8_t *at = out + src->context_end + p->byte - first->begin;

		put(at, p->big_endian, get(at, p->big_endian) + m->shift);
	}
	bool good = fwrite(out, size, 1, s->out) == 1;

	free(out);
	s->seq_num++;
	m->written += size;
	return good;
}

/* Return: the event behind the last one that fits into a packet with number `from`. */
static size_t packet_end(const struct maker *m, const struct source *src, size_t from)
{
	size_t to = from + 1;

	while (to < src->events.n && src->events.at[to].end - src->events.at[from].begin <
					     m->packet_bytes - src->context_end)
		to++;
	return to;
}

/* Return: whether everything could be written. */
static bool write_stream(struct maker *m, struct stream *s)
{
	vec_each (src, &s->packets) {
		for (size_t from = 0, to; from < src->events.n; from = to) {
			to = packet_end(m, src, from);
			if (!write_packet(m, s, src, from, to))
				return false;
		}
	}
	return true;
}

static uint64_t span_of(const struct maker *m)
{
	uint64_t first = UINT64_MAX, last = 0;

	vec_each (s, &m->streams) {
		vec_each (p, &s->packets) {
			if (!p->events.n)
				continue;
			uint64_t a = p->events.at[0].clock, b = p->events.at[p->events.n - 1].clock;

			first = a < first ? a : first;
			last = b > last ? b : last;
		}
	}
	return last > first ? last - first : 0;
}

static bool copy_metadata(const struct maker *m)
{
	char *from = mem_printf("%s/metadata", m->from->path);
	char *to = mem_printf("%s/metadata", m->to);
	struct file_map map;
	struct error err = {0};
	FILE *out = NULL;
	bool good = !file_map_init(&map, from, &err) && (out = fopen(to, "w")) &&
		    fwrite(map.data, map.size, 1, out) == 1;

	if (out)
		good &= !fclose(out);
	file_map_deinit(&map);
	error_deinit(&err);
	free(from);
	free(to);
	return good;
}

static bool open_streams(struct maker *m)
{
	for (size_t i = 0; i < m->from->streams.n; i++) {
		struct stream *s = vec_push(&m->streams);
		char *path = mem_printf("%s/k_%zu", m->to, i);

		vec_each (f, &m->from->streams.at[i].files)
			take_file_apart(m->from, *f, s);
		s->out = fopen(path, "w");
		free(path);
		if (!s->out)
			return false;
	}
	return true;
}

static bool write_all(struct maker *m, uint64_t bytes)
{
	uint64_t step = bits_align(span_of(m) + 1, SHIFT_STEP);

	for (bool first = true; first || (m->written && m->written < bytes); first = false) {
		vec_each (s, &m->streams) {
			if (!write_stream(m, s))
				return false;
		}
		m->shift += step;
	}
	return true;
}

static bool close_streams(struct maker *m)
{
	bool good = true;

	vec_each (s, &m->streams) {
		good &= s->out && !fclose(s->out);
		vec_each (p, &s->packets) {
			vec_deinit(&p->events);
			vec_deinit(&p->context);
			vec_deinit(&p->times);
		}
		vec_deinit(&s->packets);
	}
	vec_deinit(&m->streams);
	return good;
}

int main(int argc, char **argv)
{
	struct maker m = {.packet_bytes = PACKET_BYTES};
	struct ctf_trace *from;
	struct error err = {0};

	if (argc < 4 || argc > 5) {
		fprintf(stderr, "usage: mktrace FROM TO BYTES [PACKET_BYTES]\n");
		return 2;
	}
	if (ctf_trace_open(&from, argv[1], &err)) {
		fprintf(stderr, "%s\n", err.text);
		error_deinit(&err);
		return EXIT_FAILURE;
	}
	m.from = from;
	m.to = argv[2];
	if (argc == 5 && strtoull(argv[4], NULL, 0) >= PAGE)
		m.packet_bytes = strtoull(argv[4], NULL, 0);
	bool good = (!mkdir(m.to, 0777) || errno == EEXIST) && copy_metadata(&m) &&
		    open_streams(&m) && write_all(&m, strtoull(argv[3], NULL, 0));

	good &= close_streams(&m);
	if (!good)
		perror(m.to);
	ctf_trace_free(from);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
