#include "analyze/save.h"

#include <inttypes.h>
#include <stdlib.h>

#include "analyze/warnings.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/slots.h"
#include "events/exit_reason.h"
#include "schema/table.h"
#include "store/spill.h"
#include "store/writer.h"
#include "tally/tally.h"

/* What nearly all exits name; of what lies beyond a map is asked. */
enum { FEW_ISAS = 6, FEW_REASONS = 128 };

/* What a map said lately, by a part of the key: most ask what one shortly before them asked. */
enum { LATELY = 64 };

/* Numbers that details of exits are named with. */
enum { DETAIL_NAMES_MAX = 4096 };

struct lately {
	uint64_t key; /* 0: nothing */
	int64_t value;
};

/* Of a CPU, as long as there is the file. */
struct cpu_rows {
	struct store_lane *lane;
	uint32_t thread; /* that ran on it last; NO_THREAD: none that has a lane */
	struct store_lane *of_thread;
};

/* NULL until used. */
struct vcpu_rows {
	struct store_lane *states, *exits;
	uint32_t cpu; /* of its host, where it was last; if `on` is not NULL */
	const struct cpu_rows *on;
};

struct thread_lanes {
	struct store_lane *states, *wakeups;
};

struct save {
	struct store_writer *writer;
	struct model_sink sink;
	const struct identity *identity;	  /* from begin() on */
	struct tally *tally;			  /* of the rows, from begin() on; NULL: taken */
	struct vcpu_rows *vcpus;		  /* owned; by id */
	VEC(struct cpu_rows *) cpus;		  /* owned */
	struct map cpu_at;			  /* machine and number -> index in cpus */
	struct slots places;			  /* of threads that have lanes and are not ended */
	VEC(struct thread_lanes) threads;	  /* by place */
	struct spill *thread_rows;		  /* of the others */
	struct map exit_names;			  /* cause -> string */
	struct map syscall_names;		  /* and of handlers: address -> string */
	int64_t few_exits[FEW_ISAS][FEW_REASONS]; /* more than the string by 1; 0: ask the map */
	struct lately syscalls[LATELY], details[LATELY];
	struct map detail_names; /* detail -> string */
	size_t n_detail_names;
	int64_t detail_kinds[DETAIL_N_KINDS]; /* more than the string by 1; 0: not named yet */
	int64_t busy_names[BUSY_N], certainty_names[CERTAINTY_N]; /* strings; from begin() on */
};

/* ---- ids -------------------------------------------------------------------------------------- */

static int64_t or_null(uint32_t id)
{
	return id == UINT32_MAX ? TABLE_NULL : (int64_t)id;
}

static int64_t index_or_null(int id)
{
	return id < 0 ? TABLE_NULL : id;
}

/* A traced VM is its machine; the others stand behind all machines, in their order. */
static int64_t machine_of_vm(const struct identity *id, int vm)
{
	int64_t next = (int64_t)id->machines.n;

	if (vm < 0)
		return TABLE_NULL;
	if (id->vms.at[vm].guest != IDENT_NONE)
		return id->vms.at[vm].guest;
	for (int i = 0; i < vm; i++)
		next += id->vms.at[i].guest == IDENT_NONE;
	return next;
}

/* ---- lanes ------------------------------------------------------------------------------------ */

/* Finds the lane of this vCPU, or makes it. */
static struct store_lane *lane_of_vcpu(struct save *s, struct store_lane **lanep,
				       enum table_id table, uint32_t vcpu)
{
	if (!*lanep)
		*lanep = store_writer_lane(s->writer, table, &(int64_t){vcpu});
	return *lanep;
}

static struct thread_lanes *find_thread(const struct save *s, uint32_t thread)
{
	uint32_t place = thread == NO_THREAD ? SLOT_NONE : slots_find(&s->places, thread);

	return place == SLOT_NONE ? NULL : &s->threads.at[place];
}

/* Finds them, or makes room for them. */
static struct thread_lanes *lanes_of_thread(struct save *s, uint32_t thread)
{
	struct thread_lanes *known = find_thread(s, thread);

	if (known)
		return known;
	uint32_t place = slots_add(&s->places, thread);

	if (place == s->threads.n)
		vec_push(&s->threads);
	s->threads.at[place] = (struct thread_lanes){0};
	return &s->threads.at[place];
}

/* Return: its lane of states, or NULL while it has none. */
static struct store_lane *states_of_thread(const struct save *s, uint32_t thread)
{
	const struct thread_lanes *l = find_thread(s, thread);

	return l ? l->states : NULL;
}

/* Return: NULL: it has no lane yet. */
static struct cpu_rows *find_cpu(const struct save *s, uint32_t machine, uint32_t cpu)
{
	uint64_t *index = map_get(&s->cpu_at, (uint64_t)machine << 32 | cpu);

	return index ? s->cpus.at[*index] : NULL;
}

static struct cpu_rows *new_cpu(struct save *s, uint32_t machine, uint32_t cpu)
{
	int64_t keys[TABLE_MAX_KEYS] = {machine, cpu};
	struct cpu_rows *c = mem_alloc(sizeof(*c));

