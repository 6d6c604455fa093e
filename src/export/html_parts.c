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
	"CREATE TEMP TABLE found_vcpu AS SELECT * FROM vcpu_summary;"
	"CREATE TEMP TABLE found_wakeup AS SELECT * FROM wakeup_summary;"
	"CREATE TEMP TABLE found_thread AS SELECT *,"
	" user_ns + syscall_ns + irq_ns + softirq_ns + stolen_ns + hypervisor_ns AS believed_ns"
	" FROM thread_summary;";

int html_gather(struct html *h)
{
	return source_run(h->db, sqlite3_mprintf("%s", gather_sql), h->err);
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
