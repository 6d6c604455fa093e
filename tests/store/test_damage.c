#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/file.h"
#include "maker.h"
#include "store/check.h"
#include "store/hash.h"

struct image {
	uint8_t *at;
	size_t size;
};

static struct image make_image(size_t rows)
{
	struct made_file f;
	struct file_map map;
	struct error err = {0};

	made_file_init(&f, 7, rows, MADE_PLAIN);
	assert_int_equal(file_map_init(&map, f.path, &err), 0);
	struct image image = {mem_alloc(map.size), map.size};

	memcpy(image.at, map.data, map.size);
	file_map_deinit(&map);
	made_file_deinit(&f);
	return image;
}

/* Return: whether opening or checking it says that something is wrong. */
static bool is_found(const uint8_t *at, size_t size)
{
	struct check_result result;
	struct error err = {0};
	struct store *s;

	if (store_open_memory(&s, at, size, "image", &err)) {
		assert_true(err.text && *err.text);
		error_deinit(&err);
		return true;
	}
	check_store(s, &result);
	bool found = result.n_wrong != 0;

	check_result_deinit(&result);
	store_free(s);
	return found;
}

static void test_every_byte_counts(void **state)
{
	struct image image = make_image(60);

	(void)state;
	assert_false(is_found(image.at, image.size));
	for (size_t i = 0; i < image.size; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			image.at[i] ^= (uint8_t)(1 << bit);
			if (!is_found(image.at, image.size))
				fail_msg("bit %u of byte %zu changed unseen", bit, i);
			image.at[i] ^= (uint8_t)(1 << bit);
		}
	}
	free(image.at);
}

static void test_cut_and_longer(void **state)
{
	struct image image = make_image(60);

	(void)state;
	for (size_t size = 0; size < image.size; size++) {
		/* A copy of just that size, so that nothing can be read behind it. */
		uint8_t *cut = mem_alloc(size + 1);

		memcpy(cut, image.at, size);
		cut = mem_realloc(cut, size ? size : 1);
		assert_true(is_found(cut, size));
		free(cut);
	}
	image.at = mem_realloc(image.at, image.size + 1);
	image.at[image.size] = 0;
	assert_true(is_found(image.at, image.size + 1));
	free(image.at);
}

/* Makes all checksums of the header right again. */
static void seal(const struct image *image)
{
	uint8_t *h = image->at;

	for (int at = 24; at <= 56; at += 32) {
		uint64_t offset = format_load64(h + at), size = format_load64(h + at + 8);

		if (offset <= image->size && size <= image->size - offset)
			format_store64(h + at + 16, hash_bytes(h + offset, size));
	}
	format_store64(h + 80, hash_bytes(h, 80));
}

/* Whoever makes checksums right can still not make it crash. */
static void test_sealed_damage(void **state)
{
	struct image image = make_image(60);
	uint8_t *sound = mem_alloc(image.size);
	size_t directory = format_load64(image.at + 24);
	uint64_t random = 1;

	(void)state;
	memcpy(sound, image.at, image.size);
	for (int i = 0; i < 20000; i++) {
		size_t range = i & 1 ? image.size - directory : FORMAT_HEADER_SIZE;
		size_t from = i & 1 ? directory : 0;

		for (int n = 1 + (int)(made_random(&random) % 3); n; n--)
			image.at[from + made_random(&random) % range] =
				(uint8_t)made_random(&random);
		seal(&image);
		is_found(image.at, image.size);
		memcpy(image.at, sound, image.size);
	}
	free(sound);
	free(image.at);
}

static void expect_error(const uint8_t *at, size_t size, const char *text)
{
	struct error err = {0};
	struct store *s;

	assert_int_equal(store_open_memory(&s, at, size, "image", &err), ERR);
	if (!strstr(err.text, text))
		fail_msg("'%s' is not in '%s'", text, err.text);
	error_deinit(&err);
}

static void test_messages(void **state)
{
	struct image image = make_image(60);

	(void)state;
	expect_error(image.at, 0, "is not a vmscope results file");
	expect_error(image.at, image.size - 1, "a part is missing");
	image.at[8] = 2;
	expect_error(image.at, image.size, "is of version 2");
	image.at[8] = 1;
	image.at[30] ^= 1;
	expect_error(image.at, image.size, "is damaged at byte 0");
	image.at[30] ^= 1;
	image.at[image.size - 17] ^= 1;
	expect_error(image.at, image.size, "checksum");
	free(image.at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte_counts),
		cmocka_unit_test(test_cut_and_longer),
		cmocka_unit_test(test_sealed_damage),
		cmocka_unit_test(test_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
