/*
 * lost: CPUs and streams of which there should be a file, but there is none or it is empty.
 */
#ifndef VMSCOPE_CTF_LOST_H
#define VMSCOPE_CTF_LOST_H

#include "input/ctf/trace.h"
#include "input/input.h"

/*
 * Says of the recording, whose streams are described already, which CPUs have none though there was
 * one, and of its streams what is missing of them. Files have to be called after their CPUs, as
 * LTTng calls them; an empty one says so even without an index. Counts what is missing in r->diags.
 */
void ctf_lost_find(const struct ctf_trace *t, struct recording *r);

#endif
