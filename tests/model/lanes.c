/*
 * lanes: prints all that an analysis finds, for tests in other languages to check, as CSV without
 * header, the kind of row first:
 *
 *	span,begin,end
 *	machine,id,name,role,vm
 *	clock,machine,method,offset at its first event,drift,error
 *	vm,id,name,host,guest,pid,vm_uid
 *	vcpu,id,vm,index,tid,entries,exits
 *	interval,vcpu,begin,end,state,reason,userspace reason,cpu,occupant
 *	exit,vcpu,begin,end,early,reason,handled,userspace,preempted,blocked
 *	contradictions,n
 *
 * What is not known is empty; an occupant is its tid.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyze/analysis.h"

struct printer {
	VEC(struct vcpu_interval) intervals; /* threads are known at the end */
	VEC(int64_t) tids;		     /* by thread */
};

static void print_value(int64_t value)
{
	if (value == NO_VALUE)
		putchar(',');
	else
		printf(",%" PRId64, value);
}

static int64_t reason_of(const struct exit_cause *cause)
{
	return cause->reason == NO_EXIT ? NO_VALUE : (int64_t)cause->reason;
}

static void on_interval(void *ctx, const struct vcpu_interval *i)
{
	struct printer *p = ctx;

	*vec_push(&p->intervals) = *i;
}

static void on_thread_end(void *ctx, const struct model_thread *thread)
{
	struct printer *p = ctx;

	while (p->tids.n <= thread->id)
		vec_push(&p->tids);
	p->tids.at[thread->id] = thread->tid;
}

static void on_exit_end(void *ctx, const struct vm_exit *x)
{
	(void)ctx;
	printf("exit,%" PRIu32 ",%" PRId64, x->vcpu, x->begin);
	print_value(x->end);
	printf(",%" PRId64, x->early);
	print_value(reason_of(&x->cause));
	printf(",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 "\n", x->handled, x->userspace,
	       x->preempted, x->blocked);
}

static void print_interval(const struct vcpu_interval *i, const int64_t *tids)
{
	printf("interval,%" PRIu32 ",%" PRId64 ",%" PRId64 ",%s", i->vcpu, i->begin, i->end,
	       vcpu_state_name(i->state));
	print_value(reason_of(&i->cause));
	print_value(i->userspace_reason);
	print_value(i->cpu == NO_CPU ? NO_VALUE : (int64_t)i->cpu);
	print_value(i->occupant.thread == NO_THREAD ? NO_VALUE : tids[i->occupant.thread]);
	putchar('\n');
}

static void print_machine(const struct analysis *a, size_t i)
{
	const struct ident_machine *m = &a->identity.machines.at[i];
	int64_t first = INT64_MAX;

	printf("machine,%zu,%s,%s", i, m->name, role_name(identity_role(m)));
	print_value(m->vm == IDENT_NONE ? NO_VALUE : m->vm);
	vec_each (c, &a->evidence[i].cpus)
		first = c->first_ns < first ? c->first_ns : first;
	printf("\nclock,%zu,%s,%" PRId64 ",%.12f,%" PRId64 "\n", i,
	       sync_method_name(a->sync[i].method), clock_map_apply(&a->sync[i].map, first) - first,
	       a->sync[i].map.pieces[0].drift, machine_sync_taken(&a->sync[i])->error);
}

static void print_identity(const struct analysis *a)
{
	const struct identity *id = &a->identity;

	printf("span,%" PRId64 ",%" PRId64 "\n", a->span.begin, a->span.end);
	for (size_t i = 0; i < a->n_machines; i++)
		print_machine(a, i);
	for (size_t i = 0; i < id->vms.n; i++) {
		printf("vm,%zu,%s,%d", i, id->vms.at[i].name, id->vms.at[i].host);
		print_value(id->vms.at[i].guest == IDENT_NONE ? NO_VALUE : id->vms.at[i].guest);
		print_value(id->vms.at[i].pid);
		print_value(id->vms.at[i].vm_uid);
		putchar('\n');
	}
	for (size_t i = 0; i < id->vcpus.n; i++) {
		const struct ident_vcpu *v = &id->vcpus.at[i];

		printf("vcpu,%zu,%d", i, v->vm);
		print_value(v->index);
		printf(",%" PRId64 ",%" PRIu64 ",%" PRIu64 "\n", v->tid, v->entries, v->exits);
	}
}

static int print_analysis(struct session *session, struct error *err)
{
	struct analysis_options options = ANALYSIS_OPTIONS_AUTO;
	struct printer p = {0};
	struct model_sink sink = {.ctx = &p,
				  .vcpu_interval = on_interval,
				  .vm_exit = on_exit_end,
				  .thread_end = on_thread_end};
	struct analysis a;

	options.sink = &sink;
	int r = analysis_init(&a, session, &options, err);

	if (!r) {
		vec_each (i, &p.intervals)
			print_interval(i, p.tids.at);
		print_identity(&a);
		printf("contradictions,%" PRIu64 "\n", model_contradictions(a.model));
	}
	vec_deinit(&p.intervals);
	vec_deinit(&p.tids);
	analysis_deinit(&a);
	return r;
}

int main(int argc, char **argv)
{
	struct session session;
	struct error err = {0};
	int r = session_open(&session, argv + 1, (size_t)argc - 1, NULL, &err);

	if (r)
		session_deinit(&session);
	else
		r = print_analysis(&session, &err);
	if (r)
		fprintf(stderr, "lanes: %s\n", err.text);
	error_deinit(&err);
	return r ? 1 : 0;
}
