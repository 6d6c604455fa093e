#include "record/recorder.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/monotonic.h"
#include "base/newfile.h"
#include "host/snapshot.h"
#include "record/datfile.h"
#include "tracefs/instance.h"

#define NS_PER_S INT64_C(1000000000)

enum {
	RECORDER_KB_FIRST = 8192, /* until the rate is known: 200,000 events */
	RECORDER_KB_LEAST = 256,
	RECORDER_MEMORY_PART = 8, /* of what is available, buffers take one in so many at most */
	RECORDER_WAKE_PERCENT = 25,
	RECORDER_HOLD_S = 4, /* a reader that is held up so long loses nothing */
};

/* ---- buffers --------------------------------------------------------------------------------- */

/* Return: KB of memory that is available, by /proc/meminfo; 0: not known. */
static uint64_t recorder_available_kb(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	unsigned long long kb = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f) && sscanf(line, "MemAvailable: %llu", &kb) != 1)
		;
	if (f)
		fclose(f);
	return kb;
}

unsigned recorder_first_buffer_kb(unsigned n_cpus, unsigned *mostp)
{
	uint64_t most = recorder_available_kb() / RECORDER_MEMORY_PART / (n_cpus ? n_cpus : 1);

	*mostp = most < RECORDER_KB_LEAST ? RECORDER_KB_LEAST
		 : most > UINT32_MAX / 2  ? UINT32_MAX / 2
					  : (unsigned)most;
	return *mostp < RECORDER_KB_FIRST ? *mostp : RECORDER_KB_FIRST;
}

/* More for each CPU, as far as memory allows; what is recorded stays. Return: 0, or ERR. */
static int recorder_grow(struct recorder *r, uint64_t kb, struct error *err)
{
	if (kb > r->buffer_kb_max)
		kb = r->buffer_kb_max;
	if (kb <= r->buffer_kb)
		return 0;
	r->buffer_kb = (unsigned)kb;
	return instance_set_buffer_kb(r->instance, r->buffer_kb, err);
}

/* By the rate of the busiest CPU so far. */
static int recorder_size_buffers(struct recorder *r, struct error *err)
{
	int64_t age = recorder_age_ns(r);
	struct drain_counts c;

	if (age < NS_PER_S || (r->is_sized && !r->options.flight_s))
		return 0;
	if (drain_count(&r->drain, &c, err))
		return ERR;
	double per_s = (double)c.most_bytes * (double)NS_PER_S / (double)age;
	double hold = r->options.flight_s ? 1.5 * r->options.flight_s : RECORDER_HOLD_S;

	if (r->options.flight_s && r->is_sized)
		return c.lost && recorder_holds_s(r) < r->options.flight_s
			       ? recorder_grow(r, (uint64_t)r->buffer_kb * 2, err)
			       : 0;
	r->is_sized = true;
	return recorder_grow(r, (uint64_t)(per_s * hold / 1024), err);
}

/* ---- begin ----------------------------------------------------------------------------------- */

bool recorder_has(const struct wanted_event *e)
{
	return instance_has_event(e->name);
}

static int recorder_enable(struct recorder *r, struct error *err)
{
	int n = 0;

	vec_each (e, &r->wanted.events) {
		int found = instance_enable(r->instance, e->name, NULL, err);

		if (found < 0)
			return ERR;
		n += found;
	}
	return n ? 0 : error_set(err, "this kernel has none of the events that are needed");
}

static int recorder_set_up(struct recorder *r, struct error *err)
{
	struct instance *i = r->instance;
	bool is_flight = r->options.flight_s > 0;

	record_clock_choose(&r->clock);
	r->buffer_kb = recorder_first_buffer_kb(instance_n_cpus(i), &r->buffer_kb_max);
	if (instance_set_clock(i, r->clock.name, err) ||
	    instance_set_buffer_kb(i, r->buffer_kb, err) ||
	    instance_set_option(i, "overwrite", is_flight, err) ||
	    instance_set_buffer_percent(i, RECORDER_WAKE_PERCENT, err))
		return ERR;
	return recorder_enable(r, err);
}

/* As the snapshot has it; threads are looked up while it is written. */
static void recorder_note_begin(struct recorder *r)
{
	FILE *f = open_memstream(&r->begin_json, &r->begin_size);
	struct jsonw j;

	if (!f)
		return;
	jsonw_init(&j, f);
	snapshot_print(&j, &r->begin);
	jsonw_deinit(&j);
	fclose(f);
}

