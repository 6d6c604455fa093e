#include "server/url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes [from, to) in place, which only gets shorter. Return: whether it is a good name. */
static bool decode_part(char *from, const char *to)
{
	char *out = from;

	for (const char *in = from; in < to; in++) {
		int c = (unsigned char)*in;

		if (c == '%') {
			int high = to - in > 2 ? hex(in[1]) : -1;
			int low = high < 0 ? -1 : hex(in[2]);

			if (low < 0)
				return false;
			c = high << 4 | low;
			in += 2;
		}
		if (c < 0x20 || c == 0x7f || c == '/' || c == '\\')
			return false;
		*out++ = (char)c;
	}
	*out = '\0';
	return strcmp(from, ".") != 0 && strcmp(from, "..") != 0;
}

bool url_init(struct url *u, const char *path)
{
	*u = (struct url){0};
	if (*path != '/' || strlen(path) > URL_MAX_LENGTH)
		return false;
	u->text = mem_strdup(path);
	u->is_directory = path[strlen(path) - 1] == '/';
	for (char *p = u->text, *end; *p; p = end) {
		p += strspn(p, "/");
		end = p + strcspn(p, "/");
		char *next = *end ? end + 1 : end;

		if (p == end)
			break;
		if (u->n == URL_MAX_PARTS)
			return false;
		if (!decode_part(p, end))
			return false;
		*end = '\0';
		u->parts[u->n++] = p;
		end = next;
	}
	return true;
}

void url_deinit(struct url *u)
{
	free(u->text);
	*u = (struct url){0};
}

/* ---- who asks ------------------------------------------------------------------------------- */

/* Splits "name:port" or "[name]:port". Return: whether it is one, with the name in out[256]. */
static bool split_host(const char *host, char *out)
{
	bool bracket = *host == '[';
	size_t n = bracket ? strcspn(host, "]") : strcspn(host, ":");
	const char *rest = host + n + (bracket && host[n]);

	if (bracket)
		host++, n--;
	if (n == 0 || n > 255 || (bracket && host[n] != ']'))
		return false;
	memcpy(out, host, n);
	out[n] = '\0';
	if (!*rest)
		return true;
	return *rest == ':' && strspn(rest + 1, "0123456789") == strlen(rest + 1);
}

static bool is_loopback(const char *name)
{
	return !strcasecmp(name, "localhost") || !strcmp(name, "127.0.0.1") || !strcmp(name, "::1");
}

static bool is_address(const char *name)
{
	struct in6_addr v6;
	struct in_addr v4;

	return inet_pton(AF_INET, name, &v4) == 1 || inet_pton(AF_INET6, name, &v6) == 1;
}

bool url_host_is_ours(const char *host, bool loopback_only, const char *name)
{
	char part[256];

	if (!host || !split_host(host, part))
		return false;
	if (is_loopback(part))
		return true;
	return !loopback_only && (is_address(part) || !strcasecmp(part, name));
}

static const char *skip(const char *text, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncasecmp(text, prefix, n) ? NULL : text + n;
}

bool url_origin_is_good(const char *origin, const char *host)
{
	const char *rest = skip(origin, "vscode-webview://");
	char part[256];

	if (rest)
		return *rest && strspn(rest, "0123456789abcdefghijklmnopqrstuvwxyz"
					     "ABCDEFGHIJKLMNOPQRSTUVWXYZ-._") == strlen(rest);
	rest = skip(origin, "http://");
	if (!rest)
		rest = skip(origin, "https://");
	if (!rest || !split_host(rest, part))
		return false;
	return is_loopback(part) || (host && !strcasecmp(rest, host));
}
