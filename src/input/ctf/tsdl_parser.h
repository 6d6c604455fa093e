/*
 * tsdl_parser: what the parts of the TSDL reader share. tsdl.c reads the blocks (trace, stream,
 * event, ...) and puts the trace type together; tsdl_type.c reads types and knows their names;
 * tsdl_recover.c goes on where a block is damaged, and tsdl_mend.c tells what it was.
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

/* A piece of the text that could not be read. */
struct tsdl_damage {
	const char *begin, *end; /* of the block */
	const char *before, *at; /* the token that nothing fits, and the one before it */
	uint32_t line;		 /* of begin */
	struct error err;	 /* what is wrong; owned */
	size_t place;		 /* among the events, if it is one */
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

	/* Damage. */
	VEC(struct tsdl_damage) damaged_events; /* to be looked at when all others are known */
	bool is_strict;	       /* unknown roots are errors: what is read is a guess */
	bool lenient;	       /* statements that cannot be read are left out of their block */
	bool lost_other;       /* a block that is no event was left out: what it said is unknown */
	bool is_other_version; /* this is not damage */
	uint64_t mend_work;    /* bytes, against a bound */
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

/* Reads a type, not what follows the field's name. *fcp is the caller's to change.
 * Return: 0, or ERR with the error set. */
int tsdl_parse_type(struct tsdl_parser *p, struct ctf_fc **fcp);

/*
 * Reads one of the statements that only give types names (typealias, typedef, a struct, variant or
 * enum), if there is one.
 * Return: 0; 1 when the statement is something else; or ERR with the error set.
 */
int tsdl_parse_naming(struct tsdl_parser *p);

/* Reads one block or statement of the top level. Return: 0, or ERR with the error set. */
int tsdl_parse_top(struct tsdl_parser *p);

/* What reading a block may change, so that it can be taken back. */
struct tsdl_mark {
	struct tsdl_lexer lx;
	size_t n_clocks, n_streams, n_events, n_env, n_named;
	bool has_trace, has_uuid;
	uint8_t uuid[16];
	struct ctf_fc *packet_header;
};
void tsdl_mark(const struct tsdl_parser *p, struct tsdl_mark *m);
void tsdl_rollback(struct tsdl_parser *p, const struct tsdl_mark *m);

/*
 * Reads one block or statement of the top level. One that is damaged is mended or left out; an
 * event, later: it has its place among the events until tsdl_recover_events().
 * Return: 0, or ERR with the error set when nothing can be done.
 */
int tsdl_recover_top(struct tsdl_parser *p);
void tsdl_recover_events(struct tsdl_parser *p);

/* Goes past the statement that began at `begin` and could not be read, as far as its line's end. */
void tsdl_recover_statement(struct tsdl_parser *p, const char *begin, uint32_t line);

/*
 * Reads a damaged block as what it was before one of its bytes changed, if that can be told.
 * Return: whether it could.
 */
bool tsdl_mend(struct tsdl_parser *p, const struct tsdl_damage *d);

/* Return: ERR with the error set if a name that is not known looks like one of these (up to a NULL)
 * with one byte changed; else 0. */
int tsdl_check_name(struct tsdl_parser *p, uint32_t line, const char *name,
		    const char *const known[]);

/* Return: whether the two names differ in one byte. */
bool tsdl_is_similar(const char *a, const char *b);

/* Return: what to give to tsdl_scope_leave(), after which names defined since are forgotten. */
uint32_t tsdl_scope_enter(struct tsdl_parser *p);
void tsdl_scope_leave(struct tsdl_parser *p, uint32_t outer);

#endif
