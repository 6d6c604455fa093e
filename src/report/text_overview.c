/*
 * What is printed when no section is asked for: at most 40 lines, so that all of it is seen at
 * once.
 */
#include <stdlib.h>

#include "report/section.h"
#include "report/split_part.h"
#include "report/text_sections.h"
#include "results/units.h"

enum {
	LINES = 40,
	FINDINGS_LINES = 12, /* room for what heads the report */
	TITLE_LINES = 4,
	STEAL_LIMIT = 4,
	FOOT_LINES = 3,
	MORE_LINES = 1,
	/* for vCPUs and what stands above them, of which that is 9 at most */
	ROWS_LINES = LINES - FINDINGS_LINES - TITLE_LINES - MORE_LINES - TITLE_LINES - STEAL_LIMIT -
		     FOOT_LINES,
};

/* ---- one line per vCPU ----------------------------------------------------------------------- */

static const struct grid_column columns[] = {
	{.title = "VM", .left = true},
	{.title = "vCPU"},
	{.title = "RUN"},
	{.title = "READY"},
	{.title = "EXIT"},
	{.title = "POLL"},
	{.title = "IDLE"},
	{.title = "BLOCKED"},
	{.title = "UNKNOWN"},
	{.title = "exits/s"},
};

struct rest {
	enum split_part part;
	uint64_t left; /* of the division */
};

static int by_rest(const void *a, const void *b)
{
	const struct rest *x = a, *y = b;

	if (x->left != y->left)
		return x->left > y->left ? -1 : 1;
	return (int)x->part - (int)y->part;
}

/*
 * Tenths of a percent that add up to 100 % as the parts do: those with the largest rests are
 * rounded up.
 */
static void overview_tenths(const struct results *r, const struct res_vcpu *v, unsigned *tenths)
{
	enum { ALL = 1000 };
	unsigned __int128 whole = (unsigned __int128)split_part_whole(r, v);
	struct rest rests[SPLIT_N];
	unsigned sum = 0;

	for (int p = 0; p < SPLIT_N; p++) {
		unsigned __int128 part =
			(unsigned __int128)split_part_time(r, v, (enum split_part)p) * ALL;

		tenths[p] = whole ? (unsigned)(part / whole) : 0;
		rests[p] = (struct rest){(enum split_part)p, whole ? (uint64_t)(part % whole) : 0};
		sum += tenths[p];
	}
	qsort(rests, SPLIT_N, sizeof(*rests), by_rest);
	for (int i = 0; i < SPLIT_N && sum < ALL && whole; i++, sum++)
		tenths[rests[i].part]++;
}

static void overview_row(struct text *t, struct grid *g, const struct res_vcpu *vcpu)
{
	const struct summary_vcpu *v = &vcpu->sum;
	int64_t observed = summary_observed(v);
	unsigned tenths[SPLIT_N];

	overview_tenths(t->r, vcpu, tenths);
	text_add_vcpu(t, g, vcpu);
	for (int p = 0; p < SPLIT_N; p++) {
		if (!split_part_time(t->r, vcpu, (enum split_part)p))
			grid_add(g, "");
		else if (!tenths[p])
			grid_add(g, "<0.1 %");
		else
			grid_add(g, arena_printf(&t->arena, "%u.%u %%", tenths[p] / 10,
						 tenths[p] % 10));
	}
	grid_add(g, v->n_exits && observed > 0
			    ? units_rate(&t->arena, (double)v->n_exits / ((double)observed / 1e9))
			    : "");
}

/* Where not all can be shown, and nobody said which: those that had to wait most. */
static void overview_vcpus(struct text *t, size_t limit)
{
	size_t all = t->chosen->vcpus.n, n = text_limit(t, all, limit);
	bool worst = n < all && t->chosen->choice->sort == SORT_USUAL;
	const struct res_vcpu **vcpus = mem_zalloc(all + 1, sizeof(struct res_vcpu *));
	struct grid g;

	for (size_t i = 0; i < all; i++)
		vcpus[i] = t->chosen->vcpus.at[i];
	if (worst)
		chosen_sort_vcpus(t->r, vcpus, all, SORT_READY);
	text_title(t, "Where the time of each vCPU went%s",
		   worst ? ": those that were READY, but had no CPU, for longest" : "");
	grid_init(&g, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < n; i++)
		overview_row(t, &g, vcpus[i]);
	text_grid(t, &g);
	grid_deinit(&g);
	text_more(t, all, n, "vCPUs");
	free(vcpus);
}

/* ---- all ------------------------------------------------------------------------------------- */

static void overview_foot(struct text *t)
{
	const char *const *names = report_section_names();
	const char *list = "";

	for (size_t i = 0; names[i]; i++)
		list = arena_printf(&t->arena, "%s %s", list, names[i]);
	out_char(&t->out, '\n');
	text_wrapped(t, 0,
		     arena_printf(&t->arena,
				  "More, by section (vmscope report FILE SECTION):%s; "
				  "all of it with --all",
				  list));
}

void text_overview(struct text *t, size_t head_lines)
{
	text_findings_short(t, FINDINGS_LINES);
	if (t->chosen->vcpus.n)
		overview_vcpus(t, ROWS_LINES - head_lines);
	text_say_unscheduled(t);
	text_steal_top(t, t->top && t->top < STEAL_LIMIT ? t->top : STEAL_LIMIT);
	overview_foot(t);
}
