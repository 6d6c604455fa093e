/* What `vmscope record` enables and `vmscope info` asks for is what the analysis reads, with each
 * tracer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "events/layout.h"
#include "events/required.h"

static const struct required_event *entry_of(const char *name, enum tracer tracer)
{
	for (size_t i = 0; i < n_required_events; i++) {
		if (required_matches(&required_events[i], tracer, name))
			return &required_events[i];
	}
	return NULL;
}

static bool is_enabled(enum event_id id, enum tracer tracer)
{
	for (size_t i = 0; i < n_required_events; i++) {
		if (required_by(&required_events[i], tracer) &&
		    layout_event_of(required_events[i].names[tracer][0]) == id)
			return true;
	}
	return false;
}

/* What a tracer does not have, or tells without the event. */
static bool is_left_out(enum event_id id, enum tracer tracer)
{
	switch (id) {
	case EV_KVM_WAIT_LAPIC_EXPIRE: /* only where it is recorded does it matter */
		return true;
	case EV_KVM_VCPU_WAKEUP: /* no module of LTTng's has it */
	case EV_KVM_MMIO:	 /* can crash a vCPU's thread */
	case EV_KVM_FAST_MMIO:
		return tracer == TRACER_LTTNG;
	case EV_KVM_WFX: /* x86 would be asked for it in vain */
		return true;
	case EV_SCHED_WAKING:
		return tracer != TRACER_TRACE_CMD;
	case EV_SCHED_PROCESS_FORK:
	case EV_SCHED_PROCESS_EXIT:
		return tracer == TRACER_PERF;
	case EV_STATEDUMP_PROCESS_STATE:
	case EV_STATEDUMP_PID_NS:
	case EV_VMSYNC_GH_HOST:
	case EV_VMSYNC_HG_HOST:
	case EV_VMSYNC_GH_GUEST:
	case EV_VMSYNC_HG_GUEST:
		return tracer != TRACER_LTTNG;
	default:
		return false;
	}
}

static void test_what_is_read_is_recorded(void **state)
{
	(void)state;
	for (enum tracer tracer = 0; tracer < N_TRACERS; tracer++) {
		for (enum event_id id = 0; id < EV_N; id++) {
			if (is_enabled(id, tracer) == is_left_out(id, tracer))
				fail_msg("%s: %s is %s", tracer_name(tracer), event_name(id),
					 is_enabled(id, tracer) ? "recorded in vain"
								: "read, but not recorded");
		}
	}
}

static void test_what_is_recorded_is_read(void **state)
{
	(void)state;
	for (enum tracer tracer = 0; tracer < N_TRACERS; tracer++) {
		for (size_t i = 0; i < n_required_events; i++) {
			const struct required_event *r = &required_events[i];

			/* The first is read as any event is that follows an entry. */
			if (!required_by(r, tracer) || strstr(required_name(r, tracer), "_eoi"))
				continue;
			if (layout_event_of(r->names[tracer][0]) == EV_N)
				fail_msg("%s is recorded, but not read", r->names[tracer][0]);
		}
	}
}

/* An interrupt that begins but does not end would last until the next switch. */
static void test_interrupts_end(void **state)
{
	size_t n_checked = 0;

	(void)state;
	for (enum tracer tracer = 0; tracer < N_TRACERS; tracer++) {
		for (size_t i = 0; i < n_required_events; i++) {
			const struct required_event *r = &required_events[i];
			const char *begin = required_by(r, tracer) ? r->names[tracer][0] : "";
			enum event_id id = layout_event_of(begin);
			char end[64] = {0};

			if (id != EV_IRQ_ENTRY && id != EV_SOFTIRQ_ENTRY)
				continue;
			strncpy(end, begin, sizeof(end) - 1);
			memcpy(end + strlen(end) - 5, "exit", 5);
			if (!entry_of(end, tracer))
				fail_msg("%s is not recorded, but its begin is", end);
			n_checked++;
		}
	}
	assert_int_equal(n_checked, 3 * 6);
}

static void test_tracers_are_told_by_what_they_call_themselves(void **state)
{
	(void)state;
	assert_int_equal(tracer_of("trace-cmd 3.1.6"), TRACER_TRACE_CMD);
	assert_int_equal(tracer_of("trace-cmd"), TRACER_TRACE_CMD);
	assert_int_equal(tracer_of("perf 6.1.187"), TRACER_PERF);
	assert_int_equal(tracer_of("lttng-modules 2.13.9"), TRACER_LTTNG);
	assert_int_equal(tracer_of("unknown tracer"), TRACER_LTTNG);
}

static void test_each_tracer_has_its_own_words(void **state)
{
	const struct required_event *entry = entry_of("kvm_x86_entry", TRACER_LTTNG);

	(void)state;
	assert_string_equal(required_name(entry, TRACER_LTTNG), "kvm_x86_entry");
	assert_string_equal(required_name(entry, TRACER_PERF), "kvm:kvm_entry");
	assert_string_equal(required_name(entry, TRACER_TRACE_CMD), "kvm_entry");
	assert_ptr_equal(entry_of("kvm_entry", TRACER_TRACE_CMD), entry);
	assert_ptr_equal(entry_of("kvm:kvm_entry", TRACER_PERF), entry);
	assert_ptr_equal(entry_of("kvm_entry", TRACER_LTTNG), entry); /* before 2.8 */
	assert_null(entry_of("lttng_statedump_process_state", TRACER_TRACE_CMD));
	assert_null(entry_of("vmsync_gh_host", TRACER_PERF));
}

/* Old LTTng's sys_read and the kernel's sys_exit look alike. */
static void test_the_end_of_system_calls_is_no_begin(void **state)
{
	const struct required_event *begin = entry_of("sys_enter", TRACER_TRACE_CMD);
	const struct required_event *end = entry_of("sys_exit", TRACER_TRACE_CMD);

	(void)state;
	assert_non_null(begin);
	assert_non_null(end);
	assert_ptr_not_equal(begin, end);
	assert_ptr_equal(entry_of("syscalls:sys_enter_read", TRACER_PERF), begin);
	assert_ptr_equal(entry_of("raw_syscalls:sys_exit", TRACER_PERF), end);
}

static void test_a_host_without_switches_has_vcpus_if_events_name_threads(void **state)
{
	const struct required_event *r = entry_of("sched_switch", TRACER_TRACE_CMD);

	(void)state;
	assert_non_null(strstr(required_without(r, ROLE_HOST, true), "vCPUs are found"));
	assert_non_null(strstr(required_without(r, ROLE_BOTH, true), "vCPUs are found"));
	assert_non_null(strstr(required_without(r, ROLE_HOST, false), "neither vCPUs"));
	assert_non_null(strstr(required_without(r, ROLE_GUEST, true), "neither vCPUs"));
}

/* Of a pattern, perf refuses all events if it may not sample one. */
static void test_perf_is_given_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_required_events; i++) {
		const struct required_event *r = &required_events[i];
		const char *how = r->enable[TRACER_PERF];

		if (required_by(r, TRACER_PERF))
			assert_null(strchr(how ? how : r->names[TRACER_PERF][0], '*'));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_read_is_recorded),
		cmocka_unit_test(test_what_is_recorded_is_read),
		cmocka_unit_test(test_interrupts_end),
		cmocka_unit_test(test_tracers_are_told_by_what_they_call_themselves),
		cmocka_unit_test(test_each_tracer_has_its_own_words),
		cmocka_unit_test(test_the_end_of_system_calls_is_no_begin),
		cmocka_unit_test(test_a_host_without_switches_has_vcpus_if_events_name_threads),
		cmocka_unit_test(test_perf_is_given_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
