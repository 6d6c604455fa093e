#include "model/evidence.h"

#include <stdlib.h>
#include <string.h>

/* A thread has one vcpu_id and one VM; more values than this are noise that no vote needs. */
enum { VOTES_MAX = 64 };

/* A number in a damaged event must not make a CPU, unless one of that number is to be expected. */
enum { CPUS_MAX = 8192, MOVES_MIN = 3 };

/* So many entries are no damage. */
enum { SHARED_MIN = 2 };

/* Pairs of threads that wake each other; there are few that matter, and they wake often. */
enum { WAKES_MAX = 1 << 16 };

void votes_add(struct votes *v, int64_t value, uint64_t n)
{
	if (value == NO_VALUE)
		return;
	for (size_t i = 0; i < v->at.n; i++) {
		if (v->at.at[i].value == value) {
			v->at.at[i].n += n;
			return;
		}
	}
	if (v->at.n == VOTES_MAX)
		return;
	__typeof__(v->at.at) vote = vec_push(&v->at);

	vote->value = value;
	vote->n = n;
}

int64_t votes_winner(const struct votes *v)
{
	int64_t winner = NO_VALUE;
	uint64_t n = 0;

	for (size_t i = 0; i < v->at.n; i++) {
		if (v->at.at[i].n > n) {
			n = v->at.at[i].n;
			winner = v->at.at[i].value;
		}
	}
	return winner;
}

void votes_deinit(struct votes *v)
{
	vec_deinit(&v->at);
}

static void add_votes(struct votes *to, const struct votes *from)
{
	for (size_t i = 0; i < from->at.n; i++)
		votes_add(to, from->at.at[i].value, from->at.at[i].n);
}

static void vcpu_deinit(struct evidence_vcpu *v)
{
	votes_deinit(&v->entry_ids);
	votes_deinit(&v->exit_ids);
	votes_deinit(&v->vm_uids);
}

static struct event_set add_events(struct event_set set, const enum event_id *ids, size_t n)
{
	set.bits |= event_set_of(ids, (unsigned)n).bits;
	return set;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct event_set evidence_events(const struct evidence_options *o)
{
	static const enum event_id always[] = {EV_SCHED_SWITCH,
					       EV_SCHED_PROCESS_FORK,
					       EV_SCHED_PROCESS_EXIT,
					       EV_STATEDUMP_PROCESS_STATE,
					       EV_KVM_ENTRY,
					       EV_KVM_EXIT,
					       EV_KVM_WRITE_TSC_OFFSET,
					       EV_SCHED_MIGRATE_TASK,
					       EV_SCHED_WAKEUP};
	static const enum event_id vmsync[] = {EV_VMSYNC_GH_HOST, EV_VMSYNC_HG_HOST,
					       EV_VMSYNC_GH_GUEST, EV_VMSYNC_HG_GUEST};
	/* Whose VM a vCPU is shows in who wakes whom. */
	static const enum event_id wakes[] = {EV_SCHED_WAKING, EV_SCHED_WAKEUP};
	/* Others ask whether these were recorded. */
	static const enum event_id asked[] = {EV_SCHED_WAKING, EV_SCHED_WAKEUP, EV_SYSCALL_ENTRY,
					      EV_POWER_CPU_IDLE};
	struct event_set set = add_events((struct event_set){0}, always, COUNT(always));

	if (o->with_vmsync)
		set = add_events(set, vmsync, COUNT(vmsync));
	if (!o->has_processes)
		set = add_events(set, wakes, COUNT(wakes));
	return o->is_vague ? add_events(set, asked, COUNT(asked)) : set;
}

void evidence_init(struct evidence *e, const struct evidence_options *o)
{
	*e = (struct evidence){.described = o->described,
			       .lives = o->lives,
			       .cpus_apart = o->cpus_apart,
			       .has_processes = o->has_processes,
			       .is_partial = o->is_partial};
	/* Metadata names sched_switch also where a filter kept it out. */
	e->shown = o->is_vague ? evidence_events(o)
			       : event_set_of((enum event_id[]){EV_SCHED_SWITCH}, 1);
}

bool evidence_has(const struct evidence *e, enum event_id id)
{
	return event_set_has(e->described, id) && (!event_set_has(e->shown, id) || e->n[id]);
}

struct event_set evidence_present(const struct evidence *e)
{
	struct event_set set = {0};

