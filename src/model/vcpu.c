#include "model/vcpu.h"

#include <stdlib.h>

#include "events/event.h"
#include "events/exit_reason.h"

/* include/uapi/linux/kvm.h */
enum { KVM_EXIT_INTR = 10 };

/* What is undecided for longer is told as it looks: memory is bounded. */
enum { VCPU_HELD_MAX = 1 << 16 };

static const struct exit_cause no_cause = {.reason = NO_EXIT};
static const struct occupant nobody = {.thread = NO_THREAD, .irq = NO_IRQ};
static const struct exit_detail no_detail = {.kind = DETAIL_NONE, .value = NO_VALUE};

void vcpu_init(struct vcpu *v, uint32_t id, int64_t begin, const struct model_sink *sink)
{
	*v = (struct vcpu){.id = id,
			   .sink = sink,
			   .running_on = NO_CPU,
			   .queue = NO_CPU,
			   .taken_by = nobody,
			   .left = NO_VALUE,
			   .slept = NO_VALUE,
			   .polled = NO_VALUE,
			   .early = no_detail};
	v->open = (struct vcpu_interval){.vcpu = id,
					 .begin = begin,
					 .cause = no_cause,
					 .userspace_reason = NO_VALUE,
					 .cpu = NO_CPU,
					 .occupant = nobody};
}

void vcpu_deinit(struct vcpu *v)
{
	vec_deinit(&v->held);
}

/* ---- the exit being handled ----------------------------------------------------------------- */

static void account(struct vcpu *v, const struct vcpu_interval *i)
{
	int64_t begin = i->begin > v->exit.begin ? i->begin : v->exit.begin;
	int64_t dur = i->end - begin;

	if (!v->in_exit || dur <= 0)
		return;
	switch (i->state) {
	case VCPU_HYPERVISOR:
		v->exit.handled += dur;
		break;
	case VCPU_USERSPACE:
		v->exit.userspace += dur;
		break;
	case VCPU_PREEMPTED:
	case VCPU_WAITING:
		v->exit.preempted += dur;
		break;
	case VCPU_HALTED:
	case VCPU_BLOCKED:
		v->exit.blocked += dur;
		break;
	default:
		v->exit.has_parts = false;
		v->exit_is_whole &= v->is_unscheduled;
	}
}

static void end_exit(struct vcpu *v, int64_t ts, bool entered)
{
	if (!v->in_exit)
		return;
	/* The lane's polling has the way into the loop and out of it, too. */
	if (v->polled != NO_VALUE && v->polled < v->exit.polled)
		v->exit.polled = v->polled;
	v->exit.end = entered && v->exit_is_whole ? ts : INT64_MIN;
	v->in_exit = false;
	if (v->sink->vm_exit)
		v->sink->vm_exit(v->sink->ctx, &v->exit);
}

/* ---- intervals ------------------------------------------------------------------------------ */

/*
 * What is true of a vCPU that is in the guest by its host's word, when that host is a guest itself.
 */
static enum vcpu_state true_state(const struct vcpu *v)
{
	if (v->open.state != VCPU_GUEST)
		return v->open.state;
	switch (v->carried) {
	case CARRIER_GONE:
		return VCPU_PREEMPTED;
	case CARRIER_BUSY:
		return VCPU_HYPERVISOR;
	case CARRIER_UNKNOWN:
		return VCPU_UNKNOWN;
	default:
		return VCPU_GUEST;
	}
}

static void emit(const struct vcpu *v, const struct vcpu_interval *i)
{
	if (v->sink->vcpu_interval)
		v->sink->vcpu_interval(v->sink->ctx, i);
}

static bool vcpu_holds(const struct vcpu *v)
{
	return v->exit_pending || v->halt_pending || v->off_pending;
}

/* Tells what was held back, if nothing is to be found out about it any more. */
static void vcpu_flush(struct vcpu *v)
{
	if (vcpu_holds(v))
		return;
	vec_each (i, &v->held)
		emit(v, i);
	v->held.n = 0;
}

static void close_open(struct vcpu *v, int64_t ts)
{
	struct vcpu_interval *i = &v->open;
	enum vcpu_state own = i->state;

	if (ts <= i->begin)
		return;
	i->end = ts;
	i->occupant = *vcpu_taken_by(v);
	i->state = true_state(v);
	account(v, i);
	if (vcpu_holds(v))
		*vec_push(&v->held) = *i;
	else
		emit(v, i);
	i->state = own;
	if (own == VCPU_GUEST)
		i->occupant = nobody;
	i->begin = ts;
	if (v->held.n >= VCPU_HELD_MAX && !v->exit_pending) {
		v->halt_pending = v->off_pending = false;
		vcpu_flush(v);
	}
}

