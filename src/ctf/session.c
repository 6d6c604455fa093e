#include "ctf/session.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctf/foreign.h"

enum { DEPTH_MAX = 16 };

static void note(struct ctf_session *s, enum diag_id id, char *text)
{
	struct diag where = {.first_ns = DIAG_NO_TIME};

	diag_add(&s->diags, id, 1, &where);
	*vec_push(&s->notes) = text;
}

/* Cuts the path's last part if it is like the pattern. Return: whether it was. */
static bool cut_last(char *path, const char *pattern)
{
	char *slash = strrchr(path, '/');
	bool fits = slash && !fnmatch(pattern, slash + 1, 0);

	if (fits)
		*slash = '\0';
	return fits;
}

/*
 * Cuts what LTTng puts below a session's directory: "x/kernel", "x/archives/<from>-<to>-<n>/kernel",
 * "x/snapshot-<n>-<date>-<time>-<n>/kernel".
 */
static void cut_layout(char *path)
{
	cut_last(path, "kernel");
	if (cut_last(path, "[0-9]*T[0-9]*-[0-9]*T[0-9]*-[0-9]*"))
		cut_last(path, "archives");
	cut_last(path, "snapshot-[0-9]*-[0-9]*-[0-9]*-[0-9]*");
}

/*
 * The part of the path that tells machines apart: "rec/host/kernel" below "rec" is "host". Where
 * nothing is left, the last part of the whole path.
 */
static char *name_of(const char *root, const char *dir)
{
	char *path = mem_strdup(dir);
	size_t n = strlen(root);

	cut_layout(path);
	const char *below = strlen(path) > n ? path + n + strspn(path + n, "/") : "";

	if (*below) {
		char *name = mem_strdup(below);

		free(path);
		return name;
	}
	free(path);
	char *real = realpath(dir, NULL);

	path = real ? real : mem_strdup(dir);
	cut_layout(path);
	const char *slash = strrchr(path, '/');
	char *name = mem_strdup(slash && slash[1] ? slash + 1 : path);

	free(path);
	return name;
}

static void add_trace(struct ctf_session *s, struct ctf_trace *t)
{
	vec_each (other, &s->traces) {
		if (ctf_trace_same(*other, t)) {
			ctf_trace_merge(*other, t);
			return;
		}
	}
	*vec_push(&s->traces) = t;
}

static void note_damage(struct ctf_session *s, const char *dir, const struct ctf_trace_type *type)
{
	if (type->damage)
		*vec_push(&s->notes) = mem_printf(
			"'%s/metadata' is damaged: %s (%u places in all; %u were mended, %u left out)",
			dir, type->damage, type->n_mended + type->n_left_out, type->n_mended,
			type->n_left_out);
}

static void open_one(struct ctf_session *s, const char *root, const char *dir, const char *name)
{
	struct error err = {0};
	struct ctf_trace *t;
	char *own = name ? mem_strdup(name) : name_of(root, dir);

	if (ctf_trace_open(&t, dir, own, &err)) {
		*vec_push(&s->unreadable) =
			(struct ctf_unreadable){mem_strdup(dir), mem_strdup(err.text)};
	} else {
		const char *domain = ctf_env_string(&t->type, "domain");

		if (domain && !strcmp(domain, "ust")) {
			note(s, DIAG_UST_IGNORED,
			     mem_printf("'%s' is a user-space trace and was left out", dir));
			ctf_trace_free(t);
		} else {
			note_damage(s, dir, &t->type);
			add_trace(s, t);
		}
	}
	free(own);
	error_deinit(&err);
}

/* LTTng lets only root and its group read what it records. */
static void note_closed(struct ctf_session *s, const char *dir, int why)
{
	s->n_found++;
	*vec_push(&s->unreadable) = (struct ctf_unreadable){
		mem_strdup(dir),
		mem_printf("cannot read the directory '%s': %s", dir, strerror(why))};
}

