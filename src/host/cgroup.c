#include "host/cgroup.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/files.h"

/* ---- libvirt -------------------------------------------------------------------------------- */

/* systemd writes bytes that mean something to it as \xNN. Return: the text, to be freed. */
static char *cgroup_unescape(const char *s, size_t n)
{
	char *text = mem_alloc(n + 1), *to = text;

	for (size_t i = 0; i < n; i++) {
		unsigned byte;

		if (n - i >= 4 && s[i] == '\\' && s[i + 1] == 'x' &&
		    isxdigit((unsigned char)s[i + 2]) && isxdigit((unsigned char)s[i + 3]) &&
		    sscanf(s + i + 2, "%2x", &byte) == 1) {
			*to++ = (char)byte;
			i += 3;
		} else {
			*to++ = s[i];
		}
	}
	*to = '\0';
	return text;
}

char *cgroup_libvirt_name(const char *path)
{
	const char *at = strstr(path, "machine-qemu");
	size_t n = at ? strcspn(at, "/") : 0;

	if (n < 6 || strncmp(at + n - 6, ".scope", 6) != 0)
		return NULL;
	/* machine-qemu-N-NAME: N is libvirt's number of it. */
	char *text = cgroup_unescape(at, n - 6), *name = NULL;
	const char *number = strlen(text) > 13 ? text + 13 : "";
	const char *dash = strchr(number, '-');

	if (dash && dash[1] && strspn(number, "0123456789") == (size_t)(dash - number))
		name = mem_strdup(dash + 1);
	free(text);
	return name;
}

/* ---- quotas --------------------------------------------------------------------------------- */

/* Where the hierarchy that limits CPUs is mounted, in each version and as people mount it. */
static const char *const cgroup_mounts[2][3] = {
	{"/sys/fs/cgroup", "/sys/fs/cgroup/unified", NULL},
	{"/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/cpu", NULL},
};

/* Return: the path in /proc/PID/cgroup's line of the version (1 or 2), to be freed, or NULL. */
static char *cgroup_path(const char *lines, int version)
{
	for (const char *line = lines; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		const char *controllers = strchr(line, ':');
		const char *path = controllers ? strchr(controllers + 1, ':') : NULL;

		if (!path)
			continue;
		char *names = mem_strndup(controllers + 1, (size_t)(path - controllers - 1));
		bool is_cpu = !strcmp(names, "cpu") || !strncmp(names, "cpu,", 4) ||
			      strstr(names, ",cpu,") ||
			      (strlen(names) > 4 && !strcmp(names + strlen(names) - 4, ",cpu"));
		bool is_it = version == 2 ? !*names : is_cpu;

		free(names);
		if (is_it)
			return mem_strndup(path + 1, strcspn(path + 1, "\n"));
	}
	return NULL;
}

/* Return: whether the group has a quota; then in us. */
static bool cgroup_quota(const char *dir, int64_t *quotap, int64_t *periodp)
{
	char *text = files_text(NULL, "%s/cpu.max", dir);
	long long quota = -1, period = 0;

	if (text) {
		if (sscanf(text, "%lld %lld", &quota, &period) != 2)
			quota = -1; /* "max 100000" */
	} else {
		quota = files_number(-1, "%s/cpu.cfs_quota_us", dir);
		period = files_number(0, "%s/cpu.cfs_period_us", dir);
	}
	free(text);
	*quotap = quota;
	*periodp = period;
	return quota > 0 && period > 0;
}

/* Return: whether the first quota allows less than the VM's. */
static bool cgroup_is_tighter(int64_t quota, int64_t period, const struct host_vm *vm)
{
	return vm->quota_us < 0 ||
	       (double)quota / (double)period < (double)vm->quota_us / (double)vm->period_us;
}

/* Return: the number behind `key` in cpu.stat, or -1. */
static int64_t cgroup_stat(const char *text, const char *key)
{
	char *value = files_value(text, key);
	int64_t n = value ? strtoll(value, NULL, 10) : -1;

	free(value);
	return n;
}

/* cgroup v1 counts ns, v2 us. */
static void cgroup_read_throttled(struct host_vm *vm, const char *dir)
{
	char *text = files_text(NULL, "%s/cpu.stat", dir);
	int64_t ns = cgroup_stat(text, "throttled_time ");

	vm->n_throttled = cgroup_stat(text, "nr_throttled ");
	vm->throttled_us = ns >= 0 ? ns / 1000 : cgroup_stat(text, "throttled_usec ");
	free(text);
}

/* Looks at the group and all above it; a quota counts for all below. */
static void cgroup_read_quotas(struct host_vm *vm, const char *mount, const char *path)
{
	char *at = mem_strdup(path);
	int64_t quota, period;

	for (char *slash = at + strlen(at); slash; slash = strrchr(at, '/')) {
		*slash = '\0';
		char *dir = mem_printf("%s%s", mount, at);

		if (cgroup_quota(dir, &quota, &period) && cgroup_is_tighter(quota, period, vm)) {
			vm->quota_us = quota;
			vm->period_us = period;
			free(vm->quota_cgroup);
			vm->quota_cgroup = mem_strdup(*at ? at : "/");
			cgroup_read_throttled(vm, dir);
		}
		free(dir);
	}
	free(at);
}

/*
 * Whether what is mounted is the whole hierarchy, not the part that a container sees: only its
 * topmost group has or lacks these files.
 */
static bool cgroup_is_top(const char *mount, int version)
{
	char *file = mem_printf("%s/%s", mount, version == 1 ? "release_agent" : "cgroup.type");
	bool is_there = !access(file, F_OK);

	free(file);
	return is_there == (version == 1);
}

/* Return: whether it and all groups above it were looked at. */
static bool cgroup_read_version(struct host_vm *vm, const char *root, const char *path, int version)
{
	bool is_seen = false;

	for (int i = 0; cgroup_mounts[version == 1][i]; i++) {
		char *mount = mem_printf("%s%s", root, cgroup_mounts[version == 1][i]);
		char *dir = mem_printf("%s%s", mount, path);

		if (!access(dir, F_OK)) {
			cgroup_read_quotas(vm, mount, path);
			is_seen |= cgroup_is_top(mount, version);
		}
		free(dir);
		free(mount);
	}
	return is_seen;
}

/* Where version 1 has the CPU's hierarchy version 2 has none. */
static bool cgroup_read_lines(struct host_vm *vm, const char *root, const char *lines)
{
	bool is_seen = false;

	for (int version = 2; version >= 1; version--) {
		char *path = cgroup_path(lines, version);

		if (path)
			is_seen =
				!strstr(path, "..") && cgroup_read_version(vm, root, path, version);
		if (path && (!vm->cgroup || !strcmp(vm->cgroup, "/"))) {
			free(vm->cgroup);
			vm->cgroup = path;
		} else {
			free(path);
		}
	}
	return is_seen;
}

void cgroup_read(struct host_vm *vm, const char *root)
{
	char *lines = files_text(NULL, "%s/proc/%d/cgroup", root, vm->pid);

	vm->quota_us = vm->n_throttled = vm->throttled_us = -1;
	vm->quotas_seen = cgroup_read_lines(vm, root, lines);
	/* libvirt makes a group of its own for each vCPU; mostly all are in that of the process. */
	vec_each (v, &vm->vcpus) {
		char *own = files_text(NULL, "%s/proc/%d/task/%d/cgroup", root, vm->pid, v->tid);

		if (!own || !lines || strcmp(own, lines) != 0)
			vm->quotas_seen &= cgroup_read_lines(vm, root, own);
		free(own);
	}
	free(lines);
}
