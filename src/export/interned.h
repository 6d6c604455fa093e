/*
 * interned: texts of a Perfetto trace, each written once and named by number (iid) from then on.
 *
 * What a number stands for never changes within a file.
 */
#ifndef VMSCOPE_EXPORT_INTERNED_H
#define VMSCOPE_EXPORT_INTERNED_H

#include "base/map.h"
#include "export/proto.h"
#include "results/entity.h"
#include "schema/table.h"

struct interned {
	const struct results *results; /* borrowed */
	struct map events, categories, keys, values;
	struct proto fresh; /* what the next packet must define: an InternedData */
};

void interned_init(struct interned *in, const struct results *results);
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

#endif