	for (enum event_id id = 0; id < EV_N; id++)
		set.bits |= (uint64_t)evidence_has(e, id) << id;
	return set;
}

void evidence_deinit(struct evidence *e)
{
	vec_each (v, &e->vcpus)
		vcpu_deinit(v);
	vec_deinit(&e->vcpus);
	vec_deinit(&e->threads);
	vec_deinit(&e->forks);
	vec_deinit(&e->deaths);
	vec_deinit(&e->cpus);
	votes_deinit(&e->guest_uids);
	vec_deinit(&e->tsc);
	vec_deinit(&e->targets);
	vec_deinit(&e->wakes);
	vec_deinit(&e->vhosts);
	vec_deinit(&e->told);
	vec_deinit(&e->named);
	map_deinit(&e->vcpu_by_life);
	map_deinit(&e->thread_by_life);
	map_deinit(&e->wake_by_tids);
	map_deinit(&e->named_by_tid);
}

static struct evidence_vcpu evidence_new_vcpu(int64_t tid, unsigned life, int64_t only_id)
{
	return (struct evidence_vcpu){.tid = tid,
				      .life = life,
				      .only_id = only_id,
				      .first_ns = INT64_MAX,
				      .last_ns = INT64_MIN,
				      .pid = NO_VALUE};
}

static uint64_t evidence_life_key(int64_t tid, unsigned life)
{
	return (uint64_t)life << 32 | (uint32_t)tid;
}

/* Lives are few, and ids below VCPU_ID_MAX. */
static uint64_t evidence_vcpu_key(int64_t tid, unsigned life, int64_t only_id)
{
	uint64_t id = only_id == NO_VALUE ? 0 : (uint64_t)only_id + 1;

	return evidence_life_key(tid, life) ^ id << 48;
}

static struct evidence_vcpu *get_vcpu(struct evidence *e, int64_t tid, unsigned life,
				      int64_t only_id)
{
	uint64_t *i = map_put(&e->vcpu_by_life, evidence_vcpu_key(tid, life, only_id), e->vcpus.n);

	if (*i == e->vcpus.n)
		*vec_push(&e->vcpus) = evidence_new_vcpu(tid, life, only_id);
	return &e->vcpus.at[*i];
}

const struct evidence_vcpu *evidence_vcpu_of(const struct evidence *e, int64_t tid, unsigned life,
					     int64_t only_id)
{
	uint64_t *i = map_get(&e->vcpu_by_life, evidence_vcpu_key(tid, life, only_id));

	return i ? &e->vcpus.at[*i] : NULL;
}

static bool evidence_is_shared(const struct evidence *e, int64_t tid)
{
	return e->lives && lives_is_shared(e->lives, tid);
}

/* Which life of the tid it is at ts. */
static unsigned evidence_life(const struct evidence *e, int64_t tid, int64_t ts)
{
	return e->lives ? lives_number(e->lives, tid, ts) : 0;
}

static struct evidence_thread *get_thread(struct evidence *e, uint64_t key)
{
	uint64_t *i = map_put(&e->thread_by_life, key, e->threads.n);

