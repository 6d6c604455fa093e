#include "fleet/clickhouse.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fleet/credentials.h"

enum {
	CLICKHOUSE_ANSWER = 1 << 24, /* bytes at most */
	CLICKHOUSE_CONNECT = 15,     /* s */
	CLICKHOUSE_QUIET = 60,	     /* s in which nothing comes */
	CLICKHOUSE_TOLD = 300,	     /* characters of an answer that are shown */
	CLICKHOUSE_OK = 200,
	/* Versions that have it: 21.11 and 20.3. */
	CLICKHOUSE_ASYNC_INSERT = 2111,
	CLICKHOUSE_ALL_REPLICAS = 2003,
};

struct clickhouse {
	CURL *curl;
	struct curl_slist *headers;
	char *url, *database; /* owned; the URL without a query */
	unsigned version;     /* 2111: 21.11 */
	struct bytes answer;  /* ends with a 0 */
	bool too_much;
	unsigned quiet;
	char why[CURL_ERROR_SIZE];
};

/* ---- requests ------------------------------------------------------------------------------- */

static size_t clickhouse_take(char *at, size_t size, size_t n, void *ctx)
{
	struct clickhouse *s = ctx;

	s->too_much |= n > CLICKHOUSE_ANSWER - s->answer.n;
	if (s->too_much)
		return 0;
	bytes_put(&s->answer, at, n);
	(void)size; /* is 1 */
	return n;
}

/* Return: the URL with settings, for free(); insert: and with this statement, or NULL. */
static char *clickhouse_make_url(struct clickhouse *s, const char *database, const char *insert)
{
	char *base = curl_easy_escape(s->curl, database, 0);
	char *query = insert ? curl_easy_escape(s->curl, insert, 0) : NULL;
	char *url =
		mem_printf("%s?database=%s&wait_end_of_query=1%s%s%s%s", s->url, base,
			   insert ? "&insert_distributed_sync=1" : "",
			   insert && s->version >= CLICKHOUSE_ASYNC_INSERT ? "&async_insert=0" : "",
			   insert ? "&query=" : "", insert ? query : "");

	curl_free(query);
	curl_free(base);
	return url;
}

static int clickhouse_failed(const struct clickhouse *s, CURLcode code, struct error *err)
{
	const char *why = *s->why ? s->why : curl_easy_strerror(code);

	if (s->too_much)
		return error_set(err, "%s answers more than was asked for: is it ClickHouse?",
				 s->url);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return error_set(err,
				 "%s does not answer in time (%s); the same command later goes on "
				 "where this one ended",
				 s->url, why);
	return error_set(err,
			 "cannot reach %s: %s; the same command later goes on where this one ended",
			 s->url, why);
}

/* Return: the HTTP status, or ERR with err set. */
static long clickhouse_request(struct clickhouse *s, const char *url, const void *body, size_t n,
			       struct error *err)
{
	long status = 0;

