#include "export/names.h"

#include <inttypes.h>

#include "base/mem.h"
#include "export/source.h"

#define THREAD_NAME "iif(t.tid = 0, 'idle', coalesce(t.comm, '?') || ' (' || t.tid || ')')"

int names_init(struct names *n, sqlite3 *db, struct error *err)
{
	*n = (struct names){0};
	return source_prepare(&n->machine, db, "SELECT name FROM main.machine WHERE id = ?", err) ||
			       source_prepare(
				       &n->vcpu, db,
				       "SELECT m.name || ' vCPU ' || v.vcpu_index FROM main.vcpu v "
				       "JOIN main.machine m ON m.id = v.machine_id WHERE v.id = ?",
				       err) ||
			       source_prepare(
				       &n->thread, db,
				       "SELECT coalesce(m.name || ' vCPU ' || v.vcpu_index, " THREAD_NAME
				       ") FROM main.thread t LEFT JOIN main.vcpu v ON v.id = t.vcpu_id "
				       "LEFT JOIN main.machine m ON m.id = v.machine_id WHERE t.id = ?",
				       err) ||
			       source_prepare(
				       &n->guest_thread, db,
				       "SELECT coalesce(m.name || ' ', '') || " THREAD_NAME
				       " FROM main.thread t LEFT JOIN main.machine m ON m.id = t.machine_id "
				       "WHERE t.id = ?",
				       err)
		       ? ERR
		       : 0;
}

void names_deinit(struct names *n)
{
	sqlite3_finalize(n->machine);
	sqlite3_finalize(n->vcpu);
	sqlite3_finalize(n->thread);
	sqlite3_finalize(n->guest_thread);
}

static char *look_up(sqlite3_stmt *s, const char *kind, int64_t id)
{
	char *name = NULL;

	sqlite3_bind_int64(s, 1, id);
	if (sqlite3_step(s) == SQLITE_ROW && sqlite3_column_text(s, 0))
		name = mem_strdup((const char *)sqlite3_column_text(s, 0));
	sqlite3_reset(s);
	return name ? name : mem_printf("%s %" PRId64, kind, id);
}

char *names_machine(struct names *n, int64_t id)
{
	return look_up(n->machine, "machine", id);
}

char *names_vcpu(struct names *n, int64_t id)
{
	return look_up(n->vcpu, "vCPU", id);
}

char *names_thread(struct names *n, int64_t id)
{
	return look_up(n->thread, "thread", id);
}

char *names_guest_thread(struct names *n, int64_t id)
{
	return look_up(n->guest_thread, "thread", id);
}