	if (*i == e->threads.n)
		vec_push(&e->threads);
	return &e->threads.at[*i];
}

static const struct evidence_thread *find_thread(const struct evidence *e,
						 const struct evidence_vcpu *v)
{
	uint64_t *i = map_get(&e->thread_by_life, evidence_life_key(v->tid, v->life));

	return i ? &e->threads.at[*i] : NULL;
}

void evidence_name_thread(struct evidence *e, int64_t tid, int64_t pid, int64_t pid_ns,
			  const char *comm)
{
	uint64_t *i = map_put(&e->named_by_tid, (uint64_t)tid, e->named.n);
	struct event_text text = {comm, strlen(comm)};

	if (*i == e->named.n)
		vec_push(&e->named);
	e->named.at[*i].pid = pid;
	e->named.at[*i].pid_ns = pid_ns;
	comm_set(e->named.at[*i].comm, &text);
}

void evidence_tell_vcpu(struct evidence *e, uint32_t vm, int64_t tid)
{
	if (tid != NO_VALUE)
		*vec_push(&e->told) = (struct evidence_told_vcpu){vm, tid};
}

void evidence_know_vcpu(struct evidence *e, int64_t tid, int64_t index)
{
	struct evidence_vcpu *v = get_vcpu(e, tid, 0, NO_VALUE);

	v->is_told = true;
	votes_add(&v->entry_ids, index, 1);
}

const struct evidence_thread *evidence_named(const struct evidence *e, int64_t tid)
{
	uint64_t *i = map_get(&e->named_by_tid, (uint64_t)tid);

	return i ? &e->named.at[*i] : NULL;
}

/* Return: the fork that made the thread, which entered a guest after it; NULL: it was not seen. */
static const struct evidence_fork *evidence_birth(const struct evidence *e,
						  const struct evidence_vcpu *v)
{
	const struct evidence_fork *birth = NULL;

	vec_each (f, &e->forks) {
		if (f->tid == v->tid && f->ts <= v->last_ns && (!birth || f->ts > birth->ts))
			birth = f;
	}
	return birth;
}

int64_t evidence_pid(const struct evidence *e, const struct evidence_vcpu *v)
{
	const struct evidence_thread *t = find_thread(e, v);
	/* The host names the thread that has the tid now. */
	bool unsaid = v->pid == NO_VALUE && !v->is_told;
	const struct evidence_fork *birth = unsaid ? evidence_birth(e, v) : NULL;

	if (v->pid != NO_VALUE)
		return v->pid;
	if (birth)
		return birth->pid < 0 ? NO_VALUE : birth->pid;
	t = t ? t : evidence_named(e, v->tid);
	return t ? t->pid : NO_VALUE;
}

const char *evidence_comm(const struct evidence *e, const struct evidence_vcpu *v)
{
	const struct evidence_thread *t = find_thread(e, v);

	t = t ? t : evidence_named(e, v->tid);
	return *v->comm || !t ? v->comm : t->comm;
}

void evidence_stream_begin(struct evidence_stream *s, struct evidence *e, uint32_t cpu)
{
	*s = (struct evidence_stream){.e = e,
				      .cpu = e->cpus.n,
				      .tid = NO_VALUE,
				      .from_start = true,
				      .vcpu_id = NO_VALUE,
				      .unplaced = evidence_new_vcpu(NO_VALUE, 0, NO_VALUE),
				      .unplaced_tsc = e->tsc.n};
	*vec_push(&e->cpus) = (struct evidence_cpu){
		.cpu = cpu, .first_tid = NO_VALUE, .first_ns = INT64_MAX, .last_ns = INT64_MIN};
}

/*
 * The vCPU thread on the CPU now, at ts; while it is not known, a place to collect until it is.
 * Without the scheduler's events nobody tells that the tid names another thread since the last
 * time.
 */
static struct evidence_vcpu *current_vcpu(struct evidence_stream *s, int64_t ts)
{
	if (s->tid == NO_VALUE)
		return &s->unplaced;
	if (s->vcpu && !s->e->lives)
		return &s->e->vcpus.at[s->vcpu - 1];
	struct evidence_vcpu *v =
		get_vcpu(s->e, s->tid, evidence_life(s->e, s->tid, ts),
			 evidence_is_shared(s->e, s->tid) ? s->vcpu_id : NO_VALUE);

