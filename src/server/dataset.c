#include "server/dataset.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "results/naming.h"
#include "results/results.h"

/* ---- reading what there is ----------------------------------------------------------------------
 */

static const char *text_of(const struct dataset *d, int64_t value, const char *otherwise)
{
	const char *text = store_string(d->store, value);

	return text ? text : otherwise;
}

static int64_t id_of(int64_t value)
{
	return value >= 0 && value < ROW_INDEX_END ? value : -1;
}

/*
 * Return: whether this id can name a row, and none did before; then it is that of element `index`.
 */
static bool is_new(struct dataset *d, enum row_kind kind, int64_t id, size_t index)
{
	if (id_of(id) < 0 || map_get(&d->by_id[kind], (uint64_t)id))
		return false;
	map_put(&d->by_id[kind], (uint64_t)id, index);
	return true;
}

static int64_t lane_by_key(const struct dataset *d, enum table_id table, int64_t key, int64_t key2)
{
	return store_find_lane(d->store, table, (int64_t[TABLE_MAX_KEYS]){key, key2});
}

static int64_t count_of(int64_t value)
{
	return value > 0 ? value : 0;
}

static int64_t machine_id(const struct results *r, int machine)
{
	return machine == NOBODY ? -1 : id_of(r->machines.at[machine].id);
}

static void take_machines(struct dataset *d, const struct results *r)
{
	vec_each (m, &r->machines) {
		if (!is_new(d, ROW_MACHINE, m->id, d->machines.n))
			continue;
		*vec_push(&d->machines) = (struct ds_machine){
			.id = m->id,
			.parent = machine_id(r, m->parent),
			.name = m->name,
			.role = m->role,
			.trace_path = m->trace_path,
			.hostname = m->hostname ? m->hostname : "",
			.first = m->first,
			.origin = clock_origin_of_name(m->time_origin),
			.events = count_of(m->events),
			.lost = count_of(m->lost),
			.pid = m->pid,
			.begin = TABLE_NULL,
			.end = TABLE_NULL,
		};
	}
}

static void take_vcpus(struct dataset *d, const struct results *r)
{
	vec_each (v, &r->vcpus) {
		if (!is_new(d, ROW_VCPU, v->id, d->vcpus.n))
			continue;
		*vec_push(&d->vcpus) = (struct ds_vcpu){
			.id = v->id,
			.machine = machine_id(r, v->machine),
			.index = v->index,
			.host = machine_id(r, v->host),
			.tid = v->tid,
			.lane = lane_by_key(d, TABLE_VCPU_STATE, v->id, 0),
			.exits = lane_by_key(d, TABLE_VM_EXIT, v->id, 0),
		};
	}
}

static void take_thread(struct dataset *d, const struct results *r, const struct res_thread *t)
{
	int64_t machine = machine_id(r, t->machine);

	if (!is_new(d, ROW_THREAD, t->id, d->threads.n))
		return;
	*vec_push(&d->threads) = (struct ds_thread){
		.id = t->id,
		.machine = machine,
		.tid = t->tid,
		.pid = t->pid,
		.comm = t->comm ? t->comm : "?",
		.vcpu = t->vcpu == NOBODY ? -1 : id_of(r->vcpus.at[t->vcpu].id),
		.container = t->container == NOBODY ? -1 : id_of(r->containers.at[t->container].id),
		.lane = lane_by_key(d, TABLE_THREAD_STATE, t->id, 0),
		.wakeups = lane_by_key(d, TABLE_WAKEUP, machine, t->id),
	};
}

static void take_threads(struct dataset *d, const struct results *r)
{
	for (size_t i = 0; i < r->threads.n; i++) {
		results_drop_pages(r, i);
		take_thread(d, r, &r->threads.at[i]);
	}
}

static void take_containers(struct dataset *d, const struct results *r)
{
	vec_each (c, &r->containers) {
		if (is_new(d, ROW_CONTAINER, c->id, d->containers.n))
			*vec_push(&d->containers) = (struct ds_container){
				.id = c->id,
				.machine = machine_id(r, c->machine),
				.parent = c->parent == NOBODY
						  ? -1
						  : id_of(r->containers.at[c->parent].id),
				.name = c->name,
			};
	}
}

