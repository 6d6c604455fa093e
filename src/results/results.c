#include "results/results.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "store/cursor.h"
#include "store/meta.h"
#include "store/sums.h"

/* No lane is longer: 73 years, as from 1970 to a clock that is set. Sums then have room. */
static const int64_t LONGEST = (int64_t)1 << 61;

enum { DROP_THREADS = 2048 };

/* ---- rows ------------------------------------------------------------------------------------ */

static int64_t get(const struct store_cursor *c, int column)
{
	return store_cursor_get(c, column);
}

static const char *text(const struct store_cursor *c, int column)
{
	return store_string(c->store, store_cursor_get(c, column));
}

static const char *text_or(const struct store_cursor *c, int column, const char *without)
{
	const char *s = text(c, column);

	return s ? s : without;
}

/* Reads a table of plain rows. Return: 0 or ERR. */
static int each_row(struct results *r, enum table_id table,
		    int (*take)(struct results *r, const struct store_cursor *c, struct error *err),
		    struct error *err)
{
	struct store_query q = store_query_all(r->store, table);
	struct store_cursor c;
	int status;

	store_cursor_init(&c, r->store, &q);
	while ((status = store_cursor_next(&c, err)) == CURSOR_ROW) {
		status = take(r, &c, err);
		if (status)
			break;
	}
	store_cursor_deinit(&c);
	return status;
}

/*
 * The index of the row that a column names, of a table that was read before. required: NULL will
 * not do.
 * Return: 0 or ERR.
 */
static int refer(const struct results *r, const struct store_cursor *c, int column, bool required,
		 int *indexp, struct error *err)
{
	const struct column *def = &c->table->columns[column];
	int64_t id = get(c, column);

	*indexp = results_find(r, def->ref, id);
	if (*indexp != NOBODY || (id == TABLE_NULL && !required))
		return 0;
	return error_set(err, "'%s': %s.%s names a %s that is not there", r->store->name,
			 c->table->name, def->name, table_get(def->ref)->name);
}

static void keep_id(struct results *r, enum table_id table, int64_t id, size_t index)
{
	map_put(&r->ids[table], (uint64_t)id, index);
}

/* ---- machines -------------------------------------------------------------------------------- */

static int take_machine(struct results *r, const struct store_cursor *c, struct error *err)
{
	struct res_machine *m = vec_push(&r->machines);

	(void)err;
	*m = (struct res_machine){
		.id = get(c, COL_MACHINE_ID),
		.name = text_or(c, COL_MACHINE_NAME, "?"),
		.role = text_or(c, COL_MACHINE_ROLE, "unknown"),
		.trace_path = text(c, COL_MACHINE_TRACE_PATH),
		.hostname = text(c, COL_MACHINE_HOSTNAME),
		.clock = text(c, COL_MACHINE_CLOCK),
		.time_origin = text(c, COL_MACHINE_TIME_ORIGIN),
		.tracer = text(c, COL_MACHINE_TRACER),
		.evidence = text_or(c, COL_MACHINE_EVIDENCE, ""),
		.role_evidence = text_or(c, COL_MACHINE_ROLE_EVIDENCE, ""),
		.parent_evidence = text_or(c, COL_MACHINE_PARENT_EVIDENCE, ""),
		.parent = NOBODY,
		.vm_uid = get(c, COL_MACHINE_VM_UID),
		.pid = get(c, COL_MACHINE_PID),
		.first = get(c, COL_MACHINE_FIRST_NS),
		.last = get(c, COL_MACHINE_LAST_NS),
		.first_own = get(c, COL_MACHINE_FIRST_OWN_NS),
		.events = get(c, COL_MACHINE_EVENTS),
		.lost = get(c, COL_MACHINE_LOST_EVENTS),
	};
	m->is_host = strstr(m->role, "host");
	m->is_guest = strstr(m->role, "guest");
	keep_id(r, TABLE_MACHINE, m->id, r->machines.n - 1);
	return 0;
}

/* In a second walk: a machine can come before the one that it runs on. */
static int take_parent(struct results *r, const struct store_cursor *c, struct error *err)
{
	int machine = results_find(r, TABLE_MACHINE, get(c, COL_MACHINE_ID));

	return refer(r, c, COL_MACHINE_PARENT_ID, false, &r->machines.at[machine].parent, err);
}

struct vm_place {
	int parent, machine;
	int64_t pid;
};

static int by_place(const void *a, const void *b)
{
	const struct vm_place *x = a, *y = b;

	if (x->parent != y->parent)
		return x->parent < y->parent ? -1 : 1;
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->machine < y->machine ? -1 : x->machine > y->machine;
}

