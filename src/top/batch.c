#include "top/batch.h"

#include <inttypes.h>

#include "base/json.h"
#include "schema/table.h"
#include "top/columns.h"

enum { BATCH_WIDTH = 132 };

/* ---- text ------------------------------------------------------------------------------------ */

static void batch_text(const struct batch *b, const struct view *v, const struct live *l,
		       double rate)
{
	unsigned columns = columns_choose(BATCH_WIDTH);
	char text[COLUMNS_TEXT];

	columns_title(text, BATCH_WIDTH, v, l, rate);
	fprintf(b->file, "%s%.3f s: %s\n", b->began ? "\n" : "", (double)v->begin / 1e9, text);
	columns_head(text, columns, BATCH_WIDTH);
	fprintf(b->file, "%s\n", text);
	for (size_t i = 0; i < v->vcpus.n;) {
		struct split sum;
		size_t next = view_add_vm(v, i, &sum);

		columns_row(text, columns, BATCH_WIDTH, v, &v->vcpus.at[i], &sum);
		if (next > i + 1)
			fprintf(b->file, "%s\n", text);
		for (; i < next; i++) {
			columns_row(text, columns, BATCH_WIDTH, v, &v->vcpus.at[i], NULL);
			fprintf(b->file, "%s\n", text);
		}
	}
	vec_each (c, &v->cpus) {
		columns_cpu(text, BATCH_WIDTH, c);
		fprintf(b->file, "%s\n", text);
	}
}

/* ---- CSV ------------------------------------------------------------------------------------- */

static void batch_csv_head(const struct batch *b)
{
	fputs("begin_ns,end_ns,vm,vcpu,tid,run_ns,ready_ns,exit_ns,poll_ns,idle_ns,blocked_ns,"
	      "unknown_ns",
	      b->file);
	for (int i = 0; i < READY_N; i++)
		fprintf(b->file, ",ready_%s_ns", split_ready_name((enum split_ready)i));
	fputs(",exits,wake_p99_ns,stall_ns,cpu,thief,thief_ns\n", b->file);
}

static void batch_csv_text(FILE *f, const char *text)
{
	fputc('"', f);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', f);
		fputc(*text, f);
	}
	fputc('"', f);
}

static void batch_csv_vcpu(const struct batch *b, const struct view *v, const struct view_vcpu *c)
{
	const struct split *s = &c->split;

	fprintf(b->file, "%" PRId64 ",%" PRId64 ",", v->begin, v->end);
	batch_csv_text(b->file, c->vm);
	fputc(',', b->file);
	if (c->vcpu->index != TABLE_NULL)
		fprintf(b->file, "%" PRId64, c->vcpu->index);
	fprintf(b->file,
		",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64
		",%" PRId64,
		c->vcpu->tid, s->run, s->ready, s->exit, s->poll, s->idle, s->blocked, s->unknown);
	for (int i = 0; i < READY_N; i++)
		fprintf(b->file, ",%" PRId64, s->of_ready[i]);
	fprintf(b->file, ",%" PRIu64 ",", c->n_exits);
	if (c->wake_p99 >= 0)
		fprintf(b->file, "%" PRId64, c->wake_p99);
	fprintf(b->file, ",%" PRId64 ",", c->stall);
	if (c->cpu >= 0)
		fprintf(b->file, "%d", c->cpu);
	fputc(',', b->file);
	if (c->thieves.n) {
		batch_csv_text(b->file, c->thieves.at[0].label);
		fprintf(b->file, ",%" PRId64, c->thieves.at[0].ns);
	} else {
		fputc(',', b->file);
	}
	fputc('\n', b->file);
}

