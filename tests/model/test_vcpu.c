/*
 * The state machine of a vCPU (model/vcpu.h), transition by transition, and its invariants after
 * any sequence of events.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../timeline/random.h"
#include "events/event.h"
#include "model/vcpu.h"
#include "tape.h"

enum { CPUID = 0x72, HLT = 0x78, IOIO = 0x7b, MSR = 0x7c, INTR = 0x60 };

struct fixture {
	struct tape tape;
	struct model_sink sink;
	struct vcpu v;
};

static void begin(struct fixture *f)
{
	tape_init(&f->tape);
	f->sink = tape_sink(&f->tape);
	vcpu_init(&f->v, 0, 0, &f->sink);
}

static struct occupant occupant_of(uint32_t thread)
{
	return (struct occupant){.busy = BUSY_THREAD, .thread = thread, .irq = NO_IRQ};
}

static void off(struct vcpu *v, int64_t ts, uint32_t cpu, bool runnable, uint32_t thread)
{
	struct occupant o = occupant_of(thread);

	vcpu_switch_out(v, ts, cpu, runnable ? VCPU_OFF_RUNNABLE : VCPU_OFF_ASLEEP, &o);
}

static void wake(struct vcpu *v, int64_t ts, uint32_t cpu, uint32_t thread)
{
	struct occupant o = occupant_of(thread);

	vcpu_wake(v, ts, cpu, &o);
}

static void requeue(struct vcpu *v, int64_t ts, uint32_t cpu, uint32_t thread)
{
	struct occupant o = occupant_of(thread);

	vcpu_requeue(v, ts, cpu, &o);
}

static void svm_exit(struct fixture *f, int64_t ts, uint64_t reason)
{
	vcpu_exit(&f->v, ts, 0, (struct exit_cause){.reason = reason, .isa = 2}, 0);
}

/* Ends the lane and compares. exits: NULL if they do not matter. */
static void expect(struct fixture *f, int64_t end, const char *lane, const char *exits)
{
	vcpu_finish(&f->v, end);
	tape_end(&f->tape);
	assert_string_equal(f->tape.lane, lane);
	if (exits)
		assert_string_equal(f->tape.exits, exits);
	vcpu_deinit(&f->v);
	tape_deinit(&f->tape);
}

/* In the guest from 10 on, nothing known before. */
static void begin_in_guest(struct fixture *f)
{
	begin(f);
	vcpu_enter(&f->v, 10, 0);
}

/* Out of the guest at 20 for this reason. */
static void begin_in_exit(struct fixture *f, uint64_t reason)
{
	begin_in_guest(f);
	vcpu_stop_guest(&f->v, 20);
	svm_exit(f, 20, reason);
}

static void entry_and_exit(void **state)
{
	struct fixture f;

	(void)state;
	begin_in_exit(&f, CPUID);
	vcpu_enter(&f.v, 30, 0);
	expect(&f, 50, "0-10 unknown\n10-20 guest @0\n20-30 hypervisor 114 @0\n30-50 guest @0\n",
	       "exit 114 at 20 (early 0) to 30 = 10 handled + 0 userspace + 0 preempted + 0 blocked\n");
}

static void tell(struct fixture *f, enum exit_detail_kind kind, int64_t value)
{
	vcpu_detail(&f->v, (struct exit_detail){.kind = kind, .value = value});
}

/* An exit is about what is told from where the guest stops on, and until the next entry. */
static void what_exits_are_about(void **state)
{
	struct fixture f;

	(void)state;
	begin_in_guest(&f);
	tell(&f, DETAIL_MSR_READ, 1); /* of no exit */
	vcpu_stop_guest(&f.v, 15);
	tell(&f, DETAIL_MSR_WRITE, 2); /* before its kvm_exit */
	svm_exit(&f, 20, MSR);
	vcpu_enter(&f.v, 30, 0);
	vcpu_stop_guest(&f.v, 40);
	svm_exit(&f, 40, CPUID);
	tell(&f, DETAIL_CPUID, 3);
	tell(&f, DETAIL_CPUID, 4);
	vcpu_enter(&f.v, 50, 0);
	vcpu_stop_guest(&f.v, 60);
	tell(&f, DETAIL_MSR_WRITE, 5); /* its kvm_exit is lost */
	vcpu_enter(&f.v, 70, 0);
	vcpu_stop_guest(&f.v, 80);
	svm_exit(&f, 80, IOIO);
	expect(&f, 90,
	       "0-10 unknown\n10-15 guest @0\n15-30 hypervisor 124 @0\n30-40 guest @0\n"
	       "40-50 hypervisor 114 @0\n50-60 unknown @0\n60-70 unknown @0\n70-80 guest @0\n80-90 hypervisor 123 @0\n",
	       "exit 124 at 20 (early 5) about msr-write 2 to 30 = 10 handled + 0 userspace + 0 preempted "
	       "+ 0 blocked\n"
	       "exit 114 at 40 (early 0) about cpuid 3 to 50 = 10 handled + 0 userspace + 0 preempted "
	       "+ 0 blocked\n"
	       "exit 123 at 80 (early 0) unfinished\n");
}

