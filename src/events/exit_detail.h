/*
 * exit_detail: what an exit was about: which MSR, port, address, vector, ...
 *
 * Two sources tell: the exit's own qualification (info1, info2, intr_info), and KVM's events
 * between the exit and the next entry. A detail is a kind and a number, so that keeping one costs
 * no memory; it becomes a text only where it is saved.
 */
#ifndef VMSCOPE_EVENTS_EXIT_DETAIL_H
#define VMSCOPE_EVENTS_EXIT_DETAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "events/event.h"
#include "events/exit_reason.h"

/* Of two that are told of one exit the later one here says more. */
enum exit_detail_kind {
	DETAIL_NONE,
	DETAIL_VECTOR,	  /* of the host's interrupt, or of the guest's whose end it is */
	DETAIL_IRQ,	  /* of the host's interrupt that has one: its line */
	DETAIL_EXCEPTION, /* vector */
	DETAIL_NESTED,	  /* the guest's own guest left it, and the guest handles that; no number */
	DETAIL_PAGE_FAULT, /* guest physical address */
	DETAIL_CPUID,	   /* function */
	DETAIL_CR_READ,	   /* number of the register */
	DETAIL_CR_WRITE,
	DETAIL_APIC_READ, /* offset of the register */
	DETAIL_APIC_WRITE,
	DETAIL_MMIO_READ, /* guest physical address */
	DETAIL_MMIO_WRITE,
	DETAIL_PORT_IN, /* port */
	DETAIL_PORT_OUT,
	DETAIL_HYPERCALL,    /* number */
	DETAIL_HV_HYPERCALL, /* of Hyper-V: code */
	DETAIL_MSR_READ,     /* number of the register */
	DETAIL_MSR_WRITE,
	DETAIL_WFI, /* no number */
	DETAIL_WFE,
	DETAIL_N_KINDS,
};

struct exit_detail {
	enum exit_detail_kind kind;
	int64_t value; /* NO_VALUE: the kind has none, or it is not known */
};

/* What the exit itself tells. e: an EV_KVM_EXIT; isa, reason: its own. */
struct exit_detail exit_detail_of(const struct event *e, enum isa isa, uint32_t reason);

/* What another event tells of the exit that it happens in; DETAIL_NONE of all that tell nothing. */
struct exit_detail exit_detail_told(const struct event *e);

/*
 * Return: whether it is an interrupt of the host's. That one was taken says nothing of an exit for
 * another reason, in which it can happen as well.
 */
static inline bool exit_detail_is_interrupt(struct exit_detail d)
{
	return d.kind == DETAIL_VECTOR || d.kind == DETAIL_IRQ;
}

/* Keeps the better of the two in *d. */
static inline void exit_detail_add(struct exit_detail *d, struct exit_detail told)
{
	if (told.kind > d->kind || (told.kind == d->kind && d->value == NO_VALUE))
		*d = told;
}

/* No physical address has more bits, no named number either, so that a kind fits beside it. */
enum { EXIT_DETAIL_BITS = 52, EXIT_DETAIL_KIND_BITS = 8 };

/*
 * Return: whether its number is worth a name of its own; addresses of page faults are so many that
 * they go by their number alone.
 */
static inline bool exit_detail_is_named(struct exit_detail d)
{
	return d.kind != DETAIL_PAGE_FAULT && !((uint64_t)d.value >> EXIT_DETAIL_BITS);
}

/* Return: "msr-write", "page-fault"; NULL of DETAIL_NONE. */
const char *exit_detail_kind_name(enum exit_detail_kind kind);

enum { EXIT_DETAIL_TEXT = 64 };

/* Writes "msr-write TSC_DEADLINE", "port-out 0x3f8"; of one that is not named only its kind. */
void exit_detail_text(struct exit_detail d, char text[EXIT_DETAIL_TEXT]);

#endif
