#include <inttypes.h>
#include <math.h>

#include "report/digest.h"
#include "report/text.h"
#include "report/units.h"

enum { MACHINE_LIMIT = 32 };

/* ---- head ------------------------------------------------------------------------------------ */

static int find_reference(const struct analysis *a)
{
	for (size_t i = 0; i < a->n_machines; i++) {
		if (a->identity.machines.at[i].is_host)
			return machine_reference(a, (int)i);
	}
	return IDENT_NONE;
}

static void print_scope(struct text *t)
{
	const struct analysis *a = t->a;
	int reference = find_reference(a);
	size_t hosts = 0;

	vec_each (m, &a->identity.machines)
		hosts += m->is_host;
	const char *by =
		reference == IDENT_NONE
			? ""
			: arena_printf(&t->arena, " by the clock of %s",
				       units_safe(&t->arena,
						  a->identity.machines.at[reference].name, 40));

	text_line(t, "%s from %s%s", units_duration(&t->arena, a->span.end - a->span.begin, 4),
		  units_date(&t->arena, a->span.begin), by);
	text_line(t, "%zu host%s, %zu VM%s, %zu vCPU%s", hosts, hosts == 1 ? "" : "s",
		  a->identity.vms.n, a->identity.vms.n == 1 ? "" : "s", a->identity.vcpus.n,
		  a->identity.vcpus.n == 1 ? "" : "s");
}

static bool is_warning(const struct finding *f)
{
	return f->kind->severity != DIAG_INFO;
}

/* What spoils the result has to be seen before the result. */
static void print_alarm(struct text *t)
{
	const char *names = NULL;
	size_t n = 0;

	vec_each (f, &t->findings->at) {
		if (!is_warning(f))
			continue;
		n++;
		const char *of =
			f->machine == IDENT_NONE
				? ""
				: arena_printf(&t->arena, " (%s)",
					       t->a->identity.machines.at[f->machine].name);

		names = arena_printf(&t->arena, "%s%s%s%s", names ? names : "", names ? ", " : "",
				     f->kind->name, units_safe(&t->arena, of, 40));
	}
	if (!n)
		return;
	out_str(&t->out, t->color ? "\033[1;31m" : "");
	text_wrapped(t, 0, arena_printf(&t->arena, "WARNING: %s; see Warnings below.", names));
	out_str(&t->out, t->color ? "\033[0m" : "");
}

void text_summary(struct text *t)
{
	print_scope(t);
	print_alarm(t);
}

/* ---- machines -------------------------------------------------------------------------------- */

static const struct grid_column machine_columns[] = {
	{.title = "machine", .left = true},
	{.title = "role", .left = true},
	{.title = "on", .left = true},
	{.title = "pid"},
	{.title = "traced for"},
	{.title = "events"},
	{.title = "lost"},
};

static void add_home(struct text *t, struct grid *g, const struct ident_vm *vm)
{
	grid_add(g, vm ? units_safe(&t->arena, t->a->identity.machines.at[vm->host].name, 16) : "");
	grid_add(g, vm && vm->pid != NO_VALUE ? arena_printf(&t->arena, "%" PRId64, vm->pid) : "");
}

static void machine_row(struct text *t, struct grid *g, size_t i)
{
	const struct ident_machine *m = &t->a->identity.machines.at[i];
	struct model_span span = machine_span(t->a, i);

	grid_add(g, units_safe(&t->arena, m->name, 20));
	grid_add(g, identity_role(m));
	add_home(t, g, m->vm == IDENT_NONE ? NULL : &t->a->identity.vms.at[m->vm]);
	grid_add(g, units_duration(&t->arena, span.end - span.begin, 4));
	grid_add(g, units_count(&t->arena, m->evidence->n_events));
	grid_add(g, m->evidence->n_lost ? units_count(&t->arena, m->evidence->n_lost) : "none");
}

static void untraced_row(struct text *t, struct grid *g, const struct ident_vm *vm)
{
	grid_add(g, units_safe(&t->arena, vm->name, 20));
	grid_add(g, "guest");
	add_home(t, g, vm);
	grid_add(g, "not traced");
	grid_add(g, "");
	grid_add(g, "");
}

static const char *role_words(const struct ident_machine *m)
{
	if (m->is_host)
		return m->is_guest ? "is host and guest" : "is a host";
	return m->is_guest ? "is a guest" : "may be anything";
}

static void print_why(struct text *t, const char *name, const char *verdict, const char *why)
{
	text_wrapped(t, 2,
		     arena_printf(&t->arena, "%s %s: %s", units_safe(&t->arena, name, 20), verdict,
				  units_safe(&t->arena, why, 400)));
}

