#include "host/host.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/cgroup.h"
#include "host/cmdline.h"
#include "host/files.h"
#include "host/kvm.h"

/* ---- vCPUs ---------------------------------------------------------------------------------- */

/* Return: the number in a vCPU's thread name of QEMU, Firecracker or Cloud Hypervisor, or -1. */
static int host_vcpu_number(const char *comm)
{
	static const char *const forms[] = {"CPU %d/KVM%n", "CPU %d/TCG%n", "fc_vcpu %d%n",
					    "vcpu%d%n"};
	int number, n;

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		n = 0;
		if (sscanf(comm, forms[i], &number, &n) == 1 && n > 0 && !comm[n])
			return number;
	}
	return -1;
}

struct host_threads {
	struct host_vm *vm;
	const char *root;
};

static void host_read_vcpu(struct host_vcpu *v, const struct host_threads *t)
{
	unsigned long long ran, waited;
	char *status = files_text(NULL, "%s/proc/%d/task/%d/status", t->root, t->vm->pid, v->tid);
	char *sched = files_text(NULL, "%s/proc/%d/task/%d/schedstat", t->root, t->vm->pid, v->tid);

	v->cpus = files_value(status, "Cpus_allowed_list:");
	v->has_schedstat = sched && sscanf(sched, "%llu %llu", &ran, &waited) == 2;
	if (v->has_schedstat) {
		v->ran_ns = ran;
		v->wait_ns = waited;
	}
	free(sched);
	free(status);
}

static void host_take_thread(void *context, const char *name)
{
	struct host_threads *t = context;
	char *comm = files_text(NULL, "%s/proc/%d/task/%s/comm", t->root, t->vm->pid, name);
	int number = comm ? host_vcpu_number(comm) : -1;

	if (number < 0) {
		free(comm);
		return;
	}
	struct host_vcpu *v = vec_push(&t->vm->vcpus);

	v->tid = atoi(name);
	v->number = number;
	v->thread = comm;
	host_read_vcpu(v, t);
}

static int host_compare_vcpus(const void *a, const void *b)
{
	const struct host_vcpu *x = a, *y = b;

	return x->number != y->number ? (x->number > y->number) - (x->number < y->number)
				      : (x->tid > y->tid) - (x->tid < y->tid);
}

static void host_read_vcpus(struct host_vm *vm, const char *root)
{
	struct host_threads t = {vm, root};
	char *dir = mem_printf("%s/proc/%d/task", root, vm->pid);

	files_each(dir, host_take_thread, &t);
	free(dir);
	if (vm->vcpus.n)
		qsort(vm->vcpus.at, vm->vcpus.n, sizeof(*vm->vcpus.at), host_compare_vcpus);
}

/* ---- VMs ------------------------------------------------------------------------------------ */

struct host_process {
	const char *root;
	int pid;
	bool has_vm; /* one of its files is a VM of KVM's */
};

/* KVM gives a process one file for each VM, and one for each vCPU ("anon_inode:kvm-vcpu:0"). */
static void host_take_fd(void *context, const char *name)
{
	struct host_process *p = context;

	if (p->has_vm)
		return;
	char *to = files_link("%s/proc/%d/fd/%s", p->root, p->pid, name);

	p->has_vm = to && strstr(to, "anon_inode:kvm-vm") != NULL;
	free(to);
}

/* Return: whether a thread is called as vCPUs are: what is left where files cannot be seen. */
static bool host_has_vcpu_threads(const struct host_vm *vm)
{
	return vm->vcpus.n &&
	       (!strcmp(vm->monitor, "qemu") || !strcmp(vm->monitor, "firecracker") ||
		!strcmp(vm->monitor, "cloud-hypervisor"));
}

static void host_counters_deinit(struct host_counter *at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(at[i].name);
	free(at);
}

static void host_vm_deinit(struct host_vm *vm)
{
	vec_each (v, &vm->vcpus) {
		free(v->thread);
		free(v->cpus);
		host_counters_deinit(v->counters.at, v->counters.n);
	}
	vec_deinit(&vm->vcpus);
	host_counters_deinit(vm->counters.at, vm->counters.n);
	free(vm->name);
	free(vm->uuid);
	free(vm->monitor);
	free(vm->cgroup);
	free(vm->quota_cgroup);
}

