/*
 * results: what a results file has of machines, vCPUs, threads, containers, clocks and warnings, in
 * memory, with ids turned into indexes; and of the lanes and exits what was added up (summary.h).
 *
 * Its size depends on how many of these there are, not on how long was recorded. The file is not
 * trusted: a row that names another which is not there is an error.
 */
#ifndef VMSCOPE_RESULTS_RESULTS_H
#define VMSCOPE_RESULTS_RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/big.h"
#include "base/clock_origin.h"
#include "base/error.h"
#include "base/map.h"
#include "base/mem.h"
#include "results/range.h"
#include "results/summary.h"
#include "schema/state.h"
#include "schema/table.h"
#include "store/reader.h"

/* An index of nothing. Numbers that are not known are TABLE_NULL, texts NULL. */
enum { NOBODY = -1 };

struct res_machine {
	int64_t id;
	const char *name, *role;
	const char *trace_path; /* NULL: not traced */
	const char *hostname, *clock, *time_origin, *tracer;
	const char *evidence, *role_evidence, *parent_evidence;
	int parent; /* the machine whose guest it is */
	int64_t vm_uid, pid;
	int64_t first, last; /* ns, reference time */
	int64_t first_own;   /* ns, its own clock */
	int64_t events, lost;
	bool is_host, is_guest;
	size_t n_vcpus;
};

struct res_vcpu {
	int64_t id;
	int machine, host;
	int64_t index, tid;
	int64_t entries, exits;
	const char *comm;
	struct summary_vcpu sum;
};

struct res_thread {
	int64_t id;
	int machine, container, vcpu; /* vcpu: that it runs */
	int64_t tid, pid, ppid;
	const char *comm;
	int64_t time[THREAD_N_STATES]; /* ns; they add up to its lane's span */
};

struct res_container {
	int64_t id;
	int machine, parent;
	int64_t ns_inum;
	const char *name;
};

/* A piece of a clock map; as in table.def. */
struct res_clock {
	int machine, reference;
	int64_t from, to, offset, error;
	double drift; /* 1e-9 */
	const char *method;
	bool chosen;
	int64_t constraints, violations, decoys, lost, events, outside;
	int64_t begin[2], middle[2], end[2]; /* at least, at most */
	int64_t cpu;			     /* or TABLE_NULL */
};

struct res_diag {
	const char *name, *severity, *help, *file, *detail;
	int machine;
	int64_t count, first, packet, bit;
};

/* Who sends a VM interrupts of a vector. */
struct res_vector {
	enum wait_source source;
	int sender; /* thread, or NOBODY */
};

struct results {
	const struct store *store;  /* borrowed, with all texts */
	int64_t begin, end;	    /* of all that was recorded */
	enum clock_origin origin;   /* of all times but those by a machine's own clock */
	struct results_range range; /* what is added up; all of it if not given */
	VEC(struct res_machine) machines;
	VEC(int) vms; /* machines that are guests of another, by host and process */
	VEC(struct res_vcpu) vcpus;
	VEC(struct res_thread) threads; /* in threads_memory */
	struct big threads_memory;
	size_t n_in_order; /* so many threads from the first on are numbered as they stand */
	VEC(struct res_container) containers;
	VEC(struct res_clock) clocks;
	VEC(struct res_diag) diags;
	struct map ids[TABLE_N];   /* of machines, vCPUs, threads, containers: index by id */
	struct map process_names;  /* of hosts: machine and process -> a string, its name */
	struct map vector_sources; /* VM and vector -> index in vectors */
	VEC(struct res_vector) vectors;
};

/*
 * Reads them from s, which must outlive it; what is added up comes later (summary_scan.h). range:
 * times and intervals count as far as they lie in it, exits and wake-ups if they begin there.
 * Return: 0, or ERR with err set; deinitialize in every case.
 */
int results_init(struct results *r, const struct store *s, const struct results_range *range,
		 struct error *err);

/*
 * Reads machines, vCPUs, containers and threads alone, for what they are called, whatever the times
 * of the file are. Return: as above.
 */
int results_init_names(struct results *r, const struct store *s, struct error *err);
void results_deinit(struct results *r);

/* Begin and end of what is told of: the range if one is given, or all that was recorded. */
static inline int64_t results_from(const struct results *r)
{
	return r->range.given ? r->range.from : r->begin;
}

static inline int64_t results_to(const struct results *r)
{
	return r->range.given ? r->range.to : r->end;
}

/*
 * Whoever walks through all threads calls it for each: so their memory does not count as ours for
 * longer than needed.
 */
void results_drop_pages(const struct results *r, size_t i);

/* Return: index of the row with this id, or NOBODY. */
int results_find(const struct results *r, enum table_id table, int64_t id);

/* Return: the machine whose clock this one's was put on, itself if that is so. */
int results_reference(const struct results *r, int machine);

/* Return: the name of the process, as far as it is known: that of its first thread; or NULL. */
const char *results_process_name(const struct results *r, int machine, int64_t pid);

/* Return: who sends a VM interrupts of this vector; by value, of one that is not known as well. */
struct res_vector results_vector(const struct results *r, int machine, int64_t vector);

/* Return: b - a, for times that can be anything. */
static inline int64_t ns_between(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)b - (uint64_t)a);
}

#endif
