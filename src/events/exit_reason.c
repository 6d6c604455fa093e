#include "events/exit_reason.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/mem.h"

static const char *const vmx_names[] = {
	[0] = "EXCEPTION_NMI",
	[1] = "EXTERNAL_INTERRUPT",
	[2] = "TRIPLE_FAULT",
	[3] = "INIT_SIGNAL",
	[4] = "SIPI_SIGNAL",
	[7] = "INTERRUPT_WINDOW",
	[8] = "NMI_WINDOW",
	[9] = "TASK_SWITCH",
	[10] = "CPUID",
	[12] = "HLT",
	[13] = "INVD",
	[14] = "INVLPG",
	[15] = "RDPMC",
	[16] = "RDTSC",
	[18] = "VMCALL",
	[19] = "VMCLEAR",
	[20] = "VMLAUNCH",
	[21] = "VMPTRLD",
	[22] = "VMPTRST",
	[23] = "VMREAD",
	[24] = "VMRESUME",
	[25] = "VMWRITE",
	[26] = "VMOFF",
	[27] = "VMON",
	[28] = "CR_ACCESS",
	[29] = "DR_ACCESS",
	[30] = "IO_INSTRUCTION",
	[31] = "MSR_READ",
	[32] = "MSR_WRITE",
	[33] = "INVALID_STATE",
	[34] = "MSR_LOAD_FAIL",
	[36] = "MWAIT_INSTRUCTION",
	[37] = "MONITOR_TRAP_FLAG",
	[39] = "MONITOR_INSTRUCTION",
	[40] = "PAUSE_INSTRUCTION",
	[41] = "MCE_DURING_VMENTRY",
	[43] = "TPR_BELOW_THRESHOLD",
	[44] = "APIC_ACCESS",
	[45] = "EOI_INDUCED",
	[46] = "GDTR_IDTR",
	[47] = "LDTR_TR",
	[48] = "EPT_VIOLATION",
	[49] = "EPT_MISCONFIG",
	[50] = "INVEPT",
	[51] = "RDTSCP",
	[52] = "PREEMPTION_TIMER",
	[53] = "INVVPID",
	[54] = "WBINVD",
	[55] = "XSETBV",
	[56] = "APIC_WRITE",
	[57] = "RDRAND",
	[58] = "INVPCID",
	[59] = "VMFUNC",
	[60] = "ENCLS",
	[61] = "RDSEED",
	[62] = "PML_FULL",
	[63] = "XSAVES",
	[64] = "XRSTORS",
	[67] = "UMWAIT",
	[68] = "TPAUSE",
	[74] = "BUS_LOCK",
	[75] = "NOTIFY",
	[76] = "SEAMCALL",
	[77] = "TDCALL",
	[84] = "MSR_READ_IMM",
	[85] = "MSR_WRITE_IMM",
};

