#include "tracefs/catalog.h"

#include <tracefs.h>

void catalog_each(void (*each)(void *context, const char *system, const char *name), void *context)
{
	char **systems = tracefs_event_systems(NULL);

	for (char **system = systems; system && *system; system++) {
		char **names = tracefs_system_events(NULL, *system);

		for (char **name = names; name && *name; name++)
			each(context, *system, *name);
		tracefs_list_free(names);
	}
	tracefs_list_free(systems);
}