	*c = (struct cpu_rows){.lane = store_writer_lane(s->writer, TABLE_CPU_STATE, keys),
			       .thread = NO_THREAD};
	map_put(&s->cpu_at, (uint64_t)machine << 32 | cpu, s->cpus.n);
	return *vec_push(&s->cpus) = c;
}

/* Says that the lane's times are mostly those of this CPU, if there is one. */
static inline void note_near(struct store_lane *lane, const struct cpu_rows *c)
{
	if (lane)
		store_lane_near(lane, c->lane);
}

/* The same of the thread that runs on it. */
static inline void note_thread(const struct save *s, struct cpu_rows *c, uint32_t thread)
{
	if (c->thread != thread) {
		c->of_thread = states_of_thread(s, thread);
		c->thread = c->of_thread ? thread : NO_THREAD;
	}
	note_near(c->of_thread, c);
}

static int64_t exit_name_string(struct save *s, const struct exit_cause *cause)
{
	char *text = exit_reason_label((enum isa)cause->isa, (uint32_t)cause->reason);
	int64_t string = store_writer_string(s->writer, text);

	free(text);
	return string;
}

static int64_t find_exit_name(struct save *s, const struct exit_cause *cause)
{
	uint64_t key = (uint64_t)cause->isa << 33 ^ cause->reason;
	uint64_t *known = map_get(&s->exit_names, key);

	if (known)
		return (int64_t)*known;
	int64_t string = exit_name_string(s, cause);

	map_put(&s->exit_names, key, (uint64_t)string);
	return string;
}

static int64_t exit_name(struct save *s, const struct exit_cause *cause)
{
	if (cause->reason == NO_EXIT)
		return TABLE_NULL;
	if (cause->reason >= FEW_REASONS || cause->isa >= FEW_ISAS)
		return find_exit_name(s, cause);
	int64_t *few = &s->few_exits[cause->isa][cause->reason];

	if (!*few)
		*few = find_exit_name(s, cause) + 1;
	return *few - 1;
}

/* Return: the string of a detail that is named by its kind alone. */
static int64_t kind_name(struct save *s, enum exit_detail_kind kind)
{
	if (!s->detail_kinds[kind])
		s->detail_kinds[kind] =
			store_writer_string(s->writer, exit_detail_kind_name(kind)) + 1;
	return s->detail_kinds[kind] - 1;
}

/* Of one that is named. */
static uint64_t detail_key(struct exit_detail d)
{
	return (uint64_t)d.value << EXIT_DETAIL_KIND_BITS | (uint64_t)d.kind;
}

/* Addresses can be any number; what comes after so many different ones goes by its kind. */
static int64_t find_detail_name(struct save *s, struct exit_detail d)
{
	char name[EXIT_DETAIL_TEXT];
	uint64_t *known = map_get(&s->detail_names, detail_key(d));

	if (known)
		return (int64_t)*known;
	if (s->n_detail_names == DETAIL_NAMES_MAX)
		return kind_name(s, d.kind);
	exit_detail_text(d, name);
	s->n_detail_names++;
	return (int64_t)*map_put(&s->detail_names, detail_key(d),
				 (uint64_t)store_writer_string(s->writer, name));
}

static int64_t detail_name(struct save *s, struct exit_detail d)
{
	if (d.kind == DETAIL_NONE)
		return TABLE_NULL;
	if (!exit_detail_is_named(d))
		return kind_name(s, d.kind);
	const uint64_t key = detail_key(d);
	struct lately *l = &s->details[(key * UINT64_C(0x9E3779B97F4A7C15) >> 32) % LATELY];

	if (l->key != key)
		*l = (struct lately){key, find_detail_name(s, d)};
	return l->value;
}

static int64_t exit_reason(const struct exit_cause *cause)
{
	return cause->reason == NO_EXIT ? TABLE_NULL : (int64_t)cause->reason;
}

static int64_t find_syscall_name(struct save *s, const char *name)
{
	uint64_t *known = map_get(&s->syscall_names, (uintptr_t)name);

	if (known)
		return (int64_t)*known;
	int64_t string = store_writer_string(s->writer, name);

	map_put(&s->syscall_names, (uintptr_t)name, (uint64_t)string);
	return string;
}

static int64_t syscall_name(struct save *s, const char *name)
{
	const uint64_t key = (uintptr_t)name;

	if (!name)
		return TABLE_NULL;
	struct lately *l = &s->syscalls[(key * UINT64_C(0x9E3779B97F4A7C15) >> 32) % LATELY];

	if (l->key != key)
		*l = (struct lately){key, find_syscall_name(s, name)};
	return l->value;
}

/* Handlers have few names, and most rows none. */
static int64_t handler_name(struct save *s, const char *name)
{
	return name ? find_syscall_name(s, name) : TABLE_NULL;
}

static void save_cause_names(struct save *s)
{
	for (int i = 0; i < BUSY_N; i++)
		s->busy_names[i] = store_writer_string(s->writer, busy_name((enum busy)i));
	for (int i = 0; i < CERTAINTY_N; i++)
		s->certainty_names[i] =
			store_writer_string(s->writer, certainty_name((enum certainty)i));
}

