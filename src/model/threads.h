/*
 * threads: the model's threads and containers: who there is, and who is gone.
 *
 * A thread is kept until it is forgotten (world_died()), which never happens to one that is
 * current, pending on a queue or not dead. What is only compared and passed on is its id.
 */
#ifndef VMSCOPE_MODEL_THREADS_H
#define VMSCOPE_MODEL_THREADS_H

#include "model/world.h"

/* The vCPU is run by this thread from now on, and by no other. */
void world_run_vcpu(struct world_vcpu *v, struct thread *t);

/* Return: the thread with this tid; that with tid 0 is the idle thread of the event's CPU `c`. */
struct thread *world_thread(struct model *m, const struct cpu *c, int64_t tid);

/* A thread is born at ts; one that had its tid is another, and dead. Return: it. */
struct thread *world_fork(struct model *m, uint32_t machine, int64_t tid, int64_t ts);

/*
 * The thread is not dead. Return: it, or who has its tid since it died, when the birth was not
 * seen.
 */
struct thread *world_alive(struct model *m, struct thread *t, int64_t ts);

/*
 * The thread is dead since ts. It is kept for a while, as zombies are heard of, but not its past;
 * when enough others have died, its lane ends as it stands and it is forgotten.
 */
void world_died(struct model *m, struct thread *t, int64_t ts);

/* Return: whether the thread is current on one of the machine's CPUs. */
bool world_is_current(const struct machine *mc, const struct thread *t);

void world_set_comm(struct thread *t, const struct event_text *comm);

/*
 * At this level of PID namespaces the thread is in ns_inum; in any order of levels, as the state
 * dump says them. NO_VALUE: on which level its own one is, is not known.
 */
void world_namespace(struct model *m, struct thread *t, int64_t level, int64_t ns_inum);

/*
 * A thread is made whose own PID namespace is ns_inum, on this level (NO_VALUE: not known);
 * `parents` is its parent's container.
 */
int world_container_of_child(struct model *m, uint32_t machine, int64_t level, int64_t ns_inum,
			     int parents);

#endif
