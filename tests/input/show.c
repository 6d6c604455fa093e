#include "show.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- fields ---------------------------------------------------------------------------------- */

struct printer {
	FILE *to;
	bool in_array, is_first;
};

static void on_open(void *ctx, const struct field *f)
{
	struct printer *p = ctx;

	if (f->kind != FIELD_ARRAY)
		return;
	fprintf(p->to, " %s=[", f->name);
	p->in_array = p->is_first = true;
}

static void on_close(void *ctx, const struct field *f)
{
	struct printer *p = ctx;

	if (f->kind == FIELD_ARRAY)
		fputc(']', p->to);
	p->in_array = false;
}

static void on_integer(void *ctx, const struct field *f, uint64_t value)
{
	struct printer *p = ctx;

	if (f->name && !strncmp(f->name, "common_", 7) && strcmp(f->name, "common_pid") != 0)
		return;
	if (p->in_array)
		fputs(p->is_first ? "" : ",", p->to);
	else
		fprintf(p->to, " %s=", f->name);
	fprintf(p->to, f->is_signed ? "%" PRId64 : "%" PRIu64, value);
	p->is_first = false;
}

static void on_bytes(void *ctx, const struct field *f, const uint8_t *at, size_t n)
{
	struct printer *p = ctx;

	fprintf(p->to, " %s='%.*s'", f->name, (int)n, (const char *)at);
}

static const struct field_visitor printer = {
	.open = on_open, .close = on_close, .integer = on_integer, .bytes = on_bytes};

/* ---- streams --------------------------------------------------------------------------------- */

static void print_event(const struct walk *w, FILE *to)
{
	struct printer p = {.to = to};

	fprintf(to, "E %" PRId64 " %s", w->ns, w->recording->events.at[w->event].name);
	for (enum field_scope s = SCOPE_CONTEXT; s < N_SCOPES; s++) {
		if (w->scopes & 1u << s)
			walk_visit(w, s, &printer, &p);
	}
	fputc('\n', to);
}

static void print_stream(const struct recording *r, size_t stream, int64_t from_ns, FILE *to,
			 struct diag_list *diags)
{
	struct walk *w = walk_new(r, stream, from_ns);
	int state;

	while ((state = walk_next(w)) != WALK_END) {
		if (state == WALK_EVENT)
			print_event(w, to);
		else
			fprintf(to, "L %" PRId64 " %" PRId64 " %" PRIu64 "\n", w->ns, w->lost_to_ns,
				w->lost);
	}
	diag_merge(diags, w->diags);
	walk_free(w);
}

char *show_stream(const struct recording *r, size_t stream, int64_t from_ns,
		  struct diag_list *diags)
{
	char *text;
	size_t n;
	FILE *to = open_memstream(&text, &n);

	print_stream(r, stream, from_ns, to, diags);
	fclose(to);
	return text;
}

/* ---- the rest -------------------------------------------------------------------------------- */

static const char *const origins[] = {"unknown", "boot", "epoch"};

static void print_clocks(const struct recording *r, FILE *to)
{
	vec_each (c, &r->clocks)
		fprintf(to, "clock %s %" PRIu64 " %" PRIu64 " %" PRId64 " %s %s\n", c->name,
			c->frequency, c->frequency_error, c->offset_ns, origins[c->origin],
			c->is_tsc ? "tsc" : "-");
}

static int by_name(const void *a, const void *b)
{
	enum diag_id x = *(const enum diag_id *)a, y = *(const enum diag_id *)b;

	return strcmp(diag_kind(x)->name, diag_kind(y)->name);
}

static void print_diags(const struct diag_list *diags, FILE *to)
{
	enum diag_id ids[DIAG_N];

	for (int i = 0; i < DIAG_N; i++)
		ids[i] = (enum diag_id)i;
	qsort(ids, DIAG_N, sizeof(ids[0]), by_name);
	for (int i = 0; i < DIAG_N; i++) {
		if (diags->at[ids[i]].count)
			fprintf(to, "diag %s %" PRIu64 "\n", diag_kind(ids[i])->name,
				diags->at[ids[i]].count);
	}
}

static void print_env(const struct recording *r, FILE *to)
{
	vec_each (e, &r->env) {
		if (strcmp(e->name, "file version") != 0)
			fprintf(to, "env %s %" PRId64 "\n", e->name, e->integer);
	}
}

static void print_version(const struct recording *r, FILE *to)
{
	vec_each (e, &r->env) {
		if (!strcmp(e->name, "file version"))
			fprintf(to, "version %" PRId64 "\n", e->integer);
	}
}

static void print_peers(const struct recording *r, FILE *to)
{
	vec_each (g, &r->guests) {
		fprintf(to, "guest %s 0x%" PRIx64, g->name, g->trace_id);
		for (uint32_t i = 0; i < g->n_cpus; i++)
			fprintf(to, " %" PRId64, g->tids[i]);
		fputc('\n', to);
	}
	if (!r->peer)
		return;
	fprintf(to, "peer 0x%" PRIx64 "\n", r->peer->trace_id);
	for (uint32_t cpu = 0; cpu < r->peer->n_cpus; cpu++) {
		for (uint32_t i = 0; i < r->peer->n_shifts[cpu]; i++) {
			const struct recording_shift *s = &r->peer->shifts[cpu][i];

			fprintf(to, "shift %u %" PRId64 " %" PRId64 " %" PRIu64 " %u\n", cpu,
				s->time, s->offset, s->scaling, s->fraction);
		}
	}
}

static void print_machine(const struct recording *r, FILE *to)
{
	if (strcmp(r->tracer, "trace-cmd") != 0)
		fprintf(to, "tracer %s\n", r->tracer);
	if (r->hostname)
		fprintf(to, "machine %s %s %s\n", r->system, r->hostname, r->kernel);
	if (r->trace_id)
		fprintf(to, "trace id 0x%" PRIx64 "\n", r->trace_id);
	print_peers(r, to);
	print_env(r, to);
	vec_each (t, &r->threads)
		fprintf(to, "thread %" PRId64 " %s\n", t->tid, t->comm);
}

char *show_recording(const struct recording *r)
{
	struct diag_list diags = r->diags;
	char *text, *streams;
	size_t n;
	FILE *to = open_memstream(&streams, &n);

	for (size_t i = 0; i < r->streams.n; i++) {
		const struct recording_stream *s = &r->streams.at[i];

		fprintf(to, "stream cpu %u %s\n", s->cpu, s->channel ? s->channel : "-");
		print_stream(r, i, INT64_MIN, to, &diags);
	}
	fclose(to);
	to = open_memstream(&text, &n);
	print_version(r, to);
	print_clocks(r, to);
	print_diags(&diags, to);
	print_machine(r, to);
	fputs(streams, to);
	free(streams);
	fclose(to);
	return text;
}
