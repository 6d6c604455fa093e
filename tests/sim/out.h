/*
 * out: one machine's recording on disk, in the format that was asked for.
 *
 * The engine says what happens and in whom; what of it is recorded, how it is laid out and what
 *else a recorder would write about it (threads that it found, names that it saved) is up to the
 *format:
 *
 *	ctfout.c	DIR/NAME/kernel/...	as LTTng lays out a kernel trace
 *	datout.c	DIR/NAME.dat		as trace-cmd does, version 7
 *	perfout.c	DIR/NAME.perf.data	as perf record does, in file mode
 *
 * Losses are made here, as each recorder makes them (README.md). Each is reported to the `lost`
 *callback with the time range that holds it, and shows in the recording.
 */
#ifndef VMSCOPE_SIM_OUT_H
#define VMSCOPE_SIM_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "clock.h"
#include "events.h"

/* In the order of the words of their options. */
enum out_format { OUT_CTF, OUT_DAT, OUT_PERF };
enum out_compression { OUT_PLAIN, OUT_ZLIB, OUT_ZSTD };

enum loss { LOSS_EVENTS, LOSS_PACKET };

/* Strings are borrowed and must outlive the output. */
struct out_spec {
	enum out_format format;
	const char *dir;  /* exists */
	const char *name; /* the machine's */
	const char *kernel_release;
	uint8_t uuid[16];
	unsigned n_cpus;
	size_t packet_size; /* bytes; perf: of what a CPU holds back at most; ftrace's are pages */
	bool channels;	    /* KVM's events have a channel, or an instance, of their own */
	bool old;	    /* events as lttng-modules 2.7 or kernels of its time have them */
	bool compact;	    /* CTF: event_header_compact instead of large */
	bool namespaces;    /* perf: records them */
	bool wall_clock;    /* perf: says what its clock has to do with the time of day */
	bool tsc2nsec;	    /* trace.dat: says how cycles become ns */
	bool poll_events;   /* kvm_vcpu_wakeup and kvm_halt_poll_ns are among the events */
	const char *kallsyms;		  /* trace.dat: the kernel's, or NULL */
	unsigned n_names;		  /* trace.dat: names of threads that the kernel keeps */
	enum out_compression compression; /* trace.dat, perf (zstd) */
	double lost_events;		  /* percent of the events */
	double lost_packets;		  /* percent of the packets */
	uint64_t seed;			  /* of the losses, and of what else is at random */
	const struct machine_clock *clock;
	void (*lost)(void *ctx, enum loss kind, unsigned cpu, uint64_t from, uint64_t to,
		     uint64_t n);
	void *ctx;
};

/* Where and in whom an event happens. */
struct out_context {
	unsigned cpu;
	int32_t tid, pid, ppid; /* of the thread that is current, 0: idle */
	const char *comm;
	bool in_irq, in_softirq;
	bool in_guest; /* a host's: in an interrupt while KVM has not left its guest yet */
};

struct out_thread {
	int32_t tid, pid, ppid;
	const char *comm;
	uint32_t ns_inum; /* of its PID namespace */
};

/* What trace-cmd's agent finds out of a guest that is recorded together with its host. */
struct out_guest {
	const char *name;  /* as the host's recorder calls it */
	uint64_t trace_id; /* of its recording: out_trace_id() */
	unsigned n_cpus;
	const int32_t *tids; /* per CPU, of the host's thread that runs it */
};

/* At a time of the guest's: host's = ((time * scaling) >> fraction) + offset. */
struct out_shift {
	uint64_t time;
	int64_t offset;
	uint64_t scaling;
	uint32_t fraction;
};

struct out;

/* Return: 0 with *outp, or ERR with err set. */
int out_new(const struct out_spec *spec, struct out **outp, struct error *err);

/* Tracing begins: then come the threads that are alive, then events. */
void out_begin(struct out *o, uint64_t raw_time);
void out_thread(struct out *o, const struct out_thread *thread);

/*
 * Appends one event; times of a CPU do not go back unless its clock does. Failures to write are
 * kept and returned by out_close(). Return: true if it was recorded, false if it was lost or the
 * format has no such event.
 */
bool out_event(struct out *o, const struct out_context *in, enum ev ev, uint64_t raw_time,
	       const uint64_t *args);

/* Recorded, in packets that were kept or are open. */
uint64_t out_events(const struct out *o);
uint64_t out_bytes(const struct out *o);

/* Return: ns to be added to the recording's times to get the machine's time since the Epoch. */
int64_t out_origin(const struct out *o);

/* Of the agent, for a host and for a guest; before they are closed. Other recorders have none. */
uint64_t out_trace_id(const struct out *o);
void out_guest(struct out *o, const struct out_guest *guest);
void out_shifts(struct out *o, uint64_t host_trace_id, const struct out_shift *shifts, unsigned n);

/*
 * Ends the recording at raw_time. Return: 0, or ERR with err set if anything could not be written.
 */
int out_close(struct out *o, uint64_t raw_time, struct error *err);
void out_free(struct out *o); /* NULL is allowed */

#endif
