#include "report/split_part.h"

#include <strings.h>

#include "results/split.h"

const char *split_part_name(enum split_part part)
{
	static const char *const names[SPLIT_N] = {
		[SPLIT_RUN] = "RUN",	     [SPLIT_READY] = "READY", [SPLIT_EXIT] = "EXIT",
		[SPLIT_POLL] = "POLL",	     [SPLIT_IDLE] = "IDLE",   [SPLIT_BLOCKED] = "BLOCKED",
		[SPLIT_UNKNOWN] = "UNKNOWN",
	};

	return names[part];
}

enum split_part split_part_of_name(const char *name)
{
	int part = 0;

	while (part < SPLIT_N && strcasecmp(name, split_part_name((enum split_part)part)) != 0)
		part++;
	return (enum split_part)part;
}

int64_t split_part_time(const struct results *r, const struct res_vcpu *v, enum split_part part)
{
	struct split s;

	split_of(&s, r, v);
	const int64_t parts[SPLIT_N] = {
		[SPLIT_RUN] = s.run,	     [SPLIT_READY] = s.ready, [SPLIT_EXIT] = s.exit,
		[SPLIT_POLL] = s.poll,	     [SPLIT_IDLE] = s.idle,   [SPLIT_BLOCKED] = s.blocked,
		[SPLIT_UNKNOWN] = s.unknown,
	};

	return parts[part];
}

int64_t split_part_whole(const struct results *r, const struct res_vcpu *v)
{
	struct split s;

	split_of(&s, r, v);
	return s.whole;
}
