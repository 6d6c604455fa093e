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

static void test_odd_numbers(void **state)
{
	(void)state;
	/* Only the low half is Intel's reason; the top bit says that the entry failed. */
	assert_string_equal(vmx(0x80000021), "INVALID_STATE");
	assert_true(exit_reason_is_failed_entry(ISA_VMX, 0x80000021));
	assert_false(exit_reason_is_failed_entry(ISA_VMX, 0x21));
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
		cmocka_unit_test(test_idle_and_timer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
