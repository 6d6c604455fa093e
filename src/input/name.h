/*
 * name: how a machine is called when the user gives it no name.
 */
#ifndef VMSCOPE_INPUT_NAME_H
#define VMSCOPE_INPUT_NAME_H

/*
 * The part of the path that tells machines apart: "rec/host/kernel" below the argument `root`,
 * "rec", is "host", "rec/g1.dat" is "g1". Where that says nothing ("archives/...", "trace.dat",
 * "perf.data"), the host name (or NULL); where there is none, the last part of the path that says
 * something. Return: to be freed by the caller.
 */
char *recording_name_of(const char *root, const char *path, const char *hostname);

#endif
