/*
 * limit: a bound on one number of a vCPU, as written on a command line.
 *
 *	LIMIT  = VM [VCPU] METRIC (< | <= | > | >=) NUMBER [UNIT]
 *	METRIC = run | ready | steal | exit | poll | idle | blocked | unknown | throttled
 *	       | exits.(count | rate | mean | p50 | p99 | max) [(REASON)]
 *	       | wakeup.(count | mean | p50 | p99 | max) [(STAGE)]
 *	UNIT   = % | ns | us | ms | s | /s
 *
 * VM is a name, in which * and ? match as in the shell; without VCPU each vCPU of it has to keep
 * the limit. Times take %, of all of the vCPU's time, or a unit of time; rates /s; counts nothing.
 */
#ifndef VMSCOPE_REPORT_LIMIT_H
#define VMSCOPE_REPORT_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "results/split.h"

enum limit_metric { LIMIT_TIME, LIMIT_THROTTLED, LIMIT_EXITS, LIMIT_WAKEUP };

/* What of a metric that is many durations. */
enum limit_what {
	LIMIT_COUNT,
	LIMIT_RATE,
	LIMIT_MEAN,
	LIMIT_P50,
	LIMIT_P99,
	LIMIT_MAX,
	LIMIT_N_WHATS,
};

enum limit_unit { LIMIT_PERCENT, LIMIT_NS, LIMIT_NUMBER, LIMIT_PER_SECOND };

enum limit_order { LIMIT_LESS, LIMIT_AT_MOST, LIMIT_MORE, LIMIT_AT_LEAST };

struct limit {
	const char *text; /* borrowed, as it was written */
	char *vm;	  /* owned */
	int64_t vcpu;	  /* TABLE_NULL: each */
	enum limit_metric metric;
	enum split_part part;	 /* of LIMIT_TIME */
	enum limit_what what;	 /* of LIMIT_EXITS and LIMIT_WAKEUP */
	char *of;		 /* owned; name of the reason; NULL: of all */
	enum wakeup_stage stage; /* of LIMIT_WAKEUP */
	enum limit_order order;
	double bound; /* in the unit */
	enum limit_unit unit;
};

/* Return: 0, or ERR with err set when that is no limit; deinitialize in every case. */
int limit_parse(struct limit *l, const char *text, struct error *err);
void limit_deinit(struct limit *l);

/* Return: whether the value, in the limit's unit, keeps it. */
bool limit_allows(const struct limit *l, double value);

/* Return: "percent", "ns", "count" or "per_second". */
const char *limit_unit_name(enum limit_unit unit);

/* Return: "<" and so on. */
const char *limit_order_name(enum limit_order order);

#endif
