/*
 * A machine's recording as `perf record -a` writes it: NAME.perf.data in file mode.
 *
 *	header, ids, attributes;
 *	data: the threads that were there, then rounds: what each CPU held back, one after the
 *other, and FINISHED_ROUND; features
 *
 * Facts: perf.data-file-format.txt of Linux's tools/perf, linux/perf_event.h, real recordings.
 *
 * Every tracepoint is an event with one id per CPU; one more, the dummy, is there to tell of
 *threads. Within a round a CPU's records are in order, those of different CPUs are not; each CPU's
 *part of a round is cut a bit later than that of the one before, as perf does it.
 *
 * Losses are those of a full buffer: records are dropped and counted until there is room, then LOST
 *says how many. What tells of a thread goes with the event that it belongs to.
 */
#include <assert.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

#include "base/mem.h"
#include "outops.h"

enum {
	HEADER_SIZE = 104,
	ATTR_SIZE = 128, /* PERF_ATTR_SIZE_VER7 */
	FILE_ATTR_SIZE = ATTR_SIZE + 16,
	FIRST_ID = 11,
	RECORD_MAX = 512,     /* of those that are put together in a struct record */
	INDEX_ENTRIES = 2000, /* as many as a record's size allows */
	TSC_SHIFT = 31,
	PIECE = 32768, /* what is compressed into one record */
	MMAP_LEN = 528384,
};

/* Records that perf itself writes, not the kernel. */
enum {
	RECORD_FINISHED_ROUND = 68,
	RECORD_ID_INDEX = 69,
	RECORD_TIME_CONV = 79,
	RECORD_COMPRESSED = 81,
	RECORD_FINISHED_INIT = 82
};

enum feature {
	F_TRACING_DATA = 1,
	F_HOSTNAME = 3,
	F_OSRELEASE = 4,
	F_VERSION = 5,
	F_ARCH = 6,
	F_NRCPUS = 7,
	F_EVENT_DESC = 12,
	F_SAMPLE_TIME = 21,
	F_CLOCKID = 23,
	F_COMPRESSED = 27,
	F_CLOCK_DATA = 29,
	N_FEATURES
};

/* What a CPU holds back, and what it loses. */
struct buffer {
	uint8_t *at;
	size_t n, cap;
	size_t since;	   /* bytes since a packet of it was full */
	uint64_t n_packet; /* events in them */
	uint64_t burst;	   /* events still to be dropped before there is room */
	uint64_t lost;	   /* records that were */
	uint64_t lost_from;
	enum loss kind;
};

struct perf {
	struct out out;
	struct tracepoints tracepoints;
	int fd;
	struct buffer *buffers; /* per CPU */
	int round;		/* the CPU whose turn it is, -1: no round has begun */
	bool events_begun;
	uint64_t data_at, data_size;
	uint64_t begin, begin_ns;	    /* of tracing */
	uint64_t first_sample, last_sample; /* ns of perf's clock, 0: none yet */
	ZSTD_CCtx *zstd;		    /* NULL: not compressed */
};

struct record {
	uint8_t at[RECORD_MAX];
	size_t n;
};

static uint64_t perf_ns(const struct perf *p, uint64_t raw)
{
	const struct machine_clock *c = p->out.spec.clock;
	return (uint64_t)(machine_clock_ns(c, raw) - c->origin);
}

/* The dummy is event number tracepoints.n. */
static unsigned n_attrs(const struct perf *p)
{
	return p->tracepoints.n + 1;
}

static uint64_t id_of(const struct perf *p, unsigned event, unsigned cpu)
{
	return FIRST_ID + (uint64_t)event * p->out.spec.n_cpus + cpu;
}

/* ---- records -------------------------------------------------------------------------------- */

static void put_u32(struct record *r, uint64_t v)
{
	put32(r->at + r->n, v);
	r->n += 4;
}

static void put_u64(struct record *r, uint64_t v)
{
	put64(r->at + r->n, v);
	r->n += 8;
}

static void put_bytes(struct record *r, const void *p, size_t n)
{
	memcpy(r->at + r->n, p, n);
	r->n += n;
}

/* The name, its NUL and what fills it up to 8 bytes. */
static void put_comm(struct record *r, const char *comm)
{
	char text[COMM_LEN] = {0};

	snprintf(text, sizeof(text), "%s", comm);
	put_bytes(r, text, (strlen(text) + 8) / 8 * 8);
}

