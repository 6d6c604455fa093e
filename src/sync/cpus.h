/*
 * cpus: the clocks of a guest whose CPUs do not share one, as after some VMs were restored.
 *
 * One clock for all of them leaves events outside then, or bounds that contradict each other. So
 * each CPU is followed alone. Where two that fit well leave no difference of the clocks that both
 * allow, they do not share one: those whose bounds agree are followed together. A CPU that cannot
 * be followed has the clock that all of its events fit, where they fit no other; else nothing is
 * known of it.
 */
#ifndef VMSCOPE_SYNC_CPUS_H
#define VMSCOPE_SYNC_CPUS_H

#include "sync/estimate.h"
#include "sync/observed.h"
#include "sync/search.h"

/* Return: whether the guest's CPUs may not share the clock that this estimate is of. */
bool sync_cpus_may_differ(const struct sync_estimate *e);

/*
 * cpus: empty; gets the CPUs of the guest that have events, those first that share the clock most
 * of them have. It stays empty where nothing proves that they differ. guest: all of its CPUs.
 */
void sync_cpus_find(const struct observed_guest *guest, const struct sync_found *found,
		    sync_cpu_clocks *cpus);

#endif
