#include "analyze/info.h"

#include <stdlib.h>

#include "base/json.h"

static void write_string(struct json *j, const char *key, const char *value)
{
	json_key(j, key);
	json_string(j, value);
}

static void write_uint(struct json *j, const char *key, uint64_t value)
{
	json_key(j, key);
	json_uint(j, value);
}

static void write_time(struct json *j, const char *key, bool known, int64_t ns)
{
	json_key(j, key);
	if (known)
		json_int(j, ns);
	else
		json_null(j);
}

static void write_env(struct json *j, const struct ctf_trace_type *t)
{
	json_key(j, "env");
	json_object_begin(j);
	for (uint32_t i = 0; i < t->n_env; i++) {
		json_key(j, t->env[i].name);
		if (t->env[i].string)
			json_string(j, t->env[i].string);
		else
			json_int(j, t->env[i].integer);
	}
	json_object_end(j);
}

static void write_clocks(struct json *j, const struct ctf_trace_type *t)
{
	json_key(j, "clocks");
	json_array_begin(j);
	for (uint32_t i = 0; i < t->n_clocks; i++) {
		const struct ctf_clock *c = t->clocks[i];

		json_object_begin(j);
		write_string(j, "name", c->name);
		write_string(j, "uuid", c->uuid);
		write_uint(j, "frequency", c->frequency);
		write_time(j, "offset_ns", true, ctf_clock_ns(c, 0));
		json_object_end(j);
	}
	json_array_end(j);
}

static void write_cpus(struct json *j, const struct info_machine *m)
{
	json_key(j, "cpus");
	json_array_begin(j);
	vec_each (cpu, &m->cpus)
		json_uint(j, *cpu);
	json_array_end(j);
}

static void write_events(struct json *j, const struct info_machine *m)
{
	json_key(j, "event_counts");
	json_object_begin(j);
	vec_each (e, &m->events)
		write_uint(j, e->name, e->count);
	json_object_end(j);
}

static void write_missing(struct json *j, const struct info_machine *m)
{
	json_key(j, "missing");
	json_array_begin(j);
	for (size_t i = 0; i < n_required_events; i++) {
		if (m->required[i] != INFO_ABSENT && m->required[i] != INFO_NEVER)
			continue;
		json_object_begin(j);
		write_string(j, "event", required_events[i].names[0]);
		write_string(j, "state", info_presence_name(m->required[i]));
		write_string(j, "without", required_events[i].without);
		json_object_end(j);
	}
	json_array_end(j);
}

static void write_diags(struct json *j, const struct diag_list *diags)
{
	json_key(j, "diags");
	json_array_begin(j);
	for (int i = 0; i < DIAG_N; i++) {
		const struct diag *d = &diags->at[i];
		const struct diag_kind *kind = diag_kind((enum diag_id)i);

		if (!d->count)
			continue;
		json_object_begin(j);
		write_string(j, "name", kind->name);
		write_string(j, "severity", diag_severity_name(kind->severity));
		write_uint(j, "count", d->count);
		write_time(j, "first_ns", d->first_ns != DIAG_NO_TIME, d->first_ns);
		write_string(j, "help", kind->help);
		json_object_end(j);
	}
	json_array_end(j);
}

static void write_machine(struct json *j, const struct info_machine *m)
{
	const struct ctf_trace_type *t = &m->trace->type;
	char *tracer = info_tracer(t);

	json_object_begin(j);
	write_string(j, "name", m->trace->name);
	write_string(j, "path", m->trace->path);
	write_string(j, "hostname", ctf_env_string(t, "hostname"));
	write_string(j, "kernel", ctf_env_string(t, "kernel_release"));
	write_string(j, "tracer", tracer);
	write_string(j, "role", role_name(m->role));
	write_string(j, "evidence", m->why);
	write_uint(j, "bytes", m->trace->size);
	write_cpus(j, m);
	write_uint(j, "streams", m->trace->streams.n);
	write_uint(j, "packets", m->n_packets);
	write_uint(j, "events", m->n_events);
	write_uint(j, "lost_events", m->n_lost);
	write_uint(j, "lost_packets", m->diags.at[DIAG_PACKETS_LOST].count);
	write_time(j, "first_ns", m->has_span, m->first_ns);
	write_time(j, "last_ns", m->has_span, m->last_ns);
	write_clocks(j, t);
	write_env(j, t);
	write_events(j, m);
	write_missing(j, m);
	write_diags(j, &m->diags);
	json_object_end(j);
	free(tracer);
}

void info_print_json(const struct info *info, FILE *f)
{
	struct json j;

	json_init(&j, f);
	json_object_begin(&j);
	json_key(&j, "machines");
	json_array_begin(&j);
	vec_each (m, &info->machines)
		write_machine(&j, m);
	json_array_end(&j);
	json_object_end(&j);
	json_newline(&j);
	json_deinit(&j);
}
