/*
 * vmscope: what each virtual CPU of a KVM host truly did, from C and C++.
 *
 *	struct vms_error *error = NULL;
 *	struct vms_file *file = vms_open("run.vms", &error);
 *
 *	if (!file) {
 *		fprintf(stderr, "%s\n", vms_error_text(error));
 *		vms_error_free(error);
 *		return 1;
 *	}
 *	struct vms_rows *rows = vms_section(file, "split", NULL, &error);
 *	int vm = vms_column(rows, "vm"), run = vms_column(rows, "run_ns");
 *
 *	while (vms_next(rows, &error) > 0)
 *		printf("%s ran for %" PRId64 " ns\n", vms_text(rows, vm), vms_int(rows, run));
 *	vms_rows_free(rows);
 *	vms_close(file);
 *
 * A file is what `vmscope analyze -o FILE` wrote, or what vms_analyze() makes of recordings. There
 * are three ways to look into it, and all give rows: its tables (docs/sql.md), the sections of
 * `vmscope report` (docs/report.md), and SQL over tables and views.
 *
 * Values. Times are ns since what vms_time_origin() says, durations are ns, ids are numbers of rows
 * of other tables. What is not known is VMS_NULL, or NULL for texts. Texts are UTF-8 as the
 * recordings have them: not made safe for a terminal.
 *
 * Errors. What can fail returns NULL or a negative number, and then, unless `error` is NULL, puts
 * an error there that the caller frees. *error must be NULL before. Nothing is printed, nobody
 * exits. Only when the machine has no memory left does the process end, with a word on stderr.
 * Indexes and columns out of range are no error: they give NULL, VMS_NULL or 0.
 *
 * Ownership. Who gets a file, rows or an error frees it; everything else is borrowed: from a file
 * until vms_close(), a row's texts until the next vms_next(). Rows must be freed before their file.
 * vms_close(), vms_rows_free() and vms_error_free() take NULL.
 *
 * Threads. A file does not change: any number of threads may use it at once, each with rows of its
 * own. Rows, and errors, are for one thread at a time.
 *
 * Versions. What is here stays as long as the library is libvmscope.so.0: functions are added, no
 * structure changes but that it grows at its end, and that only where the library makes it or the
 * caller says its size. docs/versions.md has the promises.
 */
#ifndef VMSCOPE_H
#define VMSCOPE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* A number that is not known. */
#define VMS_NULL INT64_MIN

struct vms_file;
struct vms_rows;
struct vms_error;

/* Return: the library's version, "1.2.3". */
const char *vms_version(void);

/* ---- errors ---- */

/* Return: one line, from what was asked for down to the cause; never NULL. */
const char *vms_error_text(const struct vms_error *error);
void vms_error_free(struct vms_error *error);

/* ---- files ---- */

/* Opens a results file. Return: it, or NULL with *error set. */
struct vms_file *vms_open(const char *path, struct vms_error **error);
void vms_close(struct vms_file *file);

/* How clocks of different machines are put on one: as `vmscope analyze --sync`. */
enum vms_sync {
	VMS_SYNC_AUTO,
	VMS_SYNC_VMSYNC,
	VMS_SYNC_CONTAINMENT,
	VMS_SYNC_TSC,
	VMS_SYNC_AGENT,
	VMS_SYNC_NONE,
};

/* What is known of a machine; `machine` is its name. */
struct vms_vm_is {
	const char *machine;
	int64_t pid; /* of its process on the host */
};

struct vms_clock_is {
	const char *machine;
	int64_t offset_ns; /* added to its times */
	double slope;	   /* that stretches them from its first event on; 1: not at all */
};

struct vms_tsc_is {
	const char *machine;
	int64_t offset; /* as the host's debugfs has it */
	uint64_t ratio; /* 0: not scaled */
	uint32_t frac;	/* bits of it behind the point, below 64 */
};

/* Begin with VMS_ANALYSIS_INIT, which leaves everything to the analysis. */
struct vms_analysis {
	size_t size;	    /* of this structure, for versions to come */
	const char *output; /* results file to write; NULL: none, the results go with vms_close() */
	unsigned threads;   /* to use at most; 0: as many as CPUs, up to 3 */
	enum vms_sync sync;
	uint64_t tsc_frequency; /* Hz, of clocks that count cycles and do not say how many; or 0 */
	const struct vms_vm_is *vms;
	size_t n_vms;
	const struct vms_clock_is *clocks;
	size_t n_clocks;
	const struct vms_tsc_is *tscs;
	size_t n_tscs;
};

