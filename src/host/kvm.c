#include "host/kvm.h"

#include <stdio.h>
#include <string.h>

#include "host/files.h"

#define KVM_DEBUGFS "/sys/kernel/debug/kvm"

struct kvm_reading {
	struct host_vm *vm;
	struct host_vcpu *vcpu; /* whose directory it is, or NULL */
	const char *root;
	char *dir; /* owned */
};

static void kvm_counter(struct kvm_reading *k, const char *name)
{
	char *text = files_text(NULL, "%s/%s", k->dir, name), *end = text;
	long long value = text ? strtoll(text, &end, 10) : 0;

	/* Some files hold a table; one number, alone, is a counter. */
	if (text && end != text && !*end) {
		struct host_counter *c =
			k->vcpu ? vec_push(&k->vcpu->counters) : vec_push(&k->vm->counters);

		c->name = mem_strdup(name);
		c->value = value;
	}
	free(text);
}

static void kvm_vcpu_file(void *context, const char *name)
{
	struct kvm_reading *k = context;

	kvm_counter(k, name);
	if (!strcmp(name, "tsc-offset")) {
		struct host_counter *c =
			k->vcpu->counters.n ? &k->vcpu->counters.at[k->vcpu->counters.n - 1] : NULL;

		k->vcpu->has_tsc_offset = c && !strcmp(c->name, name);
		k->vcpu->tsc_offset = k->vcpu->has_tsc_offset ? c->value : 0;
	}
}

/* By the thread that the kernel names (6.0 on), else by the vCPU's number. */
static struct host_vcpu *kvm_vcpu(struct host_vm *vm, int tid, int number)
{
	vec_each (v, &vm->vcpus) {
		if (tid > 0 ? v->tid == tid : v->number == number)
			return v;
	}
	return NULL;
}

static void kvm_vcpu_dir(struct kvm_reading *k, const char *name, int number)
{
	char *dir = mem_printf("%s/%s", k->dir, name);
	struct host_vcpu *vcpu = kvm_vcpu(k->vm, (int)files_number(0, "%s/pid", dir), number);
	struct kvm_reading inner = {k->vm, vcpu, k->root, dir};

	if (vcpu) {
		vcpu->number = number;
		files_each(dir, kvm_vcpu_file, &inner);
	}
	free(dir);
}

static void kvm_vm_file(void *context, const char *name)
{
	struct kvm_reading *k = context;
	int number, n = 0;

	if (sscanf(name, "vcpu%d%n", &number, &n) == 1 && !name[n])
		kvm_vcpu_dir(k, name, number);
	else
		kvm_counter(k, name);
}

/* Directories are called PID-FD, one for each VM. */
static void kvm_dir(void *context, const char *name)
{
	struct kvm_reading *k = context;
	int pid, fd, n = 0;

	if (sscanf(name, "%d-%d%n", &pid, &fd, &n) != 2 || name[n] || pid != k->vm->pid)
		return;
	k->dir = mem_printf("%s" KVM_DEBUGFS "/%s", k->root, name);
	files_each(k->dir, kvm_vm_file, k);
	free(k->dir);
}

void kvm_read(struct host_vm *vm, const char *root)
{
	struct kvm_reading k = {.vm = vm, .root = root};
	char *dir = mem_printf("%s" KVM_DEBUGFS, root);

	files_each(dir, kvm_dir, &k);
	free(dir);
}
