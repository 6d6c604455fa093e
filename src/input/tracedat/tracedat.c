#include "input/tracedat/tracedat.h"

void tracedat_report(struct tracedat *t, enum diag_id id, uint64_t offset)
{
	struct diag where = {.first_ns = DIAG_NO_TIME, .file = t->file, .packet = offset};

	diag_add(&t->base.diags, id, 1, &where);
}

void tracedat_note_loss(struct tracedat *t, const char *cpu, const char *kind, uint64_t n,
			bool is_hidden)
{
	struct diag where = {.first_ns = DIAG_NO_TIME, .file = t->file};

	*vec_push(&t->base.env) =
		(struct recording_env){.name = arena_printf(&t->base.arena, "cpu%s %s", cpu, kind),
				       .integer = n > INT64_MAX ? INT64_MAX : (int64_t)n};
	if (is_hidden)
		diag_add(&t->base.diags, DIAG_EVENTS_LOST, n, &where);
}
