/*
 * naming: how reports call machines, VMs and the threads that had a vCPU's CPU.
 */
#ifndef VMSCOPE_RESULTS_NAMING_H
#define VMSCOPE_RESULTS_NAMING_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "results/results.h"

/* What kind of thing kept a vCPU from its CPU. */
enum occupant_kind {
	OCCUPANT_VCPU,	  /* a vCPU, of this VM or another */
	OCCUPANT_VMM,	  /* another thread of a VM's process */
	OCCUPANT_VHOST,	  /* a kernel thread that moves a VM's data */
	OCCUPANT_PROCESS, /* any other process of the host */
	OCCUPANT_KERNEL,
	OCCUPANT_IDLE,	  /* nobody: the CPU was on its way out of idle */
	OCCUPANT_UNKNOWN, /* not recorded */
	OCCUPANT_IRQ,	  /* an interrupt's handler, on top of whoever was there */
	OCCUPANT_SOFTIRQ,
	OCCUPANT_TIMER, /* a timer of the kernel that is handled in its interrupt */
	OCCUPANT_QUOTA, /* nobody: its own CPU quota was used up */
	OCCUPANT_N_KINDS,
};

struct res_occupant {
	enum occupant_kind kind;
	int vm;				 /* machine, of VCPU, VMM and VHOST; or NOBODY */
	const struct res_thread *thread; /* borrowed; NULL when unknown, or none */
	const char *handler;		 /* borrowed: of IRQ, SOFTIRQ, TIMER; or NULL */
	int64_t irq;			 /* its number, or TABLE_NULL */
};

/* Return: the number of a vCPU, or "tid 318" where that is not known; in the arena. */
const char *vcpu_number(const struct res_vcpu *v, struct arena *arena);

/*
 * What vCPUs and threads are called in lists and pictures, owned by the caller: "g1 vCPU 0", "g1
 * vCPU thread 318" where its number is not known; "bash (290)", "idle". vm: "" leaves it out. comm:
 * or NULL.
 */
char *name_vcpu(const char *vm, int64_t index, int64_t tid);
char *name_thread(const char *comm, int64_t tid);

/* Return: the vCPU's name with its VM, in the arena. */
const char *vcpu_name(const struct results *r, const struct res_vcpu *v, struct arena *arena);

/* thread: index in the results, or NOBODY. */
struct res_occupant occupant_of_thread(const struct results *r, int thread);
struct res_occupant occupant_of(const struct results *r, const struct summary_occupant *s);
const char *occupant_kind_name(enum occupant_kind kind);

/*
 * What people call it; threads of one process have the same label. victim: the vCPU that it kept
 * waiting, from its host or from one further out. The text lives in the arena.
 */
const char *occupant_label(const struct results *r, const struct res_occupant *o,
			   const struct res_vcpu *victim, struct arena *arena);

/* Return: the exits' name, or their number as text, in the arena. */
const char *exit_label(const struct summary_exits *e, struct arena *arena);

/* Return: "vmx", "svm" or "arm64", or NULL when it was not recorded. */
const char *isa_label(int64_t isa);

#endif
