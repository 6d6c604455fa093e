#include "server/tree.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/member.h"

/* Parts of an entry that differ. */
struct branch {
	int32_t id, parent;
	bool has_data;
	const char *labels[3];
};

struct forest {
	struct jsonw *json;
	const struct dataset *data;
	enum output_id output;
};

/* Return: what the second label of each entry is, or NULL: they have one. */
static const char *second_header(enum output_id output)
{
	static const char *const second[OUTPUT_N] = {
		[OUTPUT_VCPUS] = "Thread on the host",
		[OUTPUT_THREADS] = "TID",
		[OUTPUT_LATENCY] = "TID",
	};

	return second[output];
}

static bool has_second(const struct forest *f)
{
	return second_header(f->output) != NULL;
}

static void write_entry(const struct forest *f, const struct branch *b)
{
	struct jsonw *j = f->json;
	bool graph = output_get(f->output)->type == OUTPUT_TIME_GRAPH;

	jsonw_object_begin(j);
	member_int(j, "id", b->id);
	member_int(j, "parentId", b->parent);
	member_array(j, "labels");
	for (int i = 0; i < 3 && b->labels[i]; i++)
		jsonw_string(j, b->labels[i]);
	jsonw_array_end(j);
	member_bool(j, "hasData", b->has_data);
	jsonw_key(j, graph ? "start" : "isDefault");
	if (graph) {
		jsonw_int(j, f->data->begin);
		member_int(j, "end", f->data->end);
	} else {
		jsonw_bool(j, row_kind(b->id) == ROW_VCPU || row_kind(b->id) == ROW_ALL);
	}
	jsonw_object_end(j);
}

/* ---- what a machine has --------------------------------------------------------------------- */

static void write_exits_of(const struct forest *f, const struct ds_vcpu *v)
{
	for (size_t i = 0; i < f->data->exits.n; i++) {
		const struct ds_exits *x = &f->data->exits.at[i];

		if (x->vcpu == v->id)
			write_entry(f, &(struct branch){.id = row_id(ROW_EXITS, (int64_t)i),
							.parent = row_id(ROW_VCPU, v->id),
							.has_data = true,
							.labels = {x->name}});
	}
}

static void write_vcpus(const struct forest *f, const struct ds_machine *m)
{
	vec_each (v, &f->data->vcpus) {
		if (v->machine != m->id)
			continue;
		char *name = dataset_vcpu_name(v), *tid = dataset_number_text(v->tid);

		write_entry(f,
			    &(struct branch){.id = row_id(ROW_VCPU, v->id),
					     .parent = row_id(ROW_MACHINE, m->id),
					     .has_data = (f->output == OUTPUT_EXITS ? v->exits
										    : v->lane) >= 0,
					     .labels = {name, has_second(f) ? tid : NULL}});
		free(name);
		free(tid);
		if (f->output == OUTPUT_EXITS)
			write_exits_of(f, v);
	}
}

static void write_cpus(const struct forest *f, const struct ds_machine *m)
{
	char name[48];

	for (size_t i = 0; i < f->data->cpus.n; i++) {
		const struct ds_cpu *c = &f->data->cpus.at[i];

		if (c->machine != m->id)
			continue;
		snprintf(name, sizeof(name), "CPU %" PRId64, c->cpu);
		write_entry(f, &(struct branch){.id = row_id(ROW_CPU, (int64_t)i),
						.parent = row_id(ROW_MACHINE, m->id),
						.has_data = true,
						.labels = {name}});
	}
}

static void write_process(const struct forest *f, const struct ds_process *p)
{
	const struct ds_thread *t = dataset_thread(f->data, p->thread);
	char *pid = dataset_number_text(p->pid);

	write_entry(f, &(struct branch){.id = row_id(ROW_PROCESS, p->thread),
					.parent = dataset_process_parent(f->data, t),
					.labels = {t->comm, pid}});
	free(pid);
}

