#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "export/html.h"
#include "store/cursor.h"

/*
 * Each of these is read from the file once; what is asked of them later is small. Wake-ups are
 * counted by octaves in C, below.
 */
static const char gather_sql[] =
	/* Where an exit's parts are unknown, the host's scheduler was not recorded. */
	"CREATE TEMP TABLE found_vcpu AS SELECT *, vcpu_id NOT IN (SELECT vcpu_id FROM exit_summary"
	" WHERE handled_ns IS NULL) AS scheduled FROM vcpu_summary;"
	"CREATE TEMP TABLE found_exit AS SELECT machine, name, sum(exits) AS exits,"
	" sum(total_ns) AS total_ns, sum(handled_ns) AS handled_ns, sum(userspace_ns) AS userspace_ns,"
	" sum(preempted_ns) AS preempted_ns, sum(blocked_ns) AS blocked_ns, max(max_ns) AS max_ns,"
	" sum(cost_ns) AS cost_ns, sum(handled_ns - polled_ns) AS worked_ns"
	" FROM exit_summary GROUP BY machine, name;"
	/* Threads of one process are one thief. */
	"CREATE TEMP TABLE found_steal AS WITH leader AS ("
	"  SELECT machine_id, tid, min(comm) AS comm FROM thread WHERE tid = pid GROUP BY 1, 2)"
	" SELECT s.*, coalesce(occupant_machine || ' vCPU ' || occupant_vcpu_index,"
	/* As occupant_label() of results/naming.h. */
	"  CASE WHEN s.throttled_ns > 0 THEN 'nobody: its own CPU quota'"
	"   WHEN s.occupant_kind = 'irq' AND s.occupant_handler IS NOT NULL AND s.occupant_irq IS NOT NULL"
	"    THEN 'irq ' || s.occupant_irq || ' (' || s.occupant_handler || ')'"
	"   WHEN s.occupant_kind IN ('irq', 'softirq', 'timer') THEN s.occupant_kind ||"
	"    coalesce(' ' || coalesce(s.occupant_handler, s.occupant_irq), '') END,"
	"  iif(occupant_tid = 0, 'idle (wake-up latency)',"
	"   coalesce(l.comm, occupant_comm) || ' (' || coalesce(t.pid, occupant_tid) || ')'"
	"  "
	/* Its own QEMU is its own doing, another VM's is not. */
	"   || coalesce((SELECT ' of ' || m.name || iif(m.id = v.machine_id, ' itself', '')"
	"     FROM machine m WHERE m.parent_id = t.machine_id AND m.pid = t.pid), '')"
	"   || iif(t.machine_id = v.host_id, '', ' on ' || occupant_host)),"
	"  'not known') AS thief FROM steal_matrix s JOIN vcpu v ON v.id = s.vcpu_id"
	"  LEFT JOIN thread t ON t.id = s.occupant_thread_id"
	"  LEFT JOIN leader l ON l.machine_id = t.machine_id AND l.tid = t.pid;"
	"CREATE TEMP TABLE found_wakeup AS SELECT * FROM wakeup_summary;"
	"CREATE TEMP TABLE found_thread AS SELECT *,"
	" user_ns + syscall_ns + irq_ns + softirq_ns + stolen_ns + hypervisor_ns AS believed_ns"
	" FROM thread_summary;";

int html_gather(struct html *h)
{
	return source_run(h->db, sqlite3_mprintf("%s", gather_sql), h->err);
}

/* ---- who took the CPU ----------------------------------------------------------------------- */

enum { MAX_THIEVES = 8, MAX_VICTIMS = 24 };

/* A cell for each pair, shaded by how much of the worst it is. */
static const char thieves_sql[] = "SELECT thief, sum(steal_ns) FROM found_steal GROUP BY thief"
				  " ORDER BY 2 DESC, 1 LIMIT 8";

