#include "tracepoints.h"

#include <stdlib.h>
#include <string.h>

/* A field's type by its name in the table below; %s is its own name. */
enum type { INTEGER, ADDRESS, COMM, BYTES, LONGS, TEXT };

static const struct {
	const char *name, *decl;
	enum type type;
	uint8_t size, align;
	bool is_signed;
} TYPES[] = {
	{"int", "int %s", INTEGER, 4, 4, true},
	{"pid", "pid_t %s", INTEGER, 4, 4, true},
	{"uint", "unsigned int %s", INTEGER, 4, 4, false},
	{"unsigned", "unsigned %s", INTEGER, 4, 4, false},
	{"u32", "u32 %s", INTEGER, 4, 4, false},
	{"__u32", "__u32 %s", INTEGER, 4, 4, false},
	{"mode", "enum hrtimer_mode %s", INTEGER, 4, 4, false},
	{"bool", "bool %s", INTEGER, 1, 1, false},
	{"u8", "u8 %s", INTEGER, 1, 1, false},
	{"__u8", "__u8 %s", INTEGER, 1, 1, false},
	{"__u16", "__u16 %s", INTEGER, 2, 2, false},
	{"u64", "u64 %s", INTEGER, 8, 8, false},
	{"__u64", "__u64 %s", INTEGER, 8, 8, false},
	{"s64", "s64 %s", INTEGER, 8, 8, true},
	{"long", "long %s", INTEGER, 8, 8, true},
	{"ulong", "unsigned long %s", INTEGER, 8, 8, false},
	{"ptr", "void * %s", ADDRESS, 8, 8, false},
	{"comm", "char %s[16]", COMM, COMM_LEN, 1, true},
	{"insn", "__u8 %s[15]", BYTES, 15, 1, false},
	{"args", "unsigned long %s[6]", LONGS, 48, 8, false},
	{"text", "__data_loc char[] %s", TEXT, 4, 4, true},
};

/*
 * fields: TYPE:NAME=N for the event's argument number N, TYPE:NAME=N+M for M more than that,
 * TYPE:NAME for 0. Priorities are 100 more than LTTng's.
 */
struct spec {
	enum ev ev;
	const char *system, *name;
	uint16_t id;
	const char *fields;
};

#define TASK_FIELDS "comm:comm=0 pid:pid=1 int:prio=2+100"
#define WAKE_FIELDS TASK_FIELDS " int:target_cpu=3"
#define SWITCH_FIELDS                                                            \
	"comm:prev_comm=0 pid:prev_pid=1 int:prev_prio=2+100 long:prev_state=3 " \
	"comm:next_comm=4 pid:next_pid=5 int:next_prio=6+100"
#define FORK_FIELDS  "comm:parent_comm=0 pid:parent_pid=1 comm:child_comm=4 pid:child_pid=5"
#define START_FIELDS "ptr:hrtimer=0 ptr:function=1 s64:expires=2 s64:softexpires=3"
#define EXIT_FIELDS  "uint:exit_reason=0 ulong:guest_rip=1 u32:isa=2 u64:info1=3 u64:info2=4"
#define CPUID_FIELDS "ulong:rax=1 ulong:rbx=2 ulong:rcx=3 ulong:rdx=4"

