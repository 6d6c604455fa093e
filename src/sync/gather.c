#include "sync/gather.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "events/exit_reason.h"
#include "events/layout.h"
#include "timeline/clock_map.h"
#include "timeline/merge.h"

/* Intel: arch/x86/include/uapi/asm/vmx.h, AMD: svm.h */
enum {
	VMX_MSR_WRITE = 32,
	VMX_MWAIT = 36,
	VMX_APIC_ACCESS = 44,
	VMX_APIC_WRITE = 56,
	SVM_MSR = 0x7c,
	SVM_MWAIT = 0x8b,
};

/* ---- the host's side -------------------------------------------------------------------------- */

/*
 * What is known of one CPU.
 *
 * After lost events nobody knows who is on the CPU until its next sched_switch says who was; the
 * windows until then wait for that, and any vCPU may have run in the stretch that is lost:
 *
 *	known --lost--> gap --first event--> unclaimed --sched_switch--> known
 */
struct host_cpu {
	uint32_t cpu;
	int vcpu;	 /* whose thread is on the CPU, or IDENT_NONE */
	int64_t said;	 /* the thread by which the last event said that; NO_VALUE: none did */
	bool gap;	 /* no event since some were lost */
	bool unknown;	 /* no sched_switch since some were lost */
	int64_t lost_to; /* until then events of one of its channels are missing */
	struct sync_window lost;	   /* while unknown: what is lost */
	struct gathered_windows unclaimed; /* while unknown: windows after that */
	bool open;			   /* in the guest since window.begin */
	bool exit_to_come;		   /* the window has ended, its kvm_exit has not come */
	struct sync_window window;
};

struct window_reader {
	const struct identity *identity;
	int host;
	struct gathered_windows *windows;
	struct merge *merge;
	struct clock_map own_clock; /* of the host: as it is */
	VEC(struct host_cpu) cpus;
	bool from_start; /* of the trace */
	int64_t now;	 /* host ns: of the last event */
};

static bool is_idle(enum isa isa, uint32_t reason)
{
	return exit_reason_is_halt(isa, reason) || (isa == ISA_VMX && reason == VMX_MWAIT) ||
	       (isa == ISA_SVM && reason == SVM_MWAIT);
}

static bool is_timer(enum isa isa, uint32_t reason)
{
	if (isa == ISA_SVM)
		return reason == SVM_MSR;
	return reason == VMX_MSR_WRITE || reason == VMX_APIC_ACCESS || reason == VMX_APIC_WRITE;
}

static enum sync_cause cause_of(const struct event *e)
{
	enum isa isa = exit_isa_of(e);
	uint32_t reason = exit_reason_of(e);

	if (is_idle(isa, reason))
		return SYNC_CAUSE_IDLE;
	return is_timer(isa, reason) ? SYNC_CAUSE_TIMER : SYNC_CAUSE_NONE;
}

/* Puts a window where it belongs; those that overlap it become one with it. */
static void insert_window(struct gathered_windows *w, const struct sync_window *window)
{
	struct sync_window *at;
	size_t i = w->at.n, end;

	vec_push(&w->at);
	at = w->at.at;
	for (; i > 0 && at[i - 1].begin > window->begin; i--)
		at[i] = at[i - 1];
	at[i] = *window;
	if (i > 0 && at[i - 1].end > window->begin)
		i--;
	for (end = i + 1; end < w->at.n && at[end].begin < at[i].end; end++) {
		at[i].end = at[end].end > at[i].end ? at[end].end : at[i].end;
		at[i].cause = SYNC_CAUSE_NONE;
	}
	memmove(&at[i + 1], &at[end], (w->at.n - end) * sizeof(*at));
	w->at.n -= end - i - 1;
}

void gathered_windows_add(struct gathered_windows *w, const struct sync_window *window)
{
	if (!w->at.n || window->begin >= w->at.at[w->at.n - 1].end)
		*vec_push(&w->at) = *window;
	else
		insert_window(w, window);
}

static void add_window(struct window_reader *r, struct host_cpu *c, enum sync_cause cause)
{
	c->window.cause = cause;
	if (c->exit_to_come && c->window.end > c->window.begin) {
		if (c->unknown)
			*vec_push(&c->unclaimed.at) = c->window;
		else if (c->vcpu != IDENT_NONE)
			gathered_windows_add(&r->windows[c->vcpu], &c->window);
	}
	c->exit_to_come = false;
}

