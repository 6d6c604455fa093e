#include "server/site.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "server/site_files.inc"

enum { MAX_SITE_FILE = 64 << 20 };

const struct site_file *site_files(size_t *np)
{
	*np = sizeof(embedded) / sizeof(*embedded);
	return embedded;
}

static const char *type_of(const char *path)
{
	static const struct {
		const char *suffix, *type;
	} types[] = {
		{".html", "text/html; charset=utf-8"},
		{".js", "text/javascript; charset=utf-8"},
		{".css", "text/css; charset=utf-8"},
		{".json", "application/json"},
		{".svg", "image/svg+xml"},
		{".png", "image/png"},
		{".ico", "image/x-icon"},
		{".woff2", "font/woff2"},
	};
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < sizeof(types) / sizeof(*types); i++) {
		if (!strcmp(dot, types[i].suffix))
			return types[i].type;
	}
	return REPLY_BINARY;
}

/* Whether it is called name-XXXXXXXX.ext, after what is in it. */
static bool has_hash(const char *path)
{
	const char *dash = strrchr(path, '-'), *dot = strrchr(path, '.');

	return dash && dot && dot - dash == 9 && strncmp(path, "assets/", 7) == 0;
}

static char *path_of(const struct url *u)
{
	char *path = mem_strdup(u->n ? u->parts[0] : "index.html");

	for (int i = 1; i < u->n; i++) {
		char *longer = mem_printf("%s/%s", path, u->parts[i]);

		free(path);
		path = longer;
	}
	return path;
}

static bool find_embedded(struct reply *r, const char *path)
{
	size_t n;
	const struct site_file *files = site_files(&n);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(files[i].path, path) != 0)
			continue;
		r->borrowed = files[i].data;
		r->size = files[i].size;
		return true;
	}
	return false;
}

/* Opens what is below root, by the kernel's own reckoning. Return: a file, or -1. */
static int open_below(const char *root, const char *path)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
	int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return -1;
	int fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));

	close(dir);
	return fd;
}

static bool read_below(struct reply *r, const char *root, const char *path)
{
	struct stat st;
	int fd = open_below(root, path);
	size_t n = 0;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > MAX_SITE_FILE) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	r->data = mem_alloc((size_t)st.st_size + 1);
	while (n < (size_t)st.st_size) {
		ssize_t got = read(fd, r->data + n, (size_t)st.st_size - n);

		if (got <= 0)
			break;
		n += (size_t)got;
	}
	close(fd);
	r->size = n;
	return true;
}

void site_handle(const char *root, const struct http_request *q, struct reply *r)
{
	char *path = path_of(&q->url);

	if (q->method != HTTP_GET && q->method != HTTP_HEAD) {
		reply_error(r, 405, "Not allowed", "files can only be read");
		r->allow = "GET";
	} else if (root ? read_below(r, root, path) : find_embedded(r, path)) {
		r->status = 200;
		r->type = type_of(path);
		r->page = true;
		r->for_ever = has_hash(path);
	} else {
		reply_error(r, 404, "Not found", "there is no such thing here");
	}
	free(path);
}