static void on_begin(void *ctx, const struct identity *identity)
{
	struct save *s = ctx;

	save_cause_names(s);
	s->identity = identity;
	s->tally = tally_new(identity->vcpus.n);
	s->vcpus = mem_zalloc(identity->vcpus.n + 1, sizeof(*s->vcpus));
}

/* A column's place among those behind another one. */
#define BEHIND(table, column, other) (COL_##table##_##column - COL_##table##_##other - 1)

#define VCPU_STATE(column)   BEHIND(VCPU_STATE, column, STATE)
#define VM_EXIT(column)	     BEHIND(VM_EXIT, column, DUR)
#define THREAD_STATE(column) BEHIND(THREAD_STATE, column, STATE)
#define CPU_STATE(column)    BEHIND(CPU_STATE, column, STATE)
#define WAKEUP(column)	     BEHIND(WAKEUP, column, TS)

/* Finds where the vCPU is, which mostly is where it was. */
static inline const struct cpu_rows *cpu_of_vcpu(const struct save *s, struct vcpu_rows *v,
						 const struct vcpu_interval *i)
{
	if (v->on && v->cpu == i->cpu)
		return v->on;
	const struct ident_vm *vm = &s->identity->vms.at[s->identity->vcpus.at[i->vcpu].vm];

	v->cpu = i->cpu;
	return v->on = find_cpu(s, (uint32_t)vm->host, i->cpu);
}

/* row: from the column behind state on. */
static void save_tally_state(const struct save *s, const struct vcpu_interval *i,
			     const int64_t *row)
{
	const struct tally_state state = {
		.state = i->state,
		.begin = i->begin,
		.dur = i->end - i->begin,
		.cpu = row[VCPU_STATE(PCPU)],
		.occupant = row[VCPU_STATE(OCCUPANT_THREAD_ID)],
		.busy = i->occupant.busy,
		.occupant_irq = row[VCPU_STATE(OCCUPANT_IRQ)],
		.occupant_handler = row[VCPU_STATE(OCCUPANT_HANDLER)],
		.certainty = i->throttled,
	};

	tally_add_state(&s->tally->vcpus[i->vcpu], &state);
}

static void on_vcpu(void *ctx, const struct vcpu_interval *i)
{
	struct save *s = ctx;
	struct vcpu_rows *v = &s->vcpus[i->vcpu];
	struct store_lane *lane = lane_of_vcpu(s, &v->states, TABLE_VCPU_STATE, i->vcpu);
	int64_t *row = store_lane_state(lane, i->begin, i->end, i->state);

	if (row) {
		row[VCPU_STATE(EXIT_REASON)] = exit_reason(&i->cause);
		row[VCPU_STATE(EXIT_NAME)] = exit_name(s, &i->cause);
		row[VCPU_STATE(PCPU)] = or_null(i->cpu);
		row[VCPU_STATE(OCCUPANT_THREAD_ID)] = or_null(i->occupant.thread);
		row[VCPU_STATE(USERSPACE_REASON)] = i->userspace_reason;
		row[VCPU_STATE(OCCUPANT_KIND)] = s->busy_names[i->occupant.busy];
		row[VCPU_STATE(OCCUPANT_IRQ)] = index_or_null(i->occupant.irq);
		row[VCPU_STATE(OCCUPANT_HANDLER)] = handler_name(s, i->occupant.handler);
		row[VCPU_STATE(CERTAINTY)] = s->certainty_names[i->throttled];
		save_tally_state(s, i, row);
	}
	const struct cpu_rows *on = i->cpu == NO_CPU ? NULL : cpu_of_vcpu(s, v, i);

	if (!on)
		return;
	note_near(lane, on);
	note_near(v->exits, on);
}

/* row: from the column behind dur on. */
static void save_tally_exit(const struct save *s, const struct vm_exit *x, int64_t dur,
			    const int64_t *row)
{
	const struct tally_exit exit = {
		.ts = x->begin,
		.reason = row[VM_EXIT(REASON)],
		.isa = row[VM_EXIT(ISA)],
		.name = row[VM_EXIT(NAME)],
		.dur = dur,
		.early = row[VM_EXIT(EARLY_NS)],
		.handled = row[VM_EXIT(HANDLED_NS)],
		.userspace = row[VM_EXIT(USERSPACE_NS)],
		.preempted = row[VM_EXIT(PREEMPTED_NS)],
		.blocked = row[VM_EXIT(BLOCKED_NS)],
		.vector = row[VM_EXIT(VECTOR)],
		.polled = row[VM_EXIT(POLLED_NS)],
		.detail = row[VM_EXIT(DETAIL)],
	};

	tally_add_exit(&s->tally->vcpus[x->vcpu], &exit);
}

