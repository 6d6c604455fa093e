#include "export/html.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "results/units.h"

/* Names have no limit in recordings; pages have one. */
enum { MAX_TEXT = 1000 };

void html_raw(struct html *h, const char *markup)
{
	out_str(&h->out, markup);
}

void html_rawf(struct html *h, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	char *text = mem_vprintf(format, ap);

	va_end(ap);
	html_raw(h, text);
	free(text);
}

/* Return: how one byte is written, or NULL: as it is. */
static const char *escape_of(uint8_t c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return c < ' ' || c == 0x7f ? UTF8_REPLACEMENT : NULL;
	}
}

void html_text(struct html *h, const char *text)
{
	const uint8_t *at = (const uint8_t *)text;
	size_t n = text ? strlen(text) : 0, i = 0;

	while (i < n && i < MAX_TEXT) {
		size_t length = utf8_length(at + i, n - i);
		const char *escaped = length == 1		     ? escape_of(at[i])
				      : escape_unsafe(at + i, n - i) ? UTF8_REPLACEMENT
								     : NULL;

		if (escaped)
			html_raw(h, escaped);
		else
			out_bytes(&h->out, text + i, length);
		i += length ? length : 1;
	}
	html_raw(h, i < n ? "&hellip;" : "");
}

/* ---- numbers -------------------------------------------------------------------------------- */

/* As a number stands in text, but with its unit on the same line and the signs of print. */
static void html_number(struct html *h, const char *text)
{
	for (; *text; text++) {
		if (*text == ' ')
			html_raw(h, "&nbsp;");
		else if (*text == '-')
			html_raw(h, "&minus;");
		else if (text[0] == 'u' && text[1] == 's')
			html_raw(h, "&micro;");
		else
			out_bytes(&h->out, text, 1);
	}
}

void html_ns(struct html *h, int64_t ns)
{
	struct arena text = {0};

	html_number(h, units_duration(&text, ns, 4));
	arena_deinit(&text);
}

void html_percent(struct html *h, int64_t part, int64_t whole)
{
	struct arena text = {0};

	html_number(h, units_share(&text, part, whole));
	arena_deinit(&text);
}

void html_rate(struct html *h, double per_second)
{
	struct arena text = {0};

	html_number(h, units_rate(&text, per_second));
	arena_deinit(&text);
}

void html_moment(struct html *h, int64_t t)
{
	html_rawf(h, "+%.6f&nbsp;s", (double)(int64_t)((uint64_t)t - (uint64_t)h->begin) / 1e9);
}

/* ---- what is told of ------------------------------------------------------------------------- */

bool html_has_vcpu(const struct html *h, const struct res_vcpu *v)
{
	return chosen_ids_have(&h->chosen, &h->chosen.vcpus, v->id);
}

bool html_has_machine(const struct html *h, int machine)
{
	return chosen_ids_have(&h->chosen, &h->chosen.machines, h->results.machines.at[machine].id);
}

int64_t html_one_vcpu(const struct html *h)
{
	return h->job->choice.one_vcpu ? h->job->choice.vcpu : TABLE_NULL;
}

/* ---- tables --------------------------------------------------------------------------------- */

const char *html_column(sqlite3_stmt *row, int column)
{
	const char *text = (const char *)sqlite3_column_text(row, column);

	return text ? text : "";
}

int html_each(struct html *h, const char *sql, void (*write)(struct html *h, sqlite3_stmt *row))
{
	sqlite3_stmt *s;
	int r;

	if (source_prepare(&s, h->db, sql, h->err))
		return ERR;
	while ((r = source_step(s, h->err)) == SQLITE_ROW)
		write(h, s);
	sqlite3_finalize(s);
	return r == SQLITE_DONE ? 0 : ERR;
}

/* Return: what stands after the colon in a column's name, "" for nothing. */
static const char *kind_of(sqlite3_stmt *s, int column)
{
	const char *colon = strrchr(sqlite3_column_name(s, column), ':');

	return colon ? colon + 1 : "";
}

static bool is_shown(uint64_t columns, int column)
{
	return columns >> column & 1;
}

static void write_head(struct html *h, sqlite3_stmt *s, uint64_t columns)
{
	html_raw(h, "<div class=wide><table><thead><tr>");
	for (int i = 0; i < sqlite3_column_count(s); i++) {
		char *name = mem_strdup(sqlite3_column_name(s, i));
		char *colon = strrchr(name, ':');

		if (colon)
			*colon = '\0';
		if (is_shown(columns, i)) {
			html_raw(h, colon ? "<th class=n>" : "<th>");
			html_text(h, name);
		}
		free(name);
	}
	html_raw(h, "</thead><tbody>");
}

static void write_value(struct html *h, sqlite3_stmt *s, int i)
{
	const char *kind = kind_of(s, i);

	html_raw(h, *kind ? "<td class=n>" : "<td>");
	if (sqlite3_column_type(s, i) == SQLITE_NULL)
		return;
	if (!strcmp(kind, "ns"))
		html_ns(h, sqlite3_column_int64(s, i));
	else if (!strcmp(kind, "t"))
		html_moment(h, sqlite3_column_int64(s, i));
	else
		html_text(h, html_column(s, i));
}

/* Finds the columns in which some row has a value. Return: 0, or ERR with h->err set. */
static int find_columns(struct html *h, sqlite3_stmt *s, uint64_t *columnsp)
{
	int r;

	*columnsp = 0;
	while ((r = source_step(s, h->err)) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(s); i++) {
			if (sqlite3_column_type(s, i) != SQLITE_NULL)
				*columnsp |= UINT64_C(1) << i;
		}
	}
	sqlite3_reset(s);
	return r == SQLITE_DONE ? 0 : ERR;
}

static int write_rows(struct html *h, sqlite3_stmt *s, uint64_t columns)
{
	int r;

	while ((r = source_step(s, h->err)) == SQLITE_ROW) {
		html_raw(h, "<tr>");
		for (int i = 0; i < sqlite3_column_count(s); i++) {
			if (is_shown(columns, i))
				write_value(h, s, i);
		}
	}
	return r == SQLITE_DONE ? 0 : ERR;
}

int html_table(struct html *h, const char *sql, const char *otherwise)
{
	uint64_t columns;
	sqlite3_stmt *s;

	if (source_prepare(&s, h->db, sql, h->err))
		return ERR;
	int r = find_columns(h, s, &columns);

	if (!r && columns) {
		write_head(h, s, columns);
		r = write_rows(h, s, columns);
		html_raw(h, "</tbody></table></div>\n");
	} else if (!r) {
		html_raw(h, otherwise);
	}
	sqlite3_finalize(s);
	return r;
}
