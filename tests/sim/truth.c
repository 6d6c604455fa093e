#include "truth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cause.h"

enum file {
	F_VCPU,
	F_THREAD,
	F_CPU,
	F_EXIT,
	F_THREADS,
	F_IDENTITY,
	F_CLOCK,
	F_TSC,
	F_ORIGIN,
	F_LOST,
	F_SIM,
	F_CAUSE,
	N_FILE
};

static const struct {
	const char *name, *header;
	bool big; /* one row an interval */
} FILES[N_FILE] = {
	[F_VCPU] = {"vcpu_state", "machine,vcpu,begin,end,state,reason,pcpu,occupant,waking", true},
	[F_THREAD] = {"thread_state", "machine,tid,begin,end,state,cpu,syscall,waking", true},
	[F_CPU] = {"cpu_state", "machine,cpu,begin,end,state,tid,vm,vcpu,guest_tid", true},
	[F_EXIT] =
		{"vm_exit",
		 "machine,vcpu,begin,end,early,reason,name,handled,userspace,preempted,blocked,poll,"
		 "true_exit,true_entry",
		 true},
	[F_THREADS] = {"threads", "machine,tid,pid,ppid,comm,kthread,begin,ns_level,ns_inum,vtid",
		       true},
	[F_IDENTITY] = {"identity", "machine,traced,pid,vm_uid,vcpu,host_tid,vmsync_decoys", false},
	[F_CLOCK] = {"clock", "machine,from,to,offset,drift_ppb", false},
	[F_TSC] = {"tsc", "machine,freq,offset,ratio,frac", false},
	[F_ORIGIN] = {"origin", "machine,origin", false},
	[F_LOST] = {"lost", "machine,cpu,kind,from,to,count", false},
	[F_SIM] = {"sim", "key,value", false},
	[F_CAUSE] = {"vcpu_cause", "machine,vcpu,begin,end,state,kind,number,handler,tid,cause",
		     true},
};

static const char *const THREAD_STATES[] = {"user",    "syscall", "irq",    "softirq",	 "wait-cpu",
					    "blocked", "dead",	  "stolen", "hypervisor"};
static const char *const VCPU_STATES[] = {"guest",     "hypervisor", "userspace",
					  "preempted", "waiting",    "halted",
					  "blocked",   "polling",    "throttled"};

enum cpu_state { C_IDLE, C_USER, C_SYSCALL, C_IRQ, C_SOFTIRQ, C_VM };
static const char *const CPU_STATES[] = {"idle", "user", "syscall", "irq", "softirq", "vm"};

struct csv {
	FILE *f;
	char *buffer;
	size_t n;
};

enum { BUFFER = 1 << 16, MAX_ROW = 512 };

struct truth {
	struct world *w;
	struct csv out[N_FILE];
};

static void flush(struct csv *o)
{
	if (o->f)
		fwrite(o->buffer, 1, o->n, o->f);
	o->n = 0;
}

static void put_text(struct csv *o, const char *s)
{
	while (*s)
		o->buffer[o->n++] = *s++;
	o->buffer[o->n++] = ',';
}

static void put_int(struct csv *o, int64_t v)
{
	char digits[24];
	unsigned n = 0;
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

	do
		digits[n++] = (char)('0' + u % 10);
	while (u /= 10);
	if (v < 0)
		o->buffer[o->n++] = '-';
	while (n)
		o->buffer[o->n++] = digits[--n];
	o->buffer[o->n++] = ',';
}

/* Unknown and inapplicable numbers are empty. */
static void put_int_or_none(struct csv *o, int64_t v)
{
	if (v >= 0)
		put_int(o, v);
	else
		o->buffer[o->n++] = ',';
}

static void put_end(struct csv *o)
{
	o->buffer[o->n - 1] = '\n';
	if (o->n > BUFFER - MAX_ROW)
		flush(o);
}

static int64_t reference(struct world *w, int64_t t)
{
	struct machine_clock *c = &w->host->clock;
	return machine_clock_ns(c, machine_clock_raw(c, t));
}

/*
 * Return: the file for a row of what began at `begin` and ends now, with its times put in behind
 * the two columns that the caller names; NULL when there is nothing to be written.
 */
