/*
 * What is printed when no section is asked for: at most 40 lines, so that all of it is seen at
 * once.
 */
#include <stdlib.h>

#include "report/section.h"
#include "report/text_sections.h"
#include "results/split.h"
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

static void overview_row(struct text *t, struct grid *g, const struct res_vcpu *vcpu)
{
	const struct summary_vcpu *v = &vcpu->sum;
	int64_t observed = summary_observed(v);
	struct split s;

	split_of(&s, t->r, vcpu);
	text_add_vcpu(t, g, vcpu);
	text_add_shares(t, g, &s);
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
