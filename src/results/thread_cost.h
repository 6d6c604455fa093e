/*
 * thread_cost: what a thread of a guest wanted, what it got, and what took the rest.
 *
 *	the thread	its vCPU meanwhile		that is
 *	runs		in the guest			what it got
 *	irq, softirq	in the guest			interrupts of its own guest
 *	stolen		preempted, waiting, throttled	lost, to whoever had the CPU
 *	hypervisor	KVM, user space			exits, by reason
 *	wait-cpu	preempted, waiting, throttled	lost, the same
 *	wait-cpu	anything else it worked for	other threads of the guest have the vCPU
 *	wait-cpu	polling, halted, blocked	the vCPU is woken first
 *
 * The parts add up to what it wanted, but for what is not known.
 */
#ifndef VMSCOPE_RESULTS_THREAD_COST_H
#define VMSCOPE_RESULTS_THREAD_COST_H

#include "base/arena.h"
#include "results/blame.h"
#include "tally/tally.h"

struct thread_part {
	enum cause cause; /* of kind CAUSE_KIND_GUEST */
	struct blame blame;
	struct blame_worst now; /* the latest stretch */
};

enum { THREAD_PARTS = 3 };

struct thread_cost {
	int thread, vm;	     /* index in the results; its machine */
	const char *name;    /* "app (tid 123) of g1" */
	int64_t wanted, got; /* ns */
	int64_t lost, exits; /* ns, of wanted */
	struct tally
		*tally; /* what the vCPUs lost and left the guest for, while it wanted to run */
	struct thread_part parts[THREAD_PARTS];
	struct arena texts;
};

/*
 * Reads what there is of one thread, in r's range. who: its tid in its guest, or its name; vm: its
 * machine's name, or NULL: any guest. Return: 0; 1 when there is no such thread, or several, which
 * err says; or ERR with err set. Deinitialize in every case.
 */
int thread_cost_init(struct thread_cost *t, const struct results *r, const char *vm,
		     const char *who, struct error *err);
void thread_cost_deinit(struct thread_cost *t);

#endif
