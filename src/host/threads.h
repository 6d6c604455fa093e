/*
 * threads: every thread of the host, with its process and its name.
 */
#ifndef VMSCOPE_HOST_THREADS_H
#define VMSCOPE_HOST_THREADS_H

/* Calls `each` for all; root: as host_init() takes it. comm is only valid during the call. */
void threads_each(const char *root, void (*each)(void *context, int pid, int tid, const char *comm),
		  void *context);

#endif
