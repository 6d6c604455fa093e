/*
 * tsdl_lex: the words of CTF 1.8's metadata language.
 *
 * A lexer stands on one token; tsdl_next() goes to the next. An error in the text is a token too
 * (TSDL_ERROR, with the message kept), which no grammar rule accepts: so parsers need not check
 * after every token, and the first message is the one that is reported.
 */
#ifndef VMSCOPE_CTF_TSDL_LEX_H
#define VMSCOPE_CTF_TSDL_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

/* Kinds of token; a punctuation character is its own kind. */
enum {
	TSDL_END = 0,
	TSDL_WORD = 256, /* identifiers and keywords alike */
	TSDL_NUMBER,	 /* without its sign */
	TSDL_STRING,
	TSDL_ELLIPSIS,	  /* ... */
	TSDL_TYPE_ASSIGN, /* := */
	TSDL_ERROR,
};

struct tsdl_lexer {
	const char *next, *end; /* the text after the token */
	uint32_t next_line;
	struct arena *arena; /* of strings that hold escapes */
	struct error *err;   /* set while kind is TSDL_ERROR */

	int kind;
	const char *at;	  /* where the token begins */
	uint32_t line;	  /* where the token begins, from 1 */
	const char *text; /* of a word as written, of a string what it means; not NUL-terminated */
	size_t len;
	uint64_t number;
};

/* Stands on the first token then. The text, the arena and err outlive the lexer. */
void tsdl_lexer_init(struct tsdl_lexer *lx, const char *text, size_t size, struct arena *arena,
		     struct error *err);

/* Goes on at another place of the text, also after an error (whose message stays). */
void tsdl_lexer_go(struct tsdl_lexer *lx, const char *at, const char *end, uint32_t line);

void tsdl_next(struct tsdl_lexer *lx);

/* Return: whether the token is this very word. */
bool tsdl_is_word(const struct tsdl_lexer *lx, const char *word);

#endif
