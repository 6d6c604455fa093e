#include "cli/sync_args.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/common.h"

int sync_args_take_method(const struct command *cmd, const char *text, int *methodp)
{
	static const char *const names[] = {"auto",  "vmsync", "containment", "tsc",
					    "agent", "none",   NULL};
	static const int methods[] = {SYNC_AUTO, SYNC_VMSYNC, SYNC_CONTAINMENT,
				      SYNC_TSC,	 SYNC_AGENT,  SYNC_AS_IS};
	int i = cli_choice(cmd, "--sync", text, names);

	if (i < 0)
		return CLI_OPTION_BAD;
	*methodp = methods[i];
	return 0;
}

/* ---- values ---------------------------------------------------------------------------------- */

/* Return: whether *textp began with a number, which it is moved past. */
static bool read_int(const char **textp, int64_t *valuep)
{
	char *end;

	errno = 0;
	*valuep = strtoll(*textp, &end, 10);
	if (end == *textp || errno)
		return false;
	*textp = end;
	return true;
}

/* The same for ",NUMBER", without a sign. */
static bool read_next_uint(const char **textp, uint64_t *valuep)
{
	char *end;

	if (**textp != ',' || !((*textp)[1] >= '0' && (*textp)[1] <= '9'))
		return false;
	errno = 0;
	*valuep = strtoull(*textp + 1, &end, 10);
	*textp = end;
	return !errno;
}

/* "NS" or "NS,SLOPE". Return: whether it is that. */
static bool read_offset(struct sync_given *g, const char *text)
{
	double slope = 1;
	char *end;

	if (!read_int(&text, &g->offset_ns))
		return false;
	if (*text == ',') {
		slope = strtod(text + 1, &end);
		if (end == text + 1)
			return false;
		text = end;
	}
	g->drift = slope - 1;
	/* No two clocks differ by more; a wrong unit or an offset in the slope's place does. */
	return !*text && slope > 0.5 && slope < 2;
}

/* "OFFSET" or "OFFSET,RATIO,FRAC". Return: whether it is that. */
static bool read_tsc(struct tsc_scale *s, const char *text)
{
	uint64_t frac = 0;

	s->ratio = 1;
	if (!read_int(&text, &s->offset))
		return false;
	if (*text && (!read_next_uint(&text, &s->ratio) || !read_next_uint(&text, &frac)))
		return false;
	s->frac = (unsigned int)frac;
	return !*text && s->ratio && frac < 64;
}

/* ---- NAME=VALUE ------------------------------------------------------------------------------ */

/* Return: what follows the last equals sign when a name stands before it, or NULL. */
static const char *value_of(const char *text)
{
	const char *equals = strrchr(text, '=');

	return equals && equals != text ? equals + 1 : NULL;
}

/* Return: the name before the value; args own it. */
static const char *take_name(struct sync_args *args, const char *text, const char *value)
{
	return *vec_push(&args->names) = mem_strndup(text, (size_t)(value - text - 1));
}

static int bad(const struct command *cmd, const char *option, const char *form, const char *text)
{
	cli_usage(cmd, "%s takes %s, not '%s'", option, form, text);
	return CLI_OPTION_BAD;
}

static int twice(const struct command *cmd, const char *option, const char *machine)
{
	cli_usage(cmd, "%s is given twice for '%s'", option, machine);
	return CLI_OPTION_BAD;
}

int sync_args_take_offset(struct sync_args *args, const struct command *cmd, const char *text)
{
	const char *value = value_of(text);
	struct sync_given g;

	if (!value || !read_offset(&g, value))
		return bad(cmd, "--clock-offset", "NAME=NS or NAME=NS,SLOPE", text);
	g.machine = take_name(args, text, value);
	vec_each (other, &args->given) {
		if (!strcmp(other->machine, g.machine))
			return twice(cmd, "--clock-offset", g.machine);
	}
	*vec_push(&args->given) = g;
	return 0;
}

int sync_args_take_tsc(struct sync_args *args, const struct command *cmd, const char *text)
{
	const char *value = value_of(text);
	struct sync_tsc t;

	if (!value || !read_tsc(&t.scale, value))
		return bad(cmd, "--tsc", "NAME=OFFSET or NAME=OFFSET,RATIO,FRAC", text);
	t.machine = take_name(args, text, value);
	vec_each (other, &args->tsc) {
		if (!strcmp(other->machine, t.machine))
			return twice(cmd, "--tsc", t.machine);
	}
	*vec_push(&args->tsc) = t;
	return 0;
}

int sync_args_take_vm(struct sync_args *args, const struct command *cmd, const char *text)
{
	const char *value = value_of(text), *end = value;
	struct analysis_vm vm;

	if (!value || !read_int(&end, &vm.pid) || *end || vm.pid <= 0)
		return bad(cmd, "--vm", "NAME=PID", text);
	vm.machine = take_name(args, text, value);
	vec_each (other, &args->vms) {
		if (!strcmp(other->machine, vm.machine))
			return twice(cmd, "--vm", vm.machine);
	}
	*vec_push(&args->vms) = vm;
	return 0;
}

void sync_args_apply(const struct sync_args *args, struct analysis_options *options)
{
	options->sync.given = args->given.at;
	options->sync.n_given = args->given.n;
	options->sync.tsc = args->tsc.at;
	options->sync.n_tsc = args->tsc.n;
	options->vms = args->vms.at;
	options->n_vms = args->vms.n;
}

void sync_args_deinit(struct sync_args *args)
{
	vec_each (name, &args->names)
		free(*name);
	vec_deinit(&args->names);
	vec_deinit(&args->given);
	vec_deinit(&args->tsc);
	vec_deinit(&args->vms);
}
