/*
 * marks: annotations: where a recording has gaps.
 */
#ifndef VMSCOPE_SERVER_MARKS_H
#define VMSCOPE_SERVER_MARKS_H

#include "base/json.h"
#include "server/dataset.h"
#include "server/request.h"

#define MARKS_CATEGORY "Not recorded"

/*
 * Writes the protocol's annotations: an object by category. Return: 0, or ERR with err set.
 */
int marks_write(struct jsonw *j, const struct dataset *d, const struct view_request *q,
		struct error *err);

#endif
