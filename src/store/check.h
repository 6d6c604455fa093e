/*
 * check: whether a results file is all that docs/file-format.md says.
 *
 * Everything is read: pieces lie side by side without gaps, checksums are right, rows are in order,
 * lanes of states have no gaps, index entries say what is below them, ids name rows that exist, the
 * parts of VM exits add up.
 */
#ifndef VMSCOPE_STORE_CHECK_H
#define VMSCOPE_STORE_CHECK_H

#include "store/reader.h"

struct check_result {
	uint64_t rows, lanes, blocks, nodes;
	VEC(char *) wrong; /* owned; what is wrong and where, a line each; the first CHECK_MOST */
	uint64_t n_wrong;  /* all of them */
};

enum { CHECK_MOST = 100 };

void check_store(const struct store *s, struct check_result *result);
void check_result_deinit(struct check_result *result);

#endif
