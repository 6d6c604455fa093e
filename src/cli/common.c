#include "cli/common.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/mem.h"

static void say_bad_option(const struct command *cmd, char **argv, int answer)
{
	const char *word = argv[optind - 1];

	if (answer == ':')
		cli_usage(cmd, "option '%s' needs a value", word);
	else if (optopt && strncmp(word, "--", 2) != 0)
		cli_usage(cmd, "there is no option '-%c'", optopt);
	else if (optopt)
		cli_usage(cmd, "option '%.*s' takes no value", (int)strcspn(word, "="), word);
	else
		cli_usage(cmd, "there is no option '%s', or it could be one of several", word);
}

/* An option whose `val` is a letter has that as its short form, too. */
static void short_options(char *out, const struct option *options)
{
	*out++ = ':';
	for (const struct option *o = options; o->name; o++) {
		if (o->val < 'a' || o->val > 'z')
			continue;
		*out++ = (char)o->val;
		if (o->has_arg == required_argument)
			*out++ = ':';
	}
	*out = '\0';
}

int cli_next_option(const struct command *cmd, int argc, char **argv, const struct option *options)
{
	char letters[64];

	short_options(letters, options);
	opterr = 0;
	int answer = getopt_long(argc, argv, letters, options, NULL);

	if (answer == -1)
		return CLI_OPTIONS_END;
	if (answer == 0x100) {
		fputs(cmd->help, stdout);
		return CLI_OPTION_HELP;
	}
	if (answer != '?' && answer != ':')
		return answer;
	say_bad_option(cmd, argv, answer);
	return CLI_OPTION_BAD;
}

int cli_option_status(int answer)
{
	return answer == CLI_OPTION_HELP ? CLI_OK : CLI_USAGE;
}

int cli_usage(const struct command *cmd, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *text = mem_vprintf(fmt, ap);

	va_end(ap);
	fprintf(stderr, "vmscope %s: ", cmd->name);
	escape_print(stderr, text);
	fprintf(stderr, "; see 'vmscope help %s'\n", cmd->name);
	free(text);
	return CLI_USAGE;
}

int cli_failed(const struct command *cmd, struct error *err)
{
	fprintf(stderr, "vmscope %s: ", cmd->name);
	escape_print(stderr, err->text);
	fputc('\n', stderr);
	error_deinit(err);
	return CLI_FAILED;
}

int cli_choice(const struct command *cmd, const char *option, const char *value,
	       const char *const *names)
{
	char *list = mem_strdup(names[0]);

	for (int i = 0; names[i]; i++) {
		if (!strcmp(names[i], value)) {
			free(list);
			return i;
		}
		if (i)
			mem_append(&list, "%s%s", names[i + 1] ? ", " : " or ", names[i]);
	}
	cli_usage(cmd, "%s takes %s, not '%s'", option, list, value);
	free(list);
	return -1;
}

unsigned cli_threads(void)
{
	enum { MOST = 3 };
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n < MOST ? (unsigned)n : MOST;
}
