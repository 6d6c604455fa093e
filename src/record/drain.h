/*
 * drain: what an instance records, read from its CPUs' buffers into files without names.
 *
 * Sub-buffers are copied as they are. What did not fit into the buffers is counted by the kernel
 * and told by drain_count(); nothing is dropped here: a disk that is full is an error.
 */
#ifndef VMSCOPE_RECORD_DRAIN_H
#define VMSCOPE_RECORD_DRAIN_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "tracefs/instance.h"

/* Sums over all CPUs. */
struct drain_counts {
	uint64_t events;     /* recorded: read, and still in the buffers */
	uint64_t lost;	     /* overwritten, or no room for them */
	uint64_t bytes;	     /* written so far */
	uint64_t most_bytes; /* of what a single CPU recorded, read or not */
};

struct drain_cpu {
	int file;	/* owned: what was read so far; no name */
	uint64_t bytes; /* in it */
	uint64_t from;	/* byte at which what counts begins: a sub-buffer */
};

struct drain {
	const struct instance *instance; /* borrowed */
	const char *dir;		 /* borrowed: where the files are */
	struct pollfd *raw;	/* owned: n_cpus, each fd is owned; then one of the caller's */
	struct drain_cpu *cpus; /* owned: n_cpus */
	unsigned n_cpus;
	uint8_t *page;		    /* owned: a sub-buffer */
	struct drain_counts before; /* what was counted when it was restarted */
};

/* Return: 0, or ERR with err set. Deinitialize in every case, before the instance goes. */
int drain_init(struct drain *d, const struct instance *i, const char *dir, struct error *err);
void drain_deinit(struct drain *d);

/*
 * Waits until a CPU's buffer is as full as the instance wakes readers, `fd` of the caller's is
 * readable, or ms have passed. Return: whether fd is.
 */
bool drain_wait(struct drain *d, int fd, int ms);

/*
 * Reads what there is of the CPUs whose poll says so, or of all. Return: 0, or ERR with err set.
 */
int drain_read(struct drain *d, bool all, struct error *err);

/*
 * Of buffers in which older events were overwritten: leaves out what is before `earliest` (a count
 * of the instance's clock), and before the time from which on all CPUs have theirs. That nothing is
 * known of what was before is no loss. Return: 0, or ERR with err set.
 */
int drain_align(struct drain *d, uint64_t earliest, struct error *err);

/* Empties the files, for what is recorded next. Return: 0, or ERR with err set. */
int drain_restart(struct drain *d, struct error *err);

/* Since the last restart. Return: 0, or ERR with err set. */
int drain_count(const struct drain *d, struct drain_counts *counts, struct error *err);

#endif