static void on_exit_(void *ctx, const struct vm_exit *x)
{
	struct save *s = ctx;
	bool whole = x->end != INT64_MIN, split = whole && x->has_parts;
	struct store_lane *lane = lane_of_vcpu(s, &s->vcpus[x->vcpu].exits, TABLE_VM_EXIT, x->vcpu);
	int64_t dur = whole ? x->end - x->begin : TABLE_NULL;
	int64_t *row = store_lane_span(lane, x->begin, dur);

	if (!row)
		return;
	row[VM_EXIT(EARLY_NS)] = x->early;
	row[VM_EXIT(REASON)] = exit_reason(&x->cause);
	row[VM_EXIT(NAME)] = exit_name(s, &x->cause);
	row[VM_EXIT(RIP)] = x->rip ? (int64_t)x->rip : TABLE_NULL;
	row[VM_EXIT(HANDLED_NS)] = split ? x->handled : TABLE_NULL;
	row[VM_EXIT(USERSPACE_NS)] = split ? x->userspace : TABLE_NULL;
	row[VM_EXIT(PREEMPTED_NS)] = split ? x->preempted : TABLE_NULL;
	row[VM_EXIT(BLOCKED_NS)] = split ? x->blocked : TABLE_NULL;
	row[VM_EXIT(GUEST_THREAD_ID)] = or_null(x->guest_thread);
	row[VM_EXIT(ISA)] = x->cause.isa ? x->cause.isa : TABLE_NULL;
	row[VM_EXIT(VECTOR)] = x->vector;
	row[VM_EXIT(POLLED_NS)] = split ? x->polled : TABLE_NULL;
	row[VM_EXIT(THROTTLED_NS)] = split ? x->throttled : TABLE_NULL;
	row[VM_EXIT(DETAIL)] = detail_name(s, x->detail);
	row[VM_EXIT(DETAIL_VALUE)] = x->detail.value;
	save_tally_exit(s, x, dur, row);
}

static struct store_lane *new_states(struct save *s, uint32_t thread)
{
	struct thread_lanes *l = lanes_of_thread(s, thread);

	return l->states = store_lane_new(s->writer, TABLE_THREAD_STATE, &(int64_t){thread});
}

static void on_thread(void *ctx, const struct thread_interval *i)
{
	struct save *s = ctx;
	struct store_lane *lane = *i->own;

	if (!lane)
		*i->own = lane = new_states(s, i->thread);
	int64_t *row = store_lane_state(lane, i->begin, i->end, i->state);

	if (!row)
		return;
	row[THREAD_STATE(CPU)] = or_null(i->cpu);
	row[THREAD_STATE(SYSCALL)] = syscall_name(s, i->syscall);
}

static void on_cpu(void *ctx, const struct cpu_interval *i)
{
	struct save *s = ctx;
	struct cpu_rows *c = *i->own;

	if (!c)
		*i->own = c = new_cpu(s, i->machine, i->cpu);
	int64_t *row = store_lane_state(c->lane, i->begin, i->end, i->state);

	if (row) {
		row[CPU_STATE(THREAD_ID)] = or_null(i->thread);
		row[CPU_STATE(VM_ID)] = machine_of_vm(s->identity, i->vm);
		row[CPU_STATE(VCPU_ID)] = index_or_null(i->vcpu);
		row[CPU_STATE(GUEST_THREAD_ID)] = or_null(i->guest_thread);
	}
	note_thread(s, c, i->thread);
	if (i->state != CPU_VM)
		return;
	/* What cuts a guest's lanes is what its host does. */
	note_near(states_of_thread(s, i->guest_thread), c);
	if (i->vcpu >= 0) {
		note_near(s->vcpus[i->vcpu].states, c);
		note_near(s->vcpus[i->vcpu].exits, c);
	}
}

static void save_tally_wakeup(const struct save *s, const struct wakeup *w)
{
	const int64_t stages[STAGE_WHOLE] = {
		[STAGE_VCPU_WOKEN] = w->vcpu_woken,
		[STAGE_VCPU_RAN] = w->vcpu_ran,
		[STAGE_ENTERED] = w->entered,
		[STAGE_RAN] = w->ran,
	};

	if (w->vcpu >= 0)
		tally_add_wakeup(&s->tally->vcpus[w->vcpu], stages);
}

static void on_wakeup(void *ctx, const struct wakeup *w)
{
	struct save *s = ctx;
	struct thread_lanes *l = lanes_of_thread(s, w->thread);
	int64_t keys[TABLE_MAX_KEYS] = {w->machine, w->thread};

	if (!l->wakeups)
		l->wakeups = store_lane_new(s->writer, TABLE_WAKEUP, keys);
	int64_t *row = store_lane_point(l->wakeups, w->ts);

	if (!row)
		return;
	row[WAKEUP(WAKER_THREAD_ID)] = or_null(w->waker);
	row[WAKEUP(VCPU_ID)] = index_or_null(w->vcpu);
	row[WAKEUP(VCPU_WAKE_NS)] = w->vcpu_woken;
	row[WAKEUP(VCPU_RUN_NS)] = w->vcpu_ran;
	row[WAKEUP(ENTRY_NS)] = w->entered;
	row[WAKEUP(RUN_NS)] = w->ran;
	save_tally_wakeup(s, w);
}

static int64_t text(struct save *s, const char *string)
{
	return store_writer_string(s->writer, string);
}

