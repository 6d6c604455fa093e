#include "events.h"

#include <string.h>

enum type { U8, U16, U32, U64, S32, S64, X64, COMM, STRING, VTIDS, INSN, BYTES2 };

static const struct {
	const char *name;
	enum type type;
	uint8_t size;
	uint8_t max_size;
	const char *tsdl; /* with %s for the field's name */
} TYPES[] = {
	[U8] = {"u8", U8, 1, 1, "integer { size = 8; align = 8; signed = 0; } _%s;"},
	[U16] = {"u16", U16, 2, 2, "integer { size = 16; align = 8; signed = 0; } _%s;"},
	[U32] = {"u32", U32, 4, 4, "integer { size = 32; align = 8; signed = 0; } _%s;"},
	[U64] = {"u64", U64, 8, 8, "integer { size = 64; align = 8; signed = 0; } _%s;"},
	[S32] = {"s32", S32, 4, 4, "integer { size = 32; align = 8; signed = 1; } _%s;"},
	[S64] = {"s64", S64, 8, 8, "integer { size = 64; align = 8; signed = 1; } _%s;"},
	[X64] = {"x64", X64, 8, 8,
		 "integer { size = 64; align = 8; signed = 0; encoding = none; base = 16; } _%s;"},
	[COMM] = {"comm", COMM, 16, 16,
		  "integer { size = 8; align = 8; signed = 1; encoding = UTF8; base = 10; } "
		  "_%s[16];"},
	[STRING] = {"str", STRING, 0, 64, "string _%s;"},
	[VTIDS] = {"vtids", VTIDS, 0, 1 + 4 * MAX_NS_LEVELS,
		   "integer { size = 8; align = 8; signed = 0; } __%s_length;\n\t\t"
		   "integer { size = 32; align = 8; signed = 1; } _%s[ __%s_length ];"},
	[INSN] = {"insn", INSN, 15, 15, "integer { size = 8; align = 8; signed = 0; } _%s[15];"},
	[BYTES2] = {"bytes2", BYTES2, 0, 6,
		    "integer { size = 32; align = 8; signed = 0; } __%s_length;\n\t\t"
		    "integer { size = 8; align = 8; signed = 0; base = 16; } _%s[ __%s_length ];"},
};

struct spec {
	const char *name;
	const char *fields;
};

#define TASK_FIELDS  "comm:comm s32:tid s32:prio"
#define WAKE_FIELDS  TASK_FIELDS " s32:target_cpu"
#define START_FIELDS "x64:hrtimer x64:function s64:expires s64:softexpires u32:mode"
#define FORK_FIELDS                                                          \
	"comm:parent_comm s32:parent_tid s32:parent_pid u32:parent_ns_inum " \
	"comm:child_comm s32:child_tid vtids:vtids s32:child_pid u32:child_ns_inum"
#define EXIT_FIELDS                                                                \
	"u32:exit_reason u64:guest_rip u32:isa u64:info1 u64:info2 u32:intr_info " \
	"u32:error_code"
#define SWITCH_FIELDS                                               \
	"comm:prev_comm s32:prev_tid s32:prev_prio s64:prev_state " \
	"comm:next_comm s32:next_tid s32:next_prio"
#define FUTEX_FIELDS "u64:uaddr s32:op u32:val u64:utime u64:uaddr2 u32:val3"

