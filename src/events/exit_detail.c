#include "events/exit_detail.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#define N(names) (sizeof(names) / sizeof((names)[0]))

struct numbered {
	uint32_t number;
	const char *name;
};

/* ---- names ---------------------------------------------------------------------------------- */

/* Linux's names without MSR_ or MSR_IA32_. Rows of registers that differ by a number have none. */
static const struct numbered msr_names[] = {
	{0x10, "TSC"},
	{0x11, "KVM_WALL_CLOCK"},
	{0x12, "KVM_SYSTEM_TIME"},
	{0x1b, "APICBASE"},
	{0x3a, "FEAT_CTL"},
	{0x3b, "TSC_ADJUST"},
	{0x48, "SPEC_CTRL"},
	{0x49, "PRED_CMD"},
	{0x79, "UCODE_WRITE"},
	{0x8b, "UCODE_REV"},
	{0xce, "PLATFORM_INFO"},
	{0xe2, "PKG_CST_CONFIG_CONTROL"},
	{0xe7, "MPERF"},
	{0xe8, "APERF"},
	{0xfe, "MTRRcap"},
	{0x10a, "ARCH_CAPABILITIES"},
	{0x10b, "FLUSH_CMD"},
	{0x122, "TSX_CTRL"},
	{0x174, "SYSENTER_CS"},
	{0x175, "SYSENTER_ESP"},
	{0x176, "SYSENTER_EIP"},
	{0x179, "MCG_CAP"},
	{0x17a, "MCG_STATUS"},
	{0x17b, "MCG_CTL"},
	{0x198, "PERF_STATUS"},
	{0x199, "PERF_CTL"},
	{0x19a, "THERM_CONTROL"},
	{0x19c, "THERM_STATUS"},
	{0x1a0, "MISC_ENABLE"},
	{0x1b0, "ENERGY_PERF_BIAS"},
	{0x1d9, "DEBUGCTLMSR"},
	{0x277, "CR_PAT"},
	{0x2ff, "MTRRdefType"},
	{0x345, "PERF_CAPABILITIES"},
	{0x38d, "CORE_PERF_FIXED_CTR_CTRL"},
	{0x38e, "CORE_PERF_GLOBAL_STATUS"},
	{0x38f, "CORE_PERF_GLOBAL_CTRL"},
	{0x390, "CORE_PERF_GLOBAL_OVF_CTRL"},
	{0x3f1, "PEBS_ENABLE"},
	{0x600, "DS_AREA"},
	{0x606, "RAPL_POWER_UNIT"},
	{0x611, "PKG_ENERGY_STATUS"},
	{0x6e0, "TSC_DEADLINE"},
	{0x770, "PM_ENABLE"},
	{0x774, "HWP_REQUEST"},
	{0xda0, "XSS"},
	{0x40000000, "HV_GUEST_OS_ID"},
	{0x40000001, "HV_HYPERCALL"},
	{0x40000002, "HV_VP_INDEX"},
	{0x40000003, "HV_RESET"},
	{0x40000010, "HV_VP_RUNTIME"},
	{0x40000020, "HV_TIME_REF_COUNT"},
	{0x40000021, "HV_REFERENCE_TSC"},
	{0x40000022, "HV_TSC_FREQUENCY"},
	{0x40000023, "HV_APIC_FREQUENCY"},
	{0x40000070, "HV_EOI"},
	{0x40000071, "HV_ICR"},
	{0x40000072, "HV_TPR"},
	{0x40000073, "HV_VP_ASSIST_PAGE"},
	{0x40000080, "HV_SCONTROL"},
	{0x40000081, "HV_SVERSION"},
	{0x40000082, "HV_SIEFP"},
	{0x40000083, "HV_SIMP"},
	{0x40000084, "HV_EOM"},
	{0x400000b0, "HV_STIMER0_CONFIG"},
	{0x400000b1, "HV_STIMER0_COUNT"},
	{0x400000b2, "HV_STIMER1_CONFIG"},
	{0x400000b3, "HV_STIMER1_COUNT"},
	{0x400000b4, "HV_STIMER2_CONFIG"},
	{0x400000b5, "HV_STIMER2_COUNT"},
	{0x400000b6, "HV_STIMER3_CONFIG"},
	{0x400000b7, "HV_STIMER3_COUNT"},
	{0x4b564d00, "KVM_WALL_CLOCK_NEW"},
	{0x4b564d01, "KVM_SYSTEM_TIME_NEW"},
	{0x4b564d02, "KVM_ASYNC_PF_EN"},
	{0x4b564d03, "KVM_STEAL_TIME"},
	{0x4b564d04, "KVM_PV_EOI_EN"},
	{0x4b564d05, "KVM_POLL_CONTROL"},
	{0x4b564d06, "KVM_ASYNC_PF_INT"},
	{0x4b564d07, "KVM_ASYNC_PF_ACK"},
	{0x4b564d08, "KVM_MIGRATION_CONTROL"},
	{0xc0000080, "EFER"},
	{0xc0000081, "STAR"},
	{0xc0000082, "LSTAR"},
	{0xc0000083, "CSTAR"},
	{0xc0000084, "SYSCALL_MASK"},
	{0xc0000100, "FS_BASE"},
	{0xc0000101, "GS_BASE"},
	{0xc0000102, "KERNEL_GS_BASE"},
	{0xc0000103, "TSC_AUX"},
	{0xc0000104, "AMD64_TSC_RATIO"},
	{0xc0000300, "AMD64_PERF_CNTR_GLOBAL_STATUS"},
	{0xc0000301, "AMD64_PERF_CNTR_GLOBAL_CTL"},
	{0xc0000302, "AMD64_PERF_CNTR_GLOBAL_STATUS_CLR"},
	{0xc0010015, "K7_HWCR"},
	{0xc001001f, "AMD64_NB_CFG"},
	{0xc0010020, "AMD64_PATCH_LOADER"},
	{0xc0010055, "K8_INT_PENDING_MSG"},
	{0xc0010064, "AMD_PSTATE_DEF_BASE"},
	{0xc0010114, "VM_CR"},
	{0xc0010117, "VM_HSAVE_PA"},
	{0xc001011f, "AMD64_VIRT_SPEC_CTRL"},
};

