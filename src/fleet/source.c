#include "fleet/source.h"

#include "fleet/minutes.h"

int fleet_source_run(struct fleet_source *s, fleet_sink_fn *sink, void *ctx, struct error *err)
{
	for (int i = 0; i < TABLE_N; i++) {
		s->rows[i] = s->recording->store->tables[i].rows;
		if (s->wanted[i] &&
		    fleet_recording_rows(s->recording, &s->tables[i], s->skip[i], sink, ctx, err))
			return ERR;
	}
	return fleet_minutes_run(s, sink, ctx, err);
}
