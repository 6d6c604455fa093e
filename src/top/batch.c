#include "top/batch.h"

#include <inttypes.h>
#include <string.h>

#include "base/csv.h"
#include "base/member.h"
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

/* A cell after the first; empty where the number is not known. */
static void batch_csv_cell(struct out *o, int64_t number, bool known)
{
	out_char(o, ',');
	if (known)
		out_int(o, number);
}

static void batch_csv_text(struct out *o, const char *text)
{
	out_char(o, ',');
	csv_text(o, text, strlen(text));
}

static void batch_csv_split(struct out *o, const struct split *s)
{
	const int64_t parts[] = {s->run,  s->ready,   s->exit,	 s->poll,
				 s->idle, s->blocked, s->unknown};

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		batch_csv_cell(o, parts[i], true);
	for (int i = 0; i < READY_N; i++)
		batch_csv_cell(o, s->of_ready[i], true);
}

static void batch_csv_vcpu(struct out *o, const struct view *v, const struct view_vcpu *c)
{
	const struct view_thief *thief = c->thieves.n ? &c->thieves.at[0] : NULL;

	out_int(o, v->begin);
	batch_csv_cell(o, v->end, true);
	batch_csv_text(o, c->vm);
	batch_csv_cell(o, c->vcpu->index, c->vcpu->index != TABLE_NULL);
	batch_csv_cell(o, c->vcpu->tid, true);
	batch_csv_split(o, &c->split);
	batch_csv_cell(o, (int64_t)c->n_exits, true);
	batch_csv_cell(o, c->wake_p99, c->wake_p99 >= 0);
	batch_csv_cell(o, c->stall, true);
	batch_csv_cell(o, c->cpu, c->cpu >= 0);
	batch_csv_text(o, thief ? thief->label : "");
	batch_csv_cell(o, thief ? thief->ns : 0, thief);
	out_char(o, '\n');
}

static void batch_csv(const struct batch *b, const struct view *v)
{
	struct out o;

	if (!b->began)
		batch_csv_head(b);
	out_init(&o, b->file);
	vec_each (c, &v->vcpus)
		batch_csv_vcpu(&o, v, c);
	out_deinit(&o);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void batch_json_split(struct jsonw *j, const struct split *s)
{
	member_int(j, "run_ns", s->run);
	member_int(j, "ready_ns", s->ready);
	member_int(j, "exit_ns", s->exit);
	member_int(j, "poll_ns", s->poll);
	member_int(j, "idle_ns", s->idle);
	member_int(j, "blocked_ns", s->blocked);
	member_int(j, "unknown_ns", s->unknown);
	member_object(j, "ready");
	for (int i = 0; i < READY_N; i++)
		member_int(j, split_ready_name((enum split_ready)i), s->of_ready[i]);
	jsonw_object_end(j);
}

static void batch_json_vcpu(struct jsonw *j, const struct view_vcpu *c)
{
	jsonw_object_begin(j);
	member_text(j, "vm", c->vm);
	member_known_int(j, "vcpu", c->vcpu->index, c->vcpu->index != TABLE_NULL);
	member_int(j, "tid", c->vcpu->tid);
	member_known_int(j, "cpu", c->cpu, c->cpu >= 0);
	batch_json_split(j, &c->split);
	member_array(j, "thieves");
	vec_each (t, &c->thieves) {
		jsonw_object_begin(j);
		member_text(j, "name", t->label);
		member_text(j, "kind", split_ready_name(t->kind));
		member_int(j, "ns", t->ns);
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
	member_int(j, "exits", (int64_t)c->n_exits);
	member_object(j, "exit_reasons");
	vec_each (e, &c->exits)
		member_int(j, e->name, (int64_t)e->n);
	jsonw_object_end(j);
	member_known_int(j, "wake_p99_ns", c->wake_p99, c->wake_p99 >= 0);
	member_int(j, "stall_ns", c->stall);
	jsonw_object_end(j);
}

static void batch_json_cpu(struct jsonw *j, const struct view_cpu *c)
{
	jsonw_object_begin(j);
	member_int(j, "cpu", c->cpu);
	member_int(j, "vm_ns", c->vm);
	member_int(j, "other_ns", c->other);
	member_int(j, "irq_ns", c->irq);
	member_int(j, "idle_ns", c->idle);
	member_int(j, "unknown_ns", c->unknown);
	member_array(j, "users");
	vec_each (u, &c->users) {
		jsonw_object_begin(j);
		member_text(j, "name", u->label);
		member_int(j, "ns", u->ns);
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
	member_int(&j, "begin_ns", v->begin);
	member_int(&j, "end_ns", v->end);
	member_bool(&j, "total", total);
	member_double(&j, "events_per_second", rate);
	member_int(&j, "lost", (int64_t)l->n_lost);
	member_int(&j, "late", (int64_t)live_late(l));
	member_int(&j, "told_anew", l->n_retold);
	member_int(&j, "contradictions", (int64_t)model_contradictions(l->model));
	member_array(&j, "vcpus");
	vec_each (c, &v->vcpus)
		batch_json_vcpu(&j, c);
	jsonw_array_end(&j);
	member_array(&j, "cpus");
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
