/*
 * html: pieces of the HTML report.
 *
 * Names come from recordings, which anybody may have made: every text goes through html_text(), or
 * one of the functions that use it. html_raw() is for what stands in the source.
 */
#ifndef VMSCOPE_EXPORT_HTML_H
#define VMSCOPE_EXPORT_HTML_H

#include "base/arena.h"
#include "base/clock_origin.h"
#include "base/out.h"
#include "export/export.h"
#include "export/choose.h"
#include "export/source.h"
#include "results/results.h"
#include "store/reader.h"

struct html {
	const struct export_job *job;
	struct store *store;
	sqlite3 *db;		  /* what is in the range, see source.h */
	struct results results;	  /* the same, added up: lanes and exits */
	struct chosen_ids chosen; /* what of them is told of */
	struct arena texts;
	int64_t from, to; /* the range, or all there is */
	int64_t begin;	  /* of the recording: times are shown from there */
	enum clock_origin origin;
	struct out out;
	struct error *err;
};

void html_raw(struct html *h, const char *markup);
void html_rawf(struct html *h, const char *format, ...) __attribute__((format(printf, 2, 3)));
void html_text(struct html *h, const char *text); /* NULL: nothing; cut where it is too long */

/* Numbers as the text report has them (results/units.h): "323.5 ms", "25.1 %", "4.63". */
void html_ns(struct html *h, int64_t ns);
void html_percent(struct html *h, int64_t part, int64_t whole);
void html_rate(struct html *h, double per_second);

/* Return: whether these are to be told of. */
bool html_has_vcpu(const struct html *h, const struct res_vcpu *v);
bool html_has_machine(const struct html *h, int machine);

/* Return: the number of the only vCPU, of each VM, that is; TABLE_NULL: all are. */
int64_t html_one_vcpu(const struct html *h);

/* A moment, in s from the begin of the recording: "+4.216 s". */
void html_moment(struct html *h, int64_t t);

/*
 * A table of the rows of a query. What stands after a colon in a column's name says what its values
 * are:
 * ":ns" durations, ":n" numbers, ":t" moments; without it they are texts.
 * Columns without any value are left out. otherwise: what to say when there are no rows. Return: 0,
 * or ERR with h->err set.
 */
int html_table(struct html *h, const char *sql, const char *otherwise);

/* Calls `write` for each row of a query. Return: 0, or ERR with h->err set. */
int html_each(struct html *h, const char *sql, void (*write)(struct html *h, sqlite3_stmt *row));

/* A column's text, "" for NULL; borrowed until the next row. */
const char *html_column(sqlite3_stmt *row, int column);

/* --- parts of the report --- */

/* Makes what the parts ask in common into temporary tables, so that each table is read once. */
int html_gather(struct html *h);

/* What was found, in sentences. */
int html_findings(struct html *h);

/* Lanes of vCPUs, and of the CPUs of hosts with the VMs that ran on them. */
int html_vcpu_lanes(struct html *h);
int html_cpu_lanes(struct html *h);

/* Where each vCPU's time went; who took the CPU; exits by reason, and by what they were about; from
 * wake-up to running. */
int html_vcpus(struct html *h);
int html_steal(struct html *h);
int html_exits(struct html *h);
int html_exit_details(struct html *h);
int html_wakeups(struct html *h);

/* The style sheet: page, and colours of states. */
void html_style(struct html *h);

/* Return: whether a dark page shows this state less bright: nothing happens in it. */
bool html_is_dim(const struct state_label *label);

#endif
