#include "top/metrics.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { METRICS_PORT = 9617, METRICS_VCPUS_MAX = 4096, METRICS_REASONS_MAX = 256 };

struct metrics_reason {
	char *name; /* owned */
	uint64_t n;
};

struct metrics_vcpu {
	char *vm, *number; /* owned */
	struct split split;
	VEC(struct metrics_reason) reasons;
	int64_t wake_p99, stall; /* ns, of the last bucket */
	bool is_there;		 /* in that */
};

struct metrics_cpu {
	uint32_t cpu;
	int64_t vm, other, irq, idle, unknown; /* ns */
};

struct metrics {
	struct MHD_Daemon *daemon;
	char *url; /* owned */
	pthread_mutex_t lock;
	VEC(struct metrics_vcpu) vcpus;
	VEC(struct metrics_cpu) cpus;
	uint64_t lost;
};

/* ---- adding up ------------------------------------------------------------------------------- */

static struct metrics_vcpu *metrics_find_vcpu(struct metrics *m, const struct view_vcpu *from)
{
	vec_each (v, &m->vcpus) {
		if (!strcmp(v->vm, from->vm) && !strcmp(v->number, from->number))
			return v;
	}
	if (m->vcpus.n == METRICS_VCPUS_MAX)
		return NULL;
	struct metrics_vcpu *v = vec_push(&m->vcpus);

	v->vm = mem_strdup(from->vm);
	v->number = mem_strdup(from->number);
	return v;
}

static void metrics_add_reason(struct metrics_vcpu *to, const struct view_exit *e)
{
	vec_each (r, &to->reasons) {
		if (!strcmp(r->name, e->name)) {
			r->n += e->n;
			return;
		}
	}
	if (to->reasons.n < METRICS_REASONS_MAX)
		*vec_push(&to->reasons) = (struct metrics_reason){mem_strdup(e->name), e->n};
}

static void metrics_add_vcpu(struct metrics *m, const struct view_vcpu *from)
{
	struct metrics_vcpu *to = metrics_find_vcpu(m, from);

	if (!to)
		return;
	split_add(&to->split, &from->split);
	vec_each (e, &from->exits)
		metrics_add_reason(to, e);
	to->wake_p99 = from->wake_p99;
	to->stall = from->stall;
	to->is_there = true;
}

static void metrics_add_cpu(struct metrics *m, const struct view_cpu *from)
{
	struct metrics_cpu *to = NULL;

	vec_each (c, &m->cpus) {
		if (c->cpu == from->cpu)
			to = c;
	}
	if (!to) {
		to = vec_push(&m->cpus);
		to->cpu = from->cpu;
	}
	to->vm += from->vm;
	to->other += from->other;
	to->irq += from->irq;
	to->idle += from->idle;
	to->unknown += from->unknown;
}

void metrics_add(struct metrics *m, const struct view *v, const struct live *l)
{
	pthread_mutex_lock(&m->lock);
	vec_each (vcpu, &m->vcpus)
		vcpu->is_there = false;
	vec_each (vcpu, &v->vcpus)
		metrics_add_vcpu(m, vcpu);
	vec_each (cpu, &v->cpus)
		metrics_add_cpu(m, cpu);
	m->lost = l->n_lost > m->lost ? l->n_lost : m->lost;
	pthread_mutex_unlock(&m->lock);
}

/* ---- text ------------------------------------------------------------------------------------ */

static void metrics_head(FILE *f, bool open, const char *name, const char *type, const char *help)
{
	const char *total = !open && !strcmp(type, "counter") ? "_total" : "";

	fprintf(f, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, total, help, name, total, type);
}

static void metrics_label(FILE *f, const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', f);
		fputc(*text == '\n' ? ' ' : *text, f);
	}
}

static void metrics_begin(FILE *f, const char *name, const struct metrics_vcpu *v)
{
	fprintf(f, "%s{vm=\"", name);
	metrics_label(f, v->vm);
	fputs("\",vcpu=\"", f);
	metrics_label(f, v->number);
	fputc('"', f);
}

static void metrics_seconds(FILE *f, int64_t ns)
{
	fprintf(f, "} %" PRId64 ".%09" PRId64 "\n", ns / 1000000000, ns % 1000000000);
}

