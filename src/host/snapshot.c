#include "host/snapshot.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/member.h"
#include "host/threads.h"

/* ---- writing --------------------------------------------------------------------------------- */

/* -1 is "not known", or "none". */
static void snapshot_known(struct jsonw *j, const char *key, int64_t value)
{
	member_known_int(j, key, value, value >= 0);
}

static void snapshot_counters(struct jsonw *j, const struct host_counter *at, size_t n)
{
	member_object(j, "kvm");
	for (size_t i = 0; i < n; i++)
		member_int(j, at[i].name, at[i].value);
	jsonw_object_end(j);
}

static void snapshot_vcpu(struct jsonw *j, const struct host_vcpu *v)
{
	jsonw_object_begin(j);
	snapshot_known(j, "number", v->number);
	member_int(j, "tid", v->tid);
	member_text(j, "thread", v->thread);
	member_text(j, "cpus", v->cpus);
	if (v->has_tsc_offset)
		member_int(j, "tsc_offset", v->tsc_offset);
	if (v->has_schedstat) {
		member_int(j, "ran_ns", (int64_t)v->ran_ns);
		member_int(j, "wait_ns", (int64_t)v->wait_ns);
	}
	snapshot_counters(j, v->counters.at, v->counters.n);
	jsonw_object_end(j);
}

static void snapshot_print_vm(struct jsonw *j, const struct host_vm *vm)
{
	char *label = host_vm_label(vm);

	jsonw_object_begin(j);
	member_int(j, "pid", vm->pid);
	member_text(j, "name", label);
	member_text(j, "monitor", vm->monitor);
	member_text(j, "uuid", vm->uuid);
	member_text(j, "cgroup", vm->cgroup);
	snapshot_known(j, "quota_us", vm->quota_us);
	snapshot_known(j, "period_us", vm->quota_us < 0 ? -1 : vm->period_us);
	member_text(j, "quota_cgroup", vm->quota_cgroup);
	member_bool(j, "quotas_seen", vm->quotas_seen);
	snapshot_known(j, "throttled", vm->n_throttled);
	snapshot_known(j, "throttled_us", vm->throttled_us);
	snapshot_counters(j, vm->counters.at, vm->counters.n);
	member_array(j, "vcpus");
	vec_each (v, &vm->vcpus)
		snapshot_vcpu(j, v);
	jsonw_array_end(j);
	jsonw_object_end(j);
	free(label);
}

static void snapshot_print_thread(void *context, int pid, int tid, const char *comm)
{
	struct jsonw *j = context;

	jsonw_array_begin(j);
	jsonw_int(j, pid);
	jsonw_int(j, tid);
	jsonw_string(j, comm);
	jsonw_array_end(j);
}

void snapshot_print(struct jsonw *j, const struct host *h)
{
	jsonw_object_begin(j);
	member_int(j, "time", time(NULL));
	member_text(j, "host", h->name);
	member_text(j, "kernel", h->release);
	member_text(j, "clocksource", h->clocksource);
	member_text(j, "virtualization", h->virtualization);
	member_int(j, "cpus", h->n_cpus);
	snapshot_known(j, "halt_poll_ns", h->halt_poll_ns);
	member_array(j, "vms");
	vec_each (vm, &h->vms)
		snapshot_print_vm(j, vm);
	jsonw_array_end(j);
	member_array(j, "threads");
	threads_each("", snapshot_print_thread, j);
	jsonw_array_end(j);
	jsonw_object_end(j);
}

/* ---- reading --------------------------------------------------------------------------------- */

char *snapshot_path(const char *recording)
{
	const char *slash = strrchr(recording, '/'), *dot = strrchr(recording, '.');
	size_t n =
		dot && (!slash || dot > slash + 1) ? (size_t)(dot - recording) : strlen(recording);

	return mem_printf("%.*s.snapshot.json", (int)n, recording);
}

static bool snapshot_knows(const struct snapshot *s, int tid)
{
	vec_each (t, &s->threads) {
		if (t->tid == tid)
			return true;
	}
	return false;
}

static void snapshot_take_threads(struct snapshot *s, const json_t *side)
{
	const json_t *threads = json_object_get(side, "threads");
	size_t n_before = s->threads.n;

	for (size_t i = 0; i < json_array_size(threads); i++) {
		const json_t *t = json_array_get(threads, i);
		int pid = (int)json_integer_value(json_array_get(t, 0));
		int tid = (int)json_integer_value(json_array_get(t, 1));
		const char *comm = json_string_value(json_array_get(t, 2));

		if (pid > 0 && tid > 0 && comm && !(n_before && snapshot_knows(s, tid)))
			*vec_push(&s->threads) =
				(struct snapshot_thread){pid, tid, mem_strdup(comm)};
	}
}

static struct snapshot_vm *snapshot_vm(struct snapshot *s, int pid)
{
	vec_each (vm, &s->vms) {
		if (vm->pid == pid)
			return vm;
	}
	return NULL;
}

/* Both sides have to say that there is no quota; one that there is. */
static enum snapshot_quota snapshot_quota_of(const json_t *vm, enum snapshot_quota before)
{
	if (json_is_integer(json_object_get(vm, "quota_us")))
		return SNAPSHOT_LIMITED;
	if (!json_is_true(json_object_get(vm, "quotas_seen")) && before != SNAPSHOT_LIMITED)
		return SNAPSHOT_NOT_KNOWN;
	return before;
}

static void snapshot_take_vms(struct snapshot *s, const json_t *side)
{
	const json_t *vms = json_object_get(side, "vms");

	for (size_t i = 0; i < json_array_size(vms); i++) {
		const json_t *vm = json_array_get(vms, i);
		int pid = (int)json_integer_value(json_object_get(vm, "pid"));
		const char *name = json_string_value(json_object_get(vm, "name"));
		struct snapshot_vm *known = snapshot_vm(s, pid);

		if (pid <= 0 || !name)
			continue;
		if (!known) {
			known = vec_push(&s->vms);
			*known = (struct snapshot_vm){pid, mem_strdup(name), SNAPSHOT_UNLIMITED};
		}
		known->quota = snapshot_quota_of(vm, known->quota);
	}
}

int snapshot_init(struct snapshot *s, const char *path, struct error *err)
{
	json_error_t wrong;

	*s = (struct snapshot){0};
	if (access(path, F_OK))
		return 0;
	json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &wrong);
	bool is_ours = json_integer_value(json_object_get(root, "vmscope_snapshot")) == 1;

	if (is_ours) {
		snapshot_take_threads(s, json_object_get(root, "end"));
		snapshot_take_threads(s, json_object_get(root, "begin"));
		snapshot_take_vms(s, json_object_get(root, "end"));
		snapshot_take_vms(s, json_object_get(root, "begin"));
	} else if (root) {
		error_set(err, "'%s' is no snapshot of `vmscope record`", path);
	} else {
		error_set(err, "cannot read '%s': line %d: %s", path, wrong.line, wrong.text);
	}
	json_decref(root);
	return is_ours ? 1 : ERR;
}

void snapshot_deinit(struct snapshot *s)
{
	vec_each (t, &s->threads)
		free(t->comm);
	vec_each (vm, &s->vms)
		free(vm->name);
	vec_deinit(&s->threads);
	vec_deinit(&s->vms);
}
