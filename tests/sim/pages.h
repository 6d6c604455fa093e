/*
 * pages: what ftrace records on one CPU, in pages of a ring buffer as the kernel lays them out.
 *
 * Times are written as differences, longer ones as time extends, some as absolute stamps. In memory
 * there are only as many pages as trace-cmd compresses together; full ones go to a file without a
 * name, for in a trace.dat each CPU's are in one piece.
 *
 * Losses are those of a ring buffer that overwrites: whole pages. The next page says that some are
 * missing and, if it has room for it behind its data, how many. Neither the first page nor the last
 * is lost, so that every gap shows.
 *
 * Facts: kernel/trace/ring_buffer.c of Linux 6.1; trace-cmd.dat.v7.5.txt of trace-cmd for the
 * compression.
 */
#ifndef VMSCOPE_SIM_PAGES_H
#define VMSCOPE_SIM_PAGES_H

#include "outops.h"

enum {
	PAGE_SIZE = 4096,
	PAGE_HEADER = 16, /* time, commit */
	PAGE_DATA = PAGE_SIZE - PAGE_HEADER,
	PAGES_CHUNK = 10 * PAGE_SIZE, /* what trace-cmd compresses at once */
};

struct pages {
	unsigned cpu;
	int fd;		/* what is full; compressed in chunks, each with two sizes before it */
	uint8_t *chunk; /* full pages, then the open one */
	size_t n_full;	/* bytes of full pages in it */
	size_t used;	/* bytes of data in the open page; 0: none is open */
	uint64_t begin, last;
	uint64_t n_page;		  /* events in it */
	uint64_t missed;		  /* events before it */
	uint64_t n_pages, n_chunks, size; /* in the file, size in bytes */
	uint64_t events, overrun;	  /* kept, lost */
	uint64_t first;			  /* time of the first event */
};

/* Return: 0, or ERR with err set. */
int pages_init(struct pages *p, struct out *o, unsigned cpu, struct error *err);
void pages_deinit(struct pages *p);

/* Appends a record of n bytes. */
void pages_event(struct pages *p, struct out *o, bool in_irq, uint64_t raw, const uint8_t *data,
		 size_t n);

/* All is in the file then. */
void pages_end(struct pages *p, struct out *o, uint64_t raw);

#endif
