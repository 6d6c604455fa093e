#include "server/raw.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/out.h"
#include "input/session.h"
#include "server/raw_clock.h"
#include "store/cursor.h"

enum { MAX_STRETCHES = 1 << 20, SLACK_NS = 1000000 };

struct raw_stream {
	const struct ds_machine *machine;
	const struct recording *recording;
	size_t number; /* in the recording */
	struct clock_map clock;
	struct walk *walk; /* owned; NULL: not begun */
	int state;	   /* enum walk_state */
	int64_t time;	   /* of what it stands at */
};

struct raw {
	const struct dataset *data;
	VEC(struct session *) sessions; /* owned */
	VEC(struct raw_stream) streams;
	struct raw_stream *now;
	int64_t from;
};

/* ---- clocks ---------------------------------------------------------------------------------- */

static int64_t raw_time(const struct raw_stream *s, int64_t own)
{
	return s->clock.n_pieces ? clock_map_apply(&s->clock, own) : own;
}

/* Return: a time of a stream's own that is not after `time`. */
static int64_t raw_own_before(const struct raw_stream *s, int64_t time)
{
	int64_t own = s->clock.n_pieces ? clock_map_invert(&s->clock, time) : time;

	return own < INT64_MIN + SLACK_NS ? INT64_MIN : own - SLACK_NS;
}

/* ---- opening --------------------------------------------------------------------------------- */

static const char *raw_last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Whether a recording is the one that a machine's rows were made of. */
static bool raw_is_of(const struct recording *r, const struct ds_machine *m)
{
	if (!strcmp(r->path, m->trace_path) || !strcmp(r->name, m->name))
		return true;
	return !strcmp(raw_last_part(r->path), raw_last_part(m->trace_path)) &&
	       strcmp(raw_last_part(r->path), "kernel") != 0;
}

static int raw_add_streams(struct raw *r, const struct ds_machine *m, const struct recording *rec,
			   struct error *err)
{
	struct raw_clock clock;
	int status = raw_clock_init(&clock, r->data->store, m->id, err);

	for (size_t i = 0; !status && i < rec->streams.n; i++)
		*vec_push(&r->streams) =
			(struct raw_stream){.machine = m,
					    .recording = rec,
					    .number = i,
					    .clock = raw_clock_map(&clock, &rec->streams.at[i])};
	raw_clock_deinit(&clock);
	return status;
}

static int raw_say_gone(const struct ds_machine *m, struct error *err)
{
	error_set(err, "the recording of %s was at '%s', and is not in a directory that is served",
		  m->name, m->trace_path);
	return RAW_GONE;
}

/* Opens a path that was resolved. Return: the session, or NULL with err set. */
static struct session *raw_open(struct raw *r, char *real, struct error *err)
{
	struct session *s = mem_zalloc(1, sizeof(*s));

	if (session_open(s, (char *[]){real}, 1, NULL, err)) {
		session_deinit(s);
		free(s);
		return NULL;
	}
	*vec_push(&r->sessions) = s;
	return s;
}

/* Takes a machine's recording from a session, if it is there. Return: 0, RAW_GONE or ERR. */
static int raw_take(struct raw *r, const struct session *s, const struct ds_machine *m,
		    struct error *err)
{
	vec_each (rec, &s->recordings) {
		if (raw_is_of(*rec, m))
			return raw_add_streams(r, m, *rec, err);
	}
	return raw_say_gone(m, err);
}

static int raw_open_one(struct raw *r, const struct roots *roots, const struct ds_machine *m,
			struct error *err)
{
	char *real = NULL;
	enum root_answer answer = roots_resolve(roots, m->trace_path, &real);
	int status = RAW_GONE;

	if (answer == ROOT_RECORDING) {
		const struct session *s = raw_open(r, real, err);

		status = s ? raw_take(r, s, m, err) : ERR;
	} else {
		raw_say_gone(m, err);
	}
	free(real);
	return status;
}

/* All machines' recordings from one place. */
static int raw_open_all(struct raw *r, const struct roots *roots, const char *path,
			struct error *err)
{
	char *real = NULL;

	if (roots_resolve(roots, path, &real) != ROOT_RECORDING) {
		free(real);
		error_set(err, "'%s' is no recording in a directory that is served", path);
		return RAW_GONE;
	}
	const struct session *s = raw_open(r, real, err);
	int status = s ? 0 : ERR;

	free(real);
	vec_each (m, &r->data->machines) {
		if (!status && m->trace_path)
			status = raw_take(r, s, m, err);
	}
	return status;
}

int raw_new(struct raw **rp, const struct dataset *d, const struct roots *roots, const char *path,
	    struct error *err)
{
	struct raw *r = mem_zalloc(1, sizeof(*r));
	int status = 0;

	r->data = d;
	if (path)
		status = raw_open_all(r, roots, path, err);
	vec_each (m, &d->machines) {
		if (!status && !path && m->trace_path)
			status = raw_open_one(r, roots, m, err);
	}
	if (!status && !r->streams.n) {
		error_set(err, "the results do not say what recording they are of");
		status = RAW_GONE;
	}
	if (status)
		raw_free(r);
	else
		*rp = r;
	return status;
}

