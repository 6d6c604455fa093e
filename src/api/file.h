/*
 * file: a results file as the library has it: open, with what there is in it.
 */
#ifndef VMSCOPE_API_FILE_H
#define VMSCOPE_API_FILE_H

#include <vmscope.h>

#include "base/error.h"
#include "base/mem.h"
#include "results/results.h"
#include "store/reader.h"

/* After it was made nothing of it changes. */
struct vms_file {
	struct store *store;	/* owned */
	struct results results; /* of all of it; nothing added up */
	VEC(struct vms_machine) machines;
	VEC(struct vms_vcpu) vcpus;
	VEC(struct vms_thread) threads;
	VEC(char *) notes; /* owned */
};

/* Takes the store over, in every case. Return: 0 and *fp, for vms_close(); or ERR with err set. */
int api_file_new(struct vms_file **fp, struct store *store, struct error *err);

#endif