/* Interrupts are taken in exits for any reason, before and after their kvm_exit. */
static void interrupts_are_of_exits_by_interrupts(void **state)
{
	struct fixture f;

	(void)state;
	begin_in_guest(&f);
	vcpu_stop_guest(&f.v, 15);
	tell(&f, DETAIL_VECTOR, 236);
	svm_exit(&f, 20, INTR);
	tell(&f, DETAIL_VECTOR, 253);
	vcpu_enter(&f.v, 30, 0);
	vcpu_stop_guest(&f.v, 35);
	tell(&f, DETAIL_VECTOR, 236);
	svm_exit(&f, 40, IOIO);
	tell(&f, DETAIL_IRQ, 24);
	vcpu_enter(&f.v, 50, 0);
	vcpu_stop_guest(&f.v, 60);
	svm_exit(&f, 60, INTR);
	tell(&f, DETAIL_IRQ, 24);
	vcpu_enter(&f.v, 70, 0);
	expect(&f, 80,
	       "0-10 unknown\n10-15 guest @0\n15-30 hypervisor 96 @0\n30-35 guest @0\n"
	       "35-50 hypervisor 123 @0\n50-60 guest @0\n60-70 hypervisor 96 @0\n70-80 guest @0\n",
	       "exit 96 at 20 (early 5) about vector 236 to 30 = 10 handled + 0 userspace + 0 preempted "
	       "+ 0 blocked\n"
	       "exit 123 at 40 (early 5) to 50 = 10 handled + 0 userspace + 0 preempted + 0 blocked\n"
	       "exit 96 at 60 (early 0) about irq 24 to 70 = 10 handled + 0 userspace + 0 preempted "
	       "+ 0 blocked\n");
}

/* arm64's WFE has the reason of a halt, but only lets others go first. */
static void wfe_is_no_halt(void **state)
{
	const struct exit_cause wfx = {.reason = 1, .isa = 3};
	struct fixture f;

	(void)state;
	begin_in_guest(&f);
	vcpu_stop_guest(&f.v, 20);
	vcpu_exit(&f.v, 20, 0, wfx, 0);
	vcpu_enter(&f.v, 30, 0);
	vcpu_stop_guest(&f.v, 40);
	vcpu_exit(&f.v, 40, 0, wfx, 0);
	tell(&f, DETAIL_WFE, NO_VALUE);
	vcpu_enter(&f.v, 50, 0);
	vcpu_stop_guest(&f.v, 60);
	vcpu_exit(&f.v, 60, 0, wfx, 0);
	tell(&f, DETAIL_WFI, NO_VALUE);
	vcpu_enter(&f.v, 70, 0);
	expect(&f, 80,
	       "0-10 unknown\n10-20 guest @0\n20-30 polling 1 @0\n30-40 guest @0\n"
	       "40-50 hypervisor 1 @0\n50-60 guest @0\n60-70 polling 1 @0\n70-80 guest @0\n",
	       NULL);
}

/* The kvm_exit comes after an interrupt handler: the guest has stopped before. */
static void late_exit(void **state)
{
	struct fixture f;

	(void)state;
	begin_in_guest(&f);
	vcpu_stop_guest(&f.v, 17);
	svm_exit(&f, 20, INTR);
	vcpu_enter(&f.v, 30, 0);
	expect(&f, 40, "0-10 unknown\n10-17 guest @0\n17-30 hypervisor 96 @0\n30-40 guest @0\n",
	       "exit 96 at 20 (early 3) to 30 = 10 handled + 0 userspace + 0 preempted + 0 blocked\n");
}

