#include "report/choice.h"

const char *const *sort_key_names(void)
{
	static const char *const names[SORT_N + 1] = {
		[SORT_USUAL] = "usual",	    [SORT_RUN] = "run",		[SORT_READY] = "ready",
		[SORT_EXIT] = "exit",	    [SORT_POLL] = "poll",	[SORT_IDLE] = "idle",
		[SORT_BLOCKED] = "blocked", [SORT_UNKNOWN] = "unknown", [SORT_EXITS] = "exits",
		[SORT_COUNT] = "count",	    [SORT_COST] = "cost",	[SORT_TOTAL] = "total",
		[SORT_MEAN] = "mean",	    [SORT_P50] = "p50",		[SORT_P99] = "p99",
		[SORT_MAX] = "max",
	};

	return names;
}
