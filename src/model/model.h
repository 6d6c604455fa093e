/*
 * model: from the events of all machines, in time order, to what every vCPU, CPU and thread did.
 *
 * It knows who is who from the start (identity.h) and follows who runs on which CPU. Everything
 * it finds goes to a sink (sink.h); it keeps only what is current.
 */
#ifndef VMSCOPE_MODEL_MODEL_H
#define VMSCOPE_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "events/event.h"
#include "events/layout.h"
#include "model/identity.h"
#include "model/sink.h"
#include "model/symbols.h"

struct model;

/* Which events the model has to be shown of a recording that could hold those `described`. */
struct event_set model_events(struct event_set described);

/*
 * identity, lanes and sink must outlive the model. Per machine of the identity: lanes, the span of
 * each of its lanes (a vCPU's is its host's); described, the events that its recording could hold
 * (layout_described()). symbols may be NULL.
 */
struct model *model_new(const struct identity *identity, const struct event_set *described,
			const struct model_span *lanes, const struct model_symbols *symbols,
			const struct model_sink *sink);
void model_free(struct model *m);

/*
 * Before any event: the host says that a VM of the identity has a CPU quota (is_limited), so that
 * what looks like one is; or that it has none, so that nothing of it is.
 */
void model_quota(struct model *m, int vm, bool is_limited);

/* Takes the next event of any machine. Times must not decrease. */
void model_event(struct model *m, const struct event *event);

/*
 * The recording of `machine` ends here; in time order with the events. A vCPU that is in the guest
 * now is known to be so up to guest_seen[v], the time of the last event that its own trace has on
 * it (INT64_MIN: none), if that is later: model_end_vcpu() is called then.
 */
void model_end_machine(struct model *m, int machine, int64_t ts, const int64_t *guest_seen);

/*
 * What a vCPU's own trace proves of it ends here. While its host is recorded that changes nothing.
 */
void model_end_vcpu(struct model *m, int vcpu, int64_t ts);

/*
 * Tells `to` what the sink has not been told yet of vCPUs and CPUs, as if their lanes ended at ts,
 * and changes nothing.
 */
void model_peek(const struct model *m, int64_t ts, const struct model_sink *to);

/* Ends all lanes. */
void model_finish(struct model *m);

/*
 * Return: what is known of the thread that intervals name by this number, or NULL when it was
 * forgotten: the sink has been told of its end. Borrowed, until the next event.
 */
const struct model_thread *model_thread(const struct model *m, uint32_t thread);

const struct model_container *model_containers(const struct model *m, size_t *np);

/*
 * Who sends a VM interrupts of this vector (0..255), as learned so far.
 * Return: enum irq_source with how often in *np, or -1 when that was never seen. *senderp: the
 * thread that sent most of these, if it is no vCPU's; or NO_THREAD.
 */
int model_irq_source(const struct model *m, int vm, int vector, uint64_t *np, uint32_t *senderp);

/* Events that contradict the state that the model is in: losses that no tracer counted. */
uint64_t model_contradictions(const struct model *m);

#endif
