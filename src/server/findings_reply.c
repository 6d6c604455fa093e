#include "server/findings_reply.h"

#include <stdlib.h>

#include "results/findings.h"
#include "results/summary_scan.h"
#include "server/write.h"

struct findings_reply {
	const struct dataset *data;
	struct results results;
	struct findings findings;
};

static int findings_reply_find(struct findings_reply *f, const struct results_range *range,
			       struct error *err)
{
	if (results_init(&f->results, f->data->store, range, err) ||
	    summary_scan(&f->results, FINDINGS_PARTS, 1, NULL, err))
		return ERR;
	return findings_init(&f->findings, &f->results, &FINDINGS_OF_ALL, err);
}

int findings_reply_new(struct findings_reply **fp, const struct dataset *d, bool all, int64_t from,
		       int64_t to, struct error *err)
{
	struct findings_reply *f = mem_zalloc(1, sizeof(*f));
	const struct results_range range = {.given = !all, .from = from, .to = to};

	f->data = d;
	int status = findings_reply_find(f, &range, err);

	if (status)
		findings_reply_free(f);
	else
		*fp = f;
	return status;
}

void findings_reply_free(struct findings_reply *f)
{
	if (!f)
		return;
	findings_deinit(&f->findings);
	results_deinit(&f->results);
	free(f);
}

/* A sentence, or null. */
static void findings_reply_text(struct jsonw *j, const char *key, const char *text)
{
	jsonw_key(j, key);
	if (text)
		jsonw_string(j, text);
	else
		jsonw_null(j);
}

/* Where it was worst: the vCPU's row, and when; or nothing. */
static void findings_reply_worst(const struct findings_reply *f, struct jsonw *j,
				 const struct finding *found)
{
	const struct blame_worst *worst = &found->worst;

	if (worst->ns <= 0)
		return;
	int64_t at = ns_between(f->data->begin, worst->at);

	write_int(j, "row", row_id(ROW_VCPU, f->results.vcpus.at[worst->vcpu].id));
	write_int(j, "start", at < 0 ? 0 : at);
	write_int(j, "end", at + worst->ns);
}

static void findings_reply_one(const struct findings_reply *f, struct jsonw *j,
			       const struct finding *found)
{
	const struct cause_info *info = cause_info(found->cause);

	jsonw_object_begin(j);
	write_text(j, "cause", info->name);
	write_text(j, "kind", cause_kind_name(info->kind));
	write_int(j, "cost", found->cost);
	write_int(j, "of", found->whole);
	findings_reply_text(j, "what", found->what);
	findings_reply_text(j, "where", found->where);
	findings_reply_text(j, "evidence", found->evidence);
	findings_reply_text(j, "against", found->against);
	findings_reply_text(j, "remedy", info->remedy);
	findings_reply_worst(f, j, found);
	jsonw_object_end(j);
}

void findings_reply_write(const struct findings_reply *f, struct jsonw *j)
{
	jsonw_object_begin(j);
	findings_reply_text(j, "verdict", f->findings.verdict);
	write_array(j, "findings");
	vec_each (found, &f->findings.at)
		findings_reply_one(f, j, found);
	jsonw_array_end(j);
	write_array(j, "missing");
	vec_each (m, &f->findings.missing) {
		jsonw_object_begin(j);
		findings_reply_text(j, "machine",
				    m->machine == NOBODY ? NULL
							 : f->results.machines.at[m->machine].name);
		write_text(j, "event", m->event);
		write_text(j, "without", m->without);
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
	jsonw_object_end(j);
}
