#include "events/required.h"

#include <fnmatch.h>
#include <string.h>

const struct required_event required_events[] = {
	{.names = {"kvm_x86_entry", "kvm_entry"},
	 .roles = ROLE_HOST,
	 .need = NEED_CORE,
	 .topic = "KVM: when each vCPU is in the guest",
	 .without = "when a vCPU was in the guest is not known"},
	{.names = {"kvm_x86_exit", "kvm_exit"},
	 .roles = ROLE_HOST,
	 .need = NEED_CORE,
	 .topic = "KVM: when each vCPU is in the guest",
	 .without = "when a vCPU left the guest, and why, is not known"},
	{.names = {"kvm_userspace_exit"},
	 .roles = ROLE_HOST,
	 .need = NEED_DETAIL,
	 .topic = "KVM: when each vCPU is in the guest",
	 .without = "time in user space (QEMU) is counted as time in the hypervisor"},
	{.names = {"kvm_x86_inj_virq", "kvm_inj_virq"},
	 .roles = ROLE_HOST,
	 .need = NEED_DETAIL,
	 .topic = "KVM: when each vCPU is in the guest",
	 .without = "by which interrupt a sleeping vCPU was woken is not known"},
	{.names = {"kvm_x86_apic_accept_irq", "kvm_apic_accept_irq"},
	 .roles = ROLE_HOST,
	 .need = NEED_DETAIL,
	 .topic = "KVM: when each vCPU is in the guest",
	 .without = "whether a timer, another vCPU or a device ended a vCPU's sleep is not known"},
	{.names = {"kvm_x86_eoi", "kvm_eoi"},
	 .roles = ROLE_HOST,
	 .need = NEED_HELP,
	 .topic = "KVM: when each vCPU is in the guest",
	 .without = "guest time seems to last until its end of an interrupt has been handled",
	 .is_rare = true},
	{.names = {"kvm_x86_nested_vmexit_inject", "kvm_nested_vmexit_inject"},
	 .roles = ROLE_HOST,
	 .need = NEED_HELP,
	 .topic = "KVM: when each vCPU is in the guest",
	 .without = "of a guest that runs guests itself, time of these is less exact",
	 .is_rare = true},
	{.names = {"kvm_x86_write_tsc_offset", "kvm_write_tsc_offset"},
	 .roles = ROLE_HOST,
	 .need = NEED_HELP,
	 .topic = "KVM: when each vCPU is in the guest",
	 .without = "TSC clocks of guests are not known by KVM's own word",
	 .is_rare = true},

	{.names = {"sched_switch"},
	 .roles = ROLE_BOTH,
	 .need = NEED_CORE,
	 .topic = "Scheduler: which thread runs on which CPU",
	 .without = "which thread runs on a CPU is not known, and so neither vCPUs nor preemption"},
	{.names = {"sched_wakeup", "sched_waking"},
	 .roles = ROLE_BOTH,
	 .need = NEED_DETAIL,
	 .topic = "Scheduler: which thread runs on which CPU",
	 .without = "waiting for a CPU after a wake-up is counted as halted or blocked"},
	{.names = {"sched_wakeup_new"},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic = "Scheduler: which thread runs on which CPU",
	 .without = "how long a new thread waited for its first CPU is not known"},
	{.names = {"sched_migrate_task"},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic = "Scheduler: which thread runs on which CPU",
	 .without = "a thread that moves while it waits is charged to the CPU it left"},

	{.names = {"sched_process_fork"},
	 .roles = ROLE_BOTH,
	 .need = NEED_DETAIL,
	 .topic = "Processes: names, and which threads belong together",
	 .without = "threads started during the recording belong to no process"},
	{.names = {"sched_process_exit"},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic = "Processes: names, and which threads belong together",
	 .without = "a thread that ended seems blocked for the rest of the recording"},
	{.names = {"lttng_statedump_process_state"},
	 .roles = ROLE_BOTH,
	 .need = NEED_DETAIL,
	 .topic = "Processes: names, and which threads belong together",
	 .without = "threads that were there before the recording belong to no process, so that "
		    "vCPUs of one VM may not be recognized as such"},
	{.names = {"lttng_statedump_process_pid_ns"},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic = "Processes: names, and which threads belong together",
	 .without =
		 "containers that were there before the recording are not seen (LTTng before 2.13 "
		 "tells them in lttng_statedump_process_state)"},

	{.names = {"irq_handler_entry"},
	 .roles = ROLE_BOTH,
	 .need = NEED_DETAIL,
	 .topic = "Interrupts: what interrupted whom, and where guest time ends exactly",
	 .without = "interrupts of devices are counted as time of the thread that they interrupt"},
	{.names = {"irq_handler_exit"},
	 .roles = ROLE_BOTH,
	 .need = NEED_DETAIL,
	 .topic = "Interrupts: what interrupted whom, and where guest time ends exactly",
	 .without = "the end of interrupts of devices is not known"},
	{.names = {"irq_softirq_entry", "softirq_entry"},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic = "Interrupts: what interrupted whom, and where guest time ends exactly",
	 .without = "softirqs are counted as time of the thread that they interrupt"},
	{.names = {"irq_softirq_exit", "softirq_exit"},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic = "Interrupts: what interrupted whom, and where guest time ends exactly",
	 .without = "the end of softirqs is not known"},
	{.names = {"x86_irq_vectors_local_timer_entry", "local_timer_entry"},
	 .roles = ROLE_BOTH,
	 .need = NEED_DETAIL,
	 .topic = "Interrupts: what interrupted whom, and where guest time ends exactly",
	 .without = "on a host, guest time seems to last until the interrupt's work is done; in a "
		    "guest, clocks are synchronized less exactly where there is no vmsync",
	 .enable = "'x86_irq_vectors_*'"},
	{.names = {"x86_irq_vectors_local_timer_exit", "local_timer_exit"},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic = "Interrupts: what interrupted whom, and where guest time ends exactly",
	 .without = "the end of timer interrupts is not known",
	 .enable = "'x86_irq_vectors_*'"},
	{.names = {"x86_irq_vectors_reschedule_entry", "reschedule_entry"},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic = "Interrupts: what interrupted whom, and where guest time ends exactly",
	 .without = "guest time may seem to last until another CPU's request has been served",
	 .enable = "'x86_irq_vectors_*'",
	 .is_rare = true},
	{.names = {"x86_irq_vectors_reschedule_exit", "reschedule_exit"},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic = "Interrupts: what interrupted whom, and where guest time ends exactly",
	 .without = "the end of another CPU's requests is not known",
	 .enable = "'x86_irq_vectors_*'",
	 .is_rare = true},
	{.names = {"x86_irq_vectors_call_function_entry", "call_function_entry"},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic = "Interrupts: what interrupted whom, and where guest time ends exactly",
	 .without = "guest time may seem to last until another CPU's call has been served",
	 .enable = "'x86_irq_vectors_*'",
	 .is_rare = true},
	{.names = {"x86_irq_vectors_call_function_exit", "call_function_exit"},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic = "Interrupts: what interrupted whom, and where guest time ends exactly",
	 .without = "the end of another CPU's calls is not known",
	 .enable = "'x86_irq_vectors_*'",
	 .is_rare = true},
	{.names = {"x86_irq_vectors_call_function_single_entry", "call_function_single_entry"},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic = "Interrupts: what interrupted whom, and where guest time ends exactly",
	 .without = "guest time may seem to last until another CPU's call has been served",
	 .enable = "'x86_irq_vectors_*'",
	 .is_rare = true},
	{.names = {"x86_irq_vectors_call_function_single_exit", "call_function_single_exit"},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic = "Interrupts: what interrupted whom, and where guest time ends exactly",
	 .without = "the end of another CPU's calls is not known",
	 .enable = "'x86_irq_vectors_*'",
	 .is_rare = true},

	{.names = {"timer_hrtimer_start", "hrtimer_start"},
	 .roles = ROLE_BOTH,
	 .need = NEED_DETAIL,
	 .topic = "Timers and idling: pairs of guest and host events that align the clocks",
	 .without = "in a guest, clocks are synchronized less exactly where there is no vmsync"},
	{.names = {"power_cpu_idle", "cpu_idle"},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic = "Timers and idling: pairs of guest and host events that align the clocks",
	 .without = "in a guest, when it decided to halt is not known"},

	{.names = {"syscall_entry_*", "sys_*"},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic =
		 "System calls (half of a busy machine's events; leave them out if it is too much)",
	 .without = "user code and system calls of a thread cannot be told apart",
	 .enable = "--syscall --all"},
	{.names = {"syscall_exit_*", "exit_syscall"},
	 .roles = ROLE_BOTH,
	 .need = NEED_HELP,
	 .topic =
		 "System calls (half of a busy machine's events; leave them out if it is too much)",
	 .without = "the end of system calls is not known",
	 .enable = "--syscall --all"},

	{.names = {"vmsync_gh_host"},
	 .roles = ROLE_HOST,
	 .need = NEED_HELP,
	 .topic = "vmsync: only with its kernel modules loaded; everything works without",
	 .without = "without vmsync on both sides, VMs and clocks are matched by other evidence",
	 .enable = "'vmsync_*'"},
	{.names = {"vmsync_hg_host"},
	 .roles = ROLE_HOST,
	 .need = NEED_HELP,
	 .topic = "vmsync: only with its kernel modules loaded; everything works without",
	 .without = "without vmsync on both sides, VMs and clocks are matched by other evidence",
	 .enable = "'vmsync_*'"},
	{.names = {"vmsync_gh_guest"},
	 .roles = ROLE_GUEST,
	 .need = NEED_HELP,
	 .topic = "vmsync: only with its kernel modules loaded; everything works without",
	 .without = "without vmsync on both sides, VMs and clocks are matched by other evidence",
	 .enable = "'vmsync_*'"},
	{.names = {"vmsync_hg_guest"},
	 .roles = ROLE_GUEST,
	 .need = NEED_HELP,
	 .topic = "vmsync: only with its kernel modules loaded; everything works without",
	 .without = "without vmsync on both sides, VMs and clocks are matched by other evidence",
	 .enable = "'vmsync_*'"},
};

const size_t n_required_events = sizeof(required_events) / sizeof(required_events[0]);

const char *role_name(enum role role)
{
	static const char *const names[] = {"unknown", "host", "guest", "host+guest"};

	return names[role & ROLE_BOTH];
}

/* Without the subsystem that ftrace and perf write before it ("kvm:"). */
static const char *bare_name(const char *name)
{
	const char *prefix_end = strpbrk(name, ":/");

	return prefix_end ? prefix_end + 1 : name;
}

bool required_matches(const struct required_event *r, const char *name)
{
	for (int i = 0; i < REQUIRED_NAMES && r->names[i]; i++) {
		if (!fnmatch(r->names[i], bare_name(name), 0))
			return true;
	}
	return false;
}

enum role role_told_by(const char *name)
{
	name = bare_name(name);
	if (!strncmp(name, "kvm_", 4))
		return ROLE_HOST;
	if (!strcmp(name, "vmsync_gh_guest") || !strcmp(name, "vmsync_hg_guest"))
		return ROLE_GUEST;
	return ROLE_UNKNOWN;
}
