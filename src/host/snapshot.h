/*
 * snapshot: what was on the host when a recording began and ended, as a JSON file beside it.
 *
 * host.dat's is host.snapshot.json: {"vmscope_snapshot": 1, "begin": {...}, "end": {...}}, both
 * with the host, its VMs and their vCPUs (host/vm.h), and all threads as [pid, tid, name].
 */
#ifndef VMSCOPE_HOST_SNAPSHOT_H
#define VMSCOPE_HOST_SNAPSHOT_H

#include <stdio.h>

#include "base/error.h"
#include "base/json.h"
#include "host/host.h"

struct snapshot_thread {
	int pid, tid;
	char *comm; /* owned */
};

/* Whether a VM's CPU time was limited by a group's quota. */
enum snapshot_quota { SNAPSHOT_NOT_KNOWN, SNAPSHOT_UNLIMITED, SNAPSHOT_LIMITED };

struct snapshot_vm {
	int pid;
	char *name; /* owned: host_vm_label() */
	enum snapshot_quota quota;
};

/* What is read of such a file. */
struct snapshot {
	VEC(struct snapshot_thread) threads; /* those of the end, then those of the begin alone */
	VEC(struct snapshot_vm) vms;
};

/* Writes one side's value: the host, as it was looked at, and its threads, as they are now. */
void snapshot_print(struct jsonw *j, const struct host *h);

/* Return: the name of the snapshot beside a recording, to be freed. */
char *snapshot_path(const char *recording);

/*
 * Return: 1; 0 when there is no such file; or ERR with err set when it is none of ours.
 * Deinitialize in every case.
 */
int snapshot_init(struct snapshot *s, const char *path, struct error *err);
void snapshot_deinit(struct snapshot *s);

#endif
