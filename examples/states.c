/*
 * states FILE: how long each vCPU was in each state, in two ways that must agree: from the index of
 * the file, and by adding up its intervals.
 *
 *	cc states.c $(pkg-config --cflags --libs vmscope) -o states
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <vmscope.h>

enum { MAX_STATES = 32 };

/* Adds the intervals of one vCPU up. Return: 0, or -1 with *error set. */
static int add_up(const struct vms_file *file, int64_t vcpu, int64_t *ns, struct vms_error **error)
{
	struct vms_select select = VMS_SELECT_INIT;

	select.lane = &vcpu;
	select.n_lane = 1;
	struct vms_rows *rows = vms_table(file, "vcpu_state", &select, error);
	int state = vms_column(rows, "state"), dur = vms_column(rows, "dur"), more = -1;

	while (rows && (more = vms_next(rows, error)) > 0) {
		for (size_t i = 0; i < MAX_STATES && vms_state_name("vcpu_state", i); i++) {
			if (!strcmp(vms_state_name("vcpu_state", i), vms_text(rows, state)))
				ns[i] += vms_int(rows, dur);
		}
	}
	vms_rows_free(rows);
	return more;
}

static int print_vcpu(const struct vms_file *file, const struct vms_vcpu *v,
		      struct vms_error **error)
{
	int64_t sums[MAX_STATES] = {0}, times[MAX_STATES] = {0};
	int n = vms_time_in_states(file, "vcpu_state", &v->id, INT64_MIN, INT64_MAX, times,
				   MAX_STATES, error);

	if (n < 0 || add_up(file, v->id, sums, error) < 0)
		return -1;
	for (int i = 0; i < n; i++) {
		printf("%s\t%" PRId64 "\t%s\t%" PRId64 "\n",
		       vms_machine_by_id(file, v->machine_id)->name, v->index,
		       vms_state_name("vcpu_state", (size_t)i), times[i]);
		if (times[i] != sums[i])
			printf("but its intervals add up to %" PRId64 "\n", sums[i]);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct vms_error *error = NULL;

	if (argc != 2) {
		fprintf(stderr, "usage: states FILE\n");
		return 2;
	}
	struct vms_file *file = vms_open(argv[1], &error);
	int failed = !file;

	for (size_t i = 0; !failed && i < vms_n_vcpus(file); i++)
		failed = print_vcpu(file, vms_vcpu(file, i), &error) < 0;
	if (failed)
		fprintf(stderr, "states: %s\n", vms_error_text(error));
	vms_error_free(error);
	vms_close(file);
	return failed;
}
