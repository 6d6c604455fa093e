/*
 * syscall_name: system calls that the tracer has only a number for.
 *
 * raw_syscalls:sys_enter, which ftrace and perf record, has nothing else; and LTTng's own table is
 * as old as LTTng, so that it writes what is not in it as syscall_entry_unknown, with the number.
 * Source: Linux arch/x86/entry/syscalls/syscall_64.tbl; from 424 on all architectures have the same
 * numbers.
 */
#ifndef VMSCOPE_EVENTS_SYSCALL_NAME_H
#define VMSCOPE_EVENTS_SYSCALL_NAME_H

#include <stdint.h>

/* number: of x86-64, as a 64-bit program calls it. Return: its name, or "unknown". */
const char *syscall_name(int64_t number);

#endif
