/*
 * kvm: what KVM tells of a VM in debugfs, which only root can read.
 */
#ifndef VMSCOPE_HOST_KVM_H
#define VMSCOPE_HOST_KVM_H

#include "host/vm.h"

/* Fills in counters, and TSC offsets of vCPUs; numbers of vCPUs that are not known yet. */
void kvm_read(struct host_vm *vm, const char *root);

#endif
