/*
 * tsdl_parser: the state of a TSDL reader, and what its parts share: tokens, values, clocks.
 *
 *	tsdl.c		all blocks; puts the trace type together
 *	tsdl_recover.c	goes on where a block is damaged
 *	tsdl_block.c	one block: trace, stream, event, ...
 *	tsdl_type.c	types, and their names
 *	tsdl_lex.c	tokens
 *
 * Each calls only those below it.
 */
#ifndef VMSCOPE_CTF_TSDL_PARSER_H
#define VMSCOPE_CTF_TSDL_PARSER_H

#include "base/mem.h"
#include "input/ctf/builder.h"
#include "input/ctf/tsdl_lex.h"
#include "input/ctf/type.h"

enum {
	TSDL_NAME_SIZE = 256, /* dotted names and names of types, with the NUL */
	TSDL_MAX_NAMED = 1 << 16,
	TSDL_N_BUCKETS = 1 << 10,
	TSDL_NO_NAME = 0, /* element 0 of `named` is not used */
};

/* "uint32_t", "unsigned long", "struct s", "variant v", "enum e" */
struct tsdl_named {
	const char *name;
	const struct ctf_fc *fc;
	uint32_t next;	 /* with the same hash, further out */
	uint32_t bucket; /* its hash */
};

/* What is assigned to an attribute. */
struct tsdl_value {
	int kind; /* TSDL_NUMBER, TSDL_STRING or TSDL_WORD */
	uint32_t line;
	uint64_t number; /* two's complement when negative */
	bool negative;
	const char *string;	   /* TSDL_STRING: in the arena */
	char word[TSDL_NAME_SIZE]; /* TSDL_WORD: with its dots */
};

/* A number of the environment. */
struct tsdl_env_number {
	const char *name; /* within the text */
	size_t len;
	uint64_t number;
};

struct tsdl_parser {
	const char *text;
	size_t size;
	struct tsdl_lexer lx;
	struct ctf_trace_type *t;
	struct error *err;
	uint32_t depth;	  /* of composite types that are open */
	uint64_t n_nodes; /* against CTF_MAX_NODES */

	/* The names in force, innermost scope last. */
	VEC(struct tsdl_named) named;
	uint32_t buckets[TSDL_N_BUCKETS];
	uint32_t scope_start;

	/* What the types that are open hold so far, innermost last. */
	VEC(struct ctf_member) members;
	VEC(struct field_label) labels;

	struct ctf_builder result;
	VEC(bool) clock_defined;     /* for each clock of it: not only referred to */
	VEC(uint64_t) event_streams; /* for each event of it: its stream id */
	VEC(bool) event_has_stream;
	bool has_trace;

	/* Of all env blocks, wherever they stand; once one is asked for. */
	VEC(struct tsdl_env_number) env_numbers;
	bool is_env_scanned;

	/* Damage. */
	bool lenient;	       /* statements that cannot be read are left out of their block */
	bool lost_other;       /* a block that is no event was left out: what it said is unknown */
	bool is_other_version; /* this is not damage */
};

/* The text is wrong at a line, or at the current token. A message that is there already stays.
 * Return: ERR. */
int tsdl_fail_at(struct tsdl_parser *p, uint32_t line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int tsdl_expected(struct tsdl_parser *p, const char *what);

/* Counts n more of what CTF_MAX_NODES bounds. Return: 0, or ERR with the error set. */
int tsdl_spend(struct tsdl_parser *p, uint64_t n);

/* Goes past the token if it is this one. Return: whether it was. */
bool tsdl_accept(struct tsdl_parser *p, int kind);
bool tsdl_accept_word(struct tsdl_parser *p, const char *word);

/* Goes past the token, which has to be this one. Return: 0, or ERR with the error set. */
int tsdl_expect(struct tsdl_parser *p, int kind, const char *what);

/* Reads a dotted name. Return: 0, or ERR with the error set. */
int tsdl_parse_dotted(struct tsdl_parser *p, char name[TSDL_NAME_SIZE]);

/* Reads what follows `=`. Return: 0, or ERR with the error set. */
int tsdl_parse_value(struct tsdl_parser *p, struct tsdl_value *v);

/* Return: 0 with *lep set from le, be, network or native, or ERR with the error set. */
int tsdl_byte_order(struct tsdl_parser *p, const struct tsdl_value *v, bool *big_endianp);

/* The clock of this name, defined or not yet. Return: NULL with the error set if they are too many.
 */
struct ctf_clock *tsdl_clock(struct tsdl_parser *p, const char *name, bool define);

/* The environment's number of this name. Return: 0, or ERR with the error set. */
int tsdl_env_number(struct tsdl_parser *p, const char *name, uint64_t *np);

/* Return: how many lines end between the two. */
uint32_t tsdl_count_lines(const char *begin, const char *end);

/*
 * Leaves out the statement that began at `begin` and could not be read, as the error says, and goes
 * on after it, or in the next line.
 */
void tsdl_skip_statement(struct tsdl_parser *p, const char *begin, uint32_t line);

/* Takes an attribute of which nothing is needed. Return: 0. */
int tsdl_set_nothing(struct tsdl_parser *p, const char *name, const struct tsdl_value *v,
		     void *data);

#endif
