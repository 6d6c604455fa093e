/* The tables of exit reasons against the kernel's own headers on this machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "events/exit_reason.h"

static const char *vmx(uint32_t reason)
{
	return exit_reason_name(ISA_VMX, reason);
}

static const char *svm(uint32_t reason)
{
	return exit_reason_name(ISA_SVM, reason);
}

struct header {
	const char *path;
	const char *prefix; /* of the macros */
	const char *(*name)(uint32_t reason);
	const char *const *others; /* macros with the prefix that are no reasons */
	int n_least;		   /* fewer found: the header is not what we think */
};

static int is_other(const struct header *h, const char *name)
{
	for (const char *const *o = h->others; *o; o++) {
		if (!strcmp(*o, name))
			return 1;
	}
	return 0;
}

/* Return: 1 if the line defines a reason, which then has its name. */
static int check_line(const struct header *h, const char *line)
{
	char macro[64], number[64];

	if (sscanf(line, "#define %63s %63s", macro, number) != 2 ||
	    strncmp(macro, h->prefix, strlen(h->prefix)) != 0 || strchr(macro, '(') ||
	    strspn(number, "-0123456789") == 0)
		return 0;
	const char *name = macro + strlen(h->prefix);

	if (is_other(h, name))
		return 0;
	const char *ours = h->name((uint32_t)strtoll(number, NULL, 0));

	if (!ours || strcmp(ours, name) != 0)
		fail_msg("%s is %s, but is called %s", macro, number, ours ? ours : "nothing");
	return 1;
}

static void check_header(const struct header *h)
{
	char line[256];
	int n = 0;
	FILE *f = fopen(h->path, "r");

	if (!f)
		skip();
	while (fgets(line, sizeof(line), f))
		n += check_line(h, line);
	fclose(f);
	assert_true(n >= h->n_least);
}

static void test_intel(void **state)
{
	static const char *const others[] = {NULL};

	(void)state;
	check_header(&(struct header){"/usr/include/x86_64-linux-gnu/asm/vmx.h", "EXIT_REASON_",
				      vmx, others, 60});
}

static void test_amd(void **state)
{
	static const char *const others[] = {"EXCP_BASE", "LAST_EXCP", "REASONS", NULL};

	(void)state;
	check_header(&(struct header){"/usr/include/x86_64-linux-gnu/asm/svm.h", "SVM_EXIT_", svm,
				      others, 90});
}

static const char *vmgexit(uint32_t reason)
{
	const char *name = svm(reason);

	return name ? name + strlen("VMGEXIT_") : NULL;
}

static void test_amd_vmgexit(void **state)
{
	/* Arguments of an exit, not exits. */
	static const char *const others[] = {"SET_AP_JUMP_TABLE", "GET_AP_JUMP_TABLE",
					     "AP_CREATE_ON_INIT", "AP_CREATE",
					     "AP_DESTROY",	  NULL};

	(void)state;
	check_header(&(struct header){"/usr/include/x86_64-linux-gnu/asm/svm.h", "SVM_VMGEXIT_",
				      vmgexit, others, 10});
}

static void test_userspace(void **state)
{
	/* Kinds of one reason. */
	static const char *const others[] = {"HYPERV_SYNIC",
					     "HYPERV_HCALL",
					     "HYPERV_SYNDBG",
					     "XEN_HCALL",
					     "IO_IN",
					     "IO_OUT",
					     NULL};

	(void)state;
	check_header(&(struct header){"/usr/include/linux/kvm.h", "KVM_EXIT_", userspace_exit_name,
				      others, 35});
}

static const char *flag(uint32_t reason, int bit)
{
	return exit_reason_flag(ISA_VMX, reason, bit);
}

static void test_odd_numbers(void **state)
{
	(void)state;
	/* Bits 26 to 31 of Intel's are flags, those between are of the number. */
	assert_string_equal(vmx(0x80000021), "INVALID_STATE");
	assert_string_equal(flag(0x80000021, 31), "entry failed");
	assert_null(flag(0x21, 31));
	assert_string_equal(vmx(0x1000000c), "HLT");
	assert_string_equal(flag(0x1000000c, 28), "MTF pending");
	assert_string_equal(vmx(1u << 26 | 74), "BUS_LOCK");
	assert_string_equal(flag(1u << 26 | 74, 26), "bus lock");
	assert_string_equal(flag(1u << 27 | 48, 27), "in enclave");
	assert_string_equal(flag(UINT32_MAX, 29), "from root");
	assert_non_null(flag(UINT32_MAX, 30));
	assert_null(flag(UINT32_MAX, 25));
	assert_int_equal(exit_reason_number(ISA_VMX, 0xffffffff), 0x3ffffff);
	assert_int_equal(exit_reason_number(ISA_SVM, 0x80000001), 0x80000001);
	for (int bit = 16; bit < 26; bit++) {
		assert_null(vmx(1u << bit));
		assert_null(vmx(1u << bit | 12));
		assert_false(exit_reason_is_halt(ISA_VMX, 1u << bit | 12));
	}
	assert_null(vmx(131072));
	assert_null(vmx(327680));
	assert_null(exit_reason_flag(ISA_SVM, 0x80000021, 31));
	assert_string_equal(exit_reason_flag(ISA_SVM, UINT32_MAX, 31), "entry failed");
	assert_string_equal(svm(UINT32_MAX), "ERR");
	assert_string_equal(svm(0x4e), "EXCP_PF");
	assert_null(vmx(0xffff));
	assert_null(svm(0x3ff));
	assert_null(svm(0x80000000));
	assert_null(exit_reason_name(ISA_UNKNOWN, 12));
	assert_null(exit_reason_name((enum isa)77, 12));
	assert_null(userspace_exit_name(UINT32_MAX));
	assert_string_equal(exit_reason_name(ISA_ARM64, 0x24), "DABT_LOW");
	assert_string_equal(exit_reason_name(ISA_ARM64, EXIT_ARM64_IRQ), "IRQ");
}