static bool is_directory(const char *path)
{
	struct stat st;

	/* A link could lead back up; the user can name its target instead. */
	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool holds_metadata(const char *dir)
{
	char *path = mem_printf("%s/metadata", dir);
	bool yes = access(path, F_OK) == 0;

	free(path);
	return yes;
}

static int visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static void search(struct ctf_session *s, const char *root, const char *dir, const char *name,
		   int depth)
{
	struct dirent **entries;

	if (holds_metadata(dir)) {
		s->n_found++;
		open_one(s, root, dir, name);
		return;
	}
	if (depth == DEPTH_MAX)
		return;
	int n = scandir(dir, &entries, visible, versionsort);

	if (n < 0) {
		note_closed(s, dir, errno);
		return;
	}
	for (int i = 0; i < n; i++) {
		char *path = mem_printf("%s/%s", dir, entries[i]->d_name);

		if (is_directory(path))
			search(s, root, path, name, depth + 1);
		free(path);
		free(entries[i]);
	}
	free(entries);
}

static int no_trace(const char *root, bool is_dir, struct error *err)
{
	struct arena arena = {0};
	const char *why =
		is_dir ? "no directory below it holds a 'metadata' file" : "it is not a directory";
	int r = error_set(err, "no CTF trace in '%s' (%s)%s", root, why,
			  foreign_hint(root, &arena));

	arena_deinit(&arena);
	return r;
}

static int open_argument(struct ctf_session *s, const char *arg, struct error *err)
{
	struct stat st;
	const char *equals = strchr(arg, '=');
	const char *path = arg;
	char *name = NULL, *root;
	size_t before = s->n_found;

	/* A path may hold a '=' too. */
	if (equals && equals != arg && stat(arg, &st) < 0) {
		name = mem_strndup(arg, (size_t)(equals - arg));
		path = equals + 1;
	}
	root = mem_strdup(path);
	for (size_t n = strlen(root); n > 1 && root[n - 1] == '/'; n--)
		root[n - 1] = '\0';
	int r = 0;

	if (stat(root, &st) < 0)
		r = error_errno(err, errno, "cannot open trace '%s'", root);
	else if (!S_ISDIR(st.st_mode))
		r = no_trace(root, false, err);
	else
		search(s, root, root, name, 0);
	if (!r && s->n_found == before)
		r = no_trace(root, true, err);
	free(root);
	free(name);
	return r;
}

static bool has_namesake(const struct ctf_session *s, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(s->traces.at[i]->name, name))
			return true;
	}
	return false;
}

/* Two machines with one name could not be told apart in a report. */
static void make_names_unique(struct ctf_session *s)
{
	for (size_t i = 0; i < s->traces.n; i++) {
		char *base = s->traces.at[i]->name, *name = mem_strdup(base);

		for (unsigned copy = 2; has_namesake(s, i, name); copy++) {
			free(name);
			name = mem_printf("%s#%u", base, copy);
		}
		s->traces.at[i]->name = name;
		free(base);
	}
}

static bool is_adopted(struct ctf_session *s, const char *dir)
{
	vec_each (t, &s->traces) {
		if (ctf_trace_adopt(*t, dir))
			return true;
	}
	return false;
}

/* A part of a recording can be read with the metadata of another part. */
static void settle_unreadable(struct ctf_session *s)
{
	vec_each (u, &s->unreadable) {
		if (is_adopted(s, u->dir))
			*vec_push(&s->notes) = mem_printf(
				"%s; that of another part of the recording was used", u->why);
		else
			note(s, DIAG_TRACE_UNREADABLE, mem_strdup(u->why));
	}
}

int ctf_session_open(struct ctf_session *s, char *const *args, size_t n_args, struct error *err)
{
	*s = (struct ctf_session){0};
	for (size_t i = 0; i < n_args; i++) {
		int r = open_argument(s, args[i], err);

		if (r)
			return r;
	}
	settle_unreadable(s);
	if (!s->traces.n)
		return error_set(err, "no trace could be read: %s",
				 s->notes.n ? s->notes.at[0] : "none was named");
	make_names_unique(s);
	return 0;
}

void ctf_session_deinit(struct ctf_session *s)
{
	vec_each (t, &s->traces)
		ctf_trace_free(*t);
	vec_each (n, &s->notes)
		free(*n);
	vec_each (u, &s->unreadable) {
		free(u->dir);
		free(u->why);
	}
	vec_deinit(&s->unreadable);
	vec_deinit(&s->traces);
	vec_deinit(&s->notes);
}
