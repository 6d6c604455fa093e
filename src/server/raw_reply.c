#include "server/raw_reply.h"

#include <stdlib.h>
#include <string.h>

#include "base/member.h"
#include "base/monotonic.h"

/* Whether each word of `text` stands somewhere in what is shown of an event. */
static bool raw_reply_has(const char *text, const struct raw_event *e, const char *fields)
{
	char *all = mem_printf("%s %s %s", e->machine->name, e->name, fields);
	char *words = mem_strdup(text), *rest = NULL;
	bool has = true;

	for (char *w = strtok_r(words, " \t", &rest); w && has; w = strtok_r(NULL, " \t", &rest))
		has = strcasestr(all, w) != NULL;
	free(words);
	free(all);
	return has;
}

static void raw_reply_event(struct jsonw *j, const struct dataset *d, const struct raw_event *e,
			    const char *fields)
{
	jsonw_object_begin(j);
	member_int(j, "time", e->time - d->begin);
	member_int(j, "machine", row_id(ROW_MACHINE, e->machine->id));
	jsonw_key(j, "cpu");
	if (e->cpu < 0)
		jsonw_null(j);
	else
		jsonw_int(j, e->cpu);
	member_text(j, "name", e->name);
	member_text(j, "fields", fields);
	jsonw_object_end(j);
}

/* Writes the events. Return: whether there are more, from *untilp on. */
static bool raw_reply_events(struct jsonw *j, struct raw *r, const struct dataset *d,
			     const struct raw_filter *filter, const struct raw_ask *ask,
			     int64_t *untilp)
{
	struct raw_event e;
	const int64_t deadline = monotonic_after_s(RAW_REPLY_SECONDS);
	int64_t skip = ask->skip, n = 0;
	uint64_t seen = 0;

	*untilp = ask->to;
	while (raw_next(r, &e) && e.time <= ask->to) {
		*untilp = e.time;
		if (n == ask->limit || (++seen % 1024 == 0 && monotonic_is_past(deadline)))
			return true;
		if (!raw_filter_has(filter, &e))
			continue;
		char *fields = raw_fields(r);

		if (ask->text && !raw_reply_has(ask->text, &e, fields)) {
			free(fields);
			continue;
		}
		if (e.time == ask->from && skip > 0) {
			skip--;
		} else {
			raw_reply_event(j, d, &e, fields);
			n++;
		}
		free(fields);
	}
	*untilp = ask->to;
	return false;
}

int raw_reply_write(struct jsonw *j, const struct dataset *d, const struct roots *roots,
		    const struct raw_ask *ask, struct error *err)
{
	struct raw_filter *filter = NULL;
	struct raw *r = NULL;
	int64_t until;
	int status = raw_new(&r, d, roots, ask->path, err);

	if (!status && ask->row >= 0)
		status = raw_filter_new(&filter, d, (int32_t)ask->row, ask->from, ask->to, err);
	if (!status) {
		raw_seek(r, ask->from);
		jsonw_object_begin(j);
		member_array(j, "events");
		bool more = raw_reply_events(j, r, d, filter, ask, &until);

		jsonw_array_end(j);
		member_bool(j, "more", more);
		member_int(j, "until", until - d->begin);
		jsonw_object_end(j);
	}
	raw_filter_free(filter);
	raw_free(r);
	return status;
}
