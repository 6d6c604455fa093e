#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock_text.h"
#include "base/mem.h"
#include "export/html.h"
#include "export/target.h"
#include "results/summary_scan.h"
#include "store/meta.h"

/* ---- tables --------------------------------------------------------------------------------- */

static const char threads_sql[] =
	"SELECT machine AS VM, f.comm AS thread, f.tid AS \"tid:n\", believed_ns AS \"charged:ns\","
	" user_ns AS \"user:ns\", syscall_ns AS \"kernel:ns\", nullif(irq_ns + softirq_ns, 0) AS"
	" \"interrupts:ns\", nullif(stolen_ns, 0) AS \"stolen:ns\","
	" nullif(hypervisor_ns, 0) AS \"exits:ns\", nullif(wait_cpu_ns, 0) AS \"waited for a CPU:ns\""
	" FROM found_thread f JOIN thread t ON t.id = f.thread_id"
	" JOIN machine m ON m.id = t.machine_id"
	" WHERE m.parent_id IS NOT NULL AND f.tid <> 0 AND believed_ns > 0"
	" ORDER BY believed_ns DESC LIMIT 20";

static const char machines_sql[] =
	"SELECT m.name AS machine, nullif(m.hostname, m.name) AS \"host name\", m.role AS role, h.name AS \"guest of\", m.pid AS \"process:n\","
	" m.last_ns - m.first_ns AS \"traced for:ns\", m.events AS \"events:n\","
	" m.lost_events AS \"lost:n\", m.evidence AS \"why\""
	" FROM machine m LEFT JOIN machine h ON h.id = m.parent_id ORDER BY m.id LIMIT 100";

static const char clocks_sql[] =
	"SELECT m.name || coalesce(' CPU ' || s.cpu, '') AS machine, r.name AS \"on the clock of\", s.method AS \"found by\","
	" s.offset_ns AS \"offset:ns\", printf('%+.3f', s.drift_ppb / 1000) AS \"drift, ppm:n\","
	" s.error_ns AS \"±:ns\", s.constraints AS \"constraints:n\", s.violations AS \"violated:n\""
	" FROM sync s JOIN machine m ON m.id = s.machine_id"
	" LEFT JOIN machine r ON r.id = s.reference_id WHERE s.chosen = 1 AND s.method <> 'reference'"
	" ORDER BY m.id, s.cpu, s.from_ns LIMIT 100";

static const char warnings_sql[] =
	"SELECT d.severity AS severity, d.name AS what, m.name AS machine, d.count AS \"times:n\","
	" d.help AS \"what it means\", d.detail AS detail"
	" FROM diag d LEFT JOIN machine m ON m.id = d.machine_id"
	" ORDER BY CASE d.severity WHEN 'damage' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, d.name LIMIT 200";

static int write_threads(struct html *h)
{
	return html_table(h, threads_sql, "<p>No guest was traced.</p>\n");
}

static int write_machines(struct html *h)
{
	return html_table(h, machines_sql, "<p>None.</p>\n");
}

static int write_clocks(struct html *h)
{
	return html_table(h, clocks_sql, "<p>There is only one clock.</p>\n");
}

static int write_warnings(struct html *h)
{
	return html_table(h, warnings_sql, "<p>None.</p>\n");
}

/* ---- the page ------------------------------------------------------------------------------- */

struct section {
	const char *id, *title, *about;
	int (*write)(struct html *h);
};

