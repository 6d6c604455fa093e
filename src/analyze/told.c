#include "analyze/told.h"

void told_take(struct evidence *e, void *ctx)
{
	const struct told *t = ctx;

	vec_each (thread, &t->recording->threads)
		evidence_name_thread(e, thread->tid, thread->pid, thread->pid_ns, thread->comm);
	vec_each (cpu, &t->recording->lost_cpus)
		evidence_name_cpu(e, *cpu);
	if (!t->with_guests)
		return;
	vec_each (g, &t->recording->guests) {
		for (uint32_t i = 0; i < g->n_cpus; i++)
			evidence_tell_vcpu(e, (uint32_t)(g - t->recording->guests.at), g->tids[i]);
	}
}

struct evidence_options told_options(const struct recording *r, bool with_vmsync)
{
	return (struct evidence_options){.described = recording_described(r),
					 .is_vague = r->lists_unrecorded,
					 .with_vmsync = with_vmsync,
					 .has_processes = r->knows_processes,
					 .is_partial = r->is_partial,
					 .cpus_apart = r->cpus_apart};
}
