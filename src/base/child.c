#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILD_CANNOT_RUN = 127 };

static void put(int fd, int as)
{
	if (fd < 0)
		fd = open("/dev/null", O_RDWR);
	if (fd >= 0)
		dup2(fd, as);
}

static void set_signals(const struct child *c)
{
	sigset_t none;

	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	if (c->keeps_on)
		signal(SIGINT, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void become(const struct child *c, const char *program, pid_t parent)
{
	if (c->ends_with_us)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (c->ends_with_us && getppid() != parent)
		_exit(CHILD_CANNOT_RUN); /* it has ended already */
	put(c->in, STDIN_FILENO);
	put(c->out, STDOUT_FILENO);
	put(c->err, STDERR_FILENO);
	set_signals(c);
	execvp(program, (char *const *)c->argv);
	dprintf(STDERR_FILENO, "cannot run %s: %s\n", program, strerror(errno));
	_exit(CHILD_CANNOT_RUN);
}

pid_t child_start(const struct child *c, struct error *err)
{
	const char *program = c->program ? c->program : c->argv[0];
	pid_t parent = getpid(), pid = fork();

	if (!pid)
		become(c, program, parent);
	return pid > 0 ? pid : error_errno(err, errno, "cannot start '%s'", program);
}

int child_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return CHILD_CANNOT_RUN;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
