#include "report/report.h"

#include "report/findings.h"
#include "report/rows_print.h"
#include "report/text.h"

const char *const *report_section_names(void)
{
	static const char *const names[REPORT_N_SECTIONS + 1] = {
		[REPORT_MACHINES] = "machines", [REPORT_VCPUS] = "vcpus",
		[REPORT_PCPUS] = "pcpus",	[REPORT_STEAL] = "steal",
		[REPORT_VM_EXITS] = "vm_exits", [REPORT_EXITS] = "exits",
		[REPORT_SYNC] = "sync",		[REPORT_DIAG] = "diag",
	};

	return names;
}

void report_print(FILE *f, const struct analysis *a, const struct report_options *options)
{
	unsigned all = (1u << REPORT_N_SECTIONS) - 1;
	unsigned sections = options->sections ? options->sections : all;
	struct findings findings;

	findings_init(&findings, a);
	switch (options->format) {
	case REPORT_TEXT:
		text_print(f, a, &findings, options);
		break;
	case REPORT_JSON:
		rows_print_json(f, a, &findings, sections);
		break;
	case REPORT_CSV:
		rows_print_csv(f, a, &findings, sections);
		break;
	}
	findings_deinit(&findings);
}

bool report_is_damaged(const struct analysis *a)
{
	struct findings findings;
	bool damaged = false;

	findings_init(&findings, a);
	vec_each (f, &findings.at)
		damaged |= f->kind->severity == DIAG_DAMAGE;
	findings_deinit(&findings);
	return damaged;
}
