#include "export/html.h"

/* A bold number in a sentence. */
static void write_ns(struct html *h, sqlite3_stmt *row, int column)
{
	html_raw(h, "<b>");
	html_ns(h, sqlite3_column_int64(row, column));
	html_raw(h, "</b>");
}

static void write_share(struct html *h, sqlite3_stmt *row, int part, int whole)
{
	html_raw(h, "<b>");
	html_percent(h, sqlite3_column_double(row, part), sqlite3_column_double(row, whole));
	html_raw(h, "</b>");
}

/* ---- one sentence or two about each VM ------------------------------------------------------ */

static void write_vm(struct html *h, sqlite3_stmt *row)
{
	html_raw(h, "<li><b>");
	html_text(h, html_column(row, 0));
	if (!sqlite3_column_int(row, 5)) {
		html_raw(h, "</b> ran for ");
		write_ns(h, row, 2);
		html_raw(h, ". What it did from exits to entries is not known: the host's "
			    "scheduler was not recorded.\n");
		return;
	}
	html_raw(h, "</b> wanted to run for ");
	write_ns(h, row, 1);
	html_raw(h, ". For ");
	write_share(h, row, 2, 1);
	html_raw(h, " of that it ran, ");
	write_share(h, row, 3, 1);
	html_raw(h, " went into VM exits, and for ");
	write_share(h, row, 4, 1);
	html_raw(h, " (");
	html_ns(h, sqlite3_column_int64(row, 4));
	html_raw(h, ") it had no CPU.\n");
}

static const char vms_sql[] =
	"SELECT coalesce(machine, 'A VM'), sum(wanted) AS all_ns, sum(guest_ns),"
	" sum(hypervisor_ns + userspace_ns), sum(steal_ns) AS lost, min(scheduled) FROM ("
	"  SELECT *, guest_ns + hypervisor_ns + userspace_ns + steal_ns AS wanted FROM found_vcpu)"
	" GROUP BY machine HAVING all_ns > 0 ORDER BY lost DESC LIMIT 6";

/* ---- who took most, and the worst moment ---------------------------------------------------- */

static void write_thief(struct html *h, sqlite3_stmt *row)
{
	html_raw(h, "<li>Of what ");
	html_text(h, html_column(row, 0));
	html_raw(h, " lost, most went to <b>");
	html_text(h, html_column(row, 1));
	html_raw(h, "</b>: ");
	write_ns(h, row, 2);
	html_raw(h, ", ");
	write_share(h, row, 2, 3);
	html_raw(h, ".\n");
}

static const char thieves_sql[] =
	"SELECT machine, thief, ns, all_ns FROM (SELECT machine, thief, sum(steal_ns) AS ns,"
	"  sum(sum(steal_ns)) OVER m AS all_ns,"
	"  row_number() OVER (PARTITION BY machine ORDER BY sum(steal_ns) DESC) AS rank"
	"  FROM found_steal GROUP BY machine, thief WINDOW m AS (PARTITION BY machine))"
	" WHERE rank = 1 AND ns > 0 ORDER BY all_ns DESC LIMIT 4";

static void write_worst(struct html *h, sqlite3_stmt *row)
{
	html_raw(h, "<li>The longest that a vCPU had to go without a CPU at a stretch was ");
	write_ns(h, row, 1);
	html_raw(h, ": ");
	html_text(h, html_column(row, 0));
	html_raw(h, " at <b>");
	html_moment(h, sqlite3_column_int64(row, 2));
	html_raw(h, "</b>");
	html_text(h, html_column(row, 3));
	html_raw(h, ".\n");
}

/* Of the one pair that has the longest, so that only its rows are looked through. */
static const char worst_sql[] =
	"SELECT w.machine || ' vCPU ' || w.vcpu_index, s.dur, s.ts, CASE"
	" WHEN w.occupant_thread_id IS NULL THEN '' WHEN w.occupant_tid = 0 THEN"
	" ', though the CPU was idle' ELSE ', while ' || w.thief || ' had it' END"
	" FROM (SELECT * FROM found_steal ORDER BY max_ns DESC LIMIT 1) w"
	" JOIN vcpu_state s ON s.vcpu_id = w.vcpu_id AND s.state IN (%s)"
	"  AND s.dur = w.max_ns AND s.occupant_thread_id IS w.occupant_thread_id LIMIT 1";