/* The handler's end lets another thread run; the kvm_exit comes when the vCPU is back. */
static void preempted_before_the_exit(void **state)
{
	struct fixture f;

	(void)state;
	begin_in_guest(&f);
	vcpu_stop_guest(&f.v, 17);
	off(&f.v, 18, 0, true, 7);
	vcpu_switch_in(&f.v, 25, 0);
	svm_exit(&f, 26, INTR);
	vcpu_enter(&f.v, 30, 0);
	expect(&f, 40,
	       "0-10 unknown\n10-17 guest @0\n17-18 hypervisor 96 @0\n18-25 preempted 96 @0 by 7\n"
	       "25-30 hypervisor 96 @0\n30-40 guest @0\n",
	       "exit 96 at 26 (early 9) to 30 = 4 handled + 0 userspace + 0 preempted + 0 blocked\n");
}

/* Two entries without an exit between them: where the guest stopped, nobody knows. */
static void lost_exit(void **state)
{
	struct fixture f;

	(void)state;
	begin_in_guest(&f);
	vcpu_enter(&f.v, 30, 0);
	assert_int_equal(f.v.n_lost_exits, 1);
	expect(&f, 40, "0-10 unknown\n10-30 unknown @0\n30-40 guest @0\n", "");
}

static void lost_exit_after_the_stop(void **state)
{
	struct fixture f;

	(void)state;
	begin_in_guest(&f);
	vcpu_stop_guest(&f.v, 20);
	off(&f.v, 22, 0, true, 7);
	vcpu_switch_in(&f.v, 25, 0);
	vcpu_enter(&f.v, 30, 0);
	assert_int_equal(f.v.n_lost_exits, 1);
	expect(&f, 40,
	       "0-10 unknown\n10-20 unknown @0\n20-22 unknown @0\n22-25 preempted @0 by 7\n25-30 unknown "
	       "@0\n30-40 guest @0\n",
	       "");
}

/* It sleeps, but nobody saw why it left the guest: halted or blocked? */
static void asleep_without_an_exit(void **state)
{
	struct fixture f;

	(void)state;
	begin_in_guest(&f);
	vcpu_stop_guest(&f.v, 20);
	off(&f.v, 22, 0, false, 7);
	wake(&f.v, 24, 0, 7);
	vcpu_switch_in(&f.v, 25, 0);
	vcpu_enter(&f.v, 30, 0);
	expect(&f, 40,
	       "0-10 unknown\n10-20 unknown @0\n20-22 unknown @0\n22-24 unknown\n24-25 waiting @0 by 7\n"
	       "25-30 unknown @0\n30-40 guest @0\n",
	       "");
}

/* Two exits without an entry between them: it was in the guest, but from when to when? */
static void lost_entry(void **state)
{
	struct fixture f;

	(void)state;
	begin_in_exit(&f, CPUID);
	svm_exit(&f, 30, MSR);
	vcpu_enter(&f.v, 35, 0);
	expect(&f, 40,
	       "0-10 unknown\n10-20 guest @0\n20-30 unknown 114 @0\n30-35 hypervisor 124 @0\n35-40 guest "
	       "@0\n",
	       "exit 114 at 20 (early 0) unfinished\n"
	       "exit 124 at 30 (early 0) to 35 = 5 handled + 0 userspace + 0 preempted + 0 blocked\n");
}

static void preempted(void **state)
{
	struct fixture f;

	(void)state;
	begin_in_exit(&f, INTR);
	off(&f.v, 22, 0, true, 7);
	vcpu_switch_in(&f.v, 28, 0);
	vcpu_enter(&f.v, 30, 0);
	expect(&f, 40,
	       "0-10 unknown\n10-20 guest @0\n20-22 hypervisor 96 @0\n22-28 preempted 96 @0 by 7\n"
	       "28-30 hypervisor 96 @0\n30-40 guest @0\n",
	       "exit 96 at 20 (early 0) to 30 = 4 handled + 0 userspace + 6 preempted + 0 blocked\n");
}

