#include "server/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/monotonic.h"
#include "base/thread.h"
#include "server/pool.h"
#include "server/request.h"

enum {
	MAX_CONNECTIONS = 1000,
	MAX_CONNECTIONS_PER_ADDRESS = 600,
	CONNECTION_MEMORY = 32 << 10,
	READ_SECONDS = 20,
	WRITE_SECONDS = 60,
	STOP_SECONDS = 10,
	N_THREADS = 4,
	N_SLOW_THREADS = 8,
};

#define NS_PER_SECOND INT64_C(1000000000)

/* Replies that were made and not yet sent may take so much memory together; then the oldest go. */
#define MAX_UNSENT ((size_t)192 << 20)

/* Of those that were given up, whose memory is still to be freed: then no more are made for now. */
#define MAX_GIVEN_UP ((size_t)16 << 20)

struct connection {
	struct connection *next, **self; /* in http.connections */
	int fd;
	int64_t deadline; /* monotonic, ns */
	size_t unsent;	  /* bytes of the reply that it is to be sent */
	bool given_up;	  /* cut off for that; what it holds is freed when it is closed */
};

struct http {
	struct http_config config;
	struct MHD_Daemon *daemon;
	bool loopback_only;
	char name[256]; /* of this machine */
	uint16_t port;
	struct pool *slow; /* owned; for what is deferred */

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t stop;
	pthread_cond_t freed; /* given_up became less, or stopping */
	bool stopping;
	struct connection *connections;
	size_t unsent;	 /* bytes, of all connections that were not given up */
	size_t given_up; /* bytes, of the others */
	pthread_t watch;
	bool has_watch;
};

/* One request while it comes in, and while it is deferred. */
struct exchange {
	char *body;
	size_t size, cap;
	int refused; /* status, or 0 */

	struct http *http;
	struct MHD_Connection *connection;
	char *path, *method; /* owned */
	struct reply reply;
	bool answered; /* the reply is there */
};

/* ---- time ----------------------------------------------------------------------------------- */

/* Waits for a second, or until h->stop says that something has changed. With the lock. */
static void wait_a_second(struct http *h)
{
	int64_t end = monotonic_after_s(1);
	const struct timespec t = {.tv_sec = (time_t)(end / NS_PER_SECOND),
				   .tv_nsec = (long)(end % NS_PER_SECOND)};

	pthread_cond_timedwait(&h->stop, &h->lock, &t);
}

static void cut_off_late_ones(struct http *h)
{
	int64_t now = monotonic_ns();

	for (struct connection *c = h->connections; c; c = c->next) {
		if (now >= c->deadline)
			shutdown(c->fd, SHUT_RDWR);
	}
}

