/*
 * busy: why a vCPU had no CPU, beside the thread that had it: what else a CPU is busy with, and
 * how sure a quota is. Names are those of the columns vcpu_state.occupant_kind and .certainty.
 */
#ifndef VMSCOPE_SCHEMA_BUSY_H
#define VMSCOPE_SCHEMA_BUSY_H

/* What a CPU is busy with. */
enum busy {
	BUSY_UNKNOWN,
	BUSY_THREAD,
	BUSY_IDLE,
	BUSY_IRQ,     /* an interrupt's handler, of whichever thread it interrupted */
	BUSY_SOFTIRQ, /* likewise */
	BUSY_TIMER,   /* the handler of a timer, within the timer's interrupt */
	BUSY_N,
};

/* That a quota kept a vCPU from running. */
enum certainty {
	CERTAINTY_NONE,	  /* nothing speaks for it */
	CERTAINTY_OPEN,	  /* something does, and as much speaks for another cause */
	CERTAINTY_LIKELY, /* the group's period timer brought it back */
	CERTAINTY_PROVED, /* its CPU was idle while it was runnable */
	CERTAINTY_N,
};

/* Return: NULL for BUSY_UNKNOWN and CERTAINTY_NONE. */
const char *busy_name(enum busy busy);
const char *certainty_name(enum certainty certainty);

/* Return: BUSY_UNKNOWN, CERTAINTY_NONE for NULL or a name that is none. */
enum busy busy_of_name(const char *name);
enum certainty certainty_of_name(const char *name);

#endif