void raw_free(struct raw *r)
{
	if (!r)
		return;
	vec_each (s, &r->streams) {
		walk_free(s->walk);
		clock_map_deinit(&s->clock);
	}
	vec_each (s, &r->sessions) {
		session_deinit(*s);
		free(*s);
	}
	vec_deinit(&r->streams);
	vec_deinit(&r->sessions);
	free(r);
}

/* ---- walking --------------------------------------------------------------------------------- */

static void raw_advance(const struct raw *r, struct raw_stream *s)
{
	do {
		s->state = walk_next(s->walk);
		s->time = raw_time(s, s->walk->ns);
	} while (s->state != WALK_END && s->time < r->from);
}

void raw_seek(struct raw *r, int64_t from)
{
	r->from = from;
	r->now = NULL;
	vec_each (s, &r->streams) {
		walk_free(s->walk);
		s->walk = walk_new(s->recording, s->number, raw_own_before(s, from));
		raw_advance(r, s);
	}
}

bool raw_next(struct raw *r, struct raw_event *e)
{
	struct raw_stream *best = NULL;

	if (r->now)
		raw_advance(r, r->now);
	vec_each (s, &r->streams) {
		if (s->walk && s->state != WALK_END && (!best || s->time < best->time))
			best = s;
	}
	r->now = best;
	if (!best)
		return false;
	const struct walk *w = best->walk;

	*e = (struct raw_event){
		.time = best->time,
		.machine = best->machine,
		.cpu = w->has_cpu ? (int64_t)w->cpu : -1,
		.name = best->state == WALK_LOST ? "lost"
						 : best->recording->events.at[w->event].name,
	};
	return true;
}

/* ---- fields ---------------------------------------------------------------------------------- */

struct raw_text {
	struct out out;
	int depth;
	bool any; /* something stands before, which needs a comma */
};

static void raw_begin(struct raw_text *t, const struct field *f)
{
	if (t->any)
		out_str(&t->out, t->depth > 1 ? "," : ", ");
	t->any = true;
	if (f->name && *f->name) {
		out_str(&t->out, f->name);
		out_char(&t->out, '=');
	}
}

static void raw_on_open(void *ctx, const struct field *f)
{
	struct raw_text *t = ctx;

	if (t->depth++ == 0 || f->kind == FIELD_CHOICE)
		return;
	raw_begin(t, f);
	out_char(&t->out, f->kind == FIELD_ARRAY ? '[' : '{');
	t->any = false;
}

static void raw_on_close(void *ctx, const struct field *f)
{
	struct raw_text *t = ctx;

	if (--t->depth == 0 || f->kind == FIELD_CHOICE)
		return;
	out_char(&t->out, f->kind == FIELD_ARRAY ? ']' : '}');
	t->any = true;
}

static const char *raw_label(const struct field *f, uint64_t value)
{
	for (uint32_t i = 0; i < f->n_labels; i++) {
		if (field_label_fits(f, &f->labels[i], value))
			return f->labels[i].name;
	}
	return NULL;
}

static void raw_write_hex(struct out *o, uint64_t value)
{
	out_str(o, "0x");
	out_based(o, value, 16);
}

static void raw_on_integer(void *ctx, const struct field *f, uint64_t value)
{
	const char *label = f->is_enum ? raw_label(f, value) : NULL;
	struct raw_text *t = ctx;

	raw_begin(t, f);
	if (label)
		out_str(&t->out, label);
	else if (f->base == 16 && f->size && f->size < 64)
		raw_write_hex(&t->out, value & ((1ULL << f->size) - 1));
	else if (f->base == 16)
		raw_write_hex(&t->out, value);
	else if (f->is_signed)
		out_int(&t->out, (int64_t)value);
	else
		out_uint(&t->out, value);
}

static void raw_on_real(void *ctx, const struct field *f, double value)
{
	struct raw_text *t = ctx;

	raw_begin(t, f);
	out_double(&t->out, value);
}

static void raw_on_bytes(void *ctx, const struct field *f, const uint8_t *at, size_t n)
{
	struct raw_text *t = ctx;

	raw_begin(t, f);
	for (size_t i = 0; i < n; i++) {
		if (f->kind == FIELD_TEXT && at[i] >= ' ' && at[i] != 0x7f) {
			out_char(&t->out, (char)at[i]);
		} else if (f->kind != FIELD_TEXT || f->code_unit <= 1 || at[i]) {
			out_char(&t->out, "0123456789abcdef"[at[i] >> 4]);
			out_char(&t->out, "0123456789abcdef"[at[i] & 15]);
		}
	}
}

static const struct field_visitor raw_visitor = {.open = raw_on_open,
						 .close = raw_on_close,
						 .integer = raw_on_integer,
						 .real = raw_on_real,
						 .bytes = raw_on_bytes};

static void raw_write_loss(struct raw_text *t, const struct walk *w)
{
	if (w->lost)
		out_uint(&t->out, w->lost);
	else
		out_str(&t->out, "an unknown number of");
	out_str(&t->out, " events");
}

