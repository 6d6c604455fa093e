/*
 * takeovers: the moments at which a vCPU that ran lost its CPU to somebody: who, and who to.
 *
 * One is found in the lane of the vCPU that loses the CPU, and is needed again when the lane of
 * who gets it is read. So all are kept, up to a limit; more than that nobody looks at in one
 * picture.
 */
#ifndef VMSCOPE_EXPORT_TAKEOVERS_H
#define VMSCOPE_EXPORT_TAKEOVERS_H

#include "base/mem.h"
#include "export/export.h"
#include "export/source.h"
#include "store/cursor.h"

enum { TAKEOVERS_MAX = 1 << 20 };

/* Who gets it: a lane of vcpu_state or of thread_state. */
struct takeover {
	int64_t ts;
	uint32_t lane;
	bool by_vcpu;
	uint32_t number; /* from 1, in the order of who loses: by lane and time */
};

struct takeovers {
	VEC(struct takeover) at; /* by lane and time of who gets it */
	bool more;		 /* than are here */
};

/*
 * Finds those in the range, which is everything when it is not given; db has the file's tables.
 * Return: 0, or ERR with err set; deinitialize in every case.
 */
int takeovers_init(struct takeovers *t, const struct store *s, sqlite3 *db,
		   const struct export_range *range, struct error *err);
void takeovers_deinit(struct takeovers *t);

/* Whether a state of a vCPU, and the one that follows it at once, mean that it loses its CPU. */
bool takeover_between(int64_t state, int64_t next, int64_t occupant);

/* Return: index of the first one in that lane, for takeovers_take(). */
size_t takeovers_find(const struct takeovers *t, bool by_vcpu, size_t lane);

/*
 * Whether somebody's interval that begins at ts is the one in which it has got the CPU; ts does not
 * step back from one call to the next. Return: the number of the takeover, or 0.
 */
uint32_t takeovers_take(const struct takeovers *t, size_t *atp, bool by_vcpu, size_t lane,
			int64_t ts);

#endif