static void halted_and_woken(void **state)
{
	struct fixture f;

	(void)state;
	begin_in_exit(&f, HLT);
	off(&f.v, 22, 0, false, 7);
	wake(&f.v, 30, 1, 8);
	vcpu_switch_in(&f.v, 34, 1);
	vcpu_enter(&f.v, 35, 1);
	expect(&f, 40,
	       "0-10 unknown\n10-20 guest @0\n20-22 polling 120 @0\n22-30 halted 120\n"
	       "30-34 waiting 120 @1 by 8\n34-35 hypervisor 120 @1\n35-40 guest @1\n",
	       "exit 120 at 20 (early 0) to 35 = 3 handled + 0 userspace + 4 preempted + 8 blocked (polled 2)\n");
}

/* Asleep for another reason than a halt. */
static void blocked(void **state)
{
	struct fixture f;

	(void)state;
	begin_in_exit(&f, 0x400);
	off(&f.v, 22, 0, false, 7);
	vcpu_switch_in(&f.v, 30, 0);
	vcpu_enter(&f.v, 31, 0);
	expect(&f, 40,
	       "0-10 unknown\n10-20 guest @0\n20-22 hypervisor 1024 @0\n22-30 blocked 1024\n30-31 "
	       "hypervisor 1024 @0\n31-40 guest @0\n",
	       "exit 1024 at 20 (early 0) to 31 = 3 handled + 0 userspace + 0 preempted + 8 blocked\n");
}

/* A vCPU that polls for work instead of sleeping does nothing that its guest wants. */
static void halt_polling(void **state)
{
	struct fixture f;

	(void)state;
	begin_in_exit(&f, HLT);
	vcpu_enter(&f.v, 30, 0);
	expect(&f, 40, "0-10 unknown\n10-20 guest @0\n20-30 polling 120 @0\n30-40 guest @0\n",
	       NULL);
}

/* KVM's word of how long it polled counts for the exit; the lane has the way in and out, too. */
static void halt_polling_told(void **state)
{
	struct fixture f;

	(void)state;
	begin_in_exit(&f, HLT);
	vcpu_halt_ended(&f.v, 29, 8, false);
	vcpu_enter(&f.v, 30, 0);
	vcpu_stop_guest(&f.v, 40);
	svm_exit(&f, 40, HLT);
	off(&f.v, 46, 0, false, 7);
	wake(&f.v, 60, 0, 7);
	vcpu_switch_in(&f.v, 61, 0);
	vcpu_halt_ended(&f.v, 63, 22, true);
	vcpu_enter(&f.v, 64, 0);
	expect(&f, 70,
	       "0-10 unknown\n10-20 guest @0\n20-30 polling 120 @0\n30-40 guest @0\n"
	       "40-46 polling 120 @0\n46-60 halted 120\n60-61 waiting 120 @0 by 7\n"
	       "61-64 hypervisor 120 @0\n64-70 guest @0\n",
	       "exit 120 at 20 (early 0) to 30 = 10 handled + 0 userspace + 0 preempted + 0 blocked"
	       " (polled 8)\n"
	       "exit 120 at 40 (early 0) to 64 = 9 handled + 0 userspace + 1 preempted + 14 blocked"
	       " (polled 5)\n");
}

/* A halt that goes to user space is not polled, one that a signal ends is. */
static void halt_to_user_space(void **state)
{
	struct fixture f;

	(void)state;
	begin_in_exit(&f, HLT);
	vcpu_userspace(&f.v, 25, 0, 5);
	vcpu_enter(&f.v, 30, 0);
	vcpu_stop_guest(&f.v, 40);
	svm_exit(&f, 40, HLT);
	vcpu_userspace(&f.v, 45, 0, 10);
	vcpu_enter(&f.v, 50, 0);
	expect(&f, 60,
	       "0-10 unknown\n10-20 guest @0\n20-25 hypervisor 120 @0\n25-30 userspace 120 u5 @0\n"
	       "30-40 guest @0\n40-45 polling 120 @0\n45-50 userspace 120 u10 @0\n50-60 guest @0\n",
	       NULL);
}

