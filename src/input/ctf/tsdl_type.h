/*
 * tsdl_type: types, and the names that they are given.
 */
#ifndef VMSCOPE_CTF_TSDL_TYPE_H
#define VMSCOPE_CTF_TSDL_TYPE_H

#include "input/ctf/tsdl_parser.h"

/* Reads a type, not what follows the field's name. *fcp is the caller's to change.
 * Return: 0, or ERR with the error set. */
int tsdl_parse_type(struct tsdl_parser *p, struct ctf_fc **fcp);

/*
 * Reads one of the statements that only give types names (typealias, typedef, a struct, variant or
 * enum), if there is one.
 * Return: 0; 1 when the statement is something else; or ERR with the error set.
 */
int tsdl_parse_naming(struct tsdl_parser *p);

/* Return: what to give to tsdl_scope_leave(), after which names defined since are forgotten. */
uint32_t tsdl_scope_enter(struct tsdl_parser *p);
void tsdl_scope_leave(struct tsdl_parser *p, uint32_t outer);

#endif