struct host_search {
	struct host *host;
	const char *root;
};

/* Fills in all of a VM but its process. */
static void host_read_vm(struct host_vm *vm, const char *root)
{
	cgroup_read(vm, root);
	if (!vm->name && vm->cgroup)
		vm->name = cgroup_libvirt_name(vm->cgroup);
	kvm_read(vm, root);
}

static void host_take_process(void *context, const char *name)
{
	struct host_search *s = context;
	struct host_process p = {s->root, atoi(name), false};
	struct host_vm vm = {.pid = p.pid};
	size_t n = 0;

	if (p.pid <= 0 || name[strspn(name, "0123456789")])
		return;
	char *text = files_text(&n, "%s/proc/%d/cmdline", s->root, p.pid);
	char *dir = mem_printf("%s/proc/%d/fd", s->root, p.pid);

	if (text && n) { /* the kernel's threads have none */
		cmdline_read(&vm, text, n);
		files_each(dir, host_take_fd, &p);
		host_read_vcpus(&vm, s->root);
	}
	free(dir);
	free(text);
	if (vm.monitor && (p.has_vm || host_has_vcpu_threads(&vm))) {
		host_read_vm(&vm, s->root);
		*vec_push(&s->host->vms) = vm;
	} else {
		host_vm_deinit(&vm);
	}
}

static int host_compare_vms(const void *a, const void *b)
{
	const struct host_vm *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

/* ---- the host ------------------------------------------------------------------------------- */

static void host_count_cpu(void *context, const char *name)
{
	unsigned *n = context;
	int number, end = 0;

	if (sscanf(name, "cpu%d%n", &number, &end) == 1 && !name[end])
		++*n;
}

/* Return: "vmx" (Intel's) or "svm" (AMD's), or NULL. */
static char *host_virtualization(const char *root)
{
	char *text = files_text(NULL, "%s/proc/cpuinfo", root);
	char *flags = files_value(text, "flags");
	const char *found = flags && strstr(flags, " vmx")   ? "vmx"
			    : flags && strstr(flags, " svm") ? "svm"
							     : NULL;

	free(flags);
	free(text);
	return found ? mem_strdup(found) : NULL;
}

static void host_read_machine(struct host *h, const char *root)
{
	char *dir = mem_printf("%s/sys/devices/system/cpu", root);

	h->name = files_text(NULL, "%s/proc/sys/kernel/hostname", root);
	h->release = files_text(NULL, "%s/proc/sys/kernel/osrelease", root);
	h->clocksource = files_text(
		NULL, "%s/sys/devices/system/clocksource/clocksource0/current_clocksource", root);
	h->halt_poll_ns = files_number(-1, "%s/sys/module/kvm/parameters/halt_poll_ns", root);
	h->virtualization = host_virtualization(root);
	files_each(dir, host_count_cpu, &h->n_cpus);
	free(dir);
}

int host_init(struct host *h, const char *root, struct error *err)
{
	char *proc = mem_printf("%s/proc", root);
	int missing = access(proc, R_OK | X_OK) ? errno : 0;
	struct host_search s = {h, root};

	*h = (struct host){.halt_poll_ns = -1};
	if (!missing) {
		host_read_machine(h, root);
		files_each(proc, host_take_process, &s);
		if (h->vms.n)
			qsort(h->vms.at, h->vms.n, sizeof(*h->vms.at), host_compare_vms);
	}
	if (missing)
		error_errno(err, missing, "cannot read '%s'", proc);
	free(proc);
	return missing ? ERR : 0;
}

void host_deinit(struct host *h)
{
	vec_each (vm, &h->vms)
		host_vm_deinit(vm);
	vec_deinit(&h->vms);
	free(h->name);
	free(h->release);
	free(h->clocksource);
	free(h->virtualization);
	*h = (struct host){.halt_poll_ns = -1};
}

char *host_vm_label(const struct host_vm *vm)
{
	return vm->name ? mem_strdup(vm->name) : mem_printf("%s-%d", vm->monitor, vm->pid);
}
