#include "sql/print_format.h"

#include <string.h>

#include "base/csv.h"
#include "base/out.h"

static void print_value(struct out *o, sqlite3_stmt *s, int column)
{
	const char *text;

	switch (sqlite3_column_type(s, column)) {
	case SQLITE_NULL:
		break;
	case SQLITE_INTEGER:
		out_int(o, sqlite3_column_int64(s, column));
		break;
	case SQLITE_FLOAT:
		out_double(o, sqlite3_column_double(s, column));
		break;
	default:
		text = sqlite3_column_blob(s, column);
		csv_text(o, text ? text : "", (size_t)sqlite3_column_bytes(s, column));
	}
}

int sql_print_csv(sqlite3_stmt *s, const struct sql_output *output)
{
	int n = sqlite3_column_count(s), r;
	struct out o;

	out_init(&o, output->file);
	for (int i = 0; i < n; i++) {
		csv_text(&o, sqlite3_column_name(s, i), strlen(sqlite3_column_name(s, i)));
		out_char(&o, i + 1 < n ? ',' : '\n');
	}
	while ((r = sqlite3_step(s)) == SQLITE_ROW && !out_failed(&o)) {
		for (int i = 0; i < n; i++) {
			print_value(&o, s, i);
			out_char(&o, i + 1 < n ? ',' : '\n');
		}
	}
	out_deinit(&o);
	return r;
}
