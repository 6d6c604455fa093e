#include "events/required.h"

#include <fnmatch.h>
#include <string.h>

/* trace-cmd and perf enable the kernel's own tracepoints. */
#define TRACE_CMD(...) [TRACER_TRACE_CMD] = {__VA_ARGS__}
#define KERNEL(...)    TRACE_CMD(__VA_ARGS__), [TRACER_PERF] = {__VA_ARGS__}
#define LTTNG(...)     [TRACER_LTTNG] = {__VA_ARGS__}

/*
 * perf may not sample irq_work_exit, which sampling brings about, and refuses all events with it.
 */
#define VECTORS(edge)                                            \
	{                                                        \
		[TRACER_TRACE_CMD] = "'irq_vectors:*_" edge "'", \
		[TRACER_LTTNG] = "'x86_irq_vectors_*'",          \
	}

const struct required_event required_events[] = {
	{.names = {KERNEL("kvm:kvm_entry"), LTTNG("kvm_x86_entry", "kvm_entry")},
	 .roles = ROLE_HOST,
	 .need = NEED_CORE,
	 .topic = "KVM: when each vCPU is in the guest",
	 .without = "when a vCPU was in the guest is not known"},
	{.names = {KERNEL("kvm:kvm_exit"), LTTNG("kvm_x86_exit", "kvm_exit")},
	 .roles = ROLE_HOST,
	 .need = NEED_CORE,
	 .topic = "KVM: when each vCPU is in the guest",
	 .without = "when a vCPU left the guest, and why, is not known"},
	{.names = {KERNEL("kvm:kvm_userspace_exit"), LTTNG("kvm_userspace_exit")},
	 .roles = ROLE_HOST,
	 .need = NEED_DETAIL,
	 .topic = "KVM: when each vCPU is in the guest",
	 .without = "time in user space (QEMU) is counted as time in the hypervisor"},
	{.names = {KERNEL("kvm:kvm_inj_virq"), LTTNG("kvm_x86_inj_virq", "kvm_inj_virq")},
	 .roles = ROLE_HOST,
	 .need = NEED_DETAIL,
	 .topic = "KVM: when each vCPU is in the guest",
	 .without = "by which interrupt a sleeping vCPU was woken is not known"},
	{.names = {KERNEL("kvm:kvm_apic_accept_irq"),
		   LTTNG("kvm_x86_apic_accept_irq", "kvm_apic_accept_irq")},
	 .roles = ROLE_HOST,
	 .need = NEED_DETAIL,
	 .topic = "KVM: when each vCPU is in the guest",
	 .without = "whether a timer, another vCPU or a device ended a vCPU's sleep is not known"},
	{.names = {KERNEL("kvm:kvm_vcpu_wakeup")},
	 .roles = ROLE_HOST,
	 .need = NEED_HELP,
	 .topic = "KVM: when each vCPU is in the guest",
	 .without = "how long KVM polled in each halt is known less exactly"},
	{.names = {KERNEL("kvm:kvm_eoi"), LTTNG("kvm_x86_eoi", "kvm_eoi")},
	 .roles = ROLE_HOST,
	 .need = NEED_HELP,
	 .topic = "KVM: when each vCPU is in the guest",
	 .without = "guest time seems to last until its end of an interrupt has been handled",
	 .is_rare = true},
	{.names = {KERNEL("kvm:kvm_nested_vmexit_inject"),
		   LTTNG("kvm_x86_nested_vmexit_inject", "kvm_nested_vmexit_inject")},
	 .roles = ROLE_HOST,
	 .need = NEED_HELP,
	 .topic = "KVM: when each vCPU is in the guest",
	 .without = "of a guest that runs guests itself, time of these is less exact",
	 .is_rare = true},
	{.names = {KERNEL("kvm:kvm_write_tsc_offset"),
		   LTTNG("kvm_x86_write_tsc_offset", "kvm_write_tsc_offset")},
	 .roles = ROLE_HOST,
	 .need = NEED_HELP,
	 .topic = "KVM: when each vCPU is in the guest",
	 .without = "TSC clocks of guests are not known by KVM's own word",
	 .is_rare = true},

	{.names = {KERNEL("kvm:kvm_msr"), LTTNG("kvm_x86_msr", "kvm_msr")},
	 .roles = ROLE_HOST,
	 .need = NEED_HELP,
	 .topic = "KVM: what each exit is about",
	 .without = "which MSR an exit reads or writes is not known",
	 .is_rare = true},
	{.names = {KERNEL("kvm:kvm_pio"), LTTNG("kvm_x86_pio", "kvm_pio")},
	 .roles = ROLE_HOST,
	 .need = NEED_HELP,
	 .topic = "KVM: what each exit is about",
	 .without = "which I/O port an exit is about is known from its reason's details alone",
	 .is_rare = true},
	/* LTTng 2.13.9 can crash a vCPU by the first on 6.1, and does not have the second. */
	{.names = {KERNEL("kvm:kvm_mmio")},
	 .roles = ROLE_HOST,
	 .need = NEED_HELP,
	 .topic = "KVM: what each exit is about",
	 .without = "which address of a device an exit is about is not known",
	 .is_rare = true},
	{.names = {KERNEL("kvm:kvm_fast_mmio")},
	 .roles = ROLE_HOST,
	 .need = NEED_HELP,
	 .topic = "KVM: what each exit is about",
	 .without =
		 "which address of a device that is handled in the kernel an exit is about is not known",
	 .is_rare = true},
	{.names = {KERNEL("kvm:kvm_apic"), LTTNG("kvm_x86_apic", "kvm_apic")},
	 .roles = ROLE_HOST,
	 .need = NEED_HELP,
	 .topic = "KVM: what each exit is about",
	 .without = "which register of the local APIC an exit is about is not known",
	 .is_rare = true},
	{.names = {KERNEL("kvm:kvm_page_fault"), LTTNG("kvm_x86_page_fault", "kvm_page_fault")},
	 .roles = ROLE_HOST,
	 .need = NEED_HELP,
	 .topic = "KVM: what each exit is about",
	 .without = "on Intel, at which address memory is missing is not known",
	 .is_rare = true},
	{.names = {KERNEL("kvm:kvm_cpuid"), LTTNG("kvm_x86_cpuid", "kvm_cpuid")},
	 .roles = ROLE_HOST,
	 .need = NEED_HELP,
	 .topic = "KVM: what each exit is about",
	 .without = "what a CPUID exit asks for is not known",
	 .is_rare = true},
	{.names = {KERNEL("kvm:kvm_cr"), LTTNG("kvm_x86_cr", "kvm_cr")},
	 .roles = ROLE_HOST,
	 .need = NEED_HELP,
	 .topic = "KVM: what each exit is about",
	 .without =
		 "which control register an exit is about is known from its reason's details alone",
	 .is_rare = true},
	{.names = {KERNEL("kvm:kvm_hypercall"), LTTNG("kvm_x86_hypercall", "kvm_hypercall")},
	 .roles = ROLE_HOST,
	 .need = NEED_HELP,
	 .topic = "KVM: what each exit is about",
	 .without = "which hypercall an exit is for is not known",
	 .is_rare = true},
	{.names = {KERNEL("kvm:kvm_hv_hypercall"),
		   LTTNG("kvm_x86_hv_hypercall", "kvm_hv_hypercall")},
	 .roles = ROLE_HOST,
	 .need = NEED_HELP,
	 .topic = "KVM: what each exit is about",
	 .without =
		 "of a guest that takes KVM for Hyper-V, which hypercall an exit is for is not known",
	 .is_rare = true},

	{.names = {KERNEL("sched:sched_switch"), LTTNG("sched_switch")},
	 .roles = ROLE_BOTH,
	 .need = NEED_CORE,
	 .topic = "Scheduler: which thread runs on which CPU",
	 .without = "which thread runs on a CPU is not known, and so neither vCPUs nor preemption",
	 .without_of_host =
		 "vCPUs are found and their exits timed, but whether a vCPU slept, waited or "
		 "worked between an exit and the next entry is not known"},
	{.names = {KERNEL("sched:sched_wakeup", "sched:sched_waking"),
		   LTTNG("sched_wakeup", "sched_waking")},
	 .roles = ROLE_BOTH,
	 .need = NEED_DETAIL,
	 .topic = "Scheduler: which thread runs on which CPU",
	 .without = "waiting for a CPU after a wake-up is counted as halted or blocked"},
	{.names = {KERNEL("sched:sched_wakeup_new"), LTTNG("sched_wakeup_new")},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic = "Scheduler: which thread runs on which CPU",
	 .without = "how long a new thread waited for its first CPU is not known"},
	{.names = {KERNEL("sched:sched_migrate_task"), LTTNG("sched_migrate_task")},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic = "Scheduler: which thread runs on which CPU",
	 .without = "a thread that moves while it waits is charged to the CPU it left"},

	{.names = {TRACE_CMD("sched:sched_waking")},
	 .roles = ROLE_HOST,
	 .need = NEED_HELP,
	 .topic = "Who wakes whom: threads of one VM wake each other",
	 .without = "which vCPUs are of one VM is told by fewer wake-ups between their threads"},

	/* perf tells of each thread when it begins and ends, and its process; trace-cmd knows no
	   processes. */
	{.names = {LTTNG("sched_process_fork")},
	 .roles = ROLE_BOTH,
	 .need = NEED_DETAIL,
	 .topic = "Processes: names, and which threads belong together",
	 .without = "threads started during the recording belong to no process"},
	{.names = {TRACE_CMD("sched:sched_process_fork")},
	 .roles = ROLE_BOTH,
	 .need = NEED_DETAIL,
	 .topic = "Processes: names, and which threads belong together",
	 .without = "which thread made which is not known, and so less of who belongs together"},
	{.names = {TRACE_CMD("sched:sched_process_exit"), LTTNG("sched_process_exit")},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic = "Processes: names, and which threads belong together",
	 .without = "a thread that ended seems blocked for the rest of the recording"},
	{.names = {LTTNG("lttng_statedump_process_state")},
	 .roles = ROLE_BOTH,
	 .need = NEED_DETAIL,
	 .topic = "Processes: names, and which threads belong together",
	 .without = "threads that were there before the recording belong to no process, so that "
		    "vCPUs of one VM may not be recognized as such"},
	{.names = {LTTNG("lttng_statedump_process_pid_ns")},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic = "Processes: names, and which threads belong together",
	 .without =
		 "containers that were there before the recording are not seen (LTTng before 2.13 "
		 "tells them in lttng_statedump_process_state)"},

	{.names = {KERNEL("irq:irq_handler_entry"), LTTNG("irq_handler_entry")},
	 .roles = ROLE_BOTH,
	 .need = NEED_DETAIL,
	 .topic = "Interrupts: what interrupted whom, and where guest time ends exactly",
	 .without = "interrupts of devices are counted as time of the thread that they interrupt"},
	{.names = {KERNEL("irq:irq_handler_exit"), LTTNG("irq_handler_exit")},
	 .roles = ROLE_BOTH,
	 .need = NEED_DETAIL,
	 .topic = "Interrupts: what interrupted whom, and where guest time ends exactly",
	 .without = "the end of interrupts of devices is not known"},
	{.names = {KERNEL("irq:softirq_entry"), LTTNG("irq_softirq_entry", "softirq_entry")},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic = "Interrupts: what interrupted whom, and where guest time ends exactly",
	 .without = "softirqs are counted as time of the thread that they interrupt"},
	{.names = {KERNEL("irq:softirq_exit"), LTTNG("irq_softirq_exit", "softirq_exit")},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic = "Interrupts: what interrupted whom, and where guest time ends exactly",
	 .without = "the end of softirqs is not known"},
	{.names = {KERNEL("irq_vectors:local_timer_entry"),
		   LTTNG("x86_irq_vectors_local_timer_entry", "local_timer_entry")},
	 .roles = ROLE_BOTH,
	 .need = NEED_DETAIL,
	 .topic = "Interrupts: what interrupted whom, and where guest time ends exactly",
	 .without = "on a host, guest time seems to last until the interrupt's work is done; in a "
		    "guest, clocks are synchronized less exactly where there is no vmsync",
	 .enable = VECTORS("entry")},
	{.names = {KERNEL("irq_vectors:local_timer_exit"),
		   LTTNG("x86_irq_vectors_local_timer_exit", "local_timer_exit")},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic = "Interrupts: what interrupted whom, and where guest time ends exactly",
	 .without = "the end of timer interrupts is not known",
	 .enable = VECTORS("exit")},
	{.names = {KERNEL("irq_vectors:reschedule_entry"),
		   LTTNG("x86_irq_vectors_reschedule_entry", "reschedule_entry")},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic = "Interrupts: what interrupted whom, and where guest time ends exactly",
	 .without = "guest time may seem to last until another CPU's request has been served",
	 .enable = VECTORS("entry"),
	 .is_rare = true},
	{.names = {KERNEL("irq_vectors:reschedule_exit"),
		   LTTNG("x86_irq_vectors_reschedule_exit", "reschedule_exit")},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic = "Interrupts: what interrupted whom, and where guest time ends exactly",
	 .without = "the end of another CPU's requests is not known",
	 .enable = VECTORS("exit"),
	 .is_rare = true},
	{.names = {KERNEL("irq_vectors:call_function_entry"),
		   LTTNG("x86_irq_vectors_call_function_entry", "call_function_entry")},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic = "Interrupts: what interrupted whom, and where guest time ends exactly",
	 .without = "guest time may seem to last until another CPU's call has been served",
	 .enable = VECTORS("entry"),
	 .is_rare = true},
	{.names = {KERNEL("irq_vectors:call_function_exit"),
		   LTTNG("x86_irq_vectors_call_function_exit", "call_function_exit")},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic = "Interrupts: what interrupted whom, and where guest time ends exactly",
	 .without = "the end of another CPU's calls is not known",
	 .enable = VECTORS("exit"),
	 .is_rare = true},
	{.names = {KERNEL("irq_vectors:call_function_single_entry"),
		   LTTNG("x86_irq_vectors_call_function_single_entry",
			 "call_function_single_entry")},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic = "Interrupts: what interrupted whom, and where guest time ends exactly",
	 .without = "guest time may seem to last until another CPU's call has been served",
	 .enable = VECTORS("entry"),
	 .is_rare = true},
	{.names = {KERNEL("irq_vectors:call_function_single_exit"),
		   LTTNG("x86_irq_vectors_call_function_single_exit", "call_function_single_exit")},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic = "Interrupts: what interrupted whom, and where guest time ends exactly",
	 .without = "the end of another CPU's calls is not known",
	 .enable = VECTORS("exit"),
	 .is_rare = true},

	{.names = {KERNEL("timer:hrtimer_start"), LTTNG("timer_hrtimer_start", "hrtimer_start")},
	 .roles = ROLE_BOTH,
	 .need = NEED_DETAIL,
	 .topic = "Timers and idling: pairs of guest and host events that align the clocks",
	 .without = "in a guest, clocks are synchronized less exactly where there is no vmsync"},
	{.names = {KERNEL("timer:hrtimer_expire_entry"),
		   LTTNG("timer_hrtimer_expire_entry", "hrtimer_expire_entry")},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic = "Timers and idling: pairs of guest and host events that align the clocks",
	 .without = "timers' handlers have no name, a host's quotas show only where its CPUs idle, "
		    "and how long a cycle of its clock is is known less well"},
	{.names = {KERNEL("timer:hrtimer_expire_exit"),
		   LTTNG("timer_hrtimer_expire_exit", "hrtimer_expire_exit")},
	 .roles = ROLE_HOST,
	 .need = NEED_HELP,
	 .topic = "Timers and idling: pairs of guest and host events that align the clocks",
	 .without = "when a timer's handler is done is not known"},
	{.names = {KERNEL("power:cpu_idle"), LTTNG("power_cpu_idle", "cpu_idle")},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic = "Timers and idling: pairs of guest and host events that align the clocks",
	 .without = "in a guest, when it decided to halt is not known"},

	{.names = {KERNEL("raw_syscalls:sys_enter", "syscalls:sys_enter_*"),
		   LTTNG("syscall_entry_*", "sys_*")},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic = "System calls, half of a busy machine's events: SYSCALLS=no leaves them out",
	 .without = "user code and system calls of a thread cannot be told apart",
	 .enable = {[TRACER_PERF] = "raw_syscalls:sys_enter --exclude-perf",
		    [TRACER_LTTNG] = "--syscall --all"},
	 .is_bulky = true},
	{.names = {KERNEL("raw_syscalls:sys_exit", "syscalls:sys_exit_*"),
		   LTTNG("syscall_exit_*", "exit_syscall", "sys_exit*")},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic = "System calls, half of a busy machine's events: SYSCALLS=no leaves them out",
	 .without = "the end of system calls is not known",
	 .enable = {[TRACER_PERF] = "raw_syscalls:sys_exit --exclude-perf",
		    [TRACER_LTTNG] = "--syscall --all"},
	 .is_bulky = true},

	{.names = {LTTNG("vmsync_gh_host")},
	 .roles = ROLE_HOST,
	 .need = NEED_HELP,
	 .topic = "vmsync: only with its kernel modules loaded; everything works without",
	 .without = "without vmsync on both sides, VMs and clocks are matched by other evidence",
	 .enable = {[TRACER_LTTNG] = "'vmsync_*'"}},
	{.names = {LTTNG("vmsync_hg_host")},
	 .roles = ROLE_HOST,
	 .need = NEED_HELP,
	 .topic = "vmsync: only with its kernel modules loaded; everything works without",
	 .without = "without vmsync on both sides, VMs and clocks are matched by other evidence",
	 .enable = {[TRACER_LTTNG] = "'vmsync_*'"}},
	{.names = {LTTNG("vmsync_gh_guest")},
	 .roles = ROLE_GUEST,
	 .need = NEED_HELP,
	 .topic = "vmsync: only with its kernel modules loaded; everything works without",
	 .without = "without vmsync on both sides, VMs and clocks are matched by other evidence",
	 .enable = {[TRACER_LTTNG] = "'vmsync_*'"}},
	{.names = {LTTNG("vmsync_hg_guest")},
	 .roles = ROLE_GUEST,
	 .need = NEED_HELP,
	 .topic = "vmsync: only with its kernel modules loaded; everything works without",
	 .without = "without vmsync on both sides, VMs and clocks are matched by other evidence",
	 .enable = {[TRACER_LTTNG] = "'vmsync_*'"}},
};

