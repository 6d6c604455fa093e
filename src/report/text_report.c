#include "report/text_report.h"

#include "report/text_sections.h"

void text_print(FILE *f, const struct results *r, const struct findings *found,
		const struct chosen *c, const struct report_options *options)
{
	static void (*const sections[REPORT_N_SECTIONS])(struct text *) = {
		[REPORT_FINDINGS] = text_findings, [REPORT_MISSING] = text_missing,
		[REPORT_SPLIT] = text_split,	   [REPORT_MACHINES] = text_machines,
		[REPORT_VCPUS] = text_vcpus,	   [REPORT_PCPUS] = text_pcpus,
		[REPORT_STEAL] = text_steal,	   [REPORT_VM_EXITS] = text_vm_exits,
		[REPORT_EXITS] = text_exits,	   [REPORT_EXIT_DETAILS] = text_exit_details,
		[REPORT_THREADS] = text_threads,   [REPORT_CONTAINERS] = text_containers,
		[REPORT_LATENCY] = text_latency,   [REPORT_WAITS] = text_waits,
		[REPORT_SYNC] = text_sync,	   [REPORT_DIAG] = text_diag,
	};
	static const enum report_section order[] = {
		REPORT_FINDINGS, REPORT_SPLIT,	    REPORT_MISSING, REPORT_VCPUS,
		REPORT_STEAL,	 REPORT_VM_EXITS,   REPORT_EXITS,   REPORT_EXIT_DETAILS,
		REPORT_THREADS,	 REPORT_CONTAINERS, REPORT_LATENCY, REPORT_WAITS,
		REPORT_PCPUS,	 REPORT_MACHINES,   REPORT_SYNC,    REPORT_DIAG,
	};
	unsigned usual = ((1u << REPORT_N_SECTIONS) - 1) &
			 ~(1u << REPORT_PCPUS | 1u << REPORT_SPLIT | 1u << REPORT_MISSING);
	struct text t = {.r = r,
			 .found = found,
			 .chosen = c,
			 .sections = options->sections ? options->sections : usual,
			 .asked = options->sections,
			 .clock = {.gmt = options->utc, .origin = r->origin},
			 .range_asked = options->asked,
			 .color = options->color,
			 .all = options->all,
			 .top = options->choice.top};

	if (!options->sections && !options->all)
		t.sections = 0;
	out_init(&t.out, f);
	size_t head_lines = text_summary(&t);

	if (!t.sections)
		text_overview(&t, head_lines);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (t.sections & 1u << order[i])
			sections[order[i]](&t);
	}
	out_deinit(&t.out);
	arena_deinit(&t.arena);
}