static const char *const svm_names[] = {
	[0x000] = "READ_CR0",
	[0x002] = "READ_CR2",
	[0x003] = "READ_CR3",
	[0x004] = "READ_CR4",
	[0x008] = "READ_CR8",
	[0x010] = "WRITE_CR0",
	[0x012] = "WRITE_CR2",
	[0x013] = "WRITE_CR3",
	[0x014] = "WRITE_CR4",
	[0x018] = "WRITE_CR8",
	[0x020] = "READ_DR0",
	[0x021] = "READ_DR1",
	[0x022] = "READ_DR2",
	[0x023] = "READ_DR3",
	[0x024] = "READ_DR4",
	[0x025] = "READ_DR5",
	[0x026] = "READ_DR6",
	[0x027] = "READ_DR7",
	[0x030] = "WRITE_DR0",
	[0x031] = "WRITE_DR1",
	[0x032] = "WRITE_DR2",
	[0x033] = "WRITE_DR3",
	[0x034] = "WRITE_DR4",
	[0x035] = "WRITE_DR5",
	[0x036] = "WRITE_DR6",
	[0x037] = "WRITE_DR7",
	[0x040] = "EXCP_DE",
	[0x041] = "EXCP_DB",
	[0x043] = "EXCP_BP",
	[0x044] = "EXCP_OF",
	[0x045] = "EXCP_BR",
	[0x046] = "EXCP_UD",
	[0x047] = "EXCP_NM",
	[0x048] = "EXCP_DF",
	[0x04a] = "EXCP_TS",
	[0x04b] = "EXCP_NP",
	[0x04c] = "EXCP_SS",
	[0x04d] = "EXCP_GP",
	[0x04e] = "EXCP_PF",
	[0x050] = "EXCP_MF",
	[0x051] = "EXCP_AC",
	[0x052] = "EXCP_MC",
	[0x053] = "EXCP_XF",
	[0x054] = "EXCP_VE",
	[0x055] = "EXCP_CP",
	[0x05c] = "EXCP_HV",
	[0x05d] = "EXCP_VC",
	[0x05e] = "EXCP_SX",
	[0x060] = "INTR",
	[0x061] = "NMI",
	[0x062] = "SMI",
	[0x063] = "INIT",
	[0x064] = "VINTR",
	[0x065] = "CR0_SEL_WRITE",
	[0x066] = "IDTR_READ",
	[0x067] = "GDTR_READ",
	[0x068] = "LDTR_READ",
	[0x069] = "TR_READ",
	[0x06a] = "IDTR_WRITE",
	[0x06b] = "GDTR_WRITE",
	[0x06c] = "LDTR_WRITE",
	[0x06d] = "TR_WRITE",
	[0x06e] = "RDTSC",
	[0x06f] = "RDPMC",
	[0x070] = "PUSHF",
	[0x071] = "POPF",
	[0x072] = "CPUID",
	[0x073] = "RSM",
	[0x074] = "IRET",
	[0x075] = "SWINT",
	[0x076] = "INVD",
	[0x077] = "PAUSE",
	[0x078] = "HLT",
	[0x079] = "INVLPG",
	[0x07a] = "INVLPGA",
	[0x07b] = "IOIO",
	[0x07c] = "MSR",
	[0x07d] = "TASK_SWITCH",
	[0x07e] = "FERR_FREEZE",
	[0x07f] = "SHUTDOWN",
	[0x080] = "VMRUN",
	[0x081] = "VMMCALL",
	[0x082] = "VMLOAD",
	[0x083] = "VMSAVE",
	[0x084] = "STGI",
	[0x085] = "CLGI",
	[0x086] = "SKINIT",
	[0x087] = "RDTSCP",
	[0x088] = "ICEBP",
	[0x089] = "WBINVD",
	[0x08a] = "MONITOR",
	[0x08b] = "MWAIT",
	[0x08c] = "MWAIT_COND",
	[0x08d] = "XSETBV",
	[0x08e] = "RDPRU",
	[0x08f] = "EFER_WRITE_TRAP",
	[0x090] = "CR0_WRITE_TRAP",
	[0x091] = "CR1_WRITE_TRAP",
	[0x092] = "CR2_WRITE_TRAP",
	[0x093] = "CR3_WRITE_TRAP",
	[0x094] = "CR4_WRITE_TRAP",
	[0x095] = "CR5_WRITE_TRAP",
	[0x096] = "CR6_WRITE_TRAP",
	[0x097] = "CR7_WRITE_TRAP",
	[0x098] = "CR8_WRITE_TRAP",
	[0x099] = "CR9_WRITE_TRAP",
	[0x09a] = "CR10_WRITE_TRAP",
	[0x09b] = "CR11_WRITE_TRAP",
	[0x09c] = "CR12_WRITE_TRAP",
	[0x09d] = "CR13_WRITE_TRAP",
	[0x09e] = "CR14_WRITE_TRAP",
	[0x09f] = "CR15_WRITE_TRAP",
	[0x0a2] = "INVPCID",
	[0x0a5] = "BUS_LOCK",
	[0x0a6] = "IDLE_HLT",
};