static void close_window(struct host_cpu *c, int64_t ts)
{
	if (!c->open)
		return;
	c->window.end = ts;
	c->open = false;
	c->exit_to_come = true;
}

static void take_lost(struct window_reader *r, struct host_cpu *c, int64_t ts, int64_t lost_to)
{
	int64_t begin = c->open ? c->window.begin : ts;

	c->open = false;
	add_window(r, c, SYNC_CAUSE_NONE);
	if (!c->unknown)
		c->lost.begin = begin;
	c->unclaimed.at.n = 0; /* lost as well: nobody will ever say whose they were */
	c->gap = c->unknown = true;
	c->lost_to = lost_to > c->lost_to ? lost_to : c->lost_to;
	c->vcpu = IDENT_NONE;
}

static void add_lost_to_all(struct window_reader *r, const struct host_cpu *c)
{
	if (c->lost.end <= c->lost.begin)
		return;
	for (size_t v = 0; v < r->identity->vcpus.n; v++) {
		const struct ident_vcpu *vcpu = &r->identity->vcpus.at[v];

		if (r->identity->vms.at[vcpu->vm].host == r->host)
			gathered_windows_add(&r->windows[v], &c->lost);
	}
}

/* tid was on the CPU since the gap. */
static void end_unknown(struct window_reader *r, struct host_cpu *c, int64_t tid)
{
	int vcpu = identity_vcpu_of_thread(r->identity, r->host, tid);

	add_lost_to_all(r, c);
	vec_each (w, &c->unclaimed.at) {
		if (vcpu != IDENT_NONE)
			gathered_windows_add(&r->windows[vcpu], w);
	}
	c->unclaimed.at.n = 0;
	c->unknown = false;
}

/* The recorder says whose event it is: that needs no scheduler. */
static void take_thread(struct window_reader *r, struct host_cpu *c, const struct event *e)
{
	bool is_kvm = e->id == EV_KVM_ENTRY || e->id == EV_KVM_EXIT;

	if (!is_kvm || e->tid == NO_VALUE || (e->tid == c->said && !c->unknown))
		return;
	int vcpu = identity_vcpu_of_thread(r->identity, r->host, e->tid);

	if (c->unknown)
		end_unknown(r, c, e->tid);
	/* What ended was another one's, whose exit is missing. */
	if (vcpu != c->vcpu)
		add_window(r, c, SYNC_CAUSE_NONE);
	c->vcpu = vcpu;
	c->said = e->tid;
}

static void take_host_event(struct window_reader *r, struct host_cpu *c, const struct event *e)
{
	if (e->id == EV_LOST) {
		take_lost(r, c, e->ts, e->lost.to);
		return;
	}
	if (e->ts < c->lost_to)
		return;
	if (e->id != EV_KVM_WAIT_LAPIC_EXPIRE)
		close_window(c, e->ts);
	if (c->gap)
		c->lost.end = e->ts;
	c->gap = false;
	take_thread(r, c, e);
	switch (e->id) {
	case EV_KVM_ENTRY:
		add_window(r, c, SYNC_CAUSE_NONE);
		c->open = true;
		c->window.begin = e->ts;
		break;
	case EV_KVM_EXIT:
		add_window(r, c, cause_of(e));
		break;
	case EV_SCHED_SWITCH:
		add_window(r, c, SYNC_CAUSE_NONE);
		if (c->unknown)
			end_unknown(r, c, e->sched_switch.prev_tid);
		c->vcpu = identity_vcpu_of_thread(r->identity, r->host, e->sched_switch.next_tid);
		c->said = NO_VALUE;
		break;
	}
}

static int64_t first_tid(const struct evidence *e, uint32_t cpu)
{
	for (size_t i = 0; i < e->cpus.n; i++) {
		if (e->cpus.at[i].cpu == cpu)
			return e->cpus.at[i].first_tid;
	}
	return NO_VALUE;
}

static struct host_cpu *host_cpu_of(struct window_reader *r, uint32_t cpu)
{
	vec_each (c, &r->cpus) {
		if (c->cpu == cpu)
			return c;
	}
	struct host_cpu *c = vec_push(&r->cpus);
	int64_t tid = r->from_start ? first_tid(r->identity->machines.at[r->host].evidence, cpu)
				    : NO_VALUE;

	c->cpu = cpu;
	c->lost_to = INT64_MIN;
	c->said = NO_VALUE;
	c->vcpu = tid == NO_VALUE ? IDENT_NONE : identity_vcpu_of_thread(r->identity, r->host, tid);
	return c;
}