static const struct spec SPECS[] = {
	{EV_SCHED_STAT_RUNTIME, "sched", "sched_stat_runtime", 307,
	 "comm:comm=0 pid:pid=1 u64:runtime=2 u64:vruntime=3"},
	{EV_EXEC, "sched", "sched_process_exec", 312, "text:filename=0 pid:pid=1 pid:old_pid=2"},
	{EV_FORK, "sched", "sched_process_fork", 313, FORK_FIELDS},
	{EV_WAIT, "sched", "sched_process_wait", 314, TASK_FIELDS},
	{EV_EXIT, "sched", "sched_process_exit", 316, TASK_FIELDS},
	{EV_FREE, "sched", "sched_process_free", 317, TASK_FIELDS},
	{EV_SCHED_MIGRATE_TASK, "sched", "sched_migrate_task", 318,
	 TASK_FIELDS " int:orig_cpu=3 int:dest_cpu=4"},
	{EV_SCHED_SWITCH, "sched", "sched_switch", 319, SWITCH_FIELDS},
	{EV_SCHED_WAKEUP_NEW, "sched", "sched_wakeup_new", 320, WAKE_FIELDS},
	{EV_SCHED_WAKEUP, "sched", "sched_wakeup", 321, WAKE_FIELDS},
	{EV_SCHED_WAKING, "sched", "sched_waking", 322, WAKE_FIELDS},
	{EV_SOFTIRQ_RAISE, "irq", "softirq_raise", 148, "uint:vec=0"},
	{EV_SOFTIRQ_EXIT, "irq", "softirq_exit", 149, "uint:vec=0"},
	{EV_SOFTIRQ_ENTRY, "irq", "softirq_entry", 150, "uint:vec=0"},
	{EV_IRQ_EXIT, "irq", "irq_handler_exit", 151, "int:irq=0 int:ret=1"},
	{EV_IRQ_ENTRY, "irq", "irq_handler_entry", 152, "int:irq=0 text:name=1"},
	{EV_CALL_FUNCTION_EXIT, "irq_vectors", "call_function_single_exit", 77, "int:vector=0"},
	{EV_CALL_FUNCTION_ENTRY, "irq_vectors", "call_function_single_entry", 78, "int:vector=0"},
	{EV_RESCHEDULE_EXIT, "irq_vectors", "reschedule_exit", 81, "int:vector=0"},
	{EV_RESCHEDULE_ENTRY, "irq_vectors", "reschedule_entry", 82, "int:vector=0"},
	{EV_LOCAL_TIMER_EXIT, "irq_vectors", "local_timer_exit", 91, "int:vector=0"},
	{EV_LOCAL_TIMER_ENTRY, "irq_vectors", "local_timer_entry", 92, "int:vector=0"},
	{EV_SYS_READ_EXIT, "raw_syscalls", "sys_exit", 350, "long:id=0 long:ret=1"},
	{EV_SYS_READ, "raw_syscalls", "sys_enter", 351, "long:id=0 args:args=1"},
	{EV_HRTIMER_CANCEL, "timer", "hrtimer_cancel", 376, "ptr:hrtimer=0"},
	{EV_HRTIMER_EXPIRE_EXIT, "timer", "hrtimer_expire_exit", 377, "ptr:hrtimer=0"},
	{EV_HRTIMER_EXPIRE_ENTRY, "timer", "hrtimer_expire_entry", 378,
	 "ptr:hrtimer=0 s64:now=1 ptr:function=2"},
	{EV_HRTIMER_START, "timer", "hrtimer_start", 379,
	 START_FIELDS " mode:mode=4 bool:was_armed"},
	{EV_CPU_IDLE, "power", "cpu_idle", 472, "u32:state=0 u32:cpu_id=1"},
	{EV_KVM_MMIO, "kvm", "kvm_mmio", 1507, "u32:type=0 u32:len=1 u64:gpa=2 u64:val=3"},
	{EV_KVM_MSI_SET_IRQ, "kvm", "kvm_msi_set_irq", 1509, "__u64:address=0 __u64:data=1"},
	{EV_KVM_HALT_POLL_NS, "kvm", "kvm_halt_poll_ns", 1504,
	 "bool:grow=0 uint:vcpu_id=1 uint:new=2 uint:old=3"},
	{EV_KVM_VCPU_WAKEUP, "kvm", "kvm_vcpu_wakeup", 1513,
	 "__u64:ns=0 bool:waited=1 bool:valid=2"},
	{EV_KVM_USERSPACE_EXIT, "kvm", "kvm_userspace_exit", 1514, "__u32:reason=0 int:errno=1"},
	{EV_KVM_WRITE_TSC_OFFSET, "kvm", "kvm_write_tsc_offset", 1554,
	 "uint:vcpu_id=0 __u64:previous_tsc_offset=1 __u64:next_tsc_offset=2"},
	{EV_KVM_EMULATE_INSN, "kvm", "kvm_emulate_insn", 1556,
	 "__u64:rip=0 __u32:csbase=1 __u8:len=2 insn:insn __u8:flags __u8:failed"},
	{EV_KVM_PV_EOI, "kvm", "kvm_pv_eoi", 1564, "__u32:apicid=0 int:vector=1"},
	{EV_KVM_EOI, "kvm", "kvm_eoi", 1565, "__u32:apicid=0 int:vector=1"},
	{EV_KVM_APIC_ACCEPT_IRQ, "kvm", "kvm_apic_accept_irq", 1566,
	 "__u32:apicid=0 __u16:dm=1 __u16:tm=2 __u8:vec=3"},
	{EV_KVM_APIC_IPI, "kvm", "kvm_apic_ipi", 1567, "__u32:icr_low=0 __u32:dest_id=1"},
	{EV_KVM_CR, "kvm", "kvm_cr", 1569, "uint:rw=0 uint:cr=1 ulong:val=2"},
	{EV_KVM_MSR, "kvm", "kvm_msr", 1570,
	 "unsigned:write=0 u32:ecx=1 u64:data=2 u8:exception=3"},
	{EV_KVM_PAGE_FAULT, "kvm", "kvm_page_fault", 1571,
	 "uint:vcpu_id=2 ulong:guest_rip=3 u64:fault_address=0 u64:error_code=1"},
	{EV_KVM_INJ_VIRQ, "kvm", "kvm_inj_virq", 1573, "uint:vector=0 bool:soft bool:reinjected"},
	{EV_KVM_EXIT, "kvm", "kvm_exit", 1574,
	 EXIT_FIELDS " u32:intr_info=5 u32:error_code=6 uint:vcpu_id=7"},
	{EV_KVM_APIC, "kvm", "kvm_apic", 1575, "uint:rw=0 uint:reg=1 u64:val=2"},
	{EV_KVM_CPUID, "kvm", "kvm_cpuid", 1576,
	 "uint:function=0 uint:index " CPUID_FIELDS " bool:found bool:used_max_basic"},
	{EV_KVM_PIO, "kvm", "kvm_pio", 1578,
	 "uint:rw=0 uint:port=1 uint:size=2 uint:count=3 uint:val"},
	{EV_KVM_HYPERCALL, "kvm", "kvm_hypercall", 1582,
	 "ulong:nr=0 ulong:a0=1 ulong:a1=2 ulong:a2=3 ulong:a3=4"},
	{EV_KVM_ENTRY, "kvm", "kvm_entry", 1583, "uint:vcpu_id=2 ulong:rip=1 bool:immediate_exit"},
};