char *raw_fields(const struct raw *r)
{
	const struct raw_stream *s = r->now;
	char *text = NULL;
	size_t size;
	FILE *f = mem_given(open_memstream(&text, &size));
	struct raw_text t = {0};

	out_init(&t.out, f);
	if (s->state == WALK_LOST)
		raw_write_loss(&t, s->walk);
	for (int scope = SCOPE_CONTEXT; s->state == WALK_EVENT && scope < N_SCOPES; scope++) {
		t.depth = 0;
		if (s->walk->scopes & 1U << scope)
			walk_visit(s->walk, (enum field_scope)scope, &raw_visitor, &t);
	}
	out_deinit(&t.out);
	fclose(f);
	return text;
}

/* ---- of a row -------------------------------------------------------------------------------- */

/* On this CPU of this machine, from one time to another, both included. */
struct raw_stretch {
	int64_t machine, cpu, from, to;
};

struct raw_filter {
	int64_t machine, cpu;		   /* all of a machine, or of its CPU; -1: none, or any */
	VEC(struct raw_stretch) stretches; /* by time, and none within another */
};

static bool raw_runs(enum table_id table, int64_t state)
{
	const struct table *t = table_get(table);
	const struct state_labels *labels = t->columns[t->state].labels;

	return state >= 0 && state < labels->n && labels->at[state].sets & STATE_RAN;
}

static int raw_read_stretches(struct raw_filter *f, const struct dataset *d, enum table_id table,
			      size_t lane, int64_t machine, int64_t from, int64_t to,
			      struct error *err)
{
	int cpu = table == TABLE_VCPU_STATE ? COL_VCPU_STATE_PCPU : COL_THREAD_STATE_CPU;
	struct store_query q = store_query_all(d->store, table);
	const struct table *t = table_get(table);
	struct store_cursor c;
	int r;

	q.lane = lane;
	q.lanes_end = lane + 1;
	q.from = from;
	q.to = to < INT64_MAX ? to + 1 : to;
	store_cursor_init(&c, d->store, &q);
	while ((r = store_cursor_next(&c, err)) == CURSOR_ROW && f->stretches.n < MAX_STRETCHES) {
		int64_t at = store_cursor_get(&c, cpu), begin = store_cursor_get(&c, t->ts);

		if (at != TABLE_NULL && raw_runs(table, store_cursor_get(&c, t->state)))
			*vec_push(&f->stretches) = (struct raw_stretch){
				machine, at, begin,
				format_add(begin, (uint64_t)store_cursor_get(&c, t->dur))};
	}
	store_cursor_deinit(&c);
	return r < 0 ? r : 0;
}

static int raw_filter_fill(struct raw_filter *f, const struct dataset *d, int32_t row, int64_t from,
			   int64_t to, struct error *err)
{
	const struct ds_thread *t;
	const struct ds_vcpu *v;

	switch (row_kind(row)) {
	case ROW_MACHINE:
		f->machine = row_index(row);
		return 0;
	case ROW_CPU:
		if ((size_t)row_index(row) < d->cpus.n) {
			f->machine = d->cpus.at[row_index(row)].machine;
			f->cpu = d->cpus.at[row_index(row)].cpu;
		}
		return 0;
	case ROW_VCPU:
		v = dataset_vcpu(d, row_index(row));
		if (!v || v->lane < 0)
			return 0;
		if (v->index != TABLE_NULL) {
			f->machine = v->machine;
			f->cpu = v->index;
		}
		return raw_read_stretches(f, d, TABLE_VCPU_STATE, (size_t)v->lane, v->host, from,
					  to, err);
	case ROW_THREAD:
		t = dataset_thread(d, row_index(row));
		if (!t || t->lane < 0)
			return 0;
		return raw_read_stretches(f, d, TABLE_THREAD_STATE, (size_t)t->lane, t->machine,
					  from, to, err);
	default:
		return 0;
	}
}

int raw_filter_new(struct raw_filter **fp, const struct dataset *d, int32_t row, int64_t from,
		   int64_t to, struct error *err)
{
	struct raw_filter *f = mem_zalloc(1, sizeof(*f));

	f->machine = f->cpu = -1;
	if (raw_filter_fill(f, d, row, from, to, err)) {
		raw_filter_free(f);
		return ERR;
	}
	*fp = f;
	return 0;
}

void raw_filter_free(struct raw_filter *f)
{
	if (!f)
		return;
	vec_deinit(&f->stretches);
	free(f);
}

bool raw_filter_has(const struct raw_filter *f, const struct raw_event *e)
{
	if (!f || (f->machine == e->machine->id && (f->cpu < 0 || f->cpu == e->cpu)))
		return true;
	size_t low = 0, high = f->stretches.n;

	/* The first that does not end before it; it and the next can both hold their edge. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (f->stretches.at[middle].to < e->time)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < f->stretches.n && f->stretches.at[low].from <= e->time; low++) {
		const struct raw_stretch *s = &f->stretches.at[low];

		if (s->machine == e->machine->id && s->cpu == e->cpu)
			return true;
	}
	return false;
}