static const struct spec SPECS[N_EV] = {
	[EV_SCHED_SWITCH] = {"sched_switch", SWITCH_FIELDS},
	[EV_SCHED_WAKING] = {"sched_waking", WAKE_FIELDS},
	[EV_SCHED_WAKEUP] = {"sched_wakeup", WAKE_FIELDS},
	[EV_SCHED_WAKEUP_NEW] = {"sched_wakeup_new", WAKE_FIELDS},
	[EV_SCHED_MIGRATE_TASK] = {"sched_migrate_task", TASK_FIELDS " s32:orig_cpu s32:dest_cpu"},
	[EV_SCHED_STAT_RUNTIME] = {"sched_stat_runtime",
				   "comm:comm s32:tid u64:runtime u64:vruntime"},
	[EV_HRTIMER_START] = {"timer_hrtimer_start", START_FIELDS},
	[EV_HRTIMER_EXPIRE_ENTRY] = {"timer_hrtimer_expire_entry",
				     "x64:hrtimer s64:now x64:function"},
	[EV_HRTIMER_EXPIRE_EXIT] = {"timer_hrtimer_expire_exit", "x64:hrtimer"},
	[EV_HRTIMER_CANCEL] = {"timer_hrtimer_cancel", "x64:hrtimer"},
	[EV_LOCAL_TIMER_ENTRY] = {"x86_irq_vectors_local_timer_entry", "s32:vector"},
	[EV_LOCAL_TIMER_EXIT] = {"x86_irq_vectors_local_timer_exit", "s32:vector"},
	[EV_RESCHEDULE_ENTRY] = {"x86_irq_vectors_reschedule_entry", "s32:vector"},
	[EV_RESCHEDULE_EXIT] = {"x86_irq_vectors_reschedule_exit", "s32:vector"},
	[EV_CALL_FUNCTION_ENTRY] = {"x86_irq_vectors_call_function_single_entry", "s32:vector"},
	[EV_CALL_FUNCTION_EXIT] = {"x86_irq_vectors_call_function_single_exit", "s32:vector"},
	[EV_SOFTIRQ_RAISE] = {"irq_softirq_raise", "u32:vec"},
	[EV_SOFTIRQ_ENTRY] = {"irq_softirq_entry", "u32:vec"},
	[EV_SOFTIRQ_EXIT] = {"irq_softirq_exit", "u32:vec"},
	[EV_IRQ_ENTRY] = {"irq_handler_entry", "s32:irq str:name"},
	[EV_IRQ_EXIT] = {"irq_handler_exit", "s32:irq s32:ret"},
	[EV_CPU_IDLE] = {"power_cpu_idle", "u32:state u32:cpu_id"},
	[EV_KVM_ENTRY] = {"kvm_x86_entry", "u32:vcpu_id"},
	[EV_KVM_EXIT] = {"kvm_x86_exit", EXIT_FIELDS " u32:vcpu_id"},
	[EV_KVM_INJ_VIRQ] = {"kvm_x86_inj_virq", "u32:irq"},
	[EV_KVM_APIC_ACCEPT_IRQ] = {"kvm_x86_apic_accept_irq",
				    "u32:apicid u16:dm u8:tm u8:vec u8:coalesced"},
	[EV_KVM_EOI] = {"kvm_x86_eoi", "u32:apicid s32:vector"},
	[EV_KVM_PV_EOI] = {"kvm_x86_pv_eoi", "u32:apicid s32:vector"},
	[EV_KVM_MSR] = {"kvm_x86_msr", "u32:write u32:ecx u64:data u8:exception"},
	[EV_KVM_EMULATE_INSN] = {"kvm_x86_emulate_insn",
				 "u64:rip u32:csbase u8:len insn:insn u8:flags u8:failed"},
	[EV_KVM_PAGE_FAULT] = {"kvm_x86_page_fault", "x64:fault_address u32:error_code"},
	[EV_KVM_CPUID] = {"kvm_x86_cpuid", "u32:function u64:rax u64:rbx u64:rcx u64:rdx"},
	[EV_KVM_CR] = {"kvm_x86_cr", "u32:rw u32:cr u64:val"},
	[EV_KVM_PIO] = {"kvm_x86_pio", "u32:rw u32:port u32:size u32:count"},
	[EV_KVM_APIC] = {"kvm_x86_apic", "u32:rw u32:reg u32:val"},
	[EV_KVM_APIC_IPI] = {"kvm_x86_apic_ipi", "u32:icr_low u32:dest_id"},
	[EV_KVM_HYPERCALL] = {"kvm_x86_hypercall", "u64:nr u64:a0 u64:a1 u64:a2 u64:a3"},
	[EV_KVM_WRITE_TSC_OFFSET] = {"kvm_x86_write_tsc_offset",
				     "u32:vcpu_id u64:previous_tsc_offset u64:next_tsc_offset"},
	[EV_KVM_USERSPACE_EXIT] = {"kvm_userspace_exit", "u32:reason s32:errno"},
	[EV_KVM_MMIO] = {"kvm_mmio", "u32:type u32:len x64:gpa bytes2:val"},
	[EV_KVM_MSI_SET_IRQ] = {"kvm_msi_set_irq", "x64:address u64:data"},
	[EV_VMSYNC_GH_HOST] = {"vmsync_gh_host", "u32:cnt u64:vm_uid"},
	[EV_VMSYNC_HG_HOST] = {"vmsync_hg_host", "u32:cnt u64:vm_uid"},
	[EV_VMSYNC_GH_GUEST] = {"vmsync_gh_guest", "u32:cnt u64:vm_uid"},
	[EV_VMSYNC_HG_GUEST] = {"vmsync_hg_guest", "u32:cnt u64:vm_uid"},
	[EV_FORK] = {"sched_process_fork", FORK_FIELDS},
	[EV_EXEC] = {"sched_process_exec", "str:filename s32:tid s32:old_tid"},
	[EV_EXIT] = {"sched_process_exit", TASK_FIELDS},
	[EV_FREE] = {"sched_process_free", TASK_FIELDS},
	[EV_WAIT] = {"sched_process_wait", TASK_FIELDS},
	[EV_STATEDUMP_START] = {"lttng_statedump_start", ""},
	[EV_STATEDUMP_END] = {"lttng_statedump_end", ""},
	[EV_STATEDUMP_PROCESS] =
		{"lttng_statedump_process_state",
		 "s32:tid s32:pid s32:ppid comm:name s32:type s32:mode s32:submode "
		 "s32:status u32:cpu x64:file_table_address"},
	[EV_STATEDUMP_PID_NS] = {"lttng_statedump_process_pid_ns",
				 "s32:tid s32:vtid s32:vpid s32:vppid s32:ns_level u32:ns_inum"},
	[EV_SYS_READ] = {"syscall_entry_read", "u32:fd u64:count"},
	[EV_SYS_READ_EXIT] = {"syscall_exit_read", "s64:ret u64:buf"},
	[EV_SYS_WRITE] = {"syscall_entry_write", "u32:fd u64:buf u64:count"},
	[EV_SYS_WRITE_EXIT] = {"syscall_exit_write", "s64:ret"},
	[EV_SYS_IOCTL] = {"syscall_entry_ioctl", "u32:fd u32:cmd u64:arg"},
	[EV_SYS_IOCTL_EXIT] = {"syscall_exit_ioctl", "s64:ret u64:arg"},
	[EV_SYS_PREAD64] = {"syscall_entry_pread64", "u32:fd u64:count s64:pos"},
	[EV_SYS_PREAD64_EXIT] = {"syscall_exit_pread64", "s64:ret u64:buf"},
	[EV_SYS_RECVFROM] = {"syscall_entry_recvfrom", "s32:fd u64:size u32:flags u64:addr_len"},
	[EV_SYS_RECVFROM_EXIT] = {"syscall_exit_recvfrom",
				  "s64:ret u64:ubuf u64:addr u64:addr_len"},
	[EV_SYS_NANOSLEEP] = {"syscall_entry_clock_nanosleep",
			      "s32:which_clock s32:flags u64:rqtp"},
	[EV_SYS_NANOSLEEP_EXIT] = {"syscall_exit_clock_nanosleep", "s64:ret u64:rmtp"},
	[EV_SYS_FUTEX] = {"syscall_entry_futex", FUTEX_FIELDS},
	[EV_SYS_FUTEX_EXIT] = {"syscall_exit_futex", "s64:ret u64:uaddr u64:uaddr2"},
	[EV_SYS_CLONE] = {"syscall_entry_clone",
			  "x64:flags x64:newsp x64:parent_tid x64:child_tid"},
	[EV_SYS_CLONE_EXIT] = {"syscall_exit_clone", "s64:ret"},
	[EV_SYS_EXECVE] = {"syscall_entry_execve", "str:filename x64:argv x64:envp"},
	[EV_SYS_EXECVE_EXIT] = {"syscall_exit_execve", "s64:ret"},
	[EV_SYS_WAIT4] = {"syscall_entry_wait4", "s32:upid s32:options"},
	[EV_SYS_WAIT4_EXIT] = {"syscall_exit_wait4", "s64:ret u64:stat_addr u64:ru"},
	[EV_SYS_EXIT_GROUP] = {"syscall_entry_exit_group", "s32:error_code"},
	[EV_KVM_VCPU_WAKEUP] = {"kvm_vcpu_wakeup", "u64:ns u8:waited u8:valid"},
	[EV_KVM_HALT_POLL_NS] = {"kvm_halt_poll_ns", "u8:grow u32:vcpu_id u32:new u32:old"},
};

