#include "server/uuid.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "store/hash.h"

struct uuid uuid_of(const void *at, size_t n)
{
	char *salted = mem_alloc(n + 1);
	struct uuid u;

	memcpy(salted + 1, at, n);
	salted[0] = 'a';
	uint64_t high = hash_bytes(salted, n + 1);

	salted[0] = 'b';
	uint64_t low = hash_bytes(salted, n + 1);

	free(salted);
	snprintf(u.text, sizeof(u.text), "%08x-%04x-8%03x-%04x-%012" PRIx64, (unsigned)(high >> 32),
		 (unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xfff),
		 (unsigned)(0x8000 | (low >> 48 & 0x3fff)), low & 0xffffffffffff);
	return u;
}
