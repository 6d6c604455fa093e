/* What is on a host, from made-up trees of /proc and /sys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "host/cgroup.h"
#include "host/cmdline.h"
#include "host/host.h"

struct tree {
	char root[64];
};

/* Makes all directories of the path, which is below the root. */
static char *path_for(const struct tree *t, const char *file)
{
	char *path = mem_printf("%s/%s", t->root, file);

	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	return path;
}

static void put_bytes(const struct tree *t, const char *file, const char *text, size_t n)
{
	char *path = path_for(t, file);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	fclose(f);
	free(path);
}

static void put(const struct tree *t, const char *file, const char *text)
{
	put_bytes(t, file, text, strlen(text));
}

static void put_link(const struct tree *t, const char *file, const char *to)
{
	char *path = path_for(t, file);

	assert_int_equal(symlink(to, path), 0);
	free(path);
}

static int setup(void **state)
{
	struct tree *t = mem_zalloc(1, sizeof(*t));

	snprintf(t->root, sizeof(t->root), "/tmp/vmscope-host-XXXXXX");
	*state = t;
	return mkdtemp(t->root) ? 0 : -1;
}

static int teardown(void **state)
{
	struct tree *t = *state;
	char *command = mem_printf("rm -rf '%s'", t->root);
	int r = system(command);

	free(command);
	free(t);
	return r;
}

static void thread(const struct tree *t, int pid, int tid, const char *comm)
{
	char file[80];

	snprintf(file, sizeof(file), "proc/%d/task/%d/comm", pid, tid);
	put(t, file, comm);
	snprintf(file, sizeof(file), "proc/%d/task/%d/schedstat", pid, tid);
	put(t, file, "123 456 7\n");
	snprintf(file, sizeof(file), "proc/%d/task/%d/status", pid, tid);
	put(t, file, "Name:\tx\nCpus_allowed:\tf\nCpus_allowed_list:\t2-3\nMems_allowed:\t1\n");
}

#define ARGS(t, file, args) put_bytes(t, file, args, sizeof(args))

/* A VM of libvirt's with two vCPUs and a quota on a group above its own; cgroup v2. */
static void make_qemu(const struct tree *t)
{
	ARGS(t, "proc/700/cmdline",
	     "/usr/bin/qemu-system-x86_64\0-name\0guest=web1,debug-threads=on\0-uuid\0"
	     "6f2a-11\0-smp\0002");
	put_link(t, "proc/700/fd/12", "anon_inode:kvm-vm");
	put_link(t, "proc/700/fd/3", "/dev/null");
	put(t, "proc/700/cgroup",
	    "0::/machine.slice/machine-qemu\\x2d1\\x2dweb1.scope/libvirt/emulator\n");
	thread(t, 700, 700, "qemu-system-x86\n");
	thread(t, 700, 712, "CPU 1/KVM\n");
	thread(t, 700, 711, "CPU 0/KVM\n");
	put(t,
	    "sys/fs/cgroup/machine.slice/machine-qemu\\x2d1\\x2dweb1.scope/libvirt/emulator/cpu.max",
	    "max 100000\n");
	put(t, "sys/fs/cgroup/machine.slice/machine-qemu\\x2d1\\x2dweb1.scope/cpu.max",
	    "40000 100000\n");
	put(t, "sys/fs/cgroup/machine.slice/cpu.max", "200000 100000\n");
	put(t, "sys/kernel/debug/kvm/700-12/halt_poll_success_ns", "789\n");
	put(t, "sys/kernel/debug/kvm/700-12/vcpu0/tsc-offset", "-5000000000\n");
	put(t, "sys/kernel/debug/kvm/700-12/vcpu0/pid", "711\n");
	put(t, "sys/kernel/debug/kvm/70-12/halt_poll_success_ns", "1\n");
}