struct far_name {
	uint32_t reason;
	const char *name;
};

/* What lies far from the others. */
static const struct far_name svm_far_names[] = {
	{0x400, "NPF"},
	{0x401, "AVIC_INCOMPLETE_IPI"},
	{0x402, "AVIC_UNACCELERATED_ACCESS"},
	{0x403, "VMGEXIT"},
	{0x80000001, "VMGEXIT_MMIO_READ"},
	{0x80000002, "VMGEXIT_MMIO_WRITE"},
	{0x80000003, "VMGEXIT_NMI_COMPLETE"},
	{0x80000004, "VMGEXIT_AP_HLT_LOOP"},
	{0x80000005, "VMGEXIT_AP_JUMP_TABLE"},
	{0x80000010, "VMGEXIT_PSC"},
	{0x80000011, "VMGEXIT_GUEST_REQUEST"},
	{0x80000012, "VMGEXIT_EXT_GUEST_REQUEST"},
	{0x80000013, "VMGEXIT_AP_CREATION"},
	{0x8000fffd, "VMGEXIT_HV_FEATURES"},
	{0x8000fffe, "VMGEXIT_TERM_REQUEST"},
	{0x8000ffff, "VMGEXIT_UNSUPPORTED_EVENT"},
	{0xf0000000, "SW"},
	{0xffffffff, "ERR"},
};

static const char *const arm64_names[] = {
	[0x00] = "UNKNOWN",
	[0x01] = "WFX",
	[0x03] = "CP15_32",
	[0x04] = "CP15_64",
	[0x05] = "CP14_MR",
	[0x06] = "CP14_LS",
	[0x07] = "FP_ASIMD",
	[0x08] = "CP10_ID",
	[0x09] = "PAC",
	[0x0a] = "OTHER",
	[0x0c] = "CP14_64",
	[0x0d] = "BTI",
	[0x0e] = "ILL",
	[0x11] = "SVC32",
	[0x12] = "HVC32",
	[0x13] = "SMC32",
	[0x15] = "SVC64",
	[0x16] = "HVC64",
	[0x17] = "SMC64",
	[0x18] = "SYS64",
	[0x19] = "SVE",
	[0x1a] = "ERET",
	[0x1c] = "FPAC",
	[0x1d] = "SME",
	[0x1f] = "IMP_DEF",
	[0x20] = "IABT_LOW",
	[0x21] = "IABT_CUR",
	[0x22] = "PC_ALIGN",
	[0x24] = "DABT_LOW",
	[0x25] = "DABT_CUR",
	[0x26] = "SP_ALIGN",
	[0x27] = "MOPS",
	[0x28] = "FP_EXC32",
	[0x2c] = "FP_EXC64",
	[0x2d] = "GCS",
	[0x2f] = "SERROR",
	[0x30] = "BREAKPT_LOW",
	[0x31] = "BREAKPT_CUR",
	[0x32] = "SOFTSTP_LOW",
	[0x33] = "SOFTSTP_CUR",
	[0x34] = "WATCHPT_LOW",
	[0x35] = "WATCHPT_CUR",
	[0x38] = "BKPT32",
	[0x3a] = "VECTOR32",
	[0x3c] = "BRK64",
	[EXIT_ARM64_IRQ] = "IRQ",
	[EXIT_ARM64_SERROR] = "EL1_SERROR",
	[EXIT_ARM64_IL] = "IL",
};

