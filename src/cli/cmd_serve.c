#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/mem.h"
#include "cli/common.h"
#include "server/server.h"
#include "server/token.h"

enum option_id { OPT_PORT = 1, OPT_LISTEN, OPT_WEB_ROOT, OPT_ROOT, OPT_TOKEN, OPT_NO_TOKEN };

enum { DEFAULT_PORT = 8080, MESSAGE_SIZE = 4096 };

static const struct option options[] = {
	CLI_HELP_OPTION,
	{"port", required_argument, NULL, OPT_PORT},
	{"listen", required_argument, NULL, OPT_LISTEN},
	{"web-root", required_argument, NULL, OPT_WEB_ROOT},
	{"root", required_argument, NULL, OPT_ROOT},
	{"token", optional_argument, NULL, OPT_TOKEN},
	{"no-token", no_argument, NULL, OPT_NO_TOKEN},
	{0},
};

struct request {
	struct server_config server;
	bool token, no_token;
	char *made; /* owned: a token */
};

/* ---- analysis of recordings ----------------------------------------------------------------- */

/* Return: what the analysis is started with; the caller's, its texts are borrowed. */
static const char **make_arguments(char *const *paths, size_t n, const char *output)
{
	const char **argv = mem_zalloc(n + 6, sizeof(*argv));
	size_t argc = 0;

	argv[argc++] = "vmscope";
	argv[argc++] = "analyze";
	argv[argc++] = "-o";
	argv[argc++] = output;
	argv[argc++] = "--";
	for (size_t i = 0; i < n; i++)
		argv[argc++] = paths[i];
	return argv;
}

/*
 * A recording is analyzed by another process, this program again: it can be stopped at once, and
 * its memory is gone with it; and nothing of it is left when the server is gone, however that ends.
 */
static pid_t start_analysis(char *const *paths, size_t n, const char *output, int errors,
			    struct error *err)
{
	const char **argv = make_arguments(paths, n, output);
	struct child c = {.program = "/proc/self/exe",
			  .argv = argv,
			  .in = -1,
			  .out = -1,
			  .err = errors,
			  .ends_with_us = true};
	pid_t pid = child_start(&c, err);

	free(argv);
	return pid;
}

/* Keeps the last line that the analysis said, without the newline. */
static void keep_last_line(char *message, const char *data, size_t n)
{
	size_t length = strlen(message);

	for (size_t i = 0; i < n; i++) {
		if (length && message[length - 1] == '\n')
			length = 0;
		if (length < MESSAGE_SIZE - 1)
			message[length++] = data[i];
	}
	message[length] = '\0';
}

/* Reads what the process says until it ends or is to stop. */
static void follow(int errors, int stop_fd, pid_t pid, char *message)
{
	struct pollfd fds[] = {{.fd = errors, .events = POLLIN}, {.fd = stop_fd, .events = POLLIN}};
	char data[512];

	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return;
		if (fds[1].revents) {
			kill(pid, SIGKILL);
			fds[1].fd = -1;
			fds[1].revents = 0;
		}
		if (!fds[0].revents)
			continue;
		ssize_t n = read(errors, data, sizeof(data));

		if (n <= 0)
			return;
		keep_last_line(message, data, (size_t)n);
	}
}

static int finish_analysis(pid_t pid, char *message, struct error *err)
{
	int status = child_wait(pid);

	message[strcspn(message, "\n")] = '\0';
	if (!status)
		return 0;
	if (status > 128)
		return error_set(err, "the analysis was ended by signal %d", status - 128);
	return error_set(err, "%s", *message ? message : "the analysis failed");
}

static int analyze(void *ctx, char *const *paths, size_t n, const char *output, int stop_fd,
		   struct error *err)
{
	char message[MESSAGE_SIZE] = "";
	int errors[2], r = ERR;

	(void)ctx;
	if (pipe2(errors, O_CLOEXEC))
		return error_errno(err, errno, "cannot start the analysis");
	pid_t pid = start_analysis(paths, n, output, errors[1], err);

	close(errors[1]);
	if (pid > 0) {
		follow(errors[0], stop_fd, pid, message);
		r = finish_analysis(pid, message, err);
	}
	close(errors[0]);
	return r;
}

/* ---- options -------------------------------------------------------------------------------- */

static int take_port(const struct command *cmd, struct server_config *config)
{
	char *end;
	unsigned long port = strtoul(optarg, &end, 10);

	if (end == optarg || *end || *optarg == '-' || port > 65535) {
		cli_usage(cmd, "--port takes a number from 0 to 65535, not '%s'", optarg);
		return CLI_OPTION_BAD;
	}
	config->port = (uint16_t)port;
	return 0;
}

static int take_token(const struct command *cmd, struct request *q)
{
	q->token = true;
	if (!optarg)
		return 0;
	if (!token_is_good(optarg)) {
		cli_usage(cmd, "--token takes %d to %d letters, digits, '-' and '_'", TOKEN_MIN,
			  TOKEN_MAX);
		return CLI_OPTION_BAD;
	}
	q->server.token = optarg;
	return 0;
}

