/*
 * interned: texts of a Perfetto trace, each written once and named by number (iid) from then on.
 *
 * What a number stands for never changes within a file.
 */
#ifndef VMSCOPE_EXPORT_INTERNED_H
#define VMSCOPE_EXPORT_INTERNED_H

#include "base/map.h"
#include "export/names.h"
#include "export/proto.h"
#include "schema/table.h"
#include "store/reader.h"

/* Something that has a name, to be told from others without making the text. */
enum entity_kind {
	ENTITY_NONE,
	ENTITY_STRING, /* of the file */
	ENTITY_MACHINE,
	ENTITY_VCPU,
	ENTITY_THREAD,
	ENTITY_GUEST_THREAD, /* a thread, said with its machine */
};

struct entity {
	enum entity_kind kind;
	int64_t id; /* not negative */
};

struct interned {
	const struct store *store; /* borrowed */
	struct names *names;	   /* borrowed */
	struct map events, categories, keys, values;
	struct proto fresh; /* what the next packet must define: an InternedData */
};

void interned_init(struct interned *in, const struct store *store, struct names *names);
void interned_deinit(struct interned *in);

/* Each returns the iid, and puts its definition into `fresh` when it is new. */

/* The name of a slice: its state, and what it is about: "preempted: bash (290)". */
uint64_t interned_event(struct interned *in, enum table_id table, int64_t state,
			struct entity about);

/* The name of the moment at which somebody is woken: "wakes bash (290)". */
uint64_t interned_wake(struct interned *in, struct entity whom);

/* The category of a state: "vcpu.preempted". */
uint64_t interned_category(struct interned *in, enum table_id table, int64_t state);
uint64_t interned_wake_category(struct interned *in);

/* The name of a column's annotation: of `pcpu`, "pcpu"; of `vm_id`, "vm". */
uint64_t interned_key(struct interned *in, enum table_id table, int column);

/* A text as an annotation's value. */
uint64_t interned_value(struct interned *in, struct entity value);

/* Return: id as an entity of this kind; nothing when it is NULL or can be none. */
struct entity entity_of(enum entity_kind kind, int64_t id);

#endif
