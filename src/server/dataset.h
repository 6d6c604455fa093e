/*
 * dataset: a results file, opened for views: its rows by name, and where their lanes are.
 *
 * Nothing in it changes after opening but what is kept of the index and what is behind `locks`, so
 * any number of threads may use it. Whoever keeps one counts as a user; the last one closes it.
 */
#ifndef VMSCOPE_SERVER_DATASET_H
#define VMSCOPE_SERVER_DATASET_H

#include <pthread.h>

#include "base/clock_origin.h"
#include "base/map.h"
#include "base/mem.h"
#include "server/digest.h"
#include "server/exit_sums.h"
#include "server/rowid.h"
#include "server/uuid.h"
#include "store/reader.h"

/*
 * Ids are as in the file; -1: none. Strings are the file's own, never NULL. Other numbers are
 * TABLE_NULL where they are not known.
 */
struct ds_machine {
	int64_t id, parent;
	const char *name, *role, *trace_path; /* trace_path: NULL when it was not traced */
	enum clock_origin origin;	      /* of its own clock */
	int64_t events, lost;
	int64_t pid;	      /* its process on the parent, or TABLE_NULL */
	const char *hostname; /* as the trace says, or "" */
	int64_t first;	      /* its first event, or TABLE_NULL */
	int64_t begin, end;   /* of its lanes; TABLE_NULL: it has none */
};

struct ds_vcpu {
	int64_t id, machine, index, host, tid;
	int64_t lane;  /* of vcpu_state */
	int64_t exits; /* its lane of vm_exit */
};

struct ds_thread {
	int64_t id, machine, tid, pid;
	const char *comm;
	int32_t process; /* row that it stands below, or its machine's */
	int64_t vcpu;	 /* that it runs */
	int64_t container;
	int64_t lane;	 /* of thread_state */
	int64_t wakeups; /* its lane of wakeup */
};

struct ds_container {
	int64_t id, machine, parent;
	const char *name;
	bool has_threads; /* in it or in what is in it */
};

struct ds_cpu {
	int64_t machine, cpu, lane;
};

/* A process whose first thread the file does not have. */
struct ds_process {
	int64_t thread; /* one of its threads: names the row */
	int64_t machine, pid;
};

struct ds_exits {
	int64_t vcpu, reason; /* reason: TABLE_NULL when it is not known */
	const char *name;
	size_t lane;	/* of vm_exit */
	uint16_t place; /* among the reasons of the lane's digest */
};

/* What was wrong with a recording. */
struct ds_warning {
	const char *name, *severity, *help;
	const char *detail; /* or NULL */
	int64_t machine, count, first;
};

/* Lazy: read when it is asked for. */
enum ds_lazy { DS_EXITS, DS_WAKEUPS, DS_STEAL, DS_EXIT_INDEX, DS_RAW, DS_N_LAZY };

/* How many events of the recordings come before a time (raw_table.h). */
struct raw_mark {
	int64_t time;
	uint64_t before;
};

struct dataset {
	struct store *store;
	int64_t begin, end; /* of the experiment, ns since `origin` */
	enum clock_origin origin;
	int64_t n_events;
	VEC(struct ds_machine) machines; /* hosts last, so that guests stand above */
	VEC(struct ds_vcpu) vcpus;
	VEC(struct ds_thread) threads; /* by machine, process, tid */
	VEC(struct ds_cpu) cpus;
	VEC(struct ds_process) processes;
	VEC(struct ds_container) containers;
	VEC(struct ds_warning) warnings; /* the worst first */
	struct map by_id[ROW_N_KINDS];	 /* id in the file -> index here */

	struct node_cache *nodes; /* owned */
	int users;		  /* atomic */
	/*
	 * Each of what follows is behind a lock of its own until it is known; then it is constant.
	 */
	pthread_mutex_t locks[DS_N_LAZY];
	bool known[DS_N_LAZY];
	VEC(struct ds_exits) exits; /* by vCPU and reason */
	struct digest exit_digest, wakeup_digest, steal_digest;
	struct exit_index exit_index;
	VEC(struct raw_mark) raw_marks; /* by time */
	uint64_t n_raw;			/* events of the recordings */
};

/*
 * Opens results. fd: of the file, taken over; -1: errno says why it could not be opened. name: for
 * messages. Return: 0 and *dp with one user; or ERR with err set.
 */
int dataset_open(struct dataset **dp, int fd, const char *name, struct error *err);

/* One user more. Return: d. */
struct dataset *dataset_use(struct dataset *d);
void dataset_release(struct dataset *d); /* NULL is allowed */

/*
 * Return: what says which recording it is, wherever it lies and whatever it is called: made of the
 * hosts' names and their first events, to the ns, which are those of one boot.
 */
struct uuid dataset_content(const struct dataset *d);

/* Return: what has this id in the file, or NULL. */
const struct ds_machine *dataset_machine(const struct dataset *d, int64_t id);
const struct ds_vcpu *dataset_vcpu(const struct dataset *d, int64_t id);
const struct ds_thread *dataset_thread(const struct dataset *d, int64_t id);

/* Return: the row that a container, or a thread's process or the thread if it is one, stands below;
 * -1: none. */
int32_t dataset_container_parent(const struct dataset *d, const struct ds_container *c);
int32_t dataset_process_parent(const struct dataset *d, const struct ds_thread *t);

/* Return: "g1", or "?" for a machine that there is not. */
const char *dataset_machine_name(const struct dataset *d, int64_t id);

/*
 * Return: a number of the file as people read it, owned by the caller; "?" where it is not known.
 */
char *dataset_number_text(int64_t number);

/* Return: "vCPU 0"; "vCPU thread 318" where its number is not known. Owned by the caller. */
char *dataset_vcpu_name(const struct ds_vcpu *v);

/* Return: a text for people, owned by the caller: "g1 vCPU 0", "python3 (318)". */
char *dataset_vcpu_text(const struct dataset *d, int64_t id);
char *dataset_thread_text(const struct dataset *d, int64_t id);

/* Return: the machine whose process on its host a thread is of, or NULL. */
const struct ds_machine *dataset_vm_of(const struct dataset *d, const struct ds_thread *t);

/*
 * Each learns on the first call, which reads a whole table or its index: which reasons each vCPU
 * left the guest for, how long wake-ups took, how much time was stolen. Return: 0, or ERR with err
 * set.
 */
int dataset_find_exits(struct dataset *d, struct error *err);
int dataset_find_wakeups(struct dataset *d, struct error *err);
int dataset_find_steal(struct dataset *d, struct error *err);

/*
 * Finds the index of exits, which the first call makes; *indexp: NULL where they are too few to
 * need one. Return: 0, or ERR with err set.
 */
int dataset_find_exit_index(struct dataset *d, const struct exit_index **indexp, struct error *err);

/* Return: whether this row has a lane, and which. */
bool dataset_lane(const struct dataset *d, int32_t row, enum table_id *tablep, size_t *lanep);

#endif
