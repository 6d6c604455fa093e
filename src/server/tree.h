/*
 * tree: the rows of an output, machines above what they have.
 */
#ifndef VMSCOPE_SERVER_TREE_H
#define VMSCOPE_SERVER_TREE_H

#include "base/json.h"
#include "server/dataset.h"
#include "server/output.h"

/*
 * Writes the model of the tree of a time graph or of XY. For OUTPUT_EXITS the exits must be known
 * (dataset_find_exits()).
 */
void tree_write(struct jsonw *j, const struct dataset *d, enum output_id output);

#endif