/* Return: 0, or an answer for cli_option_status(). */
static int take_option(const struct command *cmd, struct request *q, int option)
{
	struct server_config *config = &q->server;
	struct error err = {0};

	switch ((enum option_id)option) {
	case OPT_PORT:
		return take_port(cmd, config);
	case OPT_LISTEN:
		config->listen = optarg;
		return 0;
	case OPT_WEB_ROOT:
		config->web_root = optarg;
		return 0;
	case OPT_TOKEN:
		return take_token(cmd, q);
	case OPT_NO_TOKEN:
		q->no_token = true;
		return 0;
	case OPT_ROOT:
		if (!roots_add(&config->catalog.roots, optarg, &err))
			return 0;
		cli_usage(cmd, "--root: %s", err.text);
		error_deinit(&err);
	}
	return CLI_OPTION_BAD;
}

/* Return: 0, or an answer for cli_option_status(). */
static int read_options(const struct command *cmd, struct request *q, int argc, char **argv)
{
	int option, r;

	while ((option = cli_next_option(cmd, argc, argv, options)) > 0) {
		r = take_option(cmd, q, option);
		if (r)
			return r;
	}
	if (option == CLI_OPTIONS_END && q->token && q->no_token) {
		cli_usage(cmd, "--token and --no-token exclude each other");
		return CLI_OPTION_BAD;
	}
	return option == CLI_OPTIONS_END ? 0 : option;
}

/* ---- serving -------------------------------------------------------------------------------- */

static int add_roots(struct server_config *config, char **paths, int n, struct error *err)
{
	for (int i = 0; i < n; i++) {
		if (roots_add(&config->catalog.roots, paths[i], err))
			return ERR;
	}
	return 0;
}

static int open_all(struct server *s, char **paths, int n, struct error *err)
{
	for (int i = 0; i < n; i++) {
		if (server_open(s, paths[i], err))
			return ERR;
	}
	return 0;
}

static bool is_loopback(const char *address)
{
	return !strncmp(address, "127.", 4) || !strcmp(address, "::1");
}

/* Makes the token, if there is to be one. Return: 0 or ERR. */
static int serve_choose_token(struct request *q, struct error *err)
{
	bool local = is_loopback(q->server.listen);

	if (!q->token && !q->no_token && local && token_has_others(NULL, geteuid()))
		fprintf(stderr, "vmscope serve: other users are logged in, who can see what is in "
				"the served directories; --token keeps them out\n");
	if (q->no_token || q->server.token || (local && !q->token))
		return 0;
	q->server.token = q->made = token_new(err);
	return q->made ? 0 : ERR;
}

static void say_where(const struct server_config *config, const struct server *s)
{
	bool v6 = strchr(config->listen, ':') != NULL;

	printf("vmscope serves at http://%s%s%s:%u/%s%s\n", v6 ? "[" : "", config->listen,
	       v6 ? "]" : "", server_port(s), config->token ? config->token : "",
	       config->token ? "/" : "");
	if (!config->token && !is_loopback(config->listen))
		fprintf(stderr, "vmscope serve: anyone who reaches this address can see what is in "
				"the served directories\n");
	fflush(stdout);
}

/* Serves until a signal. */
static int serve(struct server_config *config, char **paths, int n, struct error *err)
{
	struct server *s;
	sigset_t signals;
	int which;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL); /* before there are threads */
	if (add_roots(config, paths, n, err) || server_new(&s, config, err))
		return ERR;
	int r = open_all(s, paths, n, err);

	if (!r) {
		say_where(config, s);
		sigwait(&signals, &which);
	}
	server_free(s);
	return r;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct request q = {.server = {.listen = "127.0.0.1",
				       .port = DEFAULT_PORT,
				       .catalog.analyze = analyze}};
	struct error err = {0};
	int r = read_options(cmd, &q, argc, argv);
	int status = CLI_OK;

	if (r)
		status = cli_option_status(r);
	else if (serve_choose_token(&q, &err) ||
		 serve(&q.server, argv + optind, argc - optind, &err))
		status = cli_failed(cmd, &err);
	roots_deinit(&q.server.catalog.roots);
	free(q.made);
	return status;
}

const struct command cmd_serve = {
	.name = "serve",
	.summary = "show results in the browser and in trace viewers",
	.help = "usage: vmscope serve [OPTION...] [PATH...]\n\n"
		"Serve results files (.vms) and recordings to web browsers, and to viewers that speak\n"
		"the Trace Server Protocol. Recordings are analyzed first. Only what lies in the\n"
		"directories of the PATHs can be opened.\n\n"
		"  --port N        the port; 8080 is the default, 0 takes any that is free\n"
		"  --listen ADDR   the address to listen at; 127.0.0.1, the default, can be reached from\n"
		"                  this machine only, 0.0.0.0 and :: from everywhere\n"
		"  --root DIR      what lies in DIR can be opened, too; may be given several times\n"
		"  --token[=TEXT]  serve only who knows the token, the first part of the path in the address\n"
		"                  that is printed: TEXT, which others can see in the list of processes,\n"
		"                  or a random one. Off unless asked for on this machine's own addresses,\n"
		"                  on where --listen names another\n"
		"  --no-token      serve everyone who reaches the address\n"
		"  --web-root DIR  take the page's files from DIR instead of those built in\n"
		"  --help          print this\n",
	.run = run,
};
