/*
 * truth: what really happened, written beside the traces as CSV (columns: README.md).
 *
 * States are kept as lanes: truth_*() look at what a CPU, thread or vCPU is now and, if that is
 * new, write the interval that ended. All times are ns on the host's clock, as a reader of its
 * trace gets them.
 */
#ifndef VMSCOPE_SIM_TRUTH_H
#define VMSCOPE_SIM_TRUTH_H

#include "sim.h"

enum thread_state {
	T_USER,
	T_SYSCALL,
	T_IRQ,
	T_SOFTIRQ,
	T_WAIT_CPU,
	T_BLOCKED,
	T_DEAD,
	T_STOLEN,
	T_HYPERVISOR,
	T_NONE
};

/* Return: 0, or ERR with err set. Without --no-truth nothing but the small files is written. */
int truth_new(struct world *w, struct truth **truthp, struct error *err);

/* The state of c and of the task that is current on it, after something about them has changed. */
void truth_cpu(struct cpu *c);

/* A task that is not current: waits for a CPU, is blocked or dead. */
void truth_thread(struct task *t, enum thread_state state);

/* A thread has come to be, or changed its name. */
void truth_thread_name(struct task *t);

/* v is in v's `state` from now on; occupant: tid of who
 * runs there instead, 0 for the idle task; occupant, reason, waking: -1 where they do not apply. */
void truth_vcpu(struct vcpu *v, enum vcpu_state state, int reason, unsigned pcpu, int32_t occupant,
		int64_t waking);

/* What c is busy with has changed: so has what vCPUs in its queue wait for. */
void truth_occupants(struct cpu *c);

/* At the kvm_exit and at the kvm_entry event. */
void truth_exit_begin(struct vcpu *v);
void truth_exit_end(struct vcpu *v);

/* As out_spec wants it; ctx is the machine. */
void truth_lost(void *machine, enum loss kind, unsigned cpu, uint64_t from, uint64_t to,
		uint64_t n);

/* Ends all lanes. Return: 0, or ERR with err set if anything could not be written. */
int truth_finish(struct truth *tr, struct error *err);
void truth_free(struct truth *tr); /* NULL is allowed */

#endif
