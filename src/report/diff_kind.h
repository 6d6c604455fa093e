/*
 * diff_kind: what two results files are compared by; see diff.h.
 */
#ifndef VMSCOPE_REPORT_DIFF_KIND_H
#define VMSCOPE_REPORT_DIFF_KIND_H

enum { DIFF_FEWEST = 100 };

enum diff_kind { DIFF_SHARE, DIFF_RATE, DIFF_LATENCY, DIFF_N_KINDS };

#endif
