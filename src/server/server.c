#include "server/server.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "server/http.h"
#include "server/page_api.h"
#include "server/site.h"
#include "server/token.h"
#include "server/tsp.h"

struct server {
	struct catalog *catalog;
	struct http *http;
	char *web_root;	   /* resolved, or NULL */
	const char *token; /* borrowed, or NULL */
};

static void server_handle(const struct server *s, const struct http_request *q, struct reply *r)
{
	const struct url *u = &q->url;

	if (u->n >= 2 && !strcmp(u->parts[0], "tsp") && !strcmp(u->parts[1], "api"))
		tsp_handle(s->catalog, q, r);
	else if (u->n >= 1 && !strcmp(u->parts[0], "api"))
		page_api_handle(s->catalog, q, r);
	else
		site_handle(s->web_root, q, r);
}

/* The page's files name each other relatively: it is a directory. */
static void server_handle_token(const struct server *s, struct http_request *q, struct reply *r)
{
	if (!token_take(&q->url, s->token)) {
		reply_error(r, 403, "Forbidden",
			    "the path has to begin with the token that vmscope serve printed");
	} else if (!q->url.n && !q->url.is_directory) {
		FILE *f = reply_stream(r, "text/html; charset=utf-8");

		fprintf(f, "<!doctype html><meta http-equiv=refresh content=\"0;url=%s/\">",
			s->token);
		reply_end(r);
	} else {
		server_handle(s, q, r);
	}
}

static void handle(void *ctx, const struct http_request *q, struct reply *r)
{
	const struct server *s = ctx;
	struct http_request rest = *q; /* the path's text stays q's */

	if (s->token)
		server_handle_token(s, &rest, r);
	else
		server_handle(s, q, r);
}

static int start(struct server *s, struct server_config *config, struct error *err)
{
	const struct http_config http = {
		.listen = config->listen, .port = config->port, .handle = handle, .ctx = s};

	if (config->web_root) {
		s->web_root = realpath(config->web_root, NULL);
		if (!s->web_root)
			return error_errno(err, errno, "cannot open '%s'", config->web_root);
	}
	if (catalog_new(&s->catalog, &config->catalog, err))
		return ERR;
	return http_new(&s->http, &http, err);
}

int server_new(struct server **sp, struct server_config *config, struct error *err)
{
	struct server *s = mem_zalloc(1, sizeof(*s));

	s->token = config->token;
	json_object_seed(0); /* before there are threads */
	if (start(s, config, err)) {
		server_free(s);
		return ERR;
	}
	*sp = s;
	return 0;
}

void server_free(struct server *s)
{
	if (!s)
		return;
	http_free(s->http);
	catalog_free(s->catalog);
	free(s->web_root);
	free(s);
}

uint16_t server_port(const struct server *s)
{
	return http_port(s->http);
}

int server_open(struct server *s, const char *path, struct error *err)
{
	struct uuid trace, experiment;
	char *real = realpath(path, NULL);

	if (!real)
		return error_errno(err, errno, "cannot open '%s'", path);
	enum catalog_answer answer = catalog_add_trace(s->catalog, real, NULL, &trace, err);
	const char *uuids[] = {trace.text};

	free(real);
	if (answer == CATALOG_OK)
		answer = catalog_add_experiment(s->catalog, NULL, uuids, 1, &experiment, err);
	return answer == CATALOG_OK ? 0 : ERR;
}
