#include <stdlib.h>
#include <string.h>

#include "export/html.h"
#include "results/naming.h"
#include "results/takers.h"

/* Columns and rows of the table; what more there are share a column, or are left out. */
enum { MAX_TAKERS = 8, MAX_VICTIMS = 24 };

struct victim {
	const struct res_vcpu *vcpu;
	int64_t lost;
	takers_t takers;
};

struct matrix {
	takers_t takers; /* of all victims */
	VEC(struct victim) victims;
	int64_t most; /* in a cell */
};

static int victim_order(const void *a, const void *b)
{
	const struct victim *x = a, *y = b;

	if (x->lost != y->lost)
		return x->lost > y->lost ? -1 : 1;
	return x->vcpu->id < y->vcpu->id ? -1 : x->vcpu->id > y->vcpu->id;
}

/* Return: the column of a taker. */
static size_t matrix_column(const struct matrix *m, const struct taker *taker)
{
	size_t i = 0;

	while (i < MAX_TAKERS && i < m->takers.n &&
	       strcmp(m->takers.at[i].label, taker->label) != 0)
		i++;
	return i;
}

/* Sets what of a victim's time went to each column. */
static void matrix_row(const struct matrix *m, const struct victim *v, int64_t ns[MAX_TAKERS + 1])
{
	memset(ns, 0, (MAX_TAKERS + 1) * sizeof(*ns));
	vec_each (k, &v->takers)
		tally_add_ns(&ns[matrix_column(m, k)], k->taken);
}

static void matrix_init(struct matrix *m, struct html *h)
{
	*m = (struct matrix){0};
	vec_each (v, &h->results.vcpus) {
		if (!html_has_vcpu(h, v) || !summary_in(&v->sum, STATE_LOST))
			continue;
		struct victim *victim = vec_push(&m->victims);

		victim->vcpu = v;
		victim->lost = summary_in(&v->sum, STATE_LOST);
		takers_add(&victim->takers, &h->results, v, &h->texts);
		takers_add(&m->takers, &h->results, v, &h->texts);
	}
	if (m->victims.n)
		qsort(m->victims.at, m->victims.n, sizeof(*m->victims.at), victim_order);
	vec_each (v, &m->victims) {
		int64_t ns[MAX_TAKERS + 1];

		matrix_row(m, v, ns);
		for (int i = 0; i <= MAX_TAKERS; i++)
			m->most = ns[i] > m->most ? ns[i] : m->most;
	}
}

static void matrix_deinit(struct matrix *m)
{
	vec_each (v, &m->victims)
		vec_deinit(&v->takers);
	vec_deinit(&m->victims);
	vec_deinit(&m->takers);
}

static void html_steal_head(struct html *h, const struct matrix *m)
{
	html_raw(h, "<div class=wide><table class=heat><thead><tr><th>lost by<th class=n>in all");
	for (size_t i = 0; i < m->takers.n && i < MAX_TAKERS; i++) {
		html_raw(h, "<th class=n>");
		html_text(h, m->takers.at[i].label);
	}
	html_raw(h, m->takers.n > MAX_TAKERS ? "<th class=n>others</thead><tbody>\n"
					     : "</thead><tbody>\n");
}

/* A cell for each pair, shaded by how much of the worst it is. */
static void html_steal_row(struct html *h, const struct matrix *m, const struct victim *v)
{
	int64_t ns[MAX_TAKERS + 1];

	matrix_row(m, v, ns);
	html_raw(h, "<tr><td class=name>");
	html_text(h, vcpu_name(&h->results, v->vcpu, &h->texts));
	html_raw(h, "<td class=n><b>");
	html_ns(h, v->lost);
	html_raw(h, "</b>");
	for (size_t i = 0; i < m->takers.n && i <= MAX_TAKERS; i++) {
		if (!ns[i]) {
			html_raw(h, "<td>");
			continue;
		}
		html_rawf(h, "<td class=n style=\"background:rgba(var(--heat),%.2f)\">",
			  0.75 * (double)ns[i] / (double)m->most);
		html_ns(h, ns[i]);
	}
}

int html_steal(struct html *h)
{
	struct matrix m;

	matrix_init(&m, h);
	if (!m.victims.n) {
		html_raw(h, "<p>No vCPU had to wait for a CPU.</p>\n");
	} else {
		html_steal_head(h, &m);
		for (size_t i = 0; i < m.victims.n && i < MAX_VICTIMS; i++)
			html_steal_row(h, &m, &m.victims.at[i]);
		html_raw(h, "</tbody></table></div>\n");
	}
	if (m.victims.n > MAX_VICTIMS)
		html_rawf(h, "<p class=soft>The %d that lost most, of %zu.</p>\n", MAX_VICTIMS,
			  m.victims.n);
	matrix_deinit(&m);
	return 0;
}