/* Return: the names of states in which a vCPU has no CPU, for SQL; the caller's. */
static char *lost_states(void)
{
	char *list = mem_strdup("");

	for (int i = 0; i < VCPU_N_STATES; i++) {
		if (!vcpu_state_is(i, STATE_LOST))
			continue;
		char *longer = mem_printf("%s%s'%s'", list, *list ? ", " : "",
					  vcpu_state_labels.at[i].name);

		free(list);
		list = longer;
	}
	return list;
}

static int write_worst_one(struct html *h)
{
	char *states = lost_states(), *query = mem_printf(worst_sql, states);
	int r = html_each(h, query, write_worst);

	free(states);
	free(query);
	return r;
}

/* ---- exits, wake-ups, clocks, warnings ------------------------------------------------------ */

static void write_exit(struct html *h, sqlite3_stmt *row)
{
	html_raw(h, "<li>The VM exits that cost ");
	html_text(h, html_column(row, 0));
	html_raw(h, " most were <b>");
	html_text(h, html_column(row, 1));
	html_rawf(h, "</b>: %s of them, ", html_column(row, 2));
	write_ns(h, row, 3);
	html_raw(h, " without what they slept.\n");
}

static const char exits_sql[] =
	"SELECT machine, name, exits, awake FROM (SELECT *,"
	"  handled_ns + userspace_ns + preempted_ns AS awake, row_number() OVER (PARTITION BY machine"
	"  ORDER BY handled_ns + userspace_ns + preempted_ns DESC) AS rank FROM found_exit)"
	" WHERE rank = 1 AND awake > 0 AND name IS NOT NULL ORDER BY awake DESC LIMIT 3";

static void write_clock(struct html *h, sqlite3_stmt *row)
{
	html_raw(h, "<li>The clock of ");
	html_text(h, html_column(row, 0));
	if (sqlite3_column_type(row, 1) == SQLITE_NULL) {
		html_raw(
			h,
			" could not be put on the host's: what its own trace says is on a time line "
			"of its own.\n");
		return;
	}
	html_raw(h, " was put on the host's by ");
	html_text(h, html_column(row, 2));
	html_raw(h, ", ± ");
	write_ns(h, row, 1);
	html_raw(h, ".\n");
}

static const char clocks_sql[] =
	"SELECT m.name, iif(count(s.error_ns) = count(*), max(s.error_ns), NULL), max(s.method)"
	" FROM sync s JOIN machine m ON m.id = s.machine_id"
	" WHERE s.chosen = 1 AND s.method <> 'reference' GROUP BY m.id ORDER BY m.id LIMIT 8";

static void write_warnings(struct html *h, sqlite3_stmt *row)
{
	int64_t n = sqlite3_column_int64(row, 0);

	if (!n)
		return;
	html_rawf(h, "<li>%s; see <a href=\"#warnings\">warnings</a>.\n",
		  sqlite3_column_int64(row, 1)
			  ? "<b>Data was lost or damaged</b>, so parts are unknown"
			  : "Some things could not be known");
}

static const char warnings_sql[] = "SELECT count(*) FILTER (WHERE severity <> 'info'),"
				   " count(*) FILTER (WHERE severity = 'damage') FROM diag";

struct sentence {
	const char *sql;
	void (*write)(struct html *h, sqlite3_stmt *row);
};

static int write_sentences(struct html *h, const struct sentence *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (html_each(h, s[i].sql, s[i].write))
			return ERR;
	}
	return 0;
}

int html_findings(struct html *h)
{
	static const struct sentence first[] = {{vms_sql, write_vm}, {thieves_sql, write_thief}};
	static const struct sentence rest[] = {
		{exits_sql, write_exit}, {clocks_sql, write_clock}, {warnings_sql, write_warnings}};

	html_raw(h, "<ul class=found>\n");
	if (write_sentences(h, first, sizeof(first) / sizeof(*first)) || write_worst_one(h) ||
	    write_sentences(h, rest, sizeof(rest) / sizeof(*rest)))
		return ERR;
	html_raw(h, "</ul>\n");
	return 0;
}
