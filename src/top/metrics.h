/*
 * metrics: what is seen live, added up since the start, for Prometheus over HTTP.
 *
 * Names are as its conventions want them: base units, counters that end in _total. GET /metrics
 * gives its text format, or OpenMetrics to who asks for that.
 */
#ifndef VMSCOPE_TOP_METRICS_H
#define VMSCOPE_TOP_METRICS_H

#include "base/error.h"
#include "live/view.h"

struct metrics;

/*
 * address: ADDR:PORT, ADDR, :PORT or "", the loopback and port 9617 for what is not said. Port 0:
 * any that is free. Return: 0 with *mp, owned by the caller; or ERR with err set.
 */
int metrics_new(struct metrics **mp, const char *address, struct error *err);
void metrics_free(struct metrics *m); /* NULL is allowed */

/* Return: where it listens, "http://127.0.0.1:9617/metrics"; borrowed. */
const char *metrics_url(const struct metrics *m);

/* Adds a bucket. */
void metrics_add(struct metrics *m, const struct view *v, const struct live *l);

#endif
