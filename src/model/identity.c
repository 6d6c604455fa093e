#include "model/identity.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_vcpu_id(int64_t id)
{
	return id >= 0 && id < VCPU_ID_MAX;
}

/* The number in QEMU's "CPU 3/KVM", Firecracker's "fc_vcpu 3" and Cloud Hypervisor's "vcpu3". */
static int64_t index_in_comm(const char *comm)
{
	int n, end = 0;

	if (sscanf(comm, "CPU %d/KVM%n", &n, &end) == 1 && end)
		return n;
	if (sscanf(comm, "fc_vcpu %d%n", &n, &end) == 1 && end)
		return n;
	if (sscanf(comm, "vcpu%d%n", &n, &end) == 1 && end)
		return n;
	return NO_VALUE;
}

/* Exits first: some LTTng versions store garbage in the entry's vcpu_id. */
static int64_t index_of(const struct evidence_vcpu *v, const char *comm)
{
	int64_t id = v->only_id != NO_VALUE ? v->only_id : votes_winner(&v->exit_ids);

	if (is_vcpu_id(id))
		return id;
	id = index_in_comm(comm);
	if (is_vcpu_id(id))
		return id;
	id = votes_winner(&v->entry_ids);
	return is_vcpu_id(id) ? id : NO_VALUE;
}

static void add_machine(struct identity *id, const char *name, const char *hostname,
			const struct evidence *e)
{
	enum role role = role_of_counts(e->n);

	*vec_push(&id->machines) = (struct ident_machine){.name = name,
							  .hostname = hostname,
							  .evidence = e,
							  .is_host = role & ROLE_HOST,
							  .is_guest = role & ROLE_GUEST,
							  .vm = IDENT_NONE,
							  .why = role_why(e->n)};
}

/* ---- VMs of one host ------------------------------------------------------------------------ */

struct candidate {
	const struct evidence_vcpu *v;
	int64_t pid, uid, index;
	const char *comm;
	size_t group; /* of one VM's candidates: the first one's number; NO_GROUP: by its process */
	const char *why; /* of a group's first one: how that is known; NULL: it is alone */
	bool is_told;	 /* of a group's first one: by the recorder */
	int64_t owner;	 /* of a group's first one: the process whose vhost worker they wake; or
			    NO_VALUE */
	/* when the thread was made, and exited; INT64_MIN, INT64_MAX: not seen */
	int64_t born, died;
	/* when the thread that had its tid before exited; INT64_MIN: not seen */
	int64_t free_since;
	unsigned process; /* which one of those that had this pid */
	int vm;		  /* that it was found to be of */
	bool is_done;	  /* it has a run */
};

enum { NO_GROUP = SIZE_MAX };

static int by_tid(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->v->tid != y->v->tid)
		return x->v->tid < y->v->tid ? -1 : 1;
	if (x->v->life != y->v->life)
		return x->v->life < y->v->life ? -1 : 1;
	return x->v->only_id < y->v->only_id ? -1 : x->v->only_id > y->v->only_id;
}

/* By process, or by vmsync's number. */
static int find_vm(const struct identity *id, size_t from, const struct candidate *c)
{
	for (size_t i = from; i < id->vms.n; i++) {
		const struct ident_vm *vm = &id->vms.at[i];

		if (c->pid != NO_VALUE
			    ? vm->pid == c->pid && vm->process == c->process
			    : c->uid != NO_VALUE && vm->pid == NO_VALUE && vm->vm_uid == c->uid)
			return (int)i;
	}
	return IDENT_NONE;
}

static int new_vm(struct identity *id, int host, const struct candidate *c)
{
	*vec_push(&id->vms) = (struct ident_vm){.host = host,
						.guest = IDENT_NONE,
						.pid = c->pid,
						.process = c->process,
						.vm_uid = c->uid};
	return (int)id->vms.n - 1;
}

