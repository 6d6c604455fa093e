#include "fleet/credentials.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"

enum { CREDENTIALS_LINE = 1024 };

/* Takes the value if the line begins with this word. */
static void credentials_take(char **to, const char *line, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(line, word, n) != 0)
		return;
	free(*to);
	*to = mem_strdup(line + n);
}

static int credentials_check(const struct credentials *c, struct error *err)
{
	for (const char *p = c->user; p && *p; p++) {
		if ((unsigned char)*p < ' ')
			return error_set(err, "the user's name has control characters");
	}
	for (const char *p = c->password; p && *p; p++) {
		if ((unsigned char)*p < ' ')
			return error_set(err, "the password has control characters");
	}
	return 0;
}

static void credentials_read(struct credentials *c, FILE *f)
{
	char line[CREDENTIALS_LINE];

	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\r\n")] = 0;
		credentials_take(&c->user, line, "user=");
		credentials_take(&c->password, line, "password=");
	}
}

static int credentials_open(struct credentials *c, const char *file, struct error *err)
{
	struct stat st;
	FILE *f = fopen(file, "re");

	if (!f)
		return error_errno(err, errno, "cannot read '%s'", file);
	int r = 0;

	if (!fstat(fileno(f), &st) && st.st_mode & (S_IRGRP | S_IROTH | S_IWGRP | S_IWOTH))
		r = error_set(err, "others can read '%s': chmod 600 it", file);
	else
		credentials_read(c, f);
	fclose(f);
	if (!r && !c->user && !c->password)
		r = error_set(err, "'%s' has no line user=NAME and none password=WORD", file);
	return r;
}

static char *credentials_of_environment(const char *name)
{
	const char *value = getenv(name);

	return value ? mem_strdup(value) : NULL;
}

int credentials_init(struct credentials *c, const char *file, struct error *err)
{
	*c = (struct credentials){0};
	int r = 0;

	if (file) {
		r = credentials_open(c, file, err);
	} else {
		c->user = credentials_of_environment("VMSCOPE_CLICKHOUSE_USER");
		c->password = credentials_of_environment("VMSCOPE_CLICKHOUSE_PASSWORD");
	}
	if (!r)
		r = credentials_check(c, err);
	if (r)
		credentials_deinit(c);
	return r;
}

void credentials_deinit(struct credentials *c)
{
	free(c->user);
	free(c->password);
	*c = (struct credentials){0};
}
