#include "top/tracer.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/monotonic.h"
#include "model/model.h"
#include "top/host_side.h"
#include "tracefs/catalog.h"
#include "tracefs/instance.h"
#include "tracefs/tracing.h"

/* Enough for half a second of a million events a second on one CPU. */
enum { BUFFER_KB = 16384, BUFFER_LEAST_KB = 1024, TRACER_NICE = -10 };

/*
 * What was begun to be written before the clock was read is there so long after it: a CPU of a
 * virtual machine may be without its own CPU in between.
 */
static const int64_t LAG_NS = 100000000;

struct tracer_format {
	char *system, *text; /* owned */
	size_t size;
};

struct tracer {
	struct instance *instance;
	VEC(struct tracer_format) formats;
	VEC(uint32_t) cpus;
	VEC(int) files; /* as cpus */
};

/* ---- which events ---------------------------------------------------------------------------- */

struct tracer_choice {
	struct tracer *tracer;
	struct event_set wanted;
	struct error *err;
	int status;
};

static void tracer_take_format(struct tracer *t, const char *system, const char *name)
{
	char *file = mem_printf("events/%s/%s/format", system, name);
	struct error ignored = {0};
	size_t n;
	char *text = tracing_read(file, &n, &ignored);

	if (text)
		*vec_push(&t->formats) = (struct tracer_format){mem_strdup(system), text, n};
	error_deinit(&ignored);
	free(file);
}

static void tracer_choose(void *ctx, const char *system, const char *name)
{
	struct tracer_choice *c = ctx;
	char *event = mem_printf("%s:%s", system, name);
	enum event_id id = layout_event_of(event);

	if (c->status >= 0 && id != EV_N && event_set_has(c->wanted, id)) {
		c->status = instance_enable(c->tracer->instance, event, NULL, c->err);
		if (c->status > 0)
			tracer_take_format(c->tracer, system, name);
	}
	free(event);
}

/* System calls, and what each exit was about, are many, and say nothing that is shown here. */
static struct event_set tracer_wanted(void)
{
	static const enum event_id more[] = {EV_SCHED_WAKEUP, EV_SCHED_PROCESS_FORK,
					     EV_SCHED_PROCESS_EXIT};
	static const enum event_id less[] = {
		EV_SYSCALL_ENTRY, EV_SYSCALL_EXIT,     EV_SCHED_WAKING,	  EV_KVM_ACCEPT_IRQ,
		EV_KVM_INJ_VIRQ,  EV_KVM_MSR,	       EV_KVM_PIO,	  EV_KVM_MMIO,
		EV_KVM_FAST_MMIO, EV_KVM_APIC,	       EV_KVM_CR,	  EV_KVM_CPUID,
		EV_KVM_HYPERCALL, EV_KVM_HV_HYPERCALL, EV_KVM_PAGE_FAULT, EV_KVM_WFX};
	struct event_set wanted = model_events(event_set_all());

	wanted.bits |= event_set_of(more, sizeof(more) / sizeof(*more)).bits;
	wanted.bits &= ~event_set_of(less, sizeof(less) / sizeof(*less)).bits;
	return wanted;
}

static int tracer_enable(struct tracer *t, struct error *err)
{
	struct tracer_choice c = {.tracer = t, .wanted = tracer_wanted(), .err = err};

	catalog_each(tracer_choose, &c);
	if (c.status < 0)
		return ERR;
	if (!instance_has_event("sched:sched_switch"))
		return error_set(err, "this kernel has no event sched:sched_switch");
	return 0;
}

/* ---- the feed -------------------------------------------------------------------------------- */

/* "field: local_t commit;	offset:8;	size:8;	signed:1;" */
static bool tracer_find_field(const char *text, const char *name, unsigned *offsetp,
			      unsigned *sizep)
{
	const char *at = text ? strstr(text, name) : NULL;

	at = at ? strstr(at, "offset:") : NULL;
	return at && sscanf(at, "offset:%u; size:%u;", offsetp, sizep) == 2;
}

static int tracer_read_shape(struct feed_live *live, struct error *err)
{
	char *text = tracing_read("events/header_page", NULL, err);
	unsigned offset, size, data;
	bool known = text && tracer_find_field(text, " commit;", &offset, &live->long_size) &&
		     tracer_find_field(text, " data;", &data, &size);

	if (text && !known)
		error_set(err, "tracefs does not describe its sub-buffers (events/header_page)");
	live->data_at = known ? data : 0;
	free(text);
	return known ? 0 : ERR;
}

