#include "report/report.h"

#include <string.h>

#include "results/results.h"
#include "report/rows_print.h"
#include "report/section_rows.h"
#include "results/summary_scan.h"
#include "report/text_report.h"

static void print(FILE *f, const struct results *r, const struct findings *found,
		  const struct chosen *c, const struct report_options *options, unsigned sections)
{
	switch (options->format) {
	case REPORT_TEXT:
		text_print(f, r, found, c, options);
		break;
	case REPORT_JSON:
		rows_print_json(f, r, found, c, sections);
		break;
	case REPORT_CSV:
		rows_print_csv(f, r, found, c, sections);
		break;
	}
}

/* Return: 0; 1 when there is no VM or vCPU that findings are asked of; or ERR. */
static int report_find_and_print(FILE *f, const struct results *r, const struct chosen *c,
				 const struct report_options *options, unsigned sections,
				 struct error *err)
{
	struct findings_wanted wanted = options->findings;
	struct findings found;

	if (options->choice.one_vcpu)
		wanted.vcpu = options->choice.vcpu;
	int status = findings_init(&found, r, &wanted, err);

	if (!status)
		print(f, r, &found, c, options, sections);
	findings_deinit(&found);
	return status;
}

static int choose_and_print(FILE *f, struct results *r, const struct report_options *options,
			    unsigned sections, struct error *err)
{
	struct chosen c;
	int status = chosen_init(&c, r, &options->choice, err);

	if (!status) {
		vec_each (v, &r->vcpus)
			chosen_sort_exits(&c, v->sum.exits.at, v->sum.exits.n);
		status = report_find_and_print(f, r, &c, options, sections, err);
	}
	chosen_deinit(&c);
	return status;
}

int report_print(FILE *f, const struct store *store, const struct report_options *options,
		 struct error *err)
{
	bool overview = options->format == REPORT_TEXT && !options->all;
	unsigned all = overview ? TEXT_OVERVIEW : (1u << REPORT_N_SECTIONS) - 1;
	unsigned sections = options->sections ? options->sections : all;
	struct results r;
	int status = results_init(&r, store, &options->range, err);

	if (!status)
		status = summary_scan(&r, report_parts(sections), options->threads, options->tally,
				      err);
	if (!status)
		status = choose_and_print(f, &r, options, sections, err);
	results_deinit(&r);
	return status;
}

int report_is_damaged(const struct store *store, struct error *err)
{
	const struct results_range whole = {0};
	struct results r;
	int damaged = results_init(&r, store, &whole, err);

	vec_each (d, &r.diags)
		damaged = damaged == ERR ? ERR : damaged | !strcmp(d->severity, "damage");
	results_deinit(&r);
	return damaged;
}
