/* What states count as: what others add up or draw alike has to be what docs/model.md says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "schema/state.h"

/* Each state is one of these, but for threads of a guest that wait for its scheduler or an exit. */
enum { KINDS = STATE_UNKNOWN | STATE_RAN | STATE_LOST | STATE_IDLE | STATE_ASLEEP | STATE_ABSENT };

static void check_labels(const struct state_labels *labels)
{
	for (int i = 0; i < labels->n; i++) {
		const struct state_label *l = &labels->at[i];
		unsigned kind = l->sets & KINDS;

		if (kind & (kind - 1))
			fail_msg("%s is of several kinds", l->name);
		assert_int_equal(l->sets & STATE_UNKNOWN, i ? 0 : STATE_UNKNOWN);
		assert_int_equal(strlen(l->color), 7);
		assert_true(*l->help);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(l->name, labels->at[k].name);
	}
}

static void test_labels(void **state)
{
	(void)state;
	check_labels(&vcpu_state_labels);
	check_labels(&thread_state_labels);
	check_labels(&cpu_state_labels);
}

static void test_sets(void **state)
{
	uint32_t ran =
		1u << THREAD_USER | 1u << THREAD_SYSCALL | 1u << THREAD_IRQ | 1u << THREAD_SOFTIRQ;

	(void)state;
	assert_int_equal(vcpu_states(STATE_LOST),
			 1u << VCPU_PREEMPTED | 1u << VCPU_WAITING | 1u << VCPU_THROTTLED);
	assert_int_equal(vcpu_states(STATE_TAKEN), 1u << VCPU_PREEMPTED);
	assert_int_equal(vcpu_states(STATE_IDLE), 1u << VCPU_HALTED | 1u << VCPU_POLLING);
	assert_int_equal(thread_states(STATE_RAN), ran);
	assert_int_equal(thread_states(STATE_CHARGED),
			 ran | 1u << THREAD_STOLEN | 1u << THREAD_HYPERVISOR);
	assert_int_equal(cpu_states(STATE_IDLE), 1u << CPU_IDLE);
	assert_true(vcpu_state_is(VCPU_WAITING, STATE_LOST | STATE_IDLE));
	assert_false(vcpu_state_is(VCPU_GUEST, STATE_LOST | STATE_IDLE));
	/* A file's number can be anything. */
	assert_false(vcpu_state_is(VCPU_N_STATES, ~0u));
	assert_false(vcpu_state_is(-1, ~0u));
	assert_false(vcpu_state_is(INT64_MIN, ~0u));
}

static void test_set_names(void **state)
{
	(void)state;
	for (int i = 0; i < STATE_N_SETS; i++)
		assert_true(*state_set_name((enum state_set)(1u << i)));
	assert_string_equal(state_set_name((enum state_set)(1u << STATE_N_SETS)), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_set_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