struct window_reader *window_reader_new(const struct recording *trace,
					const struct identity *identity, int host,
					struct gathered_windows *windows, int64_t from)
{
	static const enum event_id ids[] = {EV_SCHED_SWITCH, EV_KVM_ENTRY, EV_KVM_EXIT,
					    EV_KVM_WAIT_LAPIC_EXPIRE};
	struct window_reader *r = mem_zalloc(1, sizeof(*r));

	*r = (struct window_reader){.identity = identity,
				    .host = host,
				    .windows = windows,
				    .from_start = from == INT64_MIN,
				    .now = INT64_MIN};
	clock_map_init_offset(&r->own_clock, 0, 0, 0, 0);
	r->merge = merge_new(
		&(struct merge_input){.recording = trace,
				      .clock = &r->own_clock,
				      .wanted = event_set_of(ids, sizeof(ids) / sizeof(ids[0])),
				      .skip_before = r->from_start ? 0 : from},
		1);
	return r;
}

void window_reader_free(struct window_reader *r)
{
	merge_free(r->merge);
	clock_map_deinit(&r->own_clock);
	vec_each (c, &r->cpus)
		vec_deinit(&c->unclaimed.at);
	vec_deinit(&r->cpus);
	free(r);
}

static void end_windows(struct window_reader *r)
{
	vec_each (c, &r->cpus) {
		add_window(r, c, SYNC_CAUSE_NONE);
		if (c->unknown) {
			c->lost.end = r->now;
			add_lost_to_all(r, c);
		}
		c->unknown = false;
	}
}

bool window_reader_read(struct window_reader *r, int64_t until, size_t n)
{
	for (; n && r->now < until; n--) {
		const struct event *e = merge_next(r->merge);

		if (!e) {
			end_windows(r);
			return false;
		}
		r->now = e->ts;
		take_host_event(r, host_cpu_of(r, e->cpu), e);
	}
	return r->now < until;
}

int64_t window_reader_complete(const struct window_reader *r)
{
	int64_t until = r->now;

	vec_each (c, &r->cpus) {
		if ((c->open || c->exit_to_come) && c->window.begin < until)
			until = c->window.begin;
		if (c->unknown && c->lost.begin < until)
			until = c->lost.begin;
	}
	return until;
}

void gather_windows(const struct recording *trace, const struct identity *identity, int host,
		    struct gathered_windows *windows, int64_t from, int64_t to)
{
	struct window_reader *r = window_reader_new(trace, identity, host, windows, from);

	while (window_reader_read(r, to, SIZE_MAX))
		;
	window_reader_free(r);
}

/* ---- the guest's side ------------------------------------------------------------------------- */

static enum sync_cause cause_of_guest_event(const struct event *e, bool has_idle)
{
	switch (e->id) {
	case EV_POWER_CPU_IDLE:
		return e->power_cpu_idle.state == POWER_CPU_IDLE_EXIT ? SYNC_CAUSE_NONE
								      : SYNC_CAUSE_IDLE;
	case EV_SCHED_SWITCH:
		return !has_idle && e->sched_switch.next_tid == 0 ? SYNC_CAUSE_IDLE
								  : SYNC_CAUSE_NONE;
	case EV_TIMER_HRTIMER_START:
		return SYNC_CAUSE_TIMER;
	default:
		return SYNC_CAUSE_NONE;
	}
}

/* every: all events, not only those that can be a cause. */
static struct input_plan *guest_plan(const struct recording *trace, bool every, bool has_idle)
{
	static const enum event_id by_event[] = {EV_TIMER_HRTIMER_START, EV_POWER_CPU_IDLE};
	static const enum event_id by_switch[] = {EV_TIMER_HRTIMER_START, EV_SCHED_SWITCH};

	return input_plan_new(trace, event_set_of(has_idle ? by_event : by_switch, 2), every);
}

struct guest_reader *guest_reader_new(const struct recording *trace,
				      const struct evidence *evidence)
{
	struct guest_reader *r = mem_zalloc(1, sizeof(*r));
	bool has_idle = evidence_has(evidence, EV_POWER_CPU_IDLE);

	r->trace = trace;
	r->plan = guest_plan(trace, true, has_idle);
	r->n_streams = trace->streams.n;
	r->streams = mem_zalloc(r->n_streams, sizeof(*r->streams));
	for (size_t i = 0; i < r->n_streams; i++) {
		struct guest_stream *s = &r->streams[i];

		s->cpu = trace->streams.at[i].cpu;
		s->has_idle = has_idle;
		s->next.ts = INT64_MIN;
		s->reader = reader_new(trace, i, r->plan, 0, INT64_MIN);
		guest_stream_step(s);
	}
	return r;
}

