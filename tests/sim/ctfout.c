/*
 * A machine's trace as LTTng lays out a kernel trace: DIR/NAME/kernel/metadata (packetized), one
 * stream file k_N per CPU and its index/k_N.idx; with a second channel, which has KVM's events,
 * kvm_N too. Everything is written as it comes, one packet per stream is all the memory it takes.
 *
 * When a packet is full and no other is free, events are dropped and counted until one is (discard
 * mode), or a whole packet is overwritten (a gap in packet_seq_num).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "outops.h"

enum {
	PAGE = 4096,
	HEADER_SIZE = 32,  /* magic, uuid, stream_id, stream_instance_id */
	CONTEXT_SIZE = 52, /* timestamps, sizes, sequence number, discarded, cpu */
	EVENT_HEADER_MAX = 14,
	METADATA_PACKET = 4096,
	METADATA_HEADER = 37,
};

static const uint32_t MAGIC = 0xc1fc1fc1, METADATA_MAGIC = 0x75d11d57, INDEX_MAGIC = 0xc1f1dcc1;

struct stream {
	unsigned channel, cpu, instance;
	int fd, index_fd;
	uint8_t *packet;
	size_t used; /* bytes; 0: no packet is open */
	uint64_t begin, last, file_offset, seq;
	uint64_t n_packet;  /* events in it */
	uint64_t discarded; /* events since the stream began */
	uint64_t burst;	    /* events still to be dropped before the next packet */
	uint64_t burst_n, burst_from;
};

struct ctf {
	struct out out;
	struct event_table table;
	struct stream *streams; /* per channel, per CPU */
	unsigned n_streams;
};

static void put_be64(uint8_t *p, uint64_t v)
{
	put64(p, __builtin_bswap64(v));
}

static void put_index_entry(struct ctf *o, const struct stream *s, size_t size, uint64_t end)
{
	const uint64_t fields[9] = {s->file_offset, size * 8,	s->used * 8, s->begin, end,
				    s->discarded,   s->channel, s->instance, s->seq};
	uint8_t entry[sizeof(fields)];

	for (unsigned i = 0; i < 9; i++)
		put_be64(entry + i * 8, fields[i]);
	out_write(&o->out, s->index_fd, entry, sizeof(entry));
}

static void packet_open(struct stream *s, uint64_t raw)
{
	s->begin = s->last = raw;
	s->used = HEADER_SIZE + CONTEXT_SIZE;
	s->n_packet = 0;
}

static void packet_write_header(struct ctf *o, struct stream *s, size_t size, uint64_t end)
{
	uint8_t *p = s->packet;

	put32(p, MAGIC);
	memcpy(p + 4, o->out.spec.uuid, 16);
	put32(p + 20, s->channel);
	put64(p + 24, s->instance);
	p += HEADER_SIZE;
	put64(p, s->begin);
	put64(p + 8, end);
	put64(p + 16, s->used * 8);
	put64(p + 24, size * 8);
	put64(p + 32, s->seq);
	put64(p + 40, s->discarded);
	put32(p + 48, s->cpu);
}

/* Neither a stream's first packet nor its last is ever overwritten, so that every gap shows. */
static void packet_close(struct ctf *o, struct stream *s, uint64_t end, bool last)
{
	size_t size = (s->used + PAGE - 1) / PAGE * PAGE;

	if (s->seq && !last && rng_percent(&o->out.rng, o->out.spec.lost_packets)) {
		o->out.spec.lost(o->out.spec.ctx, LOSS_PACKET, s->cpu, s->begin, end, s->n_packet);
		o->out.events -= s->n_packet;
	} else {
		packet_write_header(o, s, size, end);
		memset(s->packet + s->used, 0, size - s->used);
		put_index_entry(o, s, size, end);
		out_write(&o->out, s->fd, s->packet, size);
		s->file_offset += size;
	}
	s->seq++;
	s->used = 0;
}

static size_t put_header_compact(uint8_t *p, unsigned id, uint64_t raw, uint64_t last)
{
	if (id < 31 && raw - last < (1u << 27)) {
		put32(p, id | (uint32_t)(raw << 5));
		return 4;
	}
	p[0] = 31;
	put32(p + 1, id);
	put64(p + 5, raw);
	return 13;
}