static void write_thread(const struct forest *f, const struct ds_thread *t)
{
	bool latency = f->output == OUTPUT_LATENCY;
	int32_t machine = row_id(ROW_MACHINE, t->machine);
	bool is_top = t->process == machine;

	if ((latency ? t->wakeups : t->lane) < 0)
		return;
	char *tid = dataset_number_text(t->tid);

	write_entry(f, &(struct branch){.id = row_id(ROW_THREAD, t->id),
					.parent = latency  ? machine
						  : is_top ? dataset_process_parent(f->data, t)
							   : t->process,
					.has_data = true,
					.labels = {t->tid == 0 ? "idle" : t->comm, tid}});
	free(tid);
}

static void write_container(const struct forest *f, const struct ds_container *c)
{
	write_entry(f, &(struct branch){.id = row_id(ROW_CONTAINER, c->id),
					.parent = dataset_container_parent(f->data, c),
					.labels = {c->name, "container"}});
}

static void write_threads(const struct forest *f, const struct ds_machine *m)
{
	if (f->output == OUTPUT_THREADS) {
		vec_each (c, &f->data->containers) {
			if (c->machine == m->id && c->has_threads)
				write_container(f, c);
		}
		vec_each (p, &f->data->processes) {
			if (p->machine == m->id)
				write_process(f, p);
		}
	}
	vec_each (t, &f->data->threads) {
		if (t->machine == m->id)
			write_thread(f, t);
	}
}

/* ---- machines ------------------------------------------------------------------------------- */

static bool has_vcpus(const struct dataset *d, const struct ds_machine *m)
{
	vec_each (v, &d->vcpus) {
		if (v->machine == m->id)
			return true;
	}
	return false;
}

static bool has_threads(const struct dataset *d, const struct ds_machine *m, bool wakeups)
{
	vec_each (t, &d->threads) {
		if (t->machine == m->id && (wakeups ? t->wakeups : t->lane) >= 0)
			return true;
	}
	return false;
}

static bool is_shown(const struct forest *f, const struct ds_machine *m)
{
	switch (f->output) {
	case OUTPUT_CPUS:
		return m->parent < 0;
	case OUTPUT_THREADS:
	case OUTPUT_LATENCY:
		return has_threads(f->data, m, f->output == OUTPUT_LATENCY);
	default:
		return has_vcpus(f->data, m);
	}
}

static void write_machine(const struct forest *f, const struct ds_machine *m)
{
	if (!is_shown(f, m))
		return;
	write_entry(f, &(struct branch){.id = row_id(ROW_MACHINE, m->id),
					.parent = -1,
					.has_data = f->output == OUTPUT_LATENCY,
					.labels = {m->name, has_second(f) ? m->role : NULL}});
	switch (f->output) {
	case OUTPUT_CPUS:
		write_cpus(f, m);
		break;
	case OUTPUT_THREADS:
	case OUTPUT_LATENCY:
		write_threads(f, m);
		break;
	default:
		write_vcpus(f, m);
	}
}

static void write_headers(const struct forest *f)
{
	jsonw_array_begin(f->json);
	for (int i = 0; i < 2; i++) {
		const char *name = i ? second_header(f->output) : "Name";

		if (!name)
			continue;
		jsonw_object_begin(f->json);
		member_text(f->json, "name", name);
		member_text(f->json, "tooltip", name);
		jsonw_object_end(f->json);
	}
	jsonw_array_end(f->json);
}

void tree_write(struct jsonw *j, const struct dataset *d, enum output_id output)
{
	const struct forest f = {.json = j, .data = d, .output = output};

	jsonw_object_begin(j);
	jsonw_key(j, "headers");
	write_headers(&f);
	member_array(j, "entries");
	if (output == OUTPUT_HISTOGRAM) {
		write_entry(&f, &(struct branch){.id = row_id(ROW_ALL, 0),
						 .parent = -1,
						 .has_data = true,
						 .labels = {"Changes of state"}});
	} else {
		vec_each (m, &d->machines)
			write_machine(&f, m);
	}
	jsonw_array_end(j);
	member_int(j, "autoExpandLevel", output == OUTPUT_VCPUS || output == OUTPUT_CPUS ? -1 : 1);
	jsonw_object_end(j);
}