	s->answer.n = 0;
	s->too_much = false;
	*s->why = 0;
	curl_easy_setopt(s->curl, CURLOPT_URL, url);
	curl_easy_setopt(s->curl, CURLOPT_POST, 1L);
	curl_easy_setopt(s->curl, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(s->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n);
	CURLcode code = curl_easy_perform(s->curl);

	if (code != CURLE_OK)
		return clickhouse_failed(s, code, err);
	bytes_put(&s->answer, "", 1);
	curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

/* Return: the number of the server's error, or 0 where the answer is none of ClickHouse's. */
static int clickhouse_code(const struct clickhouse *s)
{
	int code = 0;

	return sscanf((const char *)s->answer.at, "Code: %d", &code) == 1 ? code : 0;
}

/* What the server said, made fit for one line. Return: for free(). */
static char *clickhouse_words(const struct clickhouse *s)
{
	const char *said = (const char *)s->answer.at;
	char *words = mem_strndup(said, strnlen(said, CLICKHOUSE_TOLD));

	for (char *c = words; *c; c++) {
		if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
			*c = ' ';
	}
	return words;
}

/* Return: ERR, with err set. */
static int clickhouse_refused(const struct clickhouse *s, long status, struct error *err)
{
	char *words = clickhouse_words(s);

	if (clickhouse_code(s))
		error_set(err, "%s refuses: %s", s->url, words);
	else
		error_set(err,
			  "%s answers what ClickHouse does not (HTTP status %ld: '%s'): is it "
			  "its HTTP port?",
			  s->url, status, words);
	free(words);
	return ERR;
}

static int clickhouse_check(const struct clickhouse *s, long status, struct error *err)
{
	if (status == ERR)
		return ERR;
	/* An error while the answer is on its way already has the status of success. */
	if (status != CLICKHOUSE_OK || clickhouse_code(s))
		return clickhouse_refused(s, status, err);
	return 0;
}

/* Sends a statement; what is answered is in s->answer. Return: 0, or ERR with err set. */
static int clickhouse_state(struct clickhouse *s, const char *database, const char *sql,
			    struct error *err)
{
	char *url = clickhouse_make_url(s, database, NULL);
	int r = clickhouse_check(s, clickhouse_request(s, url, sql, strlen(sql), err), err);

	free(url);
	return r;
}

int clickhouse_ask(struct clickhouse *s, const char *sql, const char **answerp, struct error *err)
{
	int r = clickhouse_state(s, s->database, sql, err);

	*answerp = r ? NULL : (const char *)s->answer.at;
	return r;
}

int clickhouse_ask_anywhere(struct clickhouse *s, const char *sql, const char **answerp,
			    struct error *err)
{
	int r = clickhouse_state(s, "default", sql, err);

	*answerp = r ? NULL : (const char *)s->answer.at;
	return r;
}

int clickhouse_do(struct clickhouse *s, const char *sql, struct error *err)
{
	return clickhouse_state(s, s->database, sql, err);
}

int clickhouse_do_anywhere(struct clickhouse *s, const char *sql, struct error *err)
{
	return clickhouse_state(s, "default", sql, err);
}

int clickhouse_insert(struct clickhouse *s, const char *sql, const struct bytes *body,
		      struct error *err)
{
	enum { TOO_MANY_PARTS = 252 };
	char *url = clickhouse_make_url(s, s->database, sql);
	/* Of its own accord libcurl repeats what was sent on a connection that was used before. */
	curl_easy_setopt(s->curl, CURLOPT_FRESH_CONNECT, 1L);
	long status = clickhouse_request(s, url, body->at, body->n, err);

	curl_easy_setopt(s->curl, CURLOPT_FRESH_CONNECT, 0L);

	free(url);
	if (status != ERR && clickhouse_code(s) == TOO_MANY_PARTS)
		return 1;
	if (clickhouse_check(s, status, err))
		return ERR;
	/* It says nothing when all went well. */
	return s->answer.n > 1 ? clickhouse_refused(s, status, err) : 0;
}

/* ---- opening -------------------------------------------------------------------------------- */

static char *clickhouse_url_part(CURLU *u, CURLUPart part)
{
	char *text = NULL, *copy = NULL;

	if (!curl_url_get(u, part, &text, 0))
		copy = mem_strdup(text);
	curl_free(text);
	return copy;
}

/* Takes the database out of "database=NAME". Return: 0, or ERR with err set. */
static int clickhouse_take_query(struct clickhouse *s, const char *query, struct error *err)
{
	static const char word[] = "database=";
	size_t n = sizeof(word) - 1;

	if (query && (strncmp(query, word, n) != 0 || strpbrk(query, "&;`\\'\"") || !query[n]))
		return error_set(err, "of the URL's settings only database=NAME is taken, not '%s'",
				 query);
	s->database = mem_strdup(query ? query + n : "vmscope");
	return 0;
}

static int clickhouse_check_url(CURLU *u, const char *url, struct error *err)
{
	char *scheme = clickhouse_url_part(u, CURLUPART_SCHEME);
	char *user = clickhouse_url_part(u, CURLUPART_USER);
	char *password = clickhouse_url_part(u, CURLUPART_PASSWORD);
	int r = 0;

	if (!scheme || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
		r = error_set(
			err,
			"'%s' is no URL of ClickHouse: http://HOST:8123/ or https://HOST:8443/",
			url);
	else if (user || password)
		r = error_set(err, "take user and password out of the URL, where others can see "
				   "them: put them into VMSCOPE_CLICKHOUSE_USER and "
				   "VMSCOPE_CLICKHOUSE_PASSWORD, or into a file (--credentials)");
	free(scheme);
	free(user);
	free(password);
	return r;
}

static int clickhouse_take_url(struct clickhouse *s, CURLU *u, const char *url, struct error *err)
{
	if (curl_url_set(u, CURLUPART_URL, url, 0))
		return error_set(err, "'%s' is no URL: http://HOST:8123/ is one", url);
	if (clickhouse_check_url(u, url, err))
		return ERR;
	char *query = clickhouse_url_part(u, CURLUPART_QUERY);
	int r = clickhouse_take_query(s, query, err);

	free(query);
	curl_url_set(u, CURLUPART_QUERY, NULL, 0);
	curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0);
	s->url = clickhouse_url_part(u, CURLUPART_URL);
	return r;
}

static int clickhouse_set_url(struct clickhouse *s, const char *url, struct error *err)
{
	CURLU *u = curl_url();
	int r = clickhouse_take_url(s, u, url, err);

	curl_url_cleanup(u);
	return r;
}

static void clickhouse_add_header(struct clickhouse *s, const char *name, const char *value)
{
	char *line = mem_printf("%s: %s", name, value);

	s->headers = curl_slist_append(s->headers, line);
	free(line);
}

static int clickhouse_set_credentials(struct clickhouse *s, const char *file, struct error *err)
{
	struct credentials c;

	if (credentials_init(&c, file, err))
		return ERR;
	if (c.user)
		clickhouse_add_header(s, "X-ClickHouse-User", c.user);
	if (c.password)
		clickhouse_add_header(s, "X-ClickHouse-Key", c.password);
	credentials_deinit(&c);
	/* No waiting for permission to send, and no form. */
	clickhouse_add_header(s, "Expect", "");
	clickhouse_add_header(s, "Content-Type", "application/octet-stream");
	return 0;
}

static void clickhouse_set_options(struct clickhouse *s, const struct clickhouse_options *o)
{
	curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, s->headers);
	curl_easy_setopt(s->curl, CURLOPT_WRITEFUNCTION, clickhouse_take);
	curl_easy_setopt(s->curl, CURLOPT_WRITEDATA, s);
	curl_easy_setopt(s->curl, CURLOPT_ERRORBUFFER, s->why);
	curl_easy_setopt(s->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(s->curl, CURLOPT_USERAGENT, "vmscope/" VMSCOPE_VERSION);
	curl_easy_setopt(s->curl, CURLOPT_CONNECTTIMEOUT, (long)CLICKHOUSE_CONNECT);
	curl_easy_setopt(s->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(s->curl, CURLOPT_LOW_SPEED_TIME,
			 (long)(o->timeout ? o->timeout : CLICKHOUSE_QUIET));
	if (o->ca_file)
		curl_easy_setopt(s->curl, CURLOPT_CAINFO, o->ca_file);
}

static int clickhouse_ask_version(struct clickhouse *s, struct error *err)
{
	unsigned major, minor;

	if (clickhouse_state(s, "default", "SELECT version()", err))
		return ERR;
	if (sscanf((const char *)s->answer.at, "%u.%u.", &major, &minor) != 2)
		return clickhouse_refused(s, CLICKHOUSE_OK, err);
	s->version = major * 100 + minor;
	return 0;
}

static int clickhouse_open(struct clickhouse *s, const struct clickhouse_options *options,
			   struct error *err)
{
	if (clickhouse_set_url(s, options->url, err) ||
	    clickhouse_set_credentials(s, options->credentials, err))
		return ERR;
	clickhouse_set_options(s, options);
	return clickhouse_ask_version(s, err);
}

int clickhouse_new(struct clickhouse **sp, const struct clickhouse_options *options,
		   struct error *err)
{
	struct clickhouse *s = mem_zalloc(1, sizeof(*s));

	*sp = NULL;
	s->curl = curl_easy_init();
	int r = s->curl ? clickhouse_open(s, options, err)
			: error_set(err, "libcurl does not start");

	if (r) {
		clickhouse_free(s);
		return r;
	}
	*sp = s;
	return 0;
}

void clickhouse_free(struct clickhouse *s)
{
	if (!s)
		return;
	curl_easy_cleanup(s->curl);
	curl_slist_free_all(s->headers);
	bytes_deinit(&s->answer);
	free(s->url);
	free(s->database);
	free(s);
}

const char *clickhouse_database(const struct clickhouse *s)
{
	return s->database;
}

const char *clickhouse_url(const struct clickhouse *s)
{
	return s->url;
}

const char *clickhouse_all_replicas(const struct clickhouse *s)
{
	return s->version >= CLICKHOUSE_ALL_REPLICAS ? "clusterAllReplicas" : "cluster";
}
