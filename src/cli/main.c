#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/leftover.h"
#include "cli/command.h"
#include "cli/cut_files.h"

static const struct command *const commands[] = {
	&cmd_analyze, &cmd_check,  &cmd_diff,	&cmd_events, &cmd_export, &cmd_fleet, &cmd_info,
	&cmd_query,   &cmd_record, &cmd_report, &cmd_serve,  &cmd_top,	  &cmd_why,
};

enum { N_COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void print_help(FILE *f)
{
	fputs("vmscope: what each vCPU of a KVM host truly did\n\n"
	      "usage: vmscope COMMAND [OPTION...] [TRACE...]\n\n",
	      f);
	for (int i = 0; i < N_COMMANDS; i++)
		fprintf(f, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n"
	      "  vmscope help COMMAND    the options of a command\n"
	      "  vmscope --version\n\n"
	      "TRACE is a recording of a host or a guest: a trace.dat of trace-cmd, a perf.data of\n"
	      "perf, or a directory with a CTF trace, as LTTng writes it; or a directory in which\n"
	      "there are any of these; or NAME=PATH to name the machine.\n",
	      f);
}

static const struct command *find_command(const char *name)
{
	for (int i = 0; i < N_COMMANDS; i++) {
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	}
	return NULL;
}

static int unknown_command(const char *name)
{
	fprintf(stderr, "vmscope: there is no command '%s'; 'vmscope --help' lists them\n", name);
	return CLI_USAGE;
}

static int help(const char *name)
{
	const struct command *cmd = name ? find_command(name) : NULL;

	if (name && !cmd)
		return unknown_command(name);
	if (cmd)
		fputs(cmd->help, stdout);
	else
		print_help(stdout);
	return CLI_OK;
}

static int dispatch(int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr);
		return CLI_USAGE;
	}
	const char *name = argv[1];

	if (!strcmp(name, "--version")) {
		puts("vmscope " VMSCOPE_VERSION);
		return CLI_OK;
	}
	if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help"))
		return help(argv[2]);
	const struct command *cmd = find_command(name);

	return cmd ? cmd->run(cmd, argc - 1, argv + 1) : unknown_command(name);
}

static int reader_is_gone(void)
{
	struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};

	return poll(&p, 1, 0) == 1 && (p.revents & (POLLERR | POLLHUP));
}

/* `vmscope events ... | head` is no failure. */
static int finish_output(int status)
{
	errno = 0;
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	int cause = errno;

	if (reader_is_gone())
		return CLI_OK;
	fprintf(stderr, "vmscope: cannot write to standard output%s%s\n", cause ? ": " : "",
		cause ? strerror(cause) : "");
	return CLI_FAILED;
}

/*
 * Large pieces of memory are always of their own, and the kernel's again when they are freed: what
 * one step of an analysis needed for a while is not there any more when the next one needs the
 * same.
 */
static void return_memory(void)
{
	enum { LARGE = 128 << 10 };

	mallopt(M_MMAP_THRESHOLD, LARGE);
}

int main(int argc, char **argv)
{
	return_memory();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow further is a write that failed */
	leftover_end_by_signals();
	cut_files_survive();
	return finish_output(dispatch(argc, argv));
}