static struct csv *row(struct world *w, enum file file, const struct machine *m, int64_t number,
		       int64_t begin)
{
	struct csv *o = w->truth ? &w->truth->out[file] : NULL;
	int64_t from = begin > w->o->warmup ? begin : w->o->warmup;

	if (!o || !o->f || from > w->now || (from == w->now && begin != w->now))
		return NULL;
	put_text(o, m->name);
	put_int(o, number);
	put_int(o, reference(w, from));
	put_int(o, reference(w, w->now));
	return o;
}

static bool lane_moves(const struct lane *l, const struct lane *to)
{
	return l->state != to->state || l->a != to->a || l->b != to->b || l->c != to->c ||
	       l->d != to->d;
}

static void lane_set(struct lane *l, const struct world *w, const struct lane *to)
{
	*l = *to;
	l->begin = w->now;
}

static void write_cpu(struct cpu *c)
{
	const struct lane *l = &c->lane;
	struct csv *o = l->begin < c->w->now ? row(c->w, F_CPU, c->m, c->id, l->begin) : NULL;

	if (!o)
		return;
	put_text(o, CPU_STATES[l->state]);
	put_int_or_none(o, l->a);
	if (l->b >= 0)
		put_text(o, c->w->machines[l->b].name);
	else
		put_text(o, "");
	put_int_or_none(o, l->c);
	put_int_or_none(o, l->d);
	put_end(o);
}

static void write_thread(struct task *t)
{
	const struct lane *l = &t->lane;
	struct world *w = t->m->w;
	bool wanted = l->state != T_NONE && (l->begin < w->now || l->state == T_DEAD);
	struct csv *o = wanted ? row(w, F_THREAD, t->m, t->tid, l->begin) : NULL;

	if (!o)
		return;
	put_text(o, THREAD_STATES[l->state]);
	put_int_or_none(o, l->a);
	put_text(o, l->b >= 0 ? event_syscall_name((enum ev)l->b) : "");
	put_int_or_none(o, l->c >= 0 ? reference(w, l->c) : -1);
	put_end(o);
}

static void write_vcpu(struct vcpu *v)
{
	const struct lane *l = &v->lane;
	struct world *w = v->vm->w;
	struct csv *o = l->begin < w->now ? row(w, F_VCPU, v->vm, v->id, l->begin) : NULL;

	if (!o)
		return;
	put_text(o, VCPU_STATES[l->state]);
	put_int_or_none(o, l->a);
	put_int_or_none(o, l->b);
	put_int_or_none(o, l->c);
	put_int_or_none(o, l->d >= 0 ? reference(w, l->d) : -1);
	put_end(o);
}

/* What a CPU is busy with for one that waits for it. */
static struct lane occupant(const struct cpu *c, const struct vcpu *v)
{
	struct lane l = {.state = CAUSE_OF_THREAD, .a = -1, .c = c->curr->tid};

	if (v->lane.state == V_THROTTLED)
		return (struct lane){.state = CAUSE_OF_QUOTA, .a = -1, .c = -1, .d = BY_QUOTA};
	if (c->expiring)
		return (struct lane){.state = CAUSE_OF_TIMER, .a = -1, .c = -1, .d = BY_INTERRUPT};
	if (c->in_irq || c->in_softirq)
		return (struct lane){.state = c->in_irq ? CAUSE_OF_IRQ : CAUSE_OF_SOFTIRQ,
				     .a = c->irq_number,
				     .c = -1,
				     .d = BY_INTERRUPT};
	if (c->curr->is_idle)
		l.state = CAUSE_OF_IDLE;
	l.d = cause_belongs(v, c->curr);
	return l;
}

static void write_cause(struct vcpu *v)
{
	const struct lane *l = &v->cause;
	struct world *w = v->vm->w;
	bool any = l->state != CAUSE_OF_NONE && l->begin < w->now;
	struct csv *o = any ? row(w, F_CAUSE, v->vm, v->id, l->begin) : NULL;

	if (!o)
		return;
	put_text(o, VCPU_STATES[l->state >> 8]);
	put_text(o, cause_kind_name((enum cause_kind)(l->state & 255)));
	put_int_or_none(o, l->a);
	put_text(o, l->b ? (const char *)(intptr_t)l->b : "");
	put_int_or_none(o, l->c);
	put_text(o, cause_belongs_name((enum belongs)l->d));
	put_end(o);
}