static const char *const riscv_names[] = {
	[0] = "INST_MISALIGNED",
	[1] = "INST_ACCESS",
	[2] = "INST_ILLEGAL",
	[3] = "BREAKPOINT",
	[4] = "LOAD_MISALIGNED",
	[5] = "LOAD_ACCESS",
	[6] = "STORE_MISALIGNED",
	[7] = "STORE_ACCESS",
	[8] = "SYSCALL",
	[9] = "HYPERVISOR_SYSCALL",
	[10] = "SUPERVISOR_SYSCALL",
	[12] = "INST_PAGE_FAULT",
	[13] = "LOAD_PAGE_FAULT",
	[15] = "STORE_PAGE_FAULT",
	[18] = "SOFTWARE_CHECK",
	[19] = "HARDWARE_ERROR",
	[20] = "INST_GUEST_PAGE_FAULT",
	[21] = "LOAD_GUEST_PAGE_FAULT",
	[22] = "VIRTUAL_INST_FAULT",
	[23] = "STORE_GUEST_PAGE_FAULT",
	[EXIT_RISCV_WFI] = "WFI",
};

/* By what follows the bit that says that it is an interrupt. */
static const char *const riscv_irq_names[] = {
	[1] = "IRQ_S_SOFT",   [2] = "IRQ_VS_SOFT", [3] = "IRQ_M_SOFT",	 [5] = "IRQ_S_TIMER",
	[6] = "IRQ_VS_TIMER", [7] = "IRQ_M_TIMER", [9] = "IRQ_S_EXT",	 [10] = "IRQ_VS_EXT",
	[11] = "IRQ_M_EXT",   [12] = "IRQ_S_GEXT", [13] = "IRQ_PMU_OVF",
};

static const char *const s390_names[] = {
	[0x00] = "HOST_INTERRUPTION",
	[0x04] = "INST",
	[0x08] = "PROGI",
	[0x0c] = "INSTPROGI",
	[0x10] = "EXTREQ",
	[0x14] = "EXTINT",
	[0x18] = "IOREQ",
	[0x1c] = "WAIT",
	[0x20] = "VALIDITY",
	[0x28] = "STOP",
	[0x2c] = "OPEREXC",
	[0x38] = "PARTEXEC",
	[0x40] = "IOINST",
	[0x5c] = "KSS",
	[0x60] = "MCHKREQ",
	[0x64] = "INT_ENABLE",
	[0x68] = "PV_INSTR",
	[0x6c] = "PV_NOTIFY",
	[0x70] = "PV_PREF",
};

static const char *const userspace_names[] = {
	[0] = "UNKNOWN",
	[1] = "EXCEPTION",
	[2] = "IO",
	[3] = "HYPERCALL",
	[4] = "DEBUG",
	[5] = "HLT",
	[6] = "MMIO",
	[7] = "IRQ_WINDOW_OPEN",
	[8] = "SHUTDOWN",
	[9] = "FAIL_ENTRY",
	[10] = "INTR",
	[11] = "SET_TPR",
	[12] = "TPR_ACCESS",
	[13] = "S390_SIEIC",
	[14] = "S390_RESET",
	[15] = "DCR",
	[16] = "NMI",
	[17] = "INTERNAL_ERROR",
	[18] = "OSI",
	[19] = "PAPR_HCALL",
	[20] = "S390_UCONTROL",
	[21] = "WATCHDOG",
	[22] = "S390_TSCH",
	[23] = "EPR",
	[24] = "SYSTEM_EVENT",
	[25] = "S390_STSI",
	[26] = "IOAPIC_EOI",
	[27] = "HYPERV",
	[28] = "ARM_NISV",
	[29] = "X86_RDMSR",
	[30] = "X86_WRMSR",
	[31] = "DIRTY_RING_FULL",
	[32] = "AP_RESET_HOLD",
	[33] = "X86_BUS_LOCK",
	[34] = "XEN",
	[35] = "RISCV_SBI",
	[36] = "RISCV_CSR",
	[37] = "NOTIFY",
	[38] = "LOONGARCH_IOCSR",
	[39] = "MEMORY_FAULT",
	[40] = "TDX",
	[41] = "ARM_SEA",
};

#define N(names) (sizeof(names) / sizeof((names)[0]))