static void record_begin(struct record *r, uint32_t type, uint16_t misc)
{
	memset(r, 0, sizeof(*r));
	put_u32(r, type);
	put_u32(r, misc); /* the size follows in record_end() */
}

static void record_end(struct record *r)
{
	r->n = (r->n + 7) / 8 * 8;
	put16(r->at + 6, r->n);
}

/* What follows every record that is no sample: who was current when it was written, of which event
 * it is. */
static void put_sample_id(struct record *r, const struct perf *p, const struct out_context *in,
			  uint64_t ns)
{
	if (!in) { /* perf made it up from /proc */
		memset(r->at + r->n, 0, 32);
		r->n += 32;
		return;
	}
	put_u32(r, (uint32_t)in->pid);
	put_u32(r, (uint32_t)in->tid);
	put_u64(r, ns);
	put_u64(r, in->cpu);
	put_u64(r, id_of(p, p->tracepoints.n, in->cpu));
}

static void make_task(struct record *r, const struct perf *p, uint32_t type, uint16_t misc,
		      const struct out_thread *t, int32_t ptid, const struct out_context *in,
		      uint64_t ns)
{
	record_begin(r, type, misc);
	put_u32(r, (uint32_t)t->pid);
	put_u32(r, (uint32_t)t->ppid);
	put_u32(r, (uint32_t)t->tid);
	put_u32(r, (uint32_t)ptid);
	put_u64(r, ns);
	put_sample_id(r, p, in, ns);
	record_end(r);
}

static void make_comm(struct record *r, const struct perf *p, uint16_t misc,
		      const struct out_thread *t, const struct out_context *in, uint64_t ns)
{
	record_begin(r, PERF_RECORD_COMM, misc);
	put_u32(r, (uint32_t)t->pid);
	put_u32(r, (uint32_t)t->tid);
	put_comm(r, t->comm);
	put_sample_id(r, p, in, ns);
	record_end(r);
}

/* Only PID namespaces differ between threads. */
static void make_namespaces(struct record *r, const struct perf *p, const struct out_thread *t,
			    const struct out_context *in, uint64_t ns)
{
	uint32_t inodes[NR_NAMESPACES] = {
		[NET_NS_INDEX] = 4026531840u,	[UTS_NS_INDEX] = 4026531838u,
		[IPC_NS_INDEX] = 4026531839u,	[PID_NS_INDEX] = t->ns_inum,
		[USER_NS_INDEX] = 4026531837u,	[MNT_NS_INDEX] = 4026531841u,
		[CGROUP_NS_INDEX] = 4026531835u};

	record_begin(r, PERF_RECORD_NAMESPACES, 0);
	put_u32(r, (uint32_t)t->pid);
	put_u32(r, (uint32_t)t->tid);
	put_u64(r, NR_NAMESPACES);
	for (unsigned i = 0; i < NR_NAMESPACES; i++) {
		put_u64(r, 4); /* device */
		put_u64(r, inodes[i]);
	}
	put_sample_id(r, p, in, ns);
	record_end(r);
}

static void make_lost(struct record *r, const struct perf *p, uint64_t lost,
		      const struct out_context *in, uint64_t ns)
{
	record_begin(r, PERF_RECORD_LOST, 0);
	put_u64(r, id_of(p, p->tracepoints.n, in->cpu));
	put_u64(r, lost);
	put_sample_id(r, p, in, ns);
	record_end(r);
}

/* The raw data is filled up so that its size and it take a multiple of 8 bytes. */
static void make_sample(struct record *r, const struct perf *p, unsigned event,
			const struct out_context *in, uint64_t ns, const uint8_t *data, size_t n)
{
	size_t raw_size = (n + 4 + 7) / 8 * 8 - 4;

	record_begin(r, PERF_RECORD_SAMPLE,
		     in->in_guest ? PERF_RECORD_MISC_GUEST_KERNEL : PERF_RECORD_MISC_KERNEL);
	put_u64(r, id_of(p, event, in->cpu));
	put_u64(r, 0xffffffff81000000 + (uint64_t)event * 0x1230);
	put_u32(r, (uint32_t)in->pid);
	put_u32(r, (uint32_t)in->tid);
	put_u64(r, ns);
	put_u64(r, in->cpu);
	put_u64(r, 1); /* period */
	put_u32(r, raw_size);
	put_bytes(r, data, n);
	r->n += raw_size - n;
	record_end(r);
}

