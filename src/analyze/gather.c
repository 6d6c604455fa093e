#include "analyze/gather.h"

#include <stdbool.h>
#include <stdlib.h>

#include "ctf/cursor.h"
#include "events/exit_reason.h"
#include "events/layout.h"

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
 * One CPU's stream being read.
 *
 * After lost events nobody knows who is on the CPU until its next sched_switch says who was; the
 * windows until then wait for that, and any vCPU may have run in the stretch that is lost:
 *
 *	known --lost--> gap --first event--> unclaimed --sched_switch--> known
 */
struct windows_reader {
	const struct identity *identity;
	int host;
	struct gathered_windows *windows;
	int vcpu;			   /* whose thread is on the CPU, or IDENT_NONE */
	bool gap;			   /* no event since some were lost */
	bool unknown;			   /* no sched_switch since some were lost */
	struct sync_window lost;	   /* while unknown: what is lost */
	struct gathered_windows unclaimed; /* while unknown: windows after that */
	bool open;			   /* in the guest since window.begin */
	bool exit_to_come;		   /* the window has ended, its kvm_exit has not come */
	struct sync_window window;
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
	enum isa isa = e->kvm_exit.isa == NO_VALUE ? ISA_UNKNOWN : (enum isa)e->kvm_exit.isa;
	uint32_t reason = (uint32_t)e->kvm_exit.reason;

	if (is_idle(isa, reason))
		return SYNC_CAUSE_IDLE;
	return is_timer(isa, reason) ? SYNC_CAUSE_TIMER : SYNC_CAUSE_NONE;
}

static void add_window(struct windows_reader *r, enum sync_cause cause)
{
	r->window.cause = cause;
	if (r->exit_to_come && r->window.end > r->window.begin) {
		if (r->unknown)
			*vec_push(&r->unclaimed.at) = r->window;
		else if (r->vcpu != IDENT_NONE)
			*vec_push(&r->windows[r->vcpu].at) = r->window;
	}
	r->exit_to_come = false;
}

static void close_window(struct windows_reader *r, int64_t ts)
{
	if (!r->open)
		return;
	r->window.end = ts;
	r->open = false;
	r->exit_to_come = true;
}

static void take_lost(struct windows_reader *r, const struct ctf_cursor *c)
{
	int64_t begin = r->open ? r->window.begin : c->ns;

	r->open = false;
	add_window(r, SYNC_CAUSE_NONE);
	if (!r->unknown)
		r->lost.begin = begin;
	r->unclaimed.at.n = 0; /* lost as well: nobody will ever say whose they were */
	r->gap = r->unknown = true;
	r->vcpu = IDENT_NONE;
}

static void add_lost_to_all(struct windows_reader *r)
{
	if (r->lost.end <= r->lost.begin)
		return;
	for (size_t v = 0; v < r->identity->vcpus.n; v++) {
		const struct ident_vcpu *vcpu = &r->identity->vcpus.at[v];

		if (r->identity->vms.at[vcpu->vm].host == r->host)
			*vec_push(&r->windows[v].at) = r->lost;
	}
}

/* tid was on the CPU since the gap. */
static void end_unknown(struct windows_reader *r, int64_t tid)
{
	int vcpu = identity_vcpu_of_thread(r->identity, r->host, tid);

	add_lost_to_all(r);
	vec_each (w, &r->unclaimed.at) {
		if (vcpu != IDENT_NONE)
			*vec_push(&r->windows[vcpu].at) = *w;
	}
	r->unclaimed.at.n = 0;
	r->unknown = false;
}

/* last: ns of the machine's last event, on any CPU. */
static void end_stream(struct windows_reader *r, int64_t last)
{
	add_window(r, SYNC_CAUSE_NONE);
	if (r->unknown) {
		r->lost.end = last;
		add_lost_to_all(r);
	}
	vec_deinit(&r->unclaimed.at);
}

static void take_host_event(struct windows_reader *r, const struct event *e)
{
	if (e->id != EV_KVM_WAIT_LAPIC_EXPIRE)
		close_window(r, e->ts);
	if (r->gap)
		r->lost.end = e->ts;
	r->gap = false;
	switch (e->id) {
	case EV_KVM_ENTRY:
		add_window(r, SYNC_CAUSE_NONE);
		r->open = true;
		r->window.begin = e->ts;
		break;
	case EV_KVM_EXIT:
		add_window(r, cause_of(e));
		break;
	case EV_SCHED_SWITCH:
		add_window(r, SYNC_CAUSE_NONE);
		if (r->unknown)
			end_unknown(r, e->sched_switch.prev_tid);
		r->vcpu = identity_vcpu_of_thread(r->identity, r->host, e->sched_switch.next_tid);
		break;
	}
}

static int64_t last_of(const struct evidence *e)
{
	int64_t last = INT64_MIN;

	vec_each (cpu, &e->cpus)
		last = cpu->last_ns > last ? cpu->last_ns : last;
	return last;
}

