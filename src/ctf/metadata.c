#include "ctf/metadata.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ctf/ctf2.h"
#include "ctf/tsdl.h"

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

/* Return: whether it is packetized; then *big_endianp says in which order. */
static bool is_packetized(const uint8_t *data, size_t size, bool *big_endianp)
{
	if (size < 4)
		return false;
	*big_endianp = get_u32(data, true) == packet_magic;
	return *big_endianp || get_u32(data, false) == packet_magic;
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

struct text {
	char *at;
	size_t size;
	bool cut;	  /* the file ends within a packet, or in what is none */
	uint64_t dropped; /* bytes of the file that it does not hold */
};

/* What a cut packet still holds is of use: metadata is text. */
static int take_packet(struct text *text, const uint8_t *data, size_t left, bool big_endian,
		       size_t *usedp, struct error *err)
{
	struct packet packet = {0};
	int r = parse_packet(data, left, big_endian, &packet, err);

	if (r)
		return r;
	size_t content = packet.content_size < left ? packet.content_size : left;
	memcpy(text->at + text->size, data + HEADER_SIZE, content - HEADER_SIZE);
	text->size += content - HEADER_SIZE;
	text->cut = packet.content_size > left;
	*usedp = packet.packet_size < left ? packet.packet_size : left;
	return 0;
}

/* Joins the packets' text. Only the first packet has to be whole. */
static int unpack(struct text *text, const uint8_t *data, size_t size, bool big_endian,
		  struct error *err)
{
	size_t used;

	text->at = mem_alloc(size);
	for (size_t at = 0; at < size; at += used) {
		int r = take_packet(text, data + at, size - at, big_endian, &used, err);

		if (r && !at)
			return r;
		if (r) {
			error_deinit(err);
			text->cut = true;
			text->dropped = size - at;
			return 0;
		}
	}
	return 0;
}

static int parse_text(struct ctf_trace_type *t, const char *text, size_t size, struct error *err)
{
	static const char record_separator = 0x1e;

	if (!size)
		return error_set(err, "the metadata is empty");
	if (text[0] == record_separator || text[0] == '{')
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

	if (!r || !text->cut)
		return r;
	size_t whole = last_whole(text->at, text->size);
	if (!whole)
		return r;
	struct error first = *err;
	*err = (struct error){0};
	ctf_trace_type_deinit(t);
	if (!parse_text(t, text->at, whole, err)) {
		text->dropped += text->size - whole;
		error_deinit(&first);
		return 0;
	}
	error_deinit(err);
	*err = first;
	return r;
}

static int parse_packetized(struct ctf_trace_type *t, const uint8_t *data, size_t size,
			    bool big_endian, uint64_t *dropped_bytesp, struct error *err)
{
	struct text text = {0};
	int r = unpack(&text, data, size, big_endian, err);

	if (!r)
		r = parse_joined(t, &text, err);
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