/* Of the states that somebody or something is to blame for. */
static void set_cause(struct vcpu *v)
{
	enum vcpu_state s = (enum vcpu_state)v->lane.state;
	const struct cpu *c = v->thread->cpu;
	struct lane to = {.state = CAUSE_OF_NONE};

	if (!v->vm->w->o->causes)
		return;
	if (s == V_PREEMPTED || s == V_WAITING || s == V_THROTTLED) {
		to = occupant(c, v);
		if (to.state == CAUSE_OF_TIMER)
			to.b = (intptr_t)timer_function_name(c->m, c->expiring->function);
		else if (to.state == CAUSE_OF_IRQ)
			to.b = (intptr_t)c->irq_name;
	} else if (s == V_POLLING) {
		to = (struct lane){.state = CAUSE_OF_POLL, .a = -1, .c = -1, .d = BY_POLLING};
	}
	if (to.state != CAUSE_OF_NONE)
		to.state |= (int)s << 8;
	if (!lane_moves(&v->cause, &to))
		return;
	write_cause(v);
	lane_set(&v->cause, v->vm->w, &to);
}

void truth_occupants(struct cpu *c)
{
	for (size_t i = 0; !c->m->guest && c->w->o->causes && i < c->queued.n; i++) {
		if (c->queued.at[i]->vcpu)
			set_cause(c->queued.at[i]->vcpu);
	}
}

static void set_thread(struct task *t, const struct lane *to)
{
	if (!lane_moves(&t->lane, to))
		return;
	write_thread(t);
	lane_set(&t->lane, t->m->w, to);
}

static enum thread_state mode(const struct cpu *c)
{
	if (c->in_irq)
		return T_IRQ;
	if (c->in_softirq)
		return T_SOFTIRQ;
	return c->curr->syscall >= 0 ? T_SYSCALL : T_USER;
}

static enum cpu_state cpu_state(const struct cpu *c)
{
	static const enum cpu_state of[] = {[T_USER] = C_USER,
					    [T_SYSCALL] = C_SYSCALL,
					    [T_IRQ] = C_IRQ,
					    [T_SOFTIRQ] = C_SOFTIRQ};
	enum thread_state s = mode(c);

	if (s == T_IRQ || s == T_SOFTIRQ)
		return of[s];
	return c->curr->is_idle ? C_IDLE : of[s];
}

static void truth_current(struct cpu *c)
{
	struct task *t = c->curr;
	enum thread_state s = mode(c);

	if (t->is_idle)
		return;
	if (c->vcpu && c->vcpu->lane.state != V_GUEST) {
		int v = c->vcpu->lane.state;
		bool stolen = v == V_PREEMPTED || v == V_WAITING || v == V_THROTTLED;
		s = stolen ? T_STOLEN : T_HYPERVISOR;
	}
	set_thread(t, &(struct lane){.state = (int)s, .a = c->id, .b = t->syscall, .c = -1});
}

void truth_cpu(struct cpu *c)
{
	struct lane to = {.state = (int)cpu_state(c), .a = c->curr->tid, .b = -1, .c = -1, .d = -1};
	struct vcpu *v = c->curr->vcpu;

	if (v && v->lane.state == V_GUEST) {
		to.state = C_VM;
		to.b = v->vm->index;
		to.c = v->id;
		to.d = v->cpu->curr->tid;
	}
	if (lane_moves(&c->lane, &to)) {
		write_cpu(c);
		lane_set(&c->lane, c->w, &to);
	}
	truth_current(c);
	truth_occupants(c);
	if (c->vcpu && c->vcpu->lane.state == V_GUEST)
		truth_cpu(c->vcpu->thread->cpu);
}

void truth_thread(struct task *t, enum thread_state state)
{
	struct lane to = {.state = (int)state, .a = t->cpu->id, .b = t->syscall, .c = -1};

	if (state == T_WAIT_CPU)
		to.c = t->waking_at;
	set_thread(t, &to);
	if (state == T_DEAD)
		write_thread(t);
}