/* ---- to the file ---------------------------------------------------------------------------- */

static void perf_write(struct perf *p, const void *at, size_t n)
{
	out_write(&p->out, p->fd, at, n);
	p->data_size += n;
}

static void write_record(struct perf *p, const struct record *r)
{
	perf_write(p, r->at, r->n);
}

static void write_empty(struct perf *p, uint32_t type)
{
	struct record r;

	record_begin(&r, type, 0);
	record_end(&r);
	write_record(p, &r);
}

/* All COMPRESSED records of a file are one stream; where one ends has nothing to do with where the
 * records in it do. */
static void write_compressed(struct perf *p, const uint8_t *at, size_t n)
{
	static_assert(PIECE + PIECE / 8 < UINT16_MAX, "a record's size is 16 bits");
	uint8_t packed[8 + PIECE + PIECE / 8] = {RECORD_COMPRESSED};

	while (n) {
		ZSTD_inBuffer in = {at, n < PIECE ? n : PIECE, 0};
		ZSTD_outBuffer out = {packed, sizeof(packed), 8};
		ZSTD_compressStream2(p->zstd, &out, &in, ZSTD_e_flush);
		put16(packed + 6, out.pos);
		perf_write(p, packed, out.pos);
		at += in.size;
		n -= in.size;
	}
}

static void buffer_flush(struct perf *p, struct buffer *b)
{
	if (p->zstd)
		write_compressed(p, b->at, b->n);
	else
		perf_write(p, b->at, b->n);
	b->n = 0;
}

/* After every event: one CPU after the other has its turn in a round, which begins when one holds
 * enough. */
static void round_advance(struct perf *p, const struct buffer *b)
{
	if (p->round < 0 && b->n < p->out.spec.packet_size)
		return;
	if (p->round < 0)
		p->round = 0;
	buffer_flush(p, &p->buffers[p->round++]);
	if (p->round < (int)p->out.spec.n_cpus)
		return;
	p->round = -1;
	write_empty(p, RECORD_FINISHED_ROUND);
}

static void buffer_append(struct buffer *b, const struct record *r)
{
	if (b->n + r->n > b->cap) {
		b->cap = (b->n + r->n) * 2;
		b->at = mem_realloc(b->at, b->cap);
	}
	memcpy(b->at + b->n, r->at, r->n);
	b->n += r->n;
	b->since += r->n;
}

/* ---- what tells of threads ------------------------------------------------------------------ */

enum { MAX_SIDE = 3 };

struct side {
	struct record at[MAX_SIDE];
	unsigned n;
	bool after; /* the event */
};

static void side_of_fork(struct side *s, const struct perf *p, const struct out_context *in,
			 uint64_t ns, const uint64_t *args)
{
	const char *parent = (const char *)(uintptr_t)args[0];
	const struct out_thread child = {.tid = (int32_t)args[5],
					 .pid = (int32_t)args[7],
					 .ppid = (int32_t)args[2],
					 .comm = (const char *)(uintptr_t)args[4],
					 .ns_inum = (uint32_t)args[8]};

	make_task(&s->at[s->n++], p, PERF_RECORD_FORK, 0, &child, (int32_t)args[1], in, ns);
	if (p->out.spec.namespaces)
		make_namespaces(&s->at[s->n++], p, &child, in, ns);
	if (strncmp(child.comm, parent, COMM_LEN) != 0)
		make_comm(&s->at[s->n++], p, 0, &child, in, ns);
}

/* Return: what is recorded beside an event. */
static void side_of(struct side *s, const struct perf *p, const struct out_context *in, enum ev ev,
		    uint64_t ns, const uint64_t *args)
{
	const struct out_thread self = {
		.tid = in->tid, .pid = in->pid, .ppid = in->ppid, .comm = in->comm};

	s->n = 0;
	s->after = ev == EV_EXIT;
	if (ev == EV_FORK)
		side_of_fork(s, p, in, ns, args);
	else if (ev == EV_EXEC)
		make_comm(&s->at[s->n++], p, PERF_RECORD_MISC_COMM_EXEC, &self, in, ns);
	else if (ev == EV_EXIT)
		make_task(&s->at[s->n++], p, PERF_RECORD_EXIT, 0, &self, self.ppid, in, ns);
}

