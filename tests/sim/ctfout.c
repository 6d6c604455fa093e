#include "ctfout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

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

struct ctf_out {
	struct ctf_spec spec;
	struct stream *streams; /* per channel, per CPU */
	unsigned n_streams;
	struct rng rng;
	uint64_t events, bytes;
	int failed; /* errno of the first write that failed */
};

static void put16(uint8_t *p, uint64_t v)
{
	memcpy(p, (uint16_t[]){(uint16_t)v}, 2);
}

static void put32(uint8_t *p, uint64_t v)
{
	memcpy(p, (uint32_t[]){(uint32_t)v}, 4);
}

static void put64(uint8_t *p, uint64_t v)
{
	memcpy(p, &v, 8);
}

static void put_be64(uint8_t *p, uint64_t v)
{
	put64(p, __builtin_bswap64(v));
}

static void put_all(struct ctf_out *o, int fd, const uint8_t *p, size_t n)
{
	while (n && !o->failed) {
		ssize_t done = write(fd, p, n);
		if (done < 0 && errno != EINTR)
			o->failed = errno;
		if (done > 0) {
			p += done;
			n -= (size_t)done;
			o->bytes += (uint64_t)done;
		}
	}
}

static void put_index_entry(struct ctf_out *o, const struct stream *s, size_t size, uint64_t end)
{
	const uint64_t fields[9] = {s->file_offset, size * 8,	s->used * 8, s->begin, end,
				    s->discarded,   s->channel, s->instance, s->seq};
	uint8_t entry[sizeof(fields)];

	for (unsigned i = 0; i < 9; i++)
		put_be64(entry + i * 8, fields[i]);
	put_all(o, s->index_fd, entry, sizeof(entry));
}

static void packet_open(struct stream *s, uint64_t raw)
{
	s->begin = s->last = raw;
	s->used = HEADER_SIZE + CONTEXT_SIZE;
	s->n_packet = 0;
}