/* A process that is stopped does not wait for its guest's next event, whatever its exit was. */
static void stopped(void **state)
{
	struct fixture f;
	struct occupant o = occupant_of(7);

	(void)state;
	begin_in_exit(&f, HLT);
	vcpu_switch_out(&f.v, 25, 0, VCPU_OFF_STOPPED, &o);
	wake(&f.v, 30, 0, 7);
	vcpu_switch_in(&f.v, 32, 0);
	vcpu_enter(&f.v, 33, 0);
	expect(&f, 40,
	       "0-10 unknown\n10-20 guest @0\n20-25 hypervisor 120 @0\n25-30 blocked 120\n"
	       "30-32 waiting 120 @0 by 7\n32-33 hypervisor 120 @0\n33-40 guest @0\n",
	       NULL);
}

/* What was throttled is known when the thread is back, and need not be a whole piece. */
static void throttled(void **state)
{
	struct fixture f;
	size_t n;

	(void)state;
	begin_in_exit(&f, CPUID);
	off(&f.v, 25, 0, true, 7);
	requeue(&f.v, 30, 0, 8);
	requeue(&f.v, 40, 0, 9);
	assert_non_null(vcpu_off_pieces(&f.v, 50, &n));
	assert_int_equal(n, 3);
	vcpu_throttle(&f.v, 27, 35, CERTAINTY_PROVED);
	vcpu_throttle(&f.v, 40, 50, CERTAINTY_OPEN);
	vcpu_switch_in(&f.v, 50, 0);
	assert_null(vcpu_off_pieces(&f.v, 51, &n));
	vcpu_enter(&f.v, 52, 0);
	expect(&f, 60,
	       "0-10 unknown\n10-20 guest @0\n20-25 hypervisor 114 @0\n25-27 preempted 114 @0 by 7\n"
	       "27-30 throttled 114 @0 proved\n30-35 throttled 114 @0 proved\n"
	       "35-40 preempted 114 @0 by 8\n40-50 preempted 114 @0 by 9 open\n"
	       "50-52 hypervisor 114 @0\n52-60 guest @0\n",
	       "exit 114 at 20 (early 0) to 52 = 7 handled + 0 userspace + 25 preempted + 0 blocked"
	       " (throttled 8)\n");
}

/* A wake-up of a thread that still runs, and one that comes twice. */
static void wake_up_races(void **state)
{
	struct fixture f;

	(void)state;
	begin_in_exit(&f, HLT);
	wake(&f.v, 21, 1, 8);
	off(&f.v, 22, 0, false, 7);
	wake(&f.v, 25, 0, 7);
	wake(&f.v, 27, 1, 8);
	vcpu_switch_in(&f.v, 30, 0);
	vcpu_enter(&f.v, 31, 0);
	expect(&f, 40,
	       "0-10 unknown\n10-20 guest @0\n20-22 polling 120 @0\n22-25 halted 120\n"
	       "25-30 waiting 120 @0 by 7\n30-31 hypervisor 120 @0\n31-40 guest @0\n",
	       NULL);
}

/* Charged is who has the CPU that it is queued on, wherever and whoever that is. */
static void occupants_and_migration(void **state)
{
	struct fixture f;

	(void)state;
	begin_in_exit(&f, INTR);
	off(&f.v, 22, 0, true, 7);
	requeue(&f.v, 24, 0, 8);
	requeue(&f.v, 25, 0, 8);
	requeue(&f.v, 26, 1, 9);
	vcpu_switch_in(&f.v, 28, 1);
	vcpu_enter(&f.v, 30, 1);
	expect(&f, 40,
	       "0-10 unknown\n10-20 guest @0\n20-22 hypervisor 96 @0\n22-24 preempted 96 @0 by 7\n"
	       "24-26 preempted 96 @0 by 8\n26-28 preempted 96 @1 by 9\n28-30 hypervisor 96 @1\n30-40 "
	       "guest @1\n",
	       "exit 96 at 20 (early 0) to 30 = 4 handled + 0 userspace + 6 preempted + 0 blocked\n");
}

/* Moving a thread that sleeps or runs changes nothing about it. */
static void migration_while_asleep(void **state)
{
	struct fixture f;

	(void)state;
	begin_in_exit(&f, HLT);
	requeue(&f.v, 21, 1, 9);
	off(&f.v, 22, 0, false, 7);
	requeue(&f.v, 24, 1, 9);
	expect(&f, 30, "0-10 unknown\n10-20 guest @0\n20-22 polling 120 @0\n22-30 halted 120\n",
	       "exit 120 at 20 (early 0) unfinished\n");
}

