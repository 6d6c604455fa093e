#include "model/threads.h"

#include <string.h>

#include "model/fused.h"
#include "model/waits.h"

/* Each CPU has an idle thread of its own; all of them have tid 0. */
static uint64_t thread_key(uint32_t machine, int64_t tid, uint32_t cpu)
{
	uint64_t low = tid == 0 ? 1u << 31 | cpu : (uint32_t)tid & ~(1u << 31);

	return (uint64_t)machine << 32 | low;
}

static enum thread_mode first_mode(const struct model *m, uint32_t machine, int64_t tid)
{
	if (tid == 0)
		return MODE_KERNEL;
	return m->machines[machine].has_syscalls ? MODE_UNKNOWN : MODE_USER;
}

/* Memory for a thread: its id's until that is forgotten. */
static struct thread *place_of(struct model *m, uint32_t id)
{
	uint32_t place = slots_add(&m->places, id);

	if (place == m->threads.n)
		*vec_push(&m->threads) = mem_alloc(sizeof(struct thread));
	return m->threads.at[place];
}

static void world_stop_vcpu(struct thread *t)
{
	if (t->vcpu)
		t->vcpu->runner = NULL;
	t->vcpu = NULL;
}

void world_run_vcpu(struct world_vcpu *v, struct thread *t)
{
	if (v->runner)
		world_stop_vcpu(v->runner);
	world_stop_vcpu(t);
	v->runner = t;
	t->vcpu = v;
	t->known.vcpu = (int)v->self.id;
}

static struct thread *add_thread(struct model *m, uint32_t machine, int64_t tid, uint64_t key,
				 enum thread_state state)
{
	int vcpu = identity_vcpu_of_thread(m->identity, (int)machine, tid, m->now);
	struct thread *t = place_of(m, m->n_threads);

	*t = (struct thread){.key = key};
	t->known = (struct model_thread){.id = m->n_threads++,
					 .machine = machine,
					 .tid = tid,
					 .pid = NO_VALUE,
					 .ppid = NO_VALUE,
					 .vcpu = NO_VCPU,
					 .container = NO_CONTAINER};
	if (vcpu != IDENT_NONE && !m->vcpus[vcpu].is_shared)
		world_run_vcpu(&m->vcpus[vcpu], t);
	thread_lane_init(&t->lane, t->known.id, m->lanes[machine].begin, state,
			 first_mode(m, machine, tid));
	*map_put(&m->thread_by_key, key, 0) = (uintptr_t)t;
	return t;
}

static struct thread *find(const struct model *m, uint64_t key)
{
	const uint64_t *t = map_get(&m->thread_by_key, key);

	/* The map holds numbers: of pointers, too. */
	return t ? (struct thread *)(uintptr_t)*t : NULL; // NOLINT(performance-no-int-to-ptr)
}

/* What the recording as a whole says of a thread that was there when it began. */
static struct thread *name_thread(struct model *m, struct thread *t)
{
	const struct evidence *e = m->identity->machines.at[t->known.machine].evidence;
	const struct evidence_thread *named = evidence_named(e, t->known.tid);

	if (named) {
		t->known.pid = named->pid;
		memcpy(t->known.comm, named->comm, sizeof(named->comm));
		world_namespace(m, t, NO_VALUE, named->pid_ns);
	}
	return t;
}

struct thread *world_thread(struct model *m, const struct cpu *c, int64_t tid)
{
	uint64_t key = thread_key(c->machine, tid, c->number);

	if (c->current && c->current->key == key)
		return c->current;
	struct thread *t = find(m, key);

	return t ? t : name_thread(m, add_thread(m, c->machine, tid, key, THREAD_UNKNOWN));
}

bool world_is_current(const struct machine *mc, const struct thread *t)
{
	vec_each (c, &mc->cpus) {
		if ((*c)->current == t)
			return true;
	}
	return false;
}

/* Its tid is another's now. Return: that one. */
static struct thread *threads_succeed(struct model *m, uint32_t machine, int64_t tid, int64_t ts,
				      enum thread_state state)
{
	uint64_t key = thread_key(machine, tid, 0);
	struct thread *before = find(m, key);

	if (before && !world_is_current(&m->machines[machine], before))
		world_died(m, before, ts);
	/* That may have been its end. */
	before = find(m, key);
	if (before)
		before->key = NO_KEY;
	return add_thread(m, machine, tid, key, state);
}

struct thread *world_fork(struct model *m, uint32_t machine, int64_t tid, int64_t ts)
{
	return threads_succeed(m, machine, tid, ts, THREAD_DEAD);
}

struct thread *world_alive(struct model *m, struct thread *t, int64_t ts)
{
	if (!t->retired || t->lane.open.state != THREAD_DEAD || thread_is_idle(t))
		return t;
	return threads_succeed(m, t->known.machine, t->known.tid, ts, THREAD_UNKNOWN);
}

/* ---- the dead ------------------------------------------------------------------------------- */

