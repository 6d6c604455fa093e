/*
 * cmdline: what the command line of a virtual machine monitor says of its VM.
 */
#ifndef VMSCOPE_HOST_CMDLINE_H
#define VMSCOPE_HOST_CMDLINE_H

#include <stddef.h>

#include "host/vm.h"

/* Fills in monitor, name and uuid. text: arguments, each ended by a NUL. */
void cmdline_read(struct host_vm *vm, const char *text, size_t n);

#endif
