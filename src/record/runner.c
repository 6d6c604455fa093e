#include "record/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/mem.h"

#define RUNNER_MARK    "vmscope: recording"
#define RUNNER_COMMAND "echo " RUNNER_MARK "; exec cat >/dev/null"

char *runner_quote(const char *text)
{
	char *quoted = mem_alloc(4 * strlen(text) + 3), *to = quoted;

	*to++ = '\'';
	for (; *text; text++) {
		if (*text == '\'')
			to = stpcpy(to, "'\\''");
		else
			*to++ = *text;
	}
	strcpy(to, "'");
	return quoted;
}

static int runner_open_log(const char *log, struct error *err)
{
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

	return fd >= 0 ? fd : error_errno(err, errno, "cannot write '%s'", log);
}

/* ---- recorders ------------------------------------------------------------------------------- */

/* c: all but what is run. Return: as child_start(). */
static pid_t runner_run(const struct runner_options *o, struct child *c, struct error *err)
{
	static const char in_a_session[] = RUNNER_COMMAND;
	const char *here[] = {"sh", "-c", o->script, "vmscope", "sh", "-c", in_a_session, NULL};

	c->argv = here;
	if (!o->destination)
		return child_start(c, err);
	char *script = runner_quote(o->script), *command = runner_quote(RUNNER_COMMAND);
	char *all = mem_printf("sh -c %s vmscope sh -c %s", script, command);
	const char *there[] = {"ssh", "-T", "--", o->destination, all, NULL};

	c->argv = there;
	pid_t pid = child_start(c, err);

	free(all);
	free(command);
	free(script);
	return pid;
}

int runner_start(struct runner *r, const struct runner_options *o, struct error *err)
{
	int in[2], out[2], log;

	*r = (struct runner){.in = -1, .out = -1};
	if (pipe2(in, O_CLOEXEC))
		return error_errno(err, errno, "cannot make a pipe");
	if (pipe2(out, O_CLOEXEC)) {
		close(in[0]);
		close(in[1]);
		return error_errno(err, errno, "cannot make a pipe");
	}
	log = runner_open_log(o->log, err);
	struct child c = {.in = in[0], .out = out[1], .err = log, .keeps_on = true};

	r->pid = log < 0 ? ERR : runner_run(o, &c, err);
	close(in[0]);
	close(out[1]);
	if (log >= 0)
		close(log);
	r->in = in[1];
	r->out = out[0];
	if (r->pid > 0)
		return 0;
	r->pid = 0;
	runner_end(r);
	return ERR;
}

/* Return: whether the text has the line that says that it records. */
int runner_wait(struct runner *r, int ms)
{
	struct pollfd out = {.fd = r->out, .events = POLLIN};
	char text[4096];
	size_t n = 0;

	while (n < sizeof(text) - 1 && poll(&out, 1, ms) > 0) {
		ssize_t more = read(r->out, text + n, sizeof(text) - 1 - n);

		if (more <= 0)
			return 0;
		n += (size_t)more;
		text[n] = '\0';
		if (strstr(text, RUNNER_MARK))
			return 1;
	}
	return 0;
}

int runner_end(struct runner *r)
{
	char text[4096];
	int status = 0;

	if (r->in >= 0)
		close(r->in);
	while (r->pid && r->out >= 0 && read(r->out, text, sizeof(text)) > 0)
		;
	if (r->out >= 0)
		close(r->out);
	if (r->pid)
		status = child_wait(r->pid);
	*r = (struct runner){.in = -1, .out = -1};
	return status;
}

int runner_fetch(const char *destination, const char *from, const char *to, const char *log,
		 struct error *err)
{
	char *name = runner_quote(from);
	char *command = mem_printf("cat %s && rm -f %s", name, name);
	const char *argv[] = {"ssh", "-T", "--", destination, command, NULL};
	int file = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int errors = file < 0 ? error_errno(err, errno, "cannot create '%s'", to)
			      : runner_open_log(log, err);
	struct child c = {.argv = argv, .in = -1, .out = file, .err = errors, .keeps_on = true};
	pid_t pid = errors < 0 ? ERR : child_start(&c, err);
	int status = pid > 0 ? child_wait(pid) : ERR;

	if (file >= 0)
		close(file);
	if (errors >= 0)
		close(errors);
	if (status > 0)
		status = error_set(err, "cannot copy '%s' from '%s'; '%s' says why", from,
				   destination, log);
	free(command);
	free(name);
	return status;
}
