#include "fleet/recording.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store/cursor.h"
#include "store/hash.h"
#include "store/meta.h"

/* ---- who it is ------------------------------------------------------------------------------ */

#define NS_PER_DAY INT64_C(86400000000000)
enum { SECONDS_PER_DAY = 86400 };

static void take_machine(struct fleet_recording *r, const struct store_cursor *c)
{
	const char *name = store_string(r->store, store_cursor_get(c, COL_MACHINE_NAME));
	const char *hostname = store_string(r->store, store_cursor_get(c, COL_MACHINE_HOSTNAME));

	r->host = hostname ? hostname : name;
	r->boot_id = store_string(r->store, store_cursor_get(c, COL_MACHINE_BOOT_ID));
	r->kernel = store_string(r->store, store_cursor_get(c, COL_MACHINE_KERNEL));
}

/* Takes the first machine that is nobody's guest; if all are, the first. */
static int recording_find_host(struct fleet_recording *r, struct error *err)
{
	struct store_query q = store_query_all(r->store, TABLE_MACHINE);
	struct store_cursor c;
	bool outermost = false;
	int status;

	store_cursor_init(&c, r->store, &q);
	while ((status = store_cursor_next(&c, err)) == CURSOR_ROW) {
		bool outer = store_cursor_get(&c, COL_MACHINE_PARENT_ID) == TABLE_NULL;

		if (!r->host || (outer && !outermost))
			take_machine(r, &c);
		outermost |= outer;
	}
	store_cursor_deinit(&c);
	return status;
}

static void recording_print_id(char *to, uint64_t hash)
{
	snprintf(to, FLEET_ID_SIZE + 1, "%016" PRIx64, hash);
}

static void recording_make_id(struct fleet_recording *r, const char *host)
{
	const char *who = host ? host : r->boot_id ? r->boot_id : r->host;
	struct hash_state h;
	uint8_t begin[8];

	format_store64(begin, (uint64_t)r->begin);
	hash_begin(&h);
	hash_add(&h, begin, sizeof(begin));
	hash_add(&h, who, strlen(who));
	recording_print_id(r->id, hash_end(&h));
}

static uint16_t recording_day_number(int64_t days)
{
	return (uint16_t)(days < 0 ? 0 : days > UINT16_MAX ? UINT16_MAX : days);
}

/* Times since boot say nothing of a date: then it is when the results file was made. */
static void recording_find_day(struct fleet_recording *r)
{
	struct stat st;

	if (r->origin == CLOCK_ORIGIN_EPOCH)
		r->day = recording_day_number(r->begin / NS_PER_DAY);
	else if (!stat(r->path, &st))
		r->day = recording_day_number(st.st_mtime / SECONDS_PER_DAY);
}

static int recording_read(struct fleet_recording *r, const char *host, struct error *err)
{
	if (store_time_origin(r->store, &r->origin, err) ||
	    store_span(r->store, &r->begin, &r->end, err) || recording_find_host(r, err))
		return ERR;
	if (host)
		r->host = host;
	if (!r->host)
		r->host = "";
	recording_make_id(r, host);
	/* The header has checksums of all that holds checksums of the rest. */
	recording_print_id(r->digest, hash_bytes(r->store->data, FORMAT_HEADER_SIZE));
	recording_find_day(r);
	return 0;
}

int fleet_recording_init(struct fleet_recording *r, const char *path, const char *host,
			 struct error *err)
{
	*r = (struct fleet_recording){.path = path};
	if (store_open(&r->store, path, err))
		return ERR;
	if (recording_read(r, host, err)) {
		fleet_recording_deinit(r);
		return ERR;
	}
	return 0;
}

void fleet_recording_deinit(struct fleet_recording *r)
{
	store_free(r->store);
	r->store = NULL;
}

/* ---- rows ----------------------------------------------------------------------------------- */

struct recording_walk {
	struct fleet_rows rows;
	struct store_cursor cursor;
	uint64_t skip, row; /* rows to leave out; rows so far */
	size_t lane;
	int64_t last_ts;
	int64_t nth; /* of the row before */
	int64_t nths[FORMAT_BLOCK_ROWS];
};

static const char *recording_text(const void *ctx, int64_t number)
{
	return store_string(ctx, number);
}

/* Rows without a time are told apart by their number, rows with one by how many share it. */
static void recording_number_rows(struct recording_walk *w)
{
	const struct store_cursor *c = &w->cursor;
	int ts = c->table->ts;

	if (ts != NO_COLUMN && c->lane != w->lane)
		w->nth = -1;
	for (uint32_t i = 0; i < c->block->n; i++) {
		if (ts == NO_COLUMN) {
			w->nths[i] = (int64_t)(w->row + i);
			continue;
		}
		bool same = w->nth >= 0 && c->block->at[ts][i] == w->last_ts;

		w->nth = same ? w->nth + 1 : 0;
		w->last_ts = c->block->at[ts][i];
		w->nths[i] = w->nth;
	}
}

static int recording_hand_block(struct recording_walk *w, fleet_sink_fn *sink, void *ctx,
				struct error *err)
{
	const struct store_cursor *c = &w->cursor;
	uint64_t left = w->skip > w->row ? w->skip - w->row : 0;
	uint32_t from = left < c->block->n ? (uint32_t)left : c->block->n;

	recording_number_rows(w);
	w->row += c->block->n;
	w->lane = c->lane;
	w->rows.n = c->block->n - from;
	w->rows.at[FLEET_COL_NTH] = w->nths + from;
	for (int i = 0; i < c->table->n_columns; i++)
		w->rows.at[FLEET_COL_FIRST + i] = c->block->at[i] + from;
	return w->rows.n ? sink(ctx, &w->rows, err) : 0;
}

int fleet_recording_rows(const struct fleet_recording *r, const struct fleet_table *t,
			 uint64_t skip, fleet_sink_fn *sink, void *ctx, struct error *err)
{
	struct store_query q = store_query_all(r->store, (enum table_id)t->id);
	struct recording_walk *w = mem_zalloc(1, sizeof(*w));
	int status;

	w->skip = skip;
	w->lane = SIZE_MAX;
	w->rows = (struct fleet_rows){.table = t,
				      .day = r->day,
				      .recording = r->id,
				      .text = recording_text,
				      .text_ctx = r->store};
	store_cursor_init(&w->cursor, r->store, &q);
	while ((status = store_cursor_next_block(&w->cursor, err)) == CURSOR_ROW) {
		if (recording_hand_block(w, sink, ctx, err)) {
			status = ERR;
			break;
		}
	}
	store_cursor_deinit(&w->cursor);
	free(w);
	return status;
}