#define VMS_ANALYSIS_INIT                                                                         \
	{                                                                                         \
		sizeof(struct vms_analysis), NULL, 0, VMS_SYNC_AUTO, 0, NULL, 0, NULL, 0, NULL, 0 \
	}

/*
 * Analyzes n recordings, each named as on the command line (PATH, or NAME=PATH), all of one host
 * and its guests. options: NULL is VMS_ANALYSIS_INIT. It starts threads, which have ended when it
 * returns, and writes temporary files to $TMPDIR or /tmp.
 * Return: the results, or NULL with *error set.
 */
struct vms_file *vms_analyze(const char *const traces[], size_t n,
			     const struct vms_analysis *options, struct vms_error **error);

/* What vms_analyze() left out of the recordings, a sentence each. Return: NULL past the last. */
const char *vms_note(const struct vms_file *file, size_t i);

/* The time from the first event of all recordings to the end of the last. */
int64_t vms_begin(const struct vms_file *file);
int64_t vms_end(const struct vms_file *file);

/* Return: what 0 is: "epoch", "boot", or NULL when it is not known. */
const char *vms_time_origin(const struct vms_file *file);

/* ---- what there is ---- */

struct vms_machine {
	int64_t id;
	const char *name, *role; /* role: host, guest, host+guest or unknown */
	const char *trace_path;	 /* NULL: it was not traced */
	const char *hostname, *clock, *tracer;
	int64_t parent_id; /* the machine whose guest it is */
	int64_t pid;	   /* its process there */
	int64_t first_ns, last_ns;
	int64_t events, lost_events;
	int is_host, is_guest;
	size_t n_vcpus;
};

struct vms_vcpu {
	int64_t id, machine_id; /* the VM that it belongs to */
	int64_t index;		/* its number in the VM */
	int64_t host_id, host_tid;
	int64_t entries, exits;
	const char *comm; /* of the thread that runs it */
};

struct vms_thread {
	int64_t id, machine_id;
	int64_t tid, pid, ppid;
	int64_t container_id, vcpu_id; /* vcpu_id: the vCPU that it runs */
	const char *comm;
};

/* Return: how many there are; and the i-th of them, NULL past the last. VMs are machines. */
size_t vms_n_machines(const struct vms_file *file);
const struct vms_machine *vms_machine(const struct vms_file *file, size_t i);
size_t vms_n_vms(const struct vms_file *file);
const struct vms_machine *vms_vm(const struct vms_file *file, size_t i);
size_t vms_n_vcpus(const struct vms_file *file);
const struct vms_vcpu *vms_vcpu(const struct vms_file *file, size_t i);
size_t vms_n_threads(const struct vms_file *file);
const struct vms_thread *vms_thread(const struct vms_file *file, size_t i);

/* Return: the one with this id, or NULL. */
const struct vms_machine *vms_machine_by_id(const struct vms_file *file, int64_t id);
const struct vms_vcpu *vms_vcpu_by_id(const struct vms_file *file, int64_t id);
const struct vms_thread *vms_thread_by_id(const struct vms_file *file, int64_t id);

/* ---- rows ---- */

/* What is wanted of a table or a section. Begin with VMS_SELECT_INIT, which is all of it. */
struct vms_select {
	size_t size;		/* of this structure, for versions to come */
	int64_t from_ns, to_ns; /* what overlaps [from_ns, to_ns) */
	const int64_t *lane; /* tables: its first n_lane columns, as {vcpu id}; NULL: all lanes */
	size_t n_lane;
	const char *state; /* tables: the only state; NULL: all */
	const char *vm;	   /* sections: of this VM alone, by its name; NULL: all */
	int64_t vcpu; /* sections: of this vCPU alone, by its number in the VM; VMS_NULL: all */
};

#define VMS_SELECT_INIT                                                                         \
	{                                                                                       \
		sizeof(struct vms_select), INT64_MIN, INT64_MAX, NULL, 0, NULL, NULL, INT64_MIN \
	}

/*
 * Rows of a table: machine, vcpu, thread, container, vcpu_state, thread_state, cpu_state, vm_exit,
 * wakeup, irq_vector, sync, diag, meta. Those of a lane come in the order of time. Only what can
 * hold wanted rows is read. select: NULL is VMS_SELECT_INIT. Return: rows before the first one; or
 * NULL with *error set.
 */
