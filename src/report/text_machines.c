#include <inttypes.h>
#include <string.h>

#include "report/text_sections.h"
#include "results/units.h"

enum { MACHINE_LIMIT = 32 };

/* ---- head ----------------------------------------------------------------------------------- */

static int find_reference(const struct results *r)
{
	for (int i = 0; i < (int)r->machines.n; i++) {
		if (r->machines.at[i].is_host)
			return results_reference(r, i);
	}
	return NOBODY;
}

/* Return: by whose clock the times are. */
static const char *reference_text(struct text *t)
{
	int reference = find_reference(t->r);
	size_t n = 0;

	vec_each (k, &t->r->clocks)
		n += k->chosen && !strcmp(k->method, "reference");
	if (reference == NOBODY)
		return "";
	if (n > 1)
		return arena_printf(&t->arena, " by %zu clocks that are not related", n);
	return arena_printf(&t->arena, " by the clock of %s", text_machine(t, reference, 40));
}

/* A time as --begin takes it. */
static const char *offset_text(struct text *t, int64_t ns)
{
	int64_t offset = ns_between(t->r->begin, ns);

	return arena_printf(&t->arena, "%s%s", offset < 0 ? "" : "+",
			    units_seconds(&t->arena, offset));
}

/* "vCPU 0 of web*" */
static const char *choice_text(struct text *t)
{
	const struct report_choice *c = t->chosen->choice;
	const char *vm = c->vm ? units_safe(&t->arena, c->vm, 40) : "all VMs";

	return c->one_vcpu ? arena_printf(&t->arena, "vCPU %" PRId64 " of %s", c->vcpu, vm) : vm;
}

static void print_range(struct text *t)
{
	const struct results_range *range = &t->r->range;
	const char *asked = "";

	if (t->range_asked)
		asked = arena_printf(&t->arena, " (%s)", units_safe(&t->arena, t->range_asked, 60));
	text_wrapped(t, 0,
		     arena_printf(&t->arena, "%s, from %s to %s%s, of",
				  units_duration(&t->arena, ns_between(range->from, range->to), 4),
				  offset_text(t, range->from), offset_text(t, range->to), asked));
}

/* A guest does not see when it was not running: what it says of itself is not all that is true. */
static void print_belief(struct text *t)
{
	const char *names = NULL;
	size_t n = 0;

	vec_each (m, &t->r->machines) {
		names = arena_printf(&t->arena, "%s%s%s", names ? names : "", names ? ", " : "",
				     units_safe(&t->arena, m->name, 40));
		n++;
	}
	if (n)
		text_wrapped(t, 0,
			     arena_printf(&t->arena, "No host was recorded: %s %s told as %s",
					  names, n == 1 ? "is" : "are",
					  n == 1 ? "it believes itself to be"
						 : "they believe themselves to be"));
}

/* Return: how many lines. */
static size_t print_scope(struct text *t)
{
	const struct results *r = t->r;
	size_t hosts = 0;

	vec_each (m, &r->machines)
		hosts += m->is_host;
	if (!hosts)
		print_belief(t);
	if (r->range.given)
		print_range(t);
	if (choice_is_some(t->chosen->choice))
		text_line(t, "only %s, of", choice_text(t));
	text_line(t, "%s from %s%s", units_duration(&t->arena, ns_between(r->begin, r->end), 4),
		  units_moment(&t->arena, r->begin, &t->clock), reference_text(t));
	text_line(t, "%zu host%s, %zu VM%s, %zu vCPU%s", hosts, hosts == 1 ? "" : "s", r->vms.n,
		  r->vms.n == 1 ? "" : "s", r->vcpus.n, r->vcpus.n == 1 ? "" : "s");
	/* What was asked may need two. */
	return 2u + 2u * r->range.given + choice_is_some(t->chosen->choice) + !hosts;
}

static bool has_diag(const struct text *t, const struct res_diag *d)
{
	return d->machine == NOBODY || t->chosen->related[d->machine];
}

