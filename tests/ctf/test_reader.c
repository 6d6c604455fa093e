/*
 * test_reader FILE...|DIRECTORY...: fixtures of the reader.
 *
 * A fixture holds a recording and what is to be read from it in one text file:
 *
 *	what it shows, in a sentence or two
 *	== text PATH		the lines that follow are the file PATH (a metadata file)
 *	== hex PATH		they are its bytes (a stream file), see add_token(); # begins a
 *comment
 *	== copy PATH FROM	PATH is a copy of FROM, given before
 *	== expect		they are what is read, see dump_session()
 *
 * `--print` prints what is read instead of comparing it.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "input/ctf/cursor.h"
#include "input/ctf/recording.h"
#include "input/session.h"

enum { LINE_MAX_ = 4096 };

struct file {
	char path[256];
	char *data;
	size_t n, cap;
};

struct fixture {
	VEC(struct file) files;
};

static void add_bytes(struct file *f, const void *data, size_t n)
{
	if (f->n + n > f->cap) {
		f->cap = 2 * (f->n + n);
		f->data = mem_realloc(f->data, f->cap);
	}
	memcpy(f->data + f->n, data, n);
	f->n += n;
}

static void add_number(struct file *f, uint64_t value, unsigned bytes, bool big_endian)
{
	for (unsigned i = 0; i < bytes; i++) {
		unsigned at = big_endian ? bytes - 1 - i : i;
		uint8_t byte = (uint8_t)(value >> (8 * at));

		add_bytes(f, &byte, 1);
	}
}

static void bad(const char *what, const char *where)
{
	fprintf(stderr, "bad fixture: %s: '%s'\n", what, where);
	exit(EXIT_FAILURE);
}

/*
 * c1		a byte
 * u32:7	a number of 8, 16, 32 or 64 bits, little-endian; U32:7 big-endian
 * c:1:100	LTTng's compact event header: 5 bits of id, 27 bits of time
 * zero:9	so many zero bytes
 * 'text'	its characters, without a NUL
 */
static void add_token(struct file *f, const char *token)
{
	unsigned size, id;
	uint64_t value;
	char order, end;

	if (sscanf(token, "%c%u:%" SCNi64 "%c", &order, &size, (int64_t *)&value, &end) == 3 &&
	    (order == 'u' || order == 'U'))
		add_number(f, value, size / 8, order == 'U');
	else if (sscanf(token, "c:%u:%" SCNi64 "%c", &id, (int64_t *)&value, &end) == 2)
		add_number(f, (value << 5 | id) & UINT32_MAX, 4, false);
	else if (sscanf(token, "zero:%u%c", &size, &end) == 1)
		for (unsigned i = 0; i < size; i++)
			add_number(f, 0, 1, false);
	else if (token[0] == '\'' && strlen(token) > 1 && token[strlen(token) - 1] == '\'')
		add_bytes(f, token + 1, strlen(token) - 2);
	else if (strlen(token) == 2 && sscanf(token, "%x%c", &size, &end) == 1)
		add_number(f, size, 1, false);
	else
		bad("no such bytes", token);
}

static void add_hex(struct file *f, char *line)
{
	char *save;

	line[strcspn(line, "#")] = '\0';
	for (char *t = strtok_r(line, " \t\n", &save); t; t = strtok_r(NULL, " \t\n", &save))
		add_token(f, t);
}

static void begin_section(struct fixture *x, const char *line, char *kindp)
{
	char path[256], from[256];
	struct file f = {0};

	if (!strncmp(line, "== expect", 9)) {
		*kindp = 'e';
		snprintf(f.path, sizeof(f.path), "%s", "");
	} else if (sscanf(line, "== text %255s", f.path) == 1) {
		*kindp = 't';
	} else if (sscanf(line, "== hex %255s", f.path) == 1) {
		*kindp = 'h';
	} else if (sscanf(line, "== copy %255s %255s", path, from) == 2) {
		*kindp = 'c';
		snprintf(f.path, sizeof(f.path), "%s", path);
		vec_each (other, &x->files) {
			if (!strcmp(other->path, from))
				add_bytes(&f, other->data, other->n);
		}
	} else {
		bad("no such section", line);
	}
	*vec_push(&x->files) = f;
}