static void append_side(struct buffer *b, const struct side *s, bool after)
{
	for (unsigned i = 0; s->after == after && i < s->n; i++)
		buffer_append(b, &s->at[i]);
}

/* ---- losses --------------------------------------------------------------------------------- */

/* When as much as a packet has been written since, the next one may be missing. */
static void maybe_lose(struct perf *p, struct buffer *b, uint64_t raw)
{
	if (b->since < p->out.spec.packet_size)
		return;
	b->burst = out_burst(&p->out, b->n_packet);
	b->kind = LOSS_EVENTS;
	if (!b->burst && rng_percent(&p->out.rng, p->out.spec.lost_packets)) {
		b->burst = b->n_packet;
		b->kind = LOSS_PACKET;
	}
	b->lost_from = raw;
	b->since = b->n_packet = 0;
}

static void losing_ends(struct perf *p, struct buffer *b, const struct out_context *in,
			uint64_t raw)
{
	const struct out_spec *spec = &p->out.spec;
	struct record r;

	spec->lost(spec->ctx, b->kind, in->cpu, b->lost_from, raw, b->lost);
	make_lost(&r, p, b->lost, in, perf_ns(p, raw));
	buffer_append(b, &r);
	b->lost = b->burst = 0;
}

/* Return: whether this event is dropped. */
static bool dropped(struct perf *p, struct buffer *b, const struct out_context *in, uint64_t raw,
		    const struct side *side)
{
	if (!b->lost)
		maybe_lose(p, b, raw);
	if (b->burst) {
		b->burst--;
		b->lost += 1 + side->n;
		return true;
	}
	if (b->lost)
		losing_ends(p, b, in, raw);
	return false;
}

/* ---- recording ------------------------------------------------------------------------------ */

static bool perf_event(struct out *out, const struct out_context *in, enum ev ev, uint64_t raw,
		       const uint64_t *args)
{
	struct perf *p = (struct perf *)out;
	unsigned tp = p->tracepoints.of[ev];
	struct buffer *b = &p->buffers[in->cpu];
	uint8_t data[TRACEPOINT_MAX];
	struct record sample;
	struct side side;
	uint64_t ns = perf_ns(p, raw);

	if (tp == MAX_TRACEPOINTS)
		return false;
	if (!p->events_begun)
		write_empty(p, RECORD_FINISHED_INIT);
	p->events_begun = true;
	side_of(&side, p, in, ev, ns, args);
	if (dropped(p, b, in, raw, &side))
		return false;
	struct tp_common common = out_common(in);
	size_t n = tracepoint_encode(&p->tracepoints.at[tp], ev, &common, args, data);
	make_sample(&sample, p, tp, in, ns, data, n);
	append_side(b, &side, false);
	buffer_append(b, &sample);
	append_side(b, &side, true);
	b->n_packet++;
	out->events++;
	p->last_sample = ns;
	if (!p->first_sample)
		p->first_sample = ns;
	round_advance(p, b);
	return true;
}

/* Of each thread what /proc says, as perf does before it records. */
static void perf_thread(struct out *out, const struct out_thread *t)
{
	struct perf *p = (struct perf *)out;
	struct record r;
	struct out_thread parent = *t;

	if (t->tid != t->pid)
		parent.ppid = t->pid;
	make_task(&r, p, PERF_RECORD_FORK, PERF_RECORD_MISC_FORK_EXEC, &parent, parent.ppid, NULL,
		  0);
	write_record(p, &r);
	if (p->out.spec.namespaces) {
		make_namespaces(&r, p, t, NULL, 0);
		write_record(p, &r);
	}
	make_comm(&r, p, 0, t, NULL, 0);
	write_record(p, &r);
}

/* ns = zero + (cycles * mult >> shift): only a host knows how its TSC and perf's clock belong
 * together. */
