#include "input/ctf/tsdl_lex.h"

#include <inttypes.h>
#include <string.h>

static int lex_fail(struct tsdl_lexer *lx, const char *what)
{
	error_set(lx->err, "line %" PRIu32 ": %s", lx->next_line, what);
	lx->kind = TSDL_ERROR;
	lx->text = "";
	lx->len = 0;
	lx->next = lx->end;
	return TSDL_ERROR;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
}

static bool starts(const struct tsdl_lexer *lx, const char *s)
{
	size_t n = strlen(s);

	return (size_t)(lx->end - lx->next) >= n && !memcmp(lx->next, s, n);
}

static void skip_line(struct tsdl_lexer *lx)
{
	while (lx->next < lx->end && *lx->next != '\n')
		lx->next++;
}

/* Return: whether the comment ends. */
static bool skip_comment(struct tsdl_lexer *lx)
{
	for (lx->next += 2; lx->next < lx->end; lx->next++) {
		if (starts(lx, "*/")) {
			lx->next += 2;
			return true;
		}
		lx->next_line += *lx->next == '\n';
	}
	return false;
}

/* Return: false when a comment does not end. */
static bool skip_blank(struct tsdl_lexer *lx)
{
	while (lx->next < lx->end) {
		char c = *lx->next;

		if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f') {
			lx->next_line += c == '\n';
			lx->next++;
		} else if (starts(lx, "//")) {
			skip_line(lx);
		} else if (!starts(lx, "/*")) {
			return true;
		} else if (!skip_comment(lx)) {
			return false;
		}
	}
	return true;
}

static int digit_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

static unsigned int take_base(struct tsdl_lexer *lx)
{
	if (starts(lx, "0x") || starts(lx, "0X")) {
		lx->next += 2;
		return 16;
	}
	if (starts(lx, "0b") || starts(lx, "0B")) {
		lx->next += 2;
		return 2;
	}
	return *lx->next == '0' ? 8 : 10;
}

/* C's suffixes say nothing here: every number is 64 bits wide. */
static bool is_suffix(char c)
{
	return c == 'u' || c == 'U' || c == 'l' || c == 'L';
}

static int lex_number(struct tsdl_lexer *lx)
{
	unsigned int base = take_base(lx);
	const char *first = lx->next;

	lx->number = 0;
	for (; lx->next < lx->end; lx->next++) {
		unsigned int digit = (unsigned int)digit_value(*lx->next);

		if (digit >= base)
			break;
		if (__builtin_mul_overflow(lx->number, base, &lx->number) ||
		    __builtin_add_overflow(lx->number, digit, &lx->number))
			return lex_fail(lx, "a number of more than 64 bits");
	}
	if (lx->next == first)
		return lex_fail(lx, "a number without digits");
	while (lx->next < lx->end && is_suffix(*lx->next))
		lx->next++;
	if (lx->next < lx->end && is_word_char(*lx->next))
		return lex_fail(lx, "a number that ends in letters");
	return TSDL_NUMBER;
}

static int lex_word(struct tsdl_lexer *lx)
{
	lx->text = lx->next;
	while (lx->next < lx->end && is_word_char(*lx->next))
		lx->next++;
	lx->len = (size_t)(lx->next - lx->text);
	return TSDL_WORD;
}

static int numeric_escape(const char **sp, const char *end, unsigned int base, int max_digits)
{
	int value = 0;

	while (*sp < end && max_digits-- > 0 && (unsigned int)digit_value(**sp) < base)
		value = value * (int)base + digit_value(*(*sp)++);
	return value & 0xff;
}

/* *sp is after the backslash. Return: the character meant. */
static int unescape(const char **sp, const char *end)
{
	static const char names[] = "abfnrtv", values[] = "\a\b\f\n\r\t\v";
	char c = **sp;

	if (c >= '0' && c <= '7')
		return numeric_escape(sp, end, 8, 3);
	(*sp)++;
	if (c == 'x')
		return numeric_escape(sp, end, 16, 2);
	const char *name = strchr(names, c);
	return name && c ? values[name - names] : c;
}

