/*
 * packet: finding packets in the bytes of a stream file, sound or not.
 *
 * Packets follow one another; each says how long it is. When one does not begin with a sound
 * header, or says a length that leads to no header, the next sound header is searched for (its
 * magic number and UUID make a false one as good as impossible) and everything in between is given
 * up, with a diagnostic. A stream is read this way packet by packet, without an index in memory, so
 * that memory does not grow with the trace. (Of LTTng's index/ files see index.h.)
 */
#ifndef VMSCOPE_CTF_PACKET_H
#define VMSCOPE_CTF_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/file.h"
#include "input/ctf/type.h"
#include "input/ctf/visit.h"

/* Where packets come from: the bytes of one stream file. All borrowed. */
struct ctf_packets {
	const struct ctf_trace_type *type;
	const uint8_t *data;
	size_t size;
	const char *name; /* of the file, for diagnostics */
	struct diag_list *diags;
	const struct file_window *window; /* on the file, of who reads it */
};

struct ctf_packet {
	uint64_t offset;	/* bytes from the file's start */
	uint64_t size;		/* bytes to where the next packet begins */
	uint64_t header_end;	/* bits from the packet's start to its context */
	uint64_t content_start; /* bits from the packet's start to its first event */
	uint64_t content_end;	/* bits; never past the file's end */
	const struct ctf_stream_class *cls;
	uint32_t has; /* bit per enum ctf_role: which of these were in the header or context */
	uint64_t stream_id;
	uint64_t begin, end; /* cycles */
	uint64_t clock;	     /* cycles: the default clock before the first event */
	unsigned clock_size; /* bits of it that the packet itself says; 0: none */
	uint64_t discarded;  /* the tracer's counter, a running total */
	uint64_t seq_num;
	uint64_t cpu;
	bool follows_damage; /* bytes before it were given up */
	bool other_uuid;     /* its UUID is not quite the metadata's */
	bool cut;	     /* its end is missing, or its size was not what it said */
	bool unclosed;	     /* it does not say its size */
};

#define CTF_HAS(packet, role) (((packet)->has & 1u << (role)) != 0)

/* Prepares a reader for a trace; saved, borrowed, must hold its type's n_saves values. */
void ctf_reader_init(struct ctf_reader *r, uint64_t *saved);

/*
 * Reads the header and context of the first sound packet at or after byte `offset`. The reader is
 * left at the packet's first event.
 * Return: 1 with *packet filled, 0 when there is none (follows_damage then says whether bytes were
 * given up at the file's end).
 */
int ctf_packet_read(const struct ctf_packets *src, uint64_t offset, struct ctf_reader *r,
		    struct ctf_packet *packet);

/*
 * Reads the header and context of the packet that may begin at byte `offset`. Return: whether one
 * does, as far as it can be told from other bytes; *packet is filled then, but for what says that
 * it was damaged.
 */
bool ctf_packet_is_at(const struct ctf_packets *src, uint64_t offset, struct ctf_reader *r,
		      struct ctf_packet *packet);

/*
 * Puts the reader, with which the packet was read last, at its first event, with the packet's clock
 * as it is now.
 */
void ctf_packet_enter(const struct ctf_packet *packet, struct ctf_reader *r);

/* Return: the size in bits of the integer with this role in root, 0 if there is none. */
unsigned ctf_role_size(const struct ctf_fc *root, enum ctf_role role);

#endif