/* What spoils the result has to be seen before the result. */
static void print_alarm(struct text *t)
{
	const char *names = NULL;

	vec_each (d, &t->r->diags) {
		if (!strcmp(d->severity, "info") || !has_diag(t, d))
			continue;
		const char *of = d->machine == NOBODY
					 ? ""
					 : arena_printf(&t->arena, " (%s)",
							t->r->machines.at[d->machine].name);

		names = arena_printf(&t->arena, "%s%s%s%s", names ? names : "", names ? ", " : "",
				     units_safe(&t->arena, d->name, 40),
				     units_safe(&t->arena, of, 40));
	}
	if (!names)
		return;
	out_str(&t->out, t->color ? "\033[1;31m" : "");
	text_wrapped(t, 0, arena_printf(&t->arena, "WARNING: %s; see Warnings below.", names));
	out_str(&t->out, t->color ? "\033[0m" : "");
}

/* A line for each of the worst of them. Return: how many lines. */
static size_t print_warnings(struct text *t)
{
	enum { LIMIT = 3, HELP_WIDTH = 300, LINE_WIDTH = 100 };
	size_t n = 0;

	vec_each (d, &t->r->diags) {
		if (!strcmp(d->severity, "info") || !has_diag(t, d) || n++ >= LIMIT)
			continue;
		const char *of = d->machine == NOBODY ? "" : text_machine(t, d->machine, 20);
		const char *line = arena_printf(
			&t->arena, "WARNING: %s%s%s%s, %s time%s: %s", d->name, *of ? " (" : "", of,
			*of ? ")" : "", units_count(&t->arena, d->count), d->count == 1 ? "" : "s",
			units_safe(&t->arena, d->help, HELP_WIDTH));

		out_str(&t->out, t->color ? "\033[1;31m" : "");
		out_str(&t->out, units_safe(&t->arena, line, LINE_WIDTH));
		out_str(&t->out, t->color ? "\033[0m\n" : "\n");
	}
	if (n > LIMIT)
		text_line(t, "... and %zu more warnings (section diag)", n - LIMIT);
	return n > LIMIT ? LIMIT + 1 : n;
}

size_t text_summary(struct text *t)
{
	size_t lines = print_scope(t);

	if (!t->sections)
		return lines + print_warnings(t);
	print_alarm(t);
	return lines;
}

/* ---- machines ------------------------------------------------------------------------------- */

static const struct grid_column machine_columns[] = {
	{.title = "machine", .left = true},
	{.title = "host name", .left = true},
	{.title = "role", .left = true},
	{.title = "on", .left = true},
	{.title = "pid"},
	{.title = "traced for"},
	{.title = "events"},
	{.title = "lost"},
};

static bool is_related(const struct text *t, const struct res_machine *m)
{
	return t->chosen->related[m - t->r->machines.at];
}

/* Its name, and its host name where that is another. */
static void add_names(struct text *t, struct grid *g, const struct res_machine *m)
{
	bool differs = m->hostname && strcmp(m->hostname, m->name) != 0;

	grid_add(g, units_safe(&t->arena, m->name, 20));
	grid_add(g, differs ? units_safe(&t->arena, m->hostname, 20) : "");
}

static void add_home(struct text *t, struct grid *g, const struct res_machine *m)
{
	grid_add(g, m->parent == NOBODY ? "" : text_machine(t, m->parent, 16));
	grid_add(g, m->pid == TABLE_NULL ? "" : units_number(&t->arena, m->pid));
}

/* Of damage to the machine's trace: lost packets, or whether there is any at all. */
static void count_damage(const struct results *r, const struct res_machine *m, int64_t *packetsp,
			 bool *damagedp)
{
	vec_each (d, &r->diags) {
		if (d->machine < 0 || &r->machines.at[d->machine] != m)
			continue;
		if (!strcmp(d->name, "packets-lost"))
			*packetsp += d->count;
		*damagedp |= !strcmp(d->severity, "damage");
	}
}

