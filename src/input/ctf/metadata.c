#include "input/ctf/metadata.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "input/ctf/ctf2.h"
#include "input/ctf/tsdl.h"

/*
 * A metadata packet, CTF 1.8 section 7.1 (CTF 2 keeps it, with version 2.0), in the byte order
 * that its magic number is in, followed by text and by padding up to packet_size:
 *
 *	0	magic		u32
 *	4	uuid		16 bytes
 *	20	checksum	u32
 *	24	content_size	u32, bits, with this header
 *	28	packet_size	u32, bits
 *	32	compression_scheme, encryption_scheme, checksum_scheme, major, minor: u8 each
 *	37	text
 */
enum { HEADER_SIZE = 37 };
static const uint32_t packet_magic = 0x75d11d57;

struct packet {
	uint64_t content_size, packet_size; /* bytes */
};

static uint32_t get_u32(const uint8_t *p, bool big_endian)
{
	if (big_endian)
		return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static bool is_without_schemes(const uint8_t *header, size_t size)
{
	return size >= HEADER_SIZE && !header[32] && !header[33] && !header[34];
}

static int check_schemes(const uint8_t *header, struct error *err)
{
	static const char *const what[] = {"compressed", "encrypted", "protected by a checksum"};

	for (int i = 0; i < 3; i++) {
		if (header[32 + i])
			return error_set(err, "metadata that is %s (scheme %u) is not supported",
					 what[i], header[32 + i]);
	}
	return 0;
}

/* `left` bytes are there. Return: 0, or ERR with err set. */
static int parse_packet(const uint8_t *header, size_t left, bool big_endian, struct packet *packet,
			struct error *err)
{
	if (left < HEADER_SIZE)
		return error_set(err, "a metadata packet's header is cut");
	if (get_u32(header, big_endian) != packet_magic)
		return error_set(err, "a metadata packet does not begin with its magic number");
	int r = check_schemes(header, err);
	if (r)
		return r;
	uint32_t content = get_u32(header + 24, big_endian);
	uint32_t size = get_u32(header + 28, big_endian);
	if (content % 8 || size % 8 || content / 8 < HEADER_SIZE || content > size)
		return error_set(err, "a metadata packet of %" PRIu32 " bits cannot hold %" PRIu32,
				 size, content);
	packet->content_size = content / 8;
	packet->packet_size = size / 8;
	return 0;
}

static bool is_sound(const uint8_t *header, size_t left, bool big_endian)
{
	struct packet packet;
	struct error ignored = {0};
	int r = parse_packet(header, left, big_endian, &packet, &ignored);

	error_deinit(&ignored);
	return !r;
}

/* Return: where the first sound header at or after `from` is, size if there is none. */
static size_t find_sound(const uint8_t *data, size_t from, size_t size, bool big_endian)
{
	static const uint8_t magics[2][4] = {{0x57, 0x1d, 0xd1, 0x75}, {0x75, 0xd1, 0x1d, 0x57}};

	while (from < size) {
		const uint8_t *at = memmem(data + from, size - from, magics[big_endian], 4);

		if (!at)
			return size;
		from = (size_t)(at - data);
		if (is_sound(at, size - from, big_endian))
			return from;
		from++;
	}
	return size;
}

/* Return: whether this is a packet's header, but for the magic number. */
static bool is_header(const uint8_t *data, size_t size, bool big_endian)
{
	uint8_t header[HEADER_SIZE];
	struct packet packet;
	struct error ignored = {0};

	if (size < HEADER_SIZE)
		return false;
	memcpy(header, data, HEADER_SIZE);
	for (int i = 0; i < 4; i++)
		header[i] = (uint8_t)(packet_magic >> 8 * (big_endian ? 3 - i : i));
	bool sound = !parse_packet(header, HEADER_SIZE, big_endian, &packet, &ignored);

	error_deinit(&ignored);
	return sound && (header[35] == 1 || header[35] == 2) && packet.content_size <= size;
}

/* Return: whether it is packetized; then *big_endianp says in which order. */
static bool is_packetized(const uint8_t *data, size_t size, bool *big_endianp)
{
	if (size < 4)
		return false;
	for (int big_endian = 0; big_endian < 2; big_endian++) {
		*big_endianp = big_endian;
		if (get_u32(data, big_endian) == packet_magic)
			return true;
	}
	/* The first header may be damaged. */
	for (int big_endian = 0; big_endian < 2; big_endian++) {
		*big_endianp = big_endian;
		if (is_header(data, size, big_endian) ||
		    find_sound(data, 0, size, big_endian) < size)
			return true;
	}
	return false;
}

struct text {
	char *at;
	size_t size;
	bool cut;	    /* the file ends within a packet, or in what is none */
	uint64_t dropped;   /* bytes of the file that it does not hold */
	uint32_t n_damaged; /* packets whose header is damaged */
	size_t damaged;	    /* where the first of them is */
};

static void note_damaged(struct text *text, size_t at)
{
	if (!text->n_damaged++)
		text->damaged = at;
}

static void append(struct text *text, const uint8_t *packet, size_t content)
{
	memcpy(text->at + text->size, packet + HEADER_SIZE, content - HEADER_SIZE);
	text->size += content - HEADER_SIZE;
}

/*
 * A packet with a sound header. What a cut packet still holds is of use: metadata is text. A sound
 * header before its end is that of the next one.
 * Return: where it ends.
 */
static size_t take_sound(struct text *text, const uint8_t *data, size_t at, size_t next,
			 size_t size, const struct packet *packet)
{
	size_t left = next - at;
	size_t content = packet->content_size < left ? packet->content_size : left;

	append(text, data + at, content);
	if (packet->packet_size <= left)
		return at + packet->packet_size;
	if (next < size)
		note_damaged(text, at);
	else
		text->cut = packet->content_size > left;
	return next;
}

static bool is_text(const uint8_t *p, size_t n)
{
	size_t foreign = 0;

	for (size_t i = 0; i < n; i++)
		foreign += p[i] < ' ' && p[i] != '\n' && p[i] != '\t' && p[i] != 0x1e;
	return n && foreign <= n / 8;
}

/*
 * A packet whose header is damaged, as far as the next sound one. Its own sizes are used if they
 * can be. Return: whether it holds text.
 */
static bool take_damaged(struct text *text, const uint8_t *data, size_t at, size_t next,
			 bool big_endian)
{
	size_t left = next - at;

	if (left <= HEADER_SIZE)
		return false;
	uint32_t bits = get_u32(data + at + 24, big_endian);
	size_t content = bits / 8;

	if (bits % 8 || content <= HEADER_SIZE || content > left)
		content = left;
	while (content > HEADER_SIZE && !data[at + content - 1])
		content--;
	if (!is_text(data + at + HEADER_SIZE, content - HEADER_SIZE))
		return false;
	append(text, data + at, content);
	note_damaged(text, at);
	return true;
}

/*
 * Joins the packets' text. err is set by a packet that is not sound.
 * Return: 0, or ERR when the first one is not, and there is nothing else.
 */
static int unpack(struct text *text, const uint8_t *data, size_t size, bool big_endian,
		  struct error *err)
{
	text->at = mem_alloc(size);
	for (size_t at = 0; at < size;) {
		struct packet packet = {0};
		int r = parse_packet(data + at, size - at, big_endian, &packet, err);
		size_t next = find_sound(data, at + (r ? 1 : HEADER_SIZE), size, big_endian);

		if (!r) {
			at = take_sound(text, data, at, next, size, &packet);
			continue;
		}
		bool alone = !at && next == size;

		if (alone && !is_without_schemes(data, size))
			return r;
		if (!take_damaged(text, data, at, next, big_endian)) {
			if (alone)
				return r;
			text->cut |= next == size;
			text->dropped += next - at;
		}
		error_deinit(err);
		at = next;
	}
	return 0;
}

/* CTF 2 begins with a record separator or an object; one of the two bytes may be damaged. */
static bool is_json(const char *text, size_t size)
{
	static const char record_separator = 0x1e;

	if (size > 1 && text[1] == '*')
		return false;
	return text[0] == record_separator || text[0] == '{' || (size > 1 && text[1] == '{');
}

static int parse_text(struct ctf_trace_type *t, const char *text, size_t size, struct error *err)
{
	if (!size)
		return error_set(err, "the metadata is empty");
	if (is_json(text, size))
		return ctf_ctf2_parse(t, text, size, err);
	return ctf_tsdl_parse(t, text, size, err);
}

/*
 * The text of a cut file mostly ends within a statement.
 * Return: the size of what is before that: up to the last end of a block, or up to the last record
 * separator; 0 if there is none.
 */
static size_t last_whole(const char *text, size_t size)
{
	static const char block_end[] = "\n};";

	for (size_t n = size; n >= 3; n--) {
		if (text[n - 1] == 0x1e)
			return n - 1;
		if (!memcmp(text + n - 3, block_end, 3))
			return n;
	}
	return 0;
}

static int parse_joined(struct ctf_trace_type *t, struct text *text, struct error *err)
{
	int r = parse_text(t, text->at, text->size, err);

	if ((!r && !t->n_left_out) || !text->cut)
		return r;
	size_t whole = last_whole(text->at, text->size);
	if (!whole)
		return r;
	struct ctf_trace_type shorter = {0};
	struct error ignored = {0};
	if (parse_text(&shorter, text->at, whole, &ignored) ||
	    (!r && shorter.n_left_out >= t->n_left_out)) {
		error_deinit(&ignored);
		ctf_trace_type_deinit(&shorter);
		return r;
	}
	ctf_trace_type_deinit(t);
	*t = shorter;
	error_deinit(err);
	text->dropped += text->size - whole;
	return 0;
}

static void note_packets(struct ctf_trace_type *t, const struct text *text)
{
	struct error what = {0};

	error_set(&what, "the header of the metadata packet at byte %zu is damaged", text->damaged);
	ctf_trace_type_mended(t, &what);
	t->n_mended += text->n_damaged - 1;
}

static int parse_packetized(struct ctf_trace_type *t, const uint8_t *data, size_t size,
			    bool big_endian, uint64_t *dropped_bytesp, struct error *err)
{
	struct text text = {0};
	int r = unpack(&text, data, size, big_endian, err);

	if (!r)
		r = parse_joined(t, &text, err);
	if (!r && text.n_damaged)
		note_packets(t, &text);
	*dropped_bytesp = text.dropped;
	free(text.at);
	return r;
}

int ctf_metadata_parse(struct ctf_trace_type *t, const uint8_t *data, size_t size,
		       uint64_t *dropped_bytesp, struct error *err)
{
	bool big_endian;

	*t = (struct ctf_trace_type){0};
	*dropped_bytesp = 0;
	if (size > CTF_METADATA_MAX)
		return error_set(err, "metadata of %zu bytes is too large", size);
	if (is_packetized(data, size, &big_endian))
		return parse_packetized(t, data, size, big_endian, dropped_bytesp, err);
	return parse_text(t, (const char *)data, size, err);
}
