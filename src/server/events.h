/*
 * events: the event table: exits and changes of state of all vCPUs, as one list by time.
 *
 * The list is nowhere stored. A line is found by its number as it is by its time: the index says
 * how many rows of each lane come before a time.
 */
#ifndef VMSCOPE_SERVER_EVENTS_H
#define VMSCOPE_SERVER_EVENTS_H

#include "base/json.h"
#include "server/dataset.h"
#include "server/request.h"

/* Writes the protocol's columns: an array. */
void events_columns(struct jsonw *j);

enum { EVENTS_TOO_LONG = 1 }; /* a search was given up */

/* Writes the lines that are asked for. Return: 0, EVENTS_TOO_LONG, or ERR with err set. */
int events_lines(struct jsonw *j, const struct dataset *d, const struct view_request *q,
		 struct error *err);

#endif