/* By the offset's upper bits; as MSRs of x2APIC they begin at 0x800. */
enum { APIC_STEP = 16, X2APIC_FIRST = 0x800, X2APIC_END = 0x840 };

static const char *const apic_names[] = {
	[0x02] = "ID",	    [0x03] = "LVR",  [0x08] = "TASKPRI",  [0x09] = "ARBPRI",
	[0x0a] = "PROCPRI", [0x0b] = "EOI",  [0x0d] = "LDR",	  [0x0e] = "DFR",
	[0x0f] = "SPIV",    [0x10] = "ISR0", [0x11] = "ISR1",	  [0x12] = "ISR2",
	[0x13] = "ISR3",    [0x14] = "ISR4", [0x15] = "ISR5",	  [0x16] = "ISR6",
	[0x17] = "ISR7",    [0x18] = "TMR0", [0x19] = "TMR1",	  [0x1a] = "TMR2",
	[0x1b] = "TMR3",    [0x1c] = "TMR4", [0x1d] = "TMR5",	  [0x1e] = "TMR6",
	[0x1f] = "TMR7",    [0x20] = "IRR0", [0x21] = "IRR1",	  [0x22] = "IRR2",
	[0x23] = "IRR3",    [0x24] = "IRR4", [0x25] = "IRR5",	  [0x26] = "IRR6",
	[0x27] = "IRR7",    [0x28] = "ESR",  [0x2f] = "LVTCMCI",  [0x30] = "ICR",
	[0x31] = "ICR2",    [0x32] = "LVTT", [0x33] = "LVTTHMR",  [0x34] = "LVTPC",
	[0x35] = "LVT0",    [0x36] = "LVT1", [0x37] = "LVTERR",	  [0x38] = "TMICT",
	[0x39] = "TMCCT",   [0x3e] = "TDCR", [0x3f] = "SELF_IPI",
};

/* KVM_HC_*, include/uapi/linux/kvm_para.h */
static const char *const hypercall_names[] = {
	[1] = "VAPIC_POLL_IRQ", [2] = "MMU_OP",
	[3] = "FEATURES",	[4] = "PPC_MAP_MAGIC_PAGE",
	[5] = "KICK_CPU",	[6] = "MIPS_GET_CLOCK_FREQ",
	[7] = "MIPS_EXIT_VM",	[8] = "MIPS_CONSOLE_OUTPUT",
	[9] = "CLOCK_PAIRING",	[10] = "SEND_IPI",
	[11] = "SCHED_YIELD",	[12] = "MAP_GPA_RANGE",
};