static void find_vms(struct results *r)
{
	VEC(struct vm_place) places = {0};

	for (int i = 0; i < (int)r->machines.n; i++) {
		const struct res_machine *m = &r->machines.at[i];

		if (m->parent != NOBODY)
			*vec_push(&places) = (struct vm_place){m->parent, i, m->pid};
	}
	if (places.n)
		qsort(places.at, places.n, sizeof(*places.at), by_place);
	vec_each (p, &places)
		*vec_push(&r->vms) = p->machine;
	vec_deinit(&places);
}

static int read_machines(struct results *r, struct error *err)
{
	if (each_row(r, TABLE_MACHINE, take_machine, err) ||
	    each_row(r, TABLE_MACHINE, take_parent, err))
		return ERR;
	find_vms(r);
	return 0;
}

/* ---- vCPUs, threads, containers -------------------------------------------------------------- */

static int take_vcpu(struct results *r, const struct store_cursor *c, struct error *err)
{
	struct res_vcpu *v = vec_push(&r->vcpus);

	v->id = get(c, COL_VCPU_ID);
	v->index = get(c, COL_VCPU_VCPU_INDEX);
	v->tid = get(c, COL_VCPU_HOST_TID);
	v->entries = get(c, COL_VCPU_ENTRIES);
	v->exits = get(c, COL_VCPU_EXITS);
	v->comm = text(c, COL_VCPU_COMM);
	keep_id(r, TABLE_VCPU, v->id, r->vcpus.n - 1);
	if (refer(r, c, COL_VCPU_MACHINE_ID, true, &v->machine, err) ||
	    refer(r, c, COL_VCPU_HOST_ID, true, &v->host, err))
		return ERR;
	r->machines.at[v->machine].n_vcpus++;
	return 0;
}

static int take_container(struct results *r, const struct store_cursor *c, struct error *err)
{
	struct res_container *k = vec_push(&r->containers);

	k->id = get(c, COL_CONTAINER_ID);
	k->parent = NOBODY;
	k->ns_inum = get(c, COL_CONTAINER_NS_INUM);
	k->name = text_or(c, COL_CONTAINER_NAME, "?");
	keep_id(r, TABLE_CONTAINER, k->id, r->containers.n - 1);
	return refer(r, c, COL_CONTAINER_MACHINE_ID, true, &k->machine, err);
}

static int take_container_parent(struct results *r, const struct store_cursor *c, struct error *err)
{
	int i = results_find(r, TABLE_CONTAINER, get(c, COL_CONTAINER_ID));

	return refer(r, c, COL_CONTAINER_PARENT_ID, false, &r->containers.at[i].parent, err);
}

static uint64_t process_key(int machine, int64_t pid)
{
	return (uint64_t)machine << 40 ^ (uint64_t)pid;
}

static int take_thread(struct results *r, const struct store_cursor *c, struct error *err)
{
	r->threads.at = big_grow(&r->threads_memory, (r->threads.n + 1) * sizeof(*r->threads.at));
	struct res_thread *t = &r->threads.at[r->threads.n++];

	t->id = get(c, COL_THREAD_ID);
	t->tid = get(c, COL_THREAD_TID);
	t->pid = get(c, COL_THREAD_PID);
	t->ppid = get(c, COL_THREAD_PPID);
	t->comm = text(c, COL_THREAD_COMM);
	if (r->n_in_order == r->threads.n - 1 && t->id == (int64_t)r->n_in_order)
		r->n_in_order++;
	else
		keep_id(r, TABLE_THREAD, t->id, r->threads.n - 1);
	results_drop_pages(r, r->threads.n);
	if (refer(r, c, COL_THREAD_MACHINE_ID, true, &t->machine, err) ||
	    refer(r, c, COL_THREAD_CONTAINER_ID, false, &t->container, err) ||
	    refer(r, c, COL_THREAD_VCPU_ID, false, &t->vcpu, err))
		return ERR;
	/* Of those that had this tid one after another the last one with a name counts. */
	if (t->comm && r->machines.at[t->machine].is_host)
		*map_put(&r->process_names, process_key(t->machine, t->tid), 0) =
			(uint64_t)get(c, COL_THREAD_COMM);
	return 0;
}

/* ---- lanes' sums ----------------------------------------------------------------------------- */

