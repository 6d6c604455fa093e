#include "inspect/info.h"

#include <stdlib.h>

#include "base/json.h"

static void write_string(struct jsonw *j, const char *key, const char *value)
{
	jsonw_key(j, key);
	jsonw_string(j, value);
}

static void write_uint(struct jsonw *j, const char *key, uint64_t value)
{
	jsonw_key(j, key);
	jsonw_uint(j, value);
}

static void write_time(struct jsonw *j, const char *key, bool known, int64_t ns)
{
	jsonw_key(j, key);
	if (known)
		jsonw_int(j, ns);
	else
		jsonw_null(j);
}

static void write_env(struct jsonw *j, const struct recording *r)
{
	jsonw_key(j, "env");
	jsonw_object_begin(j);
	vec_each (e, &r->env) {
		jsonw_key(j, e->name);
		if (e->string)
			jsonw_string(j, e->string);
		else
			jsonw_int(j, e->integer);
	}
	jsonw_object_end(j);
}

static void write_clocks(struct jsonw *j, const struct recording *r)
{
	jsonw_key(j, "clocks");
	jsonw_array_begin(j);
	vec_each (c, &r->clocks) {
		jsonw_object_begin(j);
		write_string(j, "name", c->name);
		write_string(j, "uuid", c->uuid);
		write_uint(j, "frequency", c->frequency);
		write_uint(j, "frequency_error_ppb", c->frequency_error);
		write_time(j, "offset_ns", true, c->offset_ns);
		write_string(j, "origin", clock_origin_name(c->origin));
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
}

static void write_cpus(struct jsonw *j, const struct info_machine *m)
{
	jsonw_key(j, "cpus");
	jsonw_array_begin(j);
	vec_each (cpu, &m->cpus)
		jsonw_uint(j, *cpu);
	jsonw_array_end(j);
}

static void write_events(struct jsonw *j, const struct info_machine *m)
{
	jsonw_key(j, "event_counts");
	jsonw_object_begin(j);
	vec_each (e, &m->events)
		write_uint(j, e->name, e->count);
	jsonw_object_end(j);
}

static void write_missing(struct jsonw *j, const struct info_machine *m)
{
	jsonw_key(j, "missing");
	jsonw_array_begin(j);
	for (size_t i = 0; i < n_required_events; i++) {
		if (m->required[i] == REQUIRED_RECORDED || m->required[i] == REQUIRED_NOT_NEEDED)
			continue;
		jsonw_object_begin(j);
		write_string(j, "event", required_name(&required_events[i], m->tracer));
		write_string(j, "state", required_presence_name(m->required[i]));
		write_string(j, "without", info_without(m, &required_events[i]));
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
}

static void write_diags(struct jsonw *j, const struct diag_list *diags)
{
	jsonw_key(j, "diags");
	jsonw_array_begin(j);
	for (int i = 0; i < DIAG_N; i++) {
		const struct diag *d = &diags->at[i];
		const struct diag_kind *kind = diag_kind((enum diag_id)i);

		if (!d->count)
			continue;
		jsonw_object_begin(j);
		write_string(j, "name", kind->name);
		write_string(j, "severity", diag_severity_name(kind->severity));
		write_uint(j, "count", d->count);
		write_time(j, "first_ns", d->first_ns != DIAG_NO_TIME, d->first_ns);
		write_string(j, "help", kind->help);
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
}

/* The kinds of damage for which more than the lost events is missing. */
static void write_unreadable(struct jsonw *j, const struct info_machine *m)
{
	jsonw_key(j, "unreadable");
	jsonw_array_begin(j);
	for (int i = 0; i < DIAG_N; i++) {
		if (info_is_unreadable(m, (enum diag_id)i))
			jsonw_string(j, diag_kind((enum diag_id)i)->name);
	}
	jsonw_array_end(j);
}

static void write_machine(struct jsonw *j, const struct info_machine *m)
{
	const struct recording *r = m->trace;

	jsonw_object_begin(j);
	write_string(j, "name", r->name);
	write_string(j, "path", r->path);
	write_string(j, "hostname", r->hostname);
	write_string(j, "kernel", r->kernel);
	write_string(j, "tracer", r->tracer);
	write_string(j, "role", role_name(m->role));
	write_string(j, "evidence", m->why);
	write_uint(j, "bytes", r->size);
	write_cpus(j, m);
	write_uint(j, "streams", r->streams.n);
	write_uint(j, "packets", m->n_packets);
	write_uint(j, "events", m->n_events);
	write_uint(j, "lost_events", m->n_lost);
	write_uint(j, "lost_packets", m->diags.at[DIAG_PACKETS_LOST].count);
	write_unreadable(j, m);
	write_time(j, "first_ns", m->has_span, m->first_ns);
	write_time(j, "last_ns", m->has_span, m->last_ns);
	write_clocks(j, r);
	write_env(j, r);
	write_events(j, m);
	write_missing(j, m);
	write_diags(j, &m->diags);
	jsonw_object_end(j);
}

void info_print_json(const struct info *info, FILE *f)
{
	struct jsonw j;

	jsonw_init(&j, f);
	jsonw_object_begin(&j);
	jsonw_key(&j, "machines");
	jsonw_array_begin(&j);
	vec_each (m, &info->machines)
		write_machine(&j, m);
	jsonw_array_end(&j);
	jsonw_object_end(&j);
	jsonw_newline(&j);
	jsonw_deinit(&j);
}