static void finds_a_vm_of_libvirt(void **state)
{
	struct tree *t = *state;
	struct error err = {0};
	struct host h;

	make_qemu(t);
	put(t, "proc/sys/kernel/hostname", "hv7\n");
	put(t, "sys/module/kvm/parameters/halt_poll_ns", "200000\n");
	put(t, "proc/9/cmdline", ""); /* a thread of the kernel's */
	put(t, "proc/9/task/9/comm", "vcpu0\n");
	ARGS(t, "proc/10/cmdline", "/bin/sh\0-c\0x");
	assert_int_equal(host_init(&h, t->root, &err), 0);
	assert_string_equal(h.name, "hv7");
	assert_int_equal(h.halt_poll_ns, 200000);
	assert_int_equal(h.vms.n, 1);
	const struct host_vm *vm = &h.vms.at[0];

	assert_int_equal(vm->pid, 700);
	assert_string_equal(vm->name, "web1");
	assert_string_equal(vm->uuid, "6f2a-11");
	assert_string_equal(vm->monitor, "qemu");
	assert_int_equal(vm->quota_us, 40000);
	assert_int_equal(vm->period_us, 100000);
	assert_string_equal(vm->quota_cgroup, "/machine.slice/machine-qemu\\x2d1\\x2dweb1.scope");
	/* Of its vCPUs' own groups nothing was to be read. */
	assert_false(vm->quotas_seen);
	assert_int_equal(vm->vcpus.n, 2);
	assert_int_equal(vm->vcpus.at[0].tid, 711);
	assert_int_equal(vm->vcpus.at[0].number, 0);
	assert_true(vm->vcpus.at[0].has_tsc_offset);
	assert_int_equal(vm->vcpus.at[0].tsc_offset, -5000000000);
	assert_int_equal(vm->vcpus.at[0].ran_ns, 123);
	assert_int_equal(vm->vcpus.at[0].wait_ns, 456);
	assert_string_equal(vm->vcpus.at[0].cpus, "2-3");
	assert_false(vm->vcpus.at[1].has_tsc_offset);
	assert_int_equal(vm->counters.n, 1);
	assert_string_equal(vm->counters.at[0].name, "halt_poll_success_ns");
	assert_int_equal(vm->counters.at[0].value, 789);
	host_deinit(&h);
}

static void put_vcpus_in(const struct tree *t, const char *first, const char *second)
{
	put(t, "proc/700/task/711/cgroup", first);
	put(t, "proc/700/task/712/cgroup", second);
}

/* A quota of a vCPU's own group counts; none is known only if all groups were looked at. */
static void finds_quotas_of_vcpus(void **state)
{
	struct tree *t = *state;
	struct error err = {0};
	struct host h;

	make_qemu(t);
	put(t, "proc/700/cgroup", "0::/vm/emulator\n");
	put(t, "sys/fs/cgroup/vm/emulator/cpu.max", "max 100000\n");
	put(t, "sys/fs/cgroup/vm/vcpu0/cpu.max", "max 100000\n");
	put(t, "sys/fs/cgroup/vm/vcpu1/cpu.max", "max 100000\n");
	put_vcpus_in(t, "0::/vm/vcpu0\n", "0::/vm/vcpu1\n");
	assert_int_equal(host_init(&h, t->root, &err), 0);
	assert_true(h.vms.at[0].quotas_seen);
	assert_int_equal(h.vms.at[0].quota_us, -1);
	host_deinit(&h);
	put(t, "sys/fs/cgroup/vm/vcpu1/cpu.max", "30000 100000\n");
	assert_int_equal(host_init(&h, t->root, &err), 0);
	assert_int_equal(h.vms.at[0].quota_us, 30000);
	assert_string_equal(h.vms.at[0].quota_cgroup, "/vm/vcpu1");
	host_deinit(&h);
	/* What a container sees is not all: the topmost group has no type. */
	put(t, "sys/fs/cgroup/cgroup.type", "domain\n");
	assert_int_equal(host_init(&h, t->root, &err), 0);
	assert_false(h.vms.at[0].quotas_seen);
	host_deinit(&h);
}