static const char *const exception_names[] = {
	[0] = "DE",  [1] = "DB",  [2] = "NMI", [3] = "BP",  [4] = "OF",	 [5] = "BR",  [6] = "UD",
	[7] = "NM",  [8] = "DF",  [10] = "TS", [11] = "NP", [12] = "SS", [13] = "GP", [14] = "PF",
	[16] = "MF", [17] = "AC", [18] = "MC", [19] = "XM", [20] = "VE", [21] = "CP",
};

static const char *name_at(const char *const *names, size_t n, int64_t number)
{
	return number >= 0 && (uint64_t)number < n ? names[number] : NULL;
}

static const char *msr_name(int64_t number)
{
	for (size_t i = 0; i < N(msr_names); i++) {
		if (msr_names[i].number == number)
			return msr_names[i].name;
	}
	return NULL;
}

static const char *apic_name(int64_t offset)
{
	return offset % APIC_STEP ? NULL : name_at(apic_names, N(apic_names), offset / APIC_STEP);
}

const char *exit_detail_kind_name(enum exit_detail_kind kind)
{
	static const char *const names[DETAIL_N_KINDS] = {
		[DETAIL_VECTOR] = "vector",
		[DETAIL_IRQ] = "irq",
		[DETAIL_EXCEPTION] = "exception",
		[DETAIL_NESTED] = "nested",
		[DETAIL_PAGE_FAULT] = "page-fault",
		[DETAIL_CPUID] = "cpuid",
		[DETAIL_CR_READ] = "cr-read",
		[DETAIL_CR_WRITE] = "cr-write",
		[DETAIL_APIC_READ] = "apic-read",
		[DETAIL_APIC_WRITE] = "apic-write",
		[DETAIL_MMIO_READ] = "mmio-read",
		[DETAIL_MMIO_WRITE] = "mmio-write",
		[DETAIL_PORT_IN] = "port-in",
		[DETAIL_PORT_OUT] = "port-out",
		[DETAIL_HYPERCALL] = "hypercall",
		[DETAIL_HV_HYPERCALL] = "hv-hypercall",
		[DETAIL_MSR_READ] = "msr-read",
		[DETAIL_MSR_WRITE] = "msr-write",
		[DETAIL_WFI] = "wfi",
		[DETAIL_WFE] = "wfe",
	};

	return names[kind];
}

/* Return: the name that the number has, or NULL. */
static const char *value_name(struct exit_detail d)
{
	switch (d.kind) {
	case DETAIL_MSR_READ:
	case DETAIL_MSR_WRITE:
		return msr_name(d.value);
	case DETAIL_APIC_READ:
	case DETAIL_APIC_WRITE:
		return apic_name(d.value);
	case DETAIL_HYPERCALL:
		return name_at(hypercall_names, N(hypercall_names), d.value);
	case DETAIL_EXCEPTION:
		return name_at(exception_names, N(exception_names), d.value);
	default:
		return NULL;
	}
}

/* Of what is told in decimal: what stands before. Hypercalls of arm64 are 32 bits of fields. */
static const char *decimal_prefix(struct exit_detail d)
{
	enum { HYPERCALLS_MAX = 0x10000 };

	switch (d.kind) {
	case DETAIL_HYPERCALL:
		return d.value >= 0 && d.value < HYPERCALLS_MAX ? "" : NULL;
	case DETAIL_VECTOR:
	case DETAIL_IRQ:
	case DETAIL_EXCEPTION:
		return "";
	case DETAIL_CR_READ:
	case DETAIL_CR_WRITE:
		return "CR";
	default:
		return NULL;
	}
}

static bool is_x2apic(struct exit_detail d)
{
	return (d.kind == DETAIL_MSR_READ || d.kind == DETAIL_MSR_WRITE) &&
	       d.value >= X2APIC_FIRST && d.value < X2APIC_END;
}

void exit_detail_text(struct exit_detail d, char text[EXIT_DETAIL_TEXT])
{
	const char *kind = exit_detail_kind_name(d.kind);
	const char *decimal = decimal_prefix(d), *name = value_name(d);
	const char *apic = is_x2apic(d) ? apic_name((d.value - X2APIC_FIRST) * APIC_STEP) : NULL;

	if (!exit_detail_is_named(d))
		snprintf(text, EXIT_DETAIL_TEXT, "%s", kind);
	else if (name || apic)
		snprintf(text, EXIT_DETAIL_TEXT, "%s %s%s", kind, apic ? "X2APIC_" : "",
			 apic ? apic : name);
	else if (decimal)
		snprintf(text, EXIT_DETAIL_TEXT, "%s %s%" PRId64, kind, decimal, d.value);
	else
		snprintf(text, EXIT_DETAIL_TEXT, "%s 0x%" PRIx64, kind, (uint64_t)d.value);
}