static void end_lanes(struct save *s, uint32_t thread)
{
	struct thread_lanes *l = find_thread(s, thread);

	if (!l)
		return;
	vec_each (c, &s->cpus) {
		if ((*c)->thread != thread)
			continue;
		(*c)->thread = NO_THREAD;
		(*c)->of_thread = NULL;
	}
	if (l->states)
		store_lane_end(l->states);
	if (l->wakeups)
		store_lane_end(l->wakeups);
	slots_remove(&s->places, thread);
}

static void on_thread_end(void *ctx, const struct model_thread *t)
{
	struct save *s = ctx;
	int64_t row[COL_THREAD_N_COLUMNS] = {
		[COL_THREAD_ID] = t->id,
		[COL_THREAD_MACHINE_ID] = t->machine,
		[COL_THREAD_TID] = t->tid,
		[COL_THREAD_PID] = t->pid,
		[COL_THREAD_PPID] = t->ppid,
		[COL_THREAD_COMM] = text(s, *t->comm ? t->comm : NULL),
		[COL_THREAD_CONTAINER_ID] = index_or_null(t->container),
		[COL_THREAD_VCPU_ID] = index_or_null(t->vcpu),
	};

	end_lanes(s, t->id);
	spill_add(s->thread_rows, row);
}

/* ---- tables of what there is ------------------------------------------------------------------ */

static void add_meta(struct save *s, const char *key, const char *value)
{
	int64_t row[COL_META_N_COLUMNS] = {
		[COL_META_KEY] = text(s, key), [COL_META_VALUE] = text(s, value)};

	store_writer_add(s->writer, TABLE_META, row);
}

static void add_metas(struct save *s, const struct analysis *a)
{
	char *begin = mem_printf("%" PRId64, a->span.begin);
	char *end = mem_printf("%" PRId64, a->span.end);

	add_meta(s, "program", "vmscope " VMSCOPE_VERSION);
	add_meta(s, "span_begin_ns", begin);
	add_meta(s, "span_end_ns", end);
	add_meta(s, "time_origin", clock_origin_name(analysis_origin(a)));
	free(begin);
	free(end);
}

static char *evidence_of(const struct identity *id, int machine)
{
	const struct ident_machine *m = &id->machines.at[machine];

	if (m->vm == IDENT_NONE)
		return mem_strdup(m->why);
	return mem_printf("%s; %s", m->why, id->vms.at[m->vm].why);
}

/* Why it is that VM, and whether the recorder's agent has its clock right; to be freed by the caller. */
static char *parent_evidence_of(const struct analysis *a, size_t machine, const struct ident_vm *vm)
{
	const struct sync_estimate *agent = &a->sync[machine].estimates[SYNC_AGENT];

	if (!agent->present || agent->excess == INT64_MIN || agent->excess > 0)
		return mem_strdup(vm->why);
	return mem_printf(
		"%s; the clock that the recorder's agent gives it holds: it lies inside of "
		"what containment allows, everywhere by %" PRId64 " ns at least",
		vm->why, -agent->excess);
}

/* Its first and its last event, by its own clock and by the reference's. */
static void add_times(const struct analysis *a, size_t machine, int64_t *row)
{
	int64_t first, last;

	evidence_span(&a->evidence[machine], &first, &last);
	bool any = first <= last;
	int64_t begin = analysis_begin(a, machine), end = analysis_end(a, machine);

	row[COL_MACHINE_FIRST_OWN_NS] = any ? first : TABLE_NULL;
	row[COL_MACHINE_FIRST_NS] = any ? begin : TABLE_NULL;
	row[COL_MACHINE_LAST_NS] = any ? end : TABLE_NULL;
}

/* What made its trace, and by which clock. */
static void add_source(struct save *s, const struct recording *r, int64_t *row)
{
	const struct recording_clock *clock = r->clocks.n ? &r->clocks.at[0] : NULL;

	row[COL_MACHINE_HOSTNAME] = text(s, r->hostname);
	row[COL_MACHINE_TRACER] = text(s, r->tracer);
	row[COL_MACHINE_KERNEL] = text(s, r->kernel);
	row[COL_MACHINE_BOOT_ID] = text(s, r->boot_id);
	row[COL_MACHINE_CLOCK] = text(s, clock ? clock->name : NULL);
	row[COL_MACHINE_TIME_ORIGIN] = text(s, clock_origin_name(recording_origin(r)));
}

static void add_traced(struct save *s, const struct analysis *a, size_t i)
{
	const struct ident_machine *m = &a->identity.machines.at[i];
	const struct ident_vm *vm = m->vm == IDENT_NONE ? NULL : &a->identity.vms.at[m->vm];
	char *evidence = evidence_of(&a->identity, (int)i);
	char *parent_evidence = vm ? parent_evidence_of(a, i, vm) : NULL;
	int64_t row[COL_MACHINE_N_COLUMNS] = {
		[COL_MACHINE_ID] = (int64_t)i,
		[COL_MACHINE_NAME] = text(s, m->name),
		[COL_MACHINE_ROLE] = text(s, role_name(identity_role(m))),
		[COL_MACHINE_TRACE_PATH] = text(s, a->session.recordings.at[i]->path),
		[COL_MACHINE_PARENT_ID] = vm ? vm->host : TABLE_NULL,
		[COL_MACHINE_VM_UID] = vm ? vm->vm_uid : TABLE_NULL,
		[COL_MACHINE_PID] = vm ? vm->pid : TABLE_NULL,
		[COL_MACHINE_EVENTS] = (int64_t)a->evidence[i].n_events,
		[COL_MACHINE_LOST_EVENTS] = (int64_t)a->evidence[i].n_lost,
		[COL_MACHINE_EVIDENCE] = text(s, evidence),
		[COL_MACHINE_ROLE_EVIDENCE] = text(s, m->why),
		[COL_MACHINE_PARENT_EVIDENCE] = text(s, parent_evidence),
	};

	add_source(s, a->session.recordings.at[i], row);
	add_times(a, i, row);
	store_writer_add(s->writer, TABLE_MACHINE, row);
	free(evidence);
	free(parent_evidence);
}

