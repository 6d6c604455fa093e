#include "report/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "results/naming.h"
#include "results/units.h"

enum { WIDTH = 100, NAME_WIDTH = 16 };

void text_title(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *title = mem_vprintf(fmt, ap);

	va_end(ap);
	out_str(&t->out, t->color ? "\n\033[1m" : "\n");
	out_str(&t->out, title);
	out_str(&t->out, t->color ? "\033[0m\n\n" : "\n\n");
	free(title);
}

void text_line(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *line = mem_vprintf(fmt, ap);

	va_end(ap);
	out_str(&t->out, line);
	out_char(&t->out, '\n');
	free(line);
}

void text_wrapped(struct text *t, size_t indent, const char *words)
{
	size_t at = 0;

	while (*words) {
		size_t n = strcspn(words, " "), width = 0;

		for (size_t i = 0; i < n; i++)
			width += (words[i] & 0xc0) != 0x80;
		if (at && at + 1 + width > WIDTH) {
			out_char(&t->out, '\n');
			at = 0;
		}
		for (size_t i = at ? 1 : indent; i; i--, at++)
			out_char(&t->out, ' ');
		out_bytes(&t->out, words, n);
		at += width;
		words += n + strspn(words + n, " ");
	}
	out_char(&t->out, '\n');
}

void text_grid(struct text *t, const struct grid *g)
{
	grid_print(g, &t->out, t->color);
}

size_t text_limit(const struct text *t, size_t n, size_t limit)
{
	if (t->top)
		return n < t->top ? n : t->top;
	/* A line that says "1 more" takes as much room as what it leaves out. */
	return t->all || n <= limit + 1 ? n : limit;
}

void text_more(struct text *t, size_t n, size_t shown, const char *what)
{
	if (n > shown)
		text_line(t, "  ... and %zu more %s (--%s)", n - shown, what,
			  t->top ? "top shows more" : "all shows them");
}

/* Of "host/vm-PID" the host's part is cut first. */
const char *text_machine(struct text *t, int machine, size_t width)
{
	const char *name = t->r->machines.at[machine].name, *own = strrchr(name, '/');
	size_t n = own ? units_width(own) : 0;

	if (!own || units_width(name) <= width || n + 3 > width)
		return units_safe(&t->arena, name, width);
	const char *host = arena_strndup(&t->arena, name, (size_t)(own - name));

	return arena_printf(&t->arena, "%s%s", units_safe(&t->arena, host, width - n),
			    units_safe(&t->arena, own, width));
}

void text_add_vcpu(struct text *t, struct grid *g, const struct res_vcpu *v)
{
	grid_add(g, text_machine(t, v->machine, NAME_WIDTH));
	grid_add(g, vcpu_number(v, &t->arena));
}

void text_add_shares(struct text *t, struct grid *g, const struct split *s)
{
	const char *shares[SPLIT_N];

	split_shares(s, shares, &t->arena);
	for (int i = 0; i < SPLIT_N; i++)
		grid_add(g, shares[i]);
}

const char *text_vcpu(struct text *t, const struct res_vcpu *v)
{
	const char *vm = text_machine(t, v->machine, 40);

	if (v->index == TABLE_NULL)
		return arena_printf(&t->arena, "vCPU thread %s of %s",
				    units_number(&t->arena, v->tid), vm);
	return arena_printf(&t->arena, "vCPU %" PRId64 " of %s", v->index, vm);
}
