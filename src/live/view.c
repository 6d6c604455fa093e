#include "live/view.h"

#include <stdlib.h>
#include <string.h>

#include "results/cause.h"
#include "results/naming.h"
#include "results/units.h"

enum { KTHREADD = 2 };

/* What a view is made of. */
struct view_making {
	struct view *view;
	const struct live *live;
	const struct window_bucket *told, *held; /* either may be NULL */
};

/* ---- who there is ---------------------------------------------------------------------------- */

static void view_add_machines(struct view *v, const struct live *l)
{
	const struct identity *id = live_identity(l);

	*vec_push(&v->results.machines) =
		(struct res_machine){.name = l->recording->name ? l->recording->name : "host",
				     .role = "host",
				     .parent = NOBODY,
				     .pid = TABLE_NULL,
				     .is_host = true};
	vec_each (vm, &id->vms) {
		*vec_push(&v->results.vms) = (int)v->results.machines.n;
		*vec_push(&v->results.machines) =
			(struct res_machine){.id = (int64_t)v->results.machines.n - 1,
					     .name = vm->name ? vm->name : "?",
					     .role = "guest",
					     .pid = vm->pid,
					     .is_guest = true};
	}
}

static void view_add_vcpus(struct view *v, const struct live *l)
{
	const struct identity *id = live_identity(l);

	for (size_t i = 0; i < id->vcpus.n; i++) {
		const struct ident_vcpu *from = &id->vcpus.at[i];
		struct res_vcpu *to = vec_push(&v->results.vcpus);

		to->id = (int64_t)i;
		to->machine = from->vm + 1;
		to->index = from->index;
		to->tid = from->tid;
		to->comm = *from->comm ? from->comm : NULL;
		v->results.machines.at[to->machine].n_vcpus++;
	}
}