static void batch_csv(const struct batch *b, const struct view *v)
{
	if (!b->began)
		batch_csv_head(b);
	vec_each (c, &v->vcpus)
		batch_csv_vcpu(b, v, c);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void batch_json_ns(struct jsonw *j, const char *key, int64_t ns)
{
	jsonw_key(j, key);
	jsonw_int(j, ns);
}

static void batch_json_known(struct jsonw *j, const char *key, int64_t value, bool known)
{
	jsonw_key(j, key);
	if (known)
		jsonw_int(j, value);
	else
		jsonw_null(j);
}

static void batch_json_split(struct jsonw *j, const struct split *s)
{
	batch_json_ns(j, "run_ns", s->run);
	batch_json_ns(j, "ready_ns", s->ready);
	batch_json_ns(j, "exit_ns", s->exit);
	batch_json_ns(j, "poll_ns", s->poll);
	batch_json_ns(j, "idle_ns", s->idle);
	batch_json_ns(j, "blocked_ns", s->blocked);
	batch_json_ns(j, "unknown_ns", s->unknown);
	jsonw_key(j, "ready");
	jsonw_object_begin(j);
	for (int i = 0; i < READY_N; i++)
		batch_json_ns(j, split_ready_name((enum split_ready)i), s->of_ready[i]);
	jsonw_object_end(j);
}

static void batch_json_vcpu(struct jsonw *j, const struct view_vcpu *c)
{
	jsonw_object_begin(j);
	jsonw_key(j, "vm");
	jsonw_string(j, c->vm);
	batch_json_known(j, "vcpu", c->vcpu->index, c->vcpu->index != TABLE_NULL);
	batch_json_ns(j, "tid", c->vcpu->tid);
	batch_json_known(j, "cpu", c->cpu, c->cpu >= 0);
	batch_json_split(j, &c->split);
	jsonw_key(j, "thieves");
	jsonw_array_begin(j);
	vec_each (t, &c->thieves) {
		jsonw_object_begin(j);
		jsonw_key(j, "name");
		jsonw_string(j, t->label);
		jsonw_key(j, "kind");
		jsonw_string(j, split_ready_name(t->kind));
		batch_json_ns(j, "ns", t->ns);
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
	batch_json_ns(j, "exits", (int64_t)c->n_exits);
	jsonw_key(j, "exit_reasons");
	jsonw_object_begin(j);
	vec_each (e, &c->exits)
		batch_json_ns(j, e->name, (int64_t)e->n);
	jsonw_object_end(j);
	batch_json_known(j, "wake_p99_ns", c->wake_p99, c->wake_p99 >= 0);
	batch_json_ns(j, "stall_ns", c->stall);
	jsonw_object_end(j);
}

static void batch_json_cpu(struct jsonw *j, const struct view_cpu *c)
{
	jsonw_object_begin(j);
	batch_json_ns(j, "cpu", c->cpu);
	batch_json_ns(j, "vm_ns", c->vm);
	batch_json_ns(j, "other_ns", c->other);
	batch_json_ns(j, "irq_ns", c->irq);
	batch_json_ns(j, "idle_ns", c->idle);
	batch_json_ns(j, "unknown_ns", c->unknown);
	jsonw_key(j, "users");
	jsonw_array_begin(j);
	vec_each (u, &c->users) {
		jsonw_object_begin(j);
		jsonw_key(j, "name");
		jsonw_string(j, u->label);
		batch_json_ns(j, "ns", u->ns);
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
	jsonw_object_end(j);
}

static void batch_json(const struct batch *b, const struct view *v, const struct live *l,
		       double rate, bool total)
{
	struct jsonw j;

	jsonw_init(&j, b->file);
	jsonw_object_begin(&j);
	batch_json_ns(&j, "begin_ns", v->begin);
	batch_json_ns(&j, "end_ns", v->end);
	jsonw_key(&j, "total");
	jsonw_bool(&j, total);
	jsonw_key(&j, "events_per_second");
	jsonw_double(&j, rate);
	batch_json_ns(&j, "lost", (int64_t)l->n_lost);
	batch_json_ns(&j, "late", (int64_t)live_late(l));
	batch_json_ns(&j, "told_anew", l->n_retold);
	batch_json_ns(&j, "contradictions", (int64_t)model_contradictions(l->model));
	jsonw_key(&j, "vcpus");
	jsonw_array_begin(&j);
	vec_each (c, &v->vcpus)
		batch_json_vcpu(&j, c);
	jsonw_array_end(&j);
	jsonw_key(&j, "cpus");
	jsonw_array_begin(&j);
	vec_each (c, &v->cpus)
		batch_json_cpu(&j, c);
	jsonw_array_end(&j);
	jsonw_object_end(&j);
	jsonw_newline(&j);
	jsonw_deinit(&j);
}

void batch_print(struct batch *b, const struct view *v, const struct live *l, double rate,
		 bool total)
{
	if (b->format == BATCH_TEXT)
		batch_text(b, v, l, rate);
	else if (b->format == BATCH_CSV)
		batch_csv(b, v);
	else
		batch_json(b, v, l, rate, total);
	b->began = true;
	fflush(b->file);
}