/* The fields of old kernels where they are others. */
static const struct {
	enum ev ev;
	const char *fields;
} OLD[] = {
	{EV_KVM_ENTRY, "uint:vcpu_id=2"},
	{EV_KVM_EXIT, EXIT_FIELDS},
	{EV_KVM_INJ_VIRQ, "uint:irq=0"},
	{EV_KVM_PAGE_FAULT, "ulong:fault_address=0 uint:error_code=1"},
	{EV_KVM_CPUID, "uint:function=0 " CPUID_FIELDS},
	{EV_HRTIMER_START, START_FIELDS},
};

/* System calls: number, and the register that each of LTTng's fields comes from; -1: none that can
 * be told. */
static const struct {
	enum ev ev;
	uint16_t number;
	int8_t registers[6];
} SYSCALLS[] = {
	{EV_SYS_READ, 0, {0, 2, -1, -1, -1, -1}},
	{EV_SYS_WRITE, 1, {0, 1, 2, -1, -1, -1}},
	{EV_SYS_IOCTL, 16, {0, 1, 2, -1, -1, -1}},
	{EV_SYS_PREAD64, 17, {0, 2, 3, -1, -1, -1}},
	{EV_SYS_RECVFROM, 45, {0, 2, 3, 5, -1, -1}},
	{EV_SYS_CLONE, 56, {0, 1, 2, 3, -1, -1}},
	{EV_SYS_EXECVE, 59, {-1, 1, 2, -1, -1, -1}},
	{EV_SYS_WAIT4, 61, {0, 2, -1, -1, -1, -1}},
	{EV_SYS_FUTEX, 202, {0, 1, 2, 3, 4, 5}},
	{EV_SYS_NANOSLEEP, 230, {0, 1, 2, -1, -1, -1}},
	{EV_SYS_EXIT_GROUP, 231, {0, -1, -1, -1, -1, -1}},
};