static int view_by_tid(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The host knows which of its threads are the kernel's. */
static bool view_is_kernel_thread(const struct live *l, int64_t tid)
{
	return l->host.kernel_threads.n &&
	       bsearch(&tid, l->host.kernel_threads.at, l->host.kernel_threads.n, sizeof(tid),
		       view_by_tid);
}

static void view_new_thread(struct view *v, const struct live *l, const struct model_thread *t)
{
	const struct evidence_thread *named = evidence_named(live_evidence(l), t->tid);
	int64_t pid = t->pid != NO_VALUE ? t->pid : named ? named->pid : TABLE_NULL;

	v->results.threads.at = big_grow(&v->results.threads_memory,
					 (v->results.threads.n + 1) * sizeof(struct res_thread));
	v->results.threads.at[v->results.threads.n++] =
		(struct res_thread){.id = t->id,
				    .container = NOBODY,
				    .vcpu = t->vcpu,
				    .tid = t->tid,
				    .pid = pid,
				    .ppid = view_is_kernel_thread(l, t->tid) ? KTHREADD : t->ppid,
				    .comm = *t->comm ? arena_strdup(&v->arena, t->comm) : NULL};
}

/* Return: index of the thread in the view's results, where it is made when it is not there. */
static int view_thread(struct view *v, const struct live *l, int64_t id)
{
	int known = results_find(&v->results, TABLE_THREAD, id);
	const struct model_thread *t =
		known != NOBODY || id == TABLE_NULL ? NULL : live_thread(l, (uint32_t)id);

	if (!t)
		return known;
	map_put(&v->results.ids[TABLE_THREAD], (uint64_t)id, v->results.threads.n);
	view_new_thread(v, l, t);
	return (int)v->results.threads.n - 1;
}

/* ---- a vCPU ---------------------------------------------------------------------------------- */

static void view_add_lanes(const struct view_making *m, size_t vcpu, const struct window_bucket *b)
{
	struct summary_vcpu *sum = &m->view->results.vcpus.at[vcpu].sum;

	if (!b)
		return;
	for (int s = 0; s < VCPU_N_STATES; s++)
		sum->time[s] += b->vcpus[vcpu].time[s];
	vec_each (c, &b->tally->vcpus[vcpu].cpus)
		*vec_push(&sum->cpus) = *c;
	vec_each (o, &b->tally->vcpus[vcpu].occupants) {
		*vec_push(&sum->occupants) = (struct summary_occupant){
			.thread = view_thread(m->view, m->live, o->who.thread),
			.busy = o->who.busy,
			.irq = o->who.irq,
			.handler = labels_text(&m->live->labels, o->who.handler),
			.certainty = o->who.certainty,
			.preempted = o->preempted,
			.waiting = o->waiting,
			.throttled = o->throttled,
			.times = o->times,
			.stretches = o->stretches,
			.worst = o->worst};
	}
}

static int view_thief_by_ns(const void *a, const void *b)
{
	const struct view_thief *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns > y->ns ? -1 : 1;
	return strcmp(x->label, y->label);
}

static void view_add_thief(struct view_vcpu *to, const char *label, enum split_ready kind,
			   int64_t ns)
{
	if (!ns)
		return;
	vec_each (t, &to->thieves) {
		if (t->kind == kind && !strcmp(t->label, label)) {
			t->ns += ns;
			return;
		}
	}
	*vec_push(&to->thieves) = (struct view_thief){label, kind, ns};
}

static void view_find_thieves(struct view *v, struct view_vcpu *to)
{
	vec_each (o, &to->vcpu->sum.occupants) {
		struct res_occupant who = occupant_of(&v->results, o);
		const char *label = occupant_label(&v->results, &who, to->vcpu, &v->arena);

		view_add_thief(to, label,
			       split_ready_of(cause_of_occupant(&v->results, to->vcpu, o, true)),
			       summary_taken(o) - o->preempted);
		view_add_thief(to, label,
			       split_ready_of(cause_of_occupant(&v->results, to->vcpu, o, false)),
			       o->preempted);
	}
	if (to->thieves.n)
		qsort(to->thieves.at, to->thieves.n, sizeof(*to->thieves.at), view_thief_by_ns);
}

static int view_exit_by_number(const void *a, const void *b)
{
	const struct view_exit *x = a, *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void view_add_exits(const struct view_making *m, struct view_vcpu *to, size_t vcpu)
{
	if (!m->told)
		return;
	vec_each (e, &m->told->tally->vcpus[vcpu].exits) {
		const char *name = labels_text(&m->live->labels, e->name);

		to->n_exits += e->n;
		*vec_push(&to->exits) = (struct view_exit){name ? name : "(not recorded)", e->n};
	}
	if (to->exits.n)
		qsort(to->exits.at, to->exits.n, sizeof(*to->exits.at), view_exit_by_number);
}

/* Over all that is kept: a p99 of one second is that of few. */
static void view_find_waits(const struct live *l, struct view_vcpu *to, size_t vcpu)
{
	const struct window_wait *now = window_wait(&l->window, (uint32_t)vcpu);
	struct histogram wakes = {0};

	to->stall = now->end - now->begin;
	for (int i = 0; i < WINDOW_BUCKETS; i++) {
		const struct window_bucket *b = &l->window.buckets[i];

		if (!b->used)
			continue;
		histogram_merge(&wakes, &b->vcpus[vcpu].wakes);
		to->stall = b->vcpus[vcpu].stall > to->stall ? b->vcpus[vcpu].stall : to->stall;
	}
	to->wake_p99 = wakes.n ? histogram_quantile(&wakes, 0.99) : -1;
	histogram_deinit(&wakes);
}

static int view_home(const struct res_vcpu *v)
{
	int64_t most = 0;
	int home = -1;

	vec_each (c, &v->sum.cpus) {
		if (c->guest + c->other > most) {
			most = c->guest + c->other;
			home = (int)c->cpu;
		}
	}
	return home;
}

/* Before the oldest that is kept nothing is known. */
static void view_fill_unknown(const struct view *v, struct summary_vcpu *sum)
{
	int64_t known = 0;

	for (int s = 0; s < VCPU_N_STATES; s++)
		known += sum->time[s];
	if (known < v->end - v->begin)
		sum->time[VCPU_UNKNOWN] += v->end - v->begin - known;
}

static void view_make_vcpu(const struct view_making *m, size_t i)
{
	struct view *v = m->view;
	struct res_vcpu *vcpu = &v->results.vcpus.at[i];
	struct view_vcpu *to = vec_push(&v->vcpus);

	view_add_lanes(m, i, m->told);
	view_add_lanes(m, i, m->held);
	view_fill_unknown(v, &vcpu->sum);
	to->vcpu = vcpu;
	to->vm = units_safe(&v->arena, v->results.machines.at[vcpu->machine].name, 64);
	to->number = vcpu_number(vcpu, &v->arena);
	to->cpu = view_home(vcpu);
	split_of(&to->split, &v->results, vcpu);
	view_find_thieves(v, to);
	view_add_exits(m, to, i);
	view_find_waits(m->live, to, i);
}

/* ---- CPUs ------------------------------------------------------------------------------------ */

static struct view_cpu *view_find_cpu(struct view *v, uint32_t cpu)
{
	vec_each (c, &v->cpus) {
		if (c->cpu == cpu)
			return c;
	}
	struct view_cpu *c = vec_push(&v->cpus);

	c->cpu = cpu;
	return c;
}

static void view_add_user(const struct view_making *m, struct view_cpu *to,
			  const struct window_share *s)
{
	static const struct res_vcpu nobody = {.machine = NOBODY};
	int thread = view_thread(m->view, m->live,
				 s->thread == NO_THREAD ? TABLE_NULL : (int64_t)s->thread);
	struct res_occupant who = occupant_of_thread(&m->view->results, thread);
	const char *label = who.kind == OCCUPANT_IDLE ? "interrupts while idle"
						      : occupant_label(&m->view->results, &who,
								       &nobody, &m->view->arena);

	vec_each (u, &to->users) {
		if (!strcmp(u->label, label)) {
			u->ns += s->ns;
			return;
		}
	}
	*vec_push(&to->users) = (struct view_user){label, s->ns, who.kind == OCCUPANT_VCPU};
}

static void view_add_cpus(const struct view_making *m, const struct window_bucket *b)
{
	if (!b)
		return;
	vec_each (c, &b->cpus) {
		struct view_cpu *to = view_find_cpu(m->view, c->cpu);

		to->vm += c->time[CPU_VM];
		to->other += c->time[CPU_USER] + c->time[CPU_SYSCALL];
		to->irq += c->time[CPU_IRQ] + c->time[CPU_SOFTIRQ];
		to->idle += c->time[CPU_IDLE];
		to->unknown += c->time[CPU_UNKNOWN];
		vec_each (s, &c->shares)
			view_add_user(m, to, s);
	}
}

static int view_cpu_by_number(const void *a, const void *b)
{
	const struct view_cpu *x = a, *y = b;

	return x->cpu < y->cpu ? -1 : x->cpu > y->cpu;
}

static int view_user_by_ns(const void *a, const void *b)
{
	const struct view_user *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns > y->ns ? -1 : 1;
	return strcmp(x->label, y->label);
}

static void view_make_cpus(const struct view_making *m)
{
	struct view *v = m->view;

	view_add_cpus(m, m->told);
	view_add_cpus(m, m->held);
	if (v->cpus.n)
		qsort(v->cpus.at, v->cpus.n, sizeof(*v->cpus.at), view_cpu_by_number);
	vec_each (c, &v->cpus) {
		if (c->users.n)
			qsort(c->users.at, c->users.n, sizeof(*c->users.at), view_user_by_ns);
	}
}

/* ---- all ------------------------------------------------------------------------------------- */

void view_init(struct view *v, const struct live *l, int64_t number)
{
	struct view_making m = {.view = v, .live = l};
	struct window aside;

	*v = (struct view){.results = {.begin = l->span.begin, .end = l->told}};
	v->begin = number == INT64_MIN ? l->span.begin : number * l->options.bucket;
	v->end = number == INT64_MIN ? l->told : v->begin + l->options.bucket;
	window_init_aside(&aside, &l->window);
	if (number != INT64_MIN) {
		model_peek(l->model, v->end, window_sink(&aside));
		m.told = window_bucket(&l->window, number);
		m.held = window_bucket(&aside, number);
	} else {
		m.told = &l->window.whole;
	}
	view_add_machines(v, l);
	view_add_vcpus(v, l);
	for (size_t i = 0; i < v->results.vcpus.n; i++)
		view_make_vcpu(&m, i);
	view_make_cpus(&m);
	window_deinit(&aside);
}

void view_deinit(struct view *v)
{
	vec_each (vcpu, &v->vcpus) {
		vec_deinit(&vcpu->thieves);
		vec_deinit(&vcpu->exits);
	}
	vec_deinit(&v->vcpus);
	vec_each (c, &v->cpus)
		vec_deinit(&c->users);
	vec_deinit(&v->cpus);
	results_deinit(&v->results);
	arena_deinit(&v->arena);
}

size_t view_add_vm(const struct view *v, size_t first, struct split *sum)
{
	size_t i = first;

	*sum = (struct split){0};
	for (; i < v->vcpus.n && v->vcpus.at[i].vcpu->machine == v->vcpus.at[first].vcpu->machine;
	     i++)
		split_add(sum, &v->vcpus.at[i].split);
	return i;
}