static int identity_new_vcpu(struct identity *id, const struct candidate *c, int64_t index)
{
	struct ident_vcpu *v = vec_push(&id->vcpus);

	*v = (struct ident_vcpu){.vm = c->vm, .index = index, .guest_cpu = index, .tid = c->v->tid};
	memcpy(v->comm, c->comm, strlen(c->comm) + 1);
	return (int)id->vcpus.n - 1;
}

/*
 * Return: when the thread begins to run the vCPU that another one ran before, or may have.
 * It can have been there for long.
 */
static int64_t identity_begin_of_run(const struct candidate *c, int64_t before)
{
	return c->born > before ? c->born : c->v->first_ns;
}

static void identity_add_run(struct identity *id, int vcpu, const struct candidate *c)
{
	struct ident_vcpu *v = &id->vcpus.at[vcpu];
	struct ident_run *last = id->runs.n ? &id->runs.at[id->runs.n - 1] : NULL;
	struct ident_run run = {.vcpu = vcpu,
				.tid = c->v->tid,
				.from = c->born > c->free_since ? c->born : c->free_since,
				.to = c->died,
				.life = c->v->life,
				.only_id = c->v->only_id,
				.last_ns = c->v->last_ns,
				.is_born = c->born != INT64_MIN};

	v->entries += c->v->entries;
	v->exits += c->v->exits;
	v->is_told |= c->v->is_told;
	if (last && last->vcpu == vcpu && !id->vms.at[c->vm].is_shared) {
		run.from = identity_begin_of_run(c, last->last_ns);
		run.is_born = run.from == c->born;
		last->to = last->to < run.from ? last->to : run.from;
	}
	*vec_push(&id->runs) = run;
}

static int by_index_and_time(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->vm != y->vm)
		return x->vm < y->vm ? -1 : 1;
	if (x->index != y->index)
		return (uint64_t)x->index < (uint64_t)y->index ? -1 : 1;
	if (x->v->first_ns != y->v->first_ns)
		return x->v->first_ns < y->v->first_ns ? -1 : 1;
	return by_tid(a, b);
}

/* Whether both are one thread. */
static bool are_one_thread(const struct candidate *a, const struct candidate *b)
{
	return a->v->tid == b->v->tid && a->v->life == b->v->life;
}

/* Where a thread runs several vCPUs, threads run them by turns, as each entry says. */
static void identity_find_shared(struct identity *id, const struct candidate *c, size_t n)
{
	for (size_t i = 1; i < n; i++)
		id->vms.at[c[i].vm].is_shared |= are_one_thread(&c[i], &c[i - 1]);
}

/*
 * Threads of one VM with the same vcpu_id, one after the other, are one vCPU. If two of them were
 * at it at the same time, that cannot be so: they are vCPUs whose number is not known.
 */
static void identity_add_vcpus(struct identity *id, struct candidate *c, size_t n)
{
	int vcpu = IDENT_NONE;

	if (n)
		qsort(c, n, sizeof(*c), by_index_and_time);
	for (size_t i = 0; i < n; i++) {
		bool same = i && c[i].vm == c[i - 1].vm && c[i].index == c[i - 1].index &&
			    c[i].index != NO_VALUE;

		if (!same)
			vcpu = identity_new_vcpu(id, &c[i], c[i].index);
		if (same && !id->vms.at[c[i].vm].is_shared &&
		    c[i].v->first_ns <= id->runs.at[id->runs.n - 1].last_ns) {
			c[i].index = NO_VALUE;
			continue;
		}
		identity_add_run(id, vcpu, &c[i]);
		c[i].is_done = true;
	}
	for (size_t i = 0; i < n; i++) {
		if (!c[i].is_done)
			identity_add_run(id, identity_new_vcpu(id, &c[i], NO_VALUE), &c[i]);
	}
}

static struct candidate candidate_of(const struct evidence *e, const struct evidence_vcpu *v)
{
	const char *comm = evidence_comm(e, v);

	return (struct candidate){.v = v,
				  .pid = evidence_pid(e, v),
				  .uid = votes_winner(&v->vm_uids),
				  .index = index_of(v, comm),
				  .comm = comm,
				  .born = INT64_MIN,
				  .free_since = INT64_MIN,
				  .died = INT64_MAX};
}

