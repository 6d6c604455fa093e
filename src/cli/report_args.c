#include "cli/report_args.h"

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
