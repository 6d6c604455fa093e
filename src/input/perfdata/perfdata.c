#include "input/perfdata/perfdata.h"

#include <unistd.h>

#include "input/perfdata/record.h"

void perfdata_note(struct perfdata *p, enum diag_id id, uint64_t count,
		   const struct perfdata_source *source, const uint8_t *at)
{
	const uint8_t *start = source->map.data ? source->map.data : source->at;
	struct diag where = {
		.first_ns = DIAG_NO_TIME, .file = source->path, .packet = (uint64_t)(at - start)};

	diag_add(&p->base.diags, id, count, &where);
}

uint64_t perfdata_skip(struct perfdata *p, const struct perfdata_source *source, int result,
		       const uint8_t *at)
{
	uint64_t left = source->size - (uint64_t)(at - source->at);
	uint64_t n = perfdata_next_sound(at, left, p->big_endian);
	bool is_cut = result == PERFDATA_READ_CUT && n == left;

	perfdata_note(p, is_cut ? DIAG_RECORD_CUT : DIAG_RECORD_DAMAGED, 1, source, at);
	return n;
}

void perfdata_unmap(struct perfdata_source *source)
{
	file_map_deinit(&source->map);
	if (source->fd >= 0)
		close(source->fd);
	source->fd = -1;
}
