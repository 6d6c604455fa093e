#include "input/ctf/interest.h"

#include <stddef.h>
#include <string.h>

_Static_assert(offsetof(struct event, ts) == offsetof(struct ctf_head, ns) &&
		       offsetof(struct event, id) == offsetof(struct ctf_head, tag),
	       "events begin as the plan's structs do");

struct binder {
	const struct recording_event *events;
	struct event_set wanted;
	bool every; /* all others are to be delivered too */
	bool knows_threads;
	struct ctf_want wants[LAYOUT_WANTS_MAX + 2];
};

static bool has_member(const struct ctf_fc *root, const char *name)
{
	for (uint32_t i = 0; root && i < root->n_members; i++) {
		const char *member = root->members[i].name;

		if (member && !strcmp(member, name))
			return true;
	}
	return false;
}

static bool class_has(const void *ctx, const char *field, bool is_context)
{
	const struct ctf_event_class *cls = ctx;

	if (!is_context)
		return has_member(cls->payload, field);
	return has_member(cls->stream->event_common_context, field) ||
	       has_member(cls->specific_context, field);
}

static struct layout_class layout_class_of(const struct ctf_event_class *cls)
{
	return (struct layout_class){
		.name = cls->name, .is_x86_64 = true, .has = class_has, .ctx = cls};
}

static enum ctf_scope scope_of(const struct layout_want *w, const struct ctf_event_class *cls)
{
	if (!w->is_context)
		return CTF_EVENT_PAYLOAD;
	return has_member(cls->specific_context, w->name) ? CTF_EVENT_SPECIFIC_CONTEXT
							  : CTF_EVENT_COMMON_CONTEXT;
}

static bool has_want(const struct ctf_want *wants, uint32_t n, uint16_t offset)
{
	for (uint32_t i = 0; i < n; i++) {
		if (wants[i].offset == offset)
			return true;
	}
	return false;
}

/* Where other events say their thread, those that do not must say that they do not. */
static uint32_t add_absent(struct ctf_want *wants, uint32_t n, uint16_t offset)
{
	if (!has_want(wants, n, offset))
		wants[n++] = (struct ctf_want){.name = "",
					       .scope = CTF_EVENT_PAYLOAD,
					       .kind = CTF_WANT_INT,
					       .offset = offset,
					       .absent = NO_VALUE};
	return n;
}

static uint32_t bind_wants(struct binder *b, enum event_id id, const struct ctf_event_class *cls)
{
	struct layout_class layout_class = layout_class_of(cls);
	struct layout_want wants[LAYOUT_WANTS_MAX];
	uint32_t n = layout_wants(id, &layout_class, wants);

	for (uint32_t i = 0; i < n; i++)
		b->wants[i] = (struct ctf_want){.name = wants[i].name,
						.scope = scope_of(&wants[i], cls),
						.kind = wants[i].kind == WANT_INT ? CTF_WANT_INT
										  : CTF_WANT_TEXT,
						.offset = wants[i].offset,
						.absent = wants[i].absent};
	if (b->knows_threads) {
		n = add_absent(b->wants, n, offsetof(struct event, tid));
		n = add_absent(b->wants, n, offsetof(struct event, pid));
	}
	return n;
}

static bool interest_of(void *ctx, const struct ctf_event_class *cls,
			struct ctf_interest *interestp)
{
	struct binder *b = ctx;
	enum event_id id = b->events[cls->index].id;

	if (id == EV_N || !event_set_has(b->wanted, id)) {
		*interestp = (struct ctf_interest){.tag = CTF_TAG_ANY};
		return b->every;
	}
	*interestp = (struct ctf_interest){.tag = id,
					   .then_any = layout_then_any(id),
					   .wants = b->wants,
					   .n_wants = bind_wants(b, id, cls)};
	return true;
}

struct ctf_plan *ctf_interest_plan(const struct ctf_trace_type *t,
				   const struct recording_event *events, bool knows_threads,
				   struct event_set wanted, bool every)
{
	struct binder b = {
		.events = events, .wanted = wanted, .every = every, .knows_threads = knows_threads};

	return ctf_plan_new(t, interest_of, &b);
}

static bool any_class(const struct ctf_trace_type *t, bool (*has)(const struct layout_class *cls))
{
	for (uint32_t i = 0; i < t->n_streams; i++) {
		for (uint32_t j = 0; j < t->streams[i]->n_events; j++) {
			struct layout_class cls = layout_class_of(t->streams[i]->events[j]);

			if (has(&cls))
				return true;
		}
	}
	return false;
}

bool ctf_interest_knows_threads(const struct ctf_trace_type *t)
{
	return any_class(t, layout_knows_thread);
}

bool ctf_interest_knows_processes(const struct ctf_trace_type *t)
{
	return any_class(t, layout_knows_process);
}
