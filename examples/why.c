/*
 * why RECORDING...: analyzes the recordings of a host and its guests, and says why VMs were slow.
 *
 *	cc why.c $(pkg-config --cflags --libs vmscope) -o why
 */
#include <inttypes.h>
#include <stdio.h>
#include <vmscope.h>

/* Where each vCPU's time went, in percent. */
static int print_split(const struct vms_file *file, struct vms_error **error)
{
	static const char *const parts[] = {"run_ns",  "ready_ns",   "exit_ns",	  "poll_ns",
					    "idle_ns", "blocked_ns", "unknown_ns"};
	struct vms_rows *rows = vms_section(file, "split", NULL, error);
	int more = -1;

	while (rows && (more = vms_next(rows, error)) > 0) {
		double total = vms_real(rows, vms_column(rows, "total_ns"));

		printf("%s vCPU %" PRId64 ":", vms_text(rows, vms_column(rows, "machine")),
		       vms_int(rows, vms_column(rows, "vcpu_index")));
		for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
			printf(" %.1f", 100 * vms_real(rows, vms_column(rows, parts[i])) / total);
		putchar('\n');
	}
	vms_rows_free(rows);
	return more;
}

static int print_findings(const struct vms_file *file, struct vms_error **error)
{
	struct vms_rows *rows = vms_section(file, "findings", NULL, error);
	int what = vms_column(rows, "what"), remedy = vms_column(rows, "remedy"), more = -1;

	while (rows && (more = vms_next(rows, error)) > 0)
		printf("%s\n  Remedy: %s.\n", vms_text(rows, what), vms_text(rows, remedy));
	vms_rows_free(rows);
	return more;
}

int main(int argc, char **argv)
{
	struct vms_error *error = NULL;
	struct vms_file *file =
		vms_analyze((const char *const *)argv + 1, (size_t)argc - 1, NULL, &error);
	int failed = !file || print_split(file, &error) < 0 || print_findings(file, &error) < 0;

	for (size_t i = 0; file && vms_note(file, i); i++)
		fprintf(stderr, "why: %s\n", vms_note(file, i));
	if (failed)
		fprintf(stderr, "why: %s\n", vms_error_text(error));
	vms_error_free(error);
	vms_close(file);
	return failed;
}
