#include "server/findings_reply.h"

#include <stdlib.h>

#include "results/findings.h"
#include "results/summary_scan.h"
#include "server/lane.h"
#include "base/member.h"
#include "store/cursor.h"

struct findings_reply {
	const struct dataset *data;
	struct results results;
	struct findings findings;
};

static int findings_reply_find(struct findings_reply *f, const struct findings_query *q,
			       struct error *err)
{
	const struct results_range range = {.given = !q->all, .from = q->from, .to = q->to};
	const struct ds_vcpu *v =
		q->vcpu < 0 ? NULL : dataset_vcpu(f->data, row_index((int32_t)q->vcpu));
	struct findings_wanted wanted = FINDINGS_OF_ALL;

	if (v) {
		wanted.vm = dataset_machine_name(f->data, v->machine);
		wanted.vcpu = v->index;
		wanted.any = true;
	}
	if (results_init(&f->results, f->data->store, &range, err) ||
	    summary_scan(&f->results, FINDINGS_PARTS, 1, NULL, err))
		return ERR;
	return findings_init(&f->findings, &f->results, &wanted, err) < 0 ? ERR : 0;
}

int findings_reply_new(struct findings_reply **fp, const struct dataset *d,
		       const struct findings_query *q, struct error *err)
{
	struct findings_reply *f = mem_zalloc(1, sizeof(*f));

	f->data = d;
	int status = findings_reply_find(f, q, err);

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

/* Who had the CPU of a vCPU at a time: its row, or nothing. */
static void findings_reply_culprit(const struct findings_reply *f, struct jsonw *j, int32_t row,
				   int64_t at)
{
	const struct dataset *d = f->data;
	struct error err = {0};
	struct lane_row state;
	enum table_id table;
	size_t lane;

	if (!dataset_lane(d, row, &table, &lane))
		return;
	/* Without it there is one thing less to point at: no reason to tell nothing. */
	if (lane_at(d->store, table, lane, at, &state, &err) == CURSOR_ROW) {
		const struct ds_thread *t =
			dataset_thread(d, state.values[COL_VCPU_STATE_OCCUPANT_THREAD_ID]);

		if (t && t->vcpu >= 0)
			member_int(j, "culprit", row_id(ROW_VCPU, t->vcpu));
		else if (t && t->tid)
			member_int(j, "culprit", row_id(ROW_THREAD, t->id));
	}
	error_deinit(&err);
}

/* Where it was worst: the vCPU's row, when, and who it was then; or nothing. */
static void findings_reply_worst(const struct findings_reply *f, struct jsonw *j,
				 const struct finding *found)
{
	const struct blame_worst *worst = &found->worst;

	if (worst->ns <= 0)
		return;
	int64_t at = ns_between(f->data->begin, worst->at);

	int32_t row = row_id(ROW_VCPU, f->results.vcpus.at[worst->vcpu].id);

	member_int(j, "row", row);
	member_int(j, "start", at < 0 ? 0 : at);
	member_int(j, "end", at + worst->ns);
	findings_reply_culprit(f, j, row, worst->at);
}

static void findings_reply_one(const struct findings_reply *f, struct jsonw *j,
			       const struct finding *found)
{
	const struct cause_info *info = cause_info(found->cause);

	jsonw_object_begin(j);
	member_text(j, "cause", info->name);
	member_text(j, "kind", cause_kind_name(info->kind));
	member_int(j, "cost", found->cost);
	member_int(j, "of", found->whole);
	member_text(j, "what", found->what);
	member_text(j, "where", found->where);
	member_text(j, "evidence", found->evidence);
	member_text(j, "against", found->against);
	member_text(j, "remedy", info->remedy);
	findings_reply_worst(f, j, found);
	jsonw_object_end(j);
}

void findings_reply_write(const struct findings_reply *f, struct jsonw *j)
{
	jsonw_object_begin(j);
	member_text(j, "verdict", f->findings.verdict);
	member_array(j, "findings");
	vec_each (found, &f->findings.at)
		findings_reply_one(f, j, found);
	jsonw_array_end(j);
	member_array(j, "missing");
	vec_each (m, &f->findings.missing) {
		jsonw_object_begin(j);
		member_text(j, "machine",
			    m->machine == NOBODY ? NULL : f->results.machines.at[m->machine].name);
		member_text(j, "event", m->event);
		member_text(j, "without", m->without);
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
	jsonw_object_end(j);
}
