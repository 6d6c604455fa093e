#include "report/chosen.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "results/split.h"

/* ---- order ----------------------------------------------------------------------------------- */

static int64_t choice_vcpu_key(const struct results *r, const struct res_vcpu *v, enum sort_key key)
{
	struct split s;

	switch (key) {
	case SORT_RUN:
	case SORT_READY:
	case SORT_EXIT:
	case SORT_POLL:
	case SORT_IDLE:
	case SORT_BLOCKED:
	case SORT_UNKNOWN:
		split_of(&s, r, v);
		return s.parts[key - SORT_RUN];
	case SORT_EXITS:
		return (int64_t)v->sum.n_exits;
	default:
		return 0;
	}
}

static int64_t choice_exits_key(const struct summary_exits *e, enum sort_key key)
{
	const struct histogram *h = &e->whole;

	switch (key) {
	case SORT_COUNT:
		return (int64_t)e->n;
	case SORT_COST:
		return summary_cost(e);
	case SORT_TOTAL:
		return h->sum;
	case SORT_MEAN:
		return h->n ? h->sum / (int64_t)h->n : 0;
	case SORT_P50:
		return histogram_quantile(h, 0.5);
	case SORT_P99:
		return histogram_quantile(h, 0.99);
	case SORT_MAX:
		return h->n ? h->max : 0;
	default:
		return 0;
	}
}

/* An entry of a list, with what it is sorted by and where it stood. */
struct place {
	int64_t key;
	size_t was;
};

static int by_key(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->key != y->key)
		return x->key > y->key ? -1 : 1;
	return x->was < y->was ? -1 : x->was > y->was;
}

void chosen_sort_vcpus(const struct results *r, const struct res_vcpu **vcpus, size_t n,
		       enum sort_key key)
{
	struct place *places = mem_zalloc(n + 1, sizeof(*places));
	const struct res_vcpu **were = mem_zalloc(n + 1, sizeof(struct res_vcpu *));

	for (size_t i = 0; i < n; i++) {
		were[i] = vcpus[i];
		places[i] = (struct place){choice_vcpu_key(r, were[i], key), i};
	}
	qsort(places, n, sizeof(*places), by_key);
	for (size_t i = 0; i < n; i++)
		vcpus[i] = were[places[i].was];
	free(places);
	free(were);
}

void chosen_sort_exits(const struct chosen *c, struct summary_exits *exits, size_t n)
{
	if (c->choice->sort < SORT_COUNT || n < 2)
		return;
	struct place *places = mem_zalloc(n, sizeof(*places));
	struct summary_exits *were = mem_alloc(n * sizeof(*were));

	memcpy(were, exits, n * sizeof(*were));
	for (size_t i = 0; i < n; i++)
		places[i] = (struct place){choice_exits_key(&were[i], c->choice->sort), i};
	qsort(places, n, sizeof(*places), by_key);
	for (size_t i = 0; i < n; i++)
		exits[i] = were[places[i].was];
	free(places);
	free(were);
}

/* ---- what is told of ------------------------------------------------------------------------- */

static bool choice_matches(const struct report_choice *c, const char *name)
{
	return !c->vm || !strcmp(c->vm, name) || !fnmatch(c->vm, name, 0);
}

static void choice_find_machines(struct chosen *c, const struct results *r)
{
	c->machines = mem_zalloc(r->machines.n + 1, sizeof(*c->machines));
	c->related = mem_zalloc(r->machines.n + 1, sizeof(*c->related));
	for (size_t i = 0; i < r->machines.n; i++) {
		const struct res_machine *m = &r->machines.at[i];

		c->machines[i] = choice_matches(c->choice, m->name) &&
				 (m->parent != NOBODY || !choice_is_some(c->choice));
		/* The chain ends after all machines at the latest. */
		int above = c->machines[i] ? (int)i : NOBODY;

		for (size_t k = 0; above != NOBODY && k <= r->machines.n; k++) {
			c->related[above] = true;
			above = r->machines.at[above].parent;
		}
	}
}

bool choice_has_vcpu(const struct report_choice *c, const char *vm, int64_t index)
{
	return (!c->one_vcpu || index == c->vcpu) && choice_matches(c, vm);
}

bool chosen_has_vcpu(const struct chosen *c, const struct results *r, const struct res_vcpu *v)
{
	return choice_has_vcpu(c->choice, r->machines.at[v->machine].name, v->index);
}

/* Return: ERR. */
static int choice_no_vm(const struct chosen *c, const struct results *r, struct error *err)
{
	enum { MOST = 8 };
	char *names = mem_strdup(r->vms.n ? "" : " none");

	for (size_t i = 0; i < r->vms.n && i <= MOST; i++)
		mem_append(&names, "%s %s", i ? "," : "",
			   i < MOST ? r->machines.at[r->vms.at[i]].name : "...");
	error_set(err, "there is no VM '%s'; those that there are:%s", c->choice->vm, names);
	free(names);
	return ERR;
}

static int choice_find(struct chosen *c, const struct results *r, struct error *err)
{
	bool any = !c->choice->vm;

	vec_each (vm, &r->vms)
		any |= c->machines[*vm];
	if (!any)
		return choice_no_vm(c, r, err);
	vec_each (v, &r->vcpus) {
		if (chosen_has_vcpu(c, r, v))
			*vec_push(&c->vcpus) = v;
	}
	if (c->choice->one_vcpu && !c->vcpus.n)
		return error_set(err, "there is no vCPU %" PRId64 "%s%s", c->choice->vcpu,
				 c->choice->vm ? " of " : "", c->choice->vm ? c->choice->vm : "");
	return 0;
}

int chosen_init(struct chosen *c, const struct results *r, const struct report_choice *choice,
		struct error *err)
{
	*c = (struct chosen){.choice = choice};
	choice_find_machines(c, r);
	if (choice_find(c, r, err))
		return ERR;
	if (choice->sort > SORT_USUAL && choice->sort < SORT_COUNT && c->vcpus.n)
		chosen_sort_vcpus(r, c->vcpus.at, c->vcpus.n, choice->sort);
	return 0;
}

void chosen_deinit(struct chosen *c)
{
	vec_deinit(&c->vcpus);
	free(c->machines);
	free(c->related);
}
