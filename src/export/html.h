/*
 * html: pieces of the HTML report.
 *
 * Names come from recordings, which anybody may have made: every text goes through html_text(), or
 * one of the functions that use it. html_raw() is for what stands in the source.
 */
#ifndef VMSCOPE_EXPORT_HTML_H
#define VMSCOPE_EXPORT_HTML_H

#include "base/clock_origin.h"
#include "base/out.h"
#include "export/export.h"
#include "export/source.h"
#include "store/reader.h"

struct html {
	const struct export_job *job;
	struct store *store;
	sqlite3 *db;	  /* what is in the range, see source.h */
	int64_t from, to; /* the range, or all there is */
	int64_t begin;	  /* of the recording: times are shown from there */
	enum clock_origin origin;
	struct out out;
	struct error *err;
};

void html_raw(struct html *h, const char *markup);
void html_rawf(struct html *h, const char *format, ...) __attribute__((format(printf, 2, 3)));
void html_text(struct html *h, const char *text); /* NULL: nothing; cut where it is too long */

/* A duration or difference with four digits and its unit: "323.5 ms". */
void html_ns(struct html *h, int64_t ns);
void html_percent(struct html *h, double part, double whole);

/* A moment, in s from the begin of the recording: "+4.216 s". */
void html_moment(struct html *h, int64_t t);

/*
 * A table of the rows of a query. What stands after a colon in a column's name says what its values
 * are:
 * ":ns" durations, ":%" shares of 1, ":n" numbers, ":t" moments; without it they are texts.
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

/* Who took the CPU; exits by reason; from wake-up to running. */
int html_steal(struct html *h);
int html_exits(struct html *h);
int html_wakeups(struct html *h);

/* The style sheet: page, and colours of states. */
void html_style(struct html *h);

/* Return: whether a dark page shows this state less bright: nothing happens in it. */
bool html_is_dim(const struct state_label *label);

#endif