/* ---- what an exit's own qualification says -------------------------------------------------- */

/* Of Intel's; exits that are not here are told by their events or not at all. */
enum {
	VMX_EXCEPTION_NMI = 0,
	VMX_EXTERNAL_INTERRUPT = 1,
	VMX_CR_ACCESS = 28,
	VMX_IO_INSTRUCTION = 30,
	VMX_APIC_ACCESS = 44,
	VMX_EOI_INDUCED = 45,
	VMX_APIC_WRITE = 56,
};

enum {
	SVM_READ_CR0 = 0x00,
	SVM_WRITE_CR0 = 0x10,
	SVM_WRITE_CR15 = 0x1f,
	SVM_CR0_SEL_WRITE = 0x65,
	SVM_IOIO = 0x7b,
	SVM_NPF = 0x400,
	SVM_AVIC_UNACCELERATED_ACCESS = 0x402,
};

enum { RISCV_INST_GUEST_FAULT = 20, RISCV_LOAD_GUEST_FAULT = 21, RISCV_STORE_GUEST_FAULT = 23 };

/* Bit 31 of Intel's interruption information. */
enum { INTR_VALID_BIT = 31 };

static struct exit_detail detail(enum exit_detail_kind kind, int64_t value)
{
	return (struct exit_detail){.kind = kind, .value = value};
}

static struct exit_detail no_detail(void)
{
	return detail(DETAIL_NONE, NO_VALUE);
}

/* LTTng's older probes put a pointer there; with shadow paging it is a virtual address. */
static struct exit_detail page_fault(int64_t gpa)
{
	return detail(DETAIL_PAGE_FAULT, (uint64_t)gpa >> EXIT_DETAIL_BITS ? NO_VALUE : gpa);
}

static struct exit_detail vmx_interruption(enum exit_detail_kind kind, int64_t info)
{
	if (info == NO_VALUE || !(info >> INTR_VALID_BIT & 1))
		return no_detail();
	return detail(kind, info & 0xff);
}

/* MOV to CR, MOV from CR, CLTS, LMSW; the latter two write CR0, and their field is 0. */
static struct exit_detail vmx_cr(int64_t info)
{
	enum { FROM_CR = 1 };
	bool read = (info >> 4 & 3) == FROM_CR;

	return detail(read ? DETAIL_CR_READ : DETAIL_CR_WRITE, info & 0xf);
}

/* Bit `in_bit` says the direction; both have the port in the same place. 0: not filled in. */
static struct exit_detail port(int64_t info, int in_bit)
{
	if (!info)
		return no_detail();
	return detail(info >> in_bit & 1 ? DETAIL_PORT_IN : DETAIL_PORT_OUT, info >> 16 & 0xffff);
}

static struct exit_detail vmx_apic_access(int64_t info)
{
	enum { LINEAR_READ = 0, LINEAR_WRITE = 1 };
	int64_t type = info >> 12 & 0xf;

	if (type != LINEAR_READ && type != LINEAR_WRITE)
		return no_detail();
	return detail(type == LINEAR_READ ? DETAIL_APIC_READ : DETAIL_APIC_WRITE, info & 0xfff);
}

static struct exit_detail vmx_detail(const struct event *e, uint32_t reason)
{
	int64_t info = e->kvm_exit.info1;

	switch (reason) {
	case VMX_EXCEPTION_NMI:
		return vmx_interruption(DETAIL_EXCEPTION, e->kvm_exit.intr_info);
	case VMX_EXTERNAL_INTERRUPT:
		return vmx_interruption(DETAIL_VECTOR, e->kvm_exit.intr_info);
	}
	if (info == NO_VALUE)
		return no_detail();
	switch (reason) {
	case VMX_CR_ACCESS:
		return vmx_cr(info);
	case VMX_IO_INSTRUCTION:
		return port(info, 3);
	case VMX_APIC_ACCESS:
		return vmx_apic_access(info);
	case VMX_EOI_INDUCED:
		return detail(DETAIL_VECTOR, info & 0xff);
	case VMX_APIC_WRITE:
		return detail(DETAIL_APIC_WRITE, info & 0xff0);
	}
	return no_detail();
}

static struct exit_detail svm_detail(const struct event *e, uint32_t reason)
{
	int64_t info = e->kvm_exit.info1;