static const char COMMON_FIELDS[] =
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n";

static uint8_t type_of(const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof(TYPES) / sizeof(*TYPES); i++) {
		if (strlen(TYPES[i].name) == n && !memcmp(TYPES[i].name, name, n))
			return (uint8_t)i;
	}
	__builtin_unreachable(); /* the table above is all there is */
}

static unsigned aligned(unsigned n, unsigned align)
{
	return (n + align - 1) / align * align;
}

/* s: TYPE:NAME[=N[+M]], up to a space or the end. */
static void field_init(struct tp_field *f, const char *s, unsigned *endp)
{
	size_t n = strcspn(s, ":"), len = strcspn(s + n + 1, "= ");
	const char *rest = s + n + 1 + len;

	f->type = type_of(s, n);
	f->size = TYPES[f->type].size;
	f->offset = (uint8_t)aligned(*endp, TYPES[f->type].align);
	f->arg = -1;
	*endp = f->offset + f->size;
	snprintf(f->name, sizeof(f->name), "%.*s", (int)len, s + n + 1);
	if (*rest != '=')
		return;
	char *end;
	f->arg = (int8_t)strtol(rest + 1, &end, 10);
	f->plus = *end == '+' ? (uint8_t)strtol(end + 1, NULL, 10) : 0;
}

static void tracepoint_init(struct tracepoint *tp, const struct spec *spec, const char *fields)
{
	unsigned end = COMMON_SIZE, align = 4;

	*tp = (struct tracepoint){.system = spec->system, .name = spec->name, .id = spec->id};
	while (*fields) {
		struct tp_field *f = &tp->fields[tp->n_fields++];
		field_init(f, fields, &end);
		if (TYPES[f->type].align > align)
			align = TYPES[f->type].align;
		fields += strcspn(fields, " ");
		fields += *fields == ' ';
	}
	tp->size = aligned(end, align);
}

static const char *fields_of(const struct spec *spec, bool old)
{
	for (size_t i = 0; old && i < sizeof(OLD) / sizeof(*OLD); i++) {
		if (OLD[i].ev == spec->ev)
			return OLD[i].fields;
	}
	return spec->fields;
}

void tracepoints_init(struct tracepoints *t, bool old, bool poll_events)
{
	_Static_assert(sizeof(SPECS) / sizeof(*SPECS) <= MAX_TRACEPOINTS, "no room for all");

	t->n = 0;
	memset(t->of, MAX_TRACEPOINTS, sizeof(t->of));
	for (size_t i = 0; i < sizeof(SPECS) / sizeof(*SPECS); i++) {
		const struct spec *spec = &SPECS[i];
		if (spec->ev >= N_USUAL_EV && !poll_events)
			continue;
		tracepoint_init(&t->at[t->n], spec, fields_of(spec, old));
		t->of[spec->ev] = (uint8_t)t->n++;
	}
	for (unsigned ev = EV_SYS_READ; ev < N_USUAL_EV; ev += 2) {
		t->of[ev] = t->of[EV_SYS_READ];
		if (ev + 1 < N_USUAL_EV)
			t->of[ev + 1] = t->of[EV_SYS_READ_EXIT];
	}
}