static void forget(struct model *m, struct thread *t)
{
	world_never_ran(m, t);
	world_stop_vcpu(t);
	thread_lane_finish(&t->lane, m->lanes[t->known.machine].end, m->sink);
	thread_lane_deinit(&t->lane);
	if (m->sink->thread_end)
		m->sink->thread_end(m->sink->ctx, &t->known);
	if (t->key != NO_KEY)
		map_remove(&m->thread_by_key, t->key);
	slots_remove(&m->places, t->known.id);
	t->known.id = NO_THREAD;
}

/* Whether nothing will be heard of it; it may have been woken. */
static bool is_gone(const struct model *m, const struct thread *t)
{
	return t->lane.open.state == THREAD_DEAD &&
	       !world_is_current(&m->machines[t->known.machine], t);
}

/* Puts it among the zombies, in the place of the one that died first. */
static void retire(struct model *m, struct thread *t)
{
	struct thread **place = &m->zombies.threads[m->zombies.n++ % ZOMBIES];
	struct thread *first = *place;

	if (first) {
		first->retired = false;
		if (is_gone(m, first))
			forget(m, first);
	}
	*place = t;
	t->retired = true;
}

void world_died(struct model *m, struct thread *t, int64_t ts)
{
	world_never_ran(m, t);
	world_thread_off(m, t, ts, THREAD_DEAD, NO_CPU);
	world_thread_forget(m, t);
	thread_lane_deinit(&t->lane);
	if (!t->retired)
		retire(m, t);
}

/* ---- names ---------------------------------------------------------------------------------- */

void world_set_comm(struct thread *t, const struct event_text *comm)
{
	if (comm->n)
		comm_set(t->known.comm, comm);
}

/* ---- containers ----------------------------------------------------------------------------- */

static bool is_within(const struct model *m, int inner, int outer)
{
	while (inner != NO_CONTAINER && inner != outer)
		inner = m->containers.at[inner].parent;
	return inner == outer;
}

/* The PID namespace ns_inum of a machine, in `parent` if that is known. Return: its index. */
static int container(struct model *m, uint32_t machine, int64_t ns_inum, int parent)
{
	uint64_t key = (uint64_t)machine << 32 | (uint32_t)ns_inum;
	uint64_t *i = map_put(&m->container_by_key, key, m->containers.n);

	if (*i == m->containers.n)
		*vec_push(&m->containers) = (struct model_container){
			.machine = machine, .parent = NO_CONTAINER, .ns_inum = ns_inum};
	if (m->containers.at[*i].parent == NO_CONTAINER && !is_within(m, parent, (int)*i))
		m->containers.at[*i].parent = parent;
	return (int)*i;
}

/* PROC_PID_INIT_INO, include/linux/proc_ns.h: the machine's own. */
static const int64_t INIT_PID_NS = 0xeffffffc;

/* Of a namespace that is on no known level. */
static int container_of_namespace(struct model *m, uint32_t machine, int64_t ns_inum, int parent)
{
	if (ns_inum <= 0 || ns_inum == INIT_PID_NS)
		return NO_CONTAINER;
	if (parent != NO_CONTAINER && m->containers.at[parent].ns_inum == ns_inum)
		return parent;
	return container(m, machine, ns_inum, parent);
}

/* Level 0 is the machine itself, not a container. */
void world_namespace(struct model *m, struct thread *t, int64_t level, int64_t ns_inum)
{
	uint32_t machine = t->known.machine;
	struct namespace_chain *chain = &m->machines[machine].dumped;
	int at = NO_CONTAINER;

	if (level == NO_VALUE && ns_inum > 0)
		t->known.container = container_of_namespace(m, machine, ns_inum, NO_CONTAINER);
	if (level <= 0 || level > NAMESPACE_LEVELS || ns_inum <= 0)
		return;
	if (chain->thread != t->known.id)
		*chain = (struct namespace_chain){.thread = t->known.id};
	chain->ns_inum[level] = ns_inum;
	for (int i = 1; i <= NAMESPACE_LEVELS; i++) {
		if (chain->ns_inum[i])
			at = container(m, machine, chain->ns_inum[i],
				       chain->ns_inum[i - 1] ? at : NO_CONTAINER);
	}
	t->known.container = at;
}

static int level_of(const struct model *m, int at)
{
	int level = 0;

	for (; at != NO_CONTAINER; at = m->containers.at[at].parent)
		level++;
	return level;
}

int world_container_of_child(struct model *m, uint32_t machine, int64_t level, int64_t ns_inum,
			     int parents)
{
	if (level == NO_VALUE)
		return container_of_namespace(m, machine, ns_inum, parents);
	if (level == 0)
		return NO_CONTAINER;
	if (parents != NO_CONTAINER && m->containers.at[parents].ns_inum == ns_inum)
		return parents;
	return container(m, machine, ns_inum,
			 level_of(m, parents) + 1 == level ? parents : NO_CONTAINER);
}