static const char victims_sql[] =
	"WITH thief AS (SELECT thief, row_number() OVER (ORDER BY sum(steal_ns) DESC, thief) AS rank"
	"  FROM found_steal GROUP BY thief),"
	" cell AS (SELECT s.vcpu_id, min(t.rank, 9) AS rank, sum(s.steal_ns) AS ns"
	"  FROM found_steal s JOIN thief t ON t.thief = s.thief GROUP BY 1, 2),"
	" victim AS (SELECT vcpu_id, machine, vcpu_index, steal_ns FROM found_vcpu"
	"  WHERE steal_ns > 0 ORDER BY steal_ns DESC LIMIT 24)"
	" SELECT v.machine || ' vCPU ' || v.vcpu_index, v.steal_ns, c.rank, c.ns,"
	"  (SELECT max(ns) FROM cell) FROM victim v JOIN cell c ON c.vcpu_id = v.vcpu_id"
	" ORDER BY v.steal_ns DESC, v.vcpu_id, c.rank";

static void write_thief(struct html *h, sqlite3_stmt *row)
{
	html_raw(h, "<th class=n>");
	html_text(h, html_column(row, 0));
}

static void write_cell(struct html *h, sqlite3_stmt *row)
{
	double share = sqlite3_column_double(row, 3) / fmax(sqlite3_column_double(row, 4), 1);

	html_rawf(h, "<td class=n style=\"background:rgba(var(--heat),%.2f)\">", 0.75 * share);
	html_ns(h, sqlite3_column_int64(row, 3));
}

static void pad_cells(struct html *h, int *column, int end)
{
	for (; *column < end; ++*column)
		html_raw(h, "<td>");
}

/* Rows come cell by cell. */
static int write_victims(struct html *h)
{
	int r, column = MAX_THIEVES + 2;
	char *name = mem_strdup("");
	sqlite3_stmt *s;

	if (source_prepare(&s, h->db, victims_sql, h->err)) {
		free(name);
		return ERR;
	}
	while ((r = source_step(s, h->err)) == SQLITE_ROW) {
		if (strcmp(name, html_column(s, 0)) != 0) {
			pad_cells(h, &column, MAX_THIEVES + 2);
			free(name);
			name = mem_strdup(html_column(s, 0));
			html_raw(h, "<tr><td class=name>");
			html_text(h, name);
			html_raw(h, "<td class=n><b>");
			html_ns(h, sqlite3_column_int64(s, 1));
			html_raw(h, "</b>");
			column = 1;
		}
		pad_cells(h, &column, sqlite3_column_int(s, 2));
		write_cell(h, s);
		column++;
	}
	pad_cells(h, &column, MAX_THIEVES + 2);
	free(name);
	sqlite3_finalize(s);
	return r == SQLITE_DONE ? 0 : ERR;
}

int html_steal(struct html *h)
{
	if (!source_number(h->db, "SELECT sum(steal_ns) FROM found_steal", 0)) {
		html_raw(h, "<p>No vCPU had to wait for a CPU.</p>\n");
		return 0;
	}
	html_raw(h, "<div class=wide><table class=heat><thead><tr><th>lost by<th class=n>in all");
	if (html_each(h, thieves_sql, write_thief))
		return ERR;
	int64_t n = source_number(h->db, "SELECT count(DISTINCT thief) FROM found_steal", 0);

	for (int64_t i = n; i < MAX_THIEVES; i++)
		html_raw(h, "<th>");
	html_raw(h,
		 n > MAX_THIEVES ? "<th class=n>others</thead><tbody>\n" : "<th></thead><tbody>\n");
	if (write_victims(h))
		return ERR;
	html_raw(h, "</tbody></table></div>\n");
	n = source_number(h->db, "SELECT count(*) FROM found_vcpu WHERE steal_ns > 0", 0);
	if (n > MAX_VICTIMS)
		html_rawf(h, "<p class=soft>The %d that lost most, of %" PRId64 ".</p>\n",
			  MAX_VICTIMS, n);
	return 0;
}

