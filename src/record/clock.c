#include "record/clock.h"

#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tracefs/instance.h"

#define NS_PER_S INT64_C(1000000000)

static int64_t record_clock_read(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* ---- the TSC --------------------------------------------------------------------------------- */

static bool record_clock_reads_tsc(uint64_t *tscp)
{
#if defined(__x86_64__) || defined(__i386__)
	*tscp = __builtin_ia32_rdtsc();
	return true;
#else
	*tscp = 0;
	return false;
#endif
}

/* Return: whether the kernel itself takes its time from the TSC, or says that it never stops. */
static bool record_clock_is_even(void)
{
	char text[8192];
	FILE *f = fopen("/proc/cpuinfo", "re");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	if (f)
		fclose(f);
	text[n] = '\0';
	return strstr(text, " constant_tsc") && strstr(text, " nonstop_tsc");
}

/* What the kernel makes ns of the TSC with stands in the page that every event of perf has. */
static bool record_clock_ask_perf(struct record_clock *c)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE,
				       .size = sizeof(attr),
				       .config = PERF_COUNT_SW_DUMMY,
				       .disabled = 1,
				       .exclude_kernel = 1};
	int fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	void *at = fd < 0 ? MAP_FAILED : mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

	if (at != MAP_FAILED) {
		const struct perf_event_mmap_page *page = at;

		c->mult = page->cap_user_time ? page->time_mult : 0;
		c->shift = page->time_shift;
		munmap(at, size);
	}
	if (fd >= 0)
		close(fd);
	return c->mult && c->shift < 64;
}

/* Measures it against CLOCK_MONOTONIC for a tenth of a second. */
static bool record_clock_measure(struct record_clock *c)
{
	const struct timespec tenth = {.tv_nsec = NS_PER_S / 10};
	uint64_t tsc[2];
	int64_t ns[2];

	for (int i = 0; i < 2; i++) {
		ns[i] = record_clock_read(CLOCK_MONOTONIC_RAW);
		record_clock_reads_tsc(&tsc[i]);
		if (!i)
			nanosleep(&tenth, NULL);
	}
	if (tsc[1] <= tsc[0] || ns[1] <= ns[0])
		return false;
	double per_cycle = (double)(ns[1] - ns[0]) / (double)(tsc[1] - tsc[0]);

	for (c->shift = 32; c->shift && per_cycle * (double)(UINT64_C(1) << c->shift) > 4e9;)
		c->shift--;
	c->mult = (uint32_t)(per_cycle * (double)(UINT64_C(1) << c->shift));
	return c->mult > 0;
}

static bool record_clock_take_tsc(struct record_clock *c)
{
	uint64_t tsc;

	if (!instance_has_clock("x86-tsc") || !record_clock_reads_tsc(&tsc) ||
	    !record_clock_is_even())
		return false;
	if (!record_clock_ask_perf(c) && !record_clock_measure(c))
		return false;
	c->name = "x86-tsc";
	c->reason = "the TSC, to which KVM ties its guests' TSCs";
	c->is_tsc = true;
	return true;
}

/* ---- all ------------------------------------------------------------------------------------- */

static int64_t record_clock_ns(const struct record_clock *c)
{
	uint64_t tsc;

	if (!c->is_tsc || !record_clock_reads_tsc(&tsc))
		return record_clock_read(CLOCK_MONOTONIC);
	return (int64_t)((unsigned __int128)tsc * c->mult >> c->shift);
}

void record_clock_choose(struct record_clock *c)
{
	*c = (struct record_clock){0};
	if (!record_clock_take_tsc(c)) {
		bool has_mono = instance_has_clock("mono");

		c->name = has_mono ? "mono" : "local";
		c->reason = has_mono ? "CLOCK_MONOTONIC; the TSC is none to rely on here"
				     : "the kernel has neither the TSC nor CLOCK_MONOTONIC";
		c->mult = c->shift = 0;
	}
	c->to_epoch_us = (record_clock_read(CLOCK_REALTIME) - record_clock_ns(c)) / 1000;
}

uint64_t record_clock_ago(const struct record_clock *c, unsigned seconds)
{
	uint64_t now, ago = (uint64_t)NS_PER_S * seconds;

	if (c->is_tsc && record_clock_reads_tsc(&now))
		ago = (uint64_t)(((unsigned __int128)ago << c->shift) / c->mult);
	else if (!strcmp(c->name, "mono"))
		now = (uint64_t)record_clock_read(CLOCK_MONOTONIC);
	else
		return 0;
	return now > ago ? now - ago : 0;
}
