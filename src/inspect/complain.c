#include "inspect/complain.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock_text.h"
#include "base/escape.h"
#include "base/out.h"

/* text is freed. */
static void complain_print(FILE *f, char *text)
{
	escape_print(f, text);
	free(text);
}

void complain_session(FILE *f, const struct session *s)
{
	vec_each (note, &s->notes)
		complain_print(f, mem_printf("vmscope: %s\n", *note));
}

static void print_time(FILE *f, const struct recording *r, int64_t ns)
{
	struct clock_text clock = {.origin = recording_origin(r)};
	struct out o;

	if (ns < 0)
		return;
	out_init(&o, f);
	out_str(&o, ", first at ");
	clock_text_print_words(&clock, &o, ns);
	out_deinit(&o);
}

static void print_one(FILE *f, const struct recording *r, const struct diag_kind *kind,
		      const struct diag *d)
{
	complain_print(f, mem_printf("vmscope: %s: %s: %s, %" PRIu64 " time%s", r->name,
				     diag_severity_name(kind->severity), kind->name, d->count,
				     d->count == 1 ? "" : "s"));
	print_time(f, r, d->first_ns);
	if (d->file)
		complain_print(f, mem_printf(", in '%s', packet at byte %" PRIu64 ", bit %" PRIu64,
					     d->file, d->packet, d->bit));
	fprintf(f, ": %s\n", kind->help);
}

void complain_diags(FILE *f, const struct recording *r, const struct diag_list *diags)
{
	for (int i = 0; i < DIAG_N; i++) {
		const struct diag_kind *kind = diag_kind((enum diag_id)i);

		if (diags->at[i].count && kind->severity != DIAG_INFO)
			print_one(f, r, kind, &diags->at[i]);
	}
}
