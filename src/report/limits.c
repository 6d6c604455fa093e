#include "report/limits.h"

#include "results/results.h"
#include "results/summary_scan.h"
#include "report/verdicts.h"

/* What has to be added up for these limits; times are always there. */
static unsigned limits_parts(const struct limits_job *job)
{
	unsigned parts = 0;

	for (size_t i = 0; i < job->n_limits; i++) {
		if (job->limits[i].metric == LIMIT_EXITS)
			parts |= SUMMARY_EXITS;
		else if (job->limits[i].metric == LIMIT_WAKEUP)
			parts |= SUMMARY_WAKEUPS;
	}
	return parts;
}

static int limits_judge(FILE *f, const struct results *r, const struct limits_job *job)
{
	static void (*const print[])(FILE * f, const struct verdicts *v) = {
		[LIMITS_TEXT] = verdicts_print_text,
		[LIMITS_JSON] = verdicts_print_json,
		[LIMITS_JUNIT] = verdicts_print_junit,
	};
	struct verdicts v;

	verdicts_init(&v, r, job->limits, job->n_limits);
	v.asked = job->range.given ? job->asked : NULL;
	print[job->format](f, &v);
	int status = v.n[VERDICT_BROKEN]    ? LIMITS_BROKEN
		     : v.n[VERDICT_UNKNOWN] ? LIMITS_UNKNOWN
					    : LIMITS_KEPT;

	verdicts_deinit(&v);
	return status;
}

int limits_print(FILE *f, const struct store *store, const struct limits_job *job,
		 struct error *err)
{
	struct results r;
	int status = results_init(&r, store, &job->range, err);

	if (!status)
		status = summary_scan(&r, limits_parts(job), job->threads, NULL, err);
	if (!status)
		status = limits_judge(f, &r, job);
	results_deinit(&r);
	return status;
}
