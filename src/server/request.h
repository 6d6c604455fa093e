/*
 * request: what a client asks for, read from the body of its request.
 *
 * Bodies are hostile. They are read with duplicate keys refused, integers exact, and every count
 * bounded; a value of the wrong type or out of range is an error that names it, an unknown key is
 * nothing.
 */
#ifndef VMSCOPE_SERVER_REQUEST_H
#define VMSCOPE_SERVER_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "server/pattern.h"

enum {
	REQUEST_MAX_BODY = 1 << 20,
	REQUEST_MAX_ITEMS = 100000,
	REQUEST_MAX_PIXELS = 65536,
	REQUEST_MAX_LINES = 20000,
	REQUEST_MAX_FILTER = 256,
};

/* What a filter does with states that do not have its text. */
enum filter_effect { FILTER_DIM, FILTER_EXCLUDE, FILTER_N };

struct request_search {
	int64_t column;
	struct pattern *pattern; /* owned */
};

struct view_request {
	json_t *root; /* owned; texts below are its */
	json_t *parameters;

	bool has_range;
	int64_t from, to;
	uint32_t pixels;

	bool all_labels; /* also of states too short to be written on */

	bool has_items; /* else: all */
	VEC(int32_t) items;

	int64_t index; /* tables: the first line, -1: by time */
	uint32_t lines;
	VEC(int64_t) columns;
	VEC(struct request_search) searches;
	bool search, backwards;

	VEC(const char *) filters[FILTER_N];
};

/*
 * Reads a body. tsp: the parameters are the member `parameters`, times are ns since the Epoch,
 * under the protocol's names. Else they are the body itself, times are counted from `origin`. An
 * empty body is {}. Return: 0, or ERR with err set; deinitialize in every case.
 */
int view_request_init(struct view_request *r, const char *body, size_t size, bool tsp,
		      int64_t origin, struct error *err);
void view_request_deinit(struct view_request *r);

/* Each reads one member of the parameters. Return: 0 (also without it: then *p stays), or ERR. */
int request_int(const struct view_request *r, const char *key, int64_t min, int64_t max, int64_t *p,
		struct error *err);
int request_text(const struct view_request *r, const char *key, const char **p, struct error *err);

/* Return: ERR, err saying that this member is needed or wrong. */
int request_wrong(const char *key, const char *wanted, struct error *err);

#endif
