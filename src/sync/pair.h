/*
 * pair: what is compared: when a host thread was in guest mode, and when a CPU of a guest did
 * something.
 */
#ifndef VMSCOPE_SYNC_PAIR_H
#define VMSCOPE_SYNC_PAIR_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

/* What a guest did that ends a window, and why a window ended. */
enum sync_cause {
	SYNC_CAUSE_NONE,
	SYNC_CAUSE_IDLE,  /* power_cpu_idle or a switch to the idle task; HLT, MWAIT, WFI exit */
	SYNC_CAUSE_TIMER, /* timer_hrtimer_start; exit for an MSR write or the like */
	SYNC_N_CAUSES,
};

/*
 * From kvm_entry to the first host event after it. A stretch in which the host lost events is one,
 * too.
 */
struct sync_window {
	int64_t begin, end; /* host ns */
	enum sync_cause cause;
};

/* Of one thread, by time, none overlapping another. Times inside +-SYNC_LIMIT (sync/hull.h). */
struct sync_windows {
	VEC(struct sync_window) at;
};

/* Adds one. They come in order, mostly; those that overlap become one. */
void sync_windows_add(struct sync_windows *w, const struct sync_window *window);

/* The windows of one host thread, by time, none overlapping another. Times inside +-SYNC_LIMIT. */
struct sync_thread {
	const struct sync_window *windows;
	size_t n;
};

/*
 * Return: the index of the first window that does not end before host time t; the number of windows
 * if all do.
 */
size_t sync_first_window(const struct sync_thread *thread, int64_t t);

struct sync_guest_event {
	int64_t ts; /* guest ns */
	enum sync_cause cause;
};

/* The events of one guest CPU, by time. Times inside +-SYNC_LIMIT. */
struct sync_cpu {
	const struct sync_guest_event *events;
	size_t n;
};

/*
 * Return: the index of the first event that is not before guest time t; the number of events if all
 * are.
 */
size_t sync_first_event(const struct sync_cpu *cpu, int64_t t);

/* A guest CPU and the thread that ran it. */
struct sync_pair {
	const struct sync_cpu *cpu;
	const struct sync_thread *thread;
};

#endif