static void add_untraced(struct save *s, const struct identity *id, int vm)
{
	const struct ident_vm *v = &id->vms.at[vm];
	int64_t row[COL_MACHINE_N_COLUMNS] = {
		[COL_MACHINE_ID] = machine_of_vm(id, vm),
		[COL_MACHINE_NAME] = text(s, v->name),
		[COL_MACHINE_ROLE] = text(s, "guest"),
		[COL_MACHINE_TRACE_PATH] = TABLE_NULL,
		[COL_MACHINE_PARENT_ID] = v->host,
		[COL_MACHINE_VM_UID] = v->vm_uid,
		[COL_MACHINE_PID] = v->pid,
		[COL_MACHINE_FIRST_NS] = TABLE_NULL,
		[COL_MACHINE_LAST_NS] = TABLE_NULL,
		[COL_MACHINE_EVENTS] = TABLE_NULL,
		[COL_MACHINE_LOST_EVENTS] = TABLE_NULL,
		[COL_MACHINE_EVIDENCE] = text(s, v->why),
		[COL_MACHINE_ROLE_EVIDENCE] = TABLE_NULL,
		[COL_MACHINE_HOSTNAME] = TABLE_NULL,
		[COL_MACHINE_CLOCK] = TABLE_NULL,
		[COL_MACHINE_TIME_ORIGIN] = TABLE_NULL,
		[COL_MACHINE_TRACER] = TABLE_NULL,
		[COL_MACHINE_KERNEL] = TABLE_NULL,
		[COL_MACHINE_BOOT_ID] = TABLE_NULL,
		[COL_MACHINE_PARENT_EVIDENCE] = text(s, v->why),
		[COL_MACHINE_FIRST_OWN_NS] = TABLE_NULL,
	};

	store_writer_add(s->writer, TABLE_MACHINE, row);
}

static void add_machines(struct save *s, const struct analysis *a)
{
	for (size_t i = 0; i < a->n_machines; i++)
		add_traced(s, a, i);
	for (int vm = 0; vm < (int)a->identity.vms.n; vm++) {
		if (a->identity.vms.at[vm].guest == IDENT_NONE)
			add_untraced(s, &a->identity, vm);
	}
}

static void add_vcpus(struct save *s, const struct identity *id)
{
	for (size_t i = 0; i < id->vcpus.n; i++) {
		const struct ident_vcpu *v = &id->vcpus.at[i];
		int64_t row[COL_VCPU_N_COLUMNS] = {
			[COL_VCPU_ID] = (int64_t)i,
			[COL_VCPU_MACHINE_ID] = machine_of_vm(id, v->vm),
			[COL_VCPU_VCPU_INDEX] = v->index,
			[COL_VCPU_HOST_ID] = id->vms.at[v->vm].host,
			[COL_VCPU_HOST_TID] = v->tid,
			[COL_VCPU_COMM] = text(s, *v->comm ? v->comm : NULL),
			[COL_VCPU_ENTRIES] = (int64_t)v->entries,
			[COL_VCPU_EXITS] = (int64_t)v->exits,
		};

		store_writer_add(s->writer, TABLE_VCPU, row);
	}
}

static int add_threads(struct save *s, struct error *err)
{
	const int64_t *row;
	int r;

	while ((r = spill_next(s->thread_rows, &row, err)) == SPILL_ROW)
		store_writer_add(s->writer, TABLE_THREAD, row);
	return r == SPILL_END ? 0 : ERR;
}

static void add_containers(struct save *s, const struct model *m)
{
	size_t n;
	const struct model_container *containers = model_containers(m, &n);

	for (size_t i = 0; i < n; i++) {
		char *name = mem_printf("pid:[%" PRId64 "]", containers[i].ns_inum);
		int64_t row[COL_CONTAINER_N_COLUMNS] = {
			[COL_CONTAINER_ID] = (int64_t)i,
			[COL_CONTAINER_MACHINE_ID] = containers[i].machine,
			[COL_CONTAINER_PARENT_ID] = index_or_null(containers[i].parent),
			[COL_CONTAINER_NS_INUM] = containers[i].ns_inum,
			[COL_CONTAINER_NAME] = text(s, name),
		};

		store_writer_add(s->writer, TABLE_CONTAINER, row);
		free(name);
	}
}

