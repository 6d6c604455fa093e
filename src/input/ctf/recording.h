/*
 * recording: a CTF trace (trace.h) as a recording (input/input.h).
 */
#ifndef VMSCOPE_INPUT_CTF_RECORDING_H
#define VMSCOPE_INPUT_CTF_RECORDING_H

#include "input/ctf/trace.h"
#include "input/input.h"

struct ctf_recording {
	struct recording base;
	struct ctf_trace *trace; /* owned */
};

#endif
