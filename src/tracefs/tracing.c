#include "tracefs/tracing.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <tracefs.h>
#include <unistd.h>

#include "base/mem.h"

/* ---- why not -------------------------------------------------------------------------------- */

/* Return: whether a small text file holds `word`. */
static bool tracing_file_has(const char *path, const char *word)
{
	char text[4096];
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	if (f)
		fclose(f);
	text[n] = '\0';
	return strstr(text, word) != NULL;
}

static bool tracing_is_container(void)
{
	return !access("/.dockerenv", F_OK) || !access("/run/.containerenv", F_OK) ||
	       !access("/run/systemd/container", F_OK);
}

/* Return: what keeps this process from tracing and what helps, or NULL. */
static const char *tracing_cause(void)
{
	if (tracing_file_has("/sys/kernel/security/lockdown", "[confidentiality]"))
		return "the kernel is locked down (lockdown=confidentiality) and lets nobody trace; "
		       "boot it with lockdown=integrity or none";
	if (geteuid() != 0)
		return "tracing needs root (or a group that owns the mount of tracefs); try it with "
		       "sudo";
	if (tracing_is_container())
		return "this is a container; run it on the host itself, or give the container "
		       "CAP_SYS_ADMIN and the host's /sys/kernel/tracing";
	return NULL;
}

int tracing_refused(struct error *err, int errnum, const char *what)
{
	const char *cause =
		errnum == EACCES || errnum == EPERM || errnum == EROFS ? tracing_cause() : NULL;

	if (cause)
		return error_set(err, "cannot %s: %s: %s", what, strerror(errnum), cause);
	return error_errno(err, errnum, "cannot %s", what);
}

/* ---- where ---------------------------------------------------------------------------------- */

int tracing_find(struct error *err)
{
	const char *dir;

	tracefs_set_loglevel(TEP_LOG_NONE); /* failures are told here */
	if (!tracing_file_has("/proc/filesystems", "\ttracefs\n"))
		return error_set(err, "this kernel has no tracefs (it was built without "
				      "CONFIG_FTRACE): it cannot be traced");
	errno = 0;
	dir = tracefs_tracing_dir();
	if (!dir)
		return tracing_refused(err, errno ? errno : EACCES, "mount tracefs");
	if (access(dir, R_OK | X_OK))
		return tracing_refused(err, errno, "read tracefs");
	return 0;
}

char *tracing_read(const char *file, size_t *np, struct error *err)
{
	int n = 0;
	char *text = tracefs_instance_file_read(NULL, file, &n);

	if (!text) {
		error_errno(err, errno, "cannot read '%s' of tracefs", file);
		return NULL;
	}
	if (np)
		*np = (size_t)n;
	return text;
}