static void take_warnings(struct dataset *d, const struct results *r)
{
	vec_each (w, &r->diags) {
		*vec_push(&d->warnings) = (struct ds_warning){
			.name = w->name,
			.severity = w->severity,
			.help = w->help,
			.detail = w->detail,
			.machine = machine_id(r, w->machine),
			.count = count_of(w->count),
			.first = w->first,
		};
	}
}

static void find_cpus(struct dataset *d)
{
	const struct table_info *info = &d->store->tables[TABLE_CPU_STATE];

	for (size_t i = 0; i < info->lanes.n && i < ROW_INDEX_END; i++)
		*vec_push(&d->cpus) = (struct ds_cpu){.machine = info->lanes.at[i].keys[0],
						      .cpu = info->lanes.at[i].keys[1],
						      .lane = (int64_t)i};
}

/* ---- order and names ----------------------------------------------------------------------------
 */

static int compare(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static bool is_host(const struct ds_machine *m)
{
	return m->parent < 0;
}

static int compare_machines(const void *a, const void *b)
{
	const struct ds_machine *x = a, *y = b;
	int by_role = is_host(x) - is_host(y);

	return by_role ? by_role : compare(x->id, y->id);
}

static int compare_vcpus(const void *a, const void *b)
{
	const struct ds_vcpu *x = a, *y = b;
	int by_machine = compare(x->machine, y->machine);
	int by_index = compare(x->index, y->index);

	return by_machine ? by_machine : by_index ? by_index : compare(x->id, y->id);
}

static int compare_threads(const void *a, const void *b)
{
	const struct ds_thread *x = a, *y = b;
	int by_machine = compare(x->machine, y->machine);
	int by_pid = compare(x->pid, y->pid);
	int by_tid = compare(x->tid, y->tid);

	return by_machine ? by_machine : by_pid ? by_pid : by_tid ? by_tid : compare(x->id, y->id);
}

#define SORT_BY_ID(d, kind, v, by)                                                  \
	do {                                                                        \
		if ((v)->n)                                                         \
			qsort((v)->at, (v)->n, sizeof(*(v)->at), by);               \
		for (size_t i_ = 0; i_ < (v)->n; i_++)                              \
			*map_get(&(d)->by_id[kind], (uint64_t)(v)->at[i_].id) = i_; \
	} while (0)

static void sort_all(struct dataset *d)
{
	SORT_BY_ID(d, ROW_MACHINE, &d->machines, compare_machines);
	SORT_BY_ID(d, ROW_VCPU, &d->vcpus, compare_vcpus);
	SORT_BY_ID(d, ROW_THREAD, &d->threads, compare_threads);
}

/* Return: the row that stands for the process whose threads are at [from, to). */
static int32_t process_row(struct dataset *d, size_t from, size_t to)
{
	const struct ds_thread *first = &d->threads.at[from];

	for (size_t i = from; i < to; i++) {
		if (d->threads.at[i].tid == first->pid && d->threads.at[i].lane >= 0)
			return row_id(ROW_THREAD, d->threads.at[i].id);
	}
	*vec_push(&d->processes) = (struct ds_process){
		.thread = first->id, .machine = first->machine, .pid = first->pid};
	return row_id(ROW_PROCESS, first->id);
}

static int32_t machine_row(int64_t machine)
{
	return machine < 0 ? -1 : row_id(ROW_MACHINE, machine);
}

/* A process is its first thread, with the others below; one thread alone stands by itself. */
static void find_processes(struct dataset *d)
{
	for (size_t from = 0, to; from < d->threads.n; from = to) {
		const struct ds_thread first = d->threads.at[from];

		to = from + 1;
		while (to < d->threads.n && d->threads.at[to].machine == first.machine &&
		       d->threads.at[to].pid == first.pid && first.pid > 0)
			to++;
		int32_t machine = machine_row(first.machine);
		int32_t row = to - from == 1 ? machine : process_row(d, from, to);

		for (size_t i = from; i < to; i++) {
			struct ds_thread *t = &d->threads.at[i];

			t->process = row == row_id(ROW_THREAD, t->id) ? machine : row;
		}
	}
}

/* Return: the container of a machine with this id, or NULL. */
static struct ds_container *container_of(const struct dataset *d, int64_t machine, int64_t id)
{
	const uint64_t *i = map_get(&d->by_id[ROW_CONTAINER], (uint64_t)id);
	struct ds_container *c = i ? &d->containers.at[*i] : NULL;

	return c && c->machine == machine ? c : NULL;
}

/* Return: whether one gets out of the container by going to its parent, and so on. */
static bool leads_out(const struct dataset *d, const struct ds_container *c)
{
	enum { DEEPEST = 64 }; /* Linux makes half as many of them in each other */

	for (int i = 0; c && i < DEEPEST; i++)
		c = container_of(d, c->machine, c->parent);
	return !c;
}

/* A container that is in itself, by whatever detour, is in none. */
static void find_containers(struct dataset *d)
{
	vec_each (c, &d->containers) {
		if (!leads_out(d, c))
			c->parent = -1;
	}
	vec_each (t, &d->threads) {
		struct ds_container *c = container_of(d, t->machine, t->container);

		for (; c && !c->has_threads; c = container_of(d, c->machine, c->parent))
			c->has_threads = true;
	}
}

/* vCPUs that there are not name nothing. */
static void check_vcpu_threads(struct dataset *d)
{
	vec_each (t, &d->threads) {
		if (!dataset_vcpu(d, t->vcpu))
			t->vcpu = -1;
	}
}

static void widen(struct dataset *d, int64_t machine, enum table_id table, int64_t lane)
{
	const uint64_t *i = map_get(&d->by_id[ROW_MACHINE], (uint64_t)machine);

	if (!i || lane < 0)
		return;
	struct ds_machine *m = &d->machines.at[*i];
	const struct entry *e = &d->store->tables[table].lanes.at[lane].entry;

	m->begin = m->begin == TABLE_NULL || e->first < m->begin ? e->first : m->begin;
	m->end = e->end > m->end ? e->end : m->end; /* TABLE_NULL is less than any time */
}

/* Recordings without a clock in common have spans of their own. */
static void find_machine_spans(struct dataset *d)
{
	vec_each (v, &d->vcpus)
		widen(d, v->machine, TABLE_VCPU_STATE, v->lane);
	vec_each (t, &d->threads)
		widen(d, t->machine, TABLE_THREAD_STATE, t->lane);
	vec_each (cpu, &d->cpus)
		widen(d, cpu->machine, TABLE_CPU_STATE, cpu->lane);
}

/* Views add and subtract times without a care; no recording comes near this. */
static int check_span(const struct dataset *d, struct error *err)
{
	const int64_t limit = INT64_MAX / 4 * 3;

	if (d->begin >= -limit && d->end <= limit &&
	    (uint64_t)d->end - (uint64_t)d->begin <= limit / 2)
		return 0;
	return error_set(err, "'%s' spans a time that no recording can have", d->store->name);
}

/* Takes what views need of it: they have ids, and lanes; all texts are the file's. */
static void take_results(struct dataset *d, const struct results *r)
{
	d->begin = r->begin;
	d->end = r->end > r->begin ? r->end : r->begin + 1;
	d->origin = r->origin;
	take_machines(d, r);
	take_vcpus(d, r);
	take_threads(d, r);
	take_containers(d, r);
	take_warnings(d, r);
}

static void arrange(struct dataset *d)
{
	sort_all(d);
	find_machine_spans(d);
	find_processes(d);
	find_containers(d);
	check_vcpu_threads(d);
	vec_each (m, &d->machines)
		d->n_events += m->events;
}

static int read_all(struct dataset *d, struct error *err)
{
	struct results r;
	int status = results_init(&r, d->store, &(struct results_range){0}, err);

	if (!status) {
		take_results(d, &r);
		find_cpus(d);
		status = check_span(d, err);
	}
	results_deinit(&r);
	if (!status)
		arrange(d);
	return status;
}

int dataset_open(struct dataset **dp, int fd, const char *name, struct error *err)
{
	if (fd < 0)
		return error_errno(err, errno, "cannot open '%s'", name);
	struct dataset *d = mem_zalloc(1, sizeof(*d));

	d->users = 1;
	d->nodes = node_cache_new();
	for (int i = 0; i < DS_N_LAZY; i++)
		pthread_mutex_init(&d->locks[i], NULL);
	int r = store_open_fd(&d->store, fd, name, err);

	close(fd);
	if (!r)
		r = read_all(d, err);
	if (r)
		dataset_release(d);
	else
		*dp = d;
	return r;
}

struct dataset *dataset_use(struct dataset *d)
{
	__atomic_add_fetch(&d->users, 1, __ATOMIC_RELAXED);
	return d;
}

void dataset_release(struct dataset *d)
{
	if (!d || __atomic_sub_fetch(&d->users, 1, __ATOMIC_ACQ_REL))
		return;
	store_free(d->store);
	vec_deinit(&d->machines);
	vec_deinit(&d->vcpus);
	vec_deinit(&d->threads);
	vec_deinit(&d->cpus);
	vec_deinit(&d->processes);
	vec_deinit(&d->containers);
	vec_deinit(&d->warnings);
	vec_deinit(&d->raw_marks);
	vec_deinit(&d->exits);
	digest_deinit(&d->exit_digest);
	exit_index_deinit(&d->exit_index);
	digest_deinit(&d->wakeup_digest);
	digest_deinit(&d->steal_digest);
	for (int i = 0; i < ROW_N_KINDS; i++)
		map_deinit(&d->by_id[i]);
	node_cache_free(d->nodes);
	for (int i = 0; i < DS_N_LAZY; i++)
		pthread_mutex_destroy(&d->locks[i]);
	free(d);
}

/* ---- questions ----------------------------------------------------------------------------------
 */

const struct ds_machine *dataset_machine(const struct dataset *d, int64_t id)
{
	const uint64_t *i = map_get(&d->by_id[ROW_MACHINE], (uint64_t)id);

	return i ? &d->machines.at[*i] : NULL;
}

const struct ds_vcpu *dataset_vcpu(const struct dataset *d, int64_t id)
{
	const uint64_t *i = map_get(&d->by_id[ROW_VCPU], (uint64_t)id);

	return i ? &d->vcpus.at[*i] : NULL;
}

const struct ds_thread *dataset_thread(const struct dataset *d, int64_t id)
{
	const uint64_t *i = map_get(&d->by_id[ROW_THREAD], (uint64_t)id);

	return i ? &d->threads.at[*i] : NULL;
}

/* Return: the row of a container, or else of the machine. */
static int32_t container_row(const struct dataset *d, int64_t machine, int64_t container)
{
	const struct ds_container *c = container_of(d, machine, container);

	return c ? row_id(ROW_CONTAINER, c->id) : machine_row(machine);
}

int32_t dataset_container_parent(const struct dataset *d, const struct ds_container *c)
{
	return container_row(d, c->machine, c->parent);
}

int32_t dataset_process_parent(const struct dataset *d, const struct ds_thread *t)
{
	return container_row(d, t->machine, t->container);
}

const char *dataset_machine_name(const struct dataset *d, int64_t id)
{
	const struct ds_machine *m = dataset_machine(d, id);

	return m ? m->name : "?";
}

char *dataset_number_text(int64_t number)
{
	return number == TABLE_NULL ? mem_strdup("?") : mem_printf("%" PRId64, number);
}

char *dataset_vcpu_name(const struct ds_vcpu *v)
{
	return name_vcpu("", v->index, v->tid);
}

char *dataset_vcpu_text(const struct dataset *d, int64_t id)
{
	const struct ds_vcpu *v = dataset_vcpu(d, id);

	return v ? name_vcpu(dataset_machine_name(d, v->machine), v->index, v->tid)
		 : mem_strdup("?");
}

struct uuid dataset_content(const struct dataset *d)
{
	char *key = mem_printf("%" PRId64, d->begin);

	vec_each (m, &d->machines) {
		if (m->parent >= 0)
			continue;
		char *longer = mem_printf("%s\n%s %" PRId64, key, m->hostname, m->first);

		free(key);
		key = longer;
	}
	struct uuid content = uuid_of(key, strlen(key));

	free(key);
	return content;
}

char *dataset_thread_text(const struct dataset *d, int64_t id)
{
	const struct ds_thread *t = dataset_thread(d, id);

	if (!t)
		return mem_strdup("?");
	return t->vcpu >= 0 ? dataset_vcpu_text(d, t->vcpu) : name_thread(t->comm, t->tid);
}

const struct ds_machine *dataset_vm_of(const struct dataset *d, const struct ds_thread *t)
{
	vec_each (m, &d->machines) {
		if (m->pid != TABLE_NULL && m->pid == t->pid && m->parent == t->machine)
			return m;
	}
	return NULL;
}

static int compare_exits(const void *a, const void *b)
{
	const struct ds_exits *x = a, *y = b;
	int by_vcpu = compare(x->vcpu, y->vcpu);

	return by_vcpu ? by_vcpu : compare(x->reason, y->reason);
}

static void list_exits(struct dataset *d)
{
	const struct table_info *info = &d->store->tables[TABLE_VM_EXIT];

	for (size_t i = 0; i < d->exit_digest.lanes.n; i++) {
		const struct digest_lane *lane = &d->exit_digest.lanes.at[i];

		for (size_t k = 0; k < lane->reasons.n && d->exits.n < EXIT_SUMS_MAX; k++)
			*vec_push(&d->exits) =
				(struct ds_exits){.vcpu = info->lanes.at[i].keys[0],
						  .reason = lane->reasons.at[k].reason,
						  .name = text_of(d, lane->reasons.at[k].name, "?"),
						  .lane = i,
						  .place = (uint16_t)k};
	}
	if (d->exits.n)
		qsort(d->exits.at, d->exits.n, sizeof(*d->exits.at), compare_exits);
}

/* Calls learn, on the first call. Return: 0, or ERR with err set. */
static int load_once(struct dataset *d, enum ds_lazy what,
		     int (*learn)(struct dataset *d, struct error *err), struct error *err)
{
	pthread_mutex_lock(&d->locks[what]);
	int r = d->known[what] ? 0 : learn(d, err);

	d->known[what] = !r;
	pthread_mutex_unlock(&d->locks[what]);
	return r;
}

static int make_digest(struct dataset *d, struct digest *digest, enum table_id table,
		       struct error *err)
{
	int r = digest_init(digest, d->store, table, err);

	if (r)
		digest_deinit(digest);
	return r;
}

static int learn_exits(struct dataset *d, struct error *err)
{
	int r = make_digest(d, &d->exit_digest, TABLE_VM_EXIT, err);

	if (!r)
		list_exits(d);
	return r;
}

static int learn_wakeups(struct dataset *d, struct error *err)
{
	return make_digest(d, &d->wakeup_digest, TABLE_WAKEUP, err);
}

static int learn_steal(struct dataset *d, struct error *err)
{
	return make_digest(d, &d->steal_digest, TABLE_VCPU_STATE, err);
}

static int learn_exit_index(struct dataset *d, struct error *err)
{
	int r = exit_index_init(&d->exit_index, d->store, err);

	if (r)
		exit_index_deinit(&d->exit_index);
	return r;
}

int dataset_find_exits(struct dataset *d, struct error *err)
{
	return load_once(d, DS_EXITS, learn_exits, err);
}

int dataset_find_wakeups(struct dataset *d, struct error *err)
{
	return load_once(d, DS_WAKEUPS, learn_wakeups, err);
}

int dataset_find_steal(struct dataset *d, struct error *err)
{
	return load_once(d, DS_STEAL, learn_steal, err);
}

int dataset_find_exit_index(struct dataset *d, const struct exit_index **indexp, struct error *err)
{
	*indexp = NULL;
	if (!exit_index_is_needed(d->store))
		return 0;
	*indexp = &d->exit_index;
	return load_once(d, DS_EXIT_INDEX, learn_exit_index, err);
}

bool dataset_lane(const struct dataset *d, int32_t row, enum table_id *tablep, size_t *lanep)
{
	const struct ds_vcpu *v;
	const struct ds_thread *t;
	int64_t lane = -1, index = row_index(row);

	switch (row_kind(row)) {
	case ROW_VCPU:
		v = dataset_vcpu(d, index);
		lane = v ? v->lane : -1;
		*tablep = TABLE_VCPU_STATE;
		break;
	case ROW_THREAD:
		t = dataset_thread(d, index);
		lane = t ? t->lane : -1;
		*tablep = TABLE_THREAD_STATE;
		break;
	case ROW_CPU:
		lane = index < (int64_t)d->cpus.n ? d->cpus.at[index].lane : -1;
		*tablep = TABLE_CPU_STATE;
		break;
	default:
		return false;
	}
	*lanep = (size_t)lane;
	return lane >= 0;
}
