#include "input/ctf/index.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

/* A header, then entries of a size that it says, which begin with offset and size in bits. */
enum { INDEX_MAGIC = 0xc1f1dcc1, INDEX_HEADER = 16, INDEX_ENTRY_MIN = 56 };
enum { AT_ENTRY_SIZE = 12, AT_OFFSET = 0, AT_PACKET_SIZE = 8, AT_BEGIN = 24 };

static uint32_t index_u32(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return be32toh(v);
}

static uint64_t index_u64(const uint8_t *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof(v));
	return be64toh(v);
}

static void index_take(struct ctf_index *x, const uint8_t *entry)
{
	uint64_t end, bits = index_u64(entry + AT_PACKET_SIZE);

	if (__builtin_add_overflow(index_u64(entry + AT_OFFSET), bits / 8, &end) || end < x->size)
		return;
	x->size = end;
	x->last_begin = index_u64(entry + AT_BEGIN);
}

static struct ctf_index index_parse(const uint8_t *data, size_t size)
{
	struct ctf_index x = {0};

	if (size < INDEX_HEADER || index_u32(data) != (uint32_t)INDEX_MAGIC)
		return x;
	uint64_t step = index_u32(data + AT_ENTRY_SIZE);

	if (step < INDEX_ENTRY_MIN)
		return x;
	for (uint64_t at = INDEX_HEADER; at + step <= size; at += step)
		index_take(&x, data + at);
	return x;
}

const char *ctf_index_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

struct ctf_index ctf_index_read(const char *path)
{
	struct error ignored = {0};
	struct ctf_index x = {0};
	struct file_map map;

	if (!file_map_init(&map, path, &ignored)) {
		x = index_parse(map.data, map.size);
		file_map_deinit(&map);
	}
	error_deinit(&ignored);
	return x;
}

struct ctf_index ctf_index_of(const char *path)
{
	const char *name = ctf_index_base_name(path);
	char *index = mem_printf("%.*sindex/%s.idx", (int)(name - path), path, name);
	struct ctf_index x = ctf_index_read(index);

	free(index);
	return x;
}

int64_t ctf_index_cpu_of(const char *path)
{
	const char *name = ctf_index_base_name(path);
	size_t n = strlen(name), first = n;
	int64_t cpu = 0;

	while (first && name[first - 1] >= '0' && name[first - 1] <= '9')
		first--;
	if (first == n || n - first > 6 || !first || name[first - 1] != '_')
		return -1;
	for (; first < n; first++)
		cpu = 10 * cpu + name[first] - '0';
	return cpu;
}
