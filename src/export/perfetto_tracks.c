#include <inttypes.h>
#include <stdlib.h>

#include "export/perfetto_tracks.h"

/* Fields of a TrackDescriptor. */
enum {
	TRACK_FIELD_UUID = 1,
	TRACK_FIELD_NAME = 2,
	TRACK_FIELD_PARENT = 5,
	TRACK_FIELD_COUNTER = 8,
	TRACK_FIELD_CHILD_ORDERING = 11,
	TRACK_FIELD_RANK = 12,
	TRACK_FIELD_MERGING = 15,
};

enum { ORDERING_EXPLICIT = 3, MERGING_NONE = 2 };

/* A track, below another one in the order in which they are written. */
struct track {
	uint64_t uuid, parent; /* parent 0: none */
	const char *name;
	bool counter;
};

struct tree {
	struct perfetto *p;
	int64_t rank;
};

static void write_track(struct tree *tree, const struct track *t)
{
	struct proto *packet = &tree->p->packet;

	perfetto_begin_packet(tree->p, tree->p->from);
	proto_begin(packet, PACKET_TRACK_DESCRIPTOR);
	proto_uint(packet, TRACK_FIELD_UUID, t->uuid);
	proto_text(packet, TRACK_FIELD_NAME, t->name);
	if (t->parent)
		proto_uint(packet, TRACK_FIELD_PARENT, t->parent);
	if (t->counter) {
		proto_begin(packet, TRACK_FIELD_COUNTER);
		proto_end(packet);
	}
	proto_uint(packet, TRACK_FIELD_CHILD_ORDERING, ORDERING_EXPLICIT);
	proto_int(packet, TRACK_FIELD_RANK, ++tree->rank);
	proto_uint(packet, TRACK_FIELD_MERGING, MERGING_NONE);
	proto_end(packet);
	perfetto_end_packet(tree->p);
}

/* The same, with a name to be freed. */
static void write_named(struct tree *tree, enum track_kind kind, int64_t id, uint64_t parent,
			char *name)
{
	write_track(tree,
		    &(struct track){.uuid = track_uuid(kind, id), .parent = parent, .name = name});
	free(name);
}

/* Calls `write` for each row of a query. Return: 0, or ERR with p->err set. */
static int each_row(struct tree *tree, const char *sql,
		    void (*write)(struct tree *tree, sqlite3_stmt *row))
{
	sqlite3_stmt *s;
	int r;

	if (source_prepare(&s, tree->p->db, sql, tree->p->err))
		return ERR;
	while ((r = source_step(s, tree->p->err)) == SQLITE_ROW)
		write(tree, s);
	sqlite3_finalize(s);
	return r == SQLITE_DONE ? 0 : ERR;
}

/* Return: what it is called, owned by the caller. */
static char *name_of(const struct tree *tree, enum entity_kind kind, int64_t id)
{
	return entity_text(&tree->p->results, entity_of(kind, id));
}

static void write_machine(struct tree *tree, sqlite3_stmt *row)
{
	int64_t id = sqlite3_column_int64(row, 0);

	if (!chosen_ids_have(&tree->p->chosen, &tree->p->chosen.related, id))
		return;
	char *name = name_of(tree, ENTITY_MACHINE, id);
	const char *host = (const char *)sqlite3_column_text(row, 1);

	write_named(tree, TRACK_MACHINE, id, 0,
		    host ? mem_printf("%s (guest of %s)", name, host) : mem_strdup(name));
	free(name);
}

static void write_counter(struct tree *tree, enum track_kind kind, int64_t vcpu, const char *what)
{
	char *of = name_of(tree, ENTITY_VCPU, vcpu), *name = mem_printf("%s: %s", of, what);

	write_track(tree, &(struct track){.uuid = track_uuid(kind, vcpu),
					  .parent = track_uuid(TRACK_VCPU, vcpu),
					  .name = name,
					  .counter = true});
	free(name);
	free(of);
}

/* Return: the track of this kind that a column names; 0, none, for NULL. */
static uint64_t parent_in(sqlite3_stmt *row, int column, enum track_kind kind)
{
	return sqlite3_column_type(row, column) == SQLITE_NULL
		       ? 0
		       : track_uuid(kind, sqlite3_column_int64(row, column));
}

static void write_vcpu(struct tree *tree, sqlite3_stmt *row)
{
	int64_t id = sqlite3_column_int64(row, 0);

	if (!chosen_ids_have(&tree->p->chosen, &tree->p->chosen.vcpus, id))
		return;
	write_named(tree, TRACK_VCPU, id, parent_in(row, 1, TRACK_MACHINE),
		    name_of(tree, ENTITY_VCPU, id));
	write_counter(tree, TRACK_STEAL, id, "steal, %");
	write_counter(tree, TRACK_EXITS, id, "exits per second");
}

