#include "input/ctf/packet.h"

#include <string.h>

#define CTF_MAGIC 0xc1fc1fc1u

/* What is wrong with the bytes at a place where a packet may begin. */
enum probe {
	PROBE_SOUND,
	PROBE_UUID, /* sound, but of another trace by its UUID */
	PROBE_MAGIC,
	PROBE_STREAM, /* a header, but of no known stream class */
	PROBE_HEADER,
};

struct uuid_capture {
	bool inside;
	uint8_t bytes[16];
	unsigned n;
};

static void capture_open(void *ctx, const struct ctf_fc *fc, const char *name, uint64_t n)
{
	struct uuid_capture *u = ctx;

	(void)name;
	(void)n;
	u->inside = fc->role == CTF_ROLE_UUID;
}

static void capture_close(void *ctx, const struct ctf_fc *fc)
{
	struct uuid_capture *u = ctx;

	(void)fc;
	u->inside = false;
}

static void capture_integer(void *ctx, const struct ctf_fc *fc, const char *name, uint64_t value)
{
	struct uuid_capture *u = ctx;

	(void)fc;
	(void)name;
	if (u->inside && u->n < 16)
		u->bytes[u->n++] = (uint8_t)value;
}

static void capture_bytes(void *ctx, const struct ctf_fc *fc, const char *name, const uint8_t *at,
			  size_t n)
{
	struct uuid_capture *u = ctx;

	(void)name;
	if (fc->role == CTF_ROLE_UUID && n == 16) {
		memcpy(u->bytes, at, 16);
		u->n = 16;
	}
}

static const struct ctf_visitor capture_uuid = {
	.open = capture_open,
	.close = capture_close,
	.integer = capture_integer,
	.bytes = capture_bytes,
};

void ctf_reader_init(struct ctf_reader *r, uint64_t *saved)
{
	*r = (struct ctf_reader){.saved = saved};
}

static void start_packet(const struct ctf_packets *src, uint64_t offset, struct ctf_reader *r)
{
	r->data = src->data + offset;
	r->pos = 0;
	r->end = (src->size - offset) * 8;
	r->clock = 0;
	r->clock_size = 0;
	r->roles_seen = 0;
}

static unsigned differing_bytes(const uint8_t a[16], const uint8_t b[16])
{
	unsigned n = 0;

	for (unsigned i = 0; i < 16; i++)
		n += a[i] != b[i];
	return n;
}

/*
 * One byte of the UUID may differ. So neither a damaged packet nor, worse, damaged metadata costs
 * packets that are good otherwise; and no two UUIDs are that close. If more differ, the packet has
 * to prove itself (probe_whole()).
 */
static enum probe probe_header(const struct ctf_packets *src, struct ctf_reader *r,
			       struct ctf_packet *p)
{
	const struct ctf_trace_type *t = src->type;
	struct uuid_capture uuid = {0};

	if (t->packet_header && ctf_visit(r, t->packet_header, NULL, &capture_uuid, &uuid))
		return r->roles_seen & 1u << CTF_ROLE_MAGIC && r->role[CTF_ROLE_MAGIC] == CTF_MAGIC
			       ? PROBE_HEADER
			       : PROBE_MAGIC;
	if (r->roles_seen & 1u << CTF_ROLE_MAGIC && r->role[CTF_ROLE_MAGIC] != CTF_MAGIC)
		return PROBE_MAGIC;
	unsigned differ = uuid.n == 16 && t->has_uuid ? differing_bytes(uuid.bytes, t->uuid) : 0;

	p->other_uuid = differ != 0;
	return differ > 1 ? PROBE_UUID : PROBE_SOUND;
}

static const struct ctf_stream_class *class_of(const struct ctf_trace_type *t,
					       const struct ctf_reader *r)
{
	if (r->roles_seen & 1u << CTF_ROLE_STREAM_CLASS_ID)
		return ctf_find_stream_class(t, r->role[CTF_ROLE_STREAM_CLASS_ID]);
	return t->n_streams == 1 ? t->streams[0] : ctf_find_stream_class(t, 0);
}

static void take_roles(struct ctf_packet *p, const struct ctf_reader *r)
{
	p->has = r->roles_seen;
	p->stream_id = r->role[CTF_ROLE_STREAM_ID];
	p->begin = r->role[CTF_ROLE_BEGIN_TIME];
	p->end = r->role[CTF_ROLE_END_TIME];
	p->discarded = r->role[CTF_ROLE_DISCARDED];
	p->seq_num = r->role[CTF_ROLE_SEQ_NUM];
	p->cpu = r->role[CTF_ROLE_CPU_ID];
	p->clock = r->clock;
	p->clock_size = r->clock_size;
}

static bool packet_is_all_ones(const struct ctf_packet *p, enum ctf_role role, uint64_t value)
{
	unsigned size = ctf_role_size(p->cls->packet_context, role);

	return size && value == (size < 64 ? (UINT64_C(1) << size) - 1 : UINT64_MAX);
}

