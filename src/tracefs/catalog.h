/*
 * catalog: all events that the kernel has.
 */
#ifndef VMSCOPE_TRACEFS_CATALOG_H
#define VMSCOPE_TRACEFS_CATALOG_H

/* Calls `each` with system and name of every event. tracing_find() has succeeded. */
void catalog_each(void (*each)(void *context, const char *system, const char *name), void *context);

#endif
