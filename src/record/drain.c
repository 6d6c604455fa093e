#include "record/drain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

/* In `dir`, where room for the recording is. Return: it, or ERR with err set. */
static int drain_open_file(const char *dir, struct error *err)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	char *path = mem_printf("%s/.vmscope-XXXXXX", dir);

	fd = mkostemp(path, O_CLOEXEC);
	int failed = errno;

	if (fd >= 0)
		unlink(path);
	free(path);
	return fd >= 0 ? fd : error_errno(err, failed, "cannot make a file in '%s'", dir);
}

int drain_init(struct drain *d, const struct instance *i, const char *dir, struct error *err)
{
	*d = (struct drain){.instance = i, .dir = dir, .n_cpus = instance_n_cpus(i)};
	d->page = mem_alloc(instance_subbuffer(i));
	d->raw = mem_zalloc(d->n_cpus + 1, sizeof(*d->raw));
	d->cpus = mem_zalloc(d->n_cpus, sizeof(*d->cpus));
	for (unsigned cpu = 0; cpu < d->n_cpus; cpu++) {
		d->raw[cpu] = (struct pollfd){.fd = -1, .events = POLLIN};
		d->cpus[cpu].file = -1;
	}
	for (unsigned cpu = 0; cpu < d->n_cpus; cpu++) {
		d->raw[cpu].fd = instance_open_raw(i, cpu, err);
		d->cpus[cpu].file = d->raw[cpu].fd < 0 ? -1 : drain_open_file(dir, err);
		if (d->cpus[cpu].file < 0)
			return ERR;
	}
	return 0;
}

void drain_deinit(struct drain *d)
{
	for (unsigned cpu = 0; cpu < d->n_cpus; cpu++) {
		if (d->raw[cpu].fd >= 0)
			close(d->raw[cpu].fd);
		if (d->cpus[cpu].file >= 0)
			close(d->cpus[cpu].file);
	}
	free(d->raw);
	free(d->cpus);
	free(d->page);
}

bool drain_wait(struct drain *d, int fd, int ms)
{
	struct pollfd *callers = &d->raw[d->n_cpus];

	*callers = (struct pollfd){.fd = fd, .events = POLLIN};
	if (poll(d->raw, d->n_cpus + 1, ms) > 0)
		return callers->revents != 0;
	for (unsigned i = 0; i <= d->n_cpus; i++)
		d->raw[i].revents = 0;
	return false;
}

static int drain_write(struct drain *d, unsigned cpu, size_t n, struct error *err)
{
	for (size_t done = 0; done < n;) {
		ssize_t more = write(d->cpus[cpu].file, d->page + done, n - done);

		if (more < 0 && errno == EINTR)
			continue;
		if (more <= 0)
			return error_errno(err, errno, "cannot write the recording to '%s'",
					   d->dir);
		done += (size_t)more;
	}
	d->cpus[cpu].bytes += n;
	return 0;
}

/* Each read gives a sub-buffer, of which the kernel may fill less; the rest is none of it. */
static int drain_read_cpu(struct drain *d, unsigned cpu, struct error *err)
{
	size_t size = instance_subbuffer(d->instance);
	ssize_t n;

	while ((n = read(d->raw[cpu].fd, d->page, size)) > 0) {
		memset(d->page + n, 0, size - (size_t)n);
		if (drain_write(d, cpu, size, err))
			return ERR;
	}
	/* A CPU that is not there has no buffer. */
	if (n < 0 && errno != EAGAIN && errno != EINTR && errno != ENODEV)
		return error_errno(err, errno, "cannot read the buffer of CPU %u", cpu);
	return 0;
}

int drain_read(struct drain *d, bool all, struct error *err)
{
	for (unsigned cpu = 0; cpu < d->n_cpus; cpu++) {
		if ((all || (d->raw[cpu].revents & POLLIN)) && drain_read_cpu(d, cpu, err))
			return ERR;
	}
	return 0;
}