/* The candidate whose thread this is, in which life ever; NULL: there is none. They are by tid. */
static struct candidate *identity_first_of_tid(struct candidate *c, size_t n, int64_t tid)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (c[middle].v->tid < tid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && c[low].v->tid == tid ? &c[low] : NULL;
}

/* A tid is another thread's from each of its births on, and until each of its deaths. */
static void identity_take_birth(struct candidate *c, int64_t ts)
{
	if (ts <= c->v->first_ns)
		c->born = ts > c->born ? ts : c->born;
	else if (ts > c->v->last_ns)
		c->died = ts < c->died ? ts : c->died;
}

static void identity_take_death(struct candidate *c, int64_t ts)
{
	if (ts >= c->v->last_ns)
		c->died = ts < c->died ? ts : c->died;
	else if (ts <= c->v->first_ns)
		c->free_since = ts > c->free_since ? ts : c->free_since;
}

/* Sets when the threads of the n candidates, which are by tid, were made and exited. */
static void identity_find_lives(const struct evidence *e, struct candidate *c, size_t n)
{
	struct candidate *k;

	vec_each (f, &e->forks) {
		for (k = identity_first_of_tid(c, n, f->tid); k && k < c + n && k->v->tid == f->tid;
		     k++)
			identity_take_birth(k, f->ts);
	}
	vec_each (d, &e->deaths) {
		for (k = identity_first_of_tid(c, n, d->tid); k && k < c + n && k->v->tid == d->tid;
		     k++)
			identity_take_death(k, d->ts);
	}
	for (size_t i = 0; i < n; i++) {
		if (c[i].born <= c[i].free_since)
			c[i].born = INT64_MIN;
	}
}

/* Sets which process of its number each candidate is of: that, too, is given again. */
static void identity_find_processes(const struct evidence *e, struct candidate *c, size_t n)
{
	struct map last_of_pid = {0};
	size_t *next = mem_zalloc(n, sizeof(*next));

	for (size_t i = 0; i < n; i++) {
		uint64_t *last = map_put(&last_of_pid, (uint64_t)c[i].pid, 0);

		next[i] = (size_t)*last;
		*last = i + 1;
	}
	vec_each (f, &e->forks) {
		const uint64_t *last =
			f->pid == f->tid ? map_get(&last_of_pid, (uint64_t)f->tid) : NULL;

		for (size_t i = last ? (size_t)*last : 0; i; i = next[i - 1])
			c[i - 1].process += f->ts <= c[i - 1].v->first_ns;
	}
	map_deinit(&last_of_pid);
	free(next);
}

/*
 * Where no event tells a vCPU thread's process, others show who belongs together: the recorder's
 * own word, one parent that made them, a vhost worker whose name tells for whom it works, and who
 * wakes whom. A vCPU that none of these ties to another is a VM of its own, and is said to be that:
 * two VMs have equal numbers of vCPUs, so those prove nothing.
 */

struct grouping {
	const struct evidence *e;
	struct candidate *at;
	size_t n;
	struct map by_tid;
};

static size_t group_of(const struct grouping *g, size_t i)
{
	while (g->at[i].group != i)
		i = g->at[i].group;
	return i;
}

static bool is_in_group(const struct grouping *g, size_t i, size_t group)
{
	return g->at[i].group != NO_GROUP && group_of(g, i) == group;
}

/* Whether one thread was made when the other one had run its vCPU for the last time. */
static bool are_in_turn(const struct candidate *a, const struct candidate *b)
{
	return a->born > b->v->last_ns || b->born > a->v->last_ns;
}

/* Whether the group has another vCPU of the candidate's number. */
static bool has_index(const struct grouping *g, size_t group, const struct candidate *c)
{
	for (size_t i = 0; i < g->n; i++) {
		if (g->at[i].index == c->index && is_in_group(g, i, group) &&
		    !are_in_turn(&g->at[i], c))
			return true;
	}
	return false;
}