struct vms_rows *vms_table(const struct vms_file *file, const char *table,
			   const struct vms_select *select, struct vms_error **error);

/*
 * Rows of a section of `vmscope report`, by its name there: "findings" and "split" are where to
 * begin. Adds up what it tells of first. Return: as vms_table().
 */
struct vms_rows *vms_section(const struct vms_file *file, const char *section,
			     const struct vms_select *select, struct vms_error **error);

/*
 * Rows of one SQL statement over the file's tables and views. It may have parameters (?1, ?2 ...),
 * which are NULL until they are bound; bind them before the first vms_next(). Return: as
 * vms_table(); and of vms_bind_...(), 0, or -1 with *error set when there is no such parameter.
 */
struct vms_rows *vms_query(const struct vms_file *file, const char *sql, struct vms_error **error);
int vms_bind_int(struct vms_rows *rows, int number, int64_t value, struct vms_error **error);
int vms_bind_real(struct vms_rows *rows, int number, double value, struct vms_error **error);
int vms_bind_text(struct vms_rows *rows, int number, const char *value, struct vms_error **error);

/* Goes to the next row, at first to the first. Return: 1; 0 at the end; -1 with *error set. */
int vms_next(struct vms_rows *rows, struct vms_error **error);
void vms_rows_free(struct vms_rows *rows);

/* Return: how many columns it has, the name of one, and the number of the one of that name or -1. */
int vms_n_columns(const struct vms_rows *rows);
const char *vms_column_name(const struct vms_rows *rows, int column);
int vms_column(const struct vms_rows *rows, const char *name);

enum vms_type { VMS_TYPE_NULL, VMS_TYPE_INT, VMS_TYPE_REAL, VMS_TYPE_TEXT };

/*
 * The current row's values. An integer is also a real, and a real is cut to an integer; a text is
 * neither: VMS_NULL, or not a number (NaN). States are texts, their names.
 */
enum vms_type vms_type(const struct vms_rows *rows, int column);
int64_t vms_int(const struct vms_rows *rows, int column);
double vms_real(const struct vms_rows *rows, int column);
const char *vms_text(const struct vms_rows *rows, int column);

/*
 * Many rows of a table at once, column by column: the next ones, up to `max`. Row i's value of
 * columns[k] goes to values[k * max + i]: an integer as it is, a real as its bits, a text as a
 * code, whose text vms_code_text() has. Return: how many rows there were, 0 at the end; -1 with
 * *error set, also when rows are not a table's.
 */
int64_t vms_fetch(struct vms_rows *rows, const int *columns, size_t n, size_t max, int64_t *values,
		  struct vms_error **error);
const char *vms_code_text(const struct vms_rows *rows, int column, int64_t code);

/* Return: what vms_fetch() gives of a table's column, apart from VMS_NULL. */
enum vms_type vms_column_type(const struct vms_rows *rows, int column);

/* ---- lanes and states ---- */

/* The complete history of one vCPU, thread or CPU. */
struct vms_lane {
	int64_t keys[2]; /* vcpu_state: vCPU; thread_state: thread; cpu_state: machine, CPU */
	size_t n_keys;
	int64_t begin_ns, end_ns;
	uint64_t rows;
};

/* Return: how many lanes the table has; 0 where there is none. */
size_t vms_n_lanes(const struct vms_file *file, const char *table);

/* Fills *lane with the i-th. Return: 0, or -1 past the last. */
int vms_lane(const struct vms_file *file, const char *table, size_t i, struct vms_lane *lane);

/* Return: the name of a state of vcpu_state, thread_state or cpu_state; NULL past the last. */
const char *vms_state_name(const char *table, size_t state);

/*
 * How long a lane was in each state between two times, exactly; reads little, however long that is.
 * ns[i] is of state i, as vms_state_name() counts; there is room for n. Return: how many states
 * there are; -1 with *error set.
 */
int vms_time_in_states(const struct vms_file *file, const char *table, const int64_t *lane,
		       int64_t from_ns, int64_t to_ns, int64_t *ns, size_t n,
		       struct vms_error **error);

/* Return: names of all tables and of all sections; NULL past the last. */
const char *vms_table_name(size_t i);
const char *vms_section_name(size_t i);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