static size_t put_header(const struct ctf *o, uint8_t *p, unsigned id, uint64_t raw, uint64_t last)
{
	if (o->out.spec.compact)
		return put_header_compact(p, id, raw, last);
	if (raw - last <= UINT32_MAX) {
		put16(p, id);
		put32(p + 2, raw);
		return 6;
	}
	put16(p, 65535);
	put32(p + 2, id);
	put64(p + 6, raw);
	return 14;
}

static void burst_end(struct ctf *o, struct stream *s, uint64_t raw)
{
	s->burst_n -= s->burst;
	s->discarded += s->burst_n;
	o->out.spec.lost(o->out.spec.ctx, LOSS_EVENTS, s->cpu, s->burst_from, raw, s->burst_n);
	s->burst = s->burst_n = 0;
}

/* Makes room for an event. Return: false when this event is one of those that are dropped. */
static bool make_room(struct ctf *o, struct stream *s, size_t max, uint64_t raw)
{
	if (s->used && !s->burst_n && s->used + max > o->out.spec.packet_size) {
		s->burst = s->burst_n = out_burst(&o->out, s->n_packet);
		s->burst_from = raw;
	}
	if (s->burst) {
		s->burst--;
		return false;
	}
	if (s->burst_n)
		burst_end(o, s, raw);
	else if (!s->used || s->used + max <= o->out.spec.packet_size)
		return true;
	packet_close(o, s, raw, false);
	return true;
}

static unsigned channel_of(const struct out_spec *spec, const struct event_class *c)
{
	return spec->channels && !strncmp(c->name, "kvm_", 4);
}

static bool ctf_event(struct out *out, const struct out_context *in, enum ev ev, uint64_t raw,
		      const uint64_t *args)
{
	struct ctf *o = (struct ctf *)out;
	const struct event_class *c = &o->table.at[ev];
	struct stream *s = &o->streams[channel_of(&out->spec, c) * out->spec.n_cpus + in->cpu];

	if (!make_room(o, s, EVENT_HEADER_MAX + c->max_size, raw))
		return false;
	if (!s->used)
		packet_open(s, raw);
	s->used += put_header(o, s->packet + s->used, ev, raw, s->last);
	s->used += event_encode(c, args, s->packet + s->used);
	s->last = raw;
	s->n_packet++;
	o->out.events++;
	return true;
}

