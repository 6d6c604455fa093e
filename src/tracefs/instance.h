/*
 * instance: a tracefs instance of our own, and the remains of those whose process was killed.
 *
 * An instance has its own buffers, events, filters and clock, so nobody else's tracing is touched.
 * Its name says whose it is: vmscope-PURPOSE-PID-START-NAMESPACE, with the process's start time in
 * clock ticks, and its PID namespace, since a PID says nothing in another one. One whose process
 * is gone is removed by instance_sweep(); any other name is not ours.
 *
 * An instance is used by one thread, but instance_open_raw()'s file descriptors are the caller's.
 */
#ifndef VMSCOPE_TRACEFS_INSTANCE_H
#define VMSCOPE_TRACEFS_INSTANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct instance;

/* What the kernel counts of one CPU's buffer. */
struct instance_stats {
	uint64_t entries; /* events in it now */
	uint64_t overrun; /* events overwritten before they were read */
	uint64_t dropped; /* events that found no room, without `overwrite` */
	uint64_t bytes;	  /* in it now */
	uint64_t read;	  /* events read */
};

/*
 * Makes one, with nothing enabled and tracing off. purpose: "record", "top": lower-case letters.
 * Return: 0, or ERR with err set, which names the cause.
 */
int instance_new(struct instance **ip, const char *purpose, struct error *err);

/* Switches everything in it off and removes it. Close all raw files before. NULL is fine. */
void instance_free(struct instance *i);

/*
 * Removes what processes that are gone have left. Return: how many were removed, or ERR with err
 * set, if one could not be.
 */
int instance_sweep(struct error *err);

/* Calls `each` with every living process that has an instance for this purpose. Return: how many
 * there are, or ERR with err set. */
int instance_each_owner(const char *purpose, void (*each)(void *context, int pid), void *context,
			struct error *err);

/* Return: its name; borrowed. */
const char *instance_name(const struct instance *i);

/*
 * Enables events by "system:event", where '*' and '?' match anything in the event's name. filter:
 * the kernel's filter for it ("common_pid != 0"), or NULL. Return: how many there are of that name
 * (0: the kernel has none), or ERR with err set.
 */
int instance_enable(struct instance *i, const char *event, const char *filter, struct error *err);

/* Return: whether the kernel has an event of this name; see instance_enable(). */
bool instance_has_event(const char *event);

/* Calls `each` with system and name of every event that is enabled. */
void instance_each_enabled(const struct instance *i,
			   void (*each)(void *context, const char *system, const char *name),
			   void *context);

/* Calls `each` with system and name of every event of a system. */
void instance_each_event(const char *system,
			 void (*each)(void *context, const char *system, const char *name),
			 void *context);

/* Return: whether the kernel has this clock ("mono", "x86-tsc"). */
bool instance_has_clock(const char *clock);

/* Drops what is in the buffers. Return: 0, or ERR with err set. */
int instance_set_clock(struct instance *i, const char *clock, struct error *err);

/* kb: of each CPU. Keeps what is in the buffers. Return: 0, or ERR with err set (ENOMEM mostly). */
int instance_set_buffer_kb(struct instance *i, unsigned kb, struct error *err);

/*
 * percent: how full a buffer is when its reader is woken; 0: by each event. Kernels before 5.0
 * have no choice, and that is no error. Return: 0, or ERR with err set.
 */
int instance_set_buffer_percent(struct instance *i, unsigned percent, struct error *err);

/* "overwrite", "record-tgid"... of the instance. Return: 0, or ERR with err set. */
int instance_set_option(struct instance *i, const char *option, bool on, struct error *err);

/* Switches recording on or off; events stay enabled. Return: 0, or ERR with err set. */
int instance_set_tracing(struct instance *i, bool on, struct error *err);

/* Return: 0, or ERR with err set. */
int instance_read_stats(const struct instance *i, unsigned cpu, struct instance_stats *stats,
			struct error *err);

/*
 * The CPUs that have a buffer (all possible ones) are numbered from 0. Return: how many.
 */
unsigned instance_n_cpus(const struct instance *i);

/*
 * Opens a CPU's trace_pipe_raw, not blocking: read() gives one sub-buffer, at most
 * instance_subbuffer() bytes, or EAGAIN. Return: a file descriptor of the caller, or ERR with err
 * set.
 */
int instance_open_raw(const struct instance *i, unsigned cpu, struct error *err);

/* Return: bytes of a sub-buffer, which is what raw files are read in. */
size_t instance_subbuffer(const struct instance *i);

#endif
