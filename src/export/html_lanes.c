#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "export/html.h"
#include "export/strip.h"
#include "results/split.h"
#include "store/cursor.h"

/* So that the page stays small: of more lanes the busiest are drawn; many are drawn less fine. */
enum { MAX_LANES = 40, MAX_COLUMNS = 1000, ALL_COLUMNS = 24000, FEW_LANES = 6, MANY_LANES = 16 };

struct lane {
	size_t lane;
	char *name, *note; /* owned; plain text */
};

struct lanes {
	VEC(struct lane) at;
	int64_t n; /* that there are */
};

static void lanes_deinit(struct lanes *l)
{
	vec_each (lane, &l->at) {
		free(lane->name);
		free(lane->note);
	}
	vec_deinit(&l->at);
}

static uint32_t columns_for(const struct html *h, size_t n)
{
	uint64_t columns = n ? ALL_COLUMNS / n : 1, length = (uint64_t)h->to - (uint64_t)h->from;

	columns = columns < MAX_COLUMNS ? columns : MAX_COLUMNS;
	return (uint32_t)(columns < length ? columns : length);
}

/* Which layer a row belongs to; -1: none. */
typedef int layer_fn(const void *ctx, const struct store_cursor *c);

/* Adds all rows of a lane. Return: 0, or ERR with h->err set. */
static int fill(struct strip *s, struct html *h, enum table_id table, size_t lane, uint32_t columns,
		layer_fn *layer_of, const void *ctx)
{
	struct store_query q = store_query_all(h->store, table);
	const struct table *t = table_get(table);
	struct store_cursor c;
	int r;

	q.lane = lane;
	q.lanes_end = lane + 1;
	q.from = h->from;
	q.to = h->to;
	q.columns = columns | 1U << t->ts | 1U << t->dur | 1U << t->state;
	store_cursor_init(&c, h->store, &q);
	while ((r = store_cursor_next(&c, h->err)) == CURSOR_ROW) {
		int64_t begin = store_cursor_get(&c, t->ts);
		int layer = layer_of(ctx, &c);

		if (layer >= 0)
			strip_add(s, begin, begin + store_cursor_get(&c, t->dur), layer);
	}
	store_cursor_deinit(&c);
	return r;
}

struct look {
	enum table_id table;
	uint32_t columns; /* that layer_of needs besides the state */
	layer_fn *layer_of;
	const void *ctx;
	int n_layers;
	const char *const *classes; /* of the layers */
};

static int write_lane(struct html *h, const struct lane *lane, const struct look *look,
		      uint32_t n_columns)
{
	struct strip s;

	html_raw(h, "<div class=row><div class=of>");
	html_text(h, lane->name);
	html_raw(h, "<br><small>");
	html_text(h, lane->note);
	html_raw(h, "</small></div>");
	strip_init(&s, h->from, h->to, n_columns, look->n_layers);
	int r = fill(&s, h, look->table, lane->lane, look->columns, look->layer_of, look->ctx);

	if (!r)
		strip_write(&s, h, look->classes);
	strip_deinit(&s);
	html_raw(h, "</div>\n");
	return r;
}

static int write_lanes(struct html *h, const struct lanes *lanes, const struct look *look)
{
	size_t n = lanes->at.n;

	html_raw(h, n <= FEW_LANES   ? "<div class=few>"
		    : n > MANY_LANES ? "<div class=many>"
				     : "<div>");
	vec_each (lane, &lanes->at) {
		if (write_lane(h, lane, look, columns_for(h, n)))
			return ERR;
	}
	strip_write_axis(h);
	html_raw(h, "</div>\n");
	if (lanes->n > (int64_t)n)
		html_rawf(h, "<p class=soft>The busiest %zu of %" PRId64 " are drawn.</p>\n", n,
			  lanes->n);
	return 0;
}

/*
 * Reads names, notes and keys of the lanes that are to be drawn. Return: 0, or ERR with h->err set.
 */
static int find_lanes(struct html *h, enum table_id table, const char *sql, struct lanes *lanes)
{
	sqlite3_stmt *s;
	int r;

	*lanes = (struct lanes){0};
	if (source_prepare(&s, h->db, sql, h->err))
		return ERR;
	sqlite3_bind_int(s, 1, MAX_LANES);
	while ((r = source_step(s, h->err)) == SQLITE_ROW) {
		int64_t keys[TABLE_MAX_KEYS] = {sqlite3_column_int64(s, 0),
						sqlite3_column_int64(s, 1)};
		int64_t lane = store_find_lane(h->store, table, keys);

		lanes->n = sqlite3_column_int64(s, 4);
		if (lane >= 0)
			*vec_push(&lanes->at) =
				(struct lane){(size_t)lane, mem_strdup(html_column(s, 2)),
					      mem_strdup(html_column(s, 3))};
	}
	sqlite3_finalize(s);
	return r == SQLITE_DONE ? 0 : ERR;
}

