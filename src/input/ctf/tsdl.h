/*
 * tsdl: CTF 1.8's metadata language.
 */
#ifndef VMSCOPE_CTF_TSDL_H
#define VMSCOPE_CTF_TSDL_H

#include <stddef.h>

#include "base/error.h"
#include "input/ctf/type.h"

/*
 * Reads TSDL text into t (zeroed by the caller, finished here).
 * Return: 0, or ERR with err set; the message begins with the line.
 */
int ctf_tsdl_parse(struct ctf_trace_type *t, const char *text, size_t size, struct error *err);

#endif
