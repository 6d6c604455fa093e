#include "cli/input_args.h"

#include <stdlib.h>

#include "cli/common.h"

/* No processor's clock is slower or faster. */
static const double LEAST_HZ = 1e6, MOST_HZ = 1e11;

static double factor_of(char unit)
{
	switch (unit) {
	case 'k':
		return 1e3;
	case 'M':
		return 1e6;
	case 'G':
		return 1e9;
	default:
		return 0;
	}
}

int input_args_take_frequency(struct input_options *o, const struct command *cmd, const char *text)
{
	char *end;
	double hz = strtod(text, &end);

	if (*end && !end[1])
		hz *= factor_of(*end++);
	if (end == text || *end || !(hz >= LEAST_HZ && hz <= MOST_HZ)) {
		cli_usage(cmd,
			  "--tsc-frequency takes a frequency such as 2400000000 or 2.4G, not '%s'",
			  text);
		return CLI_OPTION_BAD;
	}
	o->tsc_frequency = (uint64_t)(hz + 0.5);
	return 0;
}
