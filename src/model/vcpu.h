/*
 * vcpu: one vCPU's state machine, driven by what its thread does on the host.
 *
 *	               kvm_entry                    first host event on its CPU
 *	  +--------------------------> GUEST ------------------------------+
 *	  |                                                                v
 *	  |   kvm_userspace_exit,
 *	  |   ioctl left             KVM_RUN entered            +-> HYPERVISOR (cause of the
 *	  +-- HYPERVISOR --------> USERSPACE ---------> HYPERVISOR -+     kvm_exit that follows)
 *	         |                     |
 *	         | switched out        | switched out
 *	         v                     v
 *	  runnable:     PREEMPTED ---------- switched in ------> back to what was interrupted
 *	  not runnable: HALTED (cause is HLT)
 *	                BLOCKED (else)  -- woken --> WAITING -- switched in --> back
 *	  anything:     UNKNOWN after lost events, until something is known again
 *	  anything:     ABSENT when its thread has died -- thread made --> BLOCKED
 *
 * Two states are known only when they are over, and what may be one is held back until then. A
 * HYPERVISOR with a halt as its cause was POLLING if the thread slept or the guest was entered
 * next: KVM had waited in a loop. A PREEMPTED or WAITING was THROTTLED if how it ended says so
 * (throttle.h).
 *
 * Where the host's scheduler was not recorded there is only GUEST, from entry to exit, and UNKNOWN.
 *
 * GUEST ends before the kvm_exit tracepoint: on the way out the host may run interrupt handlers and
 * fast paths first (AMD traces kvm_exit with interrupts enabled). What follows the first host event
 * is the hypervisor's, with a cause that is known only at the kvm_exit: intervals are held back
 * until then. A thread can even be switched out in between; if no kvm_exit follows at all before
 * the next kvm_entry, it was lost, and the stretch in which it was is unknown.
 *
 * Invariants: intervals leave in time order without gap or overlap; every state but UNKNOWN has
 * been proved by an event; an exit is told once, and its parts add up.
 */
#ifndef VMSCOPE_MODEL_VCPU_H
#define VMSCOPE_MODEL_VCPU_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "model/sink.h"

/* Whether a CPU of a guest truly runs what it takes itself to run. */
enum carrier_state {
	CARRIED,      /* it is a real CPU, or its vCPU is in the guest, on a CPU that is carried */
	CARRIER_GONE, /* its vCPU is preempted or waiting */
	CARRIER_BUSY, /* its vCPU is in the hypervisor, or not running for reasons of its own */
	CARRIER_UNKNOWN,
};

/* Whose code a vCPU in the guest runs, if its VM is a hypervisor itself. */
enum nested_state {
	NESTED_UNKNOWN, /* never told, or lost: the VM's own recording counts */
	NESTED_GUEST,	/* the VM's own guest's */
	NESTED_HOST,	/* the VM's own */
};

struct vcpu {
	uint32_t id;
	const struct model_sink *sink;

	struct vcpu_interval open;   /* its end is not known yet */
	enum vcpu_state interrupted; /* what switching in goes back to */
	uint32_t running_on;	     /* CPU that its thread is on, NO_CPU: on none, or not known */
	uint32_t queue;		     /* CPU on whose queue its thread is or was last */
	bool asleep;		     /* switched out and not runnable */
	enum carrier_state carried;  /* the CPU that it runs on, of a host that is a guest itself */
	struct occupant taken_by;    /* CARRIER_GONE: of that CPU's CPU */

	enum nested_state nested; /* from the next entry on, or since the last */

	/*
	 * Finished, but not told yet: they wait for a cause (exit_pending), for what became of a
	 * halt (halt_pending), or of a stretch without a CPU (off_pending).
	 */
	VEC(struct vcpu_interval) held;
	bool exit_pending; /* the guest has stopped, its kvm_exit has not come */
	bool halt_pending; /* the exit is a halt, from which it has neither slept nor returned */
	bool off_pending;  /* it could run, and has no CPU */
	int64_t stopped;   /* exit_pending: when */
	size_t off_at;	   /* off_pending: the first of `held` in which it had none */
	int64_t left;	   /* in this exit: when it was switched out first, or NO_VALUE */
	int64_t slept;	   /* in this exit: when it fell asleep last, or NO_VALUE */
	int64_t polled;	   /* in this exit: for how long KVM says that it polled, or NO_VALUE */

	bool in_exit;	    /* between a kvm_exit and the next kvm_entry */
	bool exit_is_whole; /* nothing was lost since */
	struct vm_exit exit;
	struct exit_detail early; /* told since the guest stopped, of the exit that is pending */

	/* Nobody saw it enter a guest: on a CPU it can only be in its own code, or the kernel's. */
	bool is_outside;
	bool is_unscheduled; /* its host's scheduler was not recorded: vcpu_leave() */

	uint64_t n_lost_exits; /* entries that no exit preceded: events are missing */
};

/* begin: of the lane; its first state is UNKNOWN. sink must outlive v. */
void vcpu_init(struct vcpu *v, uint32_t id, int64_t begin, const struct model_sink *sink);
void vcpu_deinit(struct vcpu *v);

/* Whether it is runnable and waits for CPU v->queue, so that the thread there is its occupant. */
static inline bool vcpu_waits(const struct vcpu *v)
{
	return v->open.state == VCPU_PREEMPTED || v->open.state == VCPU_WAITING;
}

/*
 * The CPU that it runs on, of a host that is a guest itself, is carried or no longer. A vCPU that
 * its host has in the guest is so only while it is: else PREEMPTED by `taken_by`, HYPERVISOR or
 * UNKNOWN.
 */
