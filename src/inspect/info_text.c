#include "inspect/info.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock_text.h"
#include "base/out.h"

enum { WIDTH = 100, LABEL_WIDTH = 12 };

/* With commas between thousands. */
static void print_count(struct out *o, uint64_t n)
{
	if (n >= 1000) {
		print_count(o, n / 1000);
		out_char(o, ',');
		out_padded(o, n % 1000, 3);
	} else {
		out_uint(o, n);
	}
}

static void print_spaces(struct out *o, size_t n)
{
	while (n--)
		out_char(o, ' ');
}

/* Words up to WIDTH; lines after the first begin at `indent`, where the first stands already. */
static void print_wrapped(struct out *o, const char *text, size_t indent)
{
	size_t column = indent;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (column > indent && column + 1 + n > WIDTH) {
			out_char(o, '\n');
			print_spaces(o, indent);
			column = indent;
		} else if (column > indent) {
			out_char(o, ' ');
			column++;
		}
		out_bytes(o, text, n);
		column += n;
		text += n + strspn(text + n, " ");
	}
	out_char(o, '\n');
}

static void print_label(struct out *o, const char *label)
{
	print_spaces(o, 2);
	out_str(o, label);
	print_spaces(o, LABEL_WIDTH - 2 - strlen(label));
}

static void print_line(struct out *o, const char *label, char *owned_text)
{
	print_label(o, label);
	print_wrapped(o, owned_text, LABEL_WIDTH);
	free(owned_text);
}

static void print_title(struct out *o, const struct info_machine *m)
{
	const struct recording *r = m->trace;

	out_str(o, r->name);
	out_char(o, '\n');
	print_line(o, "machine",
		   mem_printf("%s, %s %s, recorded by %s",
			      r->hostname ? r->hostname : "unknown host name",
			      r->system ? r->system : "unknown system",
			      r->kernel ? r->kernel : "of unknown version", r->tracer));
	print_line(o, "role",
		   mem_printf("%s: %s%s", role_name(m->role), m->why,
			      m->role == ROLE_UNKNOWN
				      ? "; a guest recorded without vmsync looks like this too"
				      : ""));
}

static const char *origin_text(enum clock_origin origin)
{
	static const char *const texts[] = {[CLOCK_ORIGIN_UNKNOWN] = " ns after an unknown time",
					    [CLOCK_ORIGIN_BOOT] =
						    " ns after the machine was booted, about",
					    [CLOCK_ORIGIN_EPOCH] = " ns after the Epoch"};

	return texts[origin];
}

/* How well the frequency is known, where it had to be found out; the caller's. */
static char *bound_text(const struct recording_clock *c)
{
	return c->frequency_error ? mem_printf(" within %" PRIu64 " ppb", c->frequency_error)
				  : mem_strdup("");
}

static void print_clocks(struct out *o, const struct recording *r)
{
	vec_each (c, &r->clocks) {
		char *bound = bound_text(c);

		print_line(o, c == r->clocks.at ? "clock" : "",
			   mem_printf("%s, %" PRIu64 " Hz%s, counts from %" PRId64 "%s%s%s",
				      c->name ? c->name : "unnamed", c->frequency, bound,
				      c->offset_ns, origin_text(c->origin),
				      c->uuid ? ", uuid " : "", c->uuid ? c->uuid : ""));
		free(bound);
	}
}

static void print_span(struct out *o, const struct info_machine *m)
{
	enum clock_origin origin = recording_origin(m->trace);
	struct clock_text date = {.style = CLOCK_DATE, .origin = origin};
	struct clock_text time = {.style = CLOCK_TIME, .origin = origin};

	print_label(o, "time");
	if (!m->has_span) {
		out_str(o, "no events\n");
		return;
	}
	clock_text_print(&date, o, m->first_ns);
	out_str(o, origin == CLOCK_ORIGIN_EPOCH ? " to " : " s to ");
	clock_text_print_words(&time, o, m->last_ns);
	out_str(o, ", ");
	clock_text_print_delta(o, m->last_ns - m->first_ns);
	out_str(o, " s\n");
}

/* "2 (0-1)", "3 (0-1,4)" */
static void print_cpus(struct out *o, const struct info_machine *m)
{
	print_label(o, "CPUs");
	out_uint(o, m->cpus.n);
	for (size_t i = 0; i < m->cpus.n; i++) {
		size_t last = i;

		while (last + 1 < m->cpus.n && m->cpus.at[last + 1] == m->cpus.at[last] + 1)
			last++;
		out_str(o, i ? "," : " (");
		out_uint(o, m->cpus.at[i]);
		if (last > i) {
			out_char(o, '-');
			out_uint(o, m->cpus.at[last]);
		}
		i = last;
	}
	out_str(o, m->cpus.n ? "), " : ", ");
	out_uint(o, m->trace->streams.n);
	out_str(o, m->trace->streams.n == 1 ? " stream, " : " streams, ");
	print_count(o, m->n_packets);
	out_char(o, ' ');
	out_str(o, m->n_packets == 1 ? m->trace->packet_word : m->trace->packets_word);
	out_str(o, ", ");
	print_count(o, m->trace->size);
	out_str(o, " bytes\n");
}

