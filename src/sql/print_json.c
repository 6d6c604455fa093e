#include "sql/print_format.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

/* The names of the columns, made different where two are equal: keys of an object. */
struct names {
	VEC(char *) list; /* owned */
};

static bool is_taken(const struct names *names, const char *name)
{
	vec_each (n, &names->list) {
		if (!strcmp(*n, name))
			return true;
	}
	return false;
}

static void names_init(struct names *names, sqlite3_stmt *s)
{
	*names = (struct names){0};
	for (int i = 0; i < sqlite3_column_count(s); i++) {
		char *name = mem_strdup(sqlite3_column_name(s, i));

		for (int k = 2; is_taken(names, name); k++) {
			free(name);
			name = mem_printf("%s_%d", sqlite3_column_name(s, i), k);
		}
		*vec_push(&names->list) = name;
	}
}

static void names_deinit(struct names *names)
{
	vec_each (n, &names->list)
		free(*n);
	vec_deinit(&names->list);
}

static void print_value(struct jsonw *j, sqlite3_stmt *s, int column)
{
	const char *text;

	switch (sqlite3_column_type(s, column)) {
	case SQLITE_NULL:
		jsonw_null(j);
		break;
	case SQLITE_INTEGER:
		jsonw_int(j, sqlite3_column_int64(s, column));
		break;
	case SQLITE_FLOAT:
		jsonw_double(j, sqlite3_column_double(s, column));
		break;
	default:
		text = sqlite3_column_blob(s, column);
		jsonw_bytes(j, text ? text : "", (size_t)sqlite3_column_bytes(s, column));
	}
}

static void print_row(struct jsonw *j, sqlite3_stmt *s, const struct names *names)
{
	jsonw_object_begin(j);
	for (size_t i = 0; i < names->list.n; i++) {
		jsonw_key(j, names->list.at[i]);
		print_value(j, s, (int)i);
	}
	jsonw_object_end(j);
}

/* One row per line. */
int sql_print_json(sqlite3_stmt *s, const struct sql_output *output)
{
	struct names names;
	struct jsonw j;
	int r;

	names_init(&names, s);
	jsonw_init(&j, output->file);
	jsonw_array_begin(&j);
	while ((r = sqlite3_step(s)) == SQLITE_ROW && !out_failed(&j.out)) {
		out_str(&j.out, j.comma ? ",\n" : "\n");
		j.comma = false;
		print_row(&j, s, &names);
	}
	out_char(&j.out, '\n');
	jsonw_array_end(&j);
	jsonw_newline(&j);
	jsonw_deinit(&j);
	names_deinit(&names);
	return r;
}
