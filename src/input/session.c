#include "input/session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/utf8.h"
#include "input/foreign.h"
#include "input/format.h"
#include "input/joined.h"
#include "input/name.h"

enum { DEPTH_MAX = 16 };

static void note(struct session *s, enum diag_id id, char *text)
{
	struct diag where = {.first_ns = DIAG_NO_TIME};

	diag_add(&s->diags, id, 1, &where);
	*vec_push(&s->notes) = text;
}

/* ---- recordings ----------------------------------------------------------------------------- */

static const struct input_format *const formats[] = {&input_ctf, &input_tracedat, &input_perfdata};

enum { N_FORMATS = sizeof(formats) / sizeof(formats[0]) };

static struct input_head read_head(const char *path)
{
	struct input_head head = {0};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	bool is_file = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	ssize_t n = is_file ? read(fd, head.at, sizeof(head.at)) : 0;

	head.n = n > 0 ? (size_t)n : 0;
	if (fd >= 0)
		close(fd);
	return head;
}

/* Return: NULL if it is no recording. */
static const struct input_format *format_of(const char *path, bool is_directory)
{
	struct input_head head = is_directory ? (struct input_head){0} : read_head(path);

	for (size_t i = 0; i < N_FORMATS; i++) {
		if (formats[i]->probe(path, is_directory, &head))
			return formats[i];
	}
	return NULL;
}

bool session_is_recording(const char *path, bool is_directory)
{
	return format_of(path, is_directory) != NULL;
}

/* What tells the parts of one recording apart is no name for it. */
static void rename_whole(struct recording *whole, const struct recording *part)
{
	if (whole->is_named || !whole->hostname || !strcmp(whole->name, part->name))
		return;
	free(whole->name);
	whole->name = mem_strdup(part->is_named ? part->name : whole->hostname);
	whole->is_named = part->is_named;
}

static void add_recording(struct session *s, struct recording *r)
{
	vec_each (other, &s->recordings) {
		if ((*other)->ops == r->ops && r->ops->same && r->ops->same(*other, r)) {
			rename_whole(*other, r);
			r->ops->merge(*other, r);
			return;
		}
	}
	*vec_push(&s->recordings) = r;
}

/* A machine's name stands in every line of every output: lines and controls are no part of it. */
static char *session_shown_name(const char *said)
{
	char *name = mem_alloc(strlen(said) * ESCAPE_SIZE + 1), *end = name;
	const uint8_t *at = (const uint8_t *)said;

	for (size_t n = strlen(said), length; n; at += length, n -= length) {
		length = escape_unsafe(at, n);
		if (length) {
			escape_name(end, at, length);
			end += strlen(end);
		} else {
			length = utf8_length(at, n);
			end = mempcpy(end, at, length);
		}
	}
	*end = '\0';
	return name;
}

static void open_one(struct session *s, const struct input_format *format, const char *root,
		     const char *path, const char *name)
{
	struct error err = {0};
	struct recording *r;
	int result = format->open(&r, path, s->options, &err);

	s->n_found++;
	if (!result && r->is_user_space && !s->options->with_user_space) {
		note(s, DIAG_UST_IGNORED,
		     mem_printf("'%s' is a user-space trace and was left out", path));
		recording_free(r);
	} else if (result) {
		*vec_push(&s->unreadable) =
			(struct session_unreadable){mem_strdup(path), mem_strdup(err.text)};
	} else {
		r->path = mem_strdup(path);
		r->is_named = name != NULL;
		r->first_ns = INT64_MIN;
		char *said = name ? mem_strdup(name) : recording_name_of(root, path, r->hostname);

		r->name = session_shown_name(said);
		free(said);
		if (r->note)
			*vec_push(&s->notes) = mem_strdup(r->note);
		add_recording(s, r);
	}
	error_deinit(&err);
}

/* LTTng lets only root and its group read what it records. */
static void note_closed(struct session *s, const char *dir, int why)
{
	s->n_found++;
	*vec_push(&s->unreadable) = (struct session_unreadable){
		mem_strdup(dir),
		mem_printf("cannot read the directory '%s': %s", dir, strerror(why))};
}

