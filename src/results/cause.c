#include "results/cause.h"

#include <string.h>

const struct cause_info *cause_info(enum cause cause)
{
	static const struct cause_info infos[CAUSE_N] = {
#define CAUSE(id, name, kind, percent, least, stretch, remedy) \
	{name, CAUSE_KIND_##kind, percent, (least)*1000000LL, (stretch)*1000000LL, remedy},
#include "results/cause.def"
#undef CAUSE
	};

	return &infos[cause];
}

const char *cause_kind_name(enum cause_kind kind)
{
	static const char *const names[] = {
		[CAUSE_KIND_LOST] = "lost",	  [CAUSE_KIND_EXIT] = "exits",
		[CAUSE_KIND_BLOCKED] = "blocked", [CAUSE_KIND_GUEST] = "guest",
		[CAUSE_KIND_HOST] = "host",	  [CAUSE_KIND_NOTE] = "note",
	};

	return names[kind];
}

/* ---- what kept a vCPU from its CPU ----------------------------------------------------------- */

/* Of the threads of VMs: is it the victim's own? */
static enum cause cause_of_vm(const struct res_occupant *o, const struct res_vcpu *victim)
{
	if (o->vm == NOBODY)
		return CAUSE_PROCESS;
	if (o->vm != victim->machine)
		return CAUSE_NEIGHBOUR;
	return o->kind == OCCUPANT_VCPU ? CAUSE_SIBLINGS : CAUSE_EMULATOR;
}

enum cause cause_of_occupant(const struct results *r, const struct res_vcpu *victim,
			     const struct summary_occupant *s, bool woken)
{
	struct res_occupant o = occupant_of(r, s);

	if (s->certainty == CERTAINTY_OPEN)
		return CAUSE_UNCLEAR;
	switch (o.kind) {
	case OCCUPANT_VCPU:
	case OCCUPANT_VMM:
	case OCCUPANT_VHOST:
		return cause_of_vm(&o, victim);
	case OCCUPANT_PROCESS:
		return CAUSE_PROCESS;
	case OCCUPANT_KERNEL:
		return CAUSE_KERNEL;
	case OCCUPANT_IRQ:
	case OCCUPANT_SOFTIRQ:
	case OCCUPANT_TIMER:
		return CAUSE_INTERRUPTS;
	case OCCUPANT_QUOTA:
		return CAUSE_QUOTA;
	case OCCUPANT_IDLE:
		/* Who was not woken does not wait for a CPU that wakes up. */
		return woken ? CAUSE_LATENCY : CAUSE_UNCLEAR;
	default:
		return CAUSE_UNCLEAR;
	}
}

/* ---- why it left the guest ------------------------------------------------------------------- */

struct exit_cause {
	const char *name; /* one that ends in '*' stands for all that begin like it */
	enum cause cause;
};

/* By the names of events/exit_reason.c; Intel, AMD, arm64. */
static const struct exit_cause exit_causes[] = {
	{"EPT_VIOLATION", CAUSE_MEMORY},
	{"NPF", CAUSE_MEMORY},
	{"PML_FULL", CAUSE_MEMORY},
	{"IABT_LOW", CAUSE_MEMORY},
	{"DABT_LOW", CAUSE_MEMORY},
	{"PREEMPTION_TIMER", CAUSE_TIMER},
	{"MSR_WRITE*", CAUSE_MSR},
	{"MSR_READ*", CAUSE_MSR},
	{"MSR", CAUSE_MSR},
	{"APIC_WRITE", CAUSE_IPI},
	{"APIC_ACCESS", CAUSE_IPI},
	{"EOI_INDUCED", CAUSE_IPI},
	{"TPR_BELOW_THRESHOLD", CAUSE_IPI},
	{"AVIC_*", CAUSE_IPI},
	{"IO_INSTRUCTION", CAUSE_DEVICE},
	{"IOIO", CAUSE_DEVICE},
	{"EPT_MISCONFIG", CAUSE_DEVICE},
	{"VMGEXIT_MMIO_*", CAUSE_DEVICE},
	{"PAUSE*", CAUSE_PAUSE},
	{"VMCLEAR", CAUSE_NESTED},
	{"VMLAUNCH", CAUSE_NESTED},
	{"VMPTRLD", CAUSE_NESTED},
	{"VMPTRST", CAUSE_NESTED},
	{"VMREAD", CAUSE_NESTED},
	{"VMRESUME", CAUSE_NESTED},
	{"VMWRITE", CAUSE_NESTED},
	{"VMOFF", CAUSE_NESTED},
	{"VMON", CAUSE_NESTED},
	{"INVEPT", CAUSE_NESTED},
	{"INVVPID", CAUSE_NESTED},
	{"VMRUN", CAUSE_NESTED},
	{"VMLOAD", CAUSE_NESTED},
	{"VMSAVE", CAUSE_NESTED},
	{"STGI", CAUSE_NESTED},
	{"CLGI", CAUSE_NESTED},
	{"ERET", CAUSE_NESTED},
	{"EXTERNAL_INTERRUPT", CAUSE_HOST_INTERRUPT},
	{"INTR", CAUSE_HOST_INTERRUPT},
	{"IRQ", CAUSE_HOST_INTERRUPT},
	{"HLT", CAUSE_HALT},
	{"IDLE_HLT", CAUSE_HALT},
	{"MWAIT*", CAUSE_HALT},
	{"WFX", CAUSE_HALT},
};

static bool cause_is_name(const char *name, const char *pattern)
{
	size_t n = strcspn(pattern, "*");

	return pattern[n] ? !strncmp(name, pattern, n) : !strcmp(name, pattern);
}

/* By what they were about, where that was recorded: the column vm_exit.detail. */
static const struct exit_cause detail_causes[] = {
	{"page-fault*", CAUSE_MEMORY},
	{"port-*", CAUSE_DEVICE},
	{"mmio-read 0xfee00*", CAUSE_IPI},
	{"mmio-write 0xfee00*", CAUSE_IPI},
	{"mmio-*", CAUSE_DEVICE},
	{"msr-write TSC_DEADLINE", CAUSE_TIMER},
	{"msr-write X2APIC_TM*", CAUSE_TIMER},
	{"msr-read X2APIC_*", CAUSE_IPI},
	{"msr-write X2APIC_*", CAUSE_IPI},
};

/* Return: the cause of the first pattern that the name is of; CAUSE_N: none. */
static enum cause cause_match(const struct exit_cause *at, size_t n, const char *name)
{
	for (size_t i = 0; name && i < n; i++) {
		if (cause_is_name(name, at[i].name))
			return at[i].cause;
	}
	return CAUSE_N;
}

enum cause cause_of_exit(const char *name, const char *detail)
{
	enum cause cause =
		cause_match(detail_causes, sizeof(detail_causes) / sizeof(*detail_causes), detail);

	if (cause == CAUSE_N)
		cause = cause_match(exit_causes, sizeof(exit_causes) / sizeof(*exit_causes), name);
	return cause == CAUSE_N ? CAUSE_EXITS : cause;
}
