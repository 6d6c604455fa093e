#include "server/token.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <utmpx.h>

#include "base/mem.h"

enum { TOKEN_BYTES = 16 };

char *token_new(struct error *err)
{
	unsigned char bytes[TOKEN_BYTES];
	char *text = mem_zalloc(2 * TOKEN_BYTES + 1, 1);

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes)) {
		error_errno(err, errno, "cannot make a token");
		free(text);
		return NULL;
	}
	for (size_t i = 0; i < TOKEN_BYTES; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return text;
}

bool token_is_good(const char *text)
{
	size_t n = strlen(text);
	size_t good = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789-_");

	return n == good && n >= TOKEN_MIN && n <= TOKEN_MAX;
}

static bool token_equal(const char *a, const char *token)
{
	size_t n = strlen(a), wanted = strlen(token);
	unsigned char differs = n != wanted;

	for (size_t i = 0; i < wanted; i++)
		differs |= (unsigned char)(token[i] ^ (n ? a[i % n] : 0));
	return !differs;
}

bool token_take(struct url *url, const char *token)
{
	if (!url->n || !token_equal(url->parts[0], token))
		return false;
	url->n--;
	memmove(url->parts, url->parts + 1, (size_t)url->n * sizeof(*url->parts));
	return true;
}

/* A session is its terminal's owner's: his name may be one that only a directory service knows. */
static bool token_is_of_other(const struct utmpx *entry, uid_t user)
{
	char path[sizeof(entry->ut_line) + 8];
	struct stat st;

	if (entry->ut_type != USER_PROCESS)
		return false;
	snprintf(path, sizeof(path), "/dev/%.*s", (int)sizeof(entry->ut_line), entry->ut_line);
	return !stat(path, &st) && st.st_uid != user;
}

bool token_has_others(const char *utmp, uid_t user)
{
	const struct utmpx *entry;
	bool found = false;

	if (utmp)
		utmpxname(utmp);
	setutxent();
	while (!found && (entry = getutxent()))
		found = token_is_of_other(entry, user);
	endutxent();
	return found;
}
