/*
 * tee: two sinks as one.
 */
#ifndef VMSCOPE_MODEL_TEE_H
#define VMSCOPE_MODEL_TEE_H

#include "model/sink.h"

struct tee {
	struct model_sink a, b;
};

/* Return: a sink that gives everything to t->a, then to t->b; t must outlive it. */
struct model_sink tee_sink(struct tee *t);

#endif
