/*
 * symbols: names of the kernels' functions, where a recording has them.
 */
#ifndef VMSCOPE_MODEL_SYMBOLS_H
#define VMSCOPE_MODEL_SYMBOLS_H

#include <stdint.h>

struct model_symbols {
	void *ctx;
	/* Return: the name of the function at this address, to be freed; NULL: not known. */
	char *(*name)(void *ctx, int machine, uint64_t address);
};

#endif