static const struct section sections[] = {
	{"vcpus", "What each vCPU did",
	 "Every column shows how its time was shared. Dark orange (preempted), pink (waiting) and "
	 "wine red (throttled) are times in which the vCPU could run and had no CPU.",
	 html_vcpu_lanes},
	{"cpus", "What the host's CPUs did", "Through to the VM that ran.", html_cpu_lanes},
	{"steal", "Who had the CPU while vCPUs could run",
	 "How long each vCPU was preempted by, or waited for, whom.", html_steal},
	{"exits", "VM exits by reason", "", html_exits},
	{"exit-details", "What VM exits were about",
	 "MSRs, ports, addresses, registers, hypercalls.", html_exit_details},
	{"wakeups", "From wake-up to running",
	 "How long threads of guests took to run after they were woken, counted by length; and those "
	 "that lost most time so.",
	 html_wakeups},
	{"vcpu-times", "Where all time of each vCPU went",
	 "RUN: in the guest. READY: it could run and had no CPU. EXIT: in KVM or user space. POLL: "
	 "halted, but its CPU kept busy. IDLE: halted. They add up.",
	 html_vcpus},
	{"threads", "Threads of guests",
	 "What the guest charged to each thread, and what that time truly was.", write_threads},
	{"machines", "Machines", "", write_machines},
	{"clocks", "Clocks", "", write_clocks},
	{"warnings", "Warnings", "", write_warnings},
};

enum { N_SECTIONS = sizeof(sections) / sizeof(*sections) };

/* Where what is, to jump to. */
static void write_contents(struct html *h)
{
	html_raw(h,
		 "<nav class=soft aria-label=Contents><a href=\"#findings\">Why VMs were slow</a>");
	for (size_t i = 0; i < N_SECTIONS; i++)
		html_rawf(h, " &middot; <a href=\"#%s\">%s</a>", sections[i].id, sections[i].title);
	html_raw(h, "</nav>\n");
}

static int write_sections(struct html *h)
{
	for (size_t i = 0; i < N_SECTIONS; i++) {
		const struct section *s = &sections[i];

		export_progress(h->job, s->title, i, N_SECTIONS);
		html_rawf(h, "<section id=%s><h2>%s</h2>\n", s->id, s->title);
		if (*s->about)
			html_rawf(h, "<p class=soft>%s</p>\n", s->about);
		if (s->write(h))
			return ERR;
		html_raw(h, "</section>\n");
	}
	return 0;
}

/* When the recording begins: "2026-11-23 01:17:59Z", "731.489040 s after boot". */
static void write_begin(struct html *h)
{
	const struct clock_text clock = {.gmt = h->job->utc, .origin = h->origin};
	char text[CLOCK_MOMENT_SIZE];

	if (clock_text_moment(&clock, h->begin, text))
		html_text(h, text);
	else
		html_rawf(h, "%.6f&nbsp;s%s", (double)h->begin / 1e9,
			  clock_origin_words(h->origin));
}

/* "only web1, vCPU 0; " */
static void write_choice(struct html *h)
{
	const struct export_choice *c = &h->job->choice;

	if (!c->vm && !c->one_vcpu)
		return;
	html_raw(h, "only ");
	html_text(h, c->vm ? c->vm : "");
	if (c->one_vcpu)
		html_rawf(h, "%svCPU %" PRId64, c->vm ? ", " : "", c->vcpu);
	html_raw(h, "; ");
}

static void write_title_part(struct html *h, sqlite3_stmt *row)
{
	html_text(h, html_column(row, 0));
}

static const char title_sql[] =
	"SELECT coalesce(group_concat(name, ', '), 'no machine') FROM (SELECT m.name FROM machine m"
	" WHERE m.parent_id IS NULL ORDER BY m.id LIMIT 4)";

static const char counts_sql[] =
	"SELECT printf('%d machine%s, %d vCPU%s', m, iif(m = 1, '', 's'), v, iif(v = 1, '', 's'))"
	" FROM (SELECT (SELECT count(*) FROM machine) AS m, (SELECT count(*) FROM vcpu) AS v)";

/* Nothing is fetched, and nothing in the page can run, whatever the names in the recording are. */
static int write_head(struct html *h)
{
	html_raw(h, "<!doctype html>\n<html lang=en><head><meta charset=utf-8>\n"
		    "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; "
		    "style-src 'unsafe-inline'\">\n"
		    "<meta name=viewport content=\"width=device-width,initial-scale=1\">\n"
		    "<meta name=color-scheme content=\"light dark\">\n<title>vmscope: ");
	if (html_each(h, title_sql, write_title_part))
		return ERR;
	html_raw(h, "</title>\n");
	html_style(h);
	html_raw(h, "</head><body>\n<header><h1>What the vCPUs on ");
	if (html_each(h, title_sql, write_title_part))
		return ERR;
	html_raw(h, " truly did</h1>\n<p class=soft>");
	write_choice(h);
	if (h->job->range.given) {
		html_moment(h, h->from);
		html_raw(h, " to ");
		html_moment(h, h->to);
		html_raw(h, " of a recording that begins at ");
		write_begin(h);
	} else {
		html_ns(h, h->to - h->from);
		html_raw(h, " from ");
		write_begin(h);
	}
	html_raw(h, "; ");
	if (html_each(h, counts_sql, write_title_part))
		return ERR;
	html_raw(h, "</p>\n");
	write_contents(h);
	html_raw(h, "</header>\n");
	return 0;
}

