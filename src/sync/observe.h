/*
 * observe: makes what sync/observed.h holds of one CPU while its events are read.
 *
 * Who is on the CPU is not found out here a second time: the evidence (model/evidence.h) says it
 * after each event. A window is
 *
 *	kvm_entry --any event--> ended --kvm_exit--> written, with its cause
 *	                               --an entry or a switch instead--> written, without
 *
 * Where events are lost there is a window from what came before to the next event, in which any
 * vCPU may have run.
 */
#ifndef VMSCOPE_SYNC_OBSERVE_H
#define VMSCOPE_SYNC_OBSERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "events/event.h"
#include "events/layout.h"
#include "sync/observed.h"

struct observer {
	struct observed_cpu *cpu; /* borrowed */
	bool is_guest;		  /* it may be one: events are observed */
	bool is_host;		  /* windows are */
	int64_t now;		  /* ns: of the last event; time does not go back */
	int64_t tid;		  /* on the CPU, NO_VALUE: not known */
	int64_t slot;		  /* of that, -1: it has none yet */
	struct map slot_by_tid;
	bool open;	   /* in the guest since window.begin */
	bool exit_to_come; /* the window has ended, its kvm_exit has not come */
	bool lost;	   /* no event since some were lost */
	int64_t lost_to;   /* until then events of one of its channels are missing */
	struct sync_window window;
	uint64_t window_slot, last_slot;
	int64_t last_cnt;
};

/* The events that an observer of such a machine has to be shown, beside those of the evidence. */
struct event_set observer_events(bool is_guest, bool is_host);

/* Begins with a CPU of observed_add_cpu(); several threads may each have one of their own. */
void observer_begin(struct observer *o, struct observed_cpu *c, bool is_guest, bool is_host);

/* tid: who is on the CPU after the event. */
void observer_event(struct observer *o, const struct event *e, int64_t tid);
void observer_end(struct observer *o);

/* Nobody knows, after all, who was on the CPU of that number when the recording began. */
void observed_forget_first(struct observed_machine *m, uint32_t cpu);

#endif
