#include "record/wanted.h"

#include <string.h>

static const char *const wanted_net[] = {"net:net_dev_xmit", "net:net_dev_queue",
					 "net:netif_receive_skb", "napi:napi_poll", NULL};
static const char *const wanted_block[] = {"block:block_rq_insert", "block:block_rq_issue",
					   "block:block_rq_complete", NULL};

/* The table has them as a shell wants them: "'irq_vectors:*_entry'". */
static char *wanted_unquote(const char *name)
{
	size_t n = strlen(name);

	return n > 1 && name[0] == '\'' ? mem_strndup(name + 1, n - 2) : mem_strdup(name);
}

static void wanted_add(struct wanted *w, char *name, const char *what,
		       const struct required_event *r)
{
	vec_each (e, &w->events) {
		if (!strcmp(e->name, name)) {
			free(name);
			return;
		}
	}
	*vec_push(&w->events) = (struct wanted_event){name, what, r};
}

static void wanted_add_all(struct wanted *w, const char *const *names, const char *what)
{
	for (; *names; names++)
		wanted_add(w, mem_strdup(*names), what, NULL);
}

static bool wanted_is(const struct required_event *r, const struct wanted_options *o)
{
	return (r->roles & ROLE_HOST) && required_by(r, TRACER_TRACE_CMD) &&
	       (o->syscalls || !r->is_bulky) &&
	       (!o->lite || r->need != NEED_HELP || (o->syscalls && r->is_bulky));
}

void wanted_init(struct wanted *w, const struct wanted_options *o)
{
	*w = (struct wanted){0};
	for (size_t i = 0; i < n_required_events; i++) {
		const struct required_event *r = &required_events[i];
		const char *how = r->enable[TRACER_TRACE_CMD] ? r->enable[TRACER_TRACE_CMD]
							      : r->names[TRACER_TRACE_CMD][0];

		if (wanted_is(r, o))
			wanted_add(w, wanted_unquote(how), r->topic, r);
	}
	if (o->net)
		wanted_add_all(w, wanted_net, "Packets, for other programs");
	if (o->block)
		wanted_add_all(w, wanted_block, "Requests to disks, for other programs");
}

void wanted_deinit(struct wanted *w)
{
	vec_each (e, &w->events)
		free(e->name);
	vec_deinit(&w->events);
}
