/*
 * clock_compose: two clock maps one after the other, for a machine whose host is itself a guest.
 */
#ifndef VMSCOPE_TIMELINE_CLOCK_COMPOSE_H
#define VMSCOPE_TIMELINE_CLOCK_COMPOSE_H

#include "timeline/clock_map.h"

/*
 * Makes *m the map that applies `inner`, then `outer`. Errors add up (an unknown one makes the sum
 * unknown); constraints and violations are inner's. What lies before inner's first piece is mapped
 * as that piece begins, whatever the outer map does there.
 */
void clock_map_init_compose(struct clock_map *m, const struct clock_map *inner,
			    const struct clock_map *outer);

#endif