/* Different numbers are different vCPUs; equal ones at the same time are not of one VM. */
static bool have_equal_index(const struct grouping *g, size_t a, size_t b)
{
	for (size_t i = 0; i < g->n; i++) {
		if (g->at[i].index != NO_VALUE && is_in_group(g, i, a) &&
		    has_index(g, b, &g->at[i]))
			return true;
	}
	return false;
}

static void join(struct grouping *g, size_t i, size_t k, const char *why)
{
	size_t a = group_of(g, i), b = group_of(g, k);

	if (a == b || have_equal_index(g, a, b))
		return;
	/* The lower one stays the first. */
	size_t first = a < b ? a : b;

	g->at[a < b ? b : a].group = first;
	if (!g->at[first].why)
		g->at[first].why = why;
}

/* Return: the candidate whose thread this is, if its process is not known, or NO_GROUP. */
static size_t find_candidate(const struct grouping *g, int64_t tid)
{
	const uint64_t *i = map_get(&g->by_tid, (uint64_t)tid);

	return i ? (size_t)*i : NO_GROUP;
}

/* All threads that have a key in common are of one VM. */
static void join_by_key(struct grouping *g, struct map *first_of_key, uint64_t key, int64_t tid,
			const char *why)
{
	size_t i = find_candidate(g, tid);

	if (i != NO_GROUP)
		join(g, (size_t)*map_put(first_of_key, key, i), i, why);
}

static void join_told(struct grouping *g)
{
	struct map vms = {0};

	vec_each (t, &g->e->told) {
		size_t i = find_candidate(g, t->tid);

		join_by_key(g, &vms, t->vm, t->tid, "the recorder says so");
		if (i != NO_GROUP)
			g->at[group_of(g, i)].is_told = true;
	}
	map_deinit(&vms);
}

static void join_siblings(struct grouping *g)
{
	struct map parents = {0};

	vec_each (f, &g->e->forks) {
		size_t i = find_candidate(g, f->tid);

		if (i != NO_GROUP && g->at[i].born == f->ts)
			join_by_key(g, &parents, (uint64_t)f->parent, f->tid,
				    "one thread made them");
	}
	map_deinit(&parents);
}

static void join_by_vhost(struct grouping *g)
{
	struct map owners = {0};

	vec_each (v, &g->e->vhosts)
		join_by_key(g, &owners, (uint64_t)v->pid, v->waker,
			    "they wake the vhost worker of one process");
	map_deinit(&owners);
}

/* Only its own process gives a vCPU's thread a vhost worker to wake. */
static void find_owners(struct grouping *g)
{
	vec_each (v, &g->e->vhosts) {
		size_t i = find_candidate(g, v->waker);

		if (i != NO_GROUP)
			g->at[group_of(g, i)].owner = v->pid;
	}
}

/* Once may be chance: who just runs can be asked to wake anybody, by a notifier say. */
enum { WAKES_MIN = 2 };

static uint64_t count_wakes(const struct evidence *e, int64_t waker, int64_t woken)
{
	uint64_t key = (uint64_t)(uint32_t)waker << 32 | (uint32_t)woken;
	const uint64_t *i = map_get(&e->wake_by_tids, key);

	return i ? e->wakes.at[*i].n : 0;
}

/* vCPUs that wake each other, as by IPIs, or that another thread wakes and is woken by, such as
 * QEMU's main one. */
static void join_by_wakes(struct grouping *g)
{
	struct map partners = {0};

	vec_each (w, &g->e->wakes) {
		size_t from = find_candidate(g, w->waker), to = find_candidate(g, w->woken);

		if (from == NO_GROUP || w->n < WAKES_MIN)
			continue;
		if (to != NO_GROUP)
			join(g, from, to, "they wake each other");
		else if (count_wakes(g->e, w->woken, w->waker) >= WAKES_MIN)
			join_by_key(g, &partners, (uint64_t)w->woken, w->waker,
				    "they and one more thread wake each other");
	}
	map_deinit(&partners);
}

