/*
 * dump FILE: every row, read by the real reader and printed as decode.py prints it.
 * dump --make FILE SEED ROWS: a file of random rows.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "maker.h"
#include "store/cursor.h"

/* Bytes as code points, since decode.py reads texts as Latin-1. */
static void print_text(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c == '\n' || c == '\t')
			printf("\\%c", c == '\n' ? 'n' : 't');
		else if (c < 0x20 || c >= 0x7f)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

/* Only what the file has: decode.py does not know of later columns. */
static void print_row(const struct store *s, const struct store_cursor *c)
{
	printf("%s:", c->table->name);
	for (int k = 0; k < c->table->n_columns; k++) {
		int64_t value = store_cursor_get(c, k);

		if (s->tables[c->query.table].missing >> k & 1)
			continue;
		printf(" %s=", c->table->columns[k].name);
		if (value == TABLE_NULL)
			putchar('-');
		else if (c->table->columns[k].type == COLUMN_TEXT)
			print_text(store_string(s, value));
		else if (c->table->columns[k].type == COLUMN_REAL)
			printf("%.17g", table_real_value(value));
		else
			printf("%" PRId64, value);
	}
	putchar('\n');
}

static int print_table(const struct store *s, enum table_id id, struct error *err)
{
	struct store_query q = store_query_all(s, id);
	struct store_cursor c;
	int r;

	store_cursor_init(&c, s, &q);
	while ((r = store_cursor_next(&c, err)) == CURSOR_ROW)
		print_row(s, &c);
	store_cursor_deinit(&c);
	return r;
}

static int print_file(const char *path)
{
	struct error err = {0};
	struct store *s = NULL;
	int r = store_open(&s, path, &err);

	for (int id = 0; !r && id < TABLE_N; id++)
		r = print_table(s, (enum table_id)id, &err);
	if (r)
		fprintf(stderr, "dump: %s\n", err.text);
	error_deinit(&err);
	store_free(s);
	return r ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int make(char **argv)
{
	struct made_file f;

	made_file_init(&f, strtoull(argv[1], NULL, 0), strtoull(argv[2], NULL, 0), MADE_PLAIN);
	int r = rename(f.path, argv[0]);

	made_file_deinit(&f);
	return r ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "--make"))
		return make(argv + 2);
	if (argc != 2) {
		fputs("usage: dump FILE | dump --make FILE SEED ROWS\n", stderr);
		return EXIT_FAILURE;
	}
	return print_file(argv[1]);
}
