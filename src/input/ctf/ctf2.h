/*
 * ctf2: CTF 2's metadata, a JSON text sequence (RFC 7464).
 *
 * Source of facts: the CTF 2.0 specification, https://diamon.org/ctf/
 */
#ifndef VMSCOPE_CTF_CTF2_H
#define VMSCOPE_CTF_CTF2_H

#include <stddef.h>

#include "base/error.h"
#include "input/ctf/type.h"

/*
 * Reads the fragments into t (zeroed by the caller, finished here).
 * Return: 0, or ERR with err set; the message names the fragment.
 */
int ctf_ctf2_parse(struct ctf_trace_type *t, const char *text, size_t size, struct error *err);

#endif