/* Whether the tid was another thread's, too: who woke it, and whom it did, is of either. */
static bool has_several_lives(const struct candidate *c, size_t n, size_t i)
{
	for (size_t k = 0; k < n; k++) {
		if (c[k].v->tid == c[i].v->tid && c[k].v->life != c[i].v->life)
			return true;
	}
	return false;
}

static void join_shared(struct grouping *g)
{
	for (size_t i = 1; i < g->n; i++) {
		if (are_one_thread(&g->at[i], &g->at[i - 1]) && g->at[i].group != NO_GROUP)
			join(g, i - 1, i, "one thread runs them");
	}
}

/* Sets the group of those whose process is not known. */
static void find_groups(const struct evidence *e, struct candidate *candidates, size_t n)
{
	struct grouping g = {.e = e, .at = candidates, .n = n};

	for (size_t i = 0; i < n; i++) {
		bool is_known = candidates[i].pid != NO_VALUE || candidates[i].uid != NO_VALUE;

		candidates[i].group = is_known ? NO_GROUP : i;
		candidates[i].owner = NO_VALUE;
		if (!is_known && !has_several_lives(candidates, n, i))
			*map_put(&g.by_tid, (uint64_t)candidates[i].v->tid, i) = i;
	}
	join_shared(&g);
	join_told(&g);
	join_siblings(&g);
	join_by_vhost(&g);
	join_by_wakes(&g);
	find_owners(&g);
	for (size_t i = 0; i < n; i++) {
		if (candidates[i].group != NO_GROUP)
			candidates[i].group = group_of(&g, i);
	}
	map_deinit(&g.by_tid);
}

static int vm_of_candidate(struct identity *id, int host, size_t first_vm,
			   const struct candidate *all, size_t i)
{
	const struct candidate *c = &all[i];
	bool is_later = c->group != NO_GROUP && c->group != i;
	int vm = is_later ? all[c->group].vm : find_vm(id, first_vm, c);

	if (vm == IDENT_NONE) {
		vm = new_vm(id, host, c);
		id->vms.at[vm].is_whole = c->group == NO_GROUP || c->is_told;
		id->vms.at[vm].why_one = c->why;
		if (c->group != NO_GROUP)
			id->vms.at[vm].pid = c->owner;
	}
	if (id->vms.at[vm].vm_uid == NO_VALUE)
		id->vms.at[vm].vm_uid = c->uid;
	return vm;
}

static void find_vms(struct identity *id, int host)
{
	const struct evidence *e = id->machines.at[host].evidence;
	size_t n = 0, first_vm = id->vms.n;
	struct candidate *c = mem_zalloc(e->vcpus.n, sizeof(*c));

	vec_each (v, &e->vcpus) {
		if (v->entries + v->exits || v->is_told)
			c[n++] = candidate_of(e, v);
	}
	if (n)
		qsort(c, n, sizeof(*c), by_tid);
	identity_find_lives(e, c, n);
	identity_find_processes(e, c, n);
	find_groups(e, c, n);
	for (size_t i = 0; i < n; i++)
		c[i].vm = vm_of_candidate(id, host, first_vm, c, i);
	identity_find_shared(id, c, n);
	identity_add_vcpus(id, c, n);
	free(c);
}

/* ---- which trace is which VM's -------------------------------------------------------------- */

/*
 * A vCPU thread's uid by all its votes can be a decoy's (hypercall 5 has other uses), so a guest's
 * uid is looked for among all of them.
 */
static uint64_t uid_votes(const struct identity *id, int vm, int64_t uid)
{
	const struct evidence *e = id->machines.at[id->vms.at[vm].host].evidence;
	uint64_t n = 0;

	vec_each (r, &id->runs) {
		const struct evidence_vcpu *v =
			id->vcpus.at[r->vcpu].vm == vm
				? evidence_vcpu_of(e, r->tid, r->life, r->only_id)
				: NULL;

		for (size_t k = 0; v && k < v->vm_uids.at.n; k++)
			n += v->vm_uids.at.at[k].value == uid ? v->vm_uids.at.at[k].n : 0;
	}
	return n;
}

