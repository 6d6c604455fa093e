/*
 * choose: which VMs and vCPUs are exported, as sets of ids, for formats that do not ask SQL for
 * rows.
 */
#ifndef VMSCOPE_EXPORT_CHOOSE_H
#define VMSCOPE_EXPORT_CHOOSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/map.h"
#include "export/export.h"
#include "sql/sqlite.h"

struct chosen_ids {
	bool some;			     /* otherwise everything, and the sets are empty */
	struct map vcpus, threads, machines; /* of the VMs that were chosen */
	struct map related;		     /* the VMs, and the machines that they run on */
};

/* db: of source_open(). Return: 0, or ERR with err set; deinitialize in every case. */
int chosen_ids_init(struct chosen_ids *c, sqlite3 *db, const struct export_choice *choice,
		    struct error *err);
void chosen_ids_deinit(struct chosen_ids *c);

/* Return: whether the id is in one of the sets. */
static inline bool chosen_ids_have(const struct chosen_ids *c, const struct map *set, int64_t id)
{
	return !c->some || map_get(set, (uint64_t)id);
}

#endif
