/*
 * spool: sequences of small records that are written once, in order, and read again from any block
 * on.
 *
 * What one reading of the traces leaves is some bytes per event: too much for memory, little for a
 * disk. Every sequence fills blocks; full ones go to a file without a name, in $TMPDIR or /tmp,
 * which all sequences share. Where that cannot be written (it is full, say) blocks stay in memory.
 * Threads may write different sequences at the same time.
 *
 * A record is numbers of 7 bits a byte (varints). Its time is a difference from the one before;
 * each block begins anew, so that it can be read alone.
 */
#ifndef VMSCOPE_SYNC_SPOOL_H
#define VMSCOPE_SYNC_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "sync/limits.h"

struct spool;

struct spool *spool_new(void);
void spool_free(struct spool *s);

/* Return: whether something that was written could not be read again. */
bool spool_is_broken(const struct spool *s);

struct spool_block {
	int64_t first;	/* ns: time of its first record */
	uint64_t at;	/* in the file, unless it is in memory */
	uint8_t *bytes; /* owned; NULL: in the file */
	uint32_t size;
};

struct spool_seq {
	struct spool *spool; /* borrowed */
	VEC(struct spool_block) blocks;
	uint8_t *block; /* owned; the one being filled, NULL: none */
	uint32_t n;	/* bytes of it */
	int64_t last;	/* ns: time of the last record */
	uint64_t records;
};

void spool_seq_init(struct spool_seq *q, struct spool *s);
void spool_seq_deinit(struct spool_seq *q);

/* Begins a block whose first record is of time `ts`. */
void spool_begin_block(struct spool_seq *q, int64_t ts);

/* All is written. */
void spool_seq_end(struct spool_seq *q);

static inline uint8_t *spool_put(uint8_t *p, uint64_t x)
{
	for (; x >= 0x80; x >>= 7)
		*p++ = (uint8_t)(x | 0x80);
	*p++ = (uint8_t)x;
	return p;
}

static inline uint8_t *spool_put_signed(uint8_t *p, int64_t x)
{
	return spool_put(p, (uint64_t)x << 1 ^ (uint64_t)(x >> 63));
}

/* Return: room for the numbers of one record of time ts, which is not before the last one's. */
static inline uint8_t *spool_record(struct spool_seq *q, int64_t ts)
{
	if (!q->block || q->n > SPOOL_BLOCK - SPOOL_RECORD)
		spool_begin_block(q, ts);
	return q->block + q->n;
}

/* The record, of time ts, is written up to `end`. */
static inline void spool_recorded(struct spool_seq *q, const uint8_t *end, int64_t ts)
{
	q->n = (uint32_t)(end - q->block);
	q->last = ts;
	q->records++;
}

/* A place in a sequence that is written. */
struct spool_cursor {
	const struct spool_seq *seq; /* borrowed */
	size_t next_block;
	const uint8_t *at, *end;
	uint8_t *bytes; /* owned; of a block of the file */
	int64_t time;	/* ns: of the record read last */
};

void spool_cursor_init(struct spool_cursor *c, const struct spool_seq *q);
void spool_cursor_deinit(struct spool_cursor *c);

/* Goes to the begin of the last block that begins before ns `from`, or of the first. */
void spool_cursor_seek(struct spool_cursor *c, int64_t from);

bool spool_next_block(struct spool_cursor *c);

/* Return: whether there is one more record to get. */
static inline bool spool_cursor_more(struct spool_cursor *c)
{
	return c->at < c->end || spool_next_block(c);
}

static inline uint64_t spool_get(struct spool_cursor *c)
{
	uint64_t x = *c->at++;

	if (x < 0x80)
		return x;
	x &= 0x7f;
	for (unsigned shift = 7;; shift += 7) {
		uint64_t byte = *c->at++;

		x |= (byte & 0x7f) << shift;
		if (byte < 0x80)
			return x;
	}
}

static inline int64_t spool_get_signed(struct spool_cursor *c)
{
	uint64_t x = spool_get(c);

	return (int64_t)(x >> 1 ^ -(x & 1));
}

#endif
