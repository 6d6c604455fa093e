/* What `vmscope record` enables and `vmscope info` asks for is what the analysis reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "events/layout.h"
#include "events/required.h"

static bool is_required(const char *name)
{
	for (size_t i = 0; i < n_required_events; i++) {
		if (required_matches(&required_events[i], name))
			return true;
	}
	return false;
}

static void test_what_is_read_is_recorded(void **state)
{
	(void)state;
	for (enum event_id id = 0; id < EV_N; id++) {
		/* LTTng does not have it. */
		if (id != EV_KVM_WAIT_LAPIC_EXPIRE && !is_required(event_name(id)))
			fail_msg("%s is read, but not recorded", event_name(id));
	}
}

static void test_what_is_recorded_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_required_events; i++) {
		const char *name = required_events[i].names[0];

		/* It is read as any event is that follows an entry. */
		if (strcmp(name, "kvm_x86_eoi") != 0 && layout_event_of(name) == EV_N)
			fail_msg("%s is recorded, but not read", name);
	}
}

/* An interrupt that begins but does not end would last until the next switch. */
static void test_interrupts_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_required_events; i++) {
		char name[64] = {0};

		strncpy(name, required_events[i].names[0], sizeof(name) - 1);
		size_t n = strlen(name);

		if (layout_event_of(name) != EV_IRQ_ENTRY &&
		    layout_event_of(name) != EV_SOFTIRQ_ENTRY)
			continue;
		memcpy(name + n - 5, "exit", 5);
		if (!is_required(name))
			fail_msg("%s is not recorded, but its begin is", name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_read_is_recorded),
		cmocka_unit_test(test_what_is_recorded_is_read),
		cmocka_unit_test(test_interrupts_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