static void change(struct vcpu *v, int64_t ts, enum vcpu_state state, uint32_t cpu)
{
	close_open(v, ts);
	v->open.state = state;
	v->open.cpu = cpu;
	v->open.occupant = nobody;
	v->open.userspace_reason = NO_VALUE;
}

/* The cause of what is held back has become known, or never will. */
static void release(struct vcpu *v, struct exit_cause cause)
{
	if (v->exit_pending) {
		vec_each (i, &v->held) {
			if (i->state != VCPU_GUEST)
				i->cause = cause;
		}
	}
	v->exit_pending = false;
	vcpu_flush(v);
	v->open.cause = cause;
}

/*
 * The guest was entered again and no kvm_exit has told why it was left: events are missing that no
 * tracer counted. What was taken for the guest's time is not proved.
 */
static void distrust(struct vcpu *v)
{
	v->n_lost_exits++;
	v->nested = NESTED_UNKNOWN;
	if (v->open.state == VCPU_GUEST || v->open.state == VCPU_HYPERVISOR)
		v->open.state = VCPU_UNKNOWN;
	vec_each (i, &v->held) {
		if (i->state == VCPU_GUEST || i->state == VCPU_HYPERVISOR)
			i->state = VCPU_UNKNOWN;
	}
	release(v, no_cause);
}

/* ---- what is known only when it is over ----------------------------------------------------- */

/* Return: how much of the piece lies in the exit being handled. */
static int64_t vcpu_in_exit(const struct vcpu *v, const struct vcpu_interval *i)
{
	int64_t begin = i->begin > v->exit.begin ? i->begin : v->exit.begin;

	return v->in_exit && i->end > begin ? i->end - begin : 0;
}

/* The halt is told from a call into user space: polled if it was one. */
static void vcpu_decide_halt(struct vcpu *v, int64_t ts, bool polled)
{
	if (!v->halt_pending)
		return;
	close_open(v, ts);
	vec_each (i, &v->held) {
		if (!polled || i->state != VCPU_HYPERVISOR)
			continue;
		i->state = VCPU_POLLING;
		v->exit.polled += vcpu_in_exit(v, i);
	}
	v->halt_pending = false;
	vcpu_flush(v);
}

/* From here on it is without a CPU. */
static void vcpu_hold_off(struct vcpu *v)
{
	v->off_pending = true;
	v->off_at = v->held.n;
}

static void vcpu_end_off(struct vcpu *v)
{
	v->off_pending = false;
	vcpu_flush(v);
}

const struct vcpu_interval *vcpu_off_pieces(struct vcpu *v, int64_t ts, size_t *np)
{
	*np = 0;
	if (!v->off_pending)
		return NULL;
	close_open(v, ts);
	if (!v->off_pending || v->off_at >= v->held.n)
		return NULL;
	*np = v->held.n - v->off_at;
	return &v->held.at[v->off_at];
}

/* Cuts the pieces at ts, so that one begins there. */
static void vcpu_cut(struct vcpu *v, int64_t ts)
{
	for (size_t i = v->off_at; i < v->held.n; i++) {
		if (v->held.at[i].begin >= ts || v->held.at[i].end <= ts)
			continue;
		vec_push(&v->held);
		for (size_t k = v->held.n - 1; k > i; k--)
			v->held.at[k] = v->held.at[k - 1];
		v->held.at[i].end = v->held.at[i + 1].begin = ts;
		return;
	}
}

static void vcpu_throttle_piece(struct vcpu *v, struct vcpu_interval *i, enum certainty certainty)
{
	i->throttled = certainty;
	if (certainty == CERTAINTY_OPEN)
		return;
	i->state = VCPU_THROTTLED;
	i->occupant = nobody;
	v->exit.throttled += vcpu_in_exit(v, i);
}

void vcpu_throttle(struct vcpu *v, int64_t from, int64_t to, enum certainty certainty)
{
	vcpu_cut(v, from);
	vcpu_cut(v, to);
	for (size_t i = v->off_at; i < v->held.n; i++) {
		struct vcpu_interval *p = &v->held.at[i];

		if (p->begin >= from && p->end <= to &&
		    (p->state == VCPU_PREEMPTED || p->state == VCPU_WAITING))
			vcpu_throttle_piece(v, p, certainty);
	}
}

