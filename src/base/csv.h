/*
 * csv: cells as RFC 4180 has them, with the line ends of Unix.
 */
#ifndef VMSCOPE_BASE_CSV_H
#define VMSCOPE_BASE_CSV_H

#include "base/out.h"

/*
 * A cell of text. What must not be shown is escaped (base/escape.h); what a spreadsheet would take
 * for a formula begins with an apostrophe, as there.
 */
void csv_text(struct out *o, const char *text, size_t n);

#endif
