/* What a machine is, and what its recording lacks: one rule, for info and for warnings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "events/required.h"
#include "events/role.h"

static void assert_role(const uint64_t *n, enum role role, const char *why)
{
	char *text = role_why(n);

	assert_int_equal(role_of_counts(n), role);
	assert_string_equal(text, why);
	free(text);
}

static void test_roles(void **state)
{
	uint64_t n[EV_N] = {[EV_SCHED_SWITCH] = 5, [EV_VMSYNC_GH_HOST] = 2};

	(void)state;
	/* What vmsync says on a host is no proof: its modules can be loaded anywhere. */
	assert_role(n, ROLE_UNKNOWN, "neither KVM events nor vmsync guest events");
	n[EV_KVM_USERSPACE_EXIT] = 3;
	assert_role(n, ROLE_HOST, "3 KVM events");
	n[EV_KVM_ENTRY] = 4;
	n[EV_KVM_EXIT] = 1;
	assert_role(n, ROLE_HOST, "5 KVM entries and exits");
	n[EV_VMSYNC_HG_GUEST] = 7;
	assert_role(n, ROLE_BOTH, "5 KVM entries and exits, 7 vmsync guest events");
	n[EV_KVM_ENTRY] = n[EV_KVM_EXIT] = n[EV_KVM_USERSPACE_EXIT] = 0;
	assert_role(n, ROLE_GUEST, "7 vmsync guest events");
	assert_int_equal(role_to_look_for(ROLE_UNKNOWN), ROLE_GUEST);
	assert_int_equal(role_to_look_for(ROLE_BOTH), ROLE_BOTH);
}

static const struct required_event *entry_of(const char *name)
{
	for (size_t i = 0; i < n_required_events; i++) {
		if (required_matches(&required_events[i], TRACER_LTTNG, name))
			return &required_events[i];
	}
	return NULL;
}

static void test_presence(void **state)
{
	static const struct required_seen seen[] = {
		{"kvm_x86_entry", true}, {"kvm_userspace_exit", false}, {"kvm_x86_eoi", false}};
	struct required_recording in = {
		.tracer = TRACER_LTTNG, .roles = ROLE_HOST, .seen = seen, .n_seen = 3};

	(void)state;
	assert_int_equal(required_presence(entry_of("kvm_x86_entry"), &in), REQUIRED_RECORDED);
	assert_int_equal(required_presence(entry_of("kvm_x86_exit"), &in), REQUIRED_ABSENT);
	assert_int_equal(required_presence(entry_of("kvm_userspace_exit"), &in), REQUIRED_NEVER);
	/* That a rare one did not happen says nothing. */
	assert_int_equal(required_presence(entry_of("kvm_x86_eoi"), &in), REQUIRED_NOT_NEEDED);
	assert_int_equal(required_presence(entry_of("vmsync_gh_guest"), &in), REQUIRED_NOT_NEEDED);
	in.lists_unrecorded = true;
	assert_int_equal(required_presence(entry_of("kvm_userspace_exit"), &in), REQUIRED_NONE);
	in.roles = ROLE_GUEST;
	assert_int_equal(required_presence(entry_of("kvm_x86_exit"), &in), REQUIRED_NOT_NEEDED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_presence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
