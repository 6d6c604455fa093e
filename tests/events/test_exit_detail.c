/* What exits are about: by their own qualification, and by the events that follow; and its text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "events/exit_detail.h"

static void check_text(struct exit_detail d, const char *text, int64_t value)
{
	char got[EXIT_DETAIL_TEXT] = "";

	if (d.kind != DETAIL_NONE)
		exit_detail_text(d, got);
	if (strcmp(got, text) != 0 || d.value != value)
		fail_msg("\"%s\" of %lld, not \"%s\" of %lld", got, (long long)d.value, text,
			 (long long)value);
}

static struct exit_detail of(enum isa isa, uint32_t reason, int64_t info1, int64_t info2,
			     int64_t intr_info)
{
	struct event e = {.id = EV_KVM_EXIT,
			  .kvm_exit = {.reason = reason,
				       .isa = isa,
				       .info1 = info1,
				       .info2 = info2,
				       .intr_info = intr_info}};

	return exit_detail_of(&e, isa, reason);
}

static struct exit_detail vmx(uint32_t reason, int64_t info1)
{
	return of(ISA_VMX, reason, info1, 0, NO_VALUE);
}

static void test_intel(void **state)
{
	(void)state;
	/* Bits 0 to 2 the size, 3 the direction, 16 to 31 the port. */
	check_text(vmx(30, 0x03f80000), "port-out 0x3f8", 0x3f8);
	check_text(vmx(30, 0x00700008), "port-in 0x70", 0x70);
	check_text(vmx(30, 0xffff0018), "port-in 0xffff", 0xffff);
	check_text(vmx(1u << 27 | 30, 0x00700008), "port-in 0x70", 0x70);
	check_text(vmx(28, 0x003), "cr-write CR3", 3);
	check_text(vmx(28, 0x118), "cr-read CR8", 8);
	check_text(vmx(28, 0x020), "cr-write CR0", 0);
	check_text(vmx(44, 0x1300), "apic-write ICR", 0x300);
	check_text(vmx(44, 0x0030), "apic-read LVR", 0x30);
	check_text(vmx(44, 0x3300), "", NO_VALUE);
	check_text(vmx(56, 0xb0), "apic-write EOI", 0xb0);
	check_text(vmx(45, 48), "vector 48", 48);
	check_text(vmx(48, 0x181), "", NO_VALUE);
	check_text(vmx(30, NO_VALUE), "", NO_VALUE);
	check_text(vmx(30, 0), "", NO_VALUE);
	check_text(of(ISA_VMX, 1, 0, 0, 0x800000ec), "vector 236", 236);
	check_text(of(ISA_VMX, 1, 0, 0, 0xec), "", NO_VALUE);
	check_text(of(ISA_VMX, 0, 0, 0, 0x80000b0e), "exception PF", 14);
	check_text(of(ISA_VMX, 0, 0, 0, 0x80000202), "exception NMI", 2);
	check_text(of(ISA_VMX, 0, 0, 0, NO_VALUE), "", NO_VALUE);
}

static void test_amd(void **state)
{
	(void)state;
	/* Bit 0 the direction, 16 to 31 the port. */
	check_text(of(ISA_SVM, 0x7b, 0x03f80210, 0, 0), "port-out 0x3f8", 0x3f8);
	check_text(of(ISA_SVM, 0x7b, 0x00700211, 0, 0), "port-in 0x70", 0x70);
	check_text(of(ISA_SVM, 0x400, 0x100000014, 0xfebf3014, 0), "page-fault", 0xfebf3014);
	check_text(of(ISA_SVM, 0x400, 0, -1, 0), "page-fault", NO_VALUE);
	check_text(of(ISA_SVM, 0x14, NO_VALUE, NO_VALUE, 0), "cr-write CR4", 4);
	check_text(of(ISA_SVM, 0x08, 0, 0, 0), "cr-read CR8", 8);
	check_text(of(ISA_SVM, 0x402, 0x1000000b0, 0, 0), "apic-write EOI", 0xb0);
	/* What stands in intr_info is of an earlier interrupt. */
	check_text(of(ISA_SVM, 0x60, 0, 0, 236), "", NO_VALUE);
	check_text(of(ISA_SVM, 0x7c, 1, 0, 236), "", NO_VALUE);
}