/* Files of other users' processes cannot be seen; threads' names can. A quota of cgroup v1. */
static void finds_firecracker_by_its_threads(void **state)
{
	struct tree *t = *state;
	struct error err = {0};
	struct host h;

	ARGS(t, "proc/50/cmdline", "/opt/firecracker\0--api-sock\0/run/fc/db-7.sock");
	thread(t, 50, 50, "firecracker\n");
	thread(t, 50, 53, "fc_vcpu 0\n");
	put(t, "proc/50/cgroup", "5:cpu,cpuacct:/fc/db\n4:cpuset:/\n0::/\n");
	put(t, "sys/fs/cgroup/cpu,cpuacct/fc/db/cpu.cfs_quota_us", "20000\n");
	put(t, "sys/fs/cgroup/cpu,cpuacct/fc/db/cpu.cfs_period_us", "100000\n");
	/* A program whose thread happens to be called as a vCPU is no VM. */
	ARGS(t, "proc/60/cmdline", "/usr/bin/worker");
	thread(t, 60, 61, "vcpu3\n");
	assert_int_equal(host_init(&h, t->root, &err), 0);
	assert_int_equal(h.vms.n, 1);
	assert_string_equal(h.vms.at[0].name, "db-7");
	assert_string_equal(h.vms.at[0].monitor, "firecracker");
	assert_int_equal(h.vms.at[0].quota_us, 20000);
	assert_string_equal(h.vms.at[0].cgroup, "/fc/db");
	assert_int_equal(h.vms.at[0].vcpus.at[0].number, 0);
	assert_int_equal(h.halt_poll_ns, -1);
	host_deinit(&h);
}

static void says_when_there_is_no_proc(void **state)
{
	struct error err = {0};
	struct host h;

	(void)state;
	assert_int_equal(host_init(&h, "/nonexistent", &err), ERR);
	assert_non_null(strstr(err.text, "/nonexistent/proc"));
	error_deinit(&err);
	host_deinit(&h);
}

static void expect_name(const char *args, size_t n, const char *name)
{
	struct host_vm vm = {0};

	cmdline_read(&vm, args, n);
	if (name && (!vm.name || strcmp(vm.name, name) != 0))
		fail_msg("%s: expected '%s', is '%s'", args, name, vm.name ? vm.name : "NULL");
	if (!name)
		assert_null(vm.name);
	free(vm.name);
	free(vm.uuid);
	free(vm.monitor);
}

#define NAME(args, name) expect_name(args, sizeof(args), name)

static void reads_names_from_command_lines(void **state)
{
	(void)state;
	NAME("qemu-kvm\0-name\0web1", "web1");
	NAME("qemu-kvm\0--name\0web1,process=x", "web1");
	NAME("qemu-kvm\0-name\0process=x,guest=a,,b", "a,b");
	NAME("qemu-kvm\0-name\0debug-threads=on", NULL);
	NAME("qemu-kvm\0-name", NULL);
	NAME("cloud-hypervisor\0--api-socket\0path=/run/ch/vm3.sock,x=y", "vm3");
	NAME("firecracker\0--id=f1\0--api-sock\0/run/x.sock", "f1");
	NAME("crosvm\0run\0--name=c1", "c1");
}

static void expect_libvirt(const char *path, const char *name)
{
	char *got = cgroup_libvirt_name(path);

	if (name)
		assert_string_equal(got, name);
	else
		assert_null(got);
	free(got);
}

static void reads_names_from_libvirts_scopes(void **state)
{
	(void)state;
	expect_libvirt("/machine.slice/machine-qemu\\x2d12\\x2dweb\\x2d1.scope", "web-1");
	expect_libvirt("/machine.slice/machine-qemu\\x2d1\\x2dweb1.scope/emulator", "web1");
	expect_libvirt("/machine.slice/machine-qemu.scope", NULL);
	expect_libvirt("/machine.slice/machine-qemu\\x2dweb.scope", NULL);
	expect_libvirt("/user.slice", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(finds_a_vm_of_libvirt, setup, teardown),
		cmocka_unit_test_setup_teardown(finds_quotas_of_vcpus, setup, teardown),
		cmocka_unit_test_setup_teardown(finds_firecracker_by_its_threads, setup, teardown),
		cmocka_unit_test(says_when_there_is_no_proc),
		cmocka_unit_test(reads_names_from_command_lines),
		cmocka_unit_test(reads_names_from_libvirts_scopes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
