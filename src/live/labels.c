#include "live/labels.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "events/exit_reason.h"
#include "schema/table.h"

enum { LABELS_MAX = 4096 };

void labels_deinit(struct labels *n)
{
	vec_each (name, &n->at)
		free(*name);
	vec_deinit(&n->at);
	map_deinit(&n->by_pointer);
	map_deinit(&n->by_cause);
}

const char *labels_text(const struct labels *n, int64_t number)
{
	return number >= 0 && (uint64_t)number < n->at.n ? n->at.at[number] : NULL;
}

static int64_t labels_find(struct labels *n, const char *text)
{
	for (size_t i = 0; i < n->at.n; i++) {
		if (!strcmp(n->at.at[i], text))
			return (int64_t)i;
	}
	if (n->at.n == LABELS_MAX)
		return TABLE_NULL;
	*vec_push(&n->at) = mem_strdup(text);
	return (int64_t)n->at.n - 1;
}

int64_t labels_of_text(struct labels *n, const char *text)
{
	if (!text)
		return TABLE_NULL;
	uint64_t *known = map_get(&n->by_pointer, (uintptr_t)text);

	if (known)
		return (int64_t)*known;
	return (int64_t)*map_put(&n->by_pointer, (uintptr_t)text, (uint64_t)labels_find(n, text));
}

int64_t labels_of_exit(struct labels *n, const struct exit_cause *cause)
{
	uint64_t key = (uint64_t)cause->isa << 33 ^ cause->reason;
	uint64_t *known = cause->reason == NO_EXIT ? NULL : map_get(&n->by_cause, key);

	if (cause->reason == NO_EXIT)
		return TABLE_NULL;
	if (known)
		return (int64_t)*known;
	char *text = exit_reason_label((enum isa)cause->isa, (uint32_t)cause->reason);
	int64_t number = labels_find(n, text);

	free(text);
	map_put(&n->by_cause, key, (uint64_t)number);
	return number;
}