int drain_count(const struct drain *d, struct drain_counts *counts, struct error *err)
{
	const struct drain_counts *before = &d->before;

	*counts = (struct drain_counts){0};
	for (unsigned cpu = 0; cpu < d->n_cpus; cpu++) {
		struct instance_stats s;

		if (instance_read_stats(d->instance, cpu, &s, err))
			return ERR;
		uint64_t bytes = d->cpus[cpu].bytes + s.bytes;

		counts->events += s.entries + s.read;
		counts->lost += s.overrun + s.dropped;
		counts->bytes += d->cpus[cpu].bytes;
		counts->most_bytes = bytes > counts->most_bytes ? bytes : counts->most_bytes;
	}
	counts->events -= before->events;
	counts->lost -= before->lost;
	return 0;
}

int drain_restart(struct drain *d, struct error *err)
{
	for (unsigned cpu = 0; cpu < d->n_cpus; cpu++) {
		if (ftruncate(d->cpus[cpu].file, 0) || lseek(d->cpus[cpu].file, 0, SEEK_SET) < 0)
			return error_errno(err, errno, "cannot empty a file in '%s'", d->dir);
		d->cpus[cpu].bytes = d->cpus[cpu].from = 0;
	}
	d->before = (struct drain_counts){0};
	return drain_count(d, &d->before, err);
}

/* ---- overwritten buffers --------------------------------------------------------------------- */

/*
 * How a sub-buffer begins: its time, then the length of its data, in which bits say that events
 * were missed before it.
 */
enum { DRAIN_TIME = 8, DRAIN_MISSED = 3 << 30 };

/* Return: 0, or ERR with err set. The time is that of the sub-buffer at byte `at`. */
static int drain_time(const struct drain *d, unsigned cpu, uint64_t at, uint64_t *timep,
		      struct error *err)
{
	if (pread(d->cpus[cpu].file, timep, sizeof(*timep), (off_t)at) == sizeof(*timep))
		return 0;
	return error_errno(err, errno, "cannot read back what was recorded");
}

/* Raises it to when the CPU that knows least begins. One of which nothing was overwritten knows
 * all. */
static int drain_common_begin(const struct drain *d, uint64_t *beginp, struct error *err)
{
	for (unsigned cpu = 0; cpu < d->n_cpus; cpu++) {
		struct instance_stats s;
		uint64_t time;

		if (!d->cpus[cpu].bytes)
			continue;
		if (instance_read_stats(d->instance, cpu, &s, err) ||
		    drain_time(d, cpu, 0, &time, err))
			return ERR;
		if (s.overrun && time > *beginp)
			*beginp = time;
	}
	return 0;
}

/* The last sub-buffer that begins no later. */
static int drain_skip(struct drain *d, unsigned cpu, uint64_t begin, struct error *err)
{
	struct drain_cpu *c = &d->cpus[cpu];
	size_t size = instance_subbuffer(d->instance);
	uint64_t time;

	for (uint64_t at = size; at < c->bytes; at += size) {
		if (drain_time(d, cpu, at, &time, err))
			return ERR;
		if (time > begin)
			return 0;
		c->from = at;
	}
	return 0;
}

static int drain_clear_missed(const struct drain_cpu *c, struct error *err)
{
	uint32_t length;
	off_t at = (off_t)c->from + DRAIN_TIME;

	/* The lower half, in this machine's order, of a long. */
	if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
		at += (off_t)(sizeof(long) - sizeof(length));
	if (!c->bytes)
		return 0;
	if (pread(c->file, &length, sizeof(length), at) != sizeof(length))
		return error_errno(err, errno, "cannot read back what was recorded");
	length &= ~(uint32_t)DRAIN_MISSED;
	return pwrite(c->file, &length, sizeof(length), at) == sizeof(length)
		       ? 0
		       : error_errno(err, errno, "cannot write what was recorded");
}

int drain_align(struct drain *d, uint64_t earliest, struct error *err)
{
	uint64_t begin = earliest;
	int r = drain_common_begin(d, &begin, err);

	for (unsigned cpu = 0; cpu < d->n_cpus && !r; cpu++) {
		r = drain_skip(d, cpu, begin, err);
		r = r ? r : drain_clear_missed(&d->cpus[cpu], err);
	}
	return r;
}
