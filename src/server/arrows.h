/*
 * arrows: who takes the CPU of whom, who wakes whom.
 *
 * Work is bounded. In a stretch with too many rows to look at all, wake-ups are looked for where
 * the longest are (digest.h), preemptions in blocks here and there, as many in every lane.
 */
#ifndef VMSCOPE_SERVER_ARROWS_H
#define VMSCOPE_SERVER_ARROWS_H

#include "server/dataset.h"
#include "server/output.h"
#include "server/request.h"

struct arrow {
	int64_t begin, end;
	int32_t from, to; /* rows */
};

struct arrows {
	VEC(struct arrow) at; /* by time */
	bool more;	      /* there are more than these */
};

/*
 * Finds arrows that begin in the range of q: of vCPUs and of threads; other outputs have none. With
 * items in q only those that lead from or to one of them. Of more than `limit` the longest stay.
 * Return: 0, or ERR with err set; deinitialize in every case.
 */
int arrows_init(struct arrows *a, struct dataset *d, enum output_id output,
		const struct view_request *q, size_t limit, struct error *err);
void arrows_deinit(struct arrows *a);

#endif