static void *watch(void *arg)
{
	struct http *h = arg;

	pthread_mutex_lock(&h->lock);
	while (!h->stopping) {
		wait_a_second(h);
		cut_off_late_ones(h);
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

/* ---- connections ---------------------------------------------------------------------------- */

static struct connection *find_connection(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static void set_unsent(struct http *h, struct connection *known, size_t size)
{
	size_t *sum = known->given_up ? &h->given_up : &h->unsent;

	*sum += size - known->unsent;
	known->unsent = size;
	if (known->given_up)
		pthread_cond_broadcast(&h->freed);
}

static void give_up(struct http *h, struct connection *known)
{
	shutdown(known->fd, SHUT_RDWR);
	known->given_up = true;
	h->unsent -= known->unsent;
	h->given_up += known->unsent;
}

/* The one whose reply has been waiting for the longest time; but not the newest. */
static struct connection *find_oldest(const struct http *h, const struct connection *newest)
{
	struct connection *oldest = NULL;

	for (struct connection *c = h->connections; c; c = c->next) {
		if (c->unsent && !c->given_up && c != newest &&
		    (!oldest || c->deadline < oldest->deadline))
			oldest = c;
	}
	return oldest;
}

static void give_up_oldest(struct http *h, const struct connection *newest)
{
	struct connection *oldest;

	while (h->unsent > MAX_UNSENT && (oldest = find_oldest(h, newest)))
		give_up(h, oldest);
}

/*
 * From now on c has so many seconds, for a reply of `size` bytes or, with 0, for its next request.
 */
static void begin_phase(struct http *h, struct MHD_Connection *c, unsigned seconds, size_t size)
{
	struct connection *known = find_connection(c);

	if (!known)
		return;
	pthread_mutex_lock(&h->lock);
	if (!known->given_up) {
		known->deadline = monotonic_after_s(seconds);
		set_unsent(h, known, size);
		give_up_oldest(h, known);
	}
	pthread_mutex_unlock(&h->lock);
}

static void on_connection(void *ctx, struct MHD_Connection *c, void **mine,
			  enum MHD_ConnectionNotificationCode what)
{
	struct http *h = ctx;
	struct connection *known = *mine;

	pthread_mutex_lock(&h->lock);
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		known = mem_zalloc(1, sizeof(*known));
		known->fd =
			MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		known->deadline = monotonic_after_s(READ_SECONDS);
		known->next = h->connections;
		known->self = &h->connections;
		if (known->next)
			known->next->self = &known->next;
		h->connections = known;
	} else if (known) {
		set_unsent(h, known, 0);
		*known->self = known->next;
		if (known->next)
			known->next->self = known->self;
		free(known);
		known = NULL;
		if (h->stopping)
			pthread_cond_broadcast(&h->stop);
	}
	*mine = known;
	pthread_mutex_unlock(&h->lock);
}

static void on_completed(void *ctx, struct MHD_Connection *c, void **mine,
			 enum MHD_RequestTerminationCode why)
{
	struct exchange *x = *mine;

	(void)why;
	if (!x)
		return;
	reply_deinit(&x->reply);
	free(x->path);
	free(x->method);
	free(x->body);
	free(x);
	*mine = NULL;
	begin_phase(ctx, c, READ_SECONDS, 0);
}

/* ---- replies -------------------------------------------------------------------------------- */

static struct MHD_Response *make_response(struct reply *r)
{
	if (r->borrowed || !r->size)
		return MHD_create_response_from_buffer(r->size, (void *)r->borrowed,
						       MHD_RESPMEM_PERSISTENT);
	char *data = mem_realloc(r->data, r->size); /* it may have room for twice as much */

	r->data = NULL;
	return MHD_create_response_from_buffer(r->size, data, MHD_RESPMEM_MUST_FREE);
}

static const char *header(struct MHD_Connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

static void add_cors(struct MHD_Response *m, struct MHD_Connection *c)
{
	const char *origin = header(c, "Origin");

	MHD_add_response_header(m, "Vary", "Origin");
	if (!origin || !url_origin_is_good(origin, header(c, "Host")))
		return;
	MHD_add_response_header(m, "Access-Control-Allow-Origin", origin);
	MHD_add_response_header(m, "Access-Control-Allow-Methods",
				"GET, POST, PUT, DELETE, OPTIONS, HEAD");
	MHD_add_response_header(m, "Access-Control-Allow-Headers",
				"origin, content-type, accept, authorization");
	MHD_add_response_header(m, "Access-Control-Max-Age", "86400");
}

static void add_headers(struct MHD_Response *m, struct MHD_Connection *c, const struct reply *r)
{
	add_cors(m, c);
	if (r->type)
		MHD_add_response_header(m, "Content-Type", r->type);
	if (r->allow)
		MHD_add_response_header(m, "Allow", r->allow);
	MHD_add_response_header(m, "X-Content-Type-Options", "nosniff");
	/* No other site may embed it, nor learn its address. */
	MHD_add_response_header(m, "Cross-Origin-Resource-Policy", "same-origin");
	MHD_add_response_header(m, "Referrer-Policy", "no-referrer");
	MHD_add_response_header(m, "Cache-Control",
				r->for_ever ? "public, max-age=31536000, immutable" : "no-cache");
	if (r->page)
		MHD_add_response_header(m, "Content-Security-Policy",
					"default-src 'self'; img-src 'self' data: blob:; "
					"style-src 'self' 'unsafe-inline'; frame-ancestors 'none'");
}

/* What has to be sent from memory that it holds. */
static size_t size_held(const struct reply *r)
{
	return r->borrowed ? 0 : r->size;
}

static enum MHD_Result send_reply(struct http *h, struct MHD_Connection *c, struct reply *r)
{
	struct MHD_Response *m = make_response(r);
	enum MHD_Result done = MHD_NO;

	if (m) {
		add_headers(m, c, r);
		begin_phase(h, c, WRITE_SECONDS, size_held(r));
		done = MHD_queue_response(c, (unsigned)r->status, m);
		MHD_destroy_response(m);
	}
	reply_deinit(r);
	return done;
}

/* ---- requests ------------------------------------------------------------------------------- */

static int find_method(const char *name)
{
	static const char *const names[] = {
		[HTTP_GET] = "GET", [HTTP_HEAD] = "HEAD",     [HTTP_POST] = "POST",
		[HTTP_PUT] = "PUT", [HTTP_DELETE] = "DELETE", [HTTP_OPTIONS] = "OPTIONS",
	};

	for (int i = 0; i < (int)(sizeof(names) / sizeof(*names)); i++) {
		if (!strcmp(names[i], name))
			return i;
	}
	return -1;
}

static bool comes_from_us(const struct http *h, struct MHD_Connection *c)
{
	const char *host = header(c, "Host"), *origin = header(c, "Origin");

	return url_host_is_ours(host, h->loopback_only, h->name) &&
	       (!origin || url_origin_is_good(origin, host));
}

/* Return: 0, or the status to refuse it with, before its body is read. */
static int refuse(const struct http *h, struct MHD_Connection *c)
{
	const char *length = header(c, "Content-Length");

	if (!comes_from_us(h, c))
		return 403;
	if (length && strtoull(length, NULL, 10) > REQUEST_MAX_BODY)
		return 413;
	return 0;
}

static void say_refused(struct reply *r, int status)
{
	if (status == 403)
		reply_error(r, status, "Forbidden",
			    "this Host or Origin is not one that vmscope serves");
	else
		reply_error(r, status, "Too large", "a body may have %d bytes", REQUEST_MAX_BODY);
}

static void answer(struct http *h, const char *method, const char *path, const struct exchange *x,
		   bool may_wait, struct reply *r)
{
	int m = find_method(method);
	struct http_request q = {.method = m < 0 ? HTTP_GET : (enum http_method)m,
				 .body = x->body ? x->body : "",
				 .body_size = x->size,
				 .may_wait = may_wait};
	bool good = url_init(&q.url, path);

	if (m == HTTP_OPTIONS)
		r->status = 200;
	else if (m < 0)
		reply_error(r, 405, "Not allowed", "there is no method %.20s here", method);
	else if (!good)
		reply_error(r, 400, "Bad path", "the path is not one that vmscope serves");
	else
		h->config.handle(h->config.ctx, &q, r);
	url_deinit(&q.url);
}

static void wait_for_memory(struct http *h)
{
	pthread_mutex_lock(&h->lock);
	while (h->given_up > MAX_GIVEN_UP && !h->stopping)
		pthread_cond_wait(&h->freed, &h->lock);
	pthread_mutex_unlock(&h->lock);
}

/* Makes the reply that was deferred, and lets the connection go on. */
static void answer_slowly(void *job)
{
	struct exchange *x = job;

	wait_for_memory(x->http);
	answer(x->http, x->method, x->path, x, true, &x->reply);
	x->answered = true;
	begin_phase(x->http, x->connection, WRITE_SECONDS, size_held(&x->reply));
	MHD_resume_connection(x->connection);
}

/* Return: MHD_YES; on_request() is called again when the reply is there. */
static enum MHD_Result deferred(struct http *h, struct MHD_Connection *c, const char *method,
				const char *path, struct exchange *x)
{
	x->http = h;
	x->connection = c;
	x->method = mem_strdup(method);
	x->path = mem_strdup(path);
	MHD_suspend_connection(c);
	pool_put(h->slow, x);
	return MHD_YES;
}

static void take_body(struct exchange *x, const char *data, size_t n)
{
	if (x->size + n > REQUEST_MAX_BODY) {
		x->refused = 413;
		return;
	}
	if (x->size + n > x->cap) {
		x->cap = (x->size + n) * 2;
		x->body = mem_realloc(x->body, x->cap);
	}
	memcpy(x->body + x->size, data, n);
	x->size += n;
}

/*
 * libmicrohttpd calls this once before the body, for each part of it, once after, and after a rest.
 */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *c, const char *path,
				  const char *method, const char *version, const char *data,
				  size_t *size, void **mine)
{
	struct http *h = ctx;
	struct exchange *x = *mine;
	struct reply r = {0};

	(void)version;
	if (!x) {
		*mine = x = mem_zalloc(1, sizeof(*x));
		x->refused = refuse(h, c);
		if (x->refused) {
			say_refused(&r, x->refused);
			return send_reply(h, c, &r);
		}
		return MHD_YES;
	}
	if (*size) {
		if (!x->refused)
			take_body(x, data, *size);
		*size = 0;
		return MHD_YES;
	}
	if (x->answered)
		return send_reply(h, c, &x->reply);
	begin_phase(h, c, WRITE_SECONDS, 0); /* the request was in time */
	if (x->refused)
		say_refused(&r, x->refused);
	else
		answer(h, method, path, x, false, &r);
	if (!r.deferred)
		return send_reply(h, c, &r);
	reply_deinit(&r);
	return deferred(h, c, method, path, x);
}

/* Paths are decoded by url.c, which sees a NUL. */
static size_t keep_escaped(void *ctx, struct MHD_Connection *c, char *text)
{
	(void)ctx;
	(void)c;
	return strlen(text);
}

/* ---- life ----------------------------------------------------------------------------------- */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static int parse_address(const struct http_config *config, union address *a, struct error *err)
{
	*a = (union address){0};
	if (inet_pton(AF_INET, config->listen, &a->v4.sin_addr) == 1) {
		a->v4.sin_family = AF_INET;
		a->v4.sin_port = htons(config->port);
	} else if (inet_pton(AF_INET6, config->listen, &a->v6.sin6_addr) == 1) {
		a->v6.sin6_family = AF_INET6;
		a->v6.sin6_port = htons(config->port);
	} else {
		return error_set(err,
				 "'%s' is not an address, like 127.0.0.1 or ::", config->listen);
	}
	return 0;
}

static bool is_loopback(const union address *a)
{
	if (a->any.sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
	return ntohl(a->v4.sin_addr.s_addr) >> 24 == 127;
}

static int start(struct http *h, const union address *a, struct error *err)
{
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
			 (a->any.sa_family == AF_INET6 ? MHD_USE_IPv6 : 0);

	h->daemon = MHD_start_daemon(
		flags, h->config.port, NULL, NULL, on_request, h, MHD_OPTION_SOCK_ADDR, &a->any,
		MHD_OPTION_THREAD_POOL_SIZE, (unsigned)N_THREADS, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)MAX_CONNECTIONS, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		(unsigned)MAX_CONNECTIONS_PER_ADDRESS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)WRITE_SECONDS,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, h, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, h, MHD_OPTION_UNESCAPE_CALLBACK, keep_escaped, NULL, MHD_OPTION_END);
	if (!h->daemon)
		return error_errno(err, errno, "cannot listen on %s port %u", h->config.listen,
				   h->config.port);
	h->port = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
	return 0;
}

int http_new(struct http **hp, const struct http_config *config, struct error *err)
{
	struct http *h = mem_zalloc(1, sizeof(*h));
	pthread_condattr_t monotonic;
	union address a;

	h->config = *config;
	gethostname(h->name, sizeof(h->name) - 1);
	pthread_mutex_init(&h->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&h->stop, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_cond_init(&h->freed, NULL);
	int r = parse_address(config, &a, err);

	if (!r)
		r = pool_new(&h->slow, N_SLOW_THREADS, answer_slowly, err);
	if (!r)
		r = thread_start(&h->watch, watch, h, err);
	h->has_watch = !r;
	if (!r) {
		h->loopback_only = is_loopback(&a);
		r = start(h, &a, err);
	}
	if (r) {
		http_free(h);
		return r;
	}
	*hp = h;
	return 0;
}

/* Return: whether there is none left. */
static bool cut_off_all(struct http *h)
{
	for (struct connection *c = h->connections; c; c = c->next)
		shutdown(c->fd, SHUT_RDWR);
	return !h->connections;
}

static void end_watch(struct http *h)
{
	if (!h->has_watch)
		return;
	pthread_mutex_lock(&h->lock);
	h->stopping = true;
	pthread_cond_broadcast(&h->stop);
	pthread_mutex_unlock(&h->lock);
	pthread_join(h->watch, NULL);
	h->has_watch = false;
}

/*
 * Ends the daemon when nobody is connected any more: libmicrohttpd 0.9.75 falls over a bad request
 * that comes just while it is stopped.
 */
static void stop(struct http *h)
{
	int64_t last = monotonic_after_s(STOP_SECONDS);
	int listener = MHD_quiesce_daemon(h->daemon);

	pthread_mutex_lock(&h->lock);
	h->stopping = true;
	pthread_cond_broadcast(&h->stop);
	pthread_cond_broadcast(&h->freed);
	while (!cut_off_all(h) && monotonic_ns() < last)
		wait_a_second(h);
	pthread_mutex_unlock(&h->lock);
	end_watch(h);
	pool_free(h->slow); /* none may rest when the daemon ends */
	h->slow = NULL;
	MHD_stop_daemon(h->daemon);
	if (listener != MHD_INVALID_SOCKET)
		close(listener);
}

void http_free(struct http *h)
{
	if (!h)
		return;
	if (h->daemon)
		stop(h);
	end_watch(h);
	pool_free(h->slow);
	pthread_mutex_destroy(&h->lock);
	pthread_cond_destroy(&h->stop);
	pthread_cond_destroy(&h->freed);
	free(h);
}

uint16_t http_port(const struct http *h)
{
	return h->port;
}
