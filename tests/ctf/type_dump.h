/*
 * type_dump: a trace type as text, one line a field class, so that a test can say what it expects.
 */
#ifndef VMSCOPE_TESTS_CTF_TYPE_DUMP_H
#define VMSCOPE_TESTS_CTF_TYPE_DUMP_H

#include "input/ctf/type.h"

/* Return: the text, to be freed. */
char *type_dump(const struct ctf_trace_type *t);

#endif
