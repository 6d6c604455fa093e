#include "schema/busy.h"

#include <stddef.h>
#include <string.h>

static const char *const busy_names[BUSY_N] = {
	[BUSY_THREAD] = "thread",   [BUSY_IDLE] = "idle",   [BUSY_IRQ] = "irq",
	[BUSY_SOFTIRQ] = "softirq", [BUSY_TIMER] = "timer",
};

static const char *const certainty_names[CERTAINTY_N] = {
	[CERTAINTY_OPEN] = "open",
	[CERTAINTY_LIKELY] = "likely",
	[CERTAINTY_PROVED] = "proved",
};

const char *busy_name(enum busy busy)
{
	return busy_names[busy];
}

const char *certainty_name(enum certainty certainty)
{
	return certainty_names[certainty];
}

/* Return: its place among n names, or 0. */
static int cause_find(const char *const *names, int n, const char *name)
{
	for (int i = 1; name && i < n; i++) {
		if (!strcmp(names[i], name))
			return i;
	}
	return 0;
}

enum busy busy_of_name(const char *name)
{
	return (enum busy)cause_find(busy_names, BUSY_N, name);
}

enum certainty certainty_of_name(const char *name)
{
	return (enum certainty)cause_find(certainty_names, CERTAINTY_N, name);
}