static void unescape_text(struct tsdl_lexer *lx)
{
	const char *s = lx->text, *end = lx->text + lx->len;
	char *out = arena_alloc(lx->arena, lx->len + 1);
	size_t n = 0;

	while (s < end) {
		if (*s == '\\' && s + 1 < end) {
			s++;
			out[n++] = (char)unescape(&s, end);
		} else {
			out[n++] = *s++;
		}
	}
	lx->text = out;
	lx->len = n;
}

static int lex_string(struct tsdl_lexer *lx)
{
	bool escapes = false;

	lx->text = ++lx->next;
	for (; lx->next < lx->end && *lx->next != '"'; lx->next++) {
		if (*lx->next == '\\' && lx->next + 1 < lx->end) {
			escapes = true;
			lx->next++;
		}
		if (*lx->next == '\n')
			break;
	}
	if (lx->next == lx->end || *lx->next != '"')
		return lex_fail(lx, "a string that does not end on its line");
	lx->len = (size_t)(lx->next++ - lx->text);
	if (escapes)
		unescape_text(lx);
	if (memchr(lx->text, '\0', lx->len))
		return lex_fail(lx, "a string with a NUL in it");
	return TSDL_STRING;
}

/* CTF 1.8, C.1.3: 'c', or L'c'; its value is the byte. */
static int lex_character(struct tsdl_lexer *lx)
{
	static const char problem[] = "a character constant that is not one character";

	lx->next += 1 + (*lx->next == 'L');
	if (lx->end - lx->next < 2 || *lx->next == '\'' || *lx->next == '\n')
		return lex_fail(lx, problem);
	if (*lx->next != '\\') {
		lx->number = (unsigned char)*lx->next++;
	} else {
		lx->next++;
		lx->number = (unsigned char)unescape(&lx->next, lx->end);
	}
	if (lx->next == lx->end || *lx->next != '\'')
		return lex_fail(lx, problem);
	lx->next++;
	return TSDL_NUMBER;
}

static int lex_punctuation(struct tsdl_lexer *lx)
{
	char c = *lx->next;

	lx->text = lx->next;
	lx->len = 1;
	if (starts(lx, "...")) {
		lx->next += lx->len = 3;
		return TSDL_ELLIPSIS;
	}
	if (starts(lx, ":=")) {
		lx->next += lx->len = 2;
		return TSDL_TYPE_ASSIGN;
	}
	if (!c || !strchr("{}[]<>();:=,.+-*", c))
		return lex_fail(lx, "a character that is not part of the language");
	lx->next++;
	return c;
}

static int lex_token(struct tsdl_lexer *lx)
{
	if (lx->next == lx->end) {
		lx->text = "";
		lx->len = 0;
		return TSDL_END;
	}
	if (is_digit(*lx->next))
		return lex_number(lx);
	if (*lx->next == '\'' || starts(lx, "L'"))
		return lex_character(lx);
	if (is_word_char(*lx->next))
		return lex_word(lx);
	if (*lx->next == '"')
		return lex_string(lx);
	return lex_punctuation(lx);
}

void tsdl_next(struct tsdl_lexer *lx)
{
	if (lx->kind == TSDL_ERROR)
		return;
	lx->at = lx->next;
	if (!skip_blank(lx)) {
		lx->next_line = lx->line;
		lex_fail(lx, "a comment after this line does not end");
		return;
	}
	lx->at = lx->next;
	lx->line = lx->next_line;
	lx->kind = lex_token(lx);
}

void tsdl_lexer_go(struct tsdl_lexer *lx, const char *at, const char *end, uint32_t line)
{
	lx->next = lx->at = at;
	lx->end = end;
	lx->next_line = lx->line = line;
	lx->kind = TSDL_END;
	tsdl_next(lx);
}

void tsdl_lexer_init(struct tsdl_lexer *lx, const char *text, size_t size, struct arena *arena,
		     struct error *err)
{
	*lx = (struct tsdl_lexer){.arena = arena, .err = err, .text = ""};
	tsdl_lexer_go(lx, text, text + size, 1);
}

bool tsdl_is_word(const struct tsdl_lexer *lx, const char *word)
{
	size_t n = strlen(word);

	return lx->kind == TSDL_WORD && lx->len == n && !memcmp(lx->text, word, n);
}