/* The time that a lane spent in each state. Return: 0 or ERR. */
static int take_sums(const struct results *r, enum table_id table, const struct lane_info *lane,
		     int n_states, int64_t *time, struct error *err)
{
	uint64_t whole = (uint64_t)ns_between(lane->entry.first, lane->entry.end), sum = 0;

	bool possible = whole < (uint64_t)LONGEST;

	for (int s = 0; s < r->store->tables[table].n_sums; s++) {
		possible &= lane->entry.sums[s] <= whole;
		sum += lane->entry.sums[s];
		if (s < n_states)
			time[s] = (int64_t)lane->entry.sums[s];
	}
	if (!possible || sum != whole)
		return error_set(err, "'%s': times of a lane of %s do not add up to its length",
				 r->store->name, table_get(table)->name);
	return 0;
}

/* The same, of what lies in the range; all of it must be possible. */
static int take_range(const struct results *r, enum table_id table, size_t lane, int n_states,
		      int64_t *time, struct error *err)
{
	const struct lane_info *info = &r->store->tables[table].lanes.at[lane];
	uint64_t sums[FORMAT_MAX_SUMS] = {0};

	if (take_sums(r, table, info, n_states, time, err))
		return ERR;
	if (!r->range.given)
		return 0;
	if (sums_add(r->store, table, lane, r->range.from, r->range.to, sums, err))
		return ERR;
	for (int s = 0; s < n_states; s++)
		time[s] = (int64_t)sums[s];
	return 0;
}

static int read_sums(struct results *r, struct error *err)
{
	const struct table_info *vcpus = &r->store->tables[TABLE_VCPU_STATE];

	for (size_t k = 0; k < vcpus->lanes.n; k++) {
		int i = results_find(r, TABLE_VCPU, vcpus->lanes.at[k].keys[0]);

		if (i != NOBODY &&
		    take_range(r, TABLE_VCPU_STATE, k, VCPU_N_STATES, r->vcpus.at[i].sum.time, err))
			return ERR;
	}
	const struct table_info *threads = &r->store->tables[TABLE_THREAD_STATE];

	for (size_t k = 0; k < threads->lanes.n; k++) {
		int i = results_find(r, TABLE_THREAD, threads->lanes.at[k].keys[0]);

		if (k % DROP_THREADS == 0)
			big_drop_pages(&threads->lanes_memory);
		results_drop_pages(r, k);
		if (i != NOBODY && take_range(r, TABLE_THREAD_STATE, k, THREAD_N_STATES,
					      r->threads.at[i].time, err))
			return ERR;
	}
	return 0;
}

/* ---- clocks, warnings, vectors --------------------------------------------------------------- */

static int take_clock(struct results *r, const struct store_cursor *c, struct error *err)
{
	struct res_clock *k = vec_push(&r->clocks);

	*k = (struct res_clock){
		.from = get(c, COL_SYNC_FROM_NS),
		.to = get(c, COL_SYNC_TO_NS),
		.offset = get(c, COL_SYNC_OFFSET_NS),
		.error = get(c, COL_SYNC_ERROR_NS),
		.drift = table_real_value(get(c, COL_SYNC_DRIFT_PPB)),
		.method = text_or(c, COL_SYNC_METHOD, "?"),
		.chosen = get(c, COL_SYNC_CHOSEN) == 1,
		.constraints = get(c, COL_SYNC_CONSTRAINTS),
		.violations = get(c, COL_SYNC_VIOLATIONS),
		.decoys = get(c, COL_SYNC_DECOYS),
		.lost = get(c, COL_SYNC_LOST),
		.events = get(c, COL_SYNC_EVENTS),
		.outside = get(c, COL_SYNC_OUTSIDE),
		.begin = {get(c, COL_SYNC_BEGIN_LOW_NS), get(c, COL_SYNC_BEGIN_HIGH_NS)},
		.middle = {get(c, COL_SYNC_MIDDLE_LOW_NS), get(c, COL_SYNC_MIDDLE_HIGH_NS)},
		.end = {get(c, COL_SYNC_END_LOW_NS), get(c, COL_SYNC_END_HIGH_NS)},
		.cpu = get(c, COL_SYNC_CPU),
	};
	return refer(r, c, COL_SYNC_MACHINE_ID, true, &k->machine, err) ||
			       refer(r, c, COL_SYNC_REFERENCE_ID, true, &k->reference, err)
		       ? ERR
		       : 0;
}