void truth_thread_name(struct task *t)
{
	struct world *w = t->m->w;
	struct csv *o = w->truth ? &w->truth->out[F_THREADS] : NULL;

	if (!o || !o->f || t->is_idle)
		return;
	put_text(o, t->m->name);
	put_int(o, t->tid);
	put_int(o, t->pid);
	put_int(o, t->ppid);
	put_text(o, t->comm);
	put_int(o, t->kthread);
	put_int(o, reference(w, w->now > w->o->warmup ? w->now : w->o->warmup));
	put_int(o, t->ns_level);
	put_int(o, t->ns_inum[t->ns_level]);
	put_int(o, t->vtids.at[t->ns_level]);
	put_end(o);
}

static void account(struct vcpu *v)
{
	int64_t now = v->vm->w->now;
	v->spent[v->lane.state] += now - v->spent_from;
	v->spent_from = now;
}

void truth_vcpu(struct vcpu *v, enum vcpu_state state, int reason, unsigned pcpu, int32_t occupant,
		int64_t waking)
{
	struct lane to = {.state = (int)state, .a = reason, .b = pcpu, .c = occupant, .d = waking};

	if (!lane_moves(&v->lane, &to))
		return;
	account(v);
	write_vcpu(v);
	lane_set(&v->lane, v->vm->w, &to);
	set_cause(v);
	truth_cpu(v->cpu);
}

void truth_exit_begin(struct vcpu *v)
{
	account(v);
	memset(v->spent, 0, sizeof(v->spent));
	v->exit_at = v->vm->w->now;
}

void truth_exit_end(struct vcpu *v)
{
	struct world *w = v->vm->w;
	int64_t begin = v->exit_at;

	account(v);
	if (begin < w->o->warmup)
		return; /* before tracing began, or no exit at all */
	struct csv *o = row(w, F_EXIT, v->vm, v->id, begin);
	if (!o)
		return;
	put_int(o, begin - v->first_event_at);
	put_int(o, exit_reason(w, v->kind));
	put_text(o, exit_name(w, v->kind));
	put_int(o, v->spent[V_HYPERVISOR] + v->spent[V_POLLING]);
	put_int(o, v->spent[V_USERSPACE]);
	put_int(o, v->spent[V_PREEMPTED] + v->spent[V_WAITING] + v->spent[V_THROTTLED]);
	put_int(o, v->spent[V_HALTED] + v->spent[V_BLOCKED]);
	put_int(o, v->spent[V_POLLING]);
	put_int(o, reference(w, v->true_exit));
	put_int(o, reference(w, v->true_entry));
	put_end(o);
}

void truth_lost(void *machine, enum loss kind, unsigned cpu, uint64_t from, uint64_t to, uint64_t n)
{
	const struct machine *m = machine;
	struct csv *o = &m->w->truth->out[F_LOST];

	put_text(o, m->name);
	put_int(o, cpu);
	put_text(o, kind == LOSS_PACKET ? "packet" : "events");
	put_int(o, machine_clock_ns(&m->clock, from));
	put_int(o, machine_clock_ns(&m->clock, to));
	put_int(o, (int64_t)n);
	put_end(o);
}

static void write_identity(struct truth *tr, const struct machine *m)
{
	struct csv *o = &tr->out[F_IDENTITY];

	for (unsigned i = 0; m->guest && i < m->n_cpus && m->vcpus[i].thread; i++) {
		put_text(o, m->name);
		put_int(o, m->traced);
		put_int(o, m->qemu->pid);
		put_int(o, (int64_t)m->vm_uid);
		put_int(o, i);
		put_int(o, m->vcpus[i].thread->tid);
		put_int(o, m->vmsync_decoys);
		put_end(o);
	}
}

/* The first piece also holds for times before it. */
static void write_clock(struct truth *tr, const struct machine *m)
{
	struct csv *o = &tr->out[F_CLOCK];

	for (size_t i = 0; i < m->clock.pieces.n; i++) {
		const struct clock_segment *s = &m->clock.pieces.at[i];
		char drift[40];
		put_text(o, m->name);
		put_int(o, s->from);
		put_int(o, i + 1 < m->clock.pieces.n ? s[1].from : INT64_MAX);
		put_int(o, s->begin - s->from);
		snprintf(drift, sizeof(drift), "%.9f", s->drift * 1e9);
		put_text(o, drift);
		put_end(o);
	}
}

