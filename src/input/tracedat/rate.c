#include "input/tracedat/rate.h"
bool tracedat_find_rate(const struct tracedat *t, uint32_t clock, struct rate *ratep)
{
	(void)t;
	(void)clock;
	(void)ratep;
	return false;
}