static int take_diag(struct results *r, const struct store_cursor *c, struct error *err)
{
	struct res_diag *d = vec_push(&r->diags);

	*d = (struct res_diag){
		.name = text_or(c, COL_DIAG_NAME, "?"),
		.severity = text_or(c, COL_DIAG_SEVERITY, "?"),
		.help = text_or(c, COL_DIAG_HELP, ""),
		.file = text(c, COL_DIAG_FILE),
		.detail = text(c, COL_DIAG_DETAIL),
		.count = get(c, COL_DIAG_COUNT),
		.first = get(c, COL_DIAG_FIRST_NS),
		.packet = get(c, COL_DIAG_PACKET),
		.bit = get(c, COL_DIAG_BIT),
	};
	return refer(r, c, COL_DIAG_MACHINE_ID, false, &d->machine, err);
}

static uint64_t vector_key(int machine, int64_t vector)
{
	return (uint64_t)machine << 8 | ((uint64_t)vector & 0xff);
}

static int take_vector(struct results *r, const struct store_cursor *c, struct error *err)
{
	int machine;
	struct res_vector v = {.source = wait_source_of(text(c, COL_IRQ_VECTOR_SOURCE))};

	if (refer(r, c, COL_IRQ_VECTOR_MACHINE_ID, true, &machine, err) ||
	    refer(r, c, COL_IRQ_VECTOR_SENDER_THREAD_ID, false, &v.sender, err))
		return ERR;
	map_put(&r->vector_sources, vector_key(machine, get(c, COL_IRQ_VECTOR_VECTOR)),
		r->vectors.n);
	*vec_push(&r->vectors) = v;
	return 0;
}

/* ---- all ------------------------------------------------------------------------------------- */

static int read_names(struct results *r, struct error *err)
{
	return read_machines(r, err) || each_row(r, TABLE_VCPU, take_vcpu, err) ||
			       each_row(r, TABLE_CONTAINER, take_container, err) ||
			       each_row(r, TABLE_CONTAINER, take_container_parent, err) ||
			       each_row(r, TABLE_THREAD, take_thread, err)
		       ? ERR
		       : 0;
}

int results_init_names(struct results *r, const struct store *s, struct error *err)
{
	*r = (struct results){.store = s};
	return read_names(r, err);
}

int results_init(struct results *r, const struct store *s, const struct results_range *range,
		 struct error *err)
{
	*r = (struct results){.store = s, .range = *range};
	if (store_span(s, &r->begin, &r->end, err) || store_time_origin(s, &r->origin, err))
		return ERR;
	if (read_names(r, err) || read_sums(r, err) || each_row(r, TABLE_SYNC, take_clock, err) ||
	    each_row(r, TABLE_DIAG, take_diag, err) ||
	    each_row(r, TABLE_IRQ_VECTOR, take_vector, err))
		return ERR;
	return 0;
}

void results_deinit(struct results *r)
{
	vec_each (v, &r->vcpus)
		summary_vcpu_deinit(&v->sum);
	vec_deinit(&r->machines);
	vec_deinit(&r->vms);
	vec_deinit(&r->vcpus);
	big_deinit(&r->threads_memory);
	vec_deinit(&r->containers);
	vec_deinit(&r->clocks);
	vec_deinit(&r->diags);
	for (int i = 0; i < TABLE_N; i++)
		map_deinit(&r->ids[i]);
	map_deinit(&r->process_names);
	map_deinit(&r->vector_sources);
	vec_deinit(&r->vectors);
}

void results_drop_pages(const struct results *r, size_t i)
{
	if (i % DROP_THREADS == 0)
		big_drop_pages(&r->threads_memory);
}

int results_find(const struct results *r, enum table_id table, int64_t id)
{
	if (table == TABLE_THREAD && (uint64_t)id < r->n_in_order)
		return (int)id;
	const uint64_t *i = id == TABLE_NULL ? NULL : map_get(&r->ids[table], (uint64_t)id);

	return i ? (int)*i : NOBODY;
}

const char *results_process_name(const struct results *r, int machine, int64_t pid)
{
	const uint64_t *i = map_get(&r->process_names, process_key(machine, pid));

	return i ? store_string(r->store, (int64_t)*i) : NULL;
}

int results_reference(const struct results *r, int machine)
{
	vec_each (k, &r->clocks) {
		if (k->machine == machine && k->chosen)
			return k->reference;
	}
	return machine;
}

struct res_vector results_vector(const struct results *r, int machine, int64_t vector)
{
	const uint64_t *i = map_get(&r->vector_sources, vector_key(machine, vector));

	return i && vector != TABLE_NULL
		       ? r->vectors.at[*i]
		       : (struct res_vector){.source = WAIT_UNKNOWN, .sender = NOBODY};
}