static bool is_directory(const char *path)
{
	struct stat st;

	/* A link could lead back up; the user can name its target instead. */
	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static void search(struct session *s, const char *root, const char *path, const char *name,
		   int depth)
{
	struct dirent **entries;
	bool is_dir = !depth || is_directory(path);
	const struct input_format *format = format_of(path, is_dir);

	if (format) {
		open_one(s, format, root, path, name);
		return;
	}
	if (!is_dir || depth == DEPTH_MAX)
		return;
	int n = scandir(path, &entries, visible, versionsort);

	if (n < 0) {
		note_closed(s, path, errno);
		return;
	}
	for (int i = 0; i < n; i++) {
		char *inner = mem_printf("%s/%s", path, entries[i]->d_name);

		search(s, root, inner, name, depth + 1);
		free(inner);
		free(entries[i]);
	}
	free(entries);
}

static int no_trace(const char *root, bool is_dir, struct error *err)
{
	struct arena arena = {0};
	int r = error_set(
		err, "no recording in '%s' (%s a CTF trace, a trace.dat or a perf.data)%s", root,
		is_dir ? "nothing in it is" : "it is not", foreign_hint(root, &arena));

	arena_deinit(&arena);
	return r;
}

static int open_argument(struct session *s, const char *arg, struct error *err)
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
	else
		search(s, root, root, name, !S_ISDIR(st.st_mode));
	if (!r && s->n_found == before)
		r = no_trace(root, S_ISDIR(st.st_mode), err);
	free(root);
	free(name);
	return r;
}

static bool has_namesake(const struct session *s, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(s->recordings.at[i]->name, name))
			return true;
	}
	return false;
}

/* Two machines with one name could not be told apart in a report. */
static void make_names_unique(struct session *s)
{
	for (size_t i = 0; i < s->recordings.n; i++) {
		char *base = s->recordings.at[i]->name, *name = mem_strdup(base);

		for (unsigned copy = 2; has_namesake(s, i, name); copy++) {
			free(name);
			name = mem_printf("%s#%u", base, copy);
		}
		s->recordings.at[i]->name = name;
		free(base);
	}
}

static bool is_adopted(struct session *s, const char *path)
{
	vec_each (r, &s->recordings) {
		if ((*r)->ops->adopt && (*r)->ops->adopt(*r, path))
			return true;
	}
	return false;
}

/* A part of a recording can be read with the metadata of another part. */
static void settle_unreadable(struct session *s)
{
	vec_each (u, &s->unreadable) {
		if (is_adopted(s, u->path))
			*vec_push(&s->notes) = mem_printf(
				"%s; that of another part of the recording was used", u->why);
		else
			note(s, DIAG_TRACE_UNREADABLE, mem_strdup(u->why));
	}
}

/* What no other part has given anything to is left out. */
static void drop_those_without_streams(struct session *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->recordings.n; i++) {
		struct recording *r = s->recordings.at[i];

		if (!r->nothing) {
			s->recordings.at[kept++] = r;
			continue;
		}
		note(s, DIAG_TRACE_UNREADABLE, mem_strdup(r->nothing));
		recording_free(r);
	}
	s->recordings.n = kept;
}

/* Puts recordings of one machine where the first of them is. */
static void join_machine(struct session *s, size_t first)
{
	VEC(struct recording *) parts = {0};
	size_t n = first + 1;

	*vec_push(&parts) = s->recordings.at[first];
	for (size_t i = n; i < s->recordings.n; i++) {
		struct recording *r = s->recordings.at[i];

		if (joined_same_machine(parts.at[0], r))
			*vec_push(&parts) = r;
		else
			s->recordings.at[n++] = r;
	}
	s->recordings.n = n;
	if (parts.n > 1)
		s->recordings.at[first] = joined_new(parts.at, parts.n);
	vec_deinit(&parts);
}

static void join_machines(struct session *s)
{
	for (size_t i = 0; i < s->recordings.n; i++)
		join_machine(s, i);
}

int session_open(struct session *s, char *const *args, size_t n_args,
		 const struct input_options *options, struct error *err)
{
	static const struct input_options nothing = {0};

	*s = (struct session){.options = options ? options : &nothing};
	for (size_t i = 0; i < n_args; i++) {
		int r = open_argument(s, args[i], err);

		if (r)
			return r;
	}
	settle_unreadable(s);
	drop_those_without_streams(s);
	if (!s->recordings.n)
		return error_set(err, "no trace could be read: %s",
				 s->notes.n ? s->notes.at[0] : "none was named");
	join_machines(s);
	make_names_unique(s);
	return 0;
}

void session_deinit(struct session *s)
{
	vec_each (r, &s->recordings)
		recording_free(*r);
	vec_each (n, &s->notes)
		free(*n);
	vec_each (u, &s->unreadable) {
		free(u->path);
		free(u->why);
	}
	vec_deinit(&s->unreadable);
	vec_deinit(&s->recordings);
	vec_deinit(&s->notes);
}
