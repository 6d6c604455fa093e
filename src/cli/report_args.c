#include "cli/report_args.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/common.h"

int report_args_take_format(struct report_options *o, const struct command *cmd, const char *value)
{
	static const char *const formats[] = {
		[REPORT_TEXT] = "text", [REPORT_JSON] = "json", [REPORT_CSV] = "csv", NULL};
	int format = cli_choice(cmd, "--format", value, formats);

	o->format = (enum report_format)format;
	return format < 0 ? CLI_OPTION_BAD : 0;
}

int report_args_take_section(struct report_options *o, const struct command *cmd, const char *name)
{
	int section = cli_choice(cmd, "--section", name, report_section_names());

	if (section < 0)
		return CLI_OPTION_BAD;
	o->sections |= 1u << section;
	return 0;
}

/* A whole number from `least` on. Return: 0, or CLI_OPTION_BAD. */
static int report_args_number(const struct command *cmd, const char *option, const char *value,
			      long least, long *numberp)
{
	char *end;

	errno = 0;
	*numberp = strtol(value, &end, 10);
	if (!errno && end != value && !*end && *numberp >= least)
		return 0;
	cli_usage(cmd, "%s takes a number from %ld on, not '%s'", option, least, value);
	return CLI_OPTION_BAD;
}

int report_args_take_vcpu(struct report_choice *c, const struct command *cmd, const char *value)
{
	long number;

	if (report_args_number(cmd, "--vcpu", value, 0, &number))
		return CLI_OPTION_BAD;
	c->one_vcpu = true;
	c->vcpu = number;
	return 0;
}

int report_args_take_top(struct report_choice *c, const struct command *cmd, const char *value)
{
	long number;

	if (report_args_number(cmd, "--top", value, 1, &number))
		return CLI_OPTION_BAD;
	c->top = (size_t)number;
	return 0;
}

int report_args_take_sort(struct report_choice *c, const struct command *cmd, const char *value)
{
	int key = cli_choice(cmd, "--sort", value, sort_key_names());

	c->sort = (enum sort_key)key;
	return key < 0 ? CLI_OPTION_BAD : 0;
}

/* What people look at is coloured, unless they say no (https://no-color.org). */
static bool wants_color(void)
{
	const char *no = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no && *no) && terminal && strcmp(terminal, "dumb") != 0;
}

int report_args_print(const struct report_options *o, const struct store *store, bool strict,
		      struct error *err)
{
	struct report_options options = *o;

	options.color = o->format == REPORT_TEXT && wants_color();
	int r = report_print(stdout, store, &options, err);

	if (r > 0)
		return error_set(err, "'%s' has no such VM or vCPU", store->name);
	if (!r && strict)
		r = report_is_damaged(store, err);
	return r > 0 ? CLI_DAMAGED : r;
}
