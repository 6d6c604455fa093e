/*
 * waits: wake-ups on their way through the layers, and what halted vCPUs waited for.
 */
#ifndef VMSCOPE_MODEL_WAITS_H
#define VMSCOPE_MODEL_WAITS_H

#include "model/world.h"

/*
 * A thread of a guest is woken on a CPU, for that one or another; is moved to another; runs; will
 * not run as far as we know.
 */
void world_woken(struct model *m, struct thread *t, const struct cpu *on, uint32_t cpu, int64_t ts);
void world_wake_moved(struct model *m, struct thread *t, uint32_t cpu);
void world_ran(struct model *m, struct thread *t, const struct cpu *on, int64_t ts);
void world_never_ran(struct model *m, struct thread *t);

/* A vCPU gets to this stage; the threads that were woken on it are that much closer. */
void world_wake_stage(struct world_vcpu *v, enum wake_stage stage, int64_t ts);

/* An APIC of a VM accepts an interrupt while this CPU of its host does something: who sent it? */
void world_irq_accepted(struct model *m, const struct event *e, const struct cpu *c);

#endif
