/*
 * cgroup: what limits the CPU time of a process.
 */
#ifndef VMSCOPE_HOST_CGROUP_H
#define VMSCOPE_HOST_CGROUP_H

#include "host/vm.h"

/*
 * Fills in the VM's cgroup and the tightest quota of it, of its vCPUs' groups, which have to be
 * known, and of all above them.
 */
void cgroup_read(struct host_vm *vm, const char *root);

/* Return: the VM's name in a path that libvirt made ("machine-qemu\x2d1\x2dweb1.scope"), to be
 * freed, or NULL. */
char *cgroup_libvirt_name(const char *path);

#endif
