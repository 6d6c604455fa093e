/*
 * tracepoints: the simulated events as the kernel itself lays them out, for ftrace and perf.
 *
 * Names, ids and layouts are those of x86-64 kernel 6.1 (facts taken from real recordings); with
 * old names those of about 4.4 where they differ: no vcpu_id in kvm_exit, no rip in kvm_entry. What
 * only LTTng has (its state dump, vmsync) has no tracepoint. All system calls are
 * raw_syscalls:sys_enter and sys_exit.
 *
 * Only the print formats are not the kernel's: every field by its name, in decimal.
 */
#ifndef VMSCOPE_SIM_TRACEPOINTS_H
#define VMSCOPE_SIM_TRACEPOINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "events.h"

enum { MAX_TRACEPOINTS = 56, TRACEPOINT_FIELDS = 10, TRACEPOINT_MAX = 160, COMMON_SIZE = 8 };

struct tp_field {
	char name[24];
	uint8_t type; /* private to tracepoints.c */
	uint8_t size, offset;
	int8_t arg;   /* of the event's arguments, < 0: none */
	uint8_t plus; /* what is added to it */
};

struct tracepoint {
	const char *system, *name;
	uint16_t id;
	struct tp_field fields[TRACEPOINT_FIELDS];
	unsigned n_fields;
	unsigned size; /* bytes, without the texts behind it */
};

struct tracepoints {
	struct tracepoint at[MAX_TRACEPOINTS]; /* those of a system stand together */
	unsigned n;
	uint8_t of[N_EV]; /* index in `at`; MAX_TRACEPOINTS: the kernel has none */
};

/* What every record begins with, beside its type. */
struct tp_common {
	uint8_t flags; /* enum tp_flag */
	uint8_t preempt_count;
	int32_t pid;
};

enum tp_flag { TP_IRQS_OFF = 0x01, TP_NEED_RESCHED = 0x04, TP_HARDIRQ = 0x08, TP_SOFTIRQ = 0x10 };

/* poll_events: with those that tell of halt polling. */
void tracepoints_init(struct tracepoints *t, bool old, bool poll_events);

/*
 * Writes the record of ev, whose tracepoint is tp, at p, which has room for TRACEPOINT_MAX bytes.
 * Arguments as of event_encode(). Return: its size.
 */
size_t tracepoint_encode(const struct tracepoint *tp, enum ev ev, const struct tp_common *common,
			 const uint64_t *args, uint8_t *p);

/*
 * The files of the kernel's events/ as trace.dat and perf.data hold them. f must be one that can be
 * sought in.
 *
 * header: header_page and header_event. ftrace: the formats of ftrace's own events, of which there
 * is one. systems: all formats by their systems.
 */
void tracepoints_write_header(FILE *f);
void tracepoints_write_ftrace(FILE *f);
void tracepoints_write_systems(const struct tracepoints *t, FILE *f);

#endif
