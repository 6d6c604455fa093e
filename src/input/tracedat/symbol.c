#include "input/tracedat/symbol.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "input/tracedat/tracedat.h"

/* Return: where the line with this address begins, or NULL. */
static const char *symbol_line(const char *text, size_t n, const char *address)
{
	const size_t length = strlen(address);
	const char *end = text + n;

	for (const char *at = text; (at = memmem(at, (size_t)(end - at), address, length)); at++) {
		if (at == text || at[-1] == '\n')
			return at;
	}
	return NULL;
}

/* "ffffffff813b8bb0 t name" and what ends a name. Return: owned, or NULL. */
static char *symbol_name(const char *line, size_t n)
{
	const char *end = memchr(line, '\n', n);
	char *text = mem_strndup(line, end ? (size_t)(end - line) : n), *name = NULL;

	if (sscanf(text, "%*s %*c %ms", &name) != 1)
		name = NULL;
	free(text);
	return name;
}

static bool symbol_text(const struct tracedat *t, struct bytes *textp, uint8_t **ownedp)
{
	struct bytes b;

	*ownedp = NULL;
	if (!t->symbols_at)
		return false;
	if (t->version >= 7) {
		if (!layout7_open_symbols(t, &b, ownedp))
			return false;
	} else {
		b = tracedat_bytes_at(t, t->symbols_at);
	}
	b.big_endian = t->big_endian;
	*textp = bytes_part(&b, bytes_u32(&b));
	return !b.bad;
}

/* Of the kernel that runs this. */
static char *symbol_of_kernel(const char *figures)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char *line = NULL, *name = NULL;
	size_t room = 0;
	ssize_t n;

	while (f && !name && (n = getline(&line, &room, f)) > 0) {
		if (!strncmp(line, figures, strlen(figures)))
			name = symbol_name(line, (size_t)n);
	}
	free(line);
	if (f)
		fclose(f);
	return name;
}

char *tracedat_symbol(const struct recording *r, uint64_t address)
{
	const struct tracedat *t = (const struct tracedat *)r;
	struct bytes text;
	uint8_t *owned;
	char figures[32], *name = NULL;

	snprintf(figures, sizeof(figures), "%016" PRIx64 " ", address);
	if (t->is_live)
		return symbol_of_kernel(figures);
	if (symbol_text(t, &text, &owned) && text.n) {
		const char *at = (const char *)text.at;
		const char *line = symbol_line(at, text.n, figures);

		name = line ? symbol_name(line, text.n - (size_t)(line - at)) : NULL;
	}
	free(owned);
	return name;
}
