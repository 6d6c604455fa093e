/*
 * outops: what a format of recordings is, and what all of them need: for ctfout.c, datout.c and
 * perfout.c only.
 */
#ifndef VMSCOPE_SIM_OUTOPS_H
#define VMSCOPE_SIM_OUTOPS_H

#include <string.h>

#include "out.h"
#include "rng.h"
#include "tracepoints.h"

/* Each gets only what has its size, with struct out as its first member, which is set up before
 * open(). */
struct out_ops {
	size_t size;
	int (*open)(struct out *o, struct error *err);
	void (*begin)(struct out *o, uint64_t raw);			/* or NULL */
	void (*thread)(struct out *o, const struct out_thread *thread); /* or NULL */
	bool (*event)(struct out *o, const struct out_context *in, enum ev ev, uint64_t raw,
		      const uint64_t *args);
	int64_t (*origin)(const struct out *o);
	void (*guest)(struct out *o, const struct out_guest *guest); /* or NULL, as the next */
	void (*shifts)(struct out *o, uint64_t host_trace_id, const struct out_shift *shifts,
		       unsigned n);
	int (*close)(struct out *o, uint64_t raw,
		     struct error *err); /* out_write()'s failures apart */
	void (*free)(struct out *o);	 /* all but the struct; also after open() failed */
};

struct out {
	const struct out_ops *ops;
	struct out_spec spec;
	struct rng rng;
	uint64_t events, bytes;
	int failed; /* errno of the first write that failed */
};

extern const struct out_ops out_ctf, out_dat, out_perf;

/* Creates DIR/<what the format says>. Return: 0 with *fdp, or ERR with err set. */
int out_create(const struct out *o, int *fdp, struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Appends to a file; a failure is kept in o. */
void out_write(struct out *o, int fd, const void *p, size_t n);

/* Return: size of what is in *outp, to be freed by the caller. */
size_t out_compress(const struct out *o, const void *in, size_t n, uint8_t **outp);

/* Return: how many events are dropped because a packet that had n of them is full and no other is
 * free; mostly 0. */
uint64_t out_burst(struct out *o, uint64_t n);

/* What a record of the kernel's says of where it happened. */
static inline struct tp_common out_common(const struct out_context *in)
{
	unsigned flags = in->in_irq ? TP_HARDIRQ | TP_IRQS_OFF : in->in_softirq ? TP_SOFTIRQ : 0;
	return (struct tp_common){.flags = (uint8_t)flags, .pid = in->tid};
}

/* Little endian, as machines are that run this. */
static inline void put16(uint8_t *p, uint64_t v)
{
	memcpy(p, (uint16_t[]){(uint16_t)v}, 2);
}

static inline void put32(uint8_t *p, uint64_t v)
{
	memcpy(p, (uint32_t[]){(uint32_t)v}, 4);
}

static inline void put64(uint8_t *p, uint64_t v)
{
	memcpy(p, &v, 8);
}

#endif