/* ---- exits ---------------------------------------------------------------------------------- */

/* A bar in two colours: who worked for the exits. */
static void write_bar(struct html *h, sqlite3_stmt *row, int first, double most)
{
	static const char *const classes[] = {"vcpu-hypervisor", "vcpu-userspace"};
	double x = 0;

	html_raw(
		h,
		"<svg class=bar viewBox=\"0 0 1000 10\" preserveAspectRatio=none aria-hidden=true>");
	for (int i = 0; i < 2; i++) {
		double width = 1000 * sqlite3_column_double(row, first + i) / fmax(most, 1);

		if (width >= 0.5)
			html_rawf(h, "<rect class=%s x=%.0f width=%.0f height=10 />", classes[i], x,
				  width);
		x += width;
	}
	html_raw(h, "</svg>");
}

static void write_exit(struct html *h, sqlite3_stmt *row)
{
	double seconds = (double)((uint64_t)h->to - (uint64_t)h->from) / 1e9;

	html_raw(h, "<tr><td>");
	html_text(h, html_column(row, 0));
	html_raw(h, "<td>");
	html_text(h, html_column(row, 1));
	html_raw(h, "<td>");
	write_bar(h, row, 4, sqlite3_column_double(row, 8));
	html_raw(h, "<td class=n>");
	html_ns(h, sqlite3_column_int64(row, 7));
	html_rawf(h, "<td class=n>%s<td class=n>%.1f<td class=n>", html_column(row, 2),
		  sqlite3_column_double(row, 2) / seconds);
	html_ns(h, sqlite3_column_int64(row, 7) / sqlite3_column_int64(row, 2));
	html_raw(h, "<td class=n>");
	html_ns(h, sqlite3_column_int64(row, 9));
	for (int i = 10; i < 12; i++) {
		html_raw(h, "<td class=n>");
		if (sqlite3_column_int64(row, i))
			html_ns(h, sqlite3_column_int64(row, i));
	}
}

static const char exits_sql[] =
	"SELECT machine, coalesce(name, 'not recorded'), exits, total_ns, worked_ns, userspace_ns,"
	" preempted_ns, cost, max(cost) OVER (), max_ns, preempted_ns, total_ns - cost - preempted_ns"
	" FROM (SELECT *, coalesce(cost_ns, total_ns) AS cost,"
	"  row_number() OVER (PARTITION BY machine ORDER BY coalesce(cost_ns, total_ns) DESC) AS rank"
	"  FROM found_exit)"
	" WHERE rank <= 12 ORDER BY sum(cost) OVER (PARTITION BY machine) DESC, machine, rank LIMIT 100";

int html_exits(struct html *h)
{
	if (!source_number(h->db, "SELECT count(*) FROM found_exit", 0)) {
		html_raw(h, "<p>No VM exit was recorded.</p>\n");
		return 0;
	}
	html_raw(h, "<div class=legend><span><i class=\"key vcpu-hypervisor\"></i>KVM worked</span>"
		    "<span><i class=\"key vcpu-userspace\"></i>user space worked</span></div>\n"
		    "<div class=wide><table><thead><tr><th>VM<th>reason<th>what they cost"
		    "<th class=n>in all<th class=n>exits<th class=n>per s<th class=n>on average"
		    "<th class=n>longest<th class=n>without a CPU<th class=n>halted or asleep"
		    "</thead><tbody>\n");
	if (html_each(h, exits_sql, write_exit))
		return ERR;
	html_raw(h, "</tbody></table></div>\n");
	return 0;
}

/* ---- wake-ups ------------------------------------------------------------------------------- */

enum { FIRST_OCTAVE = 9, LAST_OCTAVE = 31, PER_OCTAVE = 2 }; /* 0.5 us to 4 s */

enum { N_CLASSES = (LAST_OCTAVE - FIRST_OCTAVE) * PER_OCTAVE };

