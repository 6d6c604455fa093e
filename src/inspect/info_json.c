#include "inspect/info.h"

#include <stdlib.h>

#include "base/member.h"

static void write_env(struct jsonw *j, const struct recording *r)
{
	member_object(j, "env");
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
	member_array(j, "clocks");
	vec_each (c, &r->clocks) {
		jsonw_object_begin(j);
		member_text(j, "name", c->name);
		member_text(j, "uuid", c->uuid);
		member_uint(j, "frequency", c->frequency);
		member_uint(j, "frequency_error_ppb", c->frequency_error);
		member_int(j, "offset_ns", c->offset_ns);
		member_text(j, "origin", clock_origin_name(c->origin));
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
}

static void write_cpus(struct jsonw *j, const struct info_machine *m)
{
	member_array(j, "cpus");
	vec_each (cpu, &m->cpus)
		jsonw_uint(j, *cpu);
	jsonw_array_end(j);
}

static void write_events(struct jsonw *j, const struct info_machine *m)
{
	member_object(j, "event_counts");
	vec_each (e, &m->events)
		member_uint(j, e->name, e->count);
	jsonw_object_end(j);
}

static void write_missing(struct jsonw *j, const struct info_machine *m)
{
	member_array(j, "missing");
	for (size_t i = 0; i < n_required_events; i++) {
		if (m->required[i] == REQUIRED_RECORDED || m->required[i] == REQUIRED_NOT_NEEDED)
			continue;
		jsonw_object_begin(j);
		member_text(j, "event", required_name(&required_events[i], m->tracer));
		member_text(j, "state", required_presence_name(m->required[i]));
		member_text(j, "without", info_without(m, &required_events[i]));
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
}

static void write_diags(struct jsonw *j, const struct diag_list *diags)
{
	member_array(j, "diags");
	for (int i = 0; i < DIAG_N; i++) {
		const struct diag *d = &diags->at[i];
		const struct diag_kind *kind = diag_kind((enum diag_id)i);

		if (!d->count)
			continue;
		jsonw_object_begin(j);
		member_text(j, "name", kind->name);
		member_text(j, "severity", diag_severity_name(kind->severity));
		member_uint(j, "count", d->count);
		member_known_int(j, "first_ns", d->first_ns, d->first_ns != DIAG_NO_TIME);
		member_text(j, "help", kind->help);
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
}

/* The kinds of damage for which more than the lost events is missing. */
static void write_unreadable(struct jsonw *j, const struct info_machine *m)
{
	member_array(j, "unreadable");
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
	member_text(j, "name", r->name);
	member_text(j, "path", r->path);
	member_text(j, "hostname", r->hostname);
	member_text(j, "kernel", r->kernel);
	member_text(j, "tracer", r->tracer);
	member_text(j, "role", role_name(m->role));
	member_text(j, "evidence", m->why);
	member_uint(j, "bytes", r->size);
	write_cpus(j, m);
	member_uint(j, "streams", r->streams.n);
	member_uint(j, "packets", m->n_packets);
	member_uint(j, "events", m->n_events);
	member_uint(j, "lost_events", m->n_lost);
	member_uint(j, "lost_packets", m->diags.at[DIAG_PACKETS_LOST].count);
	write_unreadable(j, m);
	member_known_int(j, "first_ns", m->first_ns, m->has_span);
	member_known_int(j, "last_ns", m->last_ns, m->has_span);
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
	member_array(&j, "machines");
	vec_each (m, &info->machines)
		write_machine(&j, m);
	jsonw_array_end(&j);
	jsonw_object_end(&j);
	jsonw_newline(&j);
	jsonw_deinit(&j);
}