static void add_vectors(struct save *s, const struct analysis *a)
{
	static const char *const names[IRQ_N_SOURCES] = {
		[IRQ_TIMER] = "timer",
		[IRQ_IPI] = "ipi",
		[IRQ_NETWORK] = "network",
		[IRQ_DEVICE] = "device",
	};

	for (int vm = 0; vm < (int)a->identity.vms.n; vm++) {
		for (int vector = 0; vector < 256; vector++) {
			uint64_t n;
			uint32_t sender;
			int source = model_irq_source(a->model, vm, vector, &n, &sender);
			int64_t row[COL_IRQ_VECTOR_N_COLUMNS] = {
				[COL_IRQ_VECTOR_MACHINE_ID] = machine_of_vm(&a->identity, vm),
				[COL_IRQ_VECTOR_VECTOR] = vector,
				[COL_IRQ_VECTOR_SOURCE] =
					text(s, source < 0 ? NULL : names[source]),
				[COL_IRQ_VECTOR_SEEN] = (int64_t)n,
				[COL_IRQ_VECTOR_SENDER_THREAD_ID] = or_null(sender),
			};

			if (source >= 0)
				store_writer_add(s->writer, TABLE_IRQ_VECTOR, row);
		}
	}
}

/* ---- clocks, warnings ------------------------------------------------------------------------- */

static void set_range(int64_t *low, int64_t *high, const struct sync_range *r)
{
	*low = r && r->low <= r->high ? r->low : TABLE_NULL;
	*high = r && r->low <= r->high ? r->high : TABLE_NULL;
}

struct piece {
	int machine, reference;
	enum sync_method method;
	bool chosen;
	int64_t cpu;			      /* TABLE_NULL: of all */
	const struct sync_estimate *estimate; /* that it is of */
	const struct clock_piece *map;
	const struct sync_piece *known; /* NULL: it is not the estimator's own */
};

static void add_piece(struct save *s, const struct piece *p)
{
	const struct sync_estimate *e = p->estimate;
	const struct clock_piece *m = p->map;
	const struct sync_piece *k = p->known;
	int64_t row[COL_SYNC_N_COLUMNS] = {
		[COL_SYNC_MACHINE_ID] = p->machine,
		[COL_SYNC_REFERENCE_ID] = p->reference,
		[COL_SYNC_FROM_NS] = m->from,
		[COL_SYNC_TO_NS] = m->to == INT64_MAX ? TABLE_NULL : m->to,
		[COL_SYNC_OFFSET_NS] = m->offset,
		[COL_SYNC_DRIFT_PPB] = table_real(m->drift * 1e9),
		[COL_SYNC_ERROR_NS] = m->error == CLOCK_ERROR_UNKNOWN ? TABLE_NULL : m->error,
		[COL_SYNC_METHOD] = text(s, sync_method_name(p->method)),
		[COL_SYNC_CHOSEN] = p->chosen,
		[COL_SYNC_CONSTRAINTS] = (int64_t)m->constraints,
		[COL_SYNC_VIOLATIONS] = (int64_t)m->violations,
		[COL_SYNC_DECOYS] = (int64_t)e->decoys,
		[COL_SYNC_LOST] = (int64_t)e->lost,
		[COL_SYNC_EVENTS] = (int64_t)e->n_events,
		[COL_SYNC_OUTSIDE] = k ? (int64_t)k->outside : TABLE_NULL,
		[COL_SYNC_CPU] = p->cpu,
	};

	set_range(&row[COL_SYNC_BEGIN_LOW_NS], &row[COL_SYNC_BEGIN_HIGH_NS], k ? &k->begin : NULL);
	set_range(&row[COL_SYNC_MIDDLE_LOW_NS], &row[COL_SYNC_MIDDLE_HIGH_NS],
		  k ? &k->middle : NULL);
	set_range(&row[COL_SYNC_END_LOW_NS], &row[COL_SYNC_END_HIGH_NS], k ? &k->end : NULL);
	store_writer_add(s->writer, TABLE_SYNC, row);
}

/* known: of its pieces, or NULL. */
static void add_map(struct save *s, struct piece *p, const struct clock_map *map,
		    const struct sync_piece *known)
{
	for (size_t k = 0; k < map->n_pieces; k++) {
		p->map = &map->pieces[k];
		p->known = known ? &known[k] : NULL;
		add_piece(s, p);
	}
}

/*
 * The map that was taken, where it is not one estimate's own: it leads further than to the
 * machine's own host, or its pieces are several's.
 */
static void add_composed(struct save *s, const struct analysis *a, int machine)
{
	const struct machine_sync *sync = &a->sync[machine];
	struct piece p = {.machine = machine,
			  .reference = analysis_reference(a, machine),
			  .method = sync->method,
			  .chosen = true,
			  .cpu = TABLE_NULL,
			  .estimate = &sync->estimates[sync->method]};

	for (size_t k = 0; !sync->cpus.n && k < sync->map.n_pieces; k++) {
		p.map = &sync->map.pieces[k];
		p.method = machine_sync_method(sync, p.map->from);
		p.estimate = &sync->estimates[p.method];
		add_piece(s, &p);
	}
	vec_each (c, &sync->cpus) {
		p.cpu = c->cpu;
		p.estimate = &c->estimate;
		add_map(s, &p, &c->map, NULL);
	}
}