static void write_tsc(struct truth *tr, const struct machine *m)
{
	struct csv *o = &tr->out[F_TSC];

	if (!m->clock.tsc)
		return;
	put_text(o, m->name);
	put_int(o, (int64_t)m->clock.freq);
	put_int(o, m->clock.tsc_offset);
	put_int(o, m->guest ? (int64_t)m->clock.tsc_ratio : (int64_t)1 << TSC_FRAC);
	put_int(o, TSC_FRAC);
	put_end(o);
}

static void write_origin(struct truth *tr, const struct machine *m)
{
	struct csv *o = &tr->out[F_ORIGIN];

	if (!m->trace_file)
		return;
	put_text(o, m->name);
	put_int(o, out_origin(m->trace_file));
	put_end(o);
}

static void write_key(struct truth *tr, const char *key, int64_t value)
{
	put_text(&tr->out[F_SIM], key);
	put_int(&tr->out[F_SIM], value);
	put_end(&tr->out[F_SIM]);
}

static void end_lanes(struct machine *m)
{
	for (unsigned i = 0; i < m->n_cpus; i++) {
		write_cpu(&m->cpus[i]);
		if (m->guest && m->vcpus[i].thread) {
			write_vcpu(&m->vcpus[i]);
			write_cause(&m->vcpus[i]);
		}
	}
	for (size_t i = 0; i < m->tasks.n; i++)
		write_thread(m->tasks.at[i]);
}

static int open_file(struct truth *tr, unsigned file, struct error *err)
{
	struct csv *o = &tr->out[file];
	char *path = mem_printf("%s/truth/%s.csv", tr->w->o->out, FILES[file].name);

	o->f = fopen(path, "w");
	int ret = o->f ? 0 : error_errno(err, errno, "cannot create '%s'", path);
	free(path);
	if (!ret)
		fprintf(o->f, "%s\n", FILES[file].header);
	return ret;
}

int truth_new(struct world *w, struct truth **truthp, struct error *err)
{
	struct truth *tr = mem_zalloc(1, sizeof(*tr));
	char *dir = mem_printf("%s/truth", w->o->out);
	int ret = mkdir(dir, 0777) && errno != EEXIST
			  ? error_errno(err, errno, "cannot make '%s'", dir)
			  : 0;

	free(dir);
	tr->w = w;
	for (unsigned i = 0; i < N_FILE; i++) {
		tr->out[i].buffer = mem_alloc(BUFFER);
		if (!ret && (w->o->truth || !FILES[i].big) && (i != F_CAUSE || w->o->causes))
			ret = open_file(tr, i, err);
	}
	if (ret) {
		truth_free(tr);
		return ret;
	}
	*truthp = tr;
	return 0;
}

int truth_finish(struct truth *tr, struct error *err)
{
	struct world *w = tr->w;
	bool bad = false;

	for (unsigned i = 0; i < w->n_machines; i++) {
		struct machine *m = &w->machines[i];
		end_lanes(m);
		write_identity(tr, m);
		write_clock(tr, m);
		write_tsc(tr, m);
		write_origin(tr, m);
		if (m->trace)
			write_key(tr, m->name, (int64_t)out_events(m->trace));
	}
	write_key(tr, "begin", reference(w, w->o->warmup));
	write_key(tr, "end", reference(w, w->now));
	for (unsigned i = 0; i < N_FILE; i++) {
		flush(&tr->out[i]);
		bad |= tr->out[i].f && (fflush(tr->out[i].f) || ferror(tr->out[i].f));
	}
	return bad ? error_errno(err, errno, "cannot write the truth") : 0;
}

void truth_free(struct truth *tr)
{
	if (!tr)
		return;
	for (unsigned i = 0; i < N_FILE; i++) {
		if (tr->out[i].f)
			fclose(tr->out[i].f);
		free(tr->out[i].buffer);
	}
	free(tr);
}
