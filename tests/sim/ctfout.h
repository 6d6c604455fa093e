/*
 * ctfout: one machine's trace on disk, as LTTng lays out a kernel trace.
 *
 * DIR/kernel/metadata (packetized), one stream file k_N per CPU and its index/k_N.idx; with a second
 * channel, which has KVM's events, kvm_N too. Everything is written as it comes, one packet per stream
 * is all the memory it takes.
 *
 * Losses are made here, as a tracer makes them: when a packet is full and no other is free, events
 * are dropped and counted until one is (discard mode), or a whole packet is overwritten (a gap in
 * packet_seq_num). Each loss is reported to the `lost` callback with the time range that holds it.
 */
#ifndef VMSCOPE_SIM_CTFOUT_H
#define VMSCOPE_SIM_CTFOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "clock.h"
#include "events.h"
#include "rng.h"

enum loss { LOSS_EVENTS, LOSS_PACKET };

struct ctf_spec {
	const char *dir; /* the machine's; made if it is not there */
	const char *hostname;
	const char *kernel_release;
	uint8_t uuid[16];
	unsigned n_cpus;
	size_t packet_size;  /* bytes */
	bool compact;	     /* event_header_compact instead of large */
	bool channels;	     /* KVM's events have one of their own */
	bool old;	     /* says to be lttng-modules 2.7 */
	double lost_events;  /* percent of the events */
	double lost_packets; /* percent of the packets */
	uint64_t seed;	     /* of the losses */
	const struct event_table *table;
	const struct machine_clock *clock;
	void (*lost)(void *ctx, enum loss kind, unsigned cpu, uint64_t from, uint64_t to,
		     uint64_t n);
	void *ctx;
};

struct ctf_out;

/* What spec points to must outlive it. Return: 0 with *outp, or ERR with err set. */
int ctf_out_new(const struct ctf_spec *spec, struct ctf_out **outp, struct error *err);

/*
 * Appends one event; times of a stream do not go back unless its clock does. Failures to write are
 * kept and returned by ctf_out_close(). Return: true if it was recorded, false if it was lost.
 */
bool ctf_out_event(struct ctf_out *o, unsigned cpu, enum ev ev, uint64_t raw_time,
		   const uint64_t *args);

uint64_t
ctf_out_events(const struct ctf_out *o); /* recorded, in packets that were kept or are open */
uint64_t ctf_out_bytes(const struct ctf_out *o);

/* Ends every stream at raw_time. Return: 0, or ERR with err set if anything could not be written.
 */
int ctf_out_close(struct ctf_out *o, uint64_t raw_time, struct error *err);
void ctf_out_free(struct ctf_out *o); /* NULL is allowed */

#endif
