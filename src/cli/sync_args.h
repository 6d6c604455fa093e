/*
 * sync_args: what the command line says about single machines: whose guest one is, and where its
 * clock is. All are NAME=VALUE and may be given once per machine; texts are kept, so that names
 * live as long as they are needed.
 */
#ifndef VMSCOPE_CLI_SYNC_ARGS_H
#define VMSCOPE_CLI_SYNC_ARGS_H

#include "analyze/analysis.h"
#include "base/mem.h"
#include "cli/command.h"

struct sync_args {
	VEC(struct sync_given) given;
	VEC(struct sync_tsc) tsc;
	VEC(struct analysis_vm) vms;
	VEC(char *) names; /* owned; what the above point to */
};

/*
 * Each takes the value of its option; what is wrong with it has been said to the user.
 * Return: 0, or CLI_OPTION_BAD.
 */
int sync_args_take_method(const struct command *cmd, const char *text, int *methodp);
int sync_args_take_offset(struct sync_args *args, const struct command *cmd, const char *text);
int sync_args_take_tsc(struct sync_args *args, const struct command *cmd, const char *text);
int sync_args_take_vm(struct sync_args *args, const struct command *cmd, const char *text);

/* Lends all of it to the options. */
void sync_args_apply(const struct sync_args *args, struct analysis_options *options);
void sync_args_deinit(struct sync_args *args);

#endif