static void write_foot(struct html *h)
{
	const char *slash = strrchr(h->job->path, '/');

	html_raw(h, "<footer>Made by vmscope " VMSCOPE_VERSION " from ");
	html_text(h, slash ? slash + 1 : h->job->path);
	html_raw(h,
		 ". Times are by the clock of the outermost host; +seconds count from the begin of "
		 "the recording.</footer>\n</body></html>\n");
}

static int add_up(struct html *h)
{
	const struct results_range range = {
		.given = h->job->range.given, .from = h->job->range.from, .to = h->job->range.to};

	export_progress(h->job, "adding up", 0, N_SECTIONS);
	return html_gather(h) || chosen_ids_init(&h->chosen, h->db, &h->job->choice, h->err) ||
			       results_init(&h->results, h->store, &range, h->err) ||
			       summary_scan(&h->results, SUMMARY_LANES | SUMMARY_EXITS, 1, NULL,
					    h->err)
		       ? ERR
		       : 0;
}

static int write_page(struct html *h)
{
	if (add_up(h) || write_head(h) || html_findings(h))
		return ERR;
	if (h->from < h->to && write_sections(h))
		return ERR;
	if (h->from >= h->to)
		html_raw(h, "<p>The recording holds no time at all.</p>\n");
	write_foot(h);
	return 0;
}

/* ---- the file ------------------------------------------------------------------------------- */

static void find_span(struct html *h)
{
	h->from = INT64_MAX;
	h->to = INT64_MIN;
	for (int i = 0; i < TABLE_N; i++) {
		if (table_get((enum table_id)i)->kind != TABLE_STATES)
			continue;
		vec_each (lane, &h->store->tables[i].lanes) {
			h->from = lane->entry.first < h->from ? lane->entry.first : h->from;
			h->to = lane->entry.end > h->to ? lane->entry.end : h->to;
		}
	}
	if (h->from > h->to)
		h->from = h->to = 0;
	h->begin = h->from;
	if (h->job->range.given) {
		h->from = h->job->range.from;
		h->to = h->job->range.to;
	}
}

/* Sums and differences of times are then safe. */
static int check_span(const struct html *h)
{
	const int64_t limit = INT64_MAX / 4 * 3;

	if (h->begin >= -limit && h->from >= -limit && h->to <= limit &&
	    (uint64_t)h->to - (uint64_t)h->from <= limit / 2)
		return 0;
	return error_set(h->err, "'%s' spans a time that no recording can have", h->job->path);
}

static int write_file(struct html *h)
{
	struct target t;

	find_span(h);
	if (store_time_origin(h->store, &h->origin, h->err) || check_span(h) ||
	    target_begin(&t, h->job->output, h->err))
		return ERR;
	out_init(&h->out, t.file);
	int r = write_page(h);

	out_deinit(&h->out);
	if (!r)
		r = target_commit(&t, h->err);
	target_end(&t);
	return r;
}

int export_html(const struct export_job *job, struct error *err)
{
	struct html h = {.job = job, .err = err};

	if (store_open(&h.store, job->path, err))
		return ERR;
	int r = source_open(&h.db, job->path, &job->range, &job->choice, err);

	if (!r) {
		r = write_file(&h);
		chosen_ids_deinit(&h.chosen);
		results_deinit(&h.results);
		arena_deinit(&h.texts);
		sqlite3_close(h.db);
	}
	store_free(h.store);
	return r;
}
