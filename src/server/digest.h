/*
 * digest: what charts want to know of the blocks of a table, found by reading all of it once: of
 * exits, how many there are for each reason; of wake-ups, the longest latency; of the states of
 * vCPUs, how much time was stolen, for which the index is enough.
 */
#ifndef VMSCOPE_SERVER_DIGEST_H
#define VMSCOPE_SERVER_DIGEST_H

#include "server/parts.h"

struct digest_block {
	int64_t first, end;
	uint64_t rows, offset, size;
	uint32_t hash;
	uint32_t
		counts; /* exits: where its counts begin; they end where those of the next one do */
	int64_t max, max_at;	  /* wake-ups: the longest, TABLE_NULL: none was ever run; when */
	uint64_t stolen, unknown; /* states: ns */
};

struct digest_count {
	uint16_t reason; /* place in the lane's reasons */
	uint16_t n;
};

struct digest_reason {
	int64_t reason; /* as the hardware gives it; TABLE_NULL: not known */
	int64_t name;	/* a string of the file */
};

struct digest_lane {
	VEC(struct digest_block) blocks; /* by time */
	VEC(struct digest_count) counts;
	VEC(struct digest_reason) reasons;
};

struct digest {
	enum table_id table;
	VEC(struct digest_lane) lanes; /* as the file has them */
};

/* More reasons than this no vCPU has; only they are told apart. */
enum { DIGEST_MAX_REASONS = 1000 };

/* Whether a vCPU in this state could run and had no CPU. */
static inline bool digest_is_stolen(int64_t state)
{
	return vcpu_state_is(state, STATE_LOST);
}

/* table: TABLE_VM_EXIT, TABLE_WAKEUP or TABLE_VCPU_STATE. Return: 0, or ERR with err set;
 * deinitialize in every case. */
int digest_init(struct digest *d, const struct store *s, enum table_id table, struct error *err);
void digest_deinit(struct digest *d);

/*
 * Finds the blocks of a lane that [from, to) touches and which of them to decode, as parts_find()
 * does. Return: the number of the first one.
 */
size_t digest_parts(const struct digest *d, const struct parts_query *q, struct parts *parts);

/* Return: the number of the first block of a lane that does not end before `from`. */
size_t digest_first(const struct digest_lane *lane, int64_t from);

/* Sets *e to the block as block_read() wants it; its sums are left as they are. */
void digest_entry(const struct digest_block *b, struct entry *e);

/* Return: how many exits a block has for a reason, by its place. */
uint32_t digest_count(const struct digest_lane *lane, size_t block, uint16_t reason);

#endif