static void userspace_with_ioctls(void **state)
{
	struct fixture f;

	(void)state;
	begin_in_exit(&f, IOIO);
	vcpu_userspace(&f.v, 22, 0, 2);
	vcpu_leave_ioctl(&f.v, 23, 0);
	vcpu_run_ioctl(&f.v, 28, 0);
	vcpu_enter(&f.v, 30, 0);
	expect(&f, 40,
	       "0-10 unknown\n10-20 guest @0\n20-22 hypervisor 123 @0\n22-28 userspace 123 u2 @0\n"
	       "28-30 hypervisor 123 @0\n30-40 guest @0\n",
	       "exit 123 at 20 (early 0) to 30 = 4 handled + 6 userspace + 0 preempted + 0 blocked\n");
}

static void userspace_without_ioctls(void **state)
{
	struct fixture f;

	(void)state;
	begin_in_exit(&f, IOIO);
	vcpu_userspace(&f.v, 22, 0, 2);
	vcpu_enter(&f.v, 30, 0);
	expect(&f, 40,
	       "0-10 unknown\n10-20 guest @0\n20-22 hypervisor 123 @0\n22-30 userspace 123 u2 @0\n"
	       "30-40 guest @0\n",
	       "exit 123 at 20 (early 0) to 30 = 2 handled + 8 userspace + 0 preempted + 0 blocked\n");
}

/* No kvm_userspace_exit recorded: the ioctl's end says it. */
static void userspace_by_ioctls_alone(void **state)
{
	struct fixture f;

	(void)state;
	begin_in_exit(&f, IOIO);
	vcpu_leave_ioctl(&f.v, 23, 0);
	vcpu_run_ioctl(&f.v, 28, 0);
	vcpu_enter(&f.v, 30, 0);
	expect(&f, 40,
	       "0-10 unknown\n10-20 guest @0\n20-23 hypervisor 123 @0\n23-28 userspace 123 @0\n"
	       "28-30 hypervisor 123 @0\n30-40 guest @0\n",
	       NULL);
}

/* What was interrupted goes on, a sleep in user space is no halt even after a HLT. */
static void interrupted_userspace(void **state)
{
	struct fixture f;

	(void)state;
	begin_in_exit(&f, HLT);
	vcpu_userspace(&f.v, 22, 0, 2);
	off(&f.v, 24, 0, true, 7);
	vcpu_switch_in(&f.v, 26, 0);
	off(&f.v, 28, 0, false, 7);
	vcpu_switch_in(&f.v, 30, 0);
	vcpu_enter(&f.v, 32, 0);
	expect(&f, 40,
	       "0-10 unknown\n10-20 guest @0\n20-22 hypervisor 120 @0\n22-24 userspace 120 u2 @0\n"
	       "24-26 preempted 120 u2 @0 by 7\n26-28 userspace 120 u2 @0\n28-30 blocked 120 u2\n"
	       "30-32 userspace 120 u2 @0\n32-40 guest @0\n",
	       "exit 120 at 20 (early 0) to 32 = 2 handled + 6 userspace + 2 preempted + 2 blocked\n");
}

/* After a loss nothing is believed until an event tells. */
static void lost_events(void **state)
{
	struct fixture f;

	(void)state;
	begin_in_exit(&f, HLT);
	off(&f.v, 22, 0, false, 7);
	vcpu_lose(&f.v, 24);
	wake(&f.v, 26, 0, 7);
	vcpu_switch_in(&f.v, 28, 0);
	vcpu_enter(&f.v, 30, 0);
	expect(&f, 40,
	       "0-10 unknown\n10-20 guest @0\n20-22 polling 120 @0\n22-24 halted 120\n24-28 unknown\n"
	       "28-30 unknown @0\n30-40 guest @0\n",
	       "exit 120 at 20 (early 0) unfinished\n");
}

