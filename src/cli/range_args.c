#include "cli/range_args.h"

#include <stdlib.h>

#include "base/mem.h"
#include "store/meta.h"

int range_args_take(const struct command *cmd, const char *option, const char *text,
		    const char **timep)
{
	struct error err = {0};

	*timep = text;
	if (!clock_text_check(text, &err))
		return 0;
	cli_usage(cmd, "%s: %s", option, err.text);
	error_deinit(&err);
	return CLI_OPTION_BAD;
}

char *range_args_words(const struct range_args *args)
{
	return mem_printf("%s%s%s%s%s", args->begin ? "--begin " : "",
			  args->begin ? args->begin : "", args->begin && args->end ? " " : "",
			  args->end ? "--end " : "", args->end ? args->end : "");
}

/* The recording that a part of is asked for. */
struct span {
	struct clock_text clock;
	int64_t begin, end;
};

static int read_span(const struct range_args *args, const char *path, struct span *span,
		     struct error *err)
{
	struct store *store;

	span->clock = args->clock;
	if (store_open(&store, path, err))
		return ERR;
	int r = store_span(store, &span->begin, &span->end, err);

	if (!r)
		r = store_time_origin(store, &span->clock.origin, err);
	store_free(store);
	return r;
}

/* Return: 0, CLI_OPTION_BAD or ERR, as range_args_read(). */
static int read_time(const struct command *cmd, const char *option, const char *text,
		     const struct span *span, int64_t *nsp, struct error *err)
{
	int r = text ? clock_text_parse(&span->clock, text, span->begin, nsp, err) : 0;

	if (r != CLOCK_TEXT_NO_DAY)
		return r;
	cli_usage(cmd, "%s: %s", option, err->text);
	error_deinit(err);
	return CLI_OPTION_BAD;
}

/* Return: CLI_OPTION_BAD. */
static int say_outside(const struct command *cmd, const struct range_args *args,
		       const struct span *span)
{
	char *asked = range_args_words(args);
	char *recorded = clock_text_span(&span->clock, span->begin, span->end);

	cli_usage(cmd, "%s is outside of the recording, which is %s", asked, recorded);
	free(recorded);
	free(asked);
	return CLI_OPTION_BAD;
}

int range_args_read(const struct range_args *args, const struct command *cmd, const char *path,
		    int64_t *fromp, int64_t *top, struct error *err)
{
	struct span span;

	if (!args->begin && !args->end)
		return 0;
	if (read_span(args, path, &span, err))
		return ERR;
	*fromp = span.begin;
	*top = span.end;
	int r = read_time(cmd, "--begin", args->begin, &span, fromp, err);

	if (!r)
		r = read_time(cmd, "--end", args->end, &span, top, err);
	if (r)
		return r;
	if (*fromp >= span.end || *top <= span.begin)
		return say_outside(cmd, args, &span);
	*fromp = *fromp < span.begin ? span.begin : *fromp;
	*top = *top > span.end ? span.end : *top;
	if (*fromp < *top)
		return 1;
	cli_usage(cmd, "--end %s is not after --begin %s", args->end, args->begin);
	return CLI_OPTION_BAD;
}