static void write_cpus(struct tree *tree, sqlite3_stmt *row)
{
	int64_t machine = sqlite3_column_int64(row, 0);

	if (!chosen_ids_have(&tree->p->chosen, &tree->p->chosen.related, machine))
		return;
	write_named(tree, TRACK_CPUS, machine, parent_in(row, 1, TRACK_MACHINE),
		    mem_strdup("CPUs"));
}

static void write_all_cpus(struct tree *tree)
{
	const struct table_info *info = &tree->p->store->tables[TABLE_CPU_STATE];

	for (size_t i = 0; i < info->lanes.n; i++) {
		const int64_t *keys = info->lanes.at[i].keys;

		if (!chosen_ids_have(&tree->p->chosen, &tree->p->chosen.related, keys[0]))
			continue;
		write_named(tree, TRACK_CPU, (int64_t)i, track_uuid(TRACK_CPUS, keys[0]),
			    mem_printf("CPU %" PRId64, keys[1]));
	}
}

static void write_threads(struct tree *tree, sqlite3_stmt *row)
{
	int64_t machine = sqlite3_column_int64(row, 0);

	if (!chosen_ids_have(&tree->p->chosen, &tree->p->chosen.machines, machine))
		return;
	write_named(tree, TRACK_THREADS, machine, parent_in(row, 1, TRACK_MACHINE),
		    mem_strdup("Threads"));
}

/* A thread that is alone in its process has no track above it for that. */
static void write_thread(struct tree *tree, sqlite3_stmt *row)
{
	int64_t id = sqlite3_column_int64(row, 0), process = sqlite3_column_int64(row, 2);
	uint64_t parent = parent_in(row, 1, TRACK_THREADS);

	if (!chosen_ids_have(&tree->p->chosen, &tree->p->chosen.threads, id))
		return;
	if (sqlite3_column_int(row, 3) > 1) {
		if (id == process)
			write_named(tree, TRACK_PROCESS, id, parent,
				    mem_printf("%s, process %" PRId64,
					       (const char *)sqlite3_column_text(row, 5),
					       (int64_t)sqlite3_column_int64(row, 4)));
		parent = track_uuid(TRACK_PROCESS, process);
	}
	write_named(tree, TRACK_THREAD, id, parent, name_of(tree, ENTITY_THREAD, id));
}

/* Threads by process; the first one of each, its leader if it is there, stands for it. */
static const char threads_sql[] =
	"SELECT l.thread_id, t.machine_id, first_value(l.thread_id) OVER w, count(*) OVER p, t.pid,"
	" coalesce(t.comm, '?')"
	" FROM (SELECT DISTINCT thread_id FROM main.thread_state_total) l"
	" LEFT JOIN main.thread t ON t.id = l.thread_id"
	" WINDOW p AS (PARTITION BY t.machine_id, iif(t.pid > 0, t.pid, -t.id)),"
	" w AS (p ORDER BY t.tid <> t.pid, t.tid, t.id)"
	" ORDER BY t.machine_id, t.pid, t.tid <> t.pid, t.tid, t.id";

int perfetto_write_tracks(struct perfetto *p)
{
	struct tree tree = {.p = p};

	if (each_row(&tree,
		     "SELECT m.id, h.name FROM main.machine m LEFT JOIN main.machine h"
		     " ON h.id = m.parent_id ORDER BY m.parent_id IS NULL, m.id",
		     write_machine) ||
	    each_row(&tree,
		     "SELECT DISTINCT s.vcpu_id, m.id FROM main.vcpu_state_total s"
		     " LEFT JOIN main.vcpu v ON v.id = s.vcpu_id"
		     " LEFT JOIN main.machine m ON m.id = v.machine_id"
		     " ORDER BY v.machine_id, v.vcpu_index, s.vcpu_id",
		     write_vcpu) ||
	    each_row(&tree,
		     "SELECT DISTINCT s.machine_id, m.id FROM main.cpu_state_total s"
		     " LEFT JOIN main.machine m ON m.id = s.machine_id",
		     write_cpus))
		return ERR;
	write_all_cpus(&tree);
	if (each_row(&tree,
		     "SELECT DISTINCT t.machine_id, m.id FROM main.thread_state_total s"
		     " JOIN main.thread t ON t.id = s.thread_id"
		     " LEFT JOIN main.machine m ON m.id = t.machine_id",
		     write_threads))
		return ERR;
	return each_row(&tree, threads_sql, write_thread);
}