void vcpu_doubt(struct vcpu *v, int64_t from)
{
	vcpu_cut(v, from);
	for (size_t i = v->off_at; i < v->held.n; i++) {
		struct vcpu_interval *p = &v->held.at[i];

		if (p->begin < from)
			continue;
		p->state = VCPU_UNKNOWN;
		p->occupant = nobody;
		p->throttled = CERTAINTY_NONE;
	}
	v->exit.has_parts = v->exit_is_whole = false;
	v->open.state = VCPU_UNKNOWN;
}

/* The event at hand cannot happen in the open state: when that ended, nobody saw. */
static void distrust_unless(struct vcpu *v, bool possible)
{
	if (possible)
		return;
	v->open.state = VCPU_UNKNOWN;
	v->open.occupant = nobody;
}

static bool runs(const struct vcpu *v)
{
	return v->open.state == VCPU_HYPERVISOR || v->open.state == VCPU_USERSPACE ||
	       v->open.state == VCPU_UNKNOWN;
}

static bool vcpu_same_occupant(const struct occupant *a, const struct occupant *b)
{
	return a->thread == b->thread && a->busy == b->busy && a->irq == b->irq &&
	       a->handler == b->handler;
}

void vcpu_carry(struct vcpu *v, int64_t ts, enum carrier_state carried,
		const struct occupant *taken_by)
{
	if (v->carried == carried && vcpu_same_occupant(&v->taken_by, taken_by))
		return;
	if (v->open.state == VCPU_GUEST)
		close_open(v, ts);
	v->carried = carried;
	v->taken_by = *taken_by;
}

void vcpu_leave_nested(struct vcpu *v)
{
	v->nested = NESTED_HOST;
}

/* ---- events --------------------------------------------------------------------------------- */

void vcpu_enter(struct vcpu *v, int64_t ts, uint32_t cpu)
{
	if (v->exit_pending || v->open.state == VCPU_GUEST)
		distrust(v);
	distrust_unless(v, runs(v));
	vcpu_decide_halt(v, ts, true);
	vcpu_end_off(v);
	close_open(v, ts);
	end_exit(v, ts, true);
	v->open.cause = no_cause;
	change(v, ts, VCPU_GUEST, cpu);
	v->running_on = cpu;
	v->asleep = v->is_outside = false;
	v->early = no_detail;
}

void vcpu_stop_guest(struct vcpu *v, int64_t ts)
{
	if (v->open.state != VCPU_GUEST)
		return;
	v->exit_pending = true;
	v->stopped = ts;
	change(v, ts, VCPU_HYPERVISOR, v->open.cpu);
}

bool vcpu_exit(struct vcpu *v, int64_t ts, uint32_t cpu, struct exit_cause cause, uint64_t rip)
{
	bool expected = v->exit_pending;

	if (!expected) {
		/* An entry is missing, or the trace began in the guest. */
		distrust_unless(v, !v->in_exit && runs(v));
		vcpu_decide_halt(v, ts, true);
		change(v, ts, VCPU_HYPERVISOR, cpu);
		end_exit(v, ts, false);
		v->stopped = ts;
	}
	vcpu_end_off(v);
	release(v, cause);
	if (exit_reason_is_nested_entry(cause.isa, (uint32_t)cause.reason))
		v->nested = NESTED_GUEST;
	v->in_exit = v->exit_is_whole = true;
	v->exit = (struct vm_exit){.vcpu = v->id,
				   .begin = ts,
				   .early = ts - v->stopped,
				   .cause = cause,
				   .rip = rip,
				   .has_parts = true,
				   .guest_thread = NO_THREAD,
				   .vector = NO_VALUE,
				   .detail = v->early};
	if (exit_detail_is_interrupt(v->early) &&
	    !exit_reason_is_interrupt(cause.isa, (uint32_t)cause.reason))
		v->exit.detail = no_detail;
	v->early = no_detail;
	v->halt_pending = exit_reason_is_halt(cause.isa, cause.reason) && !v->is_unscheduled;
	v->left = v->slept = v->polled = NO_VALUE;
	v->running_on = cpu;
	v->asleep = false;
	return !expected;
}

void vcpu_leave(struct vcpu *v, int64_t ts)
{
	change(v, ts, VCPU_UNKNOWN, NO_CPU);
	v->exit.has_parts = false;
	v->running_on = NO_CPU;
}