void guest_reader_free(struct guest_reader *r)
{
	for (size_t i = 0; i < r->n_streams; i++)
		reader_free(r->streams[i].reader);
	free(r->streams);
	input_plan_free(r->trace, r->plan);
	free(r);
}

/* Return: the stream's next event, NULL at its end. */
static const struct event *next_event(struct guest_stream *s)
{
	if (s->at == s->reader->n) {
		s->at = 0;
		if (!reader_read(s->reader))
			return NULL;
	}
	return &s->reader->events[s->at++];
}

void guest_stream_step(struct guest_stream *s)
{
	const struct event *e;

	do
		e = next_event(s);
	while (e && (e->id == EV_LOST || e->ts < s->next.ts));
	s->at_end = !e;
	if (s->at_end)
		return;
	s->next.ts = e->ts;
	s->next.cause = cause_of_guest_event(e, s->has_idle);
}

static struct gathered_cpu *get_cpu(struct gathered_machine *m, uint32_t cpu)
{
	vec_each (c, &m->cpus) {
		if (c->cpu == cpu)
			return c;
	}
	struct gathered_cpu *c = vec_push(&m->cpus);

	c->cpu = cpu;
	return c;
}

static int by_time(const void *a, const void *b)
{
	const struct sync_guest_event *x = a, *y = b;

	return x->ts < y->ts ? -1 : x->ts > y->ts;
}

/* Those from number n on are of another channel than those before. */
static void put_in_order(struct gathered_cpu *c, size_t n)
{
	if (n && n < c->at.n && c->at.at[n].ts < c->at.at[n - 1].ts)
		qsort(c->at.at, c->at.n, sizeof(*c->at.at), by_time);
}

void gather_events(const struct recording *trace, const struct evidence *evidence,
		   struct gathered_machine *machine)
{
	struct guest_reader *r = guest_reader_new(trace, evidence);

	for (size_t i = 0; i < r->n_streams; i++) {
		struct guest_stream *s = &r->streams[i];
		struct gathered_cpu *cpu = get_cpu(machine, s->cpu);
		size_t before = cpu->at.n;

		for (; !s->at_end; guest_stream_step(s))
			*vec_push(&cpu->at) = s->next;
		put_in_order(cpu, before);
	}
	guest_reader_free(r);
}

/* Of the events that were read last, which come after `last`. Return: the last one's time. */
static int64_t take_causes(const struct reader *f, int64_t last, bool has_idle,
			   const struct gather_parts *parts, struct gathered_cpu *cpu)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct event *e = &f->events[i];

		if (e->id == EV_LOST || e->ts < last ||
		    (uint64_t)e->ts % parts->period >= parts->length)
			continue;
		enum sync_cause cause = cause_of_guest_event(e, has_idle);

		last = e->ts;
		if (cause != SYNC_CAUSE_NONE)
			*vec_push(&cpu->at) = (struct sync_guest_event){.ts = last, .cause = cause};
	}
	return last;
}

static void read_causes(const struct recording *trace, size_t stream, const struct input_plan *plan,
			bool has_idle, const struct gather_parts *parts, struct gathered_cpu *cpu)
{
	size_t before = cpu->at.n;
	int64_t last = INT64_MIN;
	struct reader *r = reader_new(trace, stream, plan, 0, INT64_MIN);

	while (reader_read(r))
		last = take_causes(r, last, has_idle, parts, cpu);
	reader_free(r);
	put_in_order(cpu, before);
}

void gather_causes(const struct recording *trace, const struct evidence *evidence,
		   const struct gather_parts *parts, struct gathered_machine *machine)
{
	bool has_idle = evidence_has(evidence, EV_POWER_CPU_IDLE);
	struct input_plan *plan = guest_plan(trace, false, has_idle);

	for (size_t i = 0; i < trace->streams.n; i++)
		read_causes(trace, i, plan, has_idle, parts,
			    get_cpu(machine, trace->streams.at[i].cpu));
	input_plan_free(trace, plan);
}

void gathered_machine_deinit(struct gathered_machine *m)
{
	vec_each (c, &m->cpus)
		vec_deinit(&c->at);
	vec_deinit(&m->cpus);
}
