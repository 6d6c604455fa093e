/*
 * exit_reason: the names of why a vCPU left the guest.
 *
 * Names are the kernel's own, without their prefix (EXIT_REASON_, SVM_EXIT_, ESR_ELx_EC_,
 * KVM_EXIT_), upper case. Sources: Linux arch/x86/include/uapi/asm/{vmx,svm}.h,
 * arch/arm64/include/asm/esr.h, arch/riscv/include/asm/csr.h (EXC_, and IRQ_ as it is),
 * arch/s390/include/asm/kvm_host.h (ICPT_), include/uapi/linux/kvm.h.
 */
#ifndef VMSCOPE_EVENTS_EXIT_REASON_H
#define VMSCOPE_EVENTS_EXIT_REASON_H

#include <stdbool.h>
#include <stdint.h>

#include "events/event.h"

/* The `isa` field of x86's kvm_exit; the others are numbers of our own, as vm_exit.isa has them. */
enum isa {
	ISA_UNKNOWN = 0,
	ISA_VMX = 1,
	ISA_SVM = 2,
	ISA_ARM64 = 3,
	ISA_RISCV = 4,
	ISA_S390 = 5,
};

/*
 * arm64's kvm_exit says what ended the run (`ret`), and only for a trap its class (`esr_ec`): a
 * trap's reason is its class, the others' are these.
 */
enum { EXIT_ARM64_IRQ = 0x100, EXIT_ARM64_SERROR = 0x101, EXIT_ARM64_IL = 0x103 };

/*
 * RISC-V's scause has its topmost bit, of 32 or 64, set for interrupts; here it is always this one.
 * A virtual instruction fault of which stval tells that it is the instruction WFI has a number of
 * its own, since other instructions make it as well and only this one halts.
 */
#define EXIT_RISCV_IRQ 0x80000000u
enum { EXIT_RISCV_WFI = 0x100 };

/* Of an EV_KVM_EXIT. */
enum isa exit_isa_of(const struct event *e);
uint32_t exit_reason_of(const struct event *e);

/* Return: its name without flags, or NULL when it has none; exit_reason_number() is then shown. */
const char *exit_reason_name(enum isa isa, uint32_t reason);
uint32_t exit_reason_number(enum isa isa, uint32_t reason);

/*
 * Bits 26 to 31 of Intel's reasons say under what circumstances, the others together why.
 * Return: what this bit says of this reason, or NULL when it says nothing.
 */
const char *exit_reason_flag(enum isa isa, uint32_t reason, int bit);

/*
 * Return: what it is called in all results, owned by the caller: "HLT", or with what its flags say:
 * "HLT (MTF pending)", "exit 65 (bus lock)".
 */
char *exit_reason_label(enum isa isa, uint32_t reason);

/* Return: NULL of one that has no name. */
const char *isa_name(enum isa isa);

/* Return: whether the guest had nothing to do: HLT, WFI, a wait state; of arm64 WFE as well, which
 * has the same reason (see EV_KVM_WFX). */
bool exit_reason_is_halt(enum isa isa, uint32_t reason);

/* Return: whether a vCPU that sleeps after it has halted, though not all such exits are halts. */
bool exit_reason_sleeps_halted(enum isa isa, uint32_t reason);

/* Return: whether the guest's CPU went idle: halted, or waits for a write to memory (MWAIT). */
bool exit_reason_is_idle(enum isa isa, uint32_t reason);

/* Return: whether the host's interrupts ended the guest's time, not the guest. */
bool exit_reason_is_interrupt(enum isa isa, uint32_t reason);

/* Return: whether it is such an exit as programming the timer of the local APIC makes, among other
 * things. */
bool exit_reason_is_timer(enum isa isa, uint32_t reason);

/* Return: whether the guest, a hypervisor itself, enters a guest of its own. */
bool exit_reason_is_nested_entry(enum isa isa, uint32_t reason);

/* Of kvm_userspace_exit. Return: the name, or NULL when it has none. */
const char *userspace_exit_name(uint32_t reason);

#endif
