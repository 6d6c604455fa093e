#include "export/choose.h"

#include "export/source.h"

static int choose_read(struct map *set, sqlite3 *db, const char *sql, struct error *err)
{
	sqlite3_stmt *s;
	int r;

	if (source_prepare(&s, db, sql, err))
		return ERR;
	while ((r = source_step(s, err)) == SQLITE_ROW)
		map_put(set, (uint64_t)sqlite3_column_int64(s, 0), 0);
	sqlite3_finalize(s);
	return r == SQLITE_DONE ? 0 : ERR;
}

int chosen_ids_init(struct chosen_ids *c, sqlite3 *db, const struct export_choice *choice,
		    struct error *err)
{
	*c = (struct chosen_ids){.some = choice->vm || choice->one_vcpu};
	if (!c->some)
		return 0;
	return choose_read(&c->vcpus, db, "SELECT id FROM temp.chosen_vcpu", err) ||
			       choose_read(&c->machines, db, "SELECT id FROM temp.chosen_machine",
					   err) ||
			       choose_read(&c->related, db, "SELECT id FROM temp.related_machine",
					   err) ||
			       choose_read(&c->threads, db,
					   "SELECT id FROM main.thread WHERE machine_id IN"
					   " (SELECT id FROM temp.chosen_machine)",
					   err)
		       ? ERR
		       : 0;
}

void chosen_ids_deinit(struct chosen_ids *c)
{
	map_deinit(&c->vcpus);
	map_deinit(&c->threads);
	map_deinit(&c->machines);
	map_deinit(&c->related);
}
