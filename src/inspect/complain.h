/*
 * complain: tells a person what was wrong with the traces.
 */
#ifndef VMSCOPE_INSPECT_COMPLAIN_H
#define VMSCOPE_INSPECT_COMPLAIN_H

#include <stdio.h>

#include "base/diag.h"
#include "input/session.h"

/* A line for each thing that was left out when the traces were opened. */
void complain_session(FILE *f, const struct session *s);

/*
 * A line for each counter of a recording: what, how often, where it was met first, what it means.
 * Notices of severity info are left out.
 */
void complain_diags(FILE *f, const struct recording *r, const struct diag_list *diags);

#endif
