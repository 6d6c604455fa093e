#include <string.h>

#include "model/world.h"

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

static uint32_t add_thread(struct model *m, uint32_t machine, int64_t tid, enum thread_state state)
{
	uint32_t i = m->n_threads++, place = slots_add(&m->places, i);

	if (place == m->threads.n)
		vec_push(&m->threads);
	struct thread *t = &m->threads.at[place];

	*t = (struct thread){0};
	t->known = (struct model_thread){
		.id = i,
		.machine = machine,
		.tid = tid,
		.pid = NO_VALUE,
		.ppid = NO_VALUE,
		.vcpu = identity_vcpu_of_thread(m->identity, (int)machine, tid),
		.container = NO_CONTAINER};
	thread_lane_init(&t->lane, i, m->lanes[machine].begin, state, first_mode(m, machine, tid));
	return i;
}

uint32_t world_thread(struct model *m, uint32_t machine, uint32_t cpu, int64_t tid)
{
	uint64_t *i = map_put(&m->thread_by_key, thread_key(machine, tid, cpu), NO_THREAD);

	if (*i == NO_THREAD)
		*i = add_thread(m, machine, tid, THREAD_UNKNOWN);
	return (uint32_t)*i;
}

bool world_is_current(const struct machine *mc, uint32_t thread)
{
	for (size_t i = 0; i < mc->cpus.n; i++) {
		if (mc->cpus.at[i].current == thread)
			return true;
	}
	return false;
}

uint32_t world_fork(struct model *m, uint32_t machine, int64_t tid, int64_t ts)
{
	uint64_t key = thread_key(machine, tid, 0);
	const uint64_t *before = map_get(&m->thread_by_key, key);

	if (before && !world_is_current(&m->machines[machine], (uint32_t)*before))
		world_died(m, (uint32_t)*before, ts);
	uint32_t i = add_thread(m, machine, tid, THREAD_DEAD);

	*map_put(&m->thread_by_key, key, i) = i;
	return i;
}

/* ---- the dead --------------------------------------------------------------------------------- */

static void forget(struct model *m, uint32_t thread)
{
	struct thread *t = world_at(m, thread);
	uint64_t key = thread_key(t->known.machine, t->known.tid, 0);
	const uint64_t *named = map_get(&m->thread_by_key, key);

	thread_lane_finish(&t->lane, m->lanes[t->known.machine].end, m->sink);
	thread_lane_deinit(&t->lane);
	if (m->sink->thread_end)
		m->sink->thread_end(m->sink->ctx, &t->known);
	if (named && *named == thread)
		map_remove(&m->thread_by_key, key);
	t->known.id = NO_THREAD;
	slots_remove(&m->places, thread);
}

/* Whether nothing will be heard of it; it may have been woken, or forgotten already. */
static bool is_gone(const struct model *m, uint32_t thread)
{
	if (slots_find(&m->places, thread) == SLOT_NONE)
		return false;
	const struct thread *t = world_at(m, thread);

	return t->lane.open.state == THREAD_DEAD &&
	       !world_is_current(&m->machines[t->known.machine], thread);
}

void world_died(struct model *m, uint32_t thread, int64_t ts)
{
	uint32_t *place = &m->dead.threads[m->dead.n % LATELY_DEAD];

	world_never_ran(m, thread);
	world_thread_off(m, thread, ts, THREAD_DEAD, NO_CPU);
	world_thread_forget(m, thread);
	thread_lane_deinit(&world_at(m, thread)->lane);
	if (m->dead.n++ >= LATELY_DEAD && is_gone(m, *place))
		forget(m, *place);
	*place = thread;
}

/* ---- names ------------------------------------------------------------------------------------ */

void world_set_comm(struct model *m, uint32_t thread, const struct ctf_text *comm)
{
	char *to = world_at(m, thread)->known.comm;
	size_t n = comm->n < COMM_SIZE ? comm->n : COMM_SIZE;

	if (!n)
		return;
	memcpy(to, comm->at, n);
	to[n] = '\0';
}

/* ---- containers ------------------------------------------------------------------------------- */

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

/* Level 0 is the machine itself, not a container. */
void world_namespace(struct model *m, uint32_t thread, int64_t level, int64_t ns_inum)
{
	uint32_t machine = world_at(m, thread)->known.machine;
	struct namespace_chain *chain = &m->machines[machine].dumped;
	int at = NO_CONTAINER;

	if (level <= 0 || level > NAMESPACE_LEVELS || ns_inum <= 0)
		return;
	if (chain->thread != thread)
		*chain = (struct namespace_chain){.thread = thread};
	chain->ns_inum[level] = ns_inum;
	for (int i = 1; i <= NAMESPACE_LEVELS; i++) {
		if (chain->ns_inum[i])
			at = container(m, machine, chain->ns_inum[i],
				       chain->ns_inum[i - 1] ? at : NO_CONTAINER);
	}
	world_at(m, thread)->known.container = at;
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
	if (level == 0)
		return NO_CONTAINER;
	if (parents != NO_CONTAINER && m->containers.at[parents].ns_inum == ns_inum)
		return parents;
	return container(m, machine, ns_inum,
			 level_of(m, parents) + 1 == level ? parents : NO_CONTAINER);
}