static void tie_guest(struct identity *id, int machine)
{
	int64_t uid = votes_winner(&id->machines.at[machine].evidence->guest_uids);
	int best_vm = IDENT_NONE;
	uint64_t best = 0;

	if (uid == NO_VALUE)
		return;
	for (int vm = 0; vm < (int)id->vms.n; vm++) {
		uint64_t n = id->vms.at[vm].host == machine ? 0 : uid_votes(id, vm, uid);

		if (n > best) {
			best = n;
			best_vm = vm;
		}
	}
	if (best_vm == IDENT_NONE)
		return;
	id->vms.at[best_vm].vm_uid = uid;
	identity_tie(id, best_vm, machine,
		     mem_printf("vmsync: %" PRIu64 " exchanges with vm_uid %" PRId64, best, uid));
}

/* Return: the lowest tid of the VM's vCPUs. */
static int64_t first_thread(const struct identity *id, int vm)
{
	int64_t tid = INT64_MAX;

	vec_each (v, &id->vcpus) {
		if (v->vm == vm && v->tid < tid)
			tid = v->tid;
	}
	return tid;
}

/* Whether VMs run on more than one machine, which can have processes of one number. */
static bool has_several_hosts(const struct identity *id)
{
	vec_each (vm, &id->vms) {
		if (vm->host != id->vms.at[0].host)
			return true;
	}
	return false;
}

/* Return: how many VMs before this one have its number, as one after the other can. */
static unsigned count_namesakes(const struct identity *id, int vm)
{
	const struct ident_vm *v = &id->vms.at[vm];
	unsigned n = 0;

	for (int i = 0; i < vm; i++) {
		const struct ident_vm *other = &id->vms.at[i];

		n += other->host == v->host && other->pid == v->pid && other->vm_uid == v->vm_uid &&
		     (v->pid != NO_VALUE || v->vm_uid != NO_VALUE ||
		      first_thread(id, i) == first_thread(id, vm));
	}
	return n;
}

/* Return: owned by the caller. */
static char *identity_untraced_name(const struct identity *id, int i)
{
	const struct ident_vm *vm = &id->vms.at[i];
	bool by_host = has_several_hosts(id);
	unsigned before = count_namesakes(id, i);
	const char *kind = vm->pid != NO_VALUE	    ? "vm-"
			   : vm->vm_uid != NO_VALUE ? "vm-uid-"
						    : "vm-of-thread-";
	int64_t number = vm->pid != NO_VALUE	  ? vm->pid
			 : vm->vm_uid != NO_VALUE ? vm->vm_uid
						  : first_thread(id, i);
	char *copy = before ? mem_printf("#%u", before + 1) : mem_strdup("");
	char *name =
		mem_printf("%s%s%s%" PRId64 "%s", by_host ? id->machines.at[vm->host].name : "",
			   by_host ? "/" : "", kind, number, copy);

	free(copy);
	return name;
}

/* Sets the name by what is known of the VM now; `why` is taken over. */
static void describe_vm(struct identity *id, int i, char *why)
{
	struct ident_vm *vm = &id->vms.at[i];

	free(vm->name);
	free(vm->why);
	vm->why = why;
	if (vm->guest != IDENT_NONE)
		vm->name = mem_strdup(id->machines.at[vm->guest].name);
	else if (vm->given)
		vm->name = mem_strdup(vm->given);
	else
		vm->name = identity_untraced_name(id, i);
}

void identity_name_vm(struct identity *id, int vm, const char *name)
{
	char *why = mem_strdup(id->vms.at[vm].why);

	free(id->vms.at[vm].given);
	id->vms.at[vm].given = mem_strdup(name);
	describe_vm(id, vm, why);
}

static char *why_untraced(const struct ident_vm *vm)
{
	if (vm->is_whole)
		return mem_strdup("no trace of its own");
	if (vm->why_one)
		return mem_printf("no trace of its own; its vCPUs are one VM's because %s, and "
				  "there may be more",
				  vm->why_one);
	return mem_strdup("no trace of its own; nothing tells whether another vCPU is of the same "
			  "VM");
}

