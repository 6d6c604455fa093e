/*
 * metadata: from the bytes of a `metadata` file to a trace type.
 *
 * The file may be TSDL text or CTF 2 JSON text sequences, each either plain or in metadata packets
 * (of either byte order); which one is found out from its first bytes.
 */
#ifndef VMSCOPE_CTF_METADATA_H
#define VMSCOPE_CTF_METADATA_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "input/ctf/type.h"

/* Metadata packets are concatenated up to this; a larger metadata is refused. */
#define CTF_METADATA_MAX ((size_t)256 << 20)

/*
 * Reads metadata into t, which is initialized here and to be deinitialized by the caller in every
 * case. Damage is no failure as long as a stream class with an event class is left of it, and what
 * says where packets and events begin: t says what was left out or mended (type.h). Of packetized
 * metadata that is cut, *dropped_bytesp says how many bytes were not used.
 * Return: 0, or ERR with err set ("line 12: ..." for TSDL).
 */
int ctf_metadata_parse(struct ctf_trace_type *t, const uint8_t *data, size_t size,
		       uint64_t *dropped_bytesp, struct error *err);

#endif