static void print_evidence(struct text *t)
{
	out_char(&t->out, '\n');
	vec_each (m, &t->a->identity.machines) {
		const struct ident_vm *vm =
			m->vm == IDENT_NONE ? NULL : &t->a->identity.vms.at[m->vm];

		print_why(t, m->name, role_words(m), m->why);
		if (vm)
			print_why(t, m->name,
				  arena_printf(&t->arena, "runs on %s",
					       units_safe(&t->arena,
							  t->a->identity.machines.at[vm->host].name,
							  20)),
				  vm->why);
	}
}

void text_machines(struct text *t)
{
	size_t n = text_limit(t, t->a->identity.vms.n, MACHINE_LIMIT), untraced = 0;
	struct grid g;

	text_title(t, "Machines");
	grid_init(&g, machine_columns, sizeof(machine_columns) / sizeof(machine_columns[0]));
	for (size_t i = 0; i < t->a->n_machines; i++)
		machine_row(t, &g, i);
	vec_each (vm, &t->a->identity.vms) {
		if (vm->guest == IDENT_NONE && untraced++ < n)
			untraced_row(t, &g, vm);
	}
	text_grid(t, &g);
	grid_deinit(&g);
	text_more(t, untraced, untraced < n ? untraced : n, "VMs");
	print_evidence(t);
}

/* ---- clocks ---------------------------------------------------------------------------------- */

static const struct grid_column sync_columns[] = {
	{.title = "machine", .left = true},
	{.title = "onto", .left = true},
	{.title = "method", .left = true},
	{.title = "offset"},
	{.title = "drift"},
	{.title = "right to"},
	{.title = "constraints"},
	{.title = "violated"},
	{.title = "decoys"},
	{.title = "half lost"},
};

static const char *count_or_none(struct text *t, uint64_t n)
{
	return n ? units_count(&t->arena, n) : "";
}

static const char *method_text(enum sync_method method)
{
	return method == SYNC_AS_IS ? "NONE: clocks as they are" : sync_method_name(method);
}

static void sync_row(struct text *t, struct grid *g, size_t i)
{
	const struct machine_sync *s = &t->a->sync[i];
	const struct sync_estimate *e = machine_sync_taken(s);
	const struct clock_piece *p = s->map.pieces;
	int reference = machine_reference(t->a, (int)i);

	grid_add(g, units_safe(&t->arena, t->a->identity.machines.at[i].name, 20));
	grid_add(g,
		 reference == (int)i
			 ? ""
			 : units_safe(&t->arena, t->a->identity.machines.at[reference].name, 12));
	grid_add(g, method_text(s->method));
	grid_add(g, units_duration_or_none(&t->arena, p->offset, 9));
	grid_add(g, p->drift != 0 ? arena_printf(&t->arena, "%+.3f ppm", p->drift * 1e6) : "");
	grid_add(g, e->error > 0 ? units_duration(&t->arena, e->error, 3) : "");
	grid_add(g, count_or_none(t, e->constraints));
	grid_add(g, e->constraints ? units_count(&t->arena, e->violations) : "");
	grid_add(g, count_or_none(t, e->decoys));
	grid_add(g, count_or_none(t, e->lost));
}

void text_sync(struct text *t)
{
	struct grid g;

	text_title(t, "Clocks");
	grid_init(&g, sync_columns, sizeof(sync_columns) / sizeof(sync_columns[0]));
	for (size_t i = 0; i < t->a->n_machines; i++)
		sync_row(t, &g, i);
	text_grid(t, &g);
	grid_deinit(&g);
	text_estimates(t);
}

/* ---- warnings -------------------------------------------------------------------------------- */

static const char *machine_name(struct text *t, int machine)
{
	return machine == IDENT_NONE
		       ? "all"
		       : units_safe(&t->arena, t->a->identity.machines.at[machine].name, 20);
}

static void print_finding(struct text *t, const struct finding *f)
{
	const char *when = "", *where = "";

	if (f->where.first_ns != DIAG_NO_TIME)
		when = arena_printf(
			&t->arena, ", first after %s",
			units_duration(&t->arena, f->where.first_ns - t->a->span.begin, 4));
	if (f->where.file)
		where = arena_printf(
			&t->arena, ", in %s (packet at byte %" PRIu64 ", bit %" PRIu64 ")",
			units_safe(&t->arena, f->where.file, 120), f->where.packet, f->where.bit);
	text_wrapped(t, 2,
		     arena_printf(&t->arena, "%s: %s: %s, %s time%s%s%s",
				  diag_severity_name(f->kind->severity),
				  machine_name(t, f->machine), f->kind->name,
				  units_count(&t->arena, f->where.count),
				  f->where.count == 1 ? "" : "s", when, where));
	text_wrapped(t, 6, f->kind->help);
	if (f->detail)
		text_wrapped(t, 6, units_safe(&t->arena, f->detail, 2000));
}

void text_diag(struct text *t)
{
	text_title(t, "Warnings");
	if (!t->findings->at.n)
		text_line(t, "  none");
	vec_each (f, &t->findings->at)
		print_finding(t, f);
}