static void write_uuid(FILE *f, const uint8_t *u)
{
	for (unsigned i = 0; i < 16; i++)
		fprintf(f, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", u[i]);
}

static void write_trace_block(const struct out_spec *spec, FILE *f)
{
	static const unsigned widths[] = {8, 16, 32, 64};

	fprintf(f, "/* CTF 1.8 */\n\n");
	for (unsigned i = 0; i < 4; i++)
		fprintf(f,
			"typealias integer { size = %u; align = 8; signed = false; } := "
			"uint%u_t;\n",
			widths[i], widths[i]);
	fprintf(f, "typealias integer { size = 64; align = 8; signed = false; } := unsigned long;\n"
		   "typealias integer { size = 5; align = 1; signed = false; } := uint5_t;\n"
		   "typealias integer { size = 27; align = 1; signed = false; } := uint27_t;\n\n"
		   "trace {\n\tmajor = 1;\n\tminor = 8;\n\tuuid = \"");
	write_uuid(f, spec->uuid);
	fprintf(f, "\";\n\tbyte_order = le;\n\tpacket.header := struct {\n"
		   "\t\tuint32_t magic;\n\t\tuint8_t  uuid[16];\n\t\tuint32_t stream_id;\n"
		   "\t\tuint64_t stream_instance_id;\n\t};\n};\n\n");
}

static void write_env_block(const struct out_spec *spec, FILE *f)
{
	fprintf(f, "env {\n\thostname = \"%s\";\n\tdomain = \"kernel\";\n\tsysname = \"Linux\";\n",
		spec->name);
	fprintf(f, "\tkernel_release = \"%s\";\n\tkernel_version = \"#1 SMP simulated\";\n",
		spec->kernel_release);
	fprintf(f,
		"\ttracer_name = \"lttng-modules\";\n\ttracer_major = 2;\n\ttracer_minor = %d;\n"
		"\ttracer_patchlevel = %d;\n",
		spec->old ? 7 : 13, spec->old ? 0 : 9);
	fprintf(f, "\ttrace_buffering_scheme = \"global\";\n\ttrace_name = \"sim\";\n};\n\n");
}

/* LTTng gives the offset in units of the clock; whole seconds go to offset_s where these are not
 * ns. */
static void write_clock_block(const struct out_spec *spec, FILE *f)
{
	const struct machine_clock *c = spec->clock;
	int64_t offset_s = c->tsc ? c->origin / 1000000000 : 0;
	int64_t rest = c->origin - offset_s * 1000000000;

	fprintf(f, "clock {\n\tname = \"monotonic\";\n\tuuid = \"");
	write_uuid(f, spec->uuid);
	fprintf(f, "\";\n\tdescription = \"Monotonic Clock\";\n\tfreq = %llu;\n",
		(unsigned long long)c->freq);
	if (c->tsc)
		fprintf(f, "\toffset_s = %lld;\n", (long long)offset_s);
	fprintf(f, "\toffset = %lld;\n};\n\n",
		(long long)((__int128)rest * (int64_t)c->freq / 1000000000));
	static const unsigned widths[] = {27, 32, 64};
	for (unsigned i = 0; i < 3; i++)
		fprintf(f,
			"typealias integer {\n\tsize = %u; align = %u; signed = false;\n"
			"\tmap = clock.monotonic.value;\n} := uint%u_clock_monotonic_t;\n\n",
			widths[i], i ? 8 : 1, widths[i]);
}

static void write_header_struct(const char *name, unsigned bits, unsigned timestamp, unsigned max,
				FILE *f)
{
	fprintf(f, "struct %s {\n\tenum : uint%u_t { compact = 0 ... %u, extended = %u } id;\n",
		name, bits, max, max + 1);
	fprintf(f,
		"\tvariant <id> {\n\t\tstruct {\n\t\t\tuint%u_clock_monotonic_t timestamp;\n"
		"\t\t} compact;\n\t\tstruct {\n\t\t\tuint32_t id;\n"
		"\t\t\tuint64_clock_monotonic_t timestamp;\n\t\t} extended;\n\t} v;\n"
		"} align(8);\n\n",
		timestamp);
}

static void write_stream_block(const struct out_spec *spec, FILE *f)
{
	fprintf(f, "struct packet_context {\n\tuint64_clock_monotonic_t timestamp_begin;\n"
		   "\tuint64_clock_monotonic_t timestamp_end;\n\tuint64_t content_size;\n"
		   "\tuint64_t packet_size;\n\tuint64_t packet_seq_num;\n"
		   "\tunsigned long events_discarded;\n\tuint32_t cpu_id;\n};\n\n");
	write_header_struct("event_header_compact", 5, 27, 30, f);
	write_header_struct("event_header_large", 16, 32, 65534, f);
	for (unsigned channel = 0; channel <= spec->channels; channel++)
		fprintf(f,
			"stream {\n\tid = %u;\n\tevent.header := struct event_header_%s;\n"
			"\tpacket.context := struct packet_context;\n};\n\n",
			channel, spec->compact ? "compact" : "large");
}

static void write_metadata(const struct ctf *o, FILE *f)
{
	const struct out_spec *spec = &o->out.spec;

	write_trace_block(spec, f);
	write_env_block(spec, f);
	write_clock_block(spec, f);
	write_stream_block(spec, f);
	for (unsigned i = 0; i < (spec->poll_events ? N_EV : N_USUAL_EV); i++)
		event_write_metadata(&o->table.at[i], i, channel_of(spec, &o->table.at[i]), f);
}

/* Cuts the text into metadata packets, each with its header. */
static void packetize(const struct out_spec *spec, const char *text, size_t n, FILE *f)
{
	while (n) {
		uint8_t packet[METADATA_PACKET] = {0};
		size_t chunk = n < METADATA_PACKET - METADATA_HEADER
				       ? n
				       : METADATA_PACKET - METADATA_HEADER;
		put32(packet, METADATA_MAGIC);
		memcpy(packet + 4, spec->uuid, 16);
		put32(packet + 24, (METADATA_HEADER + chunk) * 8);
		put32(packet + 28, METADATA_PACKET * 8);
		packet[35] =
			1; /* version 1.8; bytes 32 to 34: no compression, encryption, checksum */
		packet[36] = 8;
		memcpy(packet + METADATA_HEADER, text, chunk);
		fwrite(packet, 1, METADATA_PACKET, f);
		text += chunk;
		n -= chunk;
	}
}

static int put_metadata(struct ctf *o, struct error *err)
{
	char *text = NULL;
	size_t n = 0;
	int fd;

	if (out_create(&o->out, &fd, err, "%s/kernel/metadata", o->out.spec.name))
		return ERR;
	FILE *memory = open_memstream(&text, &n), *f = fdopen(fd, "w");
	if (!memory || !f)
		return error_errno(err, errno, "cannot make metadata");
	write_metadata(o, memory);
	fclose(memory);
	packetize(&o->out.spec, text, n, f);
	int bad = ferror(f), closed = fclose(f);
	free(text);
	return bad || closed ? error_errno(err, errno, "cannot write metadata") : 0;
}

static int make_dir(const struct ctf *o, const char *subdir, struct error *err)
{
	char *path = mem_printf("%s/%s%s", o->out.spec.dir, o->out.spec.name, subdir);
	int ret = mkdir(path, 0777) && errno != EEXIST
			  ? error_errno(err, errno, "cannot make directory '%s'", path)
			  : 0;
	free(path);
	return ret;
}

static int open_stream(struct ctf *o, struct stream *s, struct error *err)
{
	const char *machine = o->out.spec.name, *name = s->channel ? "kvm_" : "k_";
	uint8_t header[16];

	s->packet = mem_alloc(o->out.spec.packet_size + PAGE);
	if (out_create(&o->out, &s->fd, err, "%s/kernel/%s%u", machine, name, s->cpu) ||
	    out_create(&o->out, &s->index_fd, err, "%s/kernel/index/%s%u.idx", machine, name,
		       s->cpu))
		return ERR;
	put32(header, __builtin_bswap32(INDEX_MAGIC));
	put32(header + 4, __builtin_bswap32(1));
	put32(header + 8, __builtin_bswap32(1));
	put32(header + 12, __builtin_bswap32(72));
	out_write(&o->out, s->index_fd, header, sizeof(header));
	return 0;
}

static int ctf_open(struct out *out, struct error *err)
{
	struct ctf *o = (struct ctf *)out;
	int ret = 0;

	event_table_init(&o->table, out->spec.old);
	o->n_streams = out->spec.n_cpus * (1 + out->spec.channels);
	o->streams = mem_zalloc(o->n_streams, sizeof(*o->streams));
	for (unsigned i = 0; i < o->n_streams; i++)
		o->streams[i] = (struct stream){.channel = i / out->spec.n_cpus,
						.cpu = i % out->spec.n_cpus,
						.instance = i,
						.fd = -1,
						.index_fd = -1};
	if (make_dir(o, "", err) || make_dir(o, "/kernel", err) ||
	    make_dir(o, "/kernel/index", err) || put_metadata(o, err))
		return ERR;
	for (unsigned i = 0; i < o->n_streams && !ret; i++)
		ret = open_stream(o, &o->streams[i], err);
	return ret;
}

/* The metadata says it. */
static int64_t ctf_origin(const struct out *out)
{
	(void)out;
	return 0;
}

static int ctf_close(struct out *out, uint64_t raw, struct error *err)
{
	struct ctf *o = (struct ctf *)out;

	(void)err;
	for (unsigned i = 0; i < o->n_streams; i++) {
		struct stream *s = &o->streams[i];
		if (s->burst_n)
			burst_end(o, s, raw);
		if (!s->used)
			packet_open(s, raw);
		packet_close(o, s, raw, true);
	}
	return 0;
}

static void ctf_free(struct out *out)
{
	struct ctf *o = (struct ctf *)out;

	for (unsigned i = 0; i < o->n_streams; i++) {
		free(o->streams[i].packet);
		if (o->streams[i].fd >= 0)
			close(o->streams[i].fd);
		if (o->streams[i].index_fd >= 0)
			close(o->streams[i].index_fd);
	}
	free(o->streams);
}

const struct out_ops out_ctf = {
	.size = sizeof(struct ctf),
	.open = ctf_open,
	.event = ctf_event,
	.origin = ctf_origin,
	.close = ctf_close,
	.free = ctf_free,
};
