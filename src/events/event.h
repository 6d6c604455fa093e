/*
 * event: what tracers write, as typed events of our own.
 *
 * The layout (layout.h) maps each tracer's names to these; nothing behind it knows a tracer.
 */
#ifndef VMSCOPE_EVENTS_EVENT_H
#define VMSCOPE_EVENTS_EVENT_H

#include <stdbool.h>
#include <stdint.h>

/* A string, or the bytes of an array; not NUL-terminated, borrowed from whoever read the event. */
struct event_text {
	const char *at; /* NULL: the field is absent */
	uint64_t n;	/* bytes; text is cut at its first NUL */
};

enum event_id {
#define EVENT(ID, member, ...) EV_##ID,
#define INT(member, field, ...)
#define TEXT(member, field, ...)
#define END(ID)
#include "events/events.def"
#undef EVENT
#undef INT
#undef TEXT
#undef END
	EV_N,
	EV_LOST,  /* events are missing between this one's time and lost.to */
	EV_OTHER, /* an event of no interest in itself, the first one after a kvm_entry */
};

/* A field that this tracer, or this version of it, does not record. */
#define NO_VALUE INT64_MIN

/* lttng_statedump_process_state: `type` of a kernel thread, `status` of one that sleeps */
enum { STATEDUMP_TYPE_KERNEL = 1, STATEDUMP_STATUS_WAIT = 5 };

/* enum trace_flag_type, include/linux/trace_events.h */
enum { TRACE_FLAG_HARDIRQ = 0x08, TRACE_FLAG_SOFTIRQ = 0x10, TRACE_FLAG_NMI = 0x40 };

/* PWR_EVENT_EXIT, include/trace/events/power.h */
#define POWER_CPU_IDLE_EXIT UINT32_MAX

struct event {
	int64_t ts;  /* ns by the recording's clock; on the reference clock once merged
			(timeline/merge.h) */
	uint16_t id; /* enum event_id */
	uint16_t machine;
	uint32_t cpu; /* of the machine */
	int64_t tid; /* thread in which it happened, by the tracer's word; NO_VALUE: not recorded */
	int64_t pid; /* its process, likewise */
	union {
		struct {
			struct event_text prev_comm, next_comm;
			int64_t prev_tid, prev_state, next_tid;
		} sched_switch;
		struct {
			struct event_text comm;
			int64_t tid, target_cpu;
			int64_t flags; /* ftrace's: in what the waker was interrupted */
		} sched_wakeup, sched_waking;
		struct {
			int64_t tid, dest_cpu;
		} sched_migrate_task;
		struct {
			struct event_text child_comm;
			struct event_text vtids; /* an int32_t per level of PID namespaces */
			/* In LTTng's words: a pid is the thread group's, a tid the thread's. */
			int64_t parent_tid, child_tid, child_pid, child_ns_inum;
		} sched_process_fork;
		struct {
			struct event_text name;
			int64_t tid, pid, ppid, type, status, ns_level, ns_inum;
		} statedump_process_state;
		struct {
			int64_t tid, ns_level, ns_inum;
		} statedump_pid_ns;
		struct {
			int64_t tid;
		} sched_process_exit;
		struct {
			struct event_text comm; /* of the thread that enters */
			int64_t vcpu_id;
		} kvm_entry;
		struct {
			int64_t reason, isa, vcpu_id, rip; /* see exit_reason_of() */
			int64_t ret;			   /* arm64 */
			int64_t info1, info2, intr_info;   /* see exit_detail_of() */
		} kvm_exit;
		struct {
			int64_t reason, error;
		} kvm_userspace_exit;
		struct {
			int64_t apicid, vector;
		} kvm_accept_irq;
		struct {
			int64_t vector;
		} kvm_inj_virq;
		struct {
			int64_t write, value; /* see exit_detail_told() */
		} kvm_detail;
		struct {
			int64_t previous, next; /* cycles, of guest - scaled host */
		} kvm_write_tsc_offset;
		struct {
			const char *name; /* "read"; lives as long as the trace. NULL: only its
					     number is known */
			int64_t cmd;	  /* of ioctl */
			int64_t number;
		} syscall_entry;
		struct {
			struct event_text handler;
			int64_t irq; /* its line; NO_VALUE: it has none, but a vector */
			int64_t vector;
			const char *of_vector; /* what the tracer calls that: "local_timer"; as
						  syscall_entry.name */
		} irq_entry;
		struct {
			int64_t vec; /* of include/linux/interrupt.h */
		} softirq_entry;
		struct {
			int64_t timer, function; /* addresses in the kernel */
		} hrtimer_entry;
		struct {
			int64_t timer;
		} hrtimer_exit;
		struct {
			int64_t ns;	/* since KVM began to wait */
			int64_t waited; /* 0: it only polled */
		} kvm_vcpu_wakeup;
		struct {
			int64_t state; /* POWER_CPU_IDLE_EXIT: leaves idle */
		} power_cpu_idle;
		struct {
			int64_t cnt, vm_uid;
		} vmsync;
		struct {
			int64_t to;    /* ns; INT64_MAX: until the end of the stream */
			int64_t count; /* 0: not known */
		} lost;
		struct {
		} none;
	};
};

/*
 * Return: whether a vCPU that was in the guest is there no more when this is recorded on its CPU.
 * KVM waits for the guest's timer after it has recorded the entry; of lost events nothing is known.
 */
static inline bool event_ends_guest(enum event_id id)
{
	return id != EV_KVM_WAIT_LAPIC_EXPIRE && id != EV_LOST;
}

/* Our preferred name of the event, as the first one in events.def. */
const char *event_name(enum event_id id);

#endif
