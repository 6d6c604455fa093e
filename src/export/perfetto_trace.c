#include <stdlib.h>

#include "export/perfetto_lanes.h"
#include "export/perfetto_tracks.h"
#include "export/target.h"
#include "store/meta.h"

enum {
	SNAPSHOT_CLOCKS = 1,
	CLOCK_ID = 1,
	CLOCK_TIMESTAMP = 2,
	CLOCK_REALTIME = 1,
	CLOCK_BOOTTIME = 6,
};

/*
 * Times are those of the results. Perfetto counts by BOOTTIME unless told otherwise, and the time
 * of day is REALTIME: where times are since the Epoch, that they are the same is all that there is
 * to say about clocks, and else nothing is known of the latter.
 */
static void write_clocks(struct perfetto *p)
{
	static const unsigned clocks[] = {CLOCK_BOOTTIME, CLOCK_REALTIME};
	size_t n = p->origin == CLOCK_ORIGIN_EPOCH ? 2 : 1;

	perfetto_begin_packet(p, p->from);
	proto_uint(&p->packet, PACKET_SEQUENCE_FLAGS, SEQUENCE_CLEARED);
	proto_begin(&p->packet, PACKET_CLOCK_SNAPSHOT);
	for (size_t i = 0; i < n; i++) {
		proto_begin(&p->packet, SNAPSHOT_CLOCKS);
		proto_uint(&p->packet, CLOCK_ID, clocks[i]);
		proto_int(&p->packet, CLOCK_TIMESTAMP, p->from);
		proto_end(&p->packet);
	}
	proto_end(&p->packet);
	perfetto_end_packet(p);
}

static const enum table_id tables[] = {TABLE_VCPU_STATE, TABLE_CPU_STATE, TABLE_THREAD_STATE};

enum { N_TABLES = sizeof(tables) / sizeof(*tables) };

static void find_span(struct perfetto *p)
{
	p->from = INT64_MAX;
	p->to = INT64_MIN;
	for (int i = 0; i < N_TABLES; i++) {
		const struct table_info *info = &p->store->tables[tables[i]];

		p->rows_total += info->rows;
		vec_each (lane, &info->lanes) {
			p->from = lane->entry.first < p->from ? lane->entry.first : p->from;
			p->to = lane->entry.end > p->to ? lane->entry.end : p->to;
		}
	}
	if (p->from > p->to)
		p->from = p->to = 0;
	if (p->job->range.given) {
		p->from = p->job->range.from;
		p->to = p->job->range.to;
	}
}

static void find_wakeup_lanes(struct perfetto *p)
{
	const struct table_info *info = &p->store->tables[TABLE_WAKEUP];

	for (size_t i = 0; i < info->lanes.n; i++)
		map_put(&p->wakeup_lanes, (uint64_t)info->lanes.at[i].keys[1], i);
}

static int write_all(struct perfetto *p)
{
	find_span(p);
	write_clocks(p);
	if (perfetto_write_tracks(p))
		return ERR;
	for (int i = 0; i < N_TABLES; i++) {
		if (perfetto_write_lanes(p, tables[i]))
			return ERR;
	}
	if (p->takeovers.more && p->job->note)
		p->job->note(p->job->ctx, "arrows to who takes a CPU are left out after the first "
					  "million; --begin and --end cut out a range");
	return perfetto_write_counters(p);
}

static int write_to(struct perfetto *p, struct target *t)
{
	out_init(&p->out, t->file);
	interned_init(&p->interned, &p->results);
	find_wakeup_lanes(p);
	int r = results_init_names(&p->results, p->store, p->err) ||
		chosen_ids_init(&p->chosen, p->db, &p->job->choice, p->err) ||
		takeovers_init(&p->takeovers, p->store, p->db, &p->job->range, p->err) ||
		write_all(p);

	out_deinit(&p->out);
	takeovers_deinit(&p->takeovers);
	chosen_ids_deinit(&p->chosen);
	map_deinit(&p->wakeup_lanes);
	interned_deinit(&p->interned);
	results_deinit(&p->results);
	proto_deinit(&p->packet);
	return r ? ERR : target_commit(t, p->err);
}

static int write_file(struct perfetto *p)
{
	struct target t;

	if (target_begin(&t, p->job->output, p->err))
		return ERR;
	int r = write_to(p, &t);

	target_end(&t);
	return r;
}

int export_perfetto(const struct export_job *job, struct error *err)
{
	struct perfetto p = {.job = job, .err = err};

	if (store_open(&p.store, job->path, err))
		return ERR;
	int r = store_time_origin(p.store, &p.origin, err);

	if (!r)
		r = source_open(&p.db, job->path, &(struct export_range){0}, &job->choice, err);
	if (!r) {
		r = write_file(&p);
		sqlite3_close(p.db);
	}
	store_free(p.store);
	return r;
}