/*
 * Tracers write a packet's sizes when they close it. Until then they are all ones, or none where
 * both are there.
 */
static bool packet_was_never_closed(const struct ctf_packet *p, const struct ctf_reader *r)
{
	uint64_t size = r->role[CTF_ROLE_PACKET_SIZE], content = r->role[CTF_ROLE_CONTENT_SIZE];

	if (!CTF_HAS(p, CTF_ROLE_CONTENT_SIZE))
		return false;
	return packet_is_all_ones(p, CTF_ROLE_CONTENT_SIZE, content) ||
	       (CTF_HAS(p, CTF_ROLE_PACKET_SIZE) && !size && !content);
}

/* It ends where the next packet begins. */
static void packet_take_unclosed(struct ctf_packet *p, const struct ctf_reader *r)
{
	uint64_t size = r->role[CTF_ROLE_PACKET_SIZE];
	bool has_size = CTF_HAS(p, CTF_ROLE_PACKET_SIZE) && size && size % 8 == 0 &&
			size <= r->end && size > r->pos;

	p->unclosed = p->cut = true;
	p->content_start = r->pos;
	p->content_end = has_size ? size : r->end;
	p->size = p->content_end / 8;
	if (CTF_HAS(p, CTF_ROLE_END_TIME) && packet_is_all_ones(p, CTF_ROLE_END_TIME, p->end))
		p->end = 0;
}

/* Sizes as the packet states them; SIZE_MAX bits where the file's end is the packet's. */
static enum probe take_sizes(struct ctf_packet *p, const struct ctf_reader *r)
{
	uint64_t left = r->end;
	uint64_t size = left, content;

	if (packet_was_never_closed(p, r)) {
		packet_take_unclosed(p, r);
		return PROBE_SOUND;
	}
	if (CTF_HAS(p, CTF_ROLE_PACKET_SIZE) && r->role[CTF_ROLE_PACKET_SIZE])
		size = r->role[CTF_ROLE_PACKET_SIZE];
	else if (CTF_HAS(p, CTF_ROLE_CONTENT_SIZE) && r->role[CTF_ROLE_CONTENT_SIZE])
		size = (r->role[CTF_ROLE_CONTENT_SIZE] + 7) & ~UINT64_C(7);
	content = CTF_HAS(p, CTF_ROLE_CONTENT_SIZE) ? r->role[CTF_ROLE_CONTENT_SIZE] : size;
	if (size % 8 || content > size || content < r->pos)
		return PROBE_HEADER;
	p->content_start = r->pos;
	p->content_end = content;
	p->size = size / 8;
	return PROBE_SOUND;
}

static enum probe probe(const struct ctf_packets *src, uint64_t offset, struct ctf_reader *r,
			struct ctf_packet *p)
{
	*p = (struct ctf_packet){.offset = offset};
	file_window_peek(src->window, offset);
	start_packet(src, offset, r);
	enum probe found = probe_header(src, r, p);

	if (found != PROBE_SOUND && found != PROBE_UUID)
		return found;
	p->header_end = r->pos;
	p->cls = class_of(src->type, r);
	if (!p->cls)
		return PROBE_STREAM;
	if (p->cls->packet_context &&
	    ctf_visit(r, p->cls->packet_context, NULL, &ctf_visit_nothing, NULL))
		return PROBE_HEADER;
	take_roles(p, r);
	enum probe sizes = take_sizes(p, r);

	return sizes == PROBE_SOUND ? found : sizes;
}

/* Whether headers can be told from other bytes at all. */
static bool has_magic(const struct ctf_trace_type *t)
{
	return ctf_role_size(t->packet_header, CTF_ROLE_MAGIC) == 32;
}

/* Return: whether at `next` there is the same header as p's, to the bit, as there mostly is. */
static bool is_same_header(const struct ctf_packets *src, uint64_t next, const struct ctf_packet *p)
{
	uint64_t n = (p->header_end + 7) / 8;

	return src->size - next >= n && !memcmp(src->data + next, src->data + p->offset, n);
}

static bool leads_to_header(const struct ctf_packets *src, const struct ctf_packet *p,
			    struct ctf_reader *r)
{
	uint64_t next = p->offset + p->size;
	struct ctf_packet other;

	if (next >= src->size)
		return next == src->size;
	return is_same_header(src, next, p) || probe(src, next, r, &other) != PROBE_MAGIC ||
	       !has_magic(src->type);
}

/*
 * As probe(), but a packet of another UUID is sound only if its size leads to one more header, or
 * to the file's end: tools that join or rewrite traces forget the UUID, damage leaves no sizes.
 */
static enum probe probe_whole(const struct ctf_packets *src, uint64_t offset, struct ctf_reader *r,
			      struct ctf_packet *p)
{
	enum probe found = probe(src, offset, r, p);