static uint32_t riscv_reason(int64_t scause, int64_t stval)
{
	struct event e = {
		.kvm_exit = {.reason = scause, .isa = ISA_RISCV, .ret = NO_VALUE, .info2 = stval}};

	return exit_reason_of(&e);
}

static void test_riscv(void **state)
{
	const uint32_t timer = EXIT_RISCV_IRQ | 5;

	(void)state;
	/* The topmost bit of 64, and of 32. */
	assert_int_equal(riscv_reason(INT64_MIN | 5, 0), timer);
	assert_int_equal(riscv_reason(0x80000005, 0), timer);
	assert_int_equal(riscv_reason(5, 0), 5);
	assert_string_equal(exit_reason_name(ISA_RISCV, timer), "IRQ_S_TIMER");
	assert_string_equal(exit_reason_name(ISA_RISCV, 5), "LOAD_ACCESS");
	assert_string_equal(exit_reason_name(ISA_RISCV, 23), "STORE_GUEST_PAGE_FAULT");
	assert_null(exit_reason_name(ISA_RISCV, 24));
	assert_null(exit_reason_name(ISA_RISCV, EXIT_RISCV_IRQ | 40));
	/* Not each virtual instruction fault is a halt, but none sleeps that is not. */
	assert_int_equal(riscv_reason(22, 0x10500073), EXIT_RISCV_WFI);
	assert_int_equal(riscv_reason(22, 0xc0102573), 22);
	assert_int_equal(riscv_reason(21, 0x10500073), 21);
	assert_true(exit_reason_is_halt(ISA_RISCV, EXIT_RISCV_WFI));
	assert_false(exit_reason_is_halt(ISA_RISCV, 22));
	assert_true(exit_reason_sleeps_halted(ISA_RISCV, 22));
	assert_false(exit_reason_sleeps_halted(ISA_RISCV, 23));
}

static void test_s390(void **state)
{
	(void)state;
	assert_string_equal(exit_reason_name(ISA_S390, 0x1c), "WAIT");
	assert_string_equal(exit_reason_name(ISA_S390, 0x04), "INST");
	assert_null(exit_reason_name(ISA_S390, 0x05));
	assert_true(exit_reason_is_halt(ISA_S390, 0x1c));
	assert_false(exit_reason_is_halt(ISA_S390, 12));
}

static void test_halt(void **state)
{
	(void)state;
	for (uint32_t reason = 0; reason < 0x500; reason++) {
		const char *intel = vmx(reason), *amd = svm(reason);

		assert_int_equal(exit_reason_is_halt(ISA_VMX, reason),
				 intel && !strcmp(intel, "HLT"));
		assert_int_equal(exit_reason_is_halt(ISA_SVM, reason),
				 amd && (!strcmp(amd, "HLT") || !strcmp(amd, "IDLE_HLT")));
		assert_false(exit_reason_is_halt(ISA_UNKNOWN, reason));
	}
	assert_true(exit_reason_is_halt(ISA_ARM64, 1));
	assert_false(exit_reason_is_halt(ISA_ARM64, EXIT_ARM64_IRQ));
}

static bool is_one_of(const char *name, const char *const names[])
{
	for (size_t i = 0; name && names[i]; i++) {
		if (!strcmp(name, names[i]))
			return true;
	}
	return false;
}

static void test_idle_and_timer(void **state)
{
	static const char *const idle[] = {"HLT", "IDLE_HLT", "MWAIT", "MWAIT_INSTRUCTION", NULL};
	static const char *const intel_timer[] = {"MSR_WRITE", "APIC_ACCESS", "APIC_WRITE", NULL};
	static const char *const amd_timer[] = {"MSR", NULL};

	(void)state;
	for (uint32_t reason = 0; reason < 0x500; reason++) {
		const char *intel = vmx(reason), *amd = svm(reason);

		assert_int_equal(exit_reason_is_idle(ISA_VMX, reason), is_one_of(intel, idle));
		assert_int_equal(exit_reason_is_idle(ISA_SVM, reason), is_one_of(amd, idle));
		assert_int_equal(exit_reason_is_timer(ISA_VMX, reason),
				 is_one_of(intel, intel_timer));
		assert_int_equal(exit_reason_is_timer(ISA_SVM, reason), is_one_of(amd, amd_timer));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_intel),	       cmocka_unit_test(test_amd),
		cmocka_unit_test(test_amd_vmgexit),    cmocka_unit_test(test_userspace),
		cmocka_unit_test(test_odd_numbers),    cmocka_unit_test(test_halt),
		cmocka_unit_test(test_idle_and_timer), cmocka_unit_test(test_riscv),
		cmocka_unit_test(test_s390),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
