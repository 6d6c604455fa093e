#include <string.h>

#include "report/text_sections.h"
#include "results/naming.h"
#include "results/units.h"

enum { FINDINGS_LIMIT = 5, VCPUS_LIMIT = 16 };

/* ---- what was found -------------------------------------------------------------------------- */

static void text_sentence(struct text *t, const char *sentence)
{
	if (sentence)
		text_wrapped(t, 5, sentence);
}

static void text_finding(struct text *t, size_t number, const struct finding *f)
{
	const char *what = arena_printf(&t->arena, "%zu. %s", number, f->what);

	text_wrapped(t, number < 10 ? 2 : 1, what);
	text_sentence(t, f->where);
	text_sentence(t, f->evidence);
	text_sentence(t, f->against);
	text_sentence(t, arena_printf(&t->arena, "Remedy: %s.", cause_info(f->cause)->remedy));
	text_sentence(t, arena_printf(&t->arena, "Look closer: %s", f->look));
}

static bool text_has_finding(const struct text *t, const struct finding *f)
{
	return t->chosen->machines[f->vm];
}

static size_t text_count_findings(const struct text *t)
{
	size_t n = 0;

	vec_each (f, &t->found->at)
		n += text_has_finding(t, f);
	return n;
}

void text_findings(struct text *t)
{
	size_t all = text_count_findings(t), n = text_limit(t, all, FINDINGS_LIMIT), shown = 0;

	text_title(t, "%s", t->found->title);
	if (t->found->verdict)
		text_wrapped(t, 2, t->found->verdict);
	vec_each (f, &t->found->at) {
		if (text_has_finding(t, f) && shown < n)
			text_finding(t, ++shown, f);
	}
	text_more(t, all, n, "findings");
}

void text_findings_short(struct text *t, size_t lines)
{
	enum { TITLE_LINES = 3, MORE_LINES = 1, WIDTH = 95 };
	size_t all = text_count_findings(t), shown = 0;

	text_title(t, "Why VMs were slow");
	if (t->found->verdict)
		text_wrapped(t, 2, t->found->verdict);
	lines -= TITLE_LINES + MORE_LINES;
	vec_each (f, &t->found->at) {
		/* A line may end some letters earlier where a word is wrapped. */
		size_t needed = f->what ? units_width(f->what) / (WIDTH - 12) + 1 : 1;

		if (!text_has_finding(t, f))
			continue;
		if (needed > lines || (t->top && shown == t->top))
			break;
		lines -= needed;
		text_wrapped(t, 2, arena_printf(&t->arena, "%zu. %s", ++shown, f->what));
	}
	if (shown < all)
		text_line(t, "  ... and %zu more (section findings)", all - shown);
}

/* ---- what cannot be told --------------------------------------------------------------------- */

void text_missing(struct text *t)
{
	if (!t->found->missing.n)
		return;
	text_title(t, "What cannot be told, because it was not recorded");
	vec_each (m, &t->found->missing) {
		if (m->machine != NOBODY && !t->chosen->related[m->machine])
			continue;
		const char *of = m->machine == NOBODY ? "" : text_machine(t, m->machine, 20);

		text_wrapped(t, 2,
			     arena_printf(&t->arena, "%s%s%s: %s", of, *of ? ": " : "",
					  units_safe(&t->arena, m->event, 60),
					  units_safe(&t->arena, m->without, 200)));
	}
}

/* ---- where the time went --------------------------------------------------------------------- */

static const struct grid_column split_columns[] = {
	{.title = "VM", .left = true},
	{.title = "vCPU"},
	{.title = "RUN"},
	{.title = "READY"},
	{.title = "EXIT"},
	{.title = "POLL"},
	{.title = "IDLE"},
	{.title = "BLOCKED"},
	{.title = "UNKNOWN"},
	{.title = "ready, but", .left = true},
};

/* What the other columns and ", .." take, beside VM and vCPU. */
enum { SPLIT_WIDTH = 100, SPLIT_REST = 68 };

/* Return: the largest of what is left of the parts, or READY_N; less is not seen in a line. */
static int text_largest(const struct split *s, unsigned left)
{
	int largest = READY_N;

	for (int i = 0; i < READY_N; i++) {
		if (left >> i & 1 && s->of_ready[i] > s->whole / 1000 &&
		    (largest == READY_N || s->of_ready[i] > s->of_ready[largest]))
			largest = i;
	}
	return largest;
}

/* "neighbour 25.1 %, quota 3.0 %" */
static const char *text_ready(struct text *t, const struct split *s, size_t width)
{
	unsigned left = (1u << READY_N) - 1;
	const char *list = "";

	for (int i; (i = text_largest(s, left)) != READY_N; left &= ~(1u << i)) {
		const char *longer = arena_printf(&t->arena, "%s%s%s %s", list, *list ? ", " : "",
						  split_ready_name((enum split_ready)i),
						  units_share(&t->arena, s->of_ready[i], s->whole));

		if (strlen(longer) > width)
			return *list ? arena_printf(&t->arena, "%s, ..", list) : "";
		list = longer;
	}
	return list;
}

static void text_split_row(struct text *t, struct grid *g, const struct res_vcpu *v, size_t width)
{
	struct split s;

	split_of(&s, t->r, v);
	text_add_vcpu(t, g, v);
	text_add_shares(t, g, &s);
	grid_add(g, text_ready(t, &s, width));
}

/* Return: how much room VM and vCPU leave for what a vCPU was ready for. */
static size_t text_ready_width(struct text *t, size_t n)
{
	size_t vm = 2, vcpu = 4;

	for (size_t i = 0; i < n; i++) {
		const struct res_vcpu *v = t->chosen->vcpus.at[i];
		size_t name = units_width(text_machine(t, v->machine, 16));
		size_t number = units_width(vcpu_number(v, &t->arena));

		vm = name > vm ? name : vm;
		vcpu = number > vcpu ? number : vcpu;
	}
	return vm + vcpu + SPLIT_REST < SPLIT_WIDTH ? SPLIT_WIDTH - SPLIT_REST - vm - vcpu : 0;
}

void text_split(struct text *t)
{
	size_t n = text_limit(t, t->chosen->vcpus.n, VCPUS_LIMIT), width = text_ready_width(t, n);
	struct grid g;

	if (!n)
		return;
	text_title(t, "Where all time of each vCPU went");
	grid_init(&g, split_columns, sizeof(split_columns) / sizeof(*split_columns));
	for (size_t i = 0; i < n; i++)
		text_split_row(t, &g, t->chosen->vcpus.at[i], width);
	text_grid(t, &g);
	grid_deinit(&g);
	text_more(t, t->chosen->vcpus.n, n, "vCPUs");
}