static void metrics_states(FILE *f, const struct metrics *m, bool open)
{
	static const char *const names[] = {"run",  "ready",   "exit",	 "poll",
					    "idle", "blocked", "unknown"};

	metrics_head(f, open, "vmscope_vcpu_seconds", "counter",
		     "Time of the vCPU by what it did; the states add up to all of it.");
	vec_each (v, &m->vcpus) {
		const struct split *s = &v->split;
		const int64_t parts[] = {s->run,  s->ready,   s->exit,	 s->poll,
					 s->idle, s->blocked, s->unknown};

		for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
			metrics_begin(f, "vmscope_vcpu_seconds_total", v);
			fprintf(f, ",state=\"%s\"", names[i]);
			metrics_seconds(f, parts[i]);
		}
	}
}

static void metrics_causes(FILE *f, const struct metrics *m, bool open)
{
	metrics_head(f, open, "vmscope_vcpu_ready_seconds", "counter",
		     "Time in which the vCPU wanted a CPU and had none, by who kept it from one.");
	vec_each (v, &m->vcpus) {
		for (int i = 0; i < READY_N; i++) {
			metrics_begin(f, "vmscope_vcpu_ready_seconds_total", v);
			fprintf(f, ",cause=\"%s\"", split_ready_name((enum split_ready)i));
			metrics_seconds(f, v->split.of_ready[i]);
		}
	}
}

static void metrics_exits(FILE *f, const struct metrics *m, bool open)
{
	metrics_head(f, open, "vmscope_vcpu_exits", "counter", "VM exits, by reason.");
	vec_each (v, &m->vcpus) {
		vec_each (r, &v->reasons) {
			metrics_begin(f, "vmscope_vcpu_exits_total", v);
			fputs(",cause=\"", f);
			metrics_label(f, r->name);
			fprintf(f, "\"} %" PRIu64 "\n", r->n);
		}
	}
}

static void metrics_gauges(FILE *f, const struct metrics *m, bool open)
{
	metrics_head(f, open, "vmscope_vcpu_wakeup_p99_seconds", "gauge",
		     "Of the last intervals: 99 of 100 wake-ups had a CPU after so long.");
	vec_each (v, &m->vcpus) {
		if (!v->is_there || v->wake_p99 < 0)
			continue;
		metrics_begin(f, "vmscope_vcpu_wakeup_p99_seconds", v);
		metrics_seconds(f, v->wake_p99);
	}
	metrics_head(f, open, "vmscope_vcpu_stall_seconds", "gauge",
		     "Of the last intervals: the longest time without a CPU that it wanted.");
	vec_each (v, &m->vcpus) {
		if (!v->is_there)
			continue;
		metrics_begin(f, "vmscope_vcpu_stall_seconds", v);
		metrics_seconds(f, v->stall);
	}
}

static void metrics_cpus(FILE *f, const struct metrics *m, bool open)
{
	static const char *const names[] = {"guest", "host", "irq", "idle", "unknown"};

	metrics_head(f, open, "vmscope_cpu_seconds", "counter",
		     "Time of the host's CPU by what it ran.");
	vec_each (c, &m->cpus) {
		const int64_t parts[] = {c->vm, c->other, c->irq, c->idle, c->unknown};

		for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
			fprintf(f, "vmscope_cpu_seconds_total{cpu=\"%" PRIu32 "\",state=\"%s\"",
				c->cpu, names[i]);
			metrics_seconds(f, parts[i]);
		}
	}
	metrics_head(f, open, "vmscope_events_lost", "counter",
		     "Events that the kernel had no room for.");
	fprintf(f, "vmscope_events_lost_total %" PRIu64 "\n", m->lost);
}

static void metrics_write(FILE *f, struct metrics *m, bool open)
{
	pthread_mutex_lock(&m->lock);
	metrics_states(f, m, open);
	metrics_causes(f, m, open);
	metrics_exits(f, m, open);
	metrics_gauges(f, m, open);
	metrics_cpus(f, m, open);
	pthread_mutex_unlock(&m->lock);
	if (open)
		fputs("# EOF\n", f);
}

/* ---- HTTP ------------------------------------------------------------------------------------ */

static enum MHD_Result metrics_reply(struct MHD_Connection *c, unsigned status, const char *type,
				     char *text, size_t n)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(n, text, MHD_RESPMEM_MUST_FREE);

	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	enum MHD_Result queued = MHD_queue_response(c, status, r);

	MHD_destroy_response(r);
	return queued;
}

static enum MHD_Result metrics_plain(struct MHD_Connection *c, unsigned status, const char *text)
{
	return metrics_reply(c, status, "text/plain", mem_strdup(text), strlen(text));
}