void vcpu_carry(struct vcpu *v, int64_t ts, enum carrier_state carried,
		const struct occupant *taken_by);

/* Return: what v is to the CPU of the guest that it is. */
static inline enum carrier_state vcpu_carries(const struct vcpu *v)
{
	switch (v->open.state) {
	case VCPU_GUEST:
		return v->carried;
	case VCPU_PREEMPTED:
	case VCPU_WAITING:
		return CARRIER_GONE;
	case VCPU_UNKNOWN:
	case VCPU_ABSENT:
		return CARRIER_UNKNOWN;
	default:
		return CARRIER_BUSY;
	}
}

/* Return: what its CPU is busy with while it is CARRIER_GONE to that of the guest. */
static inline const struct occupant *vcpu_taken_by(const struct vcpu *v)
{
	return v->open.state == VCPU_GUEST ? &v->taken_by : &v->open.occupant;
}

/* Return: what v is to a vCPU that its guest runs as a hypervisor on that CPU, and has in the
 * guest. */
static inline enum carrier_state vcpu_carries_nested(const struct vcpu *v)
{
	enum carrier_state carries = vcpu_carries(v);

	return carries == CARRIED && v->nested == NESTED_HOST ? CARRIER_BUSY : carries;
}

/* Its guest's own guest was left: the guest goes on itself. */
void vcpu_leave_nested(struct vcpu *v);

/* Times never decrease from call to call. cpu: where the event happened. */
void vcpu_enter(struct vcpu *v, int64_t ts, uint32_t cpu);

/* Any first host event after vcpu_enter() on its CPU, before what the event itself says. */
void vcpu_stop_guest(struct vcpu *v, int64_t ts);

/* Return: whether it is in another state now: an exit that vcpu_stop_guest() has announced only
 * tells why. */
bool vcpu_exit(struct vcpu *v, int64_t ts, uint32_t cpu, struct exit_cause cause, uint64_t rip);

/*
 * The exit has been told, and that is all that will be known of it: without the scheduler's events
 * nobody sees whether it keeps its CPU until it enters again. is_unscheduled is set.
 */
void vcpu_leave(struct vcpu *v, int64_t ts);

/* An interrupt is injected: of the first one after it was blocked in an exit, that was what it
 * waited for. */
void vcpu_inject(struct vcpu *v, int64_t vector);

void vcpu_userspace(struct vcpu *v, int64_t ts, uint32_t cpu, int64_t reason);

/* An event tells what the exit at hand is about, or the one that is pending. */
void vcpu_detail(struct vcpu *v, struct exit_detail detail);

/* Its thread enters the KVM_RUN ioctl; leaves an ioctl (while it is in KVM, that is KVM_RUN). */
void vcpu_run_ioctl(struct vcpu *v, int64_t ts, uint32_t cpu);
void vcpu_leave_ioctl(struct vcpu *v, int64_t ts, uint32_t cpu);

/* KVM says that the halt is over: it had waited for `ns`, and slept or only polled. */
void vcpu_halt_ended(struct vcpu *v, int64_t ts, int64_t ns, bool slept);

/* How a thread leaves its CPU. */
enum vcpu_off {
	VCPU_OFF_RUNNABLE,
	VCPU_OFF_ASLEEP,  /* until it is woken, or a signal comes: a halt is this */
	VCPU_OFF_STOPPED, /* otherwise: stopped, traced, or asleep whatever signals come */
};

void vcpu_switch_out(struct vcpu *v, int64_t ts, uint32_t cpu, enum vcpu_off off,
		     const struct occupant *occupant);
void vcpu_switch_in(struct vcpu *v, int64_t ts, uint32_t cpu);

/*
 * The stretch without a CPU that ends at ts, before vcpu_switch_in().
 * Return: its pieces, n of them; borrowed, until the next call. 0: it had one, or that is not
 * known.
 */
const struct vcpu_interval *vcpu_off_pieces(struct vcpu *v, int64_t ts, size_t *np);

/*
 * Of these pieces what lies in [from, to) was THROTTLED, or may have been if `certainty` is open.
 */
void vcpu_throttle(struct vcpu *v, int64_t from, int64_t to, enum certainty certainty);

/* Of these pieces nothing is known from `from` on. */
void vcpu_doubt(struct vcpu *v, int64_t from);

/* cpu: the queue it was put on; occupant: of it. */
void vcpu_wake(struct vcpu *v, int64_t ts, uint32_t cpu, const struct occupant *occupant);

/* It was moved to another CPU's queue, or the CPU it is queued on changed hands. */
void vcpu_requeue(struct vcpu *v, int64_t ts, uint32_t cpu, const struct occupant *occupant);

/* Its thread is gone: until vcpu_plug() there is no such vCPU. */
void vcpu_unplug(struct vcpu *v, int64_t ts);

/* A thread was made that will run it. It begins asleep. */
void vcpu_plug(struct vcpu *v, int64_t ts);

/* Its thread runs another vCPU now; this one waits until a thread takes it up again, which is on a
 * CPU. */
void vcpu_put_aside(struct vcpu *v, int64_t ts, uint32_t cpu);
void vcpu_take_up(struct vcpu *v, int64_t ts, uint32_t cpu);

/* From ts on nothing is known of it. */
void vcpu_lose(struct vcpu *v, int64_t ts);

/*
 * Tells what is not told yet as if its lane ended at ts, and changes nothing: more may come to
 * light of it.
 */
void vcpu_peek(const struct vcpu *v, int64_t ts, const struct model_sink *to);

/* Ends the lane. */
void vcpu_finish(struct vcpu *v, int64_t ts);

#endif
