/*
 * index: what LTTng's index/ files say of stream files that are not there, or not whole.
 *
 * An index lists the packets of one stream file. All that is read of packets is in these themselves
 * (packet.h), so it is of use only where they are missing: a file that is gone, is empty, or was
 * cut between two packets looks like one of a CPU that had nothing to say.
 */
#ifndef VMSCOPE_CTF_INDEX_H
#define VMSCOPE_CTF_INDEX_H

#include <stdint.h>

struct ctf_index {
	uint64_t size;	     /* bytes that the stream file has; 0: none, or nothing is known */
	uint64_t last_begin; /* cycles: of its last packet */
};

/* What the index file at `path` says. */
struct ctf_index ctf_index_read(const char *path);

/* The same of the stream file at `path`. */
struct ctf_index ctf_index_of(const char *path);

/* Return: the CPU after which a stream file is called: a number behind a last "_"; -1: none. */
int64_t ctf_index_cpu_of(const char *path);

/* Return: what follows the last slash. */
const char *ctf_index_base_name(const char *path);

#endif
