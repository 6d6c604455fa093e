/*
 * cause: why a VM is slow, one reason or several at once (--cause), for tests of what is said.
 *
 * Every vCPU has a CPU of its own, and what else the host does has CPUs of its own, so that nothing
 * disturbs anything but what is asked for. The victim is g1; g2 is the neighbour; g3 only looks on.
 */
#ifndef VMSCOPE_SIM_CAUSE_H
#define VMSCOPE_SIM_CAUSE_H

#include "quota.h"
#include "sim.h"

enum cause {
	CAUSE_HEALTHY,
	CAUSE_POLLING,
	CAUSE_QUOTA,
	CAUSE_SIBLINGS,
	CAUSE_EMULATOR,
	CAUSE_VHOST,
	CAUSE_INTERRUPTS,
	CAUSE_NEIGHBOUR,
	CAUSE_LONG_NEIGHBOUR,
	CAUSE_LOCK_HOLDER,
	CAUSE_MSR_STORM,
	CAUSE_PIO_STORM,
	CAUSE_MMIO_STORM,
	CAUSE_NESTED,
	CAUSE_CLOCK,
	N_CAUSE
};

/* What a CPU is busy with while a vCPU that could run does not. */
enum cause_kind {
	CAUSE_OF_NONE,
	CAUSE_OF_THREAD,
	CAUSE_OF_IDLE,
	CAUSE_OF_IRQ,
	CAUSE_OF_SOFTIRQ,
	CAUSE_OF_TIMER,
	CAUSE_OF_QUOTA,
	CAUSE_OF_POLL,
	N_CAUSE_KIND
};

/* At whose door the time is to be laid. */
enum belongs {
	BY_IDLE,
	BY_NEIGHBOUR,
	BY_SIBLING,
	BY_EMULATOR,
	BY_VHOST,
	BY_HOST,
	BY_KERNEL,
	BY_INTERRUPT,
	BY_QUOTA,
	BY_POLLING,
	N_BELONGS
};

/* Return: the cause of that name, n bytes long; < 0: there is none. */
int cause_by_name(const char *name, size_t n);
const char *cause_kind_name(enum cause_kind kind);
const char *cause_belongs_name(enum belongs by);

/* Return: whose t is for a vCPU that waits for t's CPU. */
enum belongs cause_belongs(const struct vcpu *v, const struct task *t);

/* Return: the host's CPU on which the VM's vCPU of that number runs. */
unsigned cause_home(const struct machine *vm, unsigned id);
/* Return: the nth of the host's CPUs that no vCPU runs on. */
unsigned cause_spare_cpu(const struct world *w, unsigned n);

/* What m does. */
void cause_work(struct machine *m);
/* When all machines are there. */
void cause_begin(struct world *w);

/* Without --cause: as if there were none. Return: ns more that t's handler takes, this time. */
int64_t cause_timer_cost(struct cpu *c, const struct timer *t);
/* Return: whether a vCPU on c may poll; not while others wait for it. */
bool cause_may_poll(const struct cpu *c);
/* Return: whether v's TSC offset changes now. */
bool cause_clock_changes(struct vcpu *v);

#endif