/* What is known of a guest at the moment of a loss stays known up to there. */
static void lost_in_guest(void **state)
{
	struct fixture f;

	(void)state;
	begin_in_guest(&f);
	vcpu_lose(&f.v, 20);
	svm_exit(&f, 30, CPUID);
	vcpu_enter(&f.v, 32, 0);
	expect(&f, 40,
	       "0-10 unknown\n10-20 guest @0\n20-30 unknown\n30-32 hypervisor 114 @0\n32-40 guest @0\n",
	       "exit 114 at 30 (early 0) to 32 = 2 handled + 0 userspace + 0 preempted + 0 blocked\n");
}

static void switched_in_twice(void **state)
{
	struct fixture f;

	(void)state;
	begin_in_exit(&f, INTR);
	vcpu_switch_in(&f.v, 25, 1);
	vcpu_enter(&f.v, 30, 1);
	expect(&f, 40,
	       "0-10 unknown\n10-20 guest @0\n20-25 unknown 96 @0\n25-30 unknown 96 @1\n30-40 guest @1\n",
	       "exit 96 at 20 (early 0) unfinished\n");
}

static void begins_in_guest_or_asleep(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	svm_exit(&f, 20, CPUID);
	expect(&f, 30, "0-20 unknown\n20-30 hypervisor 114 @0\n",
	       "exit 114 at 20 (early 0) unfinished\n");
	begin(&f);
	vcpu_switch_in(&f.v, 20, 1);
	vcpu_enter(&f.v, 22, 1);
	expect(&f, 30, "0-20 unknown\n20-22 unknown @1\n22-30 guest @1\n", "");
	begin(&f);
	off(&f.v, 20, 0, true, 7);
	expect(&f, 30, "0-20 unknown\n20-30 preempted @0 by 7\n", "");
	begin(&f);
	expect(&f, 30, "0-30 unknown\n", "");
}

static void ends_before_the_exit(void **state)
{
	struct fixture f;

	(void)state;
	begin_in_guest(&f);
	vcpu_stop_guest(&f.v, 17);
	off(&f.v, 18, 0, true, 7);
	expect(&f, 20,
	       "0-10 unknown\n10-17 guest @0\n17-18 hypervisor @0\n18-20 preempted @0 by 7\n", "");
}

static void all_at_once(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	vcpu_enter(&f.v, 0, 0);
	vcpu_stop_guest(&f.v, 0);
	svm_exit(&f, 0, HLT);
	off(&f.v, 0, 0, false, 7);
	wake(&f.v, 0, 0, 7);
	vcpu_switch_in(&f.v, 0, 0);
	vcpu_enter(&f.v, 0, 0);
	expect(&f, 10, "0-10 guest @0\n",
	       "exit 120 at 0 (early 0) to 0 = 0 handled + 0 userspace + 0 preempted + 0 blocked\n");
}

/* ---- any sequence --------------------------------------------------------------------------- */

struct checker {
	int64_t at; /* end of the last interval */
	int64_t exit_at;
	uint64_t n, n_exits;
};

static void check_interval(void *ctx, const struct vcpu_interval *i)
{
	struct checker *c = ctx;

	assert_int_equal(i->begin, c->at);
	assert_true(i->end > i->begin);
	assert_true(i->state < VCPU_N_STATES);
	if (i->state == VCPU_GUEST)
		assert_true(i->cpu != NO_CPU && i->cause.reason == NO_EXIT);
	if (i->occupant.thread != NO_THREAD)
		assert_true(i->state == VCPU_PREEMPTED || i->state == VCPU_WAITING);
	c->at = i->end;
	c->n++;
}

static void check_exit(void *ctx, const struct vm_exit *x)
{
	struct checker *c = ctx;

	assert_true(x->early >= 0 && x->begin >= c->exit_at);
	c->exit_at = x->begin;
	c->n_exits++;
	if (x->end == INT64_MIN)
		return;
	assert_int_equal(x->end - x->begin, x->handled + x->userspace + x->preempted + x->blocked);
	assert_true(x->handled >= 0 && x->userspace >= 0 && x->preempted >= 0 && x->blocked >= 0);
	assert_true(x->polled >= 0 && x->polled <= x->handled);
	assert_true(x->throttled >= 0 && x->throttled <= x->preempted);
	c->exit_at = x->end;
}

