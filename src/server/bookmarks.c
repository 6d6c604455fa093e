#include "server/bookmarks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/member.h"

void bookmarks_deinit(struct bookmarks *b)
{
	vec_each (m, &b->at)
		free(m->name);
	vec_deinit(&b->at);
}

const struct bookmark *bookmarks_add(struct bookmarks *b, const char *name, int64_t start,
				     int64_t end)
{
	if (b->at.n >= BOOKMARKS_MAX)
		return NULL;
	char *key = mem_printf("bookmark %" PRIu64 "\n%s", b->made++, name);
	struct bookmark *m = vec_push(&b->at);

	*m = (struct bookmark){.uuid = uuid_of(key, strlen(key)),
			       .name = mem_strdup(name),
			       .start = start,
			       .end = end};
	free(key);
	return m;
}

struct bookmark *bookmarks_find(struct bookmarks *b, const char *uuid)
{
	vec_each (m, &b->at) {
		if (uuid_is(&m->uuid, uuid))
			return m;
	}
	return NULL;
}

void bookmark_set(struct bookmark *m, const char *name, int64_t start, int64_t end)
{
	char *copy = mem_strdup(name);

	free(m->name);
	m->name = copy;
	m->start = start;
	m->end = end;
}

void bookmarks_remove(struct bookmarks *b, struct bookmark *m)
{
	size_t after = b->at.n - (size_t)(m - b->at.at) - 1;

	free(m->name);
	memmove(m, m + 1, after * sizeof(*m));
	b->at.n--;
}

void bookmark_write(struct jsonw *j, const struct bookmark *m)
{
	jsonw_object_begin(j);
	/* The clients' word, and the protocol's. */
	member_text(j, "UUID", m->uuid.text);
	member_text(j, "uuid", m->uuid.text);
	member_text(j, "name", m->name);
	member_int(j, "start", m->start);
	member_int(j, "end", m->end);
	jsonw_object_end(j);
}

void bookmarks_write(struct jsonw *j, const struct bookmarks *b)
{
	jsonw_array_begin(j);
	vec_each (m, &b->at)
		bookmark_write(j, m);
	jsonw_array_end(j);
}
