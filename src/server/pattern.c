#define PCRE2_CODE_UNIT_WIDTH 8

#include "server/pattern.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct pattern {
	pcre2_code *code;
	pcre2_match_data *match;
	pcre2_match_context *limits;
};

static pcre2_code *pattern_compile(const char *text)
{
	pcre2_compile_context *limits = pcre2_compile_context_create(NULL);
	pcre2_code *code;
	PCRE2_SIZE offset;
	int error;

	if (!limits)
		return NULL;
	pcre2_set_max_pattern_length(limits, PATTERN_MAX_LENGTH);
	pcre2_set_parens_nest_limit(limits, PATTERN_MAX_GROUPS);
	code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, PCRE2_NO_AUTO_CAPTURE, &error,
			     &offset, limits);
	pcre2_compile_context_free(limits);
	return code;
}

struct pattern *pattern_new(const char *text)
{
	pcre2_code *code = pattern_compile(text);
	struct pattern *p;

	if (!code)
		return NULL;
	p = mem_zalloc(1, sizeof(*p));
	p->code = code;
	p->match = pcre2_match_data_create(1, NULL);
	p->limits = pcre2_match_context_create(NULL);
	if (!p->match || !p->limits) {
		pattern_free(p);
		return NULL;
	}
	pcre2_set_match_limit(p->limits, PATTERN_MAX_STEPS);
	pcre2_set_heap_limit(p->limits, PATTERN_MAX_HEAP);
	return p;
}

void pattern_free(struct pattern *p)
{
	if (!p)
		return;
	pcre2_match_context_free(p->limits);
	pcre2_match_data_free(p->match);
	pcre2_code_free(p->code);
	free(p);
}

bool pattern_matches(const struct pattern *p, const char *text)
{
	return pcre2_match(p->code, (PCRE2_SPTR)text, strlen(text), 0, 0, p->match, p->limits) >= 0;
}
