#include "server/label.h"

#include <inttypes.h>

/* The upper bits of a label: what the lower ones are. */
enum label_kind { LABEL_NONE, LABEL_STRING, LABEL_THREAD, LABEL_VCPU, LABEL_MACHINE };

enum { LABEL_VALUE_BITS = 56 };

static uint64_t make(enum label_kind kind, int64_t value)
{
	if (value < 0 || value >> LABEL_VALUE_BITS)
		return 0;
	return (uint64_t)kind << LABEL_VALUE_BITS | (uint64_t)value;
}

uint32_t label_columns(enum table_id table)
{
	switch (table) {
	case TABLE_VCPU_STATE:
		return 1U << COL_VCPU_STATE_EXIT_NAME | 1U << COL_VCPU_STATE_OCCUPANT_THREAD_ID |
		       1U << COL_VCPU_STATE_OCCUPANT_HANDLER;
	case TABLE_THREAD_STATE:
		return 1U << COL_THREAD_STATE_SYSCALL;
	default:
		return 1U << COL_CPU_STATE_THREAD_ID | 1U << COL_CPU_STATE_VM_ID |
		       1U << COL_CPU_STATE_VCPU_ID | 1U << COL_CPU_STATE_GUEST_THREAD_ID;
	}
}

static uint64_t vcpu_label(const int64_t *v)
{
	switch (v[COL_VCPU_STATE_STATE]) {
	case VCPU_PREEMPTED:
	case VCPU_WAITING:
		if (v[COL_VCPU_STATE_OCCUPANT_HANDLER] >= 0)
			return make(LABEL_STRING, v[COL_VCPU_STATE_OCCUPANT_HANDLER]);
		return make(LABEL_THREAD, v[COL_VCPU_STATE_OCCUPANT_THREAD_ID]);
	case VCPU_HYPERVISOR:
	case VCPU_USERSPACE:
	case VCPU_BLOCKED:
		return make(LABEL_STRING, v[COL_VCPU_STATE_EXIT_NAME]);
	default:
		return 0;
	}
}

static uint64_t cpu_label(const int64_t *v)
{
	switch (v[COL_CPU_STATE_STATE]) {
	case CPU_VM:
		if (v[COL_CPU_STATE_GUEST_THREAD_ID] >= 0)
			return make(LABEL_THREAD, v[COL_CPU_STATE_GUEST_THREAD_ID]);
		if (v[COL_CPU_STATE_VCPU_ID] >= 0)
			return make(LABEL_VCPU, v[COL_CPU_STATE_VCPU_ID]);
		return make(LABEL_MACHINE, v[COL_CPU_STATE_VM_ID]);
	case CPU_USER:
	case CPU_SYSCALL:
		return make(LABEL_THREAD, v[COL_CPU_STATE_THREAD_ID]);
	default:
		return 0;
	}
}

uint64_t label_of(enum table_id table, const int64_t *values)
{
	switch (table) {
	case TABLE_VCPU_STATE:
		return vcpu_label(values);
	case TABLE_THREAD_STATE:
		return values[COL_THREAD_STATE_STATE] == THREAD_SYSCALL
			       ? make(LABEL_STRING, values[COL_THREAD_STATE_SYSCALL])
			       : 0;
	default:
		return cpu_label(values);
	}
}

char *label_text(const struct dataset *d, uint64_t label)
{
	int64_t value = (int64_t)(label & ((1ULL << LABEL_VALUE_BITS) - 1));
	const char *text;

	switch (label >> LABEL_VALUE_BITS) {
	case LABEL_STRING:
		text = store_string(d->store, value);
		return mem_strdup(text ? text : "");
	case LABEL_THREAD:
		return dataset_thread_text(d, value);
	case LABEL_VCPU:
		return dataset_vcpu_text(d, value);
	case LABEL_MACHINE:
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
