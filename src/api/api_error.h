/*
 * api_error: errors as the library's users get them.
 */
#ifndef VMSCOPE_API_API_ERROR_H
#define VMSCOPE_API_API_ERROR_H

#include <vmscope.h>

#include "base/error.h"

/* Hands `err` to the user, who may not want it; it is used up. Return: -1. */
int api_fail(struct vms_error **error, struct error *err);

#endif