/* What lttng-modules up to 2.7 wrote otherwise. */
static const struct {
	enum ev ev;
	struct spec spec;
} OLD[] = {
	{EV_KVM_ENTRY, {"kvm_entry", "u32:vcpu_id"}},
	{EV_KVM_EXIT, {"kvm_exit", EXIT_FIELDS}},
	{EV_KVM_INJ_VIRQ, {"kvm_inj_virq", "u32:irq"}},
	{EV_KVM_APIC_ACCEPT_IRQ,
	 {"kvm_apic_accept_irq", "u32:apicid u16:dm u8:tm u8:vec u8:coalesced"}},
	{EV_KVM_EOI, {"kvm_eoi", "u32:apicid s32:vector"}},
	{EV_KVM_PV_EOI, {"kvm_pv_eoi", "u32:apicid s32:vector"}},
	{EV_KVM_MSR, {"kvm_msr", "u32:write u32:ecx u64:data u8:exception"}},
	{EV_KVM_EMULATE_INSN,
	 {"kvm_emulate_insn", "u64:rip u32:csbase u8:len insn:insn u8:flags u8:failed"}},
	{EV_KVM_PAGE_FAULT, {"kvm_page_fault", "x64:fault_address u32:error_code"}},
	{EV_KVM_CPUID, {"kvm_cpuid", "u32:function u64:rax u64:rbx u64:rcx u64:rdx"}},
	{EV_KVM_CR, {"kvm_cr", "u32:rw u32:cr u64:val"}},
	{EV_KVM_PIO, {"kvm_pio", "u32:rw u32:port u32:size u32:count"}},
	{EV_KVM_APIC, {"kvm_apic", "u32:rw u32:reg u32:val"}},
	{EV_KVM_APIC_IPI, {"kvm_apic_ipi", "u32:icr_low u32:dest_id"}},
	{EV_KVM_HYPERCALL, {"kvm_hypercall", "u64:nr u64:a0 u64:a1 u64:a2 u64:a3"}},
	{EV_KVM_WRITE_TSC_OFFSET,
	 {"kvm_write_tsc_offset", "u32:vcpu_id u64:previous_tsc_offset u64:next_tsc_offset"}},
	{EV_HRTIMER_START,
	 {"hrtimer_start", "x64:hrtimer x64:function s64:expires s64:softexpires"}},
	{EV_HRTIMER_EXPIRE_ENTRY, {"hrtimer_expire_entry", "x64:hrtimer s64:now x64:function"}},
	{EV_HRTIMER_EXPIRE_EXIT, {"hrtimer_expire_exit", "x64:hrtimer"}},
	{EV_HRTIMER_CANCEL, {"hrtimer_cancel", "x64:hrtimer"}},
	{EV_STATEDUMP_PROCESS,
	 {"lttng_statedump_process_state",
	  "s32:tid s32:vtid s32:pid s32:vpid s32:ppid s32:vppid comm:name s32:type s32:mode "
	  "s32:submode s32:status s32:ns_level u32:ns_inum u32:cpu"}},
};