static void test_others(void **state)
{
	(void)state;
	check_text(of(ISA_RISCV, 21, 0x10000000 >> 2, 0x10000003, NO_VALUE), "page-fault",
		   0x10000003);
	check_text(of(ISA_RISCV, 23, 0, 0x1234, NO_VALUE), "", NO_VALUE);
	check_text(of(ISA_RISCV, 23, NO_VALUE, 3, NO_VALUE), "", NO_VALUE);
	check_text(of(ISA_RISCV, EXIT_RISCV_WFI, 0, 0, NO_VALUE), "wfi", NO_VALUE);
	check_text(of(ISA_ARM64, 30, 8, 0, 0), "", NO_VALUE);
	check_text(of(ISA_UNKNOWN, 30, 8, 0, 0), "", NO_VALUE);
}

static struct exit_detail told(enum event_id id, int64_t write, int64_t value)
{
	struct event e = {.id = (uint16_t)id, .kvm_detail = {.write = write, .value = value}};

	return exit_detail_told(&e);
}

static void test_events(void **state)
{
	(void)state;
	check_text(told(EV_KVM_MSR, 1, 0x6e0), "msr-write TSC_DEADLINE", 0x6e0);
	check_text(told(EV_KVM_MSR, 0, 0x830), "msr-read X2APIC_ICR", 0x830);
	check_text(told(EV_KVM_MSR, 1, 0x80b), "msr-write X2APIC_EOI", 0x80b);
	check_text(told(EV_KVM_MSR, 0, 0x805), "msr-read 0x805", 0x805);
	check_text(told(EV_KVM_MSR, 1, 0xc0000080), "msr-write EFER", 0xc0000080);
	check_text(told(EV_KVM_MSR, 0, 0x34), "msr-read 0x34", 0x34);
	check_text(told(EV_KVM_PIO, 1, 0x3f8), "port-out 0x3f8", 0x3f8);
	check_text(told(EV_KVM_PIO, 0, 0x71), "port-in 0x71", 0x71);
	check_text(told(EV_KVM_MMIO, 0, 0xfee00300), "mmio-read 0xfee00300", 0xfee00300);
	check_text(told(EV_KVM_MMIO, 1, 0xfee00300), "mmio-read 0xfee00300", 0xfee00300);
	check_text(told(EV_KVM_MMIO, 2, 0xfee00300), "mmio-write 0xfee00300", 0xfee00300);
	check_text(told(EV_KVM_FAST_MMIO, 0, 0x1000), "mmio-write 0x1000", 0x1000);
	check_text(told(EV_KVM_APIC, 1, 0x300), "apic-write ICR", 0x300);
	check_text(told(EV_KVM_APIC, 0, 0x301), "apic-read 0x301", 0x301);
	check_text(told(EV_KVM_CR, 1, 8), "cr-write CR8", 8);
	check_text(told(EV_KVM_CPUID, 0, 0x80000008), "cpuid 0x80000008", 0x80000008);
	check_text(told(EV_KVM_HYPERCALL, 0, 10), "hypercall SEND_IPI", 10);
	check_text(told(EV_KVM_HYPERCALL, 0, 77), "hypercall 77", 77);
	check_text(told(EV_KVM_HYPERCALL, 0, 0x84000003), "hypercall 0x84000003", 0x84000003);
	check_text(told(EV_KVM_HV_HYPERCALL, 0, 0x5c), "hv-hypercall 0x5c", 0x5c);
	check_text(told(EV_KVM_PAGE_FAULT, 0, 0x12345678), "page-fault", 0x12345678);
	/* LTTng's older probe says where the vCPU is in the kernel's memory. */
	check_text(told(EV_KVM_PAGE_FAULT, 0, (int64_t)0xffff88b1033054f0), "page-fault", NO_VALUE);
	check_text(told(EV_KVM_WFX, 1, 0), "wfe", NO_VALUE);
	check_text(told(EV_KVM_WFX, 0, 0), "wfi", NO_VALUE);
	check_text(told(EV_KVM_NESTED_EXIT, 0, 0), "nested", NO_VALUE);
	check_text(told(EV_KVM_INJ_VIRQ, 0, 0), "", NO_VALUE);
	/* A number that cannot be one is not named. */
	check_text(told(EV_KVM_MMIO, 2, -1), "mmio-write", -1);
	check_text(told(EV_KVM_MSR, 0, NO_VALUE), "msr-read", NO_VALUE);
}