static const char *lost_words(struct text *t, const struct res_machine *m)
{
	int64_t packets = 0;
	bool damaged = false;

	count_damage(t->r, m, &packets, &damaged);
	const char *events = m->lost ? units_count(&t->arena, m->lost) : NULL;

	if (packets)
		return arena_printf(&t->arena, "%s%s%s packet%s", events ? events : "",
				    events ? " + " : "", units_count(&t->arena, packets),
				    packets == 1 ? "" : "s");
	return events ? events : damaged ? "some" : "none";
}

static void machine_row(struct text *t, struct grid *g, const struct res_machine *m)
{
	int64_t length = m->first == TABLE_NULL ? 0 : ns_between(m->first, m->last) + 1;

	add_names(t, g, m);
	grid_add(g, units_safe(&t->arena, m->role, 10));
	add_home(t, g, m);
	grid_add(g, units_duration(&t->arena, length, 4));
	grid_add(g, units_count(&t->arena, m->events));
	grid_add(g, lost_words(t, m));
}

static void untraced_row(struct text *t, struct grid *g, const struct res_machine *m)
{
	add_names(t, g, m);
	grid_add(g, units_safe(&t->arena, m->role, 10));
	add_home(t, g, m);
	grid_add(g, "not traced");
	grid_add(g, "");
	grid_add(g, "");
}

static const char *role_words(const struct res_machine *m)
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
	vec_each (m, &t->r->machines) {
		if (!m->trace_path || !is_related(t, m))
			continue;
		print_why(t, m->name, role_words(m), m->role_evidence);
		if (m->parent != NOBODY)
			print_why(t, m->name,
				  arena_printf(&t->arena, "runs on %s",
					       text_machine(t, m->parent, 20)),
				  m->parent_evidence);
	}
}

void text_machines(struct text *t)
{
	size_t n = text_limit(t, t->r->vms.n, MACHINE_LIMIT), untraced = 0;
	struct grid g;

	text_title(t, "Machines");
	grid_init(&g, machine_columns, sizeof(machine_columns) / sizeof(machine_columns[0]));
	vec_each (m, &t->r->machines) {
		if (m->trace_path && is_related(t, m))
			machine_row(t, &g, m);
	}
	vec_each (m, &t->r->machines) {
		if (!m->trace_path && is_related(t, m) && untraced++ < n)
			untraced_row(t, &g, m);
	}
	text_grid(t, &g);
	grid_deinit(&g);
	text_more(t, untraced, untraced < n ? untraced : n, "VMs");
	print_evidence(t);
}

/* ---- clocks --------------------------------------------------------------------------------- */

static const struct grid_column sync_columns[] = {
	{.title = "machine", .left = true},
	{.title = "onto", .left = true},
	{.title = "method", .left = true},
	{.title = "offset"},
	{.title = "drift"},
	{.title = "±"},
	{.title = "constraints"},
	{.title = "violated"},
	{.title = "decoys"},
	{.title = "half lost"},
};

static const char *count_or_none(struct text *t, int64_t n)
{
	return n ? units_count(&t->arena, n) : "";
}

static const char *method_text(struct text *t, const char *method)
{
	return strcmp(method, "none") ? units_safe(&t->arena, method, 20)
				      : "NONE: clocks as they are";
}

/* What the map that was taken says, all of its pieces together. */
struct clock_total {
	const struct res_clock *first; /* piece */
	int64_t error;
	int64_t constraints, violations;
};

static int64_t known_count(int64_t n)
{
	return n == TABLE_NULL ? 0 : n;
}

static void add_facts(struct clock_total *total, const struct res_clock *k)
{
	total->constraints += known_count(k->constraints);
	total->violations += known_count(k->violations);
}

/* A map that leads over several machines is there once more as its own estimate, with its own
 * facts. */
static struct clock_total total_of(const struct text *t, int machine, int64_t cpu)
{
	struct clock_total total = {0}, own = {0};

