#include "store/meta.h"

#include <string.h>

#include "store/cursor.h"

int store_time_origin(const struct store *s, enum clock_origin *originp, struct error *err)
{
	struct store_query q = store_query_all(s, TABLE_META);
	struct store_cursor c;
	int r;

	*originp = CLOCK_ORIGIN_EPOCH;
	store_cursor_init(&c, s, &q);
	while ((r = store_cursor_next(&c, err)) == CURSOR_ROW) {
		const char *key = store_string(s, store_cursor_get(&c, COL_META_KEY));
		const char *value = store_string(s, store_cursor_get(&c, COL_META_VALUE));

		if (key && !strcmp(key, "time_origin"))
			*originp = clock_origin_of_name(value);
	}
	store_cursor_deinit(&c);
	return r;
}