static void read_windows(const struct ctf_trace *trace, const struct ctf_stream *stream,
			 const struct ctf_plan *plan, struct windows_reader *r)
{
	struct ctf_cursor c;
	struct event e = {.cpu = stream->cpu};
	int result;

	ctf_cursor_init(&c, trace, stream, plan, false, INT64_MIN);
	while ((result = ctf_cursor_next(&c, &e)) != CTF_CURSOR_END) {
		e.ts = c.ns;
		e.id = c.tag == CTF_TAG_ANY ? (uint16_t)EV_OTHER : c.tag;
		if (result == CTF_CURSOR_LOST)
			take_lost(r, &c);
		else
			take_host_event(r, &e);
	}
	end_stream(r, last_of(r->identity->machines.at[r->host].evidence));
	ctf_cursor_deinit(&c);
}

static int by_begin(const void *a, const void *b)
{
	const struct sync_window *x = a, *y = b;

	return x->begin < y->begin ? -1 : x->begin > y->begin;
}

/* Windows come CPU by CPU; lost stretches overlap others. */
static void put_in_order(struct gathered_windows *w)
{
	size_t n = 0;

	if (!w->at.n)
		return;
	qsort(w->at.at, w->at.n, sizeof(*w->at.at), by_begin);
	for (size_t i = 1; i < w->at.n; i++) {
		struct sync_window *last = &w->at.at[n], *next = &w->at.at[i];

		if (next->begin >= last->end) {
			w->at.at[++n] = *next;
			continue;
		}
		last->end = next->end > last->end ? next->end : last->end;
		last->cause = SYNC_CAUSE_NONE;
	}
	w->at.n = n + 1;
}

static int64_t first_tid(const struct evidence *e, uint32_t cpu)
{
	for (size_t i = 0; i < e->cpus.n; i++) {
		if (e->cpus.at[i].cpu == cpu)
			return e->cpus.at[i].first_tid;
	}
	return NO_VALUE;
}

void gather_windows(const struct ctf_trace *trace, const struct identity *identity, int host,
		    struct gathered_windows *windows)
{
	static const enum event_id ids[] = {EV_SCHED_SWITCH, EV_KVM_ENTRY, EV_KVM_EXIT,
					    EV_KVM_WAIT_LAPIC_EXPIRE};
	struct ctf_plan *plan =
		layout_plan(&trace->type, event_set_of(ids, sizeof(ids) / sizeof(ids[0])));

	for (size_t i = 0; i < trace->streams.n; i++) {
		const struct ctf_stream *stream = &trace->streams.at[i];
		int64_t tid = first_tid(identity->machines.at[host].evidence, stream->cpu);
		struct windows_reader r = {.identity = identity, .host = host, .windows = windows};

		r.vcpu =
			tid == NO_VALUE ? IDENT_NONE : identity_vcpu_of_thread(identity, host, tid);
		read_windows(trace, stream, plan, &r);
	}
	for (size_t v = 0; v < identity->vcpus.n; v++) {
		if (identity->vms.at[identity->vcpus.at[v].vm].host == host)
			put_in_order(&windows[v]);
	}
	ctf_plan_free(plan);
}

/* ---- the guest's side ------------------------------------------------------------------------- */

static enum sync_cause cause_of_guest_event(const struct event *e, uint16_t tag, bool has_idle)
{
	switch (tag) {
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

static void read_events(const struct ctf_trace *trace, const struct ctf_stream *stream,
			const struct ctf_plan *plan, bool has_idle, struct gathered_cpu *cpu)
{
	struct ctf_cursor c;
	struct event e = {0};
	int64_t last = INT64_MIN;
	int result;

	ctf_cursor_init(&c, trace, stream, plan, true, INT64_MIN);
	while ((result = ctf_cursor_next(&c, &e)) != CTF_CURSOR_END) {
		if (result == CTF_CURSOR_LOST || c.ns < last)
			continue;
		last = c.ns;
		*vec_push(&cpu->at) = (struct sync_guest_event){
			.ts = c.ns, .cause = cause_of_guest_event(&e, c.tag, has_idle)};
	}
	ctf_cursor_deinit(&c);
}

void gather_events(const struct ctf_trace *trace, struct gathered_machine *machine)
{
	static const enum event_id ids[] = {EV_SCHED_SWITCH, EV_POWER_CPU_IDLE,
					    EV_TIMER_HRTIMER_START};
	struct ctf_plan *plan =
		layout_plan(&trace->type, event_set_of(ids, sizeof(ids) / sizeof(ids[0])));
	bool has_idle = event_set_has(layout_described(&trace->type), EV_POWER_CPU_IDLE);

	for (size_t i = 0; i < trace->streams.n; i++) {
		const struct ctf_stream *stream = &trace->streams.at[i];

		read_events(trace, stream, plan, has_idle, get_cpu(machine, stream->cpu));
	}
	ctf_plan_free(plan);
}

void gathered_machine_deinit(struct gathered_machine *m)
{
	vec_each (c, &m->cpus)
		vec_deinit(&c->at);
	vec_deinit(&m->cpus);
}
