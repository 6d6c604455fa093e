/*
 * evidence: what one pass over a machine's streams says about who is who.
 *
 * Identity (which host thread is which vCPU of which VM, which trace is that VM's) does not depend
 * on where in the trace the proof stands. So it is collected before anything is modelled, CPU by
 * CPU and in any order, and only then judged (identity.h).
 *
 * Who runs on a CPU is known from its own streams alone: sched_switch names both sides, so what
 * happened on a CPU before its first switch belongs to that switch's prev_tid.
 */
#ifndef VMSCOPE_MODEL_EVIDENCE_H
#define VMSCOPE_MODEL_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "events/event.h"
#include "events/layout.h"
#include "model/lives.h"

enum { COMM_SIZE = 16 };

/* KVM's own limit is below this; a larger vcpu_id is not one (see LTTng 2.13.9 on kernel 6.1). */
enum { VCPU_ID_MAX = 8192 };

/* How often each of a few values was seen. */
struct votes {
	VEC(struct {
		int64_t value;
		uint64_t n;
	})
	at;
};

/* A thread that entered a guest. */
struct evidence_vcpu {
	int64_t tid;   /* NO_VALUE only while it is not known who is on the CPU */
	unsigned life; /* of the tid (lives_number()) */
	/* where the thread runs several: the vcpu_id of its entries that this is of; or NO_VALUE */
	int64_t only_id;
	bool is_told; /* by the host itself, whether or not it enters a guest */
	uint64_t entries, exits;
	int64_t first_ns, last_ns;	  /* of these; first > last: none */
	struct votes entry_ids, exit_ids; /* vcpu_id as the two events give it */
	struct votes vm_uids;		  /* of vmsync_gh_host on this thread */
	int64_t pid;			  /* its process, as its events say; NO_VALUE */
	char comm[COMM_SIZE + 1];	  /* the last one seen; "" if none */
};

/* A thread that was there when the recording began. */
struct evidence_thread {
	int64_t pid; /* thread group */
	/* number of its PID namespace, 0: not said; of threads that a recording names */
	int64_t pid_ns;
	char comm[COMM_SIZE + 1];
};

/* One that was made later; of these there can be any number. */
struct evidence_fork {
	int64_t ts; /* ns, by the machine's clock */
	int32_t tid, parent;
	int32_t pid; /* -1: not recorded */
};

/* One that exited; likewise. */
struct evidence_death {
	int64_t ts;
	int64_t tid;
};

/* A thread woke another one, not from an interrupt. */
struct evidence_wake {
	int64_t waker, woken;
	uint64_t n;
};

/* A thread woke a vhost worker, whose name says whose it is. */
struct evidence_vhost {
	int64_t waker, pid;
};

/* The recorder itself says that these threads are the vCPUs of one VM. */
struct evidence_told_vcpu {
	uint32_t vm; /* any number, the same for vCPUs of one VM */
	int64_t tid;
};

struct evidence_cpu {
	uint32_t cpu;
	int64_t first_tid;	   /* on the CPU when the trace began, or NO_VALUE */
	int64_t first_ns, last_ns; /* of its events, by the machine's clock; first > last: none */
};

/* A thread changed its vCPU's TSC. */
struct evidence_tsc {
	int64_t ts;  /* ns, by the machine's clock */
	int64_t tid; /* NO_VALUE: not known */
	int64_t previous, next;
};

/* A CPU that threads were moved to, or woken on. */
struct evidence_target {
	int64_t cpu;
	uint64_t n; /* times */
};

struct evidence {
	uint64_t n_events; /* of any kind */
	uint64_t n_lost;
	uint64_t n[EV_N];
	uint64_t n_unplaced; /* KVM events on a CPU of which nobody knows who ran there */
	VEC(struct evidence_vcpu) vcpus;
	VEC(struct evidence_thread) threads;
	VEC(struct evidence_fork) forks;   /* per stream in order */
	VEC(struct evidence_death) deaths; /* likewise */
	const struct lives *lives;	   /* borrowed; NULL: each tid has one */
	VEC(struct evidence_cpu) cpus;
	struct votes guest_uids;      /* of vmsync's events on a guest's side */
	VEC(struct evidence_tsc) tsc; /* per stream in order */
	VEC(struct evidence_target) targets;
	VEC(struct evidence_wake) wakes;   /* between threads of which it may matter */
	VEC(struct evidence_vhost) vhosts; /* none twice */
	VEC(struct evidence_told_vcpu) told;
	VEC(struct evidence_thread) named; /* by the recording as a whole, not by an event */
	struct map vcpu_by_life, thread_by_life, wake_by_tids, named_by_tid;
	struct event_set described, shown; /* see evidence_has() */
	bool cpus_apart, has_processes, is_partial;
};

/* What a recording is like, as far as it decides which events are evidence. */
struct evidence_options {
	struct event_set described; /* what may occur (recording_described()) */
	bool is_vague;		    /* it describes events that were not enabled */
	bool with_vmsync;	    /* vmsync's may be left out on purpose */
	bool has_processes;	    /* it says of each thread which process it is of */
	bool is_partial;	    /* streams at its end may be missing */
	bool cpus_apart;	    /* it begins and ends on each CPU at a time of its own */
	/* of tids that had several, as evidence of before has shown; NULL: not known of any */
	const struct lives *lives;
};

