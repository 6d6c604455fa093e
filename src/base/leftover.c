#include "base/leftover.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_LISTED = 64 };

/* A signal's handler is given nothing, so it has to find here what it needs. */
static _Atomic(const char *) listed[MAX_LISTED];

/* ---- signals -------------------------------------------------------------------------------- */

/* How many make signals wait, and which one does; 0: none. */
static atomic_int n_holders, waiting;

/* Directories after what is in them. */
static void end(int signal)
{
	if (atomic_load(&n_holders)) {
		atomic_store(&waiting, signal);
		/* The last one may have let go before it could see that. */
		if (atomic_load(&n_holders) || !atomic_exchange(&waiting, 0))
			return;
	}
	for (int i = 0; i < 2 * MAX_LISTED; i++) {
		const char *path = atomic_load(&listed[i % MAX_LISTED]);

		if (path && i < MAX_LISTED)
			unlink(path);
		else if (path)
			rmdir(path);
	}
	sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
	raise(signal); /* it is blocked until this returns */
}

void leftover_end_by_signals(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction old;

	for (int i = 0; i < (int)(sizeof(signals) / sizeof(*signals)); i++) {
		if (!sigaction(signals[i], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(signals[i], &(struct sigaction){.sa_handler = end}, NULL);
	}
}

void leftover_hold(void)
{
	atomic_fetch_add(&n_holders, 1);
}

void leftover_release(void)
{
	bool is_last = atomic_fetch_sub(&n_holders, 1) == 1;
	int signal = is_last ? atomic_exchange(&waiting, 0) : 0;

	if (signal)
		raise(signal);
}

void leftover_add(const char *path)
{
	for (int i = 0; i < MAX_LISTED; i++) {
		const char *none = NULL;

		if (atomic_compare_exchange_strong(&listed[i], &none, path))
			return;
	}
}

void leftover_drop(const char *path)
{
	for (int i = 0; i < MAX_LISTED; i++) {
		const char *found = path;

		if (atomic_compare_exchange_strong(&listed[i], &found, NULL))
			return;
	}
}

/* ---- what the dead left --------------------------------------------------------------------- */

bool leftover_lock(int fd)
{
	struct stat st;

	/* Where there are no locks (some network file systems), nothing is ever swept either. */
	flock(fd, LOCK_EX | LOCK_NB);
	return fstat(fd, &st) < 0 || st.st_nlink > 0;
}

static bool is_named_so(const char *found, const struct leftover_name *name)
{
	size_t before = strlen(name->prefix);

	if (strncmp(found, name->prefix, before))
		return false;
	size_t n = strspn(found + before, name->by);

	return n && !strcmp(found + before + n, name->suffix);
}

/* Return: whether it is this user's, and nobody has it locked. */
static bool is_left(int fd, const struct stat *st)
{
	return st->st_uid == geteuid() && !flock(fd, LOCK_EX | LOCK_NB);
}

void leftover_remove_files(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	for (struct dirent *e; d && (e = readdir(d));)
		unlinkat(dir, e->d_name, 0);
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
}

static void sweep_one(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return;
	if (!fstat(fd, &st) && is_left(fd, &st)) {
		if (S_ISDIR(st.st_mode)) {
			leftover_remove_files(fd);
			unlinkat(dir, name, AT_REMOVEDIR);
		} else if (S_ISREG(st.st_mode)) {
			unlinkat(dir, name, 0);
		}
	}
	close(fd);
}

void leftover_sweep(const char *directory, const struct leftover_name *name)
{
	DIR *d = opendir(directory);

	for (struct dirent *e; d && (e = readdir(d));) {
		if (is_named_so(e->d_name, name))
			sweep_one(dirfd(d), e->d_name);
	}
	if (d)
		closedir(d);
}
