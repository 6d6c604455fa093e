/*
 * entity: what a state is about (who has the CPU, which exit, which system call), as a number: so
 * equal ones can be told without making their text.
 */
#ifndef VMSCOPE_RESULTS_ENTITY_H
#define VMSCOPE_RESULTS_ENTITY_H

#include "results/results.h"

enum entity_kind {
	ENTITY_NONE,
	ENTITY_STRING, /* of the file */
	ENTITY_MACHINE,
	ENTITY_VCPU,
	ENTITY_THREAD,
	ENTITY_GUEST_THREAD, /* a thread that its CPU's machine does not know */
};

enum { ENTITY_ID_BITS = 52 };

struct entity {
	enum entity_kind kind;
	int64_t id; /* not negative, of ENTITY_ID_BITS at most */
};

/* Return: id as an entity of this kind; nothing when it is NULL or can be none. */
struct entity entity_of(enum entity_kind kind, int64_t id);

/* Columns that entity_of_state() needs, one bit each. */
uint32_t entity_columns(enum table_id table);

/* values: of a row of a table of states, by column. Return: what it is about, or nothing. */
struct entity entity_of_state(enum table_id table, const int64_t *values);

/*
 * Return: its text, owned by the caller: "g1", "g1 vCPU 0", "bash (290)", of a thread that runs a
 * vCPU that one's name, of a guest's thread "g1 bash (290)"; one that says the id where it is of
 * nothing in r.
 */
char *entity_text(const struct results *r, struct entity e);

#endif