static void load(struct fixture *x, const char *path)
{
	FILE *in = fopen(path, "r");
	char line[LINE_MAX_];
	char kind = 0;

	if (!in)
		bad("cannot open", path);
	while (fgets(line, sizeof(line), in)) {
		if (!strncmp(line, "== ", 3)) {
			begin_section(x, line, &kind);
			continue;
		}
		struct file *f = x->files.n ? &x->files.at[x->files.n - 1] : NULL;

		if (kind == 'h')
			add_hex(f, line);
		else if (kind == 't' || kind == 'e')
			add_bytes(f, line, strlen(line));
	}
	fclose(in);
}

static void make_parents(char *path)
{
	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		mkdir(path, 0777);
		*p = '/';
	}
}

static void write_files(const struct fixture *x, const char *dir)
{
	vec_each (f, &x->files) {
		char *path = mem_printf("%s/%s", dir, f->path);

		if (f->path[0]) {
			make_parents(path);
			FILE *out = fopen(path, "w");

			if (!out || (f->n && fwrite(f->data, f->n, 1, out) != 1) || fclose(out))
				bad("cannot write", path);
		}
		free(path);
	}
}

static void remove_tree(const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, NULL, NULL);

	for (int i = 0; i < n; i++) {
		char *inner = mem_printf("%s/%s", path, entries[i]->d_name);

		if (strcmp(entries[i]->d_name, ".") && strcmp(entries[i]->d_name, "..") &&
		    unlink(inner))
			remove_tree(inner);
		free(inner);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	rmdir(path);
}

/* ---- what is read --------------------------------------------------------------------------- */

static void print_name(FILE *out, const char *name)
{
	if (name)
		fprintf(out, " %s=", name);
	else
		fputc(' ', out);
}

static void print_open(void *ctx, const struct ctf_fc *fc, const char *name, uint64_t n)
{
	(void)n;
	print_name(ctx, name);
	fputs(fc->kind == CTF_STRUCT ? "{" : "[", ctx);
}

static void print_close(void *ctx, const struct ctf_fc *fc)
{
	fputs(fc->kind == CTF_STRUCT ? " }" : " ]", ctx);
}

static void print_integer(void *ctx, const struct ctf_fc *fc, const char *name, uint64_t value)
{
	const char *label = fc->is_enum ? ctf_label_of(fc, value) : NULL;

	print_name(ctx, name);
	if (label)
		fprintf(ctx, "%s:", label);
	fprintf(ctx, fc->is_signed ? "%" PRId64 : "%" PRIu64, value);
}

static void print_real(void *ctx, const struct ctf_fc *fc, const char *name, double value)
{
	(void)fc;
	print_name(ctx, name);
	fprintf(ctx, "%g", value);
}

static void print_bytes(void *ctx, const struct ctf_fc *fc, const char *name, const uint8_t *at,
			size_t n)
{
	print_name(ctx, name);
	fputc(fc->content == CTF_CONTENT_BLOB ? '<' : '"', ctx);
	for (size_t i = 0; i < n; i++)
		fprintf(ctx, fc->content == CTF_CONTENT_BLOB ? "%02x" : "%c", at[i]);
	fputc(fc->content == CTF_CONTENT_BLOB ? '>' : '"', ctx);
}

static const struct ctf_visitor printer = {.open = print_open,
					   .close = print_close,
					   .integer = print_integer,
					   .real = print_real,
					   .bytes = print_bytes};

static void dump_event(FILE *out, const struct ctf_cursor *c)
{
	fprintf(out, "event %" PRId64 " %s", c->ns, c->cls->name);
	for (enum ctf_scope s = CTF_EVENT_COMMON_CONTEXT; s <= CTF_EVENT_PAYLOAD; s++)
		ctf_cursor_visit(c, s, &printer, out);
	fputc('\n', out);
}

static void dump_lost(FILE *out, const struct ctf_cursor *c)
{
	fprintf(out, "lost %" PRId64 " to ", c->ns);
	if (c->lost_to_ns == INT64_MAX)
		fputs("the end", out);
	else
		fprintf(out, "%" PRId64, c->lost_to_ns);
	fprintf(out, ", %" PRIu64 " events\n", c->lost);
}

/*
 * Reads the stream once more, with nothing wanted: events are stepped over then, which must find as
 * many of them and the same faults.
 */
static void check_stepping(FILE *out, const struct ctf_cursor *full, const struct ctf_plan *plan)
{
	struct ctf_cursor c;

	ctf_cursor_init(&c, full->trace, full->stream, plan, false, INT64_MIN);
	while (ctf_cursor_next(&c, NULL) != CTF_CURSOR_END)
		;
	if (c.n_events != full->n_events || c.last_clock != full->last_clock ||
	    memcmp(&c.diags, &full->diags, sizeof(c.diags)) != 0)
		fputs("stepping over events differs from reading them\n", out);
	ctf_cursor_deinit(&c);
}