void vcpu_inject(struct vcpu *v, int64_t vector)
{
	if (v->in_exit && v->exit.blocked && v->exit.vector == NO_VALUE)
		v->exit.vector = vector;
}

void vcpu_detail(struct vcpu *v, struct exit_detail detail)
{
	/* On the way out of the guest some exits are handled before they are recorded. */
	if (v->exit_pending)
		exit_detail_add(&v->early, detail);
	else if (v->in_exit &&
		 (!exit_detail_is_interrupt(detail) ||
		  exit_reason_is_interrupt(v->exit.cause.isa, (uint32_t)v->exit.cause.reason)))
		exit_detail_add(&v->exit.detail, detail);
	/* It has the reason of a halt, but only lets others go first. */
	if (detail.kind == DETAIL_WFE) {
		v->halt_pending = false;
		vcpu_flush(v);
	}
}

void vcpu_userspace(struct vcpu *v, int64_t ts, uint32_t cpu, int64_t reason)
{
	distrust_unless(v, runs(v));
	/*
	 * A signal ends a halt. Without an interrupt controller in the kernel, who halts goes to
	 * user space at once.
	 */
	vcpu_decide_halt(v, ts, reason == KVM_EXIT_INTR);
	vcpu_end_off(v);
	change(v, ts, VCPU_USERSPACE, cpu);
	v->open.userspace_reason = reason;
}

void vcpu_run_ioctl(struct vcpu *v, int64_t ts, uint32_t cpu)
{
	if (v->open.state == VCPU_USERSPACE || v->open.state == VCPU_UNKNOWN)
		change(v, ts, VCPU_HYPERVISOR, cpu);
}

void vcpu_leave_ioctl(struct vcpu *v, int64_t ts, uint32_t cpu)
{
	vcpu_decide_halt(v, ts, false);
	/* A kvm_userspace_exit has told more already. */
	if (v->open.state == VCPU_HYPERVISOR || v->open.state == VCPU_UNKNOWN)
		change(v, ts, VCPU_USERSPACE, cpu);
}

void vcpu_halt_ended(struct vcpu *v, int64_t ts, int64_t ns, bool slept)
{
	int64_t end = slept ? v->slept : ts, begin;

	if (!v->in_exit || end == NO_VALUE || ns < 0 || __builtin_sub_overflow(ts, ns, &begin))
		return;
	/* It stops polling when others want the CPU, and is switched out then. */
	if (v->left != NO_VALUE && v->left > begin)
		end = v->left;
	v->polled = end > begin ? end - begin : 0;
}

static enum vcpu_state sleep_state(const struct vcpu *v, enum vcpu_off off)
{
	if (off == VCPU_OFF_STOPPED && v->interrupted != VCPU_UNKNOWN)
		return VCPU_BLOCKED;
	switch (v->interrupted) {
	case VCPU_HYPERVISOR:
		if (v->open.cause.reason == NO_EXIT)
			return VCPU_UNKNOWN;
		return exit_reason_sleeps_halted(v->open.cause.isa, v->open.cause.reason)
			       ? VCPU_HALTED
			       : VCPU_BLOCKED;
	case VCPU_USERSPACE:
		return VCPU_BLOCKED;
	default:
		return VCPU_UNKNOWN; /* asleep for certain, but halted or blocked? */
	}
}

void vcpu_switch_out(struct vcpu *v, int64_t ts, uint32_t cpu, enum vcpu_off off,
		     const struct occupant *occupant)
{
	int64_t userspace_reason = v->open.userspace_reason;
	bool runnable = off == VCPU_OFF_RUNNABLE;

	distrust_unless(v, runs(v));
	v->interrupted = v->open.state;
	if (v->left == NO_VALUE)
		v->left = ts;
	if (!runnable) {
		vcpu_decide_halt(v, ts, off == VCPU_OFF_ASLEEP);
		v->slept = ts;
	}
	vcpu_end_off(v);
	change(v, ts, runnable ? VCPU_PREEMPTED : sleep_state(v, off), runnable ? cpu : NO_CPU);
	if (runnable)
		vcpu_hold_off(v);
	v->open.userspace_reason = userspace_reason;
	v->open.occupant = runnable ? *occupant : nobody;
	v->queue = cpu;
	v->running_on = NO_CPU;
	v->asleep = !runnable;
}