	vec_each (k, &t->r->clocks) {
		if (k->machine != machine || !k->chosen || k->cpu != cpu)
			continue;
		total.first = total.first ? total.first : k;
		total.error = k->error > total.error ? k->error : total.error;
		add_facts(&total, k);
	}
	vec_each (k, &t->r->clocks) {
		if (total.first && k->machine == machine && !k->chosen && k->cpu == cpu &&
		    !strcmp(k->method, total.first->method))
			add_facts(&own, k);
	}
	if (own.constraints) {
		total.constraints = own.constraints;
		total.violations = own.violations;
	}
	return total;
}

static void sync_row(struct text *t, struct grid *g, int machine, int64_t cpu)
{
	struct clock_total total = total_of(t, machine, cpu);
	const struct res_clock *k = total.first;

	if (!k || !t->chosen->related[machine])
		return;
	grid_add(g, cpu == TABLE_NULL ? text_machine(t, machine, 20)
				      : arena_printf(&t->arena, "%s CPU %" PRId64,
						     text_machine(t, machine, 20), cpu));
	grid_add(g, k->reference == machine ? "" : text_machine(t, k->reference, 12));
	grid_add(g, method_text(t, k->method));
	grid_add(g, units_duration_or_none(&t->arena, k->offset, 9));
	grid_add(g, k->drift != 0 ? arena_printf(&t->arena, "%+.3f ppm", k->drift / 1e3) : "");
	grid_add(g, total.error > 0 ? units_duration(&t->arena, total.error, 3) : "");
	grid_add(g, count_or_none(t, total.constraints));
	grid_add(g, total.constraints ? units_count(&t->arena, total.violations) : "");
	grid_add(g, count_or_none(t, k->decoys));
	grid_add(g, count_or_none(t, k->lost));
}

/* One, or of each CPU where they do not share a clock. */
static void sync_rows(struct text *t, struct grid *g, int machine)
{
	const struct res_clock *before = NULL;

	vec_each (k, &t->r->clocks) {
		if (k->machine != machine || !k->chosen)
			continue;
		if (!before || k->cpu != before->cpu)
			sync_row(t, g, machine, k->cpu);
		before = k;
	}
}

void text_sync(struct text *t)
{
	struct grid g;

	text_title(t, "Clocks");
	grid_init(&g, sync_columns, sizeof(sync_columns) / sizeof(sync_columns[0]));
	for (int i = 0; i < (int)t->r->machines.n; i++)
		sync_rows(t, &g, i);
	text_grid(t, &g);
	grid_deinit(&g);
	text_estimates(t);
}

/* ---- warnings ------------------------------------------------------------------------------- */

static void print_diag(struct text *t, const struct res_diag *d)
{
	const char *when = "", *where = "";

	if (d->first != TABLE_NULL)
		when = arena_printf(
			&t->arena, ", first after %s",
			units_duration(&t->arena, ns_between(t->r->begin, d->first), 4));
	if (d->file)
		where = arena_printf(&t->arena, ", in %s (packet at byte %s, bit %s)",
				     units_safe(&t->arena, d->file, 120),
				     units_number(&t->arena, d->packet),
				     units_number(&t->arena, d->bit));
	text_wrapped(t, 2,
		     arena_printf(&t->arena, "%s: %s: %s, %s time%s%s%s",
				  units_safe(&t->arena, d->severity, 20),
				  d->machine == NOBODY ? "all" : text_machine(t, d->machine, 20),
				  units_safe(&t->arena, d->name, 40),
				  units_count(&t->arena, d->count), d->count == 1 ? "" : "s", when,
				  where));
	text_wrapped(t, 6, units_safe(&t->arena, d->help, 2000));
	if (d->detail)
		text_wrapped(t, 6, units_safe(&t->arena, d->detail, 2000));
}

void text_diag(struct text *t)
{
	text_title(t, "Warnings");
	if (!t->r->diags.n)
		text_line(t, "  none");
	vec_each (d, &t->r->diags) {
		if (has_diag(t, d))
			print_diag(t, d);
	}
}