static void write_time_conv(struct perf *p)
{
	const struct machine_clock *c = p->out.spec.clock;
	uint64_t mult = (uint64_t)(((unsigned __int128)1000000000 << TSC_SHIFT) / c->freq);
	uint64_t ns = (uint64_t)(((unsigned __int128)p->begin * mult) >> TSC_SHIFT);
	struct record r;

	record_begin(&r, RECORD_TIME_CONV, 0);
	put_u64(&r, TSC_SHIFT);
	put_u64(&r, mult);
	put_u64(&r, p->begin_ns - ns);
	put_u64(&r, 0); /* cycles, mask: of short counters */
	put_u64(&r, 0);
	put_u64(&r, 1); /* there is a zero */
	record_end(&r);
	write_record(p, &r);
}

/* Which id is of which CPU, in as many records as it takes. */
static void write_id_index(struct perf *p)
{
	unsigned n = n_attrs(p) * p->out.spec.n_cpus;

	for (unsigned at = 0; at < n;) {
		unsigned part = n - at < INDEX_ENTRIES ? n - at : INDEX_ENTRIES;
		uint8_t head[16] = {RECORD_ID_INDEX};
		put16(head + 6, sizeof(head) + part * 32);
		put64(head + 8, part);
		perf_write(p, head, sizeof(head));
		for (unsigned end = at + part; at < end; at++) {
			unsigned cpu = at % p->out.spec.n_cpus;
			uint64_t entry[4] = {id_of(p, at / p->out.spec.n_cpus, cpu), cpu, cpu,
					     UINT64_MAX};
			perf_write(p, entry, sizeof(entry));
		}
	}
}

static void perf_begin(struct out *out, uint64_t raw)
{
	struct perf *p = (struct perf *)out;

	p->begin = raw;
	p->begin_ns = perf_ns(p, raw);
	if (out->spec.clock->tsc && out->spec.clock->is_host)
		write_time_conv(p);
	write_id_index(p);
}

/* ---- head and features ---------------------------------------------------------------------- */

static void attr_of(const struct perf *p, unsigned event, uint8_t *at)
{
	bool dummy = event == p->tracepoints.n;
	struct perf_event_attr a = {
		.type = dummy ? PERF_TYPE_SOFTWARE : PERF_TYPE_TRACEPOINT,
		.size = ATTR_SIZE,
		.config = dummy ? PERF_COUNT_SW_DUMMY : p->tracepoints.at[event].id,
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME |
			       PERF_SAMPLE_CPU | PERF_SAMPLE_IDENTIFIER |
			       (dummy ? 0 : PERF_SAMPLE_PERIOD | PERF_SAMPLE_RAW),
		.read_format = PERF_FORMAT_ID,
		.disabled = !dummy,
		.inherit = 1,
		.sample_id_all = 1,
		.exclude_guest = !dummy,
		.mmap = dummy,
		.mmap2 = dummy,
		.comm = dummy,
		.comm_exec = dummy,
		.task = dummy,
		.namespaces = dummy && p->out.spec.namespaces,
		.use_clockid = p->out.spec.wall_clock,
		.clockid = p->out.spec.wall_clock ? 1 : 0, /* CLOCK_MONOTONIC */
	};

	memcpy(at, &a, ATTR_SIZE);
}

static void write_ids(FILE *f, const struct perf *p, unsigned event)
{
	for (unsigned cpu = 0; cpu < p->out.spec.n_cpus; cpu++)
		fwrite((uint64_t[]){id_of(p, event, cpu)}, 8, 1, f);
}

static void write_u32(FILE *f, uint32_t v)
{
	fwrite(&v, 4, 1, f);
}

static void write_u64(FILE *f, uint64_t v)
{
	fwrite(&v, 8, 1, f);
}

static void write_string(FILE *f, const char *text)
{
	char padded[256] = {0};
	uint32_t size = (uint32_t)(strlen(text) + 64) / 64 * 64;

	snprintf(padded, sizeof(padded), "%s", text);
	write_u32(f, size);
	fwrite(padded, size, 1, f);
}

static void write_tracing_data(FILE *f, const struct perf *p)
{
	static const uint8_t magic[] = {0x17, 0x08, 0x44, 't', 'r', 'a', 'c', 'i',
					'n',  'g',  '0',  '.', '6', 0,	 0,   8};

	fwrite(magic, sizeof(magic), 1, f);
	write_u32(f, 4096); /* page size */
	tracepoints_write_header(f);
	tracepoints_write_ftrace(f);
	tracepoints_write_systems(&p->tracepoints, f);
	write_u32(f, 0); /* kallsyms */
	write_u32(f, 0); /* printk */
	write_u64(f, 0); /* saved command lines */
}