void vcpu_switch_in(struct vcpu *v, int64_t ts, uint32_t cpu)
{
	int64_t userspace_reason = v->open.userspace_reason;

	distrust_unless(v, v->running_on == NO_CPU);
	if (v->running_on != NO_CPU)
		v->interrupted = VCPU_UNKNOWN;
	if (v->interrupted == VCPU_UNKNOWN && v->is_outside)
		v->interrupted = VCPU_USERSPACE;
	change(v, ts, v->interrupted, cpu);
	vcpu_end_off(v);
	v->open.userspace_reason = userspace_reason;
	v->running_on = cpu;
	v->asleep = false;
}

void vcpu_wake(struct vcpu *v, int64_t ts, uint32_t cpu, const struct occupant *occupant)
{
	int64_t userspace_reason = v->open.userspace_reason;

	if (!v->asleep)
		return;
	change(v, ts, VCPU_WAITING, cpu);
	vcpu_hold_off(v);
	v->open.userspace_reason = userspace_reason;
	v->open.occupant = *occupant;
	v->queue = cpu;
	v->asleep = false;
}

void vcpu_requeue(struct vcpu *v, int64_t ts, uint32_t cpu, const struct occupant *occupant)
{
	v->queue = cpu;
	if (!vcpu_waits(v) ||
	    (v->open.cpu == cpu && vcpu_same_occupant(&v->open.occupant, occupant)))
		return;
	close_open(v, ts);
	v->open.cpu = cpu;
	v->open.occupant = *occupant;
}

/* Why the guest stopped is lost: it may have halted, and what followed is not KVM's work then. */
static void vcpu_forget_exit(struct vcpu *v)
{
	if (v->open.state == VCPU_HYPERVISOR)
		v->open.state = VCPU_UNKNOWN;
	vec_each (i, &v->held) {
		if (i->state == VCPU_HYPERVISOR)
			i->state = VCPU_UNKNOWN;
	}
	release(v, no_cause);
}

void vcpu_lose(struct vcpu *v, int64_t ts)
{
	if (v->exit_pending)
		vcpu_forget_exit(v);
	v->exit_is_whole = false;
	vcpu_decide_halt(v, ts, true);
	vcpu_end_off(v);
	close_open(v, ts);
	end_exit(v, ts, false);
	v->open.cause = no_cause;
	change(v, ts, VCPU_UNKNOWN, NO_CPU);
	v->interrupted = VCPU_UNKNOWN;
	v->running_on = v->queue = NO_CPU;
	v->asleep = false;
	v->nested = NESTED_UNKNOWN;
}

void vcpu_put_aside(struct vcpu *v, int64_t ts, uint32_t cpu)
{
	if (v->is_unscheduled)
		vcpu_lose(v, ts);
	else if (v->running_on != NO_CPU)
		vcpu_switch_out(v, ts, cpu, VCPU_OFF_STOPPED, &nobody);
}

void vcpu_take_up(struct vcpu *v, int64_t ts, uint32_t cpu)
{
	if (!v->is_unscheduled)
		vcpu_switch_in(v, ts, cpu);
}

void vcpu_unplug(struct vcpu *v, int64_t ts)
{
	vcpu_lose(v, ts);
	v->open.state = VCPU_ABSENT;
}

void vcpu_plug(struct vcpu *v, int64_t ts)
{
	vcpu_lose(v, ts);
	v->open.state = VCPU_BLOCKED;
	v->asleep = true;
}

void vcpu_peek(const struct vcpu *v, int64_t ts, const struct model_sink *to)
{
	struct vcpu_interval open = v->open;

	if (!to->vcpu_interval)
		return;
	vec_each (i, &v->held) {
		struct vcpu_interval held = *i;

		if (v->halt_pending && held.state == VCPU_HYPERVISOR)
			held.state = VCPU_POLLING;
		to->vcpu_interval(to->ctx, &held);
	}
	open.end = ts;
	open.occupant = *vcpu_taken_by(v);
	open.state = true_state(v);
	if (v->halt_pending && open.state == VCPU_HYPERVISOR)
		open.state = VCPU_POLLING;
	if (open.end > open.begin)
		to->vcpu_interval(to->ctx, &open);
}

void vcpu_finish(struct vcpu *v, int64_t ts)
{
	if (v->exit_pending)
		release(v, no_cause);
	vcpu_decide_halt(v, ts, true);
	vcpu_end_off(v);
	close_open(v, ts);
	end_exit(v, ts, false);
}