static void packet_write_header(struct ctf_out *o, struct stream *s, size_t size, uint64_t end)
{
	uint8_t *p = s->packet;

	put32(p, MAGIC);
	memcpy(p + 4, o->spec.uuid, 16);
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
static void packet_close(struct ctf_out *o, struct stream *s, uint64_t end, bool last)
{
	size_t size = (s->used + PAGE - 1) / PAGE * PAGE;

	if (s->seq && !last && rng_percent(&o->rng, o->spec.lost_packets)) {
		o->spec.lost(o->spec.ctx, LOSS_PACKET, s->cpu, s->begin, end, s->n_packet);
		o->events -= s->n_packet;
	} else {
		packet_write_header(o, s, size, end);
		memset(s->packet + s->used, 0, size - s->used);
		put_index_entry(o, s, size, end);
		put_all(o, s->fd, s->packet, size);
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

static size_t put_header(const struct ctf_out *o, uint8_t *p, unsigned id, uint64_t raw,
			 uint64_t last)
{
	if (o->spec.compact)
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

/*
 * One packet in four that fills up meets no free one; the burst dropped then is as long as makes
 * the percentage right on the whole.
 */
static void maybe_begin_burst(struct ctf_out *o, struct stream *s, uint64_t raw)
{
	if (!rng_percent(&o->rng, o->spec.lost_events > 0 ? 25 : 0))
		return;
	double share = o->spec.lost_events / 100;
	int64_t mean = (int64_t)(4 * (double)s->n_packet * share / (1 - share)) + 1;
	s->burst = s->burst_n = (uint64_t)rng_exp(&o->rng, mean) + 1;
	s->burst_from = raw;
}

static void burst_end(struct ctf_out *o, struct stream *s, uint64_t raw)
{
	s->burst_n -= s->burst;
	s->discarded += s->burst_n;
	o->spec.lost(o->spec.ctx, LOSS_EVENTS, s->cpu, s->burst_from, raw, s->burst_n);
	s->burst = s->burst_n = 0;
}

/* Makes room for an event. Return: false when this event is one of those that are dropped. */
static bool make_room(struct ctf_out *o, struct stream *s, size_t max, uint64_t raw)
{
	if (s->used && !s->burst_n && s->used + max > o->spec.packet_size)
		maybe_begin_burst(o, s, raw);
	if (s->burst) {
		s->burst--;
		return false;
	}
	if (s->burst_n)
		burst_end(o, s, raw);
	else if (!s->used || s->used + max <= o->spec.packet_size)
		return true;
	packet_close(o, s, raw, false);
	return true;
}

static unsigned channel_of(const struct ctf_spec *spec, const struct event_class *c)
{
	return spec->channels && !strncmp(c->name, "kvm_", 4);
}

bool ctf_out_event(struct ctf_out *o, unsigned cpu, enum ev ev, uint64_t raw, const uint64_t *args)
{
	const struct event_class *c = &o->spec.table->at[ev];
	struct stream *s = &o->streams[channel_of(&o->spec, c) * o->spec.n_cpus + cpu];

	if (!make_room(o, s, EVENT_HEADER_MAX + c->max_size, raw))
		return false;
	if (!s->used)
		packet_open(s, raw);
	s->used += put_header(o, s->packet + s->used, ev, raw, s->last);
	s->used += event_encode(c, args, s->packet + s->used);
	s->last = raw;
	s->n_packet++;
	o->events++;
	return true;
}

uint64_t ctf_out_events(const struct ctf_out *o)
{
	return o->events;
}

uint64_t ctf_out_bytes(const struct ctf_out *o)
{
	return o->bytes;
}

static void write_uuid(FILE *f, const uint8_t *u)
{
	for (unsigned i = 0; i < 16; i++)
		fprintf(f, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", u[i]);
}

static void write_trace_block(const struct ctf_spec *spec, FILE *f)
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

static void write_env_block(const struct ctf_spec *spec, FILE *f)
{
	fprintf(f, "env {\n\thostname = \"%s\";\n\tdomain = \"kernel\";\n\tsysname = \"Linux\";\n",
		spec->hostname);
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
static void write_clock_block(const struct ctf_spec *spec, FILE *f)
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

static void write_stream_block(const struct ctf_spec *spec, FILE *f)
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

static void write_metadata(const struct ctf_spec *spec, FILE *f)
{
	write_trace_block(spec, f);
	write_env_block(spec, f);
	write_clock_block(spec, f);
	write_stream_block(spec, f);
	for (unsigned i = 0; i < N_EV; i++)
		event_write_metadata(&spec->table->at[i], i, channel_of(spec, &spec->table->at[i]),
				     f);
}

/* Cuts the text into metadata packets, each with its header. */
static void packetize(const struct ctf_spec *spec, const char *text, size_t n, FILE *f)
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

static int put_metadata(const struct ctf_spec *spec, const char *path, struct error *err)
{
	char *text = NULL;
	size_t n = 0;
	FILE *memory = open_memstream(&text, &n);

	if (!memory)
		return error_errno(err, errno, "cannot make metadata");
	write_metadata(spec, memory);
	fclose(memory);
	FILE *f = fopen(path, "w");
	if (f)
		packetize(spec, text, n, f);
	int bad = !f || ferror(f), closed = f ? fclose(f) : 0;
	free(text);
	return bad || closed ? error_errno(err, errno, "cannot write '%s'", path) : 0;
}

static int make_dir(const char *path, struct error *err)
{
	if (!mkdir(path, 0777) || errno == EEXIST)
		return 0;
	return error_errno(err, errno, "cannot make directory '%s'", path);
}

static int create(const char *dir, const char *name, unsigned cpu, const char *suffix, int *fdp,
		  struct error *err)
{
	char *path = mem_printf("%s/kernel/%s%u%s", dir, name, cpu, suffix);
	*fdp = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int ret = *fdp < 0 ? error_errno(err, errno, "cannot create '%s'", path) : 0;
	free(path);
	return ret;
}

static int open_stream(struct ctf_out *o, struct stream *s, struct error *err)
{
	const char *name = s->channel ? "kvm_" : "k_",
		   *index = s->channel ? "index/kvm_" : "index/k_";
	uint8_t header[16];

	s->packet = mem_alloc(o->spec.packet_size + PAGE);
	if (create(o->spec.dir, name, s->cpu, "", &s->fd, err) ||
	    create(o->spec.dir, index, s->cpu, ".idx", &s->index_fd, err))
		return ERR;
	put32(header, __builtin_bswap32(INDEX_MAGIC));
	put32(header + 4, __builtin_bswap32(1));
	put32(header + 8, __builtin_bswap32(1));
	put32(header + 12, __builtin_bswap32(72));
	put_all(o, s->index_fd, header, sizeof(header));
	return 0;
}

static int open_files(struct ctf_out *o, struct error *err)
{
	static const char *const subdirs[] = {"", "/kernel", "/kernel/index"};
	int ret = 0;

	for (unsigned i = 0; i < 3 && !ret; i++) {
		char *path = mem_printf("%s%s", o->spec.dir, subdirs[i]);
		ret = make_dir(path, err);
		free(path);
	}
	if (ret)
		return ret;
	char *path = mem_printf("%s/kernel/metadata", o->spec.dir);
	ret = put_metadata(&o->spec, path, err);
	free(path);
	for (unsigned i = 0; i < o->n_streams && !ret; i++)
		ret = open_stream(o, &o->streams[i], err);
	return ret;
}

int ctf_out_new(const struct ctf_spec *spec, struct ctf_out **outp, struct error *err)
{
	struct ctf_out *o = mem_zalloc(1, sizeof(*o));

	o->spec = *spec;
	o->n_streams = spec->n_cpus * (1 + spec->channels);
	o->streams = mem_zalloc(o->n_streams, sizeof(*o->streams));
	for (unsigned i = 0; i < o->n_streams; i++)
		o->streams[i] = (struct stream){.channel = i / spec->n_cpus,
						.cpu = i % spec->n_cpus,
						.instance = i,
						.fd = -1,
						.index_fd = -1};
	rng_init(&o->rng, spec->seed);
	if (open_files(o, err)) {
		ctf_out_free(o);
		return ERR;
	}
	*outp = o;
	return 0;
}

int ctf_out_close(struct ctf_out *o, uint64_t raw, struct error *err)
{
	for (unsigned i = 0; i < o->n_streams; i++) {
		struct stream *s = &o->streams[i];
		if (s->burst_n)
			burst_end(o, s, raw);
		if (!s->used)
			packet_open(s, raw);
		packet_close(o, s, raw, true);
	}
	return o->failed ? error_errno(err, o->failed, "cannot write in '%s'", o->spec.dir) : 0;
}

void ctf_out_free(struct ctf_out *o)
{
	if (!o)
		return;
	for (unsigned i = 0; i < o->n_streams; i++) {
		free(o->streams[i].packet);
		if (o->streams[i].fd >= 0)
			close(o->streams[i].fd);
		if (o->streams[i].index_fd >= 0)
			close(o->streams[i].index_fd);
	}
	free(o->streams);
	free(o);
}
