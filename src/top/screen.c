#include "top/screen.h"

#include <ctype.h>
#include <curses.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "top/columns.h"

/* READY of more than this is bad, by what operators of other hypervisors go by. */
enum { SCREEN_BAD_PERCENT = 10, SCREEN_FILTER = 32 };

struct screen_line {
	char text[COLUMNS_TEXT];
	bool is_bad;
	bool is_head;
};

struct screen {
	SCREEN *terminal;
	struct view view; /* owned: the last one */
	bool has_view, is_frozen, wants_help, asks, ended;
	enum column_id sort;
	char filter[SCREEN_FILTER];
	size_t n_filter;
	int selected;	/* row, among those that are shown */
	bool shows_one; /* the selected vCPU's thieves and exits */
	char title[COLUMNS_TEXT];
	VEC(struct screen_line) lines; /* of what is drawn now */
	VEC(const struct view_vcpu *) rows;
};

/* ---- lines ----------------------------------------------------------------------------------- */

static struct screen_line *screen_line(struct screen *s)
{
	return vec_push(&s->lines);
}

static bool screen_is_shown(const struct screen *s, const struct view_vcpu *v)
{
	return !s->n_filter || strstr(v->vm, s->filter);
}

static int screen_compare(const void *a, const void *b, void *ctx)
{
	const struct view_vcpu *x = *(const struct view_vcpu *const *)a;
	const struct view_vcpu *y = *(const struct view_vcpu *const *)b;
	enum column_id sort = *(const enum column_id *)ctx;
	int64_t p = columns_key(x, sort), q = columns_key(y, sort);

	if (sort == COLUMN_VM || p == q)
		return x < y ? -1 : x > y;
	return p > q ? -1 : 1;
}

static void screen_choose_rows(struct screen *s)
{
	s->rows.n = 0;
	vec_each (v, &s->view.vcpus) {
		if (screen_is_shown(s, v))
			*vec_push(&s->rows) = v;
	}
	if (s->rows.n)
		qsort_r(s->rows.at, s->rows.n, sizeof(*s->rows.at), screen_compare, &s->sort);
	if (s->selected >= (int)s->rows.n)
		s->selected = (int)s->rows.n - 1;
	if (s->selected < 0)
		s->selected = 0;
}

static void screen_add_rows(struct screen *s, int width)
{
	unsigned columns = columns_choose(width);
	struct screen_line *head = screen_line(s);

	columns_head(head->text, columns, width);
	head->is_head = true;
	vec_each (row, &s->rows) {
		const struct split *split = &(*row)->split;
		struct screen_line *line = screen_line(s);

		columns_row(line->text, columns, width, &s->view, *row, NULL);
		line->is_bad = split->ready * 100 > split->whole * SCREEN_BAD_PERCENT;
	}
}

static void screen_add_cpus(struct screen *s, int width)
{
	screen_line(s);
	vec_each (c, &s->view.cpus)
		columns_cpu(screen_line(s)->text, width, c);
}

/* Who took the CPU from the selected vCPU, and why it left the guest. */
static void screen_add_one(struct screen *s)
{
	const struct view_vcpu *v = s->rows.n ? s->rows.at[s->selected] : NULL;
	double length = (double)(s->view.end - s->view.begin);

	if (!v)
		return;
	struct screen_line *head = screen_line(s);

	head->is_head = true;
	snprintf(head->text, sizeof(head->text), "vCPU %s of %s: who had its CPU", v->number,
		 v->vm);
	vec_each (t, &v->thieves)
		snprintf(screen_line(s)->text, COLUMNS_TEXT, "%5.1f %% %-9s %s",
			 100.0 * (double)t->ns / length, split_ready_name(t->kind), t->label);
	head = screen_line(s);
	head->is_head = true;
	snprintf(head->text, sizeof(head->text), "why it left the guest, a second");
	vec_each (e, &v->exits)
		snprintf(screen_line(s)->text, COLUMNS_TEXT, "%7.0f   %s",
			 (double)e->n * 1e9 / length, e->name);
}

static void screen_add_help(struct screen *s)
{
	static const char *const help[] = {
		"Keys",
		"  r e i x w t v   sort by READY, EXIT, IDLE, exits/s, wake99, stall, VM",
		"  up, down        choose a vCPU",
		"  Enter           who had its CPU, and why it left the guest; again: all",
		"  /               only VMs whose name holds what is typed; Enter ends it",
		"  space, f        freeze, and go on",
		"  h, ?            this; again: back",
		"  q               end",
		"",
		"RUN READY EXIT POLL IDLE BLOCK UNKN are percent of the interval.",
	};

	for (size_t i = 0; i < sizeof(help) / sizeof(*help); i++)
		snprintf(screen_line(s)->text, COLUMNS_TEXT, "%s", help[i]);
}

static void screen_make_lines(struct screen *s, int width)
{
	s->lines.n = 0;
	if (s->wants_help) {
		screen_add_help(s);
		return;
	}
	if (!s->has_view)
		return;
	screen_choose_rows(s);
	if (s->shows_one) {
		screen_add_one(s);
		return;
	}
	screen_add_rows(s, width);
	screen_add_cpus(s, width);
}

/* ---- drawing --------------------------------------------------------------------------------- */