	if (found != PROBE_UUID)
		return found;
	bool leads = leads_to_header(src, p, r);

	probe(src, offset, r, p);
	return leads ? PROBE_SOUND : PROBE_MAGIC;
}

/*
 * Return: the offset of the first sound header in [from, to), or `to`. Only headers that begin with
 * the magic number are found; all do.
 */
static uint64_t search(const struct ctf_packets *src, uint64_t from, uint64_t to,
		       struct ctf_reader *r)
{
	uint32_t magic = CTF_MAGIC;
	struct ctf_packet p;

	if (src->type->big_endian != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__))
		magic = __builtin_bswap32(magic);
	while (has_magic(src->type) && from < to) {
		uint64_t left = src->size - from, until = to - from + sizeof(magic) - 1;
		const uint8_t *hit = memmem(src->data + from, left < until ? left : until, &magic,
					    sizeof(magic));

		if (!hit)
			break;
		from = (uint64_t)(hit - src->data);
		if (probe_whole(src, from, r, &p) == PROBE_SOUND)
			return from;
		from++;
	}
	return to;
}

static void report(const struct ctf_packets *src, enum diag_id id, uint64_t offset, uint64_t bit)
{
	struct diag where = {
		.first_ns = DIAG_NO_TIME, .file = src->name, .packet = offset, .bit = bit};

	diag_add(src->diags, id, 1, &where);
}

/*
 * A sound header inside the packet shows that its size is wrong. It is looked for behind the
 * content, since a wrong size can lead to a header too, that of a later packet; and where the size
 * leads to none or past the file's end, in the content. When none is found, the file was cut, or it
 * is the next header that is damaged.
 */
static void mend_size(const struct ctf_packets *src, struct ctf_packet *p, struct ctf_reader *r)
{
	uint64_t left = src->size - p->offset;
	uint64_t stated = p->size < left ? p->size : left;
	bool leads = !p->unclosed && leads_to_header(src, p, r);
	uint64_t from = p->offset + ((leads ? p->content_end : p->content_start) + 7) / 8;
	uint64_t next = search(src, from, p->offset + stated, r);

	if (p->unclosed)
		report(src, DIAG_PACKET_UNCLOSED, p->offset, 0);
	else if (next < p->offset + stated)
		report(src, DIAG_PACKET_SIZE, p->offset, 0);
	else if (p->size > left)
		report(src, DIAG_PACKET_CUT, p->offset, left * 8);
	else
		return;
	p->cut = true;
	p->size = next - p->offset;
	if (p->content_end > p->size * 8)
		p->content_end = p->size * 8;
}

static enum diag_id diag_of(enum probe found)
{
	switch (found) {
	case PROBE_MAGIC:
		return DIAG_PACKET_MAGIC;
	case PROBE_STREAM:
		return DIAG_PACKET_STREAM;
	default:
		return DIAG_PACKET_HEADER;
	}
}

/* Other packets were looked at: what the reader kept of this one's fields is gone. */
static void read_again(const struct ctf_packets *src, const struct ctf_packet *p,
		       struct ctf_reader *r)
{
	struct ctf_packet again;

	probe(src, p->offset, r, &again);
}

int ctf_packet_read(const struct ctf_packets *src, uint64_t offset, struct ctf_reader *r,
		    struct ctf_packet *p)
{
	bool damaged = false;

	while (offset < src->size) {
		enum probe found = probe_whole(src, offset, r, p);

		if (found == PROBE_SOUND) {
			mend_size(src, p, r);
			if (r->data != src->data + offset)
				read_again(src, p, r);
			if (p->other_uuid)
				report(src, DIAG_PACKET_UUID, offset, 0);
			p->follows_damage = damaged;
			ctf_packet_enter(p, r);
			return 1;
		}
		report(src, diag_of(found), offset, found == PROBE_HEADER ? r->pos : 0);
		damaged = true;
		offset = search(src, offset + 1, src->size, r);
	}
	p->follows_damage = damaged;
	return 0;
}

bool ctf_packet_is_at(const struct ctf_packets *src, uint64_t offset, struct ctf_reader *r,
		      struct ctf_packet *p)
{
	return has_magic(src->type) && offset < src->size &&
	       probe_whole(src, offset, r, p) == PROBE_SOUND;
}

void ctf_packet_enter(const struct ctf_packet *p, struct ctf_reader *r)
{
	r->clock = p->clock;
	r->pos = p->content_start;
	r->end = p->content_end;
}

unsigned ctf_role_size(const struct ctf_fc *root, enum ctf_role role)
{
	for (uint32_t i = 0; root && i < root->n_members; i++) {
		const struct ctf_fc *m = root->members[i].fc;

		if (m->kind == CTF_INT && m->role == role)
			return m->size;
		if (m->kind == CTF_STRUCT) {
			unsigned size = ctf_role_size(m, role);

			if (size)
				return size;
		}
	}
	return 0;
}
