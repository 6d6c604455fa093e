#include "results/takers.h"

#include <stdlib.h>
#include <string.h>

#include "results/naming.h"

static struct taker *takers_get(takers_t *takers, const char *label)
{
	vec_each (k, takers) {
		if (!strcmp(k->label, label))
			return k;
	}
	struct taker *k = vec_push(takers);

	k->label = label;
	return k;
}

int taker_order(const struct taker *a, const struct taker *b)
{
	return a->taken != b->taken ? (a->taken > b->taken ? -1 : 1) : strcmp(a->label, b->label);
}

static int takers_by_time(const void *a, const void *b)
{
	return taker_order(a, b);
}

void takers_add(takers_t *takers, const struct results *r, const struct res_vcpu *v,
		struct arena *arena)
{
	vec_each (s, &v->sum.occupants) {
		struct res_occupant o = occupant_of(r, s);
		struct taker *k = takers_get(takers, occupant_label(r, &o, v, arena));

		tally_add_ns(&k->taken, summary_taken(s));
		tally_add_ns(&k->preempted, s->preempted);
		tally_add_ns(&k->waiting, s->waiting);
		tally_add_ns(&k->throttled, s->throttled);
		k->times += s->times;
	}
	if (takers->n)
		qsort(takers->at, takers->n, sizeof(*takers->at), takers_by_time);
}
