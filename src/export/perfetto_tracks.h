/*
 * perfetto_tracks: the tree of tracks, at the beginning of a Perfetto trace.
 */
#ifndef VMSCOPE_EXPORT_PERFETTO_TRACKS_H
#define VMSCOPE_EXPORT_PERFETTO_TRACKS_H

#include "export/perfetto.h"

/* Writes the tree of tracks. Return: 0, or ERR with p->err set. */
int perfetto_write_tracks(struct perfetto *p);

#endif