/* Which events it has to be shown. */
struct event_set evidence_events(const struct evidence_options *o);

void evidence_init(struct evidence *e, const struct evidence_options *o);

/*
 * Says that a thread is called this, and of which process (NO_VALUE: not known) and PID namespace
 * (0: not known) it is, before any event.
 */
void evidence_name_thread(struct evidence *e, int64_t tid, int64_t pid, int64_t pid_ns,
			  const char *comm);

/* Says that the machine has this CPU, whether or not there is a stream of it. */
void evidence_name_cpu(struct evidence *e, uint32_t cpu);

/* Says that this thread is a vCPU of VM `vm` (any number), before any event. */
void evidence_tell_vcpu(struct evidence *e, uint32_t vm, int64_t tid);

/*
 * Says that this thread runs vCPU `index` of its process, before any event, and whether or not one
 * will show it: the host knows its VMs.
 */
void evidence_know_vcpu(struct evidence *e, int64_t tid, int64_t index);

/* Return: NULL if the recording does not name this thread. */
const struct evidence_thread *evidence_named(const struct evidence *e, int64_t tid);

/*
 * Whether events of this kind can be there: they are described, and of those that were to be shown
 * at least one was. To be asked when all streams have ended.
 */
bool evidence_has(const struct evidence *e, enum event_id id);
struct event_set evidence_present(const struct evidence *e);
void evidence_deinit(struct evidence *e);

/* One CPU's stream being read, or all of its streams as one. */
struct evidence_stream {
	struct evidence *e;
	size_t cpu;	 /* index in e->cpus */
	int64_t tid;	 /* on the CPU now, or NO_VALUE */
	size_t vcpu;	 /* index in e->vcpus + 1, of that; 0: not looked up */
	int64_t vcpu_id; /* of its last entry, NO_VALUE: none since it is on the CPU */
	bool from_start; /* nothing is missing since the trace began, and no switch was seen */
	char comm[COMM_SIZE + 1];      /* of the thread on the CPU now, as its switch in says it */
	struct evidence_vcpu unplaced; /* what was seen while nobody knew who is on the CPU */
	size_t unplaced_tsc;	       /* in e->tsc, likewise: from here on */
};

void evidence_stream_begin(struct evidence_stream *s, struct evidence *e, uint32_t cpu);
void evidence_stream_event(struct evidence_stream *s, const struct event *event);

/* Its totals, as the reader counted them; first_ns > last_ns when it had no event. */
void evidence_stream_end(struct evidence_stream *s, uint64_t n_events, uint64_t n_lost,
			 int64_t first_ns, int64_t last_ns);

/*
 * Adds what was collected of other CPUs of the same machine, and makes an end of that. In the order
 * of the CPUs, all comes out as if they had been read one after the other.
 */
void evidence_absorb(struct evidence *e, struct evidence *from);

/*
 * When all is read: where a thread was found on two CPUs at their first events, it came to the
 * later one before that was recorded. So nobody knows who was there.
 */
void evidence_settle_first(struct evidence *e);

/*
 * Adds to lives where a thread that entered a guest ended or began while its tid did: what is known
 * of it is of two; and which threads ran several vCPUs. It is told apart where the same events are
 * evidence once more, with these lives.
 * Return: whether there is any.
 */
bool evidence_find_lives(const struct evidence *e, struct lives *lives);

/*
 * Return: what is known of the thread in this life of its tid that entered a guest, or NULL.
 * only_id: as in struct evidence_vcpu.
 */
const struct evidence_vcpu *evidence_vcpu_of(const struct evidence *e, int64_t tid, unsigned life,
					     int64_t only_id);

/* From the first to the last event of all CPUs, machine ns; first > last when there is none. */
void evidence_span(const struct evidence *e, int64_t *firstp, int64_t *lastp);

/* Return: whether g is a CPU that must have run something, but has no stream. */
bool evidence_is_missing(const struct evidence *e, const struct evidence_target *g);

/* Return: the process of a thread that enters guests, or NO_VALUE when it is not known. */
int64_t evidence_pid(const struct evidence *e, const struct evidence_vcpu *v);

/* Return: the name of a thread that enters guests, "" when it is not known. */
const char *evidence_comm(const struct evidence *e, const struct evidence_vcpu *v);

/*
 * Sets the COMM_SIZE + 1 bytes of a thread's name. A few bytes, very often: worth two loads and
 * stores.
 */
static inline void comm_set(char *to, const struct event_text *comm)
{
	size_t n = comm->n < COMM_SIZE ? comm->n : COMM_SIZE;
	uint64_t head, tail;

	if (n >= sizeof(head)) {
		memcpy(&head, comm->at, sizeof(head));
		memcpy(&tail, comm->at + n - sizeof(tail), sizeof(tail));
		memcpy(to, &head, sizeof(head));
		memcpy(to + n - sizeof(tail), &tail, sizeof(tail));
	} else {
		for (size_t i = 0; i < n; i++)
			to[i] = comm->at[i];
	}
	to[n] = '\0';
}

void votes_add(struct votes *v, int64_t value, uint64_t n);
void votes_deinit(struct votes *v);

/* Return: the value most voted for (the first of equals), NO_VALUE without votes. */
int64_t votes_winner(const struct votes *v);

#endif
