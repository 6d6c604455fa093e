/*
 * section FILE SECTION: a section of the report as CSV, as `vmscope report --format csv` prints it.
 *
 *	cc section.c $(pkg-config --cflags --libs vmscope) -o section
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vmscope.h>

static void print_text(const char *text)
{
	int quoted = strpbrk(text, ",\"\r\n") != NULL;

	if (quoted)
		putchar('"');
	for (; *text; text++) {
		if (*text == '"')
			putchar('"');
		putchar(*text);
	}
	if (quoted)
		putchar('"');
}

/* With as many digits as it takes to be read back as the same number. */
static void print_real(double value)
{
	char text[40];

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	fputs(text, stdout);
}

static void print_value(const struct vms_rows *rows, int column)
{
	switch (vms_type(rows, column)) {
	case VMS_TYPE_NULL:
		break;
	case VMS_TYPE_INT:
		printf("%" PRId64, vms_int(rows, column));
		break;
	case VMS_TYPE_REAL:
		print_real(vms_real(rows, column));
		break;
	case VMS_TYPE_TEXT:
		print_text(vms_text(rows, column));
		break;
	}
}

static int print_section(const struct vms_file *file, const char *section, struct vms_error **error)
{
	struct vms_rows *rows = vms_section(file, section, NULL, error);
	int n = vms_n_columns(rows), more = -1;

	for (int i = 0; i < n; i++)
		printf("%s%c", vms_column_name(rows, i), i + 1 < n ? ',' : '\n');
	while (rows && (more = vms_next(rows, error)) > 0) {
		for (int i = 0; i < n; i++) {
			print_value(rows, i);
			putchar(i + 1 < n ? ',' : '\n');
		}
	}
	vms_rows_free(rows);
	return more;
}

int main(int argc, char **argv)
{
	struct vms_error *error = NULL;

	if (argc != 3) {
		fprintf(stderr, "usage: section FILE SECTION\n");
		return 2;
	}
	struct vms_file *file = vms_open(argv[1], &error);
	int failed = !file || print_section(file, argv[2], &error) < 0;

	if (failed)
		fprintf(stderr, "section: %s\n", vms_error_text(error));
	vms_error_free(error);
	vms_close(file);
	return failed;
}
