/*
 * side: what records beside the samples say: of threads, and of what is missing.
 */
#ifndef VMSCOPE_PERFDATA_SIDE_H
#define VMSCOPE_PERFDATA_SIDE_H

#include "events/event.h"
#include "input/perfdata/record.h"

/* COMM, FORK, EXIT, NAMESPACES. */
struct perfdata_thread {
	int32_t pid, tid;	/* whose it is */
	int32_t parent_tid;	/* FORK, EXIT; else -1 */
	struct event_text comm; /* COMM; borrowed from the record */
	int64_t pid_ns;		/* NAMESPACES: the PID namespace's number; else NO_VALUE */
};

/* Return: whether the record has all that it should have. */
bool perfdata_thread_read(const struct perfdata_record *r, bool big_endian,
			  struct perfdata_thread *t);

/* When a FORK, EXIT, THROTTLE or UNTHROTTLE happened, by itself. Return: whether it says so. */
bool perfdata_side_time(const struct perfdata_record *r, bool big_endian, uint64_t *timep);

/*
 * How many are lost, by a LOST or LOST_SAMPLES. Return: 0 if it does not say, or a filter left them
 * out, as it should.
 */
uint64_t perfdata_side_lost(const struct perfdata_record *r, bool big_endian);

/* Of which event a THROTTLE or UNTHROTTLE is. Return: whether it says so. */
bool perfdata_side_throttled(const struct perfdata_record *r, bool big_endian, uint64_t *idp);

#endif
