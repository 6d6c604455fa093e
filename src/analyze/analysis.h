/*
 * analysis: the whole way from opened traces to what every vCPU did.
 *
 *	survey	every stream once, each for itself: evidence of who is who (model/evidence.h)
 *	judge	hosts, guests, VMs, vCPUs (model/identity.h)
 *	compare	guest events with the windows of vCPUs: whose guest is who (sync/search.h)
 *	align	clocks (sync/sync.h)
 *	model	the hosts' streams merged on one time line (timeline/merge.h), through the model
 *		(model/model.h) into the sink that the options name
 */
#ifndef VMSCOPE_ANALYZE_ANALYSIS_H
#define VMSCOPE_ANALYZE_ANALYSIS_H

#include <stddef.h>
#include <stdint.h>

#include "sync/sync.h"
#include "base/diag.h"
#include "base/error.h"
#include "base/worker.h"
#include "input/session.h"
#include "model/evidence.h"
#include "model/identity.h"
#include "model/model.h"

/* The user says that machine `machine` is the VM of process `pid`. */
struct analysis_vm {
	const char *machine;
	int64_t pid;
};

/*
 * What a host said of one of its VMs when it was recorded. What the user says goes first; a VM that
 * entered no guest meanwhile is left out.
 */
struct analysis_host_vm {
	const struct recording *host;
	int64_t pid;
	const char *name;
	bool knows_quota, is_limited; /* its CPU time was limited by a quota */
};

struct analysis_options {
	struct sync_options sync; /* a forced method other than vmsync ignores vmsync's events */
	const struct analysis_vm *vms;
	size_t n_vms;
	const struct analysis_host_vm *host_vms;
	size_t n_host_vms;
	const struct model_sink *sink; /* gets all that the model finds; or NULL */
	unsigned threads;      /* that may be used; 0 is 1. What is found does not depend on it */
	struct worker *helper; /* one of them, that can read ahead; or NULL */
};

/* Leaves everything to us. */
#define ANALYSIS_OPTIONS_AUTO ((struct analysis_options){.sync = SYNC_OPTIONS_AUTO})

struct analysis {
	struct session session; /* machine i is session.recordings.at[i] */
	size_t n_machines;
	struct evidence *evidence; /* per machine, as all of the following */
	struct lives *lives;
	struct event_set *described;
	struct machine_sync *sync;
	struct diag_list *diags;
	struct identity identity;
	struct model_span *spans; /* of what is on one clock with the machine; reference ns */
	struct model_span span;	  /* of all machines */
	struct model *model;	  /* for its threads */
};

/*
 * Takes over the session, also on failure.
 * Return: 0, or ERR with err set; deinitialize in every case.
 */
int analysis_init(struct analysis *a, struct session *session,
		  const struct analysis_options *options, struct error *err);
void analysis_deinit(struct analysis *a);

/*
 * Return: reference time of the machine's first event, INT64_MAX if it has none; and of its last
 * one, or INT64_MIN.
 */
int64_t analysis_begin(const struct analysis *a, size_t machine);
int64_t analysis_end(const struct analysis *a, size_t machine);

/* Return: the machine by whose clock this one's times are, itself if that is so. */
int analysis_reference(const struct analysis *a, int machine);

/* Return: whether it is a reference with which an earlier one has no clock in common. */
bool analysis_is_unrelated(const struct analysis *a, int machine);

/* Return: what 0 is on the time line; unknown also where clocks that are not related differ in that. */
enum clock_origin analysis_origin(const struct analysis *a);

/* All that was wrong, of all machines and of finding them. */
struct diag_list analysis_all_diags(const struct analysis *a);

#endif