static void untie(struct identity *id, int vm, int machine)
{
	if (vm == IDENT_NONE || machine == IDENT_NONE)
		return;
	id->vms.at[vm].guest = IDENT_NONE;
	id->machines.at[machine].vm = IDENT_NONE;
	describe_vm(id, vm, why_untraced(&id->vms.at[vm]));
}

/* Whether `machine` runs, directly or not, the machine `inner`. */
static bool is_above(const struct identity *id, int machine, int inner)
{
	while (inner != IDENT_NONE && inner != machine) {
		int vm = id->machines.at[inner].vm;

		inner = vm == IDENT_NONE ? IDENT_NONE : id->vms.at[vm].host;
	}
	return inner == machine;
}

void identity_tie(struct identity *id, int vm, int machine, char *why)
{
	if (is_above(id, machine, id->vms.at[vm].host)) {
		free(why);
		return;
	}
	untie(id, vm, id->vms.at[vm].guest);
	untie(id, id->machines.at[machine].vm, machine);
	id->vms.at[vm].guest = machine;
	id->machines.at[machine].vm = vm;
	id->machines.at[machine].is_guest = true;
	describe_vm(id, vm, why);
}

/* ---- order ---------------------------------------------------------------------------------- */

static int by_vm_and_index(const void *a, const void *b)
{
	const struct ident_vcpu *x = a, *y = b;

	if (x->vm != y->vm)
		return x->vm < y->vm ? -1 : 1;
	/* Unknown ones last. */
	if (x->index != y->index)
		return (uint64_t)x->index < (uint64_t)y->index ? -1 : 1;
	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

static int by_vcpu_and_time(const void *a, const void *b)
{
	const struct ident_run *x = a, *y = b;

	if (x->vcpu != y->vcpu)
		return x->vcpu < y->vcpu ? -1 : 1;
	return x->last_ns < y->last_ns ? -1 : x->last_ns > y->last_ns;
}

/* Sorts vCPUs, and their runs with them; in moved, where each went. */
static void sort_vcpus(struct identity *id, size_t *moved)
{
	size_t n = id->vcpus.n;

	for (size_t i = 0; i < n; i++)
		id->vcpus.at[i].number = i;
	if (n)
		qsort(id->vcpus.at, n, sizeof(*id->vcpus.at), by_vm_and_index);
	for (size_t i = 0; i < n; i++)
		moved[id->vcpus.at[i].number] = i;
	vec_each (r, &id->runs)
		r->vcpu = (int)moved[r->vcpu];
	if (id->runs.n)
		qsort(id->runs.at, id->runs.n, sizeof(*id->runs.at), by_vcpu_and_time);
}

void identity_init(struct identity *id, const char *const *names, const char *const *hostnames,
		   const struct evidence *const *evidence, size_t n)
{
	*id = (struct identity){0};
	for (size_t i = 0; i < n; i++)
		add_machine(id, names[i], hostnames[i], evidence[i]);
	for (size_t i = 0; i < n; i++)
		find_vms(id, (int)i);
	for (int i = 0; i < (int)id->vms.n; i++)
		describe_vm(id, i, why_untraced(&id->vms.at[i]));
	for (size_t i = 0; i < n; i++)
		tie_guest(id, (int)i);
	size_t *moved = mem_zalloc(id->vcpus.n, sizeof(*moved));

	sort_vcpus(id, moved);
	free(moved);
}

static void drop_vm(struct identity *id, int vm)
{
	free(id->vms.at[vm].name);
	free(id->vms.at[vm].given);
	free(id->vms.at[vm].why);
	for (size_t i = (size_t)vm; i + 1 < id->vms.n; i++)
		id->vms.at[i] = id->vms.at[i + 1];
	id->vms.n--;
	vec_each (v, &id->vcpus)
		v->vm -= v->vm > vm;
	vec_each (m, &id->machines)
		m->vm -= m->vm > vm;
}

void identity_join(struct identity *id, int a, int b, char *why, size_t *moved)
{
	vec_each (v, &id->vcpus) {
		if (v->vm == b)
			v->vm = a;
	}
	id->vms.at[a].is_whole = true;
	if (id->vms.at[b].guest != IDENT_NONE)
		id->machines.at[id->vms.at[b].guest].vm = IDENT_NONE;
	drop_vm(id, b);
	describe_vm(id, a - (a > b), why);
	sort_vcpus(id, moved);
}

void identity_deinit(struct identity *id)
{
	vec_each (m, &id->machines)
		free(m->why);
	vec_each (vm, &id->vms) {
		free(vm->name);
		free(vm->given);
		free(vm->why);
	}
	vec_deinit(&id->machines);
	vec_deinit(&id->vms);
	vec_deinit(&id->vcpus);
	vec_deinit(&id->runs);
}

static int64_t identity_apply(const struct clock_map *map, int64_t ts)
{
	return ts == INT64_MIN || ts == INT64_MAX ? ts : clock_map_apply(map, ts);
}

void identity_set_clock(struct identity *id, int host, const struct clock_map *map)
{
	vec_each (r, &id->runs) {
		if (id->vms.at[id->vcpus.at[r->vcpu].vm].host != host)
			continue;
		r->from = identity_apply(map, r->from);
		r->to = identity_apply(map, r->to);
	}
}

int identity_machine_of_name(const struct identity *id, const char *name)
{
	int found = IDENT_NONE;

	for (size_t i = 0; i < id->machines.n; i++) {
		if (!strcmp(id->machines.at[i].name, name))
			return (int)i;
	}
	for (size_t i = 0; i < id->machines.n; i++) {
		const char *hostname = id->machines.at[i].hostname;

		if (hostname && !strcmp(hostname, name))
			found = found == IDENT_NONE ? (int)i : IDENT_SEVERAL;
	}
	return found;
}

int identity_vcpu_of_thread(const struct identity *id, int host, int64_t tid, int64_t ts)
{
	vec_each (r, &id->runs) {
		if (r->tid == tid && r->from <= ts && ts < r->to &&
		    id->vms.at[id->vcpus.at[r->vcpu].vm].host == host)
			return r->vcpu;
	}
	return IDENT_NONE;
}

int identity_entered_vcpu(const struct identity *id, int host, int64_t tid, int64_t ts,
			  int64_t vcpu_id)
{
	vec_each (r, &id->runs) {
		const struct ident_vm *vm = &id->vms.at[id->vcpus.at[r->vcpu].vm];

		if (r->tid == tid && r->from <= ts && ts < r->to && vm->host == host &&
		    (!vm->is_shared || id->vcpus.at[r->vcpu].index == vcpu_id))
			return r->vcpu;
	}
	return IDENT_NONE;
}

int identity_vm_of_thread(const struct identity *id, int host, int64_t tid)
{
	vec_each (r, &id->runs) {
		int vm = id->vcpus.at[r->vcpu].vm;

		if (r->tid == tid && id->vms.at[vm].host == host)
			return vm;
	}
	return IDENT_NONE;
}

int64_t identity_next_birth(const struct identity *id, int vcpu, int64_t ts)
{
	const struct ident_run *next = NULL;

	vec_each (r, &id->runs) {
		if (r->vcpu != vcpu || r->to <= ts)
			continue;
		if (r->from <= ts)
			return INT64_MIN;
		next = next && next->from <= r->from ? next : r;
	}
	if (!next)
		return INT64_MAX;
	return next->is_born ? next->from : INT64_MIN;
}

int identity_vcpu_of_index(const struct identity *id, int vm, int64_t index)
{
	for (size_t i = 0; i < id->vcpus.n; i++) {
		if (id->vcpus.at[i].vm == vm && id->vcpus.at[i].index == index)
			return (int)i;
	}
	return IDENT_NONE;
}

enum role identity_role(const struct ident_machine *m)
{
	return (enum role)((m->is_host ? ROLE_HOST : 0) | (m->is_guest ? ROLE_GUEST : 0));
}
