#include "export/strip.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

enum { HEIGHT = 100, MAX_TICKS = 8 };

void strip_init(struct strip *s, int64_t from, int64_t to, uint32_t n_columns, int n_layers)
{
	*s = (struct strip){.from = from, .to = to, .n_columns = n_columns, .n_layers = n_layers};
	s->time = mem_zalloc((size_t)n_columns * (size_t)n_layers, sizeof(*s->time));
}

void strip_deinit(struct strip *s)
{
	free(s->time);
}

static uint64_t width_of(const struct strip *s)
{
	return (uint64_t)s->to - (uint64_t)s->from;
}

/* Return: when a column begins; of the one after the last: when that ends. */
static int64_t begin_of(const struct strip *s, uint32_t column)
{
	return (int64_t)((uint64_t)s->from +
			 (uint64_t)((unsigned __int128)width_of(s) * column / s->n_columns));
}

static uint32_t column_of(const struct strip *s, int64_t t)
{
	uint64_t offset = (uint64_t)t - (uint64_t)s->from;
	uint32_t c = (uint32_t)((unsigned __int128)offset * s->n_columns / width_of(s));

	return c + 1 < s->n_columns && t >= begin_of(s, c + 1) ? c + 1 : c;
}

void strip_add(struct strip *s, int64_t begin, int64_t end, int layer)
{
	begin = begin > s->from ? begin : s->from;
	end = end < s->to ? end : s->to;
	if (begin >= end)
		return;
	for (uint32_t c = column_of(s, begin); begin < end; c++) {
		int64_t next = begin_of(s, c + 1), stop = end < next ? end : next;

		s->time[(size_t)c * (size_t)s->n_layers + (size_t)layer] +=
			(uint64_t)(stop - begin);
		begin = stop;
	}
}

/* Return: how high the layers up to this one are together, of HEIGHT. */
static int height_of(const struct strip *s, uint32_t column, int layer)
{
	const uint64_t *time = s->time + (size_t)column * (size_t)s->n_layers;
	uint64_t sum = 0, all = (uint64_t)(begin_of(s, column + 1) - begin_of(s, column));

	for (int i = 0; i <= layer; i++)
		sum += time[i];
	return all ? (int)(((double)sum * HEIGHT) / (double)all + 0.5) : 0;
}

static bool has_layer(const struct strip *s, int layer)
{
	for (uint32_t c = 0; c < s->n_columns; c++) {
		if (s->time[(size_t)c * (size_t)s->n_layers + (size_t)layer])
			return true;
	}
	return false;
}

/* The area below the top of a layer: steps from column to column. */
static void write_layer(const struct strip *s, struct html *h, int layer, const char *class)
{
	int height = 0;

	html_rawf(h, "<path class=\"%s\" d=\"M0 %d", class, HEIGHT);
	for (uint32_t c = 0; c < s->n_columns; c++) {
		int next = height_of(s, c, layer);

		if (next != height)
			html_rawf(h, "H%uV%d", c, HEIGHT - next);
		height = next;
	}
	html_rawf(h, "H%uV%dz\"/>", s->n_columns, HEIGHT);
}

/* Upper layers come first; each lower one covers what is its own. */
void strip_write(const struct strip *s, struct html *h, const char *const *classes)
{
	html_rawf(h,
		  "<div class=lane><svg viewBox=\"0 0 %u %d\" preserveAspectRatio=none "
		  "shape-rendering=crispEdges aria-hidden=true>",
		  s->n_columns, HEIGHT);
	for (int i = s->n_layers - 1; i >= 0; i--) {
		if (has_layer(s, i))
			write_layer(s, h, i, classes[i]);
	}
	html_raw(h, "</svg></div>");
}

/* Return: 1, 2 or 5 times a power of ten, so that at most MAX_TICKS of them fit in `length`. */
static double tick_step(double length)
{
	double step = pow(10, floor(log10(length / MAX_TICKS)));
	static const double factors[] = {1, 2, 5, 10};

	for (int i = 0; i < 4; i++) {
		if (length / (step * factors[i]) <= MAX_TICKS)
			return step * factors[i];
	}
	return step * 10;
}

/* In s or a thousandth, millionth of it, by how close ticks are. */
static void write_tick(struct html *h, double seconds, double step, double place)
{
	static const struct {
		double from, factor;
		const char *name;
	} units[] = {{0.1, 1, "s"}, {1e-4, 1e3, "ms"}, {1e-7, 1e6, "&micro;s"}, {0, 1e9, "ns"}};
	size_t i = 0;

	while (step < units[i].from)
		i++;
	int digits = step * units[i].factor < 0.99 ? 1 : 0;

	html_rawf(h, "<span style=\"left:%.3f%%\">%.*f&nbsp;%s</span>", 100 * place, digits,
		  seconds * units[i].factor, units[i].name);
}

void strip_write_axis(struct html *h)
{
	double from = (double)(int64_t)((uint64_t)h->from - (uint64_t)h->begin) / 1e9;
	double length = (double)((uint64_t)h->to - (uint64_t)h->from) / 1e9;
	double step = tick_step(length);

	html_raw(h, "<div class=row><div class=of></div><div class=axis>");
	for (int i = 0; i <= MAX_TICKS; i++) {
		double t = (ceil(from / step - 1e-9) + i) * step;

		if ((t - from) / length < 0.97)
			write_tick(h, t, step, (t - from) / length);
	}
	html_raw(h, "</div></div>\n");
}