static enum type type_of(const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof(TYPES) / sizeof(*TYPES); i++) {
		if (strlen(TYPES[i].name) == n && !memcmp(TYPES[i].name, name, n))
			return TYPES[i].type;
	}
	__builtin_unreachable(); /* the table above is all there is */
}

static void class_init(struct event_class *c, const struct spec *spec)
{
	memset(c, 0, sizeof(*c));
	snprintf(c->name, sizeof(c->name), "%s", spec->name);
	for (const char *s = spec->fields; *s;) {
		size_t n = strcspn(s, ":"), len = strcspn(s + n + 1, " ");
		struct field *f = &c->fields[c->n_fields++];
		f->type = (uint8_t)type_of(s, n);
		f->size = TYPES[f->type].size;
		snprintf(f->name, sizeof(f->name), "%.*s", (int)len, s + n + 1);
		c->max_size += TYPES[f->type].max_size;
		s += n + 1 + len;
		s += *s == ' ';
	}
}

void event_table_init(struct event_table *t, bool old_names)
{
	for (unsigned i = 0; i < N_EV; i++)
		class_init(&t->at[i], &SPECS[i]);
	for (size_t i = 0; old_names && i < sizeof(OLD) / sizeof(*OLD); i++)
		class_init(&t->at[OLD[i].ev], &OLD[i].spec);
}