static void screen_draw_line(const struct screen *s, int y, int width, size_t i)
{
	const struct screen_line *line = &s->lines.at[i];
	bool chosen = !s->shows_one && !s->wants_help && s->rows.n && i == (size_t)s->selected + 1;
	attr_t look = line->is_head ? A_BOLD : 0;

	if (chosen)
		look |= A_REVERSE;
	if (line->is_bad)
		look |= has_colors() ? (attr_t)COLOR_PAIR(1) : A_BOLD;
	attrset(look);
	mvaddnstr(y, 0, line->text, width);
	attrset(0);
}

/* The head stays; of the rest what the chosen row is in. */
static void screen_draw_lines(const struct screen *s, int height, int width)
{
	int room = height - 2, skip = 0;

	if (!s->shows_one && !s->wants_help && s->selected + 2 > room)
		skip = s->selected + 2 - room;
	for (int y = 0; y < room; y++) {
		size_t i = (size_t)(y == 0 ? 0 : y + skip);

		if (i < s->lines.n)
			screen_draw_line(s, y + 1, width, i);
	}
}

static void screen_draw(struct screen *s)
{
	int height, width;
	char last[COLUMNS_TEXT];

	getmaxyx(stdscr, height, width);
	screen_make_lines(s, width);
	erase();
	mvaddnstr(0, 0, s->has_view ? s->title : "vmscope top: the first second ...", width);
	screen_draw_lines(s, height, width);
	snprintf(last, sizeof(last), "%s%s%s%s  h help  q end", s->is_frozen ? "FROZEN  " : "",
		 s->asks || s->n_filter ? "/" : "", s->filter, s->asks ? "_" : "");
	attrset(A_REVERSE);
	mvaddnstr(height - 1, 0, last, width - 1);
	attrset(0);
	refresh();
}

/* ---- keys ------------------------------------------------------------------------------------ */

static void screen_take_filter(struct screen *s, int key)
{
	if (key == '\n' || key == KEY_ENTER || key == 27)
		s->asks = false;
	else if ((key == KEY_BACKSPACE || key == 127 || key == '\b') && s->n_filter)
		s->filter[--s->n_filter] = '\0';
	else if (key < 256 && isprint(key) && s->n_filter + 1 < SCREEN_FILTER)
		s->filter[s->n_filter++] = (char)key;
}

static void screen_take_sort(struct screen *s, int key)
{
	static const struct {
		int key;
		enum column_id column;
	} sorts[] = {{'r', COLUMN_READY}, {'e', COLUMN_EXIT}, {'i', COLUMN_IDLE},
		     {'x', COLUMN_EXITS}, {'w', COLUMN_WAKE}, {'t', COLUMN_STALL},
		     {'v', COLUMN_VM}};

	for (size_t i = 0; i < sizeof(sorts) / sizeof(*sorts); i++) {
		if (sorts[i].key == key)
			s->sort = sorts[i].column;
	}
}

static void screen_take_key(struct screen *s, int key)
{
	switch (key) {
	case 'q':
		s->ended = true;
		break;
	case 'h':
	case '?':
		s->wants_help = !s->wants_help;
		break;
	case ' ':
	case 'f':
		s->is_frozen = !s->is_frozen;
		break;
	case '/':
		s->asks = true;
		s->n_filter = 0;
		s->filter[0] = '\0';
		break;
	case KEY_UP:
		s->selected--;
		break;
	case KEY_DOWN:
		s->selected++;
		break;
	case '\n':
	case KEY_ENTER:
		s->shows_one = !s->shows_one;
		break;
	default:
		screen_take_sort(s, key);
	}
}

bool screen_go_on(void *ctx, const struct live *l)
{
	struct screen *s = ctx;
	bool any = false;
	int key;

	(void)l;
	while ((key = getch()) != ERR) {
		if (s->asks && key != KEY_RESIZE)
			screen_take_filter(s, key);
		else if (key != KEY_RESIZE)
			screen_take_key(s, key);
		any = true;
	}
	if (any)
		screen_draw(s);
	return !s->ended;
}

/* ---- life ------------------------------------------------------------------------------------ */

void screen_show(void *ctx, const struct view *v, const struct live *l, double rate, bool total)
{
	struct screen *s = ctx;

	(void)total;
	if (s->is_frozen)
		return;
	columns_title(s->title, COLUMNS_TEXT - 1, v, l, rate);
	if (s->has_view)
		view_deinit(&s->view);
	view_init(&s->view, l, v->begin / l->options.bucket);
	s->has_view = true;
	screen_draw(s);
}

int screen_new(struct screen **sp, struct error *err)
{
	SCREEN *terminal = newterm(NULL, stdout, stdin);
	const char *plain = getenv("NO_COLOR");

	if (!terminal)
		return error_set(err, "this terminal cannot be used (TERM); try --batch");
	struct screen *s = *sp = mem_zalloc(1, sizeof(*s));

	s->terminal = terminal;
	s->sort = COLUMN_VM;
	cbreak();
	noecho();
	nodelay(stdscr, TRUE);
	keypad(stdscr, TRUE);
	curs_set(0);
	if (!(plain && *plain) && has_colors()) {
		start_color();
		use_default_colors();
		init_pair(1, COLOR_RED, -1);
	}
	screen_draw(s);
	return 0;
}

void screen_free(struct screen *s)
{
	if (!s)
		return;
	endwin();
	delscreen(s->terminal);
	if (s->has_view)
		view_deinit(&s->view);
	vec_deinit(&s->lines);
	vec_deinit(&s->rows);
	free(s);
}