static void add_estimate(struct save *s, const struct analysis *a, int machine,
			 enum sync_method method, bool chosen)
{
	const struct machine_sync *sync = &a->sync[machine];
	const struct sync_estimate *e = &sync->estimates[method];
	struct piece p = {.machine = machine,
			  .reference = sync->against == IDENT_NONE ? machine : sync->against,
			  .method = method,
			  .chosen = chosen && !sync->cpus.n,
			  .cpu = TABLE_NULL,
			  .estimate = e};

	add_map(s, &p, &e->map, e->pieces);
	p.chosen = chosen;
	for (size_t i = 0; method == SYNC_CONTAINMENT && i < sync->cpus.n; i++) {
		const struct sync_cpu_clock *c = &sync->cpus.at[i];

		p.cpu = c->cpu;
		p.estimate = &c->estimate;
		add_map(s, &p, &c->estimate.map, c->estimate.pieces);
	}
}

static void add_sync(struct save *s, const struct analysis *a)
{
	for (int i = 0; i < (int)a->n_machines; i++) {
		const struct machine_sync *sync = &a->sync[i];
		bool composed =
			sync->mixed.map.n_pieces ||
			(sync->against != IDENT_NONE && sync->against != analysis_reference(a, i));

		if (composed)
			add_composed(s, a, i);
		for (int m = 0; m < SYNC_N_METHODS; m++)
			add_estimate(s, a, i, (enum sync_method)m,
				     m == (int)sync->method && !composed);
	}
}

static void add_warning(struct save *s, const struct warning *f)
{
	const struct diag *w = &f->where;
	int64_t row[COL_DIAG_N_COLUMNS] = {
		[COL_DIAG_NAME] = text(s, f->kind->name),
		[COL_DIAG_SEVERITY] = text(s, diag_severity_name(f->kind->severity)),
		[COL_DIAG_MACHINE_ID] = index_or_null(f->machine),
		[COL_DIAG_COUNT] = (int64_t)w->count,
		[COL_DIAG_FIRST_NS] = w->first_ns == DIAG_NO_TIME ? TABLE_NULL : w->first_ns,
		[COL_DIAG_HELP] = text(s, f->kind->help),
		[COL_DIAG_FILE] = text(s, w->file),
		[COL_DIAG_PACKET] = w->file ? (int64_t)w->packet : TABLE_NULL,
		[COL_DIAG_BIT] = w->file ? (int64_t)w->bit : TABLE_NULL,
		[COL_DIAG_DETAIL] = text(s, f->detail),
	};

	store_writer_add(s->writer, TABLE_DIAG, row);
}

static void add_warnings(struct save *s, const struct analysis *a)
{
	struct warnings warnings;

	warnings_init(&warnings, a, s->tally);
	vec_each (f, &warnings.at)
		add_warning(s, f);
	warnings_deinit(&warnings);
}

/* ---- life ------------------------------------------------------------------------------------- */

int save_new(struct save **sp, const char *path, struct error *err)
{
	struct save *s = mem_zalloc(1, sizeof(*s));
	int r = store_writer_new(&s->writer, path, err);

	if (r) {
		free(s);
		return r;
	}
	s->sink = (struct model_sink){.ctx = s,
				      .begin = on_begin,
				      .vcpu_interval = on_vcpu,
				      .vm_exit = on_exit_,
				      .thread_interval = on_thread,
				      .cpu_interval = on_cpu,
				      .wakeup = on_wakeup,
				      .thread_end = on_thread_end};
	s->thread_rows = spill_new(COL_THREAD_N_COLUMNS, 1);
	*sp = s;
	return 0;
}

struct worker *save_use_thread(struct save *s)
{
	return store_writer_use_thread(s->writer);
}

const struct model_sink *save_sink(const struct save *s)
{
	return &s->sink;
}

int save_finish(struct save *s, const struct analysis *a, struct error *err)
{
	add_metas(s, a);
	add_machines(s, a);
	add_vcpus(s, &a->identity);
	if (add_threads(s, err))
		return ERR;
	add_containers(s, a->model);
	add_vectors(s, a);
	add_sync(s, a);
	add_warnings(s, a);
	return store_writer_finish(s->writer, err);
}

struct tally *save_take_tally(struct save *s)
{
	struct tally *t = s->tally;

	s->tally = NULL;
	return t;
}

int save_open(const struct save *s, struct store **storep, struct error *err)
{
	return store_writer_open(s->writer, storep, err);
}

void save_free(struct save *s)
{
	if (!s)
		return;
	store_writer_free(s->writer);
	tally_free(s->tally);
	slots_deinit(&s->places);
	vec_deinit(&s->threads);
	spill_free(s->thread_rows);
	free(s->vcpus);
	vec_each (c, &s->cpus)
		free(*c);
	vec_deinit(&s->cpus);
	map_deinit(&s->cpu_at);
	map_deinit(&s->exit_names);
	map_deinit(&s->syscall_names);
	map_deinit(&s->detail_names);
	free(s);
}