static int class_of(int64_t ns)
{
	double octave = ns > 0 ? log2((double)ns) : 0;
	int class = (int)floor((octave - FIRST_OCTAVE) * PER_OCTAVE);

	return class < 0 ? 0 : class < N_CLASSES ? class : N_CLASSES - 1;
}

/* Counts the wake-ups of all threads by how long they took. Return: 0, or ERR with h->err set. */
static int count_wakeups(struct html *h, uint64_t *counts)
{
	struct store_query q = store_query_all(h->store, TABLE_WAKEUP);
	struct store_cursor c;
	int r;

	q.from = h->from;
	q.to = h->to;
	q.columns = 1U << COL_WAKEUP_TS | 1U << COL_WAKEUP_RUN_NS;
	store_cursor_init(&c, h->store, &q);
	while ((r = store_cursor_next(&c, h->err)) == CURSOR_ROW) {
		int64_t run = store_cursor_get(&c, COL_WAKEUP_RUN_NS);

		if (run >= 0)
			counts[class_of(run)]++;
	}
	store_cursor_deinit(&c);
	return r;
}

/* Every decade of time below the bars. */
static void write_decades(struct html *h)
{
	static const char *const names[] = {"1 &micro;s", "10 &micro;s", "100 &micro;s", "1 ms",
					    "10 ms",	  "100 ms",	 "1 s"};

	for (int i = 0; i < 7; i++) {
		double x = (log2(pow(10, 3 + i)) - FIRST_OCTAVE) * PER_OCTAVE * 16;

		html_rawf(h,
			  "<line x1=%.1f x2=%.1f y1=180 y2=186 /><text x=%.1f y=198 "
			  "text-anchor=middle>%s</text>",
			  x, x, x, names[i]);
	}
}

static void write_histogram(struct html *h, const uint64_t *counts)
{
	uint64_t most = 1;

	for (int i = 0; i < N_CLASSES; i++)
		most = counts[i] > most ? counts[i] : most;
	html_rawf(
		h,
		"<svg class=hist viewBox=\"0 0 %d 204\" role=img aria-label=\"how long wake-ups took\">",
		N_CLASSES * 16);
	for (int i = 0; i < N_CLASSES; i++) {
		double height = 165.0 * (double)counts[i] / (double)most;

		if (counts[i])
			html_rawf(h, "<rect x=%d y=%.1f width=15 height=%.1f />", i * 16,
				  180 - fmax(height, 1), fmax(height, 1));
	}
	html_rawf(h,
		  "<line x1=0 x2=%d y1=180 y2=180 /><text x=2 y=12>%" PRIu64
		  " in the tallest bar</text>",
		  N_CLASSES * 16, most);
	write_decades(h);
	html_raw(h, "</svg>\n");
}

int html_wakeups(struct html *h)
{
	uint64_t counts[N_CLASSES] = {0};

	if (!source_number(h->db, "SELECT count(*) FROM found_wakeup", 0)) {
		html_raw(h, "<p>No guest's trace has wake-ups.</p>\n");
		return 0;
	}
	if (count_wakeups(h, counts))
		return ERR;
	write_histogram(h, counts);
	return html_table(
		h,
		"SELECT machine AS VM, comm || ' (' || tid || ')' AS thread, wakeups AS \"woken:n\","
		" p50_ns AS \"half within:ns\", p99_ns AS \"99 % within:ns\", max_ns AS \"longest:ns\","
		" nullif(vcpu_wake_ns, 0) AS \"until its vCPU was woken:ns\","
		" nullif(vcpu_run_ns, 0) AS \"until that had a CPU:ns\","
		" nullif(entry_ns, 0) AS \"until the guest ran:ns\","
		" nullif(run_ns, 0) AS \"until it ran:ns\""
		" FROM found_wakeup ORDER BY vcpu_wake_ns + vcpu_run_ns + entry_ns + run_ns DESC LIMIT 12",
		"");
}
