#include "sync/exchanges.h"

#include <stdlib.h>
#include <string.h>

#include "sync/bounds.h"
#include "sync/limits.h"
#include "sync/vmsync.h"

struct exchanging {
	const struct observed *observed;
	const struct identity *id;
	int vm, host;
	struct observed_vmsync_reader *hosts, *guests;
	struct observed_vmsyncs hosts_events, guest; /* read and not compared yet, of any VM */
	int64_t host_to, guest_to;		     /* ns: all before is read */
	bool more_host, more_guest;
	bool known;	    /* there is a difference */
	int64_t difference; /* ns, host - guest, of the last exchange */
	struct sync_fit_options options;
	struct sync_bounds bounds;
	struct sync_exchanges *found;
};

typedef VEC(struct sync_vmsync_event) events_t;

/* Whether the VM's own thread names another VM: then it is none of its exchanges'. */
static bool is_foreign(const struct exchanging *x, const struct observed_vmsync *e)
{
	if (!e->is_host || e->tid == NO_VALUE || e->vm_uid == x->id->vms.at[x->vm].vm_uid)
		return false;
	int vcpu = identity_vcpu_of_thread(x->id, x->host, e->tid, e->ts);

	return vcpu != IDENT_NONE && x->id->vcpus.at[vcpu].vm == x->vm;
}

/* The events of the VM on one side. */
static void take_events(events_t *out, const struct exchanging *x,
			const struct observed_vmsyncs *from, bool host_side)
{
	vec_each (e, &from->at) {
		if (e->is_host == host_side && e->vm_uid == x->id->vms.at[x->vm].vm_uid)
			*vec_push(out) = (struct sync_vmsync_event){
				.ts = e->ts, .cnt = e->cnt, .to_guest = e->to_guest};
	}
}

/* Forgets the events before ns `t`; counts the foreign ones among them. */
static void drop_before(struct exchanging *x, struct observed_vmsyncs *from, int64_t t)
{
	size_t n = 0;

	for (; n < from->at.n && from->at.at[n].ts < t; n++)
		x->found->decoys += from == &x->hosts_events && is_foreign(x, &from->at.at[n]);
	from->at.n -= n;
	if (n)
		memmove(from->at.at, from->at.at + n, from->at.n * sizeof(*from->at.at));
}

static void pair_events(struct exchanging *x)
{
	events_t host = {0}, guest = {0};
	struct sync_vmsync v;

	take_events(&host, x, &x->hosts_events, true);
	take_events(&guest, x, &x->guest, false);
	sync_vmsync_init(&v, host.at, host.n, guest.at, guest.n);
	x->found->decoys += v.decoys;
	x->found->lost += v.lost_host + v.lost_guest;
	vec_each (b, &v.bounds)
		*vec_push(&x->bounds.at) = *b;
	if (v.bounds.n) {
		x->known = true;
		x->difference = v.bounds.at[v.bounds.n - 1].value;
	}
	sync_bounds_make_room(&x->bounds, &x->options);
	sync_vmsync_deinit(&v);
	vec_deinit(&host);
	vec_deinit(&guest);
}

static void read_guest(struct exchanging *x, int64_t step)
{
	while (x->more_guest && x->guest.at.n < EXCHANGES_AT_ONCE) {
		x->guest_to += step;
		x->more_guest = observed_vmsync_read(x->guests, x->guest_to, &x->guest);
	}
}

/* Up to the host's time of what the guest has, as far as the difference is known. */
static void read_host(struct exchanging *x, int64_t step)
{
	int64_t until = x->known ? x->guest_to + x->difference + EXCHANGES_SLACK : INT64_MAX;

	while (x->more_host && x->host_to < until &&
	       (x->known || x->hosts_events.at.n < EXCHANGES_AT_ONCE)) {
		x->host_to += step;
		x->more_host = observed_vmsync_read(x->hosts, x->host_to, &x->hosts_events);
	}
}

/* Return: ns by steps of which some thousand events are read. */
static int64_t step_of(const struct observed *o, int machine)
{
	const struct observed_machine *m = &o->machines[machine];
	uint64_t n = observed_vmsync_count(o, machine) / (EXCHANGES_AT_ONCE / 8) + 1;

	if (m->first_ns > m->last_ns)
		return INT64_MAX / 4;
	return (int64_t)(((uint64_t)m->last_ns - (uint64_t)m->first_ns) / n) + 1;
}

/* Of the host's events behind those that were compared some may belong to the guest's next ones. */
static void exchange_all(struct exchanging *x, int machine)
{
	int64_t host_step = step_of(x->observed, x->host),
		guest_step = step_of(x->observed, machine);

	while (x->more_guest || x->guest.at.n) {
		read_guest(x, guest_step);
		read_host(x, host_step);
		pair_events(x);
		drop_before(x, &x->guest, INT64_MAX);
		drop_before(x, &x->hosts_events,
			    x->known && x->more_guest
				    ? x->guest_to + x->difference - EXCHANGES_SLACK
				    : INT64_MAX);
	}
}

int sync_exchanges_fit(const struct observed *o, const struct identity *id, int machine,
		       struct sync_exchanges *found, struct sync_fit *fit)
{
	const struct observed_machine *m = &o->machines[machine];
	int vm = id->machines.at[machine].vm, host = id->vms.at[vm].host;
	struct exchanging x = {.observed = o,
			       .id = id,
			       .vm = vm,
			       .host = host,
			       .hosts = observed_vmsync_new(o, host),
			       .guests = observed_vmsync_new(o, machine),
			       .host_to = o->machines[host].first_ns,
			       .guest_to = m->first_ns,
			       .more_host = true,
			       .more_guest = true,
			       .options = sync_fit_defaults(m->first_ns, m->last_ns),
			       .found = found};

	*found = (struct sync_exchanges){0};
	exchange_all(&x, machine);
	sync_bounds_sort(x.bounds.at.at, x.bounds.at.n);
	int r = sync_fit_init(fit, x.bounds.at.at, x.bounds.at.n, &x.options);

	observed_vmsync_free(x.hosts);
	observed_vmsync_free(x.guests);
	vec_deinit(&x.hosts_events.at);
	vec_deinit(&x.guest.at);
	vec_deinit(&x.bounds.at);
	return r;
}
