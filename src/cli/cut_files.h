/*
 * cut_files: mapped files that become shorter while they are read.
 */
#ifndef VMSCOPE_CLI_CUT_FILES_H
#define VMSCOPE_CLI_CUT_FILES_H

/*
 * Traces and results files are mapped. Where somebody cuts one short, or its disk cannot be read
 * any more, touching it would end the process by SIGBUS. From now on such a page is all ones
 * instead: no event of a trace has the id that these make, and no block of a results file the
 * checksum, so both are found to be damaged there.
 */
void cut_files_survive(void);

#endif