int recorder_begin(struct recorder *r, const struct recorder_options *options, const char *dir,
		   struct error *err)
{
	*r = (struct recorder){.options = *options, .dir = dir};
	wanted_init(&r->wanted, &options->wanted);
	if (host_init(&r->begin, "", err) ||
	    instance_new(&r->instance, options->flight_s ? "flight" : "record", err) ||
	    recorder_set_up(r, err) || drain_init(&r->drain, r->instance, dir, err))
		return ERR;
	recorder_note_begin(r);
	r->since_ns = r->drained_ns = monotonic_ns();
	return instance_set_tracing(r->instance, true, err);
}

/* ---- go on ----------------------------------------------------------------------------------- */

int64_t recorder_age_ns(const struct recorder *r)
{
	return monotonic_ns() - r->since_ns;
}

double recorder_holds_s(const struct recorder *r)
{
	struct drain_counts c;
	struct error err = {0};

	if (drain_count(&r->drain, &c, &err) || !c.most_bytes) {
		error_deinit(&err);
		return 0;
	}
	double age = (double)recorder_age_ns(r) / (double)NS_PER_S;

	return c.lost ? age * r->buffer_kb * 1024 / (double)c.most_bytes : age;
}

/* Buffers that fill slowly are read once a second all the same, so that a file grows steadily. */
static int recorder_read(struct recorder *r, struct error *err)
{
	int64_t now = monotonic_ns();
	bool all = now - r->drained_ns >= NS_PER_S;

	if (all)
		r->drained_ns = now;
	return drain_read(&r->drain, all, err);
}

int recorder_step(struct recorder *r, int fd, int ms, bool *readyp, struct error *err)
{
	struct pollfd callers = {.fd = fd, .events = POLLIN};

	if (r->options.flight_s) {
		*readyp = poll(&callers, 1, ms) > 0;
		return recorder_size_buffers(r, err);
	}
	*readyp = drain_wait(&r->drain, fd, ms);
	return recorder_read(r, err) ? ERR : recorder_size_buffers(r, err);
}

/* ---- save ------------------------------------------------------------------------------------ */

static void recorder_print_snapshot(const struct recorder *r, const struct host *end, FILE *f)
{
	struct jsonw j;

	fprintf(f, "{\"vmscope_snapshot\": 1, \"begin\": %s, \"end\": ",
		r->begin_json ? r->begin_json : "null");
	jsonw_init(&j, f);
	snapshot_print(&j, end);
	jsonw_deinit(&j);
	fputs("}\n", f);
}

static int recorder_write_snapshot(const struct recorder *r, const struct host *end,
				   const char *recording, struct error *err)
{
	char *path = snapshot_path(recording), *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	struct newfile to;
	int result = newfile_init(&to, path, err);

	if (f) {
		recorder_print_snapshot(r, end, f);
		fclose(f);
	}
	if (!result) {
		newfile_write(&to, text, n);
		result = newfile_commit(&to, err);
		newfile_deinit(&to);
	}
	free(text);
	free(path);
	return result;
}

static int recorder_write(struct recorder *r, const char *path, struct error *err)
{
	struct datfile file = {r->instance, &r->drain, &r->clock, &r->end, r->options.flight_s > 0};

	host_deinit(&r->end);
	if (host_init(&r->end, "", err) || datfile_write(&file, path, err))
		return ERR;
	return recorder_write_snapshot(r, &r->end, path, err);
}

/* Stops, and reads what there is. */
static int recorder_stop(struct recorder *r, struct drain_counts *counts, struct error *err)
{
	uint64_t earliest = record_clock_ago(&r->clock, r->options.flight_s);

	if (instance_set_tracing(r->instance, false, err) || drain_read(&r->drain, true, err) ||
	    drain_count(&r->drain, counts, err))
		return ERR;
	return r->options.flight_s ? drain_align(&r->drain, earliest, err) : 0;
}

/* What was read is in files, so that nothing is missed while it is written. */
static int recorder_go_on(struct recorder *r, struct error *err)
{
	r->since_ns = monotonic_ns();
	return instance_set_tracing(r->instance, true, err);
}

int recorder_save(struct recorder *r, const char *path, struct drain_counts *counts,
		  struct error *err)
{
	bool is_flight = r->options.flight_s > 0;

	if (recorder_stop(r, counts, err) || (is_flight && recorder_go_on(r, err)) ||
	    recorder_write(r, path, err))
		return error_wrap(err, "cannot save the recording");
	return is_flight ? drain_restart(&r->drain, err) : 0;
}

void recorder_deinit(struct recorder *r)
{
	if (r->drain.raw)
		drain_deinit(&r->drain);
	instance_free(r->instance);
	wanted_deinit(&r->wanted);
	host_deinit(&r->begin);
	host_deinit(&r->end);
	free(r->begin_json);
}
