/*
 * input_args: options of all commands that read recordings.
 */
#ifndef VMSCOPE_CLI_INPUT_ARGS_H
#define VMSCOPE_CLI_INPUT_ARGS_H

#include "cli/command.h"
#include "input/input.h"

/* Its lines in a command's help. */
#define INPUT_ARGS_HELP                                                                            \
	"  --tsc-frequency HZ  of clocks that count cycles and do not say how many there are in\n" \
	"                      a second (k, M and G stand for thousands, 2400M)\n"

/* Takes the value of --tsc-frequency. Return: 0, or CLI_OPTION_BAD after saying what is wrong. */
int input_args_take_frequency(struct input_options *o, const struct command *cmd, const char *text);

#endif
