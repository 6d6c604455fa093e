#include "sync/spool.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/newfile.h"

struct spool {
	pthread_mutex_t lock; /* of what follows */
	struct newfile file;  /* fd -1: there is none */
	bool tried;	      /* to make the file */
	uint64_t size;	      /* of the file */
	atomic_bool broken;   /* what was written cannot be read any more */
};

struct spool *spool_new(void)
{
	struct spool *s = mem_zalloc(1, sizeof(*s));

	pthread_mutex_init(&s->lock, NULL);
	s->file.fd = -1;
	return s;
}

void spool_free(struct spool *s)
{
	if (!s)
		return;
	if (s->file.fd >= 0)
		newfile_deinit(&s->file);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

bool spool_is_broken(const struct spool *s)
{
	return s->broken;
}

/* Return: whether all of it was written. */
static bool spool_write_at(int fd, const uint8_t *bytes, size_t n, uint64_t at)
{
	while (n) {
		ssize_t r = pwrite(fd, bytes, n, (off_t)at);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return false;
		bytes += r;
		at += (uint64_t)r;
		n -= (size_t)r;
	}
	return true;
}

/* Return: the file's descriptor with room for n bytes at *atp, or -1. */
static int spool_reserve(struct spool *s, size_t n, uint64_t *atp)
{
	struct error err = {0};

	pthread_mutex_lock(&s->lock);
	if (!s->tried && newfile_init_unnamed(&s->file, &err))
		error_deinit(&err);
	s->tried = true;
	int fd = s->file.fd;

	*atp = s->size;
	s->size += n;
	pthread_mutex_unlock(&s->lock);
	return fd;
}

/* ---- writing ---- */

void spool_seq_init(struct spool_seq *q, struct spool *s)
{
	*q = (struct spool_seq){.spool = s};
}

void spool_seq_deinit(struct spool_seq *q)
{
	vec_each (b, &q->blocks)
		free(b->bytes);
	vec_deinit(&q->blocks);
	free(q->block);
	q->block = NULL;
}

/*
 * Puts the block being filled into the file, or leaves it in memory. Return: the block to fill
 * next, or NULL.
 */
static uint8_t *spool_put_away(struct spool_seq *q, bool to_file)
{
	struct spool_block *b = &q->blocks.at[q->blocks.n - 1];
	int fd = to_file ? spool_reserve(q->spool, q->n, &b->at) : -1;

	b->size = q->n;
	if (fd >= 0 && spool_write_at(fd, q->block, q->n, b->at))
		return q->block;
	b->bytes = mem_realloc(q->block, q->n);
	return NULL;
}

void spool_begin_block(struct spool_seq *q, int64_t ts)
{
	uint8_t *empty = q->block ? spool_put_away(q, true) : NULL;

	q->block = empty ? empty : mem_alloc(SPOOL_BLOCK);
	q->n = 0;
	q->last = ts;
	*vec_push(&q->blocks) = (struct spool_block){.first = ts};
}

void spool_seq_end(struct spool_seq *q)
{
	if (q->block)
		free(spool_put_away(q, false));
	q->block = NULL;
}

/* ---- reading ---- */

void spool_cursor_init(struct spool_cursor *c, const struct spool_seq *q)
{
	*c = (struct spool_cursor){.seq = q};
}

void spool_cursor_deinit(struct spool_cursor *c)
{
	free(c->bytes);
	c->bytes = NULL;
}

void spool_cursor_seek(struct spool_cursor *c, int64_t from)
{
	size_t low = 0, high = c->seq->blocks.n;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (c->seq->blocks.at[middle].first < from)
			low = middle;
		else
			high = middle;
	}
	c->next_block = low;
	c->at = c->end = NULL;
}

/* Return: the bytes of a block of the file, NULL when it cannot be read any more. */
static const uint8_t *spool_read_block(struct spool_cursor *c, const struct spool_block *b)
{
	size_t n = 0;

	c->bytes = c->bytes ? c->bytes : mem_alloc(SPOOL_BLOCK);
	while (n < b->size) {
		ssize_t r = pread(c->seq->spool->file.fd, c->bytes + n, b->size - n,
				  (off_t)(b->at + n));

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return NULL;
		n += (size_t)r;
	}
	return c->bytes;
}

bool spool_next_block(struct spool_cursor *c)
{
	const struct spool_block *b;

	if (c->next_block >= c->seq->blocks.n)
		return false;
	b = &c->seq->blocks.at[c->next_block++];
	c->at = b->bytes ? b->bytes : spool_read_block(c, b);
	if (!c->at) {
		c->seq->spool->broken = true;
		c->end = NULL;
		return false;
	}
	c->end = c->at + b->size;
	c->time = b->first;
	return b->size > 0;
}
