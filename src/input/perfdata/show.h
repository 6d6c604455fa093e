/*
 * show: the fields of a sample as perf has them, for whoever shows events.
 */
#ifndef VMSCOPE_PERFDATA_SHOW_H
#define VMSCOPE_PERFDATA_SHOW_H

#include "input/perfdata/perfdata.h"

/*
 * Shows what the sample r says besides its time and its raw data. What reaches past the record's
 * end is left out.
 */
void perfdata_show(const struct perfdata_layout *l, const struct perfdata_record *r,
		   bool big_endian, const struct field_visitor *v, void *ctx);

#endif