/* A stretch without a CPU ends, and some of it was throttled. */
static void random_throttle(struct vcpu *v, uint64_t *seed, int64_t ts)
{
	size_t n;
	const struct vcpu_interval *p = vcpu_off_pieces(v, ts, &n);

	if (!n)
		return;
	int64_t from = random_in(seed, p[0].begin, ts), to = random_in(seed, from, ts);

	vcpu_throttle(v, from, to, (enum certainty)random_in(seed, 1, CERTAINTY_N - 1));
}

static void random_event(struct vcpu *v, uint64_t *seed, int64_t ts)
{
	static const uint64_t reasons[] = {CPUID, HLT, IOIO, INTR};
	uint32_t cpu = (uint32_t)random_in(seed, 0, 2), thread = (uint32_t)random_in(seed, 3, 6);
	struct exit_cause cause = {.reason = reasons[random_in(seed, 0, 3)], .isa = 2};

	switch (random_in(seed, 0, 12)) {
	case 0:
	case 1:
		vcpu_enter(v, ts, cpu);
		break;
	case 2:
	case 3:
		vcpu_stop_guest(v, ts);
		break;
	case 4:
	case 5:
		vcpu_exit(v, ts, cpu, cause, 0);
		break;
	case 6:
		vcpu_userspace(v, ts, cpu, 2);
		break;
	case 7:
		vcpu_run_ioctl(v, ts, cpu);
		break;
	case 8:
		off(v, ts, cpu, random_in(seed, 0, 1), thread);
		break;
	case 9:
		random_throttle(v, seed, ts);
		vcpu_switch_in(v, ts, cpu);
		break;
	case 10:
		wake(v, ts, cpu, thread);
		break;
	case 11:
		requeue(v, ts, cpu, thread);
		break;
	default:
		if (!random_in(seed, 0, 4))
			vcpu_lose(v, ts);
		else
			vcpu_leave_ioctl(v, ts, cpu);
	}
}

static void any_sequence(void **state)
{
	uint64_t seed = 1, n_exits = 0;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct checker c = {0};
		struct model_sink sink = {
			.ctx = &c, .vcpu_interval = check_interval, .vm_exit = check_exit};
		struct vcpu v;
		int64_t ts = 0;

		vcpu_init(&v, 0, 0, &sink);
		for (int i = 0; i < 60; i++) {
			ts += random_in(&seed, 0, 3);
			random_event(&v, &seed, ts);
		}
		vcpu_finish(&v, ts + 1);
		assert_int_equal(c.at, ts + 1);
		n_exits += c.n_exits;
		vcpu_deinit(&v);
	}
	assert_true(n_exits > 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entry_and_exit),
		cmocka_unit_test(what_exits_are_about),
		cmocka_unit_test(wfe_is_no_halt),
		cmocka_unit_test(interrupts_are_of_exits_by_interrupts),
		cmocka_unit_test(late_exit),
		cmocka_unit_test(preempted_before_the_exit),
		cmocka_unit_test(lost_exit),
		cmocka_unit_test(lost_exit_after_the_stop),
		cmocka_unit_test(asleep_without_an_exit),
		cmocka_unit_test(lost_entry),
		cmocka_unit_test(preempted),
		cmocka_unit_test(halted_and_woken),
		cmocka_unit_test(blocked),
		cmocka_unit_test(halt_polling),
		cmocka_unit_test(halt_polling_told),
		cmocka_unit_test(halt_to_user_space),
		cmocka_unit_test(stopped),
		cmocka_unit_test(throttled),
		cmocka_unit_test(wake_up_races),
		cmocka_unit_test(occupants_and_migration),
		cmocka_unit_test(migration_while_asleep),
		cmocka_unit_test(userspace_with_ioctls),
		cmocka_unit_test(userspace_without_ioctls),
		cmocka_unit_test(userspace_by_ioctls_alone),
		cmocka_unit_test(interrupted_userspace),
		cmocka_unit_test(lost_events),
		cmocka_unit_test(lost_in_guest),
		cmocka_unit_test(switched_in_twice),
		cmocka_unit_test(begins_in_guest_or_asleep),
		cmocka_unit_test(ends_before_the_exit),
		cmocka_unit_test(all_at_once),
		cmocka_unit_test(any_sequence),
	};

	return cmocka_run_group_tests_name("vcpu", tests, NULL, NULL);
}