static int tracer_make_feed(const struct tracer *t, struct feed **feedp, struct error *err)
{
	struct feed_format *formats = mem_zalloc(t->formats.n + 1, sizeof(*formats));
	struct utsname name;
	bool known = !uname(&name);
	struct feed_live live = {.page_size = (uint32_t)instance_subbuffer(t->instance),
				 .clock = "mono",
				 .hostname = known ? name.nodename : NULL,
				 .kernel = known ? name.release : NULL,
				 .is_x86_64 = known && !strcmp(name.machine, "x86_64"),
				 .cpus = t->cpus.at,
				 .n_cpus = t->cpus.n};
	int r = tracer_read_shape(&live, err);

	for (size_t i = 0; i < t->formats.n; i++)
		formats[i] = (struct feed_format){t->formats.at[i].system, t->formats.at[i].text,
						  t->formats.at[i].size};
	if (!r)
		r = feed_new_live(feedp, &live, formats, t->formats.n, err);
	free(formats);
	return r;
}

/* ---- life ------------------------------------------------------------------------------------ */

static int tracer_open_cpus(struct tracer *t, struct error *err)
{
	for (unsigned cpu = 0; cpu < instance_n_cpus(t->instance); cpu++) {
		int fd = instance_open_raw(t->instance, cpu, err);

		if (fd < 0)
			return ERR;
		*vec_push(&t->cpus) = cpu;
		*vec_push(&t->files) = fd;
	}
	return 0;
}

/* Where memory is short a smaller one has to do. */
static int tracer_set_buffer(struct tracer *t, struct error *err)
{
	struct error ignored = {0};
	unsigned kb = BUFFER_KB;

	while (kb > BUFFER_LEAST_KB && instance_set_buffer_kb(t->instance, kb, &ignored))
		kb /= 2;
	error_deinit(&ignored);
	return kb > BUFFER_LEAST_KB ? 0 : instance_set_buffer_kb(t->instance, kb, err);
}

static int tracer_start(struct tracer *t, struct feed **feedp, struct error *err)
{
	if (instance_sweep(err) < 0 || instance_new(&t->instance, "top", err))
		return ERR;
	if (instance_set_clock(t->instance, "mono", err) || tracer_set_buffer(t, err) ||
	    tracer_enable(t, err) || tracer_open_cpus(t, err) || tracer_make_feed(t, feedp, err))
		return ERR;
	return instance_set_tracing(t->instance, true, err);
}

int tracer_new(struct tracer **tp, struct feed **feedp, struct error *err)
{
	struct tracer *t = mem_zalloc(1, sizeof(*t));

	*feedp = NULL;
	if (tracer_start(t, feedp, err)) {
		feed_free(*feedp);
		tracer_free(t);
		*feedp = NULL;
		return ERR;
	}
	/* Who looks must not wait behind what it looks at, or buffers run over. It needs little. */
	(void)setpriority(PRIO_PROCESS, 0, TRACER_NICE);
	*tp = t;
	return 0;
}

void tracer_free(struct tracer *t)
{
	if (!t)
		return;
	vec_each (fd, &t->files)
		close(*fd);
	vec_deinit(&t->files);
	vec_deinit(&t->cpus);
	vec_each (f, &t->formats) {
		free(f->system);
		free(f->text);
	}
	vec_deinit(&t->formats);
	instance_free(t->instance);
	free(t);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Takes all that is there of a CPU. Return: 0, or ERR with err set. */
static int tracer_read_cpu(struct tracer *t, struct feed *feed, size_t i, struct error *err)
{
	size_t room = instance_subbuffer(t->instance);
	ssize_t n;

	while ((n = read(t->files.at[i], feed_room(feed), room)) > 0)
		feed_push(feed, i, (size_t)n);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return error_errno(err, errno, "cannot read CPU %u's trace_pipe_raw",
				   t->cpus.at[i]);
	return 0;
}

/* Looks at all CPUs at once, now and then: to wake up for each sub-buffer would cost more. */
static int tracer_more(void *ctx, struct feed *feed, int wait_ms, int64_t *completep,
		       struct error *err)
{
	struct tracer *t = ctx;

	poll(NULL, 0, wait_ms);
	int64_t now = monotonic_ns();

	for (size_t i = 0; i < t->cpus.n; i++) {
		if (tracer_read_cpu(t, feed, i, err))
			return ERR;
	}
	*completep = now - LAG_NS;
	return 1;
}

struct top_source tracer_source(struct tracer *t)
{
	return (struct top_source){.ctx = t, .more = tracer_more, .ask_host = host_side_ask};
}
