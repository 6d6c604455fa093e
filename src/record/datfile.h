/*
 * datfile: writes a trace.dat (version 6) of what was drained from an instance, for trace-cmd,
 * KernelShark and ourselves.
 *
 *	\27\10\104tracing "6\0", byte order, size of a long, u32 page size
 *	header_page, header_event	how sub-buffers and events are made
 *	ftrace's own events, then each system's that were enabled, as the kernel describes them
 *	kallsyms, printk's formats, names of threads
 *	u32 number of CPUs, options, "flyrecord\0", u64 place and u64 size of each CPU's data
 *	each CPU's sub-buffers, as they were read, from a whole page on
 */
#ifndef VMSCOPE_RECORD_DATFILE_H
#define VMSCOPE_RECORD_DATFILE_H

#include "base/error.h"
#include "host/host.h"
#include "record/clock.h"
#include "record/drain.h"

struct datfile {
	const struct instance *instance;
	const struct drain *drain;
	const struct record_clock *clock;
	const struct host *host; /* whose VMs are told as guests */
	bool overwrites; /* what was before the recording was overwritten, which is no loss */
};

/*
 * Writes it; it appears under its name when it is whole. Return: 0, or ERR with err set.
 */
int datfile_write(const struct datfile *d, const char *path, struct error *err);

#endif