static void write_event_desc(FILE *f, const struct perf *p)
{
	write_u32(f, n_attrs(p));
	write_u32(f, ATTR_SIZE);
	for (unsigned i = 0; i < n_attrs(p); i++) {
		const struct tracepoint *t = &p->tracepoints.at[i];
		uint8_t attr[ATTR_SIZE];
		char name[80] = "dummy:HG";
		if (i < p->tracepoints.n)
			snprintf(name, sizeof(name), "%s:%s", t->system, t->name);
		attr_of(p, i, attr);
		fwrite(attr, sizeof(attr), 1, f);
		write_u32(f, p->out.spec.n_cpus);
		write_string(f, name);
		write_ids(f, p, i);
	}
}

static void write_clock_data(FILE *f, const struct perf *p)
{
	write_u32(f, 1); /* version */
	write_u32(f, 1); /* CLOCK_MONOTONIC */
	write_u64(f, p->begin_ns + (uint64_t)p->out.spec.clock->origin);
	write_u64(f, p->begin_ns);
}

static void write_compression(FILE *f)
{
	const uint32_t fields[] = {0, 1, 1, 5, MMAP_LEN}; /* version, zstd, level, ratio */
	fwrite(fields, sizeof(fields), 1, f);
}

static void write_feature(FILE *f, const struct perf *p, enum feature feature)
{
	switch (feature) {
	case F_TRACING_DATA:
		write_tracing_data(f, p);
		break;
	case F_HOSTNAME:
		write_string(f, p->out.spec.name);
		break;
	case F_OSRELEASE:
		write_string(f, p->out.spec.kernel_release);
		break;
	case F_VERSION:
		write_string(f, "6.1.0 simulated");
		break;
	case F_ARCH:
		write_string(f, "x86_64");
		break;
	case F_NRCPUS:
		write_u32(f, p->out.spec.n_cpus); /* there */
		write_u32(f, p->out.spec.n_cpus); /* online */
		break;
	case F_EVENT_DESC:
		write_event_desc(f, p);
		break;
	case F_SAMPLE_TIME:
		write_u64(f, p->first_sample);
		write_u64(f, p->last_sample);
		break;
	case F_CLOCKID:
		write_u64(f, 1); /* its resolution in ns */
		break;
	case F_COMPRESSED:
		write_compression(f);
		break;
	case F_CLOCK_DATA:
		write_clock_data(f, p);
		break;
	default:
		break;
	}
}

static bool has_feature(const struct perf *p, unsigned feature)
{
	switch (feature) {
	case F_CLOCKID:
	case F_CLOCK_DATA:
		return p->out.spec.wall_clock;
	case F_COMPRESSED:
		return p->zstd != NULL;
	case F_TRACING_DATA:
	case F_HOSTNAME:
	case F_OSRELEASE:
	case F_VERSION:
	case F_ARCH:
	case F_NRCPUS:
	case F_EVENT_DESC:
	case F_SAMPLE_TIME:
		return true;
	default:
		return false;
	}
}

/*
 * First where each is and how long, then what they say. Return: the bits of those that there are.
 */
static uint64_t write_features(FILE *f, const struct perf *p)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < N_FEATURES; i++)
		bits |= (uint64_t)has_feature(p, i) << i;
	uint64_t at = p->data_at + p->data_size;
	long entry = 0, end = __builtin_popcountll(bits) * 16;
	for (unsigned i = 0; i < N_FEATURES; i++) {
		if (!(bits >> i & 1))
			continue;
		fseek(f, end, SEEK_SET);
		write_feature(f, p, (enum feature)i);
		long next = ftell(f);
		fseek(f, entry, SEEK_SET);
		write_u64(f, at + (uint64_t)end);
		write_u64(f, (uint64_t)(next - end));
		entry += 16;
		end = next;
	}
	fseek(f, end, SEEK_SET);
	return bits;
}

