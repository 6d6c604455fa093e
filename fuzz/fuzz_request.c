/*
 * Requests of any bytes. The first byte says what the rest is: 0 a path, 1 a Host, 2 an Origin, 3 a
 * body of the protocol, 4 one of the page's. What is taken keeps its promises.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "server/request.h"
#include "server/url.h"

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void try_path(const char *path)
{
	struct url u;

	if (url_init(&u, path)) {
		require(u.n >= 0 && u.n <= URL_MAX_PARTS);
		for (int i = 0; i < u.n; i++) {
			require(*u.parts[i] && !strpbrk(u.parts[i], "/\\"));
			require(strcmp(u.parts[i], ".") != 0 && strcmp(u.parts[i], "..") != 0);
		}
	}
	url_deinit(&u);
}

static void try_body(const char *body, size_t size, bool tsp)
{
	struct view_request r;
	struct error err = {0};

	if (view_request_init(&r, body, size, tsp, 1795396679191196227, &err)) {
		require(err.text && *err.text);
		error_deinit(&err);
	} else {
		require(!r.has_range || r.from < r.to);
		require(r.pixels >= 1 && r.pixels <= REQUEST_MAX_PIXELS);
		require(r.items.n <= REQUEST_MAX_ITEMS && r.lines <= REQUEST_MAX_LINES);
	}
	view_request_deinit(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	char *text = mem_strndup((const char *)data + 1, size - 1);

	switch (*data) {
	case 0:
		try_path(text);
		break;
	case 1:
		url_host_is_ours(text, false, "this-machine");
		break;
	case 2:
		url_origin_is_good(text, "this-machine:8080");
		break;
	case 3:
	case 4:
		try_body(text, size - 1, *data == 3);
	}
	free(text);
	return 0;
}
