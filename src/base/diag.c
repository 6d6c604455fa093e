#include "base/diag.h"

static const struct diag_kind kinds[DIAG_N] = {
#define DIAG(id, name_, severity_, help_) \
	[DIAG_##id] = {.name = name_, .severity = DIAG_##severity_, .help = help_},
#include "base/diag.def"
#undef DIAG
};

const struct diag_kind *diag_kind(enum diag_id id)
{
	return &kinds[id];
}

const char *diag_severity_name(enum diag_severity severity)
{
	switch (severity) {
	case DIAG_INFO:
		return "info";
	case DIAG_WARNING:
		return "warning";
	case DIAG_DAMAGE:
		return "damage";
	}
	return "unknown";
}

void diag_add(struct diag_list *list, enum diag_id id, uint64_t count, const struct diag *where)
{
	struct diag *d = &list->at[id];
	uint64_t sum = d->count + count;

	if (!d->count)
		*d = *where;
	d->count = sum;
}

void diag_merge(struct diag_list *list, const struct diag_list *from)
{
	for (int i = 0; i < DIAG_N; i++) {
		const struct diag *f = &from->at[i];
		struct diag *d = &list->at[i];
		uint64_t sum = d->count + f->count;

		if (f->count && (!d->count || f->first_ns < d->first_ns))
			*d = *f;
		d->count = sum;
	}
}

int diag_worst(const struct diag_list *list)
{
	int worst = -1;

	for (int i = 0; i < DIAG_N; i++) {
		if (list->at[i].count && (int)kinds[i].severity > worst)
			worst = (int)kinds[i].severity;
	}
	return worst;
}
