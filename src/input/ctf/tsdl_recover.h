/*
 * tsdl_recover: reading on where a block is damaged: where the next one begins, and what to do
 * without it. What cannot be read is left out and said; what it may have been is not guessed.
 */
#ifndef VMSCOPE_CTF_TSDL_RECOVER_H
#define VMSCOPE_CTF_TSDL_RECOVER_H

#include "input/ctf/tsdl_parser.h"

/*
 * Reads one block or statement of the top level. One that is damaged is left out; an environment or
 * a clock is read without the statements that are damaged.
 * Return: 0, or ERR with the error set when nothing can be done.
 */
int tsdl_recover_top(struct tsdl_parser *p);

#endif
