#include "top/columns.h"

#include <inttypes.h>
#include <string.h>

#include "results/units.h"

struct columns_column {
	const char *name;
	int width;
	int priority; /* those with the least stay the longest */
	bool left;
};

static const struct columns_column column_table[COLUMN_N] = {
	[COLUMN_VM] = {"VM", 12, 0, true},	  [COLUMN_VCPU] = {"vCPU", 5, 0, false},
	[COLUMN_RUN] = {"RUN", 5, 1, false},	  [COLUMN_READY] = {"READY", 5, 1, false},
	[COLUMN_EXIT] = {"EXIT", 5, 3, false},	  [COLUMN_POLL] = {"POLL", 5, 6, false},
	[COLUMN_IDLE] = {"IDLE", 5, 4, false},	  [COLUMN_BLOCKED] = {"BLOCK", 5, 5, false},
	[COLUMN_UNKNOWN] = {"UNKN", 5, 5, false}, [COLUMN_EXITS] = {"exits/s", 7, 7, false},
	[COLUMN_WAKE] = {"wake99", 7, 9, false},  [COLUMN_STALL] = {"stall", 7, 8, false},
	[COLUMN_WHY] = {"mostly", 18, 2, true},
};

const char *columns_name(enum column_id column)
{
	return column_table[column].name;
}

unsigned columns_choose(int width)
{
	unsigned chosen = 0;
	int used = -1;

	for (int priority = 0; priority < 10; priority++) {
		for (int c = 0; c < COLUMN_N; c++) {
			if (column_table[c].priority != priority ||
			    used + 1 + column_table[c].width > width)
				continue;
			chosen |= 1u << c;
			used += 1 + column_table[c].width;
		}
	}
	return chosen;
}

/* ---- a line ---------------------------------------------------------------------------------- */

struct line {
	char *text;
	int n, width;
};

static void line_begin(struct line *l, char *text, int width)
{
	*l = (struct line){text, 0, width < COLUMNS_TEXT ? width : COLUMNS_TEXT - 1};
	*text = '\0';
}

/* Only ASCII: widths are bytes. What is no such character was made '?' (units_safe()). */
static void line_put(struct line *l, const char *text, int width, bool left)
{
	int room = l->width - l->n;
	char padded[COLUMNS_TEXT];

	snprintf(padded, sizeof(padded), left ? "%-*.*s" : "%*.*s", width,
		 width ? width : COLUMNS_TEXT, text);
	if (room > 0)
		l->n += snprintf(l->text + l->n, (size_t)room + 1, "%s", padded) < room
				? (int)strlen(padded)
				: room;
}

/* The last column takes what is left. */
static void line_cell(struct line *l, enum column_id c, const char *text)
{
	int width = c == COLUMN_WHY ? l->width - l->n - 1 : column_table[c].width;

	if (l->n)
		line_put(l, " ", 1, true);
	if (width > 0)
		line_put(l, text, width, column_table[c].left);
}

void columns_head(char *text, unsigned columns, int width)
{
	struct line l;

	line_begin(&l, text, width);
	for (int c = 0; c < COLUMN_N; c++) {
		if (columns >> c & 1)
			line_cell(&l, (enum column_id)c, column_table[c].name);
	}
}

/* ---- values ---------------------------------------------------------------------------------- */

static int64_t columns_part(const struct split *s, enum column_id column)
{
	switch (column) {
	case COLUMN_RUN:
		return s->run;
	case COLUMN_READY:
		return s->ready;
	case COLUMN_EXIT:
		return s->exit;
	case COLUMN_POLL:
		return s->poll;
	case COLUMN_IDLE:
		return s->idle;
	case COLUMN_BLOCKED:
		return s->blocked;
	case COLUMN_UNKNOWN:
		return s->unknown;
	default:
		return 0;
	}
}

int64_t columns_key(const struct view_vcpu *v, enum column_id column)
{
	switch (column) {
	case COLUMN_EXITS:
		return (int64_t)v->n_exits;
	case COLUMN_WAKE:
		return v->wake_p99;
	case COLUMN_STALL:
		return v->stall;
	default:
		return columns_part(&v->split, column);
	}
}

static void columns_percent(char text[16], int64_t part, int64_t whole)
{
	snprintf(text, 16, whole > 0 ? "%.1f" : "-",
		 100.0 * (double)part / (double)(whole + !whole));
}