static void write_key(struct html *h, const char *class, const char *name, const char *help)
{
	html_rawf(h, "<span><i class=\"key %s\"></i>", class);
	html_text(h, name);
	html_raw(h, *help ? ": <span class=soft>" : "<span>");
	html_text(h, help);
	html_raw(h, "</span></span>");
}

static void write_state_key(struct html *h, const char *family, const struct state_label *label)
{
	char *class = mem_printf("%s-%s%s", family, label->name, html_is_dim(label) ? " dim" : "");

	write_key(h, class, label->name, label->help);
	free(class);
}

/* ---- vCPUs ---------------------------------------------------------------------------------- */

/* From the bottom; what is unknown stays open. */
static const enum vcpu_state vcpu_layers[] = {
	VCPU_GUEST,	VCPU_HYPERVISOR, VCPU_USERSPACE, VCPU_PREEMPTED, VCPU_WAITING,
	VCPU_THROTTLED, VCPU_BLOCKED,	 VCPU_POLLING,	 VCPU_HALTED,	 VCPU_ABSENT,
};

enum { N_VCPU_LAYERS = sizeof(vcpu_layers) / sizeof(*vcpu_layers) };

_Static_assert(N_VCPU_LAYERS == VCPU_N_STATES - 1, "each state but unknown has a layer");

static int vcpu_layer(const void *ctx, const struct store_cursor *c)
{
	int64_t state = store_cursor_get(c, COL_VCPU_STATE_STATE);

	(void)ctx;
	for (int i = 0; i < N_VCPU_LAYERS; i++) {
		if (vcpu_layers[i] == state)
			return i;
	}
	return -1;
}

static void write_vcpu_legend(struct html *h)
{
	html_raw(h, "<div class=legend>");
	for (int i = 0; i < N_VCPU_LAYERS; i++) {
		const struct state_label *label = &vcpu_state_labels.at[vcpu_layers[i]];

		write_state_key(h, "vcpu", label);
	}
	write_key(h, "hatch", "unknown", vcpu_state_labels.at[VCPU_UNKNOWN].help);
	html_raw(h, "</div>\n");
}

static const char vcpus_sql[] =
	"SELECT * FROM (SELECT vcpu_id, 0, coalesce(machine, '?') || ' vCPU ' || coalesce(vcpu_index, '?'),"
	" '', count(*) OVER (), machine, vcpu_index"
	" FROM found_vcpu ORDER BY total_ns - halted_ns - blocked_ns - unknown_ns DESC LIMIT ?)"
	" ORDER BY machine, vcpu_index";

/* "RUN 25.1 %, READY 3.0 %" */
static void note_vcpus(struct html *h, struct lanes *lanes)
{
	vec_each (lane, &lanes->at) {
		int64_t id = h->store->tables[TABLE_VCPU_STATE].lanes.at[lane->lane].keys[0];
		int vcpu = results_find(&h->results, TABLE_VCPU, id);
		const char *shares[SPLIT_N];
		struct split s;

		if (vcpu == NOBODY)
			continue;
		split_of(&s, &h->results, &h->results.vcpus.at[vcpu]);
		split_shares(&s, shares, &h->texts);
		free(lane->note);
		lane->note = mem_printf("RUN %s, READY %s", s.run ? shares[SPLIT_RUN] : "0 %",
					s.ready ? shares[SPLIT_READY] : "0 %");
	}
}

int html_vcpu_lanes(struct html *h)
{
	const char *classes[N_VCPU_LAYERS];
	char *texts[N_VCPU_LAYERS];
	struct lanes lanes;
	const struct look look = {.table = TABLE_VCPU_STATE,
				  .layer_of = vcpu_layer,
				  .n_layers = N_VCPU_LAYERS,
				  .classes = classes};

	for (int i = 0; i < N_VCPU_LAYERS; i++) {
		const struct state_label *label = &vcpu_state_labels.at[vcpu_layers[i]];

		texts[i] = mem_printf("vcpu-%s%s", label->name, html_is_dim(label) ? " dim" : "");
		classes[i] = texts[i];
	}
	write_vcpu_legend(h);
	int r = find_lanes(h, TABLE_VCPU_STATE, vcpus_sql, &lanes);

	if (!r)
		note_vcpus(h, &lanes);
	if (!r)
		r = write_lanes(h, &lanes, &look);
	lanes_deinit(&lanes);
	for (int i = 0; i < N_VCPU_LAYERS; i++)
		free(texts[i]);
	return r;
}

/* ---- CPUs of hosts -------------------------------------------------------------------------- */

enum { MAX_VMS = 6, N_CPU_STATES = 5, N_CPU_LAYERS = MAX_VMS + 1 + N_CPU_STATES };

