#include "store/meta.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/cursor.h"

/*
 * What the file says under this name, borrowed; NULL: that it is not known. Return: 1; 0 when it
 * says nothing; or ERR with err set.
 */
static int meta_value(const struct store *s, const char *name, const char **valuep,
		      struct error *err)
{
	struct store_query q = store_query_all(s, TABLE_META);
	struct store_cursor c;
	int r, found = 0;

	*valuep = NULL;
	store_cursor_init(&c, s, &q);
	while ((r = store_cursor_next(&c, err)) == CURSOR_ROW) {
		const char *key = store_string(s, store_cursor_get(&c, COL_META_KEY));

		if (!key || strcmp(key, name) != 0)
			continue;
		*valuep = store_string(s, store_cursor_get(&c, COL_META_VALUE));
		found = 1;
	}
	store_cursor_deinit(&c);
	return r ? r : found;
}

int store_time_origin(const struct store *s, enum clock_origin *originp, struct error *err)
{
	const char *value;
	int r = meta_value(s, "time_origin", &value, err);

	*originp = r == 1 ? clock_origin_of_name(value) : CLOCK_ORIGIN_EPOCH;
	return r == ERR ? ERR : 0;
}

/* Leaves *nsp as it is when the file does not say. */
static int meta_time(const struct store *s, const char *name, int64_t *nsp, struct error *err)
{
	const char *value;
	char *end;
	int r = meta_value(s, name, &value, err);

	if (r != 1)
		return r;
	errno = 0;
	*nsp = strtoll(value ? value : "", &end, 10);
	if (!value || errno || end == value || *end)
		return error_set(err, "'%s': %s is no time: '%s'", s->name, name,
				 value ? value : "");
	return 0;
}

/* From the first begin of a lane to the last end; 0 where there is none. */
static void span_of_lanes(const struct store *s, int64_t *beginp, int64_t *endp)
{
	*beginp = INT64_MAX;
	*endp = INT64_MIN;
	for (int i = 0; i < TABLE_N; i++) {
		if (table_get((enum table_id)i)->kind != TABLE_STATES)
			continue;
		vec_each (lane, &s->tables[i].lanes) {
			*beginp = lane->entry.first < *beginp ? lane->entry.first : *beginp;
			*endp = lane->entry.end > *endp ? lane->entry.end : *endp;
		}
	}
	if (*beginp > *endp)
		*beginp = *endp = 0;
}

int store_span(const struct store *s, int64_t *beginp, int64_t *endp, struct error *err)
{
	span_of_lanes(s, beginp, endp);
	if (meta_time(s, "span_begin_ns", beginp, err) || meta_time(s, "span_end_ns", endp, err))
		return ERR;
	if (*beginp > *endp || (uint64_t)*endp - (uint64_t)*beginp > INT64_MAX)
		return error_set(err, "'%s': its span is not possible", s->name);
	return 0;
}
