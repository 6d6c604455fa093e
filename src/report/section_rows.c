#include "report/section_rows.h"

#include "report/rows_choose.h"
#include "results/summary_scan.h"

unsigned report_parts(unsigned sections)
{
	unsigned found = 1u << REPORT_FINDINGS | 1u << REPORT_MISSING;
	unsigned lanes =
		1u << REPORT_VCPUS | 1u << REPORT_PCPUS | 1u << REPORT_STEAL | 1u << REPORT_SPLIT;
	/* Whether a vCPU's time can be told from its host's shows in its exits. */
	unsigned exits = 1u << REPORT_EXITS | 1u << REPORT_VM_EXITS | 1u << REPORT_EXIT_DETAILS |
			 1u << REPORT_WAITS | 1u << REPORT_VCPUS;
	unsigned wakeups = 1u << REPORT_LATENCY;

	return (sections & found ? FINDINGS_PARTS : 0u) | (sections & lanes ? SUMMARY_LANES : 0u) |
	       (sections & exits ? SUMMARY_EXITS : 0u) |
	       (sections & wakeups ? SUMMARY_WAKEUPS : 0u);
}

/* With the results added up. Return: 0 or ERR. */
static int section_rows_make(struct section_rows *t, const struct store *s,
			     const struct section_wanted *wanted, struct error *err)
{
	struct findings_wanted findings = FINDINGS_OF_ALL;
	struct results *r = &t->results;

	if (chosen_init(&t->chosen, r, &t->choice, err))
		return ERR;
	vec_each (v, &r->vcpus)
		chosen_sort_exits(&t->chosen, v->sum.exits.at, v->sum.exits.n);
	if (t->choice.one_vcpu)
		findings.vcpu = t->choice.vcpu;
	int status = findings_init(&t->found, r, &findings, err);

	if (status)
		return status < 0 ? ERR : error_set(err, "'%s' has no such vCPU", s->name);
	rows_init(&t->rows, r, &t->found, wanted->section);
	rows_choose(&t->rows, r, wanted->section, &t->chosen);
	return 0;
}

int section_rows_init(struct section_rows *t, const struct store *s,
		      const struct section_wanted *wanted, struct error *err)
{
	*t = (struct section_rows){.choice = wanted->choice};
	if (results_init(&t->results, s, &wanted->range, err) ||
	    summary_scan(&t->results, report_parts(1u << wanted->section), wanted->threads, NULL,
			 err))
		return ERR;
	return section_rows_make(t, s, wanted, err);
}

void section_rows_deinit(struct section_rows *t)
{
	rows_deinit(&t->rows);
	findings_deinit(&t->found);
	chosen_deinit(&t->chosen);
	results_deinit(&t->results);
}