static size_t encode_varying(enum type type, uint64_t arg, uint8_t *p)
{
	if (type == STRING) {
		size_t n = strnlen((const char *)(uintptr_t)arg, TYPES[STRING].max_size - 1);
		memcpy(p, (const char *)(uintptr_t)arg, n);
		p[n] = '\0';
		return n + 1;
	}
	if (type == VTIDS) {
		const struct vtids *v = (const struct vtids *)(uintptr_t)arg;
		p[0] = v->n;
		memcpy(p + 1, v->at, v->n * sizeof(*v->at));
		return 1 + v->n * sizeof(*v->at);
	}
	memcpy(p, (uint32_t[]){2}, 4);
	memcpy(p + 4, &arg, 2);
	return 6;
}

size_t event_encode(const struct event_class *c, const uint64_t *args, uint8_t *p)
{
	uint8_t *begin = p;

	for (unsigned i = 0; i < c->n_fields; i++) {
		const struct field *f = &c->fields[i];
		switch (f->size) {
		case 4:
			memcpy(p, &args[i], 4);
			break;
		case 8:
			memcpy(p, &args[i], 8);
			break;
		case 16:
			memcpy(p, (const void *)(uintptr_t)args[i], 16);
			break;
		case 0:
			p += encode_varying(f->type, args[i], p);
			break;
		case 15:
			memset(p, 0, 15);
			break;
		default:
			memcpy(p, &args[i], f->size);
		}
		p += f->size;
	}
	return (size_t)(p - begin);
}

void event_write_metadata(const struct event_class *c, unsigned id, unsigned channel, FILE *f)
{
	fprintf(f, "event {\n\tname = \"%s\";\n\tid = %u;\n\tstream_id = %u;\n", c->name, id,
		channel);
	fprintf(f, "\tfields := struct {\n");
	for (unsigned i = 0; i < c->n_fields; i++) {
		const char *name = c->fields[i].name;
		const char *t = TYPES[c->fields[i].type].tsdl;
		fputs("\t\t", f);
		for (const char *s = t; *s; s++) {
			if (s[0] == '%' && s[1] == 's') {
				fputs(name, f);
				s++;
			} else {
				fputc(*s, f);
			}
		}
		fputc('\n', f);
	}
	fprintf(f, "\t};\n};\n\n");
}

const char *event_syscall_name(enum ev ev)
{
	return SPECS[ev].name + sizeof("syscall_entry_") - 1;
}
