#include "export/html.h"
#include "results/findings.h"
#include "results/summary_scan.h"

/* Of many VMs those that lost most. */
enum { MAX_FINDINGS = 20 };

/* A part of a finding, after the first; NULL: there is none. */
static void html_sentence(struct html *h, const char *before, const char *sentence)
{
	if (!sentence)
		return;
	html_raw(h, before);
	html_text(h, sentence);
}

static void html_finding(struct html *h, const struct finding *f, size_t number)
{
	html_rawf(h, "<li id=finding-%zu><b>", number);
	html_text(h, f->what);
	html_raw(h, "</b>");
	html_sentence(h, " ", f->where);
	html_sentence(h, " ", f->evidence);
	html_sentence(h, " ", f->against);
	html_sentence(h, "<br>Remedy: ", cause_info(f->cause)->remedy);
	html_raw(h, ".");
	html_sentence(h, "<br><code>", f->look);
	html_raw(h, "</code>\n");
}

/* ---- what cannot be told --------------------------------------------------------------------- */

static void html_missing(struct html *h, const struct findings *found, const struct results *r)
{
	if (!found->missing.n)
		return;
	html_raw(h, "<details class=soft><summary>What cannot be told, because it was not recorded"
		    "</summary><ul>\n");
	vec_each (m, &found->missing) {
		html_raw(h, "<li>");
		if (m->machine != NOBODY) {
			html_text(h, r->machines.at[m->machine].name);
			html_raw(h, ": ");
		}
		html_text(h, m->event);
		html_sentence(h, ": ", m->without);
		html_raw(h, "\n");
	}
	html_raw(h, "</ul></details>\n");
}

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

/* ---- all ------------------------------------------------------------------------------------- */

static int html_write_findings(struct html *h, const struct findings *found)
{
	html_raw(h, "<section id=findings><h2>Why VMs were slow</h2>\n<ul class=found>\n");
	html_sentence(h, "<li>", found->verdict);
	for (size_t i = 0; i < found->at.n && i < MAX_FINDINGS; i++)
		html_finding(h, &found->at.at[i], i + 1);
	if (found->at.n > MAX_FINDINGS)
		html_rawf(h, "<li>And %zu more that cost less.\n", found->at.n - MAX_FINDINGS);
	if (html_each(h, warnings_sql, write_warnings))
		return ERR;
	html_raw(h, "</ul>\n");
	html_missing(h, found, &h->results);
	html_raw(h, "</section>\n");
	return 0;
}

int html_findings(struct html *h)
{
	const struct findings_wanted wanted = {.vm = h->job->choice.vm, .vcpu = html_one_vcpu(h)};
	struct findings found;
	int status = findings_init(&found, &h->results, &wanted, h->err);

	if (!status)
		status = html_write_findings(h, &found);
	findings_deinit(&found);
	return status > 0 ? 0 : status; /* none of the VMs that were chosen is in the range */
}
