#include "export/interned.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"

/* Fields of Perfetto's InternedData, and of what is in them. */
enum {
	INTERNED_CATEGORIES = 1,
	INTERNED_EVENT_NAMES = 2,
	INTERNED_ANNOTATION_NAMES = 3,
	INTERNED_STRING_VALUES = 29,
	ENTRY_IID = 1,
	ENTRY_TEXT = 2,
};

/* A key: what an event is named for, the kind of an entity, its id. */
enum { ID_BITS = ENTITY_ID_BITS, KIND_BITS = 4, STATES_PER_TABLE = 16, WAKES = 255 };

_Static_assert(TABLE_N *STATES_PER_TABLE < WAKES, "keys of events are told apart");

void interned_init(struct interned *in, const struct results *results)
{
	*in = (struct interned){.results = results};
}

void interned_deinit(struct interned *in)
{
	map_deinit(&in->events);
	map_deinit(&in->categories);
	map_deinit(&in->keys);
	map_deinit(&in->values);
	proto_deinit(&in->fresh);
}

static uint64_t key_of(struct entity t)
{
	return (uint64_t)t.kind << ID_BITS | (uint64_t)t.id;
}

/* Return: the number of a key, which is the next one when it is new; then *newp. */
static uint64_t number_of(struct map *map, uint64_t key, bool *newp)
{
	const uint64_t *known = map_get(map, key);

	*newp = !known;
	return known ? *known : *map_put(map, key, map->n + 1);
}

static void define(struct interned *in, unsigned field, uint64_t iid, const char *text)
{
	proto_begin(&in->fresh, field);
	proto_uint(&in->fresh, ENTRY_IID, iid);
	proto_text(&in->fresh, ENTRY_TEXT, text);
	proto_end(&in->fresh);
}

/* The same, with a text to be freed. */
static void define_made(struct interned *in, unsigned field, uint64_t iid, char *text)
{
	define(in, field, iid, text);
	free(text);
}

static const char *family_of(enum table_id table)
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

/* States of a later version have no name here. */
static const char *state_name(enum table_id table, int64_t state)
{
	const struct table *t = table_get(table);
	const struct state_labels *labels = t->columns[t->state].labels;

	return labels->at[state < labels->n ? state : 0].name;
}

static uint64_t state_key(enum table_id table, int64_t state)
{
	return (uint64_t)table * STATES_PER_TABLE + (uint64_t)state;
}

uint64_t interned_event(struct interned *in, enum table_id table, int64_t state,
			struct entity about)
{
	uint64_t key = state_key(table, state) << (ID_BITS + KIND_BITS) | key_of(about);
	bool new;
	uint64_t iid = number_of(&in->events, key, &new);

	if (!new)
		return iid;
	char *text = entity_text(in->results, about);

	define_made(in, INTERNED_EVENT_NAMES, iid,
		    mem_printf("%s%s%s", state_name(table, state), *text ? ": " : "", text));
	free(text);
	return iid;
}

uint64_t interned_wake(struct interned *in, struct entity whom)
{
	bool new;
	uint64_t iid = number_of(&in->events,
				 (uint64_t)WAKES << (ID_BITS + KIND_BITS) | key_of(whom), &new);

	if (!new)
		return iid;
	char *text = entity_text(in->results, whom);

	define_made(in, INTERNED_EVENT_NAMES, iid, mem_printf("wakes %s", text));
	free(text);
	return iid;
}

uint64_t interned_category(struct interned *in, enum table_id table, int64_t state)
{
	bool new;
	uint64_t iid = number_of(&in->categories, state_key(table, state), &new);

	if (new)
		define_made(in, INTERNED_CATEGORIES, iid,
			    mem_printf("%s.%s", family_of(table), state_name(table, state)));
	return iid;
}

uint64_t interned_wake_category(struct interned *in)
{
	bool new;
	uint64_t iid = number_of(&in->categories, WAKES, &new);

	if (new)
		define(in, INTERNED_CATEGORIES, iid, "wakeup");
	return iid;
}

uint64_t interned_key(struct interned *in, enum table_id table, int column)
{
	const struct column *c = &table_get(table)->columns[column];
	bool new;
	uint64_t iid =
		number_of(&in->keys, (uint64_t)table * TABLE_MAX_COLUMNS + (uint64_t)column, &new);
	size_t n = strlen(c->name);

	if (new && c->unit == UNIT_ID && n > 3 && !strcmp(c->name + n - 3, "_id"))
		define_made(in, INTERNED_ANNOTATION_NAMES, iid, mem_strndup(c->name, n - 3));
	else if (new)
		define(in, INTERNED_ANNOTATION_NAMES, iid, c->name);
	return iid;
}

uint64_t interned_value(struct interned *in, struct entity value)
{
	bool new;
	uint64_t iid = number_of(&in->values, key_of(value), &new);

	if (new)
		define_made(in, INTERNED_STRING_VALUES, iid, entity_text(in->results, value));
	return iid;
}
