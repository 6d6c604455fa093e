#include "analyze/complain.h"

#include <inttypes.h>
#include <time.h>

void complain_session(FILE *f, const struct session *s)
{
	vec_each (note, &s->notes)
		fprintf(f, "vmscope: %s\n", *note);
}

static void print_time(FILE *f, int64_t ns)
{
	char text[32];
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm tm;

	if (ns < 0 || !localtime_r(&seconds, &tm))
		return;
	strftime(text, sizeof(text), "%H:%M:%S", &tm);
	fprintf(f, ", first at %s.%09" PRId64, text, ns % 1000000000);
}

static void print_one(FILE *f, const char *machine, const struct diag_kind *kind,
		      const struct diag *d)
{
	fprintf(f, "vmscope: %s: %s: %s, %" PRIu64 " time%s", machine,
		diag_severity_name(kind->severity), kind->name, d->count, d->count == 1 ? "" : "s");
	print_time(f, d->first_ns);
	if (d->file)
		fprintf(f, ", in '%s', packet at byte %" PRIu64 ", bit %" PRIu64, d->file,
			d->packet, d->bit);
	fprintf(f, ": %s\n", kind->help);
}

void complain_diags(FILE *f, const char *machine, const struct diag_list *diags)
{
	for (int i = 0; i < DIAG_N; i++) {
		const struct diag_kind *kind = diag_kind((enum diag_id)i);

		if (diags->at[i].count && kind->severity != DIAG_INFO)
			print_one(f, machine, kind, &diags->at[i]);
	}
}