	s->vcpu = (size_t)(v - s->e->vcpus.at) + 1;
	if (*s->comm) {
		memcpy(v->comm, s->comm, sizeof(v->comm));
		*s->comm = '\0';
	}
	return v;
}

static bool has_evidence(const struct evidence_vcpu *v)
{
	return v->entries || v->exits || v->vm_uids.at.n;
}

static void evidence_add_vcpu(struct evidence_vcpu *to, const struct evidence_vcpu *from)
{
	to->entries += from->entries;
	to->exits += from->exits;
	to->first_ns = from->first_ns < to->first_ns ? from->first_ns : to->first_ns;
	to->last_ns = from->last_ns > to->last_ns ? from->last_ns : to->last_ns;
	add_votes(&to->entry_ids, &from->entry_ids);
	add_votes(&to->exit_ids, &from->exit_ids);
	add_votes(&to->vm_uids, &from->vm_uids);
}

/* Now it is known: prev_tid was on the CPU all the time. */
static void place(struct evidence_stream *s, int64_t tid, const struct event_text *comm)
{
	struct evidence_vcpu *from = &s->unplaced;

	if (s->from_start)
		s->e->cpus.at[s->cpu].first_tid = tid;
	s->from_start = false;
	if (has_evidence(from) && evidence_is_shared(s->e, tid)) {
		s->e->n_unplaced += from->entries + from->exits;
	} else if (has_evidence(from)) {
		unsigned life = evidence_life(s->e, tid, from->last_ns);
		struct evidence_vcpu *to = get_vcpu(s->e, tid, life, NO_VALUE);

		evidence_add_vcpu(to, from);
		if (!*to->comm)
			comm_set(to->comm, comm);
	}
	vcpu_deinit(from);
	*from = evidence_new_vcpu(NO_VALUE, 0, NO_VALUE);
	for (size_t i = s->unplaced_tsc; i < s->e->tsc.n; i++)
		s->e->tsc.at[i].tid = tid;
}

static void on_switch(struct evidence_stream *s, const struct event *event)
{
	if (s->tid == NO_VALUE)
		place(s, event->sched_switch.prev_tid, &event->sched_switch.prev_comm);
	s->tid = event->sched_switch.next_tid;
	s->vcpu = 0;
	s->vcpu_id = NO_VALUE;
	comm_set(s->comm, &event->sched_switch.next_comm);
}

/* What is collected so far belongs to whoever ran before the gap; nobody knows who runs after it.
 */
static void on_lost(struct evidence_stream *s)
{
	s->e->n_unplaced += s->unplaced.entries + s->unplaced.exits;
	vcpu_deinit(&s->unplaced);
	s->unplaced = evidence_new_vcpu(NO_VALUE, 0, NO_VALUE);
	s->unplaced_tsc = s->e->tsc.n;
	s->tid = NO_VALUE;
	s->vcpu_id = NO_VALUE;
	*s->comm = '\0';
	s->from_start = false;
}

static void on_vmsync(struct evidence_stream *s, const struct event *event)
{
	if (event->id == EV_VMSYNC_GH_HOST)
		votes_add(&current_vcpu(s, event->ts)->vm_uids, event->vmsync.vm_uid, 1);
	else if (event->id != EV_VMSYNC_HG_HOST)
		votes_add(&s->e->guest_uids, event->vmsync.vm_uid, 1);
}

static void on_tsc_offset(struct evidence_stream *s, const struct event *event)
{
	*vec_push(&s->e->tsc) =
		(struct evidence_tsc){.ts = event->ts,
				      .tid = s->tid,
				      .previous = event->kvm_write_tsc_offset.previous,
				      .next = event->kvm_write_tsc_offset.next};
}

static void on_fork(struct evidence *e, const struct event *event)
{
	int64_t pid = event->sched_process_fork.child_pid;

	*vec_push(&e->forks) =
		(struct evidence_fork){.ts = event->ts,
				       .tid = (int32_t)event->sched_process_fork.child_tid,
				       .parent = (int32_t)event->sched_process_fork.parent_tid,
				       .pid = pid == NO_VALUE ? -1 : (int32_t)pid};
}

static void on_death(struct evidence *e, const struct event *event)
{
	*vec_push(&e->deaths) =
		(struct evidence_death){.ts = event->ts, .tid = event->sched_process_exit.tid};
}

/* ---- who wakes whom -------------------------------------------------------------------------- */

static void add_wake(struct evidence *e, int64_t waker, int64_t woken, uint64_t n)
{
	uint64_t key = (uint64_t)(uint32_t)waker << 32 | (uint32_t)woken;
	uint64_t *i = map_get(&e->wake_by_tids, key);

	if (!i && e->wakes.n >= WAKES_MAX)
		return;
	i = i ? i : map_put(&e->wake_by_tids, key, e->wakes.n);
	if (*i == e->wakes.n)
		*vec_push(&e->wakes) = (struct evidence_wake){.waker = waker, .woken = woken};
	e->wakes.at[*i].n += n;
}

/* Return: the process that a vhost worker works for, by its name; NO_VALUE if it is none. */
static int64_t vhost_owner(const struct event_text *comm)
{
	static const char prefix[] = "vhost-";
	size_t n = sizeof(prefix) - 1;
	int64_t pid = 0;

	if (comm->n <= n || memcmp(comm->at, prefix, n) != 0)
		return NO_VALUE;
	for (; n < comm->n; n++) {
		if (comm->at[n] < '0' || comm->at[n] > '9')
			return NO_VALUE;
		pid = 10 * pid + comm->at[n] - '0';
	}
	return pid;
}

static void add_vhost(struct evidence *e, int64_t waker, int64_t pid)
{
	vec_each (v, &e->vhosts) {
		if (v->waker == waker && v->pid == pid)
			return;
	}
	if (e->vhosts.n < WAKES_MAX)
		*vec_push(&e->vhosts) = (struct evidence_vhost){waker, pid};
}

/*
 * Threads that work for everybody: that somebody wakes them says nothing of who belongs together.
 */
static bool serves_all(const struct event_text *comm)
{
	static const char *const names[] = {"kworker/", "ksoftirqd/", "migration/", "rcu",
					    "irq/",	"kswapd",     "kcompactd",  "cpuhp/"};

	for (size_t i = 0; i < COUNT(names); i++) {
		size_t n = strlen(names[i]);

		if (comm->n >= n && !memcmp(comm->at, names[i], n))
			return true;
	}
	return false;
}

/* Whoever is interrupted has nothing to do with whom the interrupt wakes. */
static void on_waking(struct evidence_stream *s, const struct event *event)
{
	const int64_t interrupts = TRACE_FLAG_HARDIRQ | TRACE_FLAG_SOFTIRQ | TRACE_FLAG_NMI;
	int64_t flags = event->sched_waking.flags;
	int64_t owner;

	if (s->e->has_processes || s->tid == NO_VALUE || s->tid == 0 || flags == NO_VALUE ||
	    flags & interrupts)
		return;
	owner = vhost_owner(&event->sched_waking.comm);
	if (owner != NO_VALUE)
		add_vhost(s->e, s->tid, owner);
	else if (!serves_all(&event->sched_waking.comm))
		add_wake(s->e, s->tid, event->sched_waking.tid, 1);
}

static void add_target(struct evidence *e, int64_t cpu, uint64_t n)
{
	vec_each (g, &e->targets) {
		if (g->cpu == cpu) {
			g->n += n;
			return;
		}
	}
	*vec_push(&e->targets) = (struct evidence_target){.cpu = cpu, .n = n};
}

static void on_target(struct evidence *e, int64_t cpu)
{
	if (cpu >= 0 && cpu < CPUS_MAX)
		add_target(e, cpu, 1);
}

void evidence_name_cpu(struct evidence *e, uint32_t cpu)
{
	add_target(e, cpu, MOVES_MIN);
}

/* ---- parts ----------------------------------------------------------------------------------- */

static void absorb_vcpu(struct evidence *e, const struct evidence_vcpu *from)
{
	struct evidence_vcpu *to = get_vcpu(e, from->tid, from->life, from->only_id);

	evidence_add_vcpu(to, from);
	if (from->pid != NO_VALUE)
		to->pid = from->pid;
	if (*from->comm)
		memcpy(to->comm, from->comm, sizeof(to->comm));
}

static void absorb_thread(struct evidence *e, uint64_t key, const struct evidence_thread *from)
{
	struct evidence_thread *to = get_thread(e, key);

	if (from->pid)
		to->pid = from->pid;
	if (*from->comm)
		memcpy(to->comm, from->comm, sizeof(to->comm));
}

static void absorb_threads(struct evidence *e, const struct evidence *from)
{
	uint64_t *keys = mem_zalloc(from->threads.n, sizeof(*keys));

	for (size_t i = 0; i < from->thread_by_life.capacity; i++) {
		const struct map_entry *m = &from->thread_by_life.at[i];

		if (m->used)
			keys[m->value] = m->key;
	}
	for (size_t i = 0; i < from->threads.n; i++)
		absorb_thread(e, keys[i], &from->threads.at[i]);
	free(keys);
}

void evidence_absorb(struct evidence *e, struct evidence *from)
{
	e->n_events += from->n_events;
	e->n_lost += from->n_lost;
	e->n_unplaced += from->n_unplaced;
	for (enum event_id id = 0; id < EV_N; id++)
		e->n[id] += from->n[id];
	vec_each (v, &from->vcpus)
		absorb_vcpu(e, v);
	absorb_threads(e, from);
	vec_each (f, &from->forks)
		*vec_push(&e->forks) = *f;
	vec_each (d, &from->deaths)
		*vec_push(&e->deaths) = *d;
	vec_each (c, &from->cpus)
		*vec_push(&e->cpus) = *c;
	add_votes(&e->guest_uids, &from->guest_uids);
	vec_each (t, &from->tsc)
		*vec_push(&e->tsc) = *t;
	vec_each (g, &from->targets)
		add_target(e, g->cpu, g->n);
	vec_each (w, &from->wakes)
		add_wake(e, w->waker, w->woken, w->n);
	vec_each (v, &from->vhosts)
		add_vhost(e, v->waker, v->pid);
	evidence_deinit(from);
}

/* Return: whether another CPU had its first event, in the same thread, before. */
static bool is_later_place(const struct evidence *e, const struct evidence_cpu *c)
{
	vec_each (other, &e->cpus) {
		if (other != c && other->first_tid == c->first_tid &&
		    other->first_ns <= c->first_ns)
			return true;
	}
	return false;
}

void evidence_settle_first(struct evidence *e)
{
	vec_each (c, &e->cpus) {
		/* Each CPU has an idle thread of its own. */
		if (c->first_tid != NO_VALUE && c->first_tid != 0 && is_later_place(e, c))
			c->first_tid = NO_VALUE;
	}
}

/* Whether a few entries are of another vCPU than most, and none has a number that is none. */
static bool evidence_runs_several(const struct evidence_vcpu *v)
{
	size_t n = 0;

	vec_each (id, &v->entry_ids.at) {
		if (id->value < 0 || id->value >= VCPU_ID_MAX)
			return false;
		n += id->n >= SHARED_MIN;
	}
	return n > 1 && (!v->exit_ids.at.n || v->exit_ids.at.n > 1);
}

bool evidence_find_lives(const struct evidence *e, struct lives *lives)
{
	size_t n = lives->at.n;

	vec_each (f, &e->forks) {
		const struct evidence_vcpu *v = evidence_vcpu_of(e, f->tid, 0, NO_VALUE);

		if (v && v->first_ns < f->ts && f->ts <= v->last_ns)
			lives_add(lives, f->tid, f->ts);
	}
	vec_each (d, &e->deaths) {
		const struct evidence_vcpu *v = evidence_vcpu_of(e, d->tid, 0, NO_VALUE);

		if (v && v->first_ns < d->ts && d->ts <= v->last_ns)
			lives_add(lives, d->tid, d->ts);
	}
	vec_each (v, &e->vcpus) {
		if (evidence_runs_several(v))
			*vec_push(&lives->shared) = v->tid;
	}
	lives_sort(lives);
	return lives->at.n > n || lives->shared.n;
}

void evidence_span(const struct evidence *e, int64_t *firstp, int64_t *lastp)
{
	*firstp = INT64_MAX;
	*lastp = INT64_MIN;
	vec_each (c, &e->cpus) {
		*firstp = c->first_ns < *firstp ? c->first_ns : *firstp;
		*lastp = c->last_ns > *lastp ? c->last_ns : *lastp;
	}
}

bool evidence_is_missing(const struct evidence *e, const struct evidence_target *g)
{
	bool is_between = false;

	for (size_t i = 0; i < e->cpus.n; i++) {
		if (e->cpus.at[i].cpu == g->cpu)
			return false;
		is_between |= e->cpus.at[i].cpu > g->cpu;
	}
	return is_between || e->is_partial || g->n >= MOVES_MIN;
}

static void on_statedump(struct evidence *e, const struct event *event)
{
	int64_t tid = event->statedump_process_state.tid;
	struct evidence_thread *t =
		get_thread(e, evidence_life_key(tid, evidence_life(e, tid, event->ts)));

	if (event->statedump_process_state.pid != NO_VALUE)
		t->pid = event->statedump_process_state.pid;
	if (event->statedump_process_state.name.n)
		comm_set(t->comm, &event->statedump_process_state.name);
}

/*
 * The recorder says which thread is on the CPU. Where sched_switch is recorded it says the same;
 * where it is not, or where events are missing, this is how one knows.
 */
static void on_thread(struct evidence_stream *s, int64_t tid)
{
	static const struct event_text unnamed = {0};

	if (s->tid == NO_VALUE)
		place(s, tid, &unnamed);
	s->tid = tid;
	s->vcpu = 0;
	s->vcpu_id = NO_VALUE;
	*s->comm = '\0';
}

static void evidence_seen(struct evidence_vcpu *v, const struct event *event)
{
	v->pid = event->pid;
	v->first_ns = event->ts < v->first_ns ? event->ts : v->first_ns;
	v->last_ns = event->ts > v->last_ns ? event->ts : v->last_ns;
}

static void on_entry(struct evidence_vcpu *v, const struct event *event)
{
	v->entries++;
	evidence_seen(v, event);
	votes_add(&v->entry_ids, event->kvm_entry.vcpu_id, 1);
	if (event->kvm_entry.comm.n)
		comm_set(v->comm, &event->kvm_entry.comm);
}

void evidence_stream_event(struct evidence_stream *s, const struct event *event)
{
	struct evidence_vcpu *v;

	if (event->tid != NO_VALUE && event->tid != s->tid && event->id != EV_LOST)
		on_thread(s, event->tid);
	if (event->id < EV_N)
		s->e->n[event->id]++;
	switch (event->id) {
	case EV_SCHED_SWITCH:
		on_switch(s, event);
		break;
	case EV_KVM_ENTRY:
		s->vcpu_id = event->kvm_entry.vcpu_id;
		on_entry(current_vcpu(s, event->ts), event);
		break;
	case EV_KVM_EXIT:
		v = current_vcpu(s, event->ts);
		if (s->vcpu_id == NO_VALUE && evidence_is_shared(s->e, s->tid)) {
			s->e->n_unplaced++;
			break;
		}
		evidence_seen(v, event);
		v->exits++;
		votes_add(&v->exit_ids, event->kvm_exit.vcpu_id, 1);
		break;
	case EV_SCHED_PROCESS_FORK:
		on_fork(s->e, event);
		break;
	case EV_SCHED_PROCESS_EXIT:
		on_death(s->e, event);
		break;
	case EV_SCHED_MIGRATE_TASK:
		on_target(s->e, event->sched_migrate_task.dest_cpu);
		break;
	case EV_STATEDUMP_PROCESS_STATE:
		on_statedump(s->e, event);
		break;
	case EV_SCHED_WAKEUP:
		on_target(s->e, event->sched_wakeup.target_cpu);
		on_waking(s, event);
		break;
	case EV_SCHED_WAKING:
		on_waking(s, event);
		break;
	case EV_KVM_WRITE_TSC_OFFSET:
		on_tsc_offset(s, event);
		break;
	case EV_VMSYNC_GH_HOST:
	case EV_VMSYNC_HG_HOST:
	case EV_VMSYNC_GH_GUEST:
	case EV_VMSYNC_HG_GUEST:
		on_vmsync(s, event);
		break;
	case EV_LOST:
		on_lost(s);
		break;
	}
}

void evidence_stream_end(struct evidence_stream *s, uint64_t n_events, uint64_t n_lost,
			 int64_t first_ns, int64_t last_ns)
{
	struct evidence_cpu *cpu = &s->e->cpus.at[s->cpu];

	on_lost(s);
	s->e->n_events += n_events;
	s->e->n_lost += n_lost;
	cpu->first_ns = first_ns;
	cpu->last_ns = last_ns;
}