/* Return: the event's arguments in the order of raw_syscalls' fields; `into` has room for 7. */
static const uint64_t *syscall_args(enum ev ev, const uint64_t *args, uint64_t *into)
{
	bool is_exit = (ev - EV_SYS_READ) % 2;

	for (size_t i = 0; i < sizeof(SYSCALLS) / sizeof(*SYSCALLS); i++) {
		if (SYSCALLS[i].ev != ev - is_exit)
			continue;
		into[0] = SYSCALLS[i].number;
		if (is_exit)
			into[1] = args[0];
		for (unsigned k = 0; k < 6 && !is_exit; k++) {
			if (SYSCALLS[i].registers[k] >= 0)
				into[1 + SYSCALLS[i].registers[k]] = args[k];
		}
	}
	return into;
}

/* Texts stand behind the record; the field says where and how long. Return: the end. */
static size_t put_text(const struct tp_field *f, uint64_t arg, uint8_t *p, size_t end)
{
	const char *text = (const char *)(uintptr_t)arg;
	size_t n = strnlen(text, TRACEPOINT_MAX - end - 1);
	uint32_t where = (uint32_t)((n + 1) << 16 | end);

	memcpy(p + f->offset, &where, 4);
	memcpy(p + end, text, n);
	p[end + n] = '\0';
	return end + n + 1;
}

static size_t put_field(const struct tp_field *f, const uint64_t *args, uint8_t *p, size_t end)
{
	if (f->arg < 0)
		return end;
	uint64_t arg = args[f->arg] + f->plus;
	switch (TYPES[f->type].type) {
	case COMM:
		memcpy(p + f->offset, (const void *)(uintptr_t)arg, COMM_LEN);
		break;
	case TEXT:
		return put_text(f, arg, p, end);
	case LONGS:
		memcpy(p + f->offset, &args[f->arg], f->size);
		break;
	default:
		memcpy(p + f->offset, &arg, f->size);
	}
	return end;
}

size_t tracepoint_encode(const struct tracepoint *tp, enum ev ev, const struct tp_common *common,
			 const uint64_t *args, uint8_t *p)
{
	uint64_t registers[7] = {0};
	size_t end = tp->size;

	memset(p, 0, tp->size);
	memcpy(p, &tp->id, 2);
	p[2] = common->flags;
	p[3] = common->preempt_count;
	memcpy(p + 4, &common->pid, 4);
	if (ev >= EV_SYS_READ && ev < N_USUAL_EV)
		args = syscall_args(ev, args, registers);
	for (unsigned i = 0; i < tp->n_fields; i++)
		end = put_field(&tp->fields[i], args, p, end);
	return end;
}

/* ---- the texts ------------------------------------------------------------------------------ */

static void write_declaration(const struct tp_field *f, FILE *out)
{
	const char *decl = TYPES[f->type].decl, *at = strchr(decl, '%');

	fprintf(out, "\tfield:%.*s%s%s;\toffset:%u;\tsize:%u;\tsigned:%d;\n", (int)(at - decl),
		decl, f->name, at + 2, f->offset, f->size, TYPES[f->type].is_signed);
}

/* The conversion of a field in the print format. */
static const char *conversion(const struct tp_field *f)
{
	bool is_signed = TYPES[f->type].is_signed;

	switch (TYPES[f->type].type) {
	case INTEGER:
		if (f->size == 8)
			return is_signed ? "%ld" : "%lu";
		return is_signed ? "%d" : "%u";
	case ADDRESS:
		return "%p";
	case LONGS:
		return "%lu,%lu,%lu,%lu,%lu,%lu";
	default:
		return "%s";
	}
}

