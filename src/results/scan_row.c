#include "results/scan_row.h"

struct store_query scan_query(const struct results *r, enum table_id table, uint32_t columns)
{
	struct store_query q = store_query_all(r->store, table);

	if (r->range.given) {
		q.from = r->range.from;
		q.to = r->range.to;
	}
	q.columns = columns;
	return q;
}

bool scan_query_lane(const struct results *r, enum table_id table, const int64_t *keys,
		     uint32_t columns, struct store_query *q)
{
	int64_t lane = store_find_lane(r->store, table, keys);

	if (lane < 0)
		return false;
	*q = scan_query(r, table, columns);
	q->lane = (size_t)lane;
	q->lanes_end = q->lane + 1;
	return true;
}

struct tally_state scan_state(const struct results *r, const struct store_cursor *c)
{
	struct tally_state s = {
		.state = (enum vcpu_state)store_cursor_get(c, COL_VCPU_STATE_STATE),
		.begin = store_cursor_get(c, COL_VCPU_STATE_TS),
		.dur = store_cursor_get(c, COL_VCPU_STATE_DUR),
		.cpu = store_cursor_get(c, COL_VCPU_STATE_PCPU),
		.occupant = store_cursor_get(c, COL_VCPU_STATE_OCCUPANT_THREAD_ID),
		.occupant_irq = store_cursor_get(c, COL_VCPU_STATE_OCCUPANT_IRQ),
		.occupant_handler = store_cursor_get(c, COL_VCPU_STATE_OCCUPANT_HANDLER),
	};

	if (vcpu_state_is(s.state, STATE_LOST)) {
		s.busy = busy_of_name(
			store_string(r->store, store_cursor_get(c, COL_VCPU_STATE_OCCUPANT_KIND)));
		s.certainty = certainty_of_name(
			store_string(r->store, store_cursor_get(c, COL_VCPU_STATE_CERTAINTY)));
	}
	/* A forged file names any number of threads that it does not have. */
	if (results_find(r, TABLE_THREAD, s.occupant) == NOBODY)
		s.occupant = TABLE_NULL;
	return s;
}

struct tally_exit scan_exit(const struct store_cursor *c)
{
	return (struct tally_exit){
		.ts = store_cursor_get(c, COL_VM_EXIT_TS),
		.reason = store_cursor_get(c, COL_VM_EXIT_REASON),
		.isa = store_cursor_get(c, COL_VM_EXIT_ISA),
		.name = store_cursor_get(c, COL_VM_EXIT_NAME),
		.dur = store_cursor_get(c, COL_VM_EXIT_DUR),
		.early = store_cursor_get(c, COL_VM_EXIT_EARLY_NS),
		.handled = store_cursor_get(c, COL_VM_EXIT_HANDLED_NS),
		.userspace = store_cursor_get(c, COL_VM_EXIT_USERSPACE_NS),
		.preempted = store_cursor_get(c, COL_VM_EXIT_PREEMPTED_NS),
		.blocked = store_cursor_get(c, COL_VM_EXIT_BLOCKED_NS),
		.vector = store_cursor_get(c, COL_VM_EXIT_VECTOR),
		.polled = store_cursor_get(c, COL_VM_EXIT_POLLED_NS),
		.detail = store_cursor_get(c, COL_VM_EXIT_DETAIL),
	};
}
