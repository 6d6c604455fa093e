#include "fleet/query.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const struct fleet_query queries[] = {
#include "fleet/query.inc"
};

const struct fleet_query *fleet_queries(size_t *np)
{
	*np = sizeof(queries) / sizeof(queries[0]);
	return queries;
}

const struct fleet_query *fleet_query_find(const char *name)
{
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		if (!strcmp(queries[i].name, name))
			return &queries[i];
	}
	return NULL;
}

/* Return: the text between quotes as SQL has it; for free(). */
static char *query_quote(const char *text)
{
	char *quoted = mem_alloc(2 * strlen(text) + 3), *to = quoted;

	*to++ = '\'';
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			*to++ = '\\';
		*to++ = *text;
	}
	*to++ = '\'';
	*to = 0;
	return quoted;
}

/* Puts a value in all places of another; frees the text. Return: the new one, for free(). */
static char *query_replace(char *text, const char *placeholder, const char *value)
{
	char *quoted = value ? query_quote(value) : NULL, *at;
	size_t from = 0;

	while (quoted && (at = strstr(text + from, placeholder))) {
		size_t before = (size_t)(at - text);
		char *whole =
			mem_printf("%.*s%s%s", (int)before, text, quoted, at + strlen(placeholder));

		free(text);
		text = whole;
		from = before + strlen(quoted);
	}
	free(quoted);
	return text;
}

char *fleet_query_sql(const struct fleet_query *q, const struct fleet_query_part *part)
{
	char *sql = query_replace(mem_strdup(q->sql), "'2000-01-01'", part->since);

	sql = query_replace(sql, "'2100-01-01'", part->until);
	return query_replace(sql, "'%'", part->vm);
}
