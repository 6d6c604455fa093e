#include "base/thread.h"

#include <errno.h>

int thread_start(pthread_t *thread, void *(*run)(void *ctx), void *ctx, struct error *err)
{
	int r = pthread_create(thread, NULL, run, ctx);

	if (!r)
		return 0;
	if (r == EAGAIN)
		return error_set(err,
				 "cannot start a thread: the limit of processes (ulimit -u, or "
				 "pids.max of the control group) is reached");
	return error_errno(err, r, "cannot start a thread");
}