const size_t n_required_events = sizeof(required_events) / sizeof(required_events[0]);

static const char *const tracer_names[N_TRACERS] = {
	[TRACER_TRACE_CMD] = "trace-cmd",
	[TRACER_PERF] = "perf",
	[TRACER_LTTNG] = "lttng",
};

const char *tracer_name(enum tracer tracer)
{
	return tracer_names[tracer];
}

enum tracer tracer_of(const char *text)
{
	for (int i = 0; i < N_TRACERS; i++) {
		if (!strncmp(text, tracer_names[i], strlen(tracer_names[i])))
			return (enum tracer)i;
	}
	return TRACER_LTTNG;
}

/* Without the subsystem that ftrace and perf write before it ("kvm:"). */
static const char *bare_name(const char *name)
{
	const char *prefix_end = strpbrk(name, ":/");

	return prefix_end ? prefix_end + 1 : name;
}

bool required_by(const struct required_event *r, enum tracer tracer)
{
	return r->names[tracer][0] != NULL;
}

const char *required_name(const struct required_event *r, enum tracer tracer)
{
	const char *name = r->names[tracer][0];

	return tracer == TRACER_TRACE_CMD ? bare_name(name) : name;
}

bool required_matches(const struct required_event *r, enum tracer tracer, const char *name)
{
	for (int i = 0; i < REQUIRED_NAMES && r->names[tracer][i]; i++) {
		if (!fnmatch(bare_name(r->names[tracer][i]), bare_name(name), 0))
			return true;
	}
	return false;
}