static size_t count_recorded(const struct info_machine *m)
{
	size_t n = 0;

	vec_each (e, &m->events)
		n += e->count != 0;
	return n;
}

/* What of the recording could not be read, by the names of its damage; losses are counted apart. */
static bool print_damage(struct out *o, const struct info_machine *m)
{
	bool any = false;

	for (int i = 0; i < DIAG_N; i++) {
		const struct diag_kind *kind = diag_kind((enum diag_id)i);

		if (!info_is_unreadable(m, (enum diag_id)i))
			continue;
		out_str(o, any ? ", " : "what could not be read (");
		out_str(o, kind->name);
		any = true;
	}
	if (any)
		out_str(o, "), nobody knows how much");
	return any;
}

static void print_totals(struct out *o, const struct info_machine *m)
{
	uint64_t lost_packets = m->diags.at[DIAG_PACKETS_LOST].count;

	print_label(o, "events");
	print_count(o, m->n_events);
	out_str(o, " of ");
	out_uint(o, count_recorded(m));
	out_str(o, " kinds\n");
	print_label(o, "lost");
	bool any = print_damage(o, m);

	if (m->n_lost || lost_packets) {
		out_str(o, any ? "; " : "");
		print_count(o, m->n_lost);
		out_str(o, " events, ");
		print_count(o, lost_packets);
		out_str(o, " packets");
	} else if (!any) {
		out_str(o, "nothing, as far as the tracer tells");
	}
	out_char(o, '\n');
}

static size_t count_width(uint64_t n)
{
	return (size_t)snprintf(NULL, 0, "%" PRIu64, n) + (n > 999) + (n > 999999) +
	       (n > 999999999);
}

static void print_top(struct out *o, const struct info_machine *m, size_t top)
{
	size_t recorded = count_recorded(m), shown = recorded < top ? recorded : top;

	for (size_t i = 0; i < shown; i++) {
		const struct info_event *e = &m->events.at[i];
		char share[16];

		print_label(o, "");
		print_spaces(o, 11 - (count_width(e->count) < 11 ? count_width(e->count) : 11));
		print_count(o, e->count);
		snprintf(share, sizeof(share), "%6.1f%%  ",
			 100.0 * (double)e->count / (double)m->n_events);
		out_str(o, share);
		out_str(o, e->name);
		out_char(o, '\n');
	}
	if (shown && shown < recorded) {
		print_label(o, "");
		print_spaces(o, 8);
		out_str(o, "... and ");
		out_uint(o, recorded - shown);
		out_str(o, " more kinds\n");
	}
}

/* The events that lack for one reason: each with what is lost without it. */
static bool print_missing(struct out *o, const struct info_machine *m,
			  enum required_presence presence, const char *heading)
{
	bool any = false;

	for (size_t i = 0; i < n_required_events; i++) {
		const struct required_event *r = &required_events[i];

		if (m->required[i] != presence)
			continue;
		if (!any)
			out_str(o, heading);
		any = true;
		print_spaces(o, 4);
		out_str(o, required_name(r, m->tracer));
		out_str(o, r->need == NEED_CORE ? " (essential)\n" : "\n");
		print_spaces(o, 8);
		print_wrapped(o, info_without(m, r), 8);
	}
	return any;
}

static void print_machine(struct out *o, const struct info_machine *m, size_t top)
{
	print_title(o, m);
	print_clocks(o, m->trace);
	print_span(o, m);
	print_cpus(o, m);
	print_totals(o, m);
	print_top(o, m, top);
	bool any = print_missing(o, m, REQUIRED_ABSENT,
				 "  missing: not enabled, or not known to this kernel or tracer\n");

	any |= print_missing(
		o, m, REQUIRED_NEVER,
		"  missing: enabled, but never recorded (perhaps it never happened)\n");
	any |= print_missing(o, m, REQUIRED_NONE,
			     "  missing: none recorded (not enabled, or it never happened)\n");
	if (!any)
		out_str(o, "  missing   nothing that the analysis needs\n");
}

void info_print_text(const struct info *info, size_t top, FILE *f)
{
	struct out o;

	out_init(&o, f);
	out_show(&o);
	vec_each (m, &info->machines) {
		if (m != info->machines.at)
			out_char(&o, '\n');
		print_machine(&o, m, top);
	}
	out_deinit(&o);
}