/* "12.3us": seven characters at most. */
static void columns_duration(char text[16], int64_t ns)
{
	if (ns < 0)
		snprintf(text, 16, "-");
	else if (ns < 1000000)
		snprintf(text, 16, "%.1fus", (double)ns / 1e3);
	else if (ns < 1000000000)
		snprintf(text, 16, "%.1fms", (double)ns / 1e6);
	else
		snprintf(text, 16, "%.1fs", (double)ns / 1e9);
}

static void columns_why(char *text, size_t size, const struct view *v, const struct view_vcpu *vcpu)
{
	double seconds = (double)(v->end - v->begin) / 1e9;

	if (vcpu->thieves.n)
		snprintf(text, size, "%s %.1f %%", vcpu->thieves.at[0].label,
			 100.0 * (double)vcpu->thieves.at[0].ns / (double)(v->end - v->begin));
	else if (vcpu->exits.n)
		snprintf(text, size, "%s %.0f/s", vcpu->exits.at[0].name,
			 (double)vcpu->exits.at[0].n / seconds);
	else
		*text = '\0';
}

static void columns_of_vcpu(char *text, const struct view *v, const struct view_vcpu *vcpu,
			    enum column_id c)
{
	double seconds = (double)(v->end - v->begin) / 1e9;

	switch (c) {
	case COLUMN_VCPU:
		snprintf(text, COLUMNS_TEXT, "%s", vcpu->number);
		break;
	case COLUMN_EXITS:
		snprintf(text, COLUMNS_TEXT, "%.0f", (double)vcpu->n_exits / seconds);
		break;
	case COLUMN_WAKE:
		columns_duration(text, vcpu->wake_p99);
		break;
	case COLUMN_STALL:
		columns_duration(text, vcpu->stall);
		break;
	case COLUMN_WHY:
		columns_why(text, COLUMNS_TEXT, v, vcpu);
		break;
	default:
		columns_percent(text, columns_part(&vcpu->split, c), vcpu->split.whole);
	}
}

void columns_row(char *text, unsigned columns, int width, const struct view *v,
		 const struct view_vcpu *vcpu, const struct split *sum)
{
	struct line l;

	line_begin(&l, text, width);
	for (int c = 0; c < COLUMN_N; c++) {
		char cell[COLUMNS_TEXT] = "";

		if (!(columns >> c & 1))
			continue;
		if (c == COLUMN_VM)
			snprintf(cell, sizeof(cell), "%s", vcpu->vm);
		else if (!sum)
			columns_of_vcpu(cell, v, vcpu, (enum column_id)c);
		else if (c == COLUMN_VCPU)
			snprintf(cell, sizeof(cell), "all");
		else if (c <= COLUMN_UNKNOWN)
			columns_percent(cell, columns_part(sum, (enum column_id)c), sum->whole);
		line_cell(&l, (enum column_id)c, cell);
	}
}

/* ---- other lines ----------------------------------------------------------------------------- */

enum { CPU_USERS = 3 };

void columns_cpu(char *text, int width, const struct view_cpu *c)
{
	int64_t whole = c->vm + c->other + c->irq + c->idle + c->unknown;
	double one = whole ? 100.0 / (double)whole : 0;
	struct line l;
	char cell[COLUMNS_TEXT];

	line_begin(&l, text, width);
	snprintf(cell, sizeof(cell),
		 "CPU %-3" PRIu32 " guest %5.1f  host %5.1f  irq %5.1f  idle %5.1f", c->cpu,
		 (double)c->vm * one, (double)c->other * one, (double)c->irq * one,
		 (double)c->idle * one);
	line_put(&l, cell, 0, true);
	for (size_t i = 0; i < c->users.n && i < CPU_USERS; i++) {
		snprintf(cell, sizeof(cell), "%s %s %.1f %%", i ? "," : "  ", c->users.at[i].label,
			 (double)c->users.at[i].ns * one);
		line_put(&l, cell, 0, true);
	}
}

void columns_title(char *text, int width, const struct view *v, const struct live *l,
		   double events_per_second)
{
	struct line line;
	char cell[COLUMNS_TEXT];

	line_begin(&line, text, width);
	snprintf(cell, sizeof(cell), "%zu VMs, %zu vCPUs, %zu CPUs; %.0f events/s; ",
		 v->results.vms.n, v->vcpus.n, v->cpus.n, events_per_second);
	line_put(&line, cell, 0, true);
	if (l->n_lost)
		snprintf(cell, sizeof(cell), "%" PRIu64 " events lost: see UNKN", l->n_lost);
	else
		snprintf(cell, sizeof(cell), "nothing lost");
	line_put(&line, cell, 0, true);
}