/* Until the recording is closed its data has no size, as if perf had been killed. */
static void make_header(const struct perf *p, uint64_t data_size, uint64_t features, uint8_t *at)
{
	static const char magic[8] = {'P', 'E', 'R', 'F', 'I', 'L', 'E', '2'};
	uint64_t ids = (uint64_t)n_attrs(p) * p->out.spec.n_cpus * 8;

	memset(at, 0, HEADER_SIZE);
	memcpy(at, magic, sizeof(magic));
	put64(at + 8, HEADER_SIZE);
	put64(at + 16, FILE_ATTR_SIZE);
	put64(at + 24, HEADER_SIZE + ids);
	put64(at + 32, (uint64_t)n_attrs(p) * FILE_ATTR_SIZE);
	put64(at + 40, p->data_at);
	put64(at + 48, data_size);
	put64(at + 72, features);
}

static void write_head(struct perf *p)
{
	unsigned n_cpus = p->out.spec.n_cpus;
	uint64_t ids = (uint64_t)n_attrs(p) * n_cpus * 8;
	uint8_t header[HEADER_SIZE], attr[FILE_ATTR_SIZE];

	p->data_at = HEADER_SIZE + ids + (uint64_t)n_attrs(p) * FILE_ATTR_SIZE;
	make_header(p, 0, 0, header);
	out_write(&p->out, p->fd, header, sizeof(header));
	for (unsigned i = 0; i < n_attrs(p) * n_cpus; i++)
		out_write(&p->out, p->fd, (uint64_t[]){id_of(p, i / n_cpus, i % n_cpus)}, 8);
	for (unsigned i = 0; i < n_attrs(p); i++) {
		attr_of(p, i, attr);
		put64(attr + ATTR_SIZE, HEADER_SIZE + (uint64_t)i * n_cpus * 8);
		put64(attr + ATTR_SIZE + 8, (uint64_t)n_cpus * 8);
		out_write(&p->out, p->fd, attr, sizeof(attr));
	}
}

static int perf_open(struct out *out, struct error *err)
{
	struct perf *p = (struct perf *)out;

	tracepoints_init(&p->tracepoints, out->spec.old, out->spec.poll_events);
	p->round = -1;
	p->buffers = mem_zalloc(out->spec.n_cpus, sizeof(*p->buffers));
	if (out->spec.compression == OUT_ZSTD)
		p->zstd = ZSTD_createCCtx();
	if (out_create(out, &p->fd, err, "%s.perf.data", out->spec.name))
		return ERR;
	write_head(p);
	return 0;
}

static int64_t perf_origin(const struct out *out)
{
	return out->spec.wall_clock ? 0 : out->spec.clock->origin;
}

/* What the CPUs still hold back is the last round. */
static void write_rest(struct perf *p, uint64_t raw)
{
	for (unsigned i = 0; i < p->out.spec.n_cpus; i++) {
		const struct out_context in = {.cpu = i};
		if (p->buffers[i].lost)
			losing_ends(p, &p->buffers[i], &in, raw);
		buffer_flush(p, &p->buffers[i]);
	}
	write_empty(p, RECORD_FINISHED_ROUND);
}

static int perf_close(struct out *out, uint64_t raw, struct error *err)
{
	struct perf *p = (struct perf *)out;
	uint8_t header[HEADER_SIZE];
	char *text = NULL;
	size_t n = 0;

	write_rest(p, raw);
	FILE *f = open_memstream(&text, &n);
	if (!f)
		return error_errno(err, errno, "cannot make features");
	uint64_t features = write_features(f, p);
	fclose(f);
	out_write(out, p->fd, text, n);
	free(text);
	make_header(p, p->data_size, features, header);
	if (pwrite(p->fd, header, sizeof(header), 0) != sizeof(header))
		return error_errno(err, errno, "cannot write '%s.perf.data'", out->spec.name);
	return 0;
}

static void perf_free(struct out *out)
{
	struct perf *p = (struct perf *)out;

	for (unsigned i = 0; i < out->spec.n_cpus; i++)
		free(p->buffers[i].at);
	free(p->buffers);
	ZSTD_freeCCtx(p->zstd);
	if (p->fd >= 0)
		close(p->fd);
}

const struct out_ops out_perf = {
	.size = sizeof(struct perf),
	.open = perf_open,
	.begin = perf_begin,
	.thread = perf_thread,
	.event = perf_event,
	.origin = perf_origin,
	.close = perf_close,
	.free = perf_free,
};
