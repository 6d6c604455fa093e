/*
 * observed: what one reading of the traces left for finding clocks.
 *
 * Of every CPU of every machine: when it was in which guest (windows), by the thread that it ran,
 * and when it did something (events), which is what counts if the machine is a guest itself; and
 * the exchanges of vmsync. Whose guest is who is not known when this is written, so a window names
 * a thread, by a slot: which thread a slot is may be found out later, or never.
 */
#ifndef VMSCOPE_SYNC_OBSERVED_H
#define VMSCOPE_SYNC_OBSERVED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "model/identity.h"
#include "sync/pair.h"
#include "sync/spool.h"

/* What a guest event is: of the two signs of idleness that one counts which its machine records. */
enum observed_kind {
	OBSERVED_OTHER,
	OBSERVED_IDLE,	/* power_cpu_idle */
	OBSERVED_LEAVE, /* sched_switch to the idle task */
	OBSERVED_TIMER, /* timer_hrtimer_start */
	OBSERVED_N_KINDS,
};

/* Of a window, beside enum sync_cause: events were lost, any vCPU may have run. */
enum { OBSERVED_LOST = SYNC_N_CAUSES };

struct observed_cpu {
	uint32_t cpu;
	struct spool_seq events, windows, vmsync;
	VEC(int64_t) threads;		  /* by slot; NO_VALUE: nobody knows */
	bool first_is_unknown;		  /* slot 0 is whoever was there when the recording began */
	uint64_t kinds[OBSERVED_N_KINDS]; /* events of each */
	uint64_t causes;		  /* windows that ended for a cause */
};

struct observed_machine {
	VEC(struct observed_cpu) cpus;
	int64_t first_ns, last_ns; /* of its events; first > last: none */
	bool has_idle;		   /* it records OBSERVED_IDLE */
};

struct observed {
	struct spool *spool;		   /* owned */
	struct observed_machine *machines; /* owned; as in the identity */
	size_t n_machines;
};

void observed_init(struct observed *o, size_t n_machines);
void observed_deinit(struct observed *o);

/* Adds a CPU of which nothing is observed yet. */
void observed_add_cpu(struct observed *o, struct observed_machine *m, uint32_t cpu);

/* Forgets what there is of a machine. */
void observed_clear(struct observed_machine *m);

/* A guest whose clock is looked at: all of its CPUs, or some. */
struct observed_guest {
	const struct observed *observed;
	const struct identity *id;
	int machine;	      /* which is a VM */
	const uint32_t *cpus; /* NULL: all */
	size_t n_cpus;
};

/* Return: whether the CPU is one of those that are looked at. */
bool observed_guest_has(const struct observed_guest *g, int64_t cpu);

/* ---- a guest's events ------------------------------------------------------------------------ */

/* One CPU's, one after the other. */
struct observed_events {
	uint32_t cpu;
	bool at_end;
	struct sync_guest_event next; /* unless at_end */
	/* Private. */
	struct spool_cursor cursor;
	bool has_idle;
};

void observed_events_init(struct observed_events *e, const struct observed_machine *m,
			  const struct observed_cpu *c);
void observed_events_step(struct observed_events *e);
void observed_events_deinit(struct observed_events *e);

/* Return: how many of the CPU's events have a cause. */
uint64_t observed_count_causes(const struct observed_machine *m, const struct observed_cpu *c);

/* ---- a host's windows ------------------------------------------------------------------------ */

struct observed_windows;

/*
 * The windows of the vCPUs of VM `vm` of machine `host`; IDENT_NONE: of all its VMs. From those
 * that begin at host ns `from` on, or some earlier ones. All borrowed.
 */
struct observed_windows *observed_windows_new(const struct observed *o, const struct identity *id,
					      int host, int vm, int64_t from);
void observed_windows_free(struct observed_windows *r);

/*
 * Adds those that begin before host ns `until` to windows[vCPU of the identity]; only_causes: of
 * those that ended for a cause. Return: whether there are more.
 */
bool observed_windows_read(struct observed_windows *r, int64_t until, bool only_causes,
			   struct sync_windows *windows);

/* ---- vmsync's events ------------------------------------------------------------------------- */

struct observed_vmsync {
	int64_t ts; /* ns, by the machine's clock */
	uint64_t cnt;
	int64_t vm_uid;
	bool is_host, to_guest; /* on which side it was recorded; hg, else gh */
	int64_t tid;		/* of the host's, who was on the CPU; NO_VALUE: not known */
};

struct observed_vmsyncs {
	VEC(struct observed_vmsync) at; /* by time */
};

struct observed_vmsync_reader;

/* Those of a machine; borrowed. */
struct observed_vmsync_reader *observed_vmsync_new(const struct observed *o, int machine);
void observed_vmsync_free(struct observed_vmsync_reader *r);

/* Adds those before ns `until`. Return: whether there are more. */
bool observed_vmsync_read(struct observed_vmsync_reader *r, int64_t until,
			  struct observed_vmsyncs *to);

/* Return: how many there are of a machine. */
uint64_t observed_vmsync_count(const struct observed *o, int machine);

/* ---- steps ----------------------------------------------------------------------------------- */

/* Return: host ns by steps of which about `n` windows are read at a time. */
int64_t observed_windows_step(const struct observed *o, int host, uint64_t n);

#endif
