/*
 * lives: when a tid began to name another thread.
 *
 * The kernel gives a tid again when its thread is gone. Of most threads nothing hangs on that;
 * where one that entered a guest has its tid from another, or left it to one, what is found out of
 * the two is kept apart by the number of its life. Likewise by vCPU where one thread runs several.
 */
#ifndef VMSCOPE_MODEL_LIVES_H
#define VMSCOPE_MODEL_LIVES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

/* At `ts` a life of the tid ends, or the next one begins. */
struct lives_cut {
	int64_t tid, ts; /* ns, by the machine's clock */
};

struct lives {
	VEC(struct lives_cut) at; /* by tid, then ts */
	VEC(int64_t) shared;	  /* tids of threads that run several vCPUs, by turns */
};

void lives_deinit(struct lives *l);

/* In any order; lives_sort() puts them in theirs. */
void lives_add(struct lives *l, int64_t tid, int64_t ts);
void lives_sort(struct lives *l);

/* Return: whether the thread with this tid runs several vCPUs. */
bool lives_is_shared(const struct lives *l, int64_t tid);

/* Return: how many of the tid's cuts are not after ts. */
unsigned lives_number(const struct lives *l, int64_t tid, int64_t ts);

#endif
