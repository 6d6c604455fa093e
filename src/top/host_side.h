/*
 * host_side: what the host says of its threads and VMs, for who looks live.
 */
#ifndef VMSCOPE_TOP_HOST_SIDE_H
#define VMSCOPE_TOP_HOST_SIDE_H

#include "live/live.h"

/* Fills both anew; what cannot be read is left out. As struct top_source's ask_host. */
void host_side_ask(void *ctx, struct recording *r, struct live_host *host);

#endif
