#include "api/file.h"

#include <stdlib.h>

#include "api/api_error.h"

/* ---- what there is --------------------------------------------------------------------------- */

static int64_t api_machine_id(const struct results *r, int machine)
{
	return machine == NOBODY ? VMS_NULL : r->machines.at[machine].id;
}

static void api_add_machine(struct vms_file *f, const struct res_machine *m)
{
	*vec_push(&f->machines) = (struct vms_machine){
		.id = m->id,
		.name = m->name,
		.role = m->role,
		.trace_path = m->trace_path,
		.hostname = m->hostname,
		.clock = m->clock,
		.tracer = m->tracer,
		.parent_id = api_machine_id(&f->results, m->parent),
		.pid = m->pid,
		.first_ns = m->first,
		.last_ns = m->last,
		.events = m->events,
		.lost_events = m->lost,
		.is_host = m->is_host,
		.is_guest = m->is_guest,
		.n_vcpus = m->n_vcpus,
	};
}

static void api_add_vcpu(struct vms_file *f, const struct res_vcpu *v)
{
	*vec_push(&f->vcpus) = (struct vms_vcpu){
		.id = v->id,
		.machine_id = api_machine_id(&f->results, v->machine),
		.index = v->index,
		.host_id = api_machine_id(&f->results, v->host),
		.host_tid = v->tid,
		.entries = v->entries,
		.exits = v->exits,
		.comm = v->comm,
	};
}

static void api_add_thread(struct vms_file *f, const struct res_thread *t)
{
	const struct results *r = &f->results;

	*vec_push(&f->threads) = (struct vms_thread){
		.id = t->id,
		.machine_id = api_machine_id(r, t->machine),
		.tid = t->tid,
		.pid = t->pid,
		.ppid = t->ppid,
		.container_id =
			t->container == NOBODY ? VMS_NULL : r->containers.at[t->container].id,
		.vcpu_id = t->vcpu == NOBODY ? VMS_NULL : r->vcpus.at[t->vcpu].id,
		.comm = t->comm,
	};
}

static void api_list(struct vms_file *f)
{
	const struct results *r = &f->results;

	vec_each (m, &r->machines)
		api_add_machine(f, m);
	vec_each (v, &r->vcpus)
		api_add_vcpu(f, v);
	for (size_t i = 0; i < r->threads.n; i++) {
		api_add_thread(f, &r->threads.at[i]);
		results_drop_pages(r, i);
	}
}

/* ---- life ------------------------------------------------------------------------------------ */

int api_file_new(struct vms_file **fp, struct store *store, struct error *err)
{
	const struct results_range whole = {0};
	struct vms_file *f = mem_zalloc(1, sizeof(*f));

	f->store = store;
	if (results_init(&f->results, store, &whole, err)) {
		vms_close(f);
		return ERR;
	}
	api_list(f);
	*fp = f;
	return 0;
}

struct vms_file *vms_open(const char *path, struct vms_error **error)
{
	struct error err = {0};
	struct store *store;
	struct vms_file *f;

	if (store_open(&store, path, &err) || api_file_new(&f, store, &err)) {
		api_fail(error, &err);
		return NULL;
	}
	return f;
}

void vms_close(struct vms_file *f)
{
	if (!f)
		return;
	vec_each (note, &f->notes)
		free(*note);
	vec_deinit(&f->notes);
	vec_deinit(&f->machines);
	vec_deinit(&f->vcpus);
	vec_deinit(&f->threads);
	results_deinit(&f->results);
	store_free(f->store);
	free(f);
}

/* ---- what the user asks ---------------------------------------------------------------------- */

const char *vms_note(const struct vms_file *f, size_t i)
{
	return i < f->notes.n ? f->notes.at[i] : NULL;
}

int64_t vms_begin(const struct vms_file *f)
{
	return f->results.begin;
}

int64_t vms_end(const struct vms_file *f)
{
	return f->results.end;
}

const char *vms_time_origin(const struct vms_file *f)
{
	return clock_origin_name(f->results.origin);
}

size_t vms_n_machines(const struct vms_file *f)
{
	return f->machines.n;
}

const struct vms_machine *vms_machine(const struct vms_file *f, size_t i)
{
	return i < f->machines.n ? &f->machines.at[i] : NULL;
}

size_t vms_n_vms(const struct vms_file *f)
{
	return f->results.vms.n;
}

const struct vms_machine *vms_vm(const struct vms_file *f, size_t i)
{
	return i < f->results.vms.n ? &f->machines.at[f->results.vms.at[i]] : NULL;
}

size_t vms_n_vcpus(const struct vms_file *f)
{
	return f->vcpus.n;
}

const struct vms_vcpu *vms_vcpu(const struct vms_file *f, size_t i)
{
	return i < f->vcpus.n ? &f->vcpus.at[i] : NULL;
}

size_t vms_n_threads(const struct vms_file *f)
{
	return f->threads.n;
}

const struct vms_thread *vms_thread(const struct vms_file *f, size_t i)
{
	return i < f->threads.n ? &f->threads.at[i] : NULL;
}

const struct vms_machine *vms_machine_by_id(const struct vms_file *f, int64_t id)
{
	int i = results_find(&f->results, TABLE_MACHINE, id);

	return i == NOBODY ? NULL : vms_machine(f, (size_t)i);
}

const struct vms_vcpu *vms_vcpu_by_id(const struct vms_file *f, int64_t id)
{
	int i = results_find(&f->results, TABLE_VCPU, id);

	return i == NOBODY ? NULL : vms_vcpu(f, (size_t)i);
}

const struct vms_thread *vms_thread_by_id(const struct vms_file *f, int64_t id)
{
	int i = results_find(&f->results, TABLE_THREAD, id);

	return i == NOBODY ? NULL : vms_thread(f, (size_t)i);
}