	if (reason <= SVM_WRITE_CR15)
		return detail(reason < SVM_WRITE_CR0 ? DETAIL_CR_READ : DETAIL_CR_WRITE,
			      reason & 0xf);
	if (reason == SVM_CR0_SEL_WRITE)
		return detail(DETAIL_CR_WRITE, 0);
	if (info == NO_VALUE)
		return no_detail();
	switch (reason) {
	case SVM_IOIO:
		return port(info, 0);
	case SVM_NPF:
		return page_fault(e->kvm_exit.info2);
	case SVM_AVIC_UNACCELERATED_ACCESS:
		return detail(info >> 32 & 1 ? DETAIL_APIC_WRITE : DETAIL_APIC_READ, info & 0xff0);
	}
	return no_detail();
}

/* htval is the address without its two lowest bits, which are those of stval. */
static struct exit_detail riscv_detail(const struct event *e, uint32_t reason)
{
	int64_t info = e->kvm_exit.info1;
	uint64_t htval = info == NO_VALUE ? 0 : (uint64_t)info;
	uint64_t stval = (uint64_t)e->kvm_exit.info2;

	switch (reason) {
	case RISCV_INST_GUEST_FAULT:
	case RISCV_LOAD_GUEST_FAULT:
	case RISCV_STORE_GUEST_FAULT:
		return htval ? page_fault((int64_t)(htval << 2 | (stval & 3))) : no_detail();
	case EXIT_RISCV_WFI:
		return detail(DETAIL_WFI, NO_VALUE);
	}
	return no_detail();
}

struct exit_detail exit_detail_of(const struct event *e, enum isa isa, uint32_t reason)
{
	switch (isa) {
	case ISA_VMX:
		return vmx_detail(e, exit_reason_number(isa, reason));
	case ISA_SVM:
		return svm_detail(e, reason);
	case ISA_RISCV:
		return riscv_detail(e, reason);
	default:
		return no_detail();
	}
}

/* ---- what other events say ------------------------------------------------------------------ */

/* Vectors that have a line go by that. */
static struct exit_detail irq(const struct event *e)
{
	if (e->irq_entry.irq != NO_VALUE)
		return detail(DETAIL_IRQ, e->irq_entry.irq);
	return detail(e->irq_entry.vector == NO_VALUE ? DETAIL_NONE : DETAIL_VECTOR,
		      e->irq_entry.vector);
}

/* read: its successor is the same, written. */
static struct exit_detail directed(enum exit_detail_kind read, const struct event *e)
{
	return detail(read + (e->kvm_detail.write == 1), e->kvm_detail.value);
}

static struct exit_detail mmio(const struct event *e)
{
	enum { MMIO_WRITE = 2 }; /* KVM_TRACE_MMIO_WRITE; 0 and 1 are reads */

	return detail(e->kvm_detail.write == MMIO_WRITE ? DETAIL_MMIO_WRITE : DETAIL_MMIO_READ,
		      e->kvm_detail.value);
}

struct exit_detail exit_detail_told(const struct event *e)
{
	switch (e->id) {
	case EV_IRQ_ENTRY:
		return irq(e);
	case EV_KVM_MSR:
		return directed(DETAIL_MSR_READ, e);
	case EV_KVM_PIO:
		return directed(DETAIL_PORT_IN, e);
	case EV_KVM_APIC:
		return directed(DETAIL_APIC_READ, e);
	case EV_KVM_CR:
		return directed(DETAIL_CR_READ, e);
	case EV_KVM_MMIO:
		return mmio(e);
	case EV_KVM_FAST_MMIO:
		return detail(DETAIL_MMIO_WRITE, e->kvm_detail.value);
	case EV_KVM_PAGE_FAULT:
		return page_fault(e->kvm_detail.value);
	case EV_KVM_CPUID:
		return detail(DETAIL_CPUID, e->kvm_detail.value);
	case EV_KVM_HYPERCALL:
		return detail(DETAIL_HYPERCALL, e->kvm_detail.value);
	case EV_KVM_HV_HYPERCALL:
		return detail(DETAIL_HV_HYPERCALL, e->kvm_detail.value);
	case EV_KVM_NESTED_EXIT:
		return detail(DETAIL_NESTED, NO_VALUE);
	case EV_KVM_WFX:
		return detail(e->kvm_detail.write == 1 ? DETAIL_WFE : DETAIL_WFI, NO_VALUE);
	default:
		return no_detail();
	}
}