static const enum cpu_state cpu_layers[N_CPU_STATES] = {CPU_USER, CPU_SYSCALL, CPU_IRQ, CPU_SOFTIRQ,
							CPU_IDLE};

_Static_assert(N_CPU_STATES == CPU_N_STATES - 2,
	       "each state but unknown has a layer, and vm one for each VM");

static const char *const cpu_classes[N_CPU_LAYERS] = {
	"vm0", "vm1",	   "vm2",	  "vm3",     "vm4",	    "vm5",
	"vm6", "cpu-user", "cpu-syscall", "cpu-irq", "cpu-softirq", "cpu-idle dim",
};

/* VMs that have a colour of their own: greens, as what runs in guests has everywhere. */
struct vms {
	int64_t id[MAX_VMS];
	char *name[MAX_VMS]; /* owned */
	int n;
	bool more;
};

static int cpu_layer(const void *ctx, const struct store_cursor *c)
{
	const struct vms *vms = ctx;
	int64_t state = store_cursor_get(c, COL_CPU_STATE_STATE);

	if (state == CPU_VM) {
		int i = 0;

		while (i < vms->n && vms->id[i] != store_cursor_get(c, COL_CPU_STATE_VM_ID))
			i++;
		return i < vms->n ? i : MAX_VMS;
	}
	for (int i = 0; i < N_CPU_STATES; i++) {
		if (cpu_layers[i] == state)
			return MAX_VMS + 1 + i;
	}
	return -1;
}

/* VMs that ran most. Return: 0, or ERR with h->err set. */
static int find_vms(struct html *h, struct vms *vms)
{
	sqlite3_stmt *s;
	int r;

	*vms = (struct vms){0};
	if (source_prepare(&s, h->db,
			   "SELECT m.id, m.name, sum(f.guest_ns) AS ns FROM found_vcpu f"
			   " JOIN vcpu v ON v.id = f.vcpu_id JOIN machine m ON m.id = v.machine_id"
			   " GROUP BY m.id ORDER BY ns DESC",
			   h->err))
		return ERR;
	while ((r = source_step(s, h->err)) == SQLITE_ROW && vms->n < MAX_VMS) {
		vms->id[vms->n] = sqlite3_column_int64(s, 0);
		vms->name[vms->n++] = mem_strdup(html_column(s, 1));
	}
	vms->more = r == SQLITE_ROW;
	sqlite3_finalize(s);
	return r < 0 ? ERR : 0;
}

static void write_cpu_legend(struct html *h, const struct vms *vms)
{
	html_raw(h, "<div class=legend>");
	for (int i = 0; i < vms->n; i++)
		write_key(h, cpu_classes[i], vms->name[i], i ? "" : "ran guest code");
	if (vms->more)
		write_key(h, cpu_classes[MAX_VMS], "other VMs", "");
	for (int i = 0; i < N_CPU_STATES; i++) {
		const struct state_label *label = &cpu_state_labels.at[cpu_layers[i]];

		write_state_key(h, "cpu", label);
	}
	write_key(h, "hatch", "unknown", cpu_state_labels.at[CPU_UNKNOWN].help);
	html_raw(h, "</div>\n");
}

/* The CPUs of machines that are nobody's guests. */
static const char cpus_sql[] =
	"SELECT * FROM (SELECT c.machine_id, c.cpu, coalesce(c.machine, '?') || ' CPU ' || c.cpu,"
	" printf('%.1f %% for guests, %.1f %% idle',"
	"  100.0 * vm_ns / max(total_ns - unknown_ns, 1),"
	"  100.0 * idle_ns / max(total_ns - unknown_ns, 1)),"
	" count(*) OVER (), c.machine_id, c.cpu"
	" FROM cpu_summary c LEFT JOIN machine m ON m.id = c.machine_id WHERE m.parent_id IS NULL"
	" ORDER BY total_ns - idle_ns - unknown_ns DESC LIMIT ?)"
	" ORDER BY 6, 7";

int html_cpu_lanes(struct html *h)
{
	struct lanes lanes = {0};
	struct vms vms;
	const struct look look = {.table = TABLE_CPU_STATE,
				  .columns = 1U << COL_CPU_STATE_VM_ID,
				  .layer_of = cpu_layer,
				  .ctx = &vms,
				  .n_layers = N_CPU_LAYERS,
				  .classes = cpu_classes};
	int r = find_vms(h, &vms);

	if (!r)
		r = find_lanes(h, TABLE_CPU_STATE, cpus_sql, &lanes);
	if (!r) {
		write_cpu_legend(h, &vms);
		r = write_lanes(h, &lanes, &look);
	}
	lanes_deinit(&lanes);
	for (int i = 0; i < vms.n; i++)
		free(vms.name[i]);
	return r;
}
