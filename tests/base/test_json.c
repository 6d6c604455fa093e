/* The JSON writer and the buffered output below it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <jansson.h>

#include "base/json.h"
#include "base/mem.h"

struct written {
	struct jsonw json;
	FILE *file;
	char *text;
	size_t size;
};

static void begin(struct written *w)
{
	w->file = open_memstream(&w->text, &w->size);
	jsonw_init(&w->json, w->file);
}

static void end(struct written *w)
{
	jsonw_deinit(&w->json);
	fclose(w->file);
}

static void expect(struct written *w, const char *text)
{
	end(w);
	assert_string_equal(w->text, text);
	free(w->text);
}

static void test_nesting(void **state)
{
	struct written w;
	struct jsonw *j = &w.json;

	(void)state;
	begin(&w);
	jsonw_object_begin(j);
	jsonw_key(j, "empty");
	jsonw_array_begin(j);
	jsonw_array_end(j);
	jsonw_key(j, "list");
	jsonw_array_begin(j);
	jsonw_int(j, INT64_MIN);
	jsonw_object_begin(j);
	jsonw_object_end(j);
	jsonw_uint(j, UINT64_MAX);
	jsonw_array_end(j);
	jsonw_key(j, "a\"b");
	jsonw_bool(j, false);
	jsonw_object_end(j);
	jsonw_newline(j);
	jsonw_null(j);
	expect(&w, "{\"empty\":[],\"list\":[-9223372036854775808,{},18446744073709551615],"
		   "\"a\\\"b\":false}\nnull");
}

static void test_strings(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"", "\"\""},
		{"a/b\\c\"d", "\"a/b\\\\c\\\"d\""},
		{"\b\f\n\r\t\x01\x1f\x7f", "\"\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f\""},
		{"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa7",
		 "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa7\""},
		/* Not UTF-8: a lone continuation, cut, overlong, a surrogate, past U+10FFFF. */
		{"\x80"
		 "a",
		 "\"\xef\xbf\xbd"
		 "a\""},
		{"\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
		{"\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
		{"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
		{"\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
		{"\xff", "\"\xef\xbf\xbd\""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct written w;

		begin(&w);
		jsonw_string(&w.json, cases[i].in);
		expect(&w, cases[i].out);
	}
}

static void test_bytes_with_nul(void **state)
{
	struct written w;

	(void)state;
	begin(&w);
	jsonw_array_begin(&w.json);
	jsonw_bytes(&w.json, "a\0b", 3);
	jsonw_string(&w.json, NULL);
	jsonw_array_end(&w.json);
	expect(&w, "[\"a\\u0000b\",null]");
}

/* Any two bytes in a row, and each three that begin as UTF-8 does: valid JSON, and no less text. */
static void test_any_bytes_are_valid(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 1 << 16; i++) {
		struct written w;
		char bytes[3] = {(char)(i >> 8), (char)i, (char)(0x80 | (i & 0x3f))};

		begin(&w);
		jsonw_array_begin(&w.json);
		jsonw_bytes(&w.json, bytes, 3);
		jsonw_array_end(&w.json);
		end(&w);
		json_t *read = json_loadb(w.text, w.size, JSON_ALLOW_NUL, NULL);

		assert_non_null(read);
		assert_true(json_string_length(json_array_get(read, 0)) >= 3);
		json_decref(read);
		free(w.text);
	}
}

static void test_doubles(void **state)
{
	static const struct {
		double in;
		const char *out;
	} cases[] = {
		{0, "0"},
		{0.1, "0.1"},
		{-1.5e300, "-1.5e+300"},
		{1.0 / 3, "0.3333333333333333"},
		{5e-324, "4.94065645841247e-324"},
		{NAN, "null"},
		{INFINITY, "null"},
		{-INFINITY, "null"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct written w;

		begin(&w);
		jsonw_double(&w.json, cases[i].in);
		expect(&w, cases[i].out);
	}
}

/* Pieces that end before, at and behind the buffer's end, and one larger than the buffer. */
static void test_buffer_edges(void **state)
{
	size_t big = OUT_SIZE + 5;
	char *text = mem_alloc(big);

	(void)state;
	memset(text, 'x', big);
	for (size_t n = OUT_SIZE - 2; n <= big; n++) {
		struct written w;

		begin(&w);
		out_bytes(&w.json.out, text, n);
		out_char(&w.json.out, 'y');
		out_bytes(&w.json.out, "zz", 2);
		end(&w);
		assert_int_equal(w.size, n + 3);
		assert_string_equal(w.text + n, "yzz");
		assert_memory_equal(w.text, text, n);
		free(w.text);
	}
	free(text);
}

static void test_numbers(void **state)
{
	struct written w;
	struct out *o = &w.json.out;

	(void)state;
	begin(&w);
	out_padded(o, 7, 9);
	out_char(o, ' ');
	out_padded(o, 1234567890, 9);
	out_char(o, ' ');
	out_padded(o, 0, 1);
	out_char(o, ' ');
	out_based(o, 0, 16);
	out_char(o, ' ');
	out_based(o, UINT64_MAX, 16);
	out_char(o, ' ');
	out_based(o, 64, 8);
	out_char(o, ' ');
	out_int(o, -1);
	expect(&w, "000000007 1234567890 0 0 FFFFFFFFFFFFFFFF 100 -1");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nesting),	       cmocka_unit_test(test_strings),
		cmocka_unit_test(test_bytes_with_nul), cmocka_unit_test(test_any_bytes_are_valid),
		cmocka_unit_test(test_doubles),	       cmocka_unit_test(test_buffer_edges),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
