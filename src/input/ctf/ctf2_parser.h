/*
 * ctf2_parser: what the parts of the CTF 2 reader share. ctf2.c reads the fragments and puts the
 * trace type together; ctf2_field.c reads field classes.
 */
#ifndef VMSCOPE_CTF_CTF2_PARSER_H
#define VMSCOPE_CTF_CTF2_PARSER_H

#include "input/ctf/builder.h"
#include "input/ctf/ctf2_json.h"
#include "input/ctf/type.h"

struct ctf2_parser {
	struct ctf_trace_type *t;
	struct error *err;
	uint32_t fragment; /* the number of the one being read, from 1 */
	uint64_t n_nodes;  /* against CTF_MAX_NODES */
	json_t *aliases;   /* an object: name to field class, unread; it is read anew at each use */
	size_t alias_bytes;

	/* Of the root that is being read. */
	uint32_t depth;
	enum ctf_scope scope;
	struct ctf_clock *clock; /* the stream class's default clock, or NULL */

	bool has_trace_class;
	bool is_known;	 /* the fragment being read is of a known type */
	bool lost_other; /* a fragment was left out that may have been any but an event */
	struct ctf_builder result;
};

/* Counts n more of what CTF_MAX_NODES bounds. Return: 0, or ERR with the error set. */
int ctf2_spend(struct ctf2_parser *p, uint64_t n);

/*
 * Reads the field class that is the property `name` of object, a structure, as the root of a scope.
 * Roles count when they are of this scope; clock is the one that timestamps are of.
 * Return: 0 with *rootp set, to NULL when there is no such property; or ERR with the error set.
 */
int ctf2_parse_root(struct ctf2_parser *p, const json_t *object, const char *name,
		    enum ctf_scope scope, struct ctf_clock *clock, struct ctf_fc **rootp);

#endif
