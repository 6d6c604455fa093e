#include "results/pauses.h"

#include <stdlib.h>

#include "results/cause.h"
#include "results/scan_row.h"

/* One vCPU's exits, and when it had no CPU; both as far as they are read. */
struct pauses_vcpu {
	struct store_cursor exits, lost;
	bool has_exits, has_lost; /* cursors */
	bool more_exits, more_lost;
};

struct pauses_scan {
	struct pauses *p;
	const struct results *r;
	struct error *err;
	VEC(struct pauses_vcpu) vcpus;
	char *names; /* owned; by string: an enum pauses_name, as far as they were met */
};

enum pauses_name { NAME_NEW, NAME_OTHER, NAME_PAUSE };

/* Begins to read a vCPU's lane of a table. Return: whether it has one. */
static bool pauses_open(const struct pauses_scan *s, struct store_cursor *c, int64_t id,
			enum table_id table, uint32_t columns)
{
	struct store_query q;

	if (!scan_query_lane(s->r, table, &id, columns, &q))
		return false;
	if (table == TABLE_VCPU_STATE)
		q.states = vcpu_states(STATE_LOST);
	store_cursor_init(c, s->r->store, &q);
	return true;
}

static int pauses_next_lost(struct pauses_scan *s, struct pauses_vcpu *v)
{
	int status = v->has_lost ? store_cursor_next(&v->lost, s->err) : CURSOR_END;

	v->more_lost = status == CURSOR_ROW;
	return status == ERR ? ERR : 0;
}

/* There are millions of exits of some ten names: each name is judged once. */
static bool pauses_is_one(const struct pauses_scan *s, const struct store_cursor *c)
{
	int64_t number = store_cursor_get(c, COL_VM_EXIT_NAME);
	const char *name = store_string(s->r->store, number);

	if (!name)
		return false;
	if (s->names[number] == NAME_NEW)
		s->names[number] =
			cause_of_exit(name, NULL) == CAUSE_PAUSE ? NAME_PAUSE : NAME_OTHER;
	return s->names[number] == NAME_PAUSE;
}

/* Goes to its next exit for spinning. */
static int pauses_next_exit(struct pauses_scan *s, struct pauses_vcpu *v)
{
	int status = CURSOR_END;

	while (v->has_exits && (status = store_cursor_next(&v->exits, s->err)) == CURSOR_ROW) {
		if (pauses_is_one(s, &v->exits))
			break;
	}
	v->more_exits = status == CURSOR_ROW;
	return status == ERR ? ERR : 0;
}

/* Return: 1 if it has no CPU at that time, 0 if it has; or ERR. */
static int pauses_is_lost(struct pauses_scan *s, struct pauses_vcpu *v, int64_t at)
{
	while (v->more_lost && store_cursor_get(&v->lost, COL_VCPU_STATE_TS) +
					       store_cursor_get(&v->lost, COL_VCPU_STATE_DUR) <=
				       at) {
		if (pauses_next_lost(s, v))
			return ERR;
	}
	return v->more_lost && store_cursor_get(&v->lost, COL_VCPU_STATE_TS) <= at;
}

/* Return: the vCPU whose next exit is first, or NULL. */
static struct pauses_vcpu *pauses_first(const struct pauses_scan *s, int64_t *atp)
{
	struct pauses_vcpu *first = NULL;

	vec_each (v, &s->vcpus) {
		int64_t at = v->more_exits ? store_cursor_get(&v->exits, COL_VM_EXIT_TS) : 0;

		if (!v->more_exits || (first && at >= *atp))
			continue;
		first = v;
		*atp = at;
	}
	return first;
}

static int pauses_take(struct pauses_scan *s, const struct pauses_vcpu *spinning, int64_t at)
{
	int met = 0;

	vec_each (v, &s->vcpus) {
		int lost = v == spinning || met ? 0 : pauses_is_lost(s, v, at);

		if (lost == ERR)
			return ERR;
		met |= lost;
	}
	s->p->n++;
	s->p->with_sibling += met > 0;
	return 0;
}

static int pauses_walk(struct pauses_scan *s)
{
	struct pauses_vcpu *v;
	int64_t at = 0;

	vec_each (each, &s->vcpus) {
		if (pauses_next_lost(s, each) || pauses_next_exit(s, each))
			return ERR;
	}
	while ((v = pauses_first(s, &at))) {
		if (pauses_take(s, v, at) || pauses_next_exit(s, v))
			return ERR;
	}
	return 0;
}

int pauses_count(struct pauses *p, const struct results *r, int vm, struct error *err)
{
	struct pauses_scan s = {
		.p = p, .r = r, .err = err, .names = mem_zalloc(r->store->n_strings, 1)};

	vec_each (v, &r->vcpus) {
		if (v->machine != vm)
			continue;
		struct pauses_vcpu *to = vec_push(&s.vcpus);

		to->has_exits = pauses_open(&s, &to->exits, v->id, TABLE_VM_EXIT,
					    1u << COL_VM_EXIT_TS | 1u << COL_VM_EXIT_NAME);
		to->has_lost = pauses_open(&s, &to->lost, v->id, TABLE_VCPU_STATE,
					   1u << COL_VCPU_STATE_TS | 1u << COL_VCPU_STATE_DUR);
	}
	int status = pauses_walk(&s);

	vec_each (v, &s.vcpus) {
		if (v->has_exits)
			store_cursor_deinit(&v->exits);
		if (v->has_lost)
			store_cursor_deinit(&v->lost);
	}
	vec_deinit(&s.vcpus);
	free(s.names);
	return status;
}