static void test_interrupts(void **state)
{
	struct event line = {.id = EV_IRQ_ENTRY, .irq_entry = {.irq = 24, .vector = NO_VALUE}};
	struct event vector = {.id = EV_IRQ_ENTRY, .irq_entry = {.irq = NO_VALUE, .vector = 236}};

	(void)state;
	check_text(exit_detail_told(&line), "irq 24", 24);
	check_text(exit_detail_told(&vector), "vector 236", 236);
	for (uint32_t reason = 0; reason < 0x500; reason++) {
		assert_int_equal(exit_reason_is_interrupt(ISA_VMX, reason), reason == 1);
		assert_int_equal(exit_reason_is_interrupt(ISA_SVM, reason), reason == 0x60);
		assert_int_equal(exit_reason_is_interrupt(ISA_ARM64, reason),
				 reason == EXIT_ARM64_IRQ);
		assert_false(exit_reason_is_interrupt(ISA_RISCV, reason));
		assert_true(exit_reason_is_interrupt(ISA_RISCV, EXIT_RISCV_IRQ | reason));
		assert_int_equal(exit_reason_is_interrupt(ISA_S390, reason), reason == 0);
		assert_false(exit_reason_is_interrupt(ISA_UNKNOWN, reason));
	}
}

static void test_the_better_one_is_kept(void **state)
{
	const struct exit_detail fault = told(EV_KVM_PAGE_FAULT, 0, 0x1000);
	const struct exit_detail mmio = told(EV_KVM_MMIO, 2, 0x1004);
	struct exit_detail d = {.kind = DETAIL_NONE, .value = NO_VALUE};

	(void)state;
	exit_detail_add(&d, fault);
	exit_detail_add(&d, mmio);
	exit_detail_add(&d, fault);
	exit_detail_add(&d, told(EV_KVM_MMIO, 2, 0x2000));
	check_text(d, "mmio-write 0x1004", 0x1004);
	d = told(EV_KVM_PAGE_FAULT, 0, -1);
	exit_detail_add(&d, fault);
	check_text(d, "page-fault", 0x1000);
	/* KVM records what the local APIC does before the MSR that it is done by. */
	d = told(EV_KVM_APIC, 1, 0x300);
	exit_detail_add(&d, told(EV_KVM_MSR, 1, 0x830));
	check_text(d, "msr-write X2APIC_ICR", 0x830);
}

/* KVM's own numbers, by the headers of this machine. */
static void check_header(const char *path, const char *prefix, enum event_id id, const char *kind,
			 const char *own)
{
	char line[256], macro[64], number[64], wanted[128], got[EXIT_DETAIL_TEXT];
	int n = 0;
	FILE *f = fopen(path, "r");

	if (!f)
		skip();
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "#define %63s %63s", macro, number) != 2 ||
		    strncmp(macro, prefix, strlen(prefix)) != 0)
			continue;
		exit_detail_text(told(id, 0, strtoll(number, NULL, 0)), got);
		snprintf(wanted, sizeof(wanted), "%s %s%s", kind, own, macro + strlen(prefix));
		assert_string_equal(got, wanted);
		n++;
	}
	fclose(f);
	assert_true(n >= 8);
}

static void test_headers(void **state)
{
	(void)state;
	check_header("/usr/include/linux/kvm_para.h", "KVM_HC_", EV_KVM_HYPERCALL, "hypercall", "");
	check_header("/usr/include/x86_64-linux-gnu/asm/kvm_para.h", "MSR_KVM_", EV_KVM_MSR,
		     "msr-read", "KVM_");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_intel),	   cmocka_unit_test(test_amd),
		cmocka_unit_test(test_others),	   cmocka_unit_test(test_events),
		cmocka_unit_test(test_interrupts), cmocka_unit_test(test_the_better_one_is_kept),
		cmocka_unit_test(test_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
