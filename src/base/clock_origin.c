#include "base/clock_origin.h"

#include <stddef.h>
#include <string.h>

const char *clock_origin_name(enum clock_origin origin)
{
	static const char *const names[] = {[CLOCK_ORIGIN_UNKNOWN] = NULL,
					    [CLOCK_ORIGIN_BOOT] = "boot",
					    [CLOCK_ORIGIN_EPOCH] = "epoch"};

	return names[origin];
}

enum clock_origin clock_origin_of_name(const char *name)
{
	if (!name)
		return CLOCK_ORIGIN_UNKNOWN;
	return !strcmp(name, "epoch")  ? CLOCK_ORIGIN_EPOCH
	       : !strcmp(name, "boot") ? CLOCK_ORIGIN_BOOT
				       : CLOCK_ORIGIN_UNKNOWN;
}

const char *clock_origin_words(enum clock_origin origin)
{
	return origin == CLOCK_ORIGIN_BOOT ? " after boot" : "";
}
