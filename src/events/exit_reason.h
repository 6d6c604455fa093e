/*
 * exit_reason: the names of why a vCPU left the guest.
 *
 * Names are the kernel's own, without their prefix (EXIT_REASON_, SVM_EXIT_, ESR_ELx_EC_,
 * KVM_EXIT_), upper case. Sources: Linux arch/x86/include/uapi/asm/{vmx,svm}.h,
 * arch/arm64/include/asm/esr.h, include/uapi/linux/kvm.h.
 */
#ifndef VMSCOPE_EVENTS_EXIT_REASON_H
#define VMSCOPE_EVENTS_EXIT_REASON_H

#include <stdbool.h>
#include <stdint.h>

#include "events/event.h"

/* The `isa` field of x86's kvm_exit; arm64's is a number of our own. */
enum isa {
	ISA_UNKNOWN = 0,
	ISA_VMX = 1,
	ISA_SVM = 2,
	ISA_ARM64 = 3,
};

/*
 * arm64's kvm_exit says what ended the run (`ret`), and only for a trap its class (`esr_ec`): a
 * trap's reason is its class, the others' are these.
 */
enum { EXIT_ARM64_IRQ = 0x100, EXIT_ARM64_SERROR = 0x101 };

/* Of an EV_KVM_EXIT. */
enum isa exit_isa_of(const struct event *e);
uint32_t exit_reason_of(const struct event *e);

/*
 * Return: the name, or NULL when it has none; the number is then shown. Of Intel's reasons only the
 * low 16 bits are the reason (see exit_reason_is_failed_entry()).
 */
const char *exit_reason_name(enum isa isa, uint32_t reason);

/* Return: whether the guest had nothing to do: HLT, or arm64's WFI and WFE. */
bool exit_reason_is_halt(enum isa isa, uint32_t reason);

/* Return: whether the guest's CPU went idle: halted, or waits for a write to memory (MWAIT). */
bool exit_reason_is_idle(enum isa isa, uint32_t reason);

/* Return: whether it is such an exit as programming the timer of the local APIC makes, among other
 * things. */
bool exit_reason_is_timer(enum isa isa, uint32_t reason);

/* Return: whether the guest, a hypervisor itself, enters a guest of its own. */
bool exit_reason_is_nested_entry(enum isa isa, uint32_t reason);

/* Return: whether the vCPU did not get into the guest at all. */
bool exit_reason_is_failed_entry(enum isa isa, uint32_t reason);

/* Of kvm_userspace_exit. Return: the name, or NULL when it has none. */
const char *userspace_exit_name(uint32_t reason);

#endif