/* Reasons that mean something to us: Intel's, AMD's, arm64's, s390's. */
enum {
	VMX_EXTERNAL_INTERRUPT = 1,
	VMX_HLT = 12,
	VMX_VMLAUNCH = 20,
	VMX_VMRESUME = 24,
	VMX_MSR_WRITE = 32,
	VMX_MWAIT = 36,
	VMX_APIC_ACCESS = 44,
	VMX_APIC_WRITE = 56,
	SVM_INTR = 0x60,
	SVM_HLT = 0x78,
	SVM_MSR = 0x7c,
	SVM_VMRUN = 0x80,
	SVM_MWAIT = 0x8b,
	SVM_IDLE_HLT = 0xa6,
	ARM64_WFX = 1,
	RISCV_VIRTUAL_INST_FAULT = 22,
	S390_HOST_INTERRUPTION = 0,
	S390_WAIT = 0x1c,
};

/* ARM_EXCEPTION_TRAP, arch/arm64/include/asm/kvm_asm.h */
enum { ARM64_RET_TRAP = 2 };

/* Of Intel's reasons the bits above say under what circumstances. */
enum { VMX_BASIC_BITS = 26, VMX_BIT_FAILED = 31 };

/* The instruction WFI, which RISC-V's KVM finds in stval. */
enum { RISCV_WFI = 0x10500073 };

enum isa exit_isa_of(const struct event *e)
{
	return e->kvm_exit.isa == NO_VALUE ? ISA_UNKNOWN : (enum isa)e->kvm_exit.isa;
}

/* The bit of an interrupt is the topmost one, of 64 or 32. */
static uint32_t exit_riscv_reason(const struct event *e)
{
	int64_t cause = e->kvm_exit.reason;

	if (cause < 0 || cause >> 31)
		return EXIT_RISCV_IRQ | (uint32_t)cause;
	if (cause == RISCV_VIRTUAL_INST_FAULT && e->kvm_exit.info2 == RISCV_WFI)
		return EXIT_RISCV_WFI;
	return (uint32_t)cause;
}

uint32_t exit_reason_of(const struct event *e)
{
	int64_t ret = e->kvm_exit.ret;

	if (e->kvm_exit.isa == ISA_ARM64 && ret != NO_VALUE && ret != ARM64_RET_TRAP)
		return EXIT_ARM64_IRQ + (uint32_t)ret;
	if (e->kvm_exit.isa == ISA_RISCV)
		return exit_riscv_reason(e);
	return (uint32_t)e->kvm_exit.reason;
}

static const char *name_in(const char *const *names, size_t n, uint32_t reason)
{
	return reason < n ? names[reason] : NULL;
}

static uint32_t vmx_basic(uint32_t reason)
{
	return reason & ((1u << VMX_BASIC_BITS) - 1);
}

static const char *svm_name(uint32_t reason)
{
	for (size_t i = 0; i < N(svm_far_names); i++) {
		if (svm_far_names[i].reason == reason)
			return svm_far_names[i].name;
	}
	return name_in(svm_names, N(svm_names), reason);
}

static const char *riscv_name(uint32_t reason)
{
	if (reason & EXIT_RISCV_IRQ)
		return name_in(riscv_irq_names, N(riscv_irq_names), reason & ~EXIT_RISCV_IRQ);
	return name_in(riscv_names, N(riscv_names), reason);
}

const char *exit_reason_name(enum isa isa, uint32_t reason)
{
	switch (isa) {
	case ISA_VMX:
		return name_in(vmx_names, N(vmx_names), vmx_basic(reason));
	case ISA_SVM:
		return svm_name(reason);
	case ISA_ARM64:
		return name_in(arm64_names, N(arm64_names), reason);
	case ISA_RISCV:
		return riscv_name(reason);
	case ISA_S390:
		return name_in(s390_names, N(s390_names), reason);
	case ISA_UNKNOWN:
		break;
	}
	return NULL;
}

uint32_t exit_reason_number(enum isa isa, uint32_t reason)
{
	return isa == ISA_VMX ? vmx_basic(reason) : reason;
}