static void dump_stream(FILE *out, const struct ctf_trace *t, const struct ctf_stream *s,
			const struct ctf_plan *plan, struct diag_list *diags)
{
	struct ctf_cursor c;
	int r;

	fprintf(out, "stream class %" PRIu64 " id %" PRIu64, s->cls->id, s->id);
	if (s->has_cpu)
		fprintf(out, " cpu %" PRIu32, s->cpu);
	fputc('\n', out);
	ctf_cursor_init(&c, t, s, plan, true, INT64_MIN);
	while ((r = ctf_cursor_next(&c, NULL)) != CTF_CURSOR_END) {
		if (r == CTF_CURSOR_EVENT)
			dump_event(out, &c);
		else
			dump_lost(out, &c);
	}
	diag_merge(diags, &c.diags);
	check_stepping(out, &c, plan);
	ctf_cursor_deinit(&c);
}

static void dump_diags(FILE *out, const struct diag_list *diags)
{
	for (int i = 0; i < DIAG_N; i++) {
		const struct diag *d = &diags->at[i];

		if (!d->count)
			continue;
		fprintf(out, "diag %s %" PRIu64, diag_kind((enum diag_id)i)->name, d->count);
		if (d->file)
			fprintf(out, " first in packet %" PRIu64 " bit %" PRIu64, d->packet,
				d->bit);
		fputc('\n', out);
	}
}

static void dump_session(FILE *out, char *dir)
{
	struct session s;
	struct error err = {0};
	struct diag_list diags = {0};

	if (session_open(&s, &dir, 1, NULL, &err))
		fputs("cannot be opened\n", out);
	vec_each (tp, &s.recordings) {
		const struct ctf_trace *t = ((const struct ctf_recording *)*tp)->trace;
		struct ctf_plan *plan = ctf_plan_new(&t->type, NULL, NULL);

		if (s.recordings.n > 1)
			fprintf(out, "trace %s\n", (*tp)->name);
		diag_merge(&diags, &t->diags);
		vec_each (stream, &t->streams)
			dump_stream(out, t, stream, plan, &diags);
		ctf_plan_free(plan);
	}
	diag_merge(&diags, &s.diags);
	dump_diags(out, &diags);
	error_deinit(&err);
	session_deinit(&s);
}

static char *read_fixture(const struct fixture *x)
{
	char dir[] = "/tmp/vmscope-reader-XXXXXX";
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	if (!out || !mkdtemp(dir))
		bad("no temporary directory", dir);
	write_files(x, dir);
	dump_session(out, dir);
	fclose(out);
	remove_tree(dir);
	return text;
}

static bool is_expected(const struct fixture *x, const char *text)
{
	const struct file *last = x->files.n ? &x->files.at[x->files.n - 1] : NULL;

	return last && !last->path[0] && last->n == strlen(text) &&
	       (!last->n || !memcmp(last->data, text, last->n));
}

/* Return: whether it reads as expected. */
static bool run(const char *path, bool print)
{
	struct fixture x = {0};

	load(&x, path);
	char *text = read_fixture(&x);
	bool good = is_expected(&x, text);

	if (print)
		fputs(text, stdout);
	else if (!good)
		fprintf(stderr, "%s: what was read:\n%s", path, text);
	free(text);
	vec_each (f, &x.files)
		free(f->data);
	vec_deinit(&x.files);
	return good || print;
}

int main(int argc, char **argv)
{
	bool print = argc > 1 && !strcmp(argv[1], "--print");
	bool all_good = true;
	int n = 0;

	for (int i = 1 + print; i < argc; i++) {
		struct dirent **entries = NULL;
		int found = scandir(argv[i], &entries, NULL, versionsort);

		if (found < 0)
			all_good &= run(argv[i], print);
		for (int j = 0; j < found; j++) {
			char *path = mem_printf("%s/%s", argv[i], entries[j]->d_name);

			if (entries[j]->d_name[0] != '.') {
				bool good = run(path, print);

				printf("%s %d - %s\n", good ? "ok" : "not ok", ++n,
				       entries[j]->d_name);
				all_good &= good;
			}
			free(path);
			free(entries[j]);
		}
		free(entries);
	}
	if (n)
		printf("1..%d\n", n);
	return all_good ? EXIT_SUCCESS : EXIT_FAILURE;
}