static enum MHD_Result metrics_handle(void *cls, struct MHD_Connection *c, const char *url,
				      const char *method, const char *version, const char *data,
				      size_t *n_data, void **state)
{
	const char *accept =
		MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
	bool open = accept && strstr(accept, "application/openmetrics-text");
	char *text = NULL;
	size_t n = 0;

	(void)version;
	(void)data;
	(void)state;
	*n_data = 0;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return metrics_plain(c, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET\n");
	if (strcmp(url, "/metrics") != 0)
		return metrics_plain(c, MHD_HTTP_NOT_FOUND, "see /metrics\n");
	FILE *f = open_memstream(&text, &n);

	if (!f)
		return MHD_NO;
	metrics_write(f, cls, open);
	fclose(f);
	return metrics_reply(c, MHD_HTTP_OK,
			     open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
				  : "text/plain; version=0.0.4; charset=utf-8",
			     text, n);
}

/* ---- life ------------------------------------------------------------------------------------ */

/* Return: a socket that listens, or ERR with err set. */
static int metrics_listen(const char *host, const char *port, const char *address,
			  struct error *err)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
				       .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	const int on = 1;

	if (getaddrinfo(host, port, &hints, &found))
		return error_set(err, "--openmetrics takes ADDR:PORT, as 127.0.0.1:9617, not '%s'",
				 address);
	int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int failed = fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
				     bind(fd, found->ai_addr, found->ai_addrlen) || listen(fd, 16)
			     ? errno
			     : 0;

	freeaddrinfo(found);
	if (failed && fd >= 0)
		close(fd);
	return failed ? error_errno(err, failed, "cannot listen on '%s' port %s", host, port) : fd;
}

/* "ADDR:PORT", "[ADDR]:PORT", "ADDR" or ":PORT". */
static int metrics_open(const char *address, struct error *err)
{
	const char *colon = strrchr(address, ':'), *bracket = strrchr(address, ']');
	bool has_port = colon && (!bracket || colon > bracket);
	size_t n = has_port ? (size_t)(colon - address) : strlen(address);
	bool quoted = n > 1 && address[0] == '[' && address[n - 1] == ']';
	char *host = quoted ? mem_strndup(address + 1, n - 2) : mem_strndup(address, n);
	char *port = has_port && colon[1] ? mem_strdup(colon + 1) : mem_printf("%d", METRICS_PORT);
	int fd = metrics_listen(*host ? host : "127.0.0.1", port, address, err);

	free(host);
	free(port);
	return fd;
}

static char *metrics_find_url(int fd)
{
	struct sockaddr_storage at = {0};
	socklen_t n = sizeof(at);
	char host[NI_MAXHOST] = "?", port[NI_MAXSERV] = "?";

	if (!getsockname(fd, (struct sockaddr *)&at, &n))
		getnameinfo((struct sockaddr *)&at, n, host, sizeof(host), port, sizeof(port),
			    NI_NUMERICHOST | NI_NUMERICSERV);
	return mem_printf(at.ss_family == AF_INET6 ? "http://[%s]:%s/metrics"
						   : "http://%s:%s/metrics",
			  host, port);
}

int metrics_new(struct metrics **mp, const char *address, struct error *err)
{
	int fd = metrics_open(address, err);

	if (fd < 0)
		return ERR;
	struct metrics *m = *mp = mem_zalloc(1, sizeof(*m));

	pthread_mutex_init(&m->lock, NULL);
	m->url = metrics_find_url(fd);
	m->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, metrics_handle,
				     m, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
				     32u, MHD_OPTION_CONNECTION_TIMEOUT, 10u, MHD_OPTION_END);
	if (m->daemon)
		return 0;
	close(fd);
	metrics_free(m);
	*mp = NULL;
	return error_set(err, "cannot start to serve HTTP");
}

void metrics_free(struct metrics *m)
{
	if (!m)
		return;
	if (m->daemon)
		MHD_stop_daemon(m->daemon);
	vec_each (v, &m->vcpus) {
		vec_each (r, &v->reasons)
			free(r->name);
		vec_deinit(&v->reasons);
		free(v->vm);
		free(v->number);
	}
	vec_deinit(&m->vcpus);
	vec_deinit(&m->cpus);
	pthread_mutex_destroy(&m->lock);
	free(m->url);
	free(m);
}

const char *metrics_url(const struct metrics *m)
{
	return m->url;
}
