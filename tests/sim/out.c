#include "outops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/mem.h"

int out_new(const struct out_spec *spec, struct out **outp, struct error *err)
{
	static const struct out_ops *const formats[] = {
		[OUT_CTF] = &out_ctf, [OUT_DAT] = &out_dat, [OUT_PERF] = &out_perf};
	const struct out_ops *ops = formats[spec->format];
	struct out *o = mem_zalloc(1, ops->size);

	o->ops = ops;
	o->spec = *spec;
	rng_init(&o->rng, spec->seed);
	if (ops->open(o, err)) {
		out_free(o);
		return ERR;
	}
	*outp = o;
	return 0;
}

void out_begin(struct out *o, uint64_t raw)
{
	if (o->ops->begin)
		o->ops->begin(o, raw);
}

void out_thread(struct out *o, const struct out_thread *thread)
{
	if (o->ops->thread)
		o->ops->thread(o, thread);
}

bool out_event(struct out *o, const struct out_context *in, enum ev ev, uint64_t raw,
	       const uint64_t *args)
{
	return o->ops->event(o, in, ev, raw, args);
}

uint64_t out_events(const struct out *o)
{
	return o->events;
}

uint64_t out_bytes(const struct out *o)
{
	return o->bytes;
}

int64_t out_origin(const struct out *o)
{
	return o->ops->origin(o);
}

uint64_t out_trace_id(const struct out *o)
{
	uint64_t id;

	memcpy(&id, o->spec.uuid, sizeof(id));
	return id;
}

void out_guest(struct out *o, const struct out_guest *guest)
{
	if (o->ops->guest)
		o->ops->guest(o, guest);
}

void out_shifts(struct out *o, uint64_t host_trace_id, const struct out_shift *shifts, unsigned n)
{
	if (o->ops->shifts)
		o->ops->shifts(o, host_trace_id, shifts, n);
}

int out_close(struct out *o, uint64_t raw, struct error *err)
{
	if (o->ops->close(o, raw, err))
		return ERR;
	if (!o->failed)
		return 0;
	return error_errno(err, o->failed, "cannot write what '%s' records in '%s'", o->spec.name,
			   o->spec.dir);
}

void out_free(struct out *o)
{
	if (!o)
		return;
	o->ops->free(o);
	free(o);
}

int out_create(const struct out *o, int *fdp, struct error *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *name = mem_vprintf(fmt, ap);
	va_end(ap);
	char *path = mem_printf("%s/%s", o->spec.dir, name);
	*fdp = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int ret = *fdp < 0 ? error_errno(err, errno, "cannot create '%s'", path) : 0;
	free(path);
	free(name);
	return ret;
}

void out_write(struct out *o, int fd, const void *bytes, size_t n)
{
	for (const uint8_t *p = bytes; n && !o->failed;) {
		ssize_t done = write(fd, p, n);
		if (done < 0 && errno != EINTR)
			o->failed = errno;
		if (done > 0) {
			p += done;
			n -= (size_t)done;
			o->bytes += (uint64_t)done;
		}
	}
}

size_t out_compress(const struct out *o, const void *in, size_t n, uint8_t **outp)
{
	if (o->spec.compression == OUT_ZLIB) {
		uLongf size = compressBound(n);
		*outp = mem_alloc(size);
		compress2(*outp, &size, in, n, Z_DEFAULT_COMPRESSION);
		return size;
	}
	size_t room = ZSTD_compressBound(n);
	*outp = mem_alloc(room);
	return ZSTD_compress(*outp, room, in, n, 1);
}

/*
 * One packet in four that fills up meets no free one; the burst dropped then is as long as makes
 * the percentage right on the whole.
 */
uint64_t out_burst(struct out *o, uint64_t n)
{
	if (!rng_percent(&o->rng, o->spec.lost_events > 0 ? 25 : 0))
		return 0;
	double share = o->spec.lost_events / 100;
	int64_t mean = (int64_t)(4 * (double)n * share / (1 - share)) + 1;
	return (uint64_t)rng_exp(&o->rng, mean) + 1;
}
