/*
 * events: what the simulated tracer can record, as one table.
 *
 * Names and layouts are those of lttng-modules 2.13 (facts taken from real metadata); with old
 * names those of up to 2.7 where they differ: kvm_entry and kvm_exit without the x86, exits without
 * vcpu_id, one state dump event per thread and namespace.
 */
#ifndef VMSCOPE_SIM_EVENTS_H
#define VMSCOPE_SIM_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum ev {
	EV_SCHED_SWITCH,
	EV_SCHED_WAKING,
	EV_SCHED_WAKEUP,
	EV_SCHED_WAKEUP_NEW,
	EV_SCHED_MIGRATE_TASK,
	EV_SCHED_STAT_RUNTIME,
	EV_HRTIMER_START,
	EV_HRTIMER_EXPIRE_ENTRY,
	EV_HRTIMER_EXPIRE_EXIT,
	EV_HRTIMER_CANCEL,
	EV_LOCAL_TIMER_ENTRY,
	EV_LOCAL_TIMER_EXIT,
	EV_RESCHEDULE_ENTRY,
	EV_RESCHEDULE_EXIT,
	EV_CALL_FUNCTION_ENTRY,
	EV_CALL_FUNCTION_EXIT,
	EV_SOFTIRQ_RAISE,
	EV_SOFTIRQ_ENTRY,
	EV_SOFTIRQ_EXIT,
	EV_IRQ_ENTRY,
	EV_IRQ_EXIT,
	EV_CPU_IDLE,
	EV_KVM_ENTRY,
	EV_KVM_EXIT,
	EV_KVM_INJ_VIRQ,
	EV_KVM_APIC_ACCEPT_IRQ,
	EV_KVM_EOI,
	EV_KVM_PV_EOI,
	EV_KVM_MSR,
	EV_KVM_EMULATE_INSN,
	EV_KVM_PAGE_FAULT,
	EV_KVM_CPUID,
	EV_KVM_CR,
	EV_KVM_PIO,
	EV_KVM_APIC,
	EV_KVM_APIC_IPI,
	EV_KVM_HYPERCALL,
	EV_KVM_WRITE_TSC_OFFSET,
	EV_KVM_USERSPACE_EXIT,
	EV_KVM_MMIO,
	EV_KVM_MSI_SET_IRQ,
	EV_VMSYNC_GH_HOST,
	EV_VMSYNC_HG_HOST,
	EV_VMSYNC_GH_GUEST,
	EV_VMSYNC_HG_GUEST,
	EV_FORK,
	EV_EXEC,
	EV_EXIT,
	EV_FREE,
	EV_WAIT,
	EV_STATEDUMP_START,
	EV_STATEDUMP_END,
	EV_STATEDUMP_PROCESS,
	EV_STATEDUMP_PID_NS,
	/* System calls: the exit follows its entry. */
	EV_SYS_READ,
	EV_SYS_READ_EXIT,
	EV_SYS_WRITE,
	EV_SYS_WRITE_EXIT,
	EV_SYS_IOCTL,
	EV_SYS_IOCTL_EXIT,
	EV_SYS_PREAD64,
	EV_SYS_PREAD64_EXIT,
	EV_SYS_RECVFROM,
	EV_SYS_RECVFROM_EXIT,
	EV_SYS_NANOSLEEP,
	EV_SYS_NANOSLEEP_EXIT,
	EV_SYS_FUTEX,
	EV_SYS_FUTEX_EXIT,
	EV_SYS_CLONE,
	EV_SYS_CLONE_EXIT,
	EV_SYS_EXECVE,
	EV_SYS_EXECVE_EXIT,
	EV_SYS_WAIT4,
	EV_SYS_WAIT4_EXIT,
	EV_SYS_EXIT_GROUP,
	/* Not recorded unless asked for. */
	EV_KVM_VCPU_WAKEUP,
	EV_KVM_HALT_POLL_NS,
	N_EV,
	N_USUAL_EV = EV_KVM_VCPU_WAKEUP
};

enum { MAX_FIELDS = 14, MAX_NS_LEVELS = 4, COMM_LEN = 16 };

/* Argument of a field of type `vtids`. */
struct vtids {
	uint8_t n;
	int32_t at[MAX_NS_LEVELS];
};

struct field {
	uint8_t type; /* private to events.c */
	uint8_t size; /* bytes, 0: varies */
	char name[24];
};

struct event_class {
	char name[48];
	struct field fields[MAX_FIELDS];
	unsigned n_fields;
	unsigned max_size; /* bytes of the payload at most; file names are cut to fit */
};

struct event_table {
	struct event_class at[N_EV];
};

void event_table_init(struct event_table *t, bool old_names);

/*
 * Writes the payload of an event at p, which has room for max_size bytes. One argument a field:
 * integers as they are, comm (16 bytes), strings and struct vtids as addresses.
 * Return: its size.
 */
size_t event_encode(const struct event_class *c, const uint64_t *args, uint8_t *p);

/* The event block of the metadata. */
void event_write_metadata(const struct event_class *c, unsigned id, unsigned channel, FILE *f);

/* Return: the name of the system call that ev enters, without a prefix. Never freed. */
const char *event_syscall_name(enum ev ev);

#endif
