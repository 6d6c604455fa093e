#include "results/summary.h"

#include <string.h>

const char *wait_source_name(enum wait_source source)
{
	static const char *const names[WAIT_N_SOURCES] = {
		[WAIT_TIMER] = "timer",	  [WAIT_IPI] = "ipi",	      [WAIT_NETWORK] = "network",
		[WAIT_DEVICE] = "device", [WAIT_UNKNOWN] = "unknown",
	};

	return names[source];
}

enum wait_source wait_source_of(const char *name)
{
	int s = 0;

	while (s < WAIT_UNKNOWN &&
	       (!name || strcmp(name, wait_source_name((enum wait_source)s)) != 0))
		s++;
	return (enum wait_source)s;
}

const char *wakeup_stage_name(enum wakeup_stage stage)
{
	static const char *const names[STAGE_N] = {
		[STAGE_VCPU_WOKEN] = "vcpu-woken",
		[STAGE_VCPU_RAN] = "vcpu-on-cpu",
		[STAGE_ENTERED] = "guest-entered",
		[STAGE_RAN] = "thread-runs",
		[STAGE_WHOLE] = "all",
	};

	return names[stage];
}

int64_t summary_taken(const struct summary_occupant *o)
{
	int64_t sum = o->preempted;

	tally_add_ns(&sum, o->waiting);
	tally_add_ns(&sum, o->throttled);
	return sum;
}

int64_t summary_cost(const struct summary_exits *e)
{
	return (int64_t)((uint64_t)e->handled - (uint64_t)e->polled + (uint64_t)e->userspace);
}

void summary_exits_deinit(summary_exits_t *exits)
{
	vec_each (e, exits)
		histogram_deinit(&e->whole);
	vec_deinit(exits);
}

void summary_vcpu_deinit(struct summary_vcpu *v)
{
	summary_exits_deinit(&v->exits);
	vec_deinit(&v->details);
	vec_deinit(&v->topics);
	for (int i = 0; i < WAIT_N_SOURCES; i++)
		histogram_deinit(&v->waits[i]);
	for (int i = 0; i < STAGE_N; i++)
		histogram_deinit(&v->stages[i]);
	vec_deinit(&v->cpus);
	vec_deinit(&v->occupants);
}

int64_t summary_in(const struct summary_vcpu *v, unsigned sets)
{
	uint32_t states = vcpu_states(sets);
	int64_t sum = 0;

	for (int s = 0; s < VCPU_N_STATES; s++)
		sum += states >> s & 1 ? v->time[s] : 0;
	return sum;
}

int64_t summary_span(const struct summary_vcpu *v)
{
	int64_t sum = 0;

	for (int s = 0; s < VCPU_N_STATES; s++)
		sum += v->time[s];
	return sum;
}

int64_t summary_known(const struct summary_vcpu *v)
{
	return summary_span(v) - summary_in(v, STATE_UNKNOWN | STATE_ABSENT);
}

int64_t summary_observed(const struct summary_vcpu *v)
{
	return summary_is_scheduled(v) ? summary_known(v) : summary_span(v);
}
