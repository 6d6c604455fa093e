/*
 * tsdl_block: the blocks of the top level: trace, env, clock, stream, event, callsite.
 */
#ifndef VMSCOPE_CTF_TSDL_BLOCK_H
#define VMSCOPE_CTF_TSDL_BLOCK_H

#include "input/ctf/tsdl_parser.h"

/* Reads one block or statement of the top level. Return: 0, or ERR with the error set. */
int tsdl_parse_top(struct tsdl_parser *p);

/* Return: a new stream class, of id 0. */
struct ctf_stream_class *tsdl_add_stream(struct tsdl_parser *p);

#endif