const char *exit_reason_flag(enum isa isa, uint32_t reason, int bit)
{
	static const char *const names[] = {"bus lock",	 "in enclave", "MTF pending",
					    "from root", "bit 30",     "entry failed"};

	if (isa == ISA_SVM)
		return bit == VMX_BIT_FAILED && reason == UINT32_MAX ? "entry failed" : NULL;
	if (isa != ISA_VMX || bit < VMX_BASIC_BITS || !(reason >> bit & 1))
		return NULL;
	return names[bit - VMX_BASIC_BITS];
}

const char *isa_name(enum isa isa)
{
	static const char *const names[] = {
		[ISA_VMX] = "VMX",	[ISA_SVM] = "SVM",   [ISA_ARM64] = "arm64",
		[ISA_RISCV] = "RISC-V", [ISA_S390] = "s390",
	};

	return name_in(names, N(names), isa);
}

bool exit_reason_is_halt(enum isa isa, uint32_t reason)
{
	switch (isa) {
	case ISA_VMX:
		return vmx_basic(reason) == VMX_HLT;
	case ISA_SVM:
		return reason == SVM_HLT || reason == SVM_IDLE_HLT;
	case ISA_ARM64:
		return reason == ARM64_WFX;
	case ISA_RISCV:
		return reason == EXIT_RISCV_WFI;
	case ISA_S390:
		return reason == S390_WAIT;
	case ISA_UNKNOWN:
		break;
	}
	return false;
}

bool exit_reason_sleeps_halted(enum isa isa, uint32_t reason)
{
	return exit_reason_is_halt(isa, reason) ||
	       (isa == ISA_RISCV && reason == RISCV_VIRTUAL_INST_FAULT);
}

bool exit_reason_is_idle(enum isa isa, uint32_t reason)
{
	return exit_reason_is_halt(isa, reason) ||
	       (isa == ISA_VMX && vmx_basic(reason) == VMX_MWAIT) ||
	       (isa == ISA_SVM && reason == SVM_MWAIT);
}

bool exit_reason_is_interrupt(enum isa isa, uint32_t reason)
{
	switch (isa) {
	case ISA_VMX:
		return vmx_basic(reason) == VMX_EXTERNAL_INTERRUPT;
	case ISA_SVM:
		return reason == SVM_INTR;
	case ISA_ARM64:
		return reason == EXIT_ARM64_IRQ;
	case ISA_RISCV:
		return reason & EXIT_RISCV_IRQ;
	case ISA_S390:
		return reason == S390_HOST_INTERRUPTION;
	case ISA_UNKNOWN:
		break;
	}
	return false;
}

bool exit_reason_is_timer(enum isa isa, uint32_t reason)
{
	uint32_t basic = vmx_basic(reason);

	if (isa == ISA_SVM)
		return reason == SVM_MSR;
	return (isa == ISA_VMX || isa == ISA_UNKNOWN) &&
	       (basic == VMX_MSR_WRITE || basic == VMX_APIC_ACCESS || basic == VMX_APIC_WRITE);
}

char *exit_reason_label(enum isa isa, uint32_t reason)
{
	const char *name = exit_reason_name(isa, reason);
	char *text = name ? mem_strdup(name)
			  : mem_printf("exit %" PRIu32, exit_reason_number(isa, reason));

	for (int bit = 0; bit < 32; bit++) {
		const char *flag = exit_reason_flag(isa, reason, bit);
		char *before = text;

		if (!flag)
			continue;
		text = mem_printf("%s (%s)", before, flag);
		free(before);
	}
	return text;
}

bool exit_reason_is_nested_entry(enum isa isa, uint32_t reason)
{
	switch (isa) {
	case ISA_VMX:
		return vmx_basic(reason) == VMX_VMLAUNCH || vmx_basic(reason) == VMX_VMRESUME;
	case ISA_SVM:
		return reason == SVM_VMRUN;
	default:
		return false;
	}
}

const char *userspace_exit_name(uint32_t reason)
{
	return name_in(userspace_names, N(userspace_names), reason);
}