static void write_value(const struct tp_field *f, FILE *out)
{
	switch (TYPES[f->type].type) {
	case TEXT:
		fprintf(out, ", __get_str(%s)", f->name);
		break;
	case BYTES:
		fprintf(out, ", __print_hex(REC->%s, %u)", f->name, f->size);
		break;
	case LONGS:
		for (unsigned i = 0; i < 6; i++)
			fprintf(out, ", REC->%s[%u]", f->name, i);
		break;
	default:
		fprintf(out, ", REC->%s", f->name);
	}
}

static void write_format(const struct tracepoint *tp, FILE *f)
{
	fprintf(f, "name: %s\nID: %u\nformat:\n%s", tp->name, tp->id, COMMON_FIELDS);
	for (unsigned i = 0; i < tp->n_fields; i++)
		write_declaration(&tp->fields[i], f);
	fprintf(f, "\nprint fmt: \"");
	for (unsigned i = 0; i < tp->n_fields; i++)
		fprintf(f, "%s%s=%s", i ? " " : "", tp->fields[i].name, conversion(&tp->fields[i]));
	fputc('"', f);
	for (unsigned i = 0; i < tp->n_fields; i++)
		write_value(&tp->fields[i], f);
	fputc('\n', f);
}

static void write_number(FILE *f, uint64_t v, size_t size)
{
	fwrite(&v, size, 1, f);
}

/* What is written between these two is preceded by its size. Return: for sized_end(). */
static long sized_begin(FILE *f)
{
	write_number(f, 0, 8);
	return ftell(f);
}

static void sized_end(FILE *f, long from)
{
	long end = ftell(f);

	fseek(f, from - 8, SEEK_SET);
	write_number(f, (uint64_t)(end - from), 8);
	fseek(f, end, SEEK_SET);
}

static void write_sized(FILE *f, const char *text)
{
	write_number(f, strlen(text), 8);
	fputs(text, f);
}

void tracepoints_write_header(FILE *f)
{
	fwrite("header_page", 12, 1, f);
	write_sized(f, "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
		       "\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
		       "\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n"
		       "\tfield: char data;\toffset:16;\tsize:4080;\tsigned:1;\n");
	fwrite("header_event", 13, 1, f);
	write_sized(f, "# compressed entry header\n\ttype_len    :    5 bits\n"
		       "\ttime_delta  :   27 bits\n\tarray       :   32 bits\n\n"
		       "\tpadding     : type == 29\n\ttime_extend : type == 30\n"
		       "\ttime_stamp : type == 31\n\tdata max type_len  == 28\n");
}

void tracepoints_write_ftrace(FILE *f)
{
	write_number(f, 1, 4);
	long from = sized_begin(f);
	fprintf(f,
		"name: print\nID: 5\nformat:\n%s"
		"\tfield:unsigned long ip;\toffset:8;\tsize:8;\tsigned:0;\n"
		"\tfield:char buf[];\toffset:16;\tsize:0;\tsigned:1;\n\n"
		"print fmt: \"%%ps: %%s\", (void *)REC->ip, REC->buf\n",
		COMMON_FIELDS);
	sized_end(f, from);
}

void tracepoints_write_systems(const struct tracepoints *t, FILE *f)
{
	unsigned systems = 0;

	for (unsigned i = 0; i < t->n; i++)
		systems += !i || strcmp(t->at[i].system, t->at[i - 1].system) != 0;
	write_number(f, systems, 4);
	for (unsigned i = 0; i < t->n;) {
		unsigned end = i + 1;
		while (end < t->n && !strcmp(t->at[end].system, t->at[i].system))
			end++;
		fwrite(t->at[i].system, strlen(t->at[i].system) + 1, 1, f);
		write_number(f, end - i, 4);
		for (; i < end; i++) {
			long from = sized_begin(f);
			write_format(&t->at[i], f);
			sized_end(f, from);
		}
	}
}
