#include "server/label.h"

#include <inttypes.h>

#include "results/entity.h"

uint32_t label_columns(enum table_id table)
{
	return entity_columns(table);
}

uint64_t label_of(enum table_id table, const int64_t *values)
{
	struct entity e = entity_of_state(table, values);

	/* In a system call, too, a thread waits and is interrupted: for that it did not call. */
	if (table == TABLE_THREAD_STATE && values[COL_THREAD_STATE_STATE] != THREAD_SYSCALL)
		return 0;
	return (uint64_t)e.kind << ENTITY_ID_BITS | (uint64_t)e.id;
}

char *label_text(const struct dataset *d, uint64_t label)
{
	int64_t value = (int64_t)(label & ((1ULL << ENTITY_ID_BITS) - 1));
	const char *text;

	switch ((enum entity_kind)(label >> ENTITY_ID_BITS)) {
	case ENTITY_STRING:
		text = store_string(d->store, value);
		return mem_strdup(text ? text : "");
	case ENTITY_THREAD:
	case ENTITY_GUEST_THREAD:
		return dataset_thread_text(d, value);
	case ENTITY_VCPU:
		return dataset_vcpu_text(d, value);
	case ENTITY_MACHINE:
		return mem_strdup(dataset_machine_name(d, value));
	default:
		return mem_strdup("");
	}
}

const char *label_family(enum table_id table)
{
	switch (table) {
	case TABLE_VCPU_STATE:
		return "vcpu";
	case TABLE_THREAD_STATE:
		return "thread";
	default:
		return "cpu";
	}
}

const char *label_state(enum table_id table, int64_t state)
{
	const struct table *t = table_get(table);
	const struct state_labels *labels = t->columns[t->state].labels;

	return labels->at[state >= 0 && state < labels->n ? state : 0].name;
}

/* ---- details ----------------------------------------------------------------------------------
 */

/* "exit_reason" -> "exit reason" */
static void write_name(struct jsonw *j, const char *name)
{
	char *words = mem_strdup(name);
	size_t n = strlen(words);

	if (n > 3 && !strcmp(words + n - 3, "_id"))
		words[n - 3] = '\0';
	for (char *p = words; *p; p++) {
		if (*p == '_')
			*p = ' ';
	}
	jsonw_key(j, words);
	free(words);
}

static char *reference_text(const struct dataset *d, enum table_id table, int64_t id)
{
	switch (table) {
	case TABLE_THREAD:
		return dataset_thread_text(d, id);
	case TABLE_VCPU:
		return dataset_vcpu_text(d, id);
	case TABLE_MACHINE:
		return mem_strdup(dataset_machine_name(d, id));
	default:
		return mem_printf("%" PRId64, id);
	}
}

static char *value_text(const struct dataset *d, const struct column *c, int64_t value)
{
	if (c->type == COLUMN_TEXT)
		return mem_strdup(store_string(d->store, value) ? store_string(d->store, value)
								: "?");
	if (c->unit == UNIT_ID)
		return reference_text(d, c->ref, value);
	if (c->unit == UNIT_NS)
		return mem_printf("%" PRId64 " ns", value);
	return mem_printf("%" PRId64, value);
}

void label_details(struct jsonw *j, const struct dataset *d, enum table_id table,
		   const int64_t *values)
{
	const struct table *t = table_get(table);

	for (int i = 0; i < t->n_columns; i++) {
		if (i == t->ts || i == t->dur || i == t->state || values[i] == TABLE_NULL)
			continue;
		char *text = value_text(d, &t->columns[i], values[i]);

		write_name(j, t->columns[i].name);
		jsonw_string(j, text);
		free(text);
	}
}