const char *required_without(const struct required_event *r, unsigned roles, bool knows_threads)
{
	return knows_threads && (roles & ROLE_HOST) && r->without_of_host ? r->without_of_host
									  : r->without;
}

const char *required_presence_name(enum required_presence presence)
{
	static const char *const names[] = {[REQUIRED_ABSENT] = "not described",
					    [REQUIRED_NEVER] = "never recorded",
					    [REQUIRED_NONE] = "not recorded",
					    [REQUIRED_RECORDED] = "recorded",
					    [REQUIRED_NOT_NEEDED] = "not needed"};

	return names[presence];
}

static bool is_needed(const struct required_event *r, const struct required_recording *in)
{
	return (r->roles & in->roles) && required_by(r, in->tracer);
}

/* Return: what it means that the event is described, but none was recorded. */
static enum required_presence meaning_of_none(const struct required_event *r,
					      const struct required_recording *in)
{
	if (r->is_rare)
		return REQUIRED_NOT_NEEDED;
	return in->lists_unrecorded ? REQUIRED_NONE : REQUIRED_NEVER;
}

enum required_presence required_presence(const struct required_event *r,
					 const struct required_recording *in)
{
	enum required_presence presence = REQUIRED_ABSENT;

	if (!is_needed(r, in))
		return REQUIRED_NOT_NEEDED;
	for (size_t i = 0; i < in->n_seen; i++) {
		if (!required_matches(r, in->tracer, in->seen[i].name))
			continue;
		if (in->seen[i].is_recorded)
			return REQUIRED_RECORDED;
		presence = meaning_of_none(r, in);
	}
	return presence;
}
