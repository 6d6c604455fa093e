#include "events/layout.h"

#include <fnmatch.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "events/exit_reason.h"

enum { NAMES_MAX = 6, FIELDS_MAX = 8 };

struct field {
	enum ctf_want_kind kind;
	uint16_t offset;
	const char *names[NAMES_MAX];
};

struct layout {
	const char *names[NAMES_MAX];
	struct field fields[FIELDS_MAX];
};

static const struct layout layouts[EV_N] = {
#define EVENT(ID, member, ...)	[EV_##ID] = {.names = {__VA_ARGS__}, .fields = {
#define INT(member, field, ...) {CTF_WANT_INT, offsetof(struct event, member.field), {__VA_ARGS__}},
#define TEXT(member, field, ...) \
	{CTF_WANT_TEXT, offsetof(struct event, member.field), {__VA_ARGS__}},
#define END(ID) \
	}       \
	}       \
	,
#include "events/events.def"
#undef EVENT
#undef INT
#undef TEXT
#undef END
};

const char *event_name(enum event_id id)
{
	return id < EV_N ? layouts[id].names[0] : id == EV_LOST ? "(lost)" : "(other)";
}

struct event_set event_set_all(void)
{
	_Static_assert(EV_N <= 64, "an event_set is 64 bits");
	return (struct event_set){.bits = (UINT64_C(1) << EV_N) - 1};
}

struct event_set event_set_of(const enum event_id *ids, unsigned n)
{
	struct event_set s = {0};

	for (unsigned i = 0; i < n; i++)
		s.bits |= UINT64_C(1) << ids[i];
	return s;
}

static bool is_among(const char *const names[NAMES_MAX], const char *name)
{
	for (int i = 0; i < NAMES_MAX && names[i]; i++) {
		if (strchr(names[i], '*') ? !fnmatch(names[i], name, 0) : !strcmp(names[i], name))
			return true;
	}
	return false;
}

static enum event_id named(const char *name)
{
	for (enum event_id id = 0; id < EV_N; id++) {
		if (is_among(layouts[id].names, name))
			return id;
	}
	return EV_N;
}

enum event_id layout_event_of(const char *name)
{
	const char *prefix_end = strpbrk(name, ":/");
	enum event_id id = named(name);

	return id == EV_N && prefix_end ? named(prefix_end + 1) : id;
}

struct event_set layout_described(const struct ctf_trace_type *t)
{
	struct event_set s = {0};

	for (uint32_t i = 0; i < t->n_streams; i++) {
		for (uint32_t j = 0; j < t->streams[i]->n_events; j++) {
			enum event_id id = layout_event_of(t->streams[i]->events[j]->name);

			if (id != EV_N)
				s.bits |= UINT64_C(1) << id;
		}
	}
	return s;
}

struct binder {
	struct event_set wanted;
	bool every; /* all others are to be delivered too */
	struct ctf_want wants[FIELDS_MAX + 1];
};

static bool has_field(const struct ctf_event_class *cls, const char *name)
{
	for (uint32_t i = 0; cls->payload && i < cls->payload->n_members; i++) {
		const char *member = cls->payload->members[i].name;

		if (member && !strcmp(member, name))
			return true;
	}
	return false;
}

/* The first of the field's names that the class has; any of them when it has none. */
static const char *field_name(const struct field *f, const struct ctf_event_class *cls)
{
	for (int i = 0; i < NAMES_MAX && f->names[i]; i++) {
		if (has_field(cls, f->names[i]))
			return f->names[i];
	}
	return f->names[0];
}

/*
 * ftrace and perf call a thread's id "pid" and have no thread group in fork: there child_pid is the
 * thread's id, and the group is not recorded.
 */
static bool is_other_meaning(enum event_id id, const struct field *f,
			     const struct ctf_event_class *cls)
{
	return id == EV_SCHED_PROCESS_FORK &&
	       f->offset == offsetof(struct event, sched_process_fork.child_pid) &&
	       !has_field(cls, "child_tid");
}

/* What a field is taken for that the class does not have. */
static int64_t absent_value(enum event_id id, const struct field *f,
			    const struct ctf_event_class *cls)
{
	bool is_arm64 = id == EV_KVM_EXIT && has_field(cls, "esr_ec");

	return is_arm64 && f->offset == offsetof(struct event, kvm_exit.isa) ? ISA_ARM64 : NO_VALUE;
}

/* "syscall_entry_read" is "read": what the '*' of the pattern stood for. */
static const char *variable_part(enum event_id id, const char *name)
{
	for (int i = 0; i < NAMES_MAX && layouts[id].names[i]; i++) {
		const char *star = strchr(layouts[id].names[i], '*');

		if (star && !fnmatch(layouts[id].names[i], name, 0))
			return name + (star - layouts[id].names[i]);
	}
	return name;
}

/* A field that no tracer writes, because it is the same for all events of the class. */
static struct ctf_want constant(uint16_t offset, const char *value)
{
	return (struct ctf_want){.name = "",
				 .scope = CTF_EVENT_PAYLOAD,
				 .kind = CTF_WANT_INT,
				 .offset = offset,
				 .absent = (int64_t)(intptr_t)value};
}

/* Return: NULL where the event has the call's number, which means something in 64-bit calls only. */
static const char *call_name(const char *class_name)
{
	static const char *const numbered[] = {"syscall_entry_unknown", "sys_unknown",
					       "raw_syscalls:sys_enter"};

	for (size_t i = 0; i < sizeof(numbered) / sizeof(numbered[0]); i++) {
		if (!strcmp(class_name, numbered[i]))
			return NULL;
	}
	return variable_part(EV_SYSCALL_ENTRY, class_name);
}

static bool interest_of(void *ctx, const struct ctf_event_class *cls,
			struct ctf_interest *interestp)
{
	struct binder *b = ctx;
	enum event_id id = layout_event_of(cls->name);
	uint32_t n = 0;

	if (id == EV_N || !event_set_has(b->wanted, id)) {
		*interestp = (struct ctf_interest){.tag = CTF_TAG_ANY};
		return b->every;
	}
	for (const struct field *f = layouts[id].fields; n < FIELDS_MAX && f->names[0]; f++) {
		b->wants[n++] = (struct ctf_want){
			.name = is_other_meaning(id, f, cls) ? "" : field_name(f, cls),
			.scope = CTF_EVENT_PAYLOAD,
			.kind = f->kind,
			.offset = f->offset,
			.absent = absent_value(id, f, cls)};
	}
	if (id == EV_SYSCALL_ENTRY)
		b->wants[n++] =
			constant(offsetof(struct event, syscall_entry.name), call_name(cls->name));
	*interestp = (struct ctf_interest){.tag = id,
					   .then_any = id == EV_KVM_ENTRY ||
						       id == EV_KVM_WAIT_LAPIC_EXPIRE,
					   .wants = b->wants,
					   .n_wants = n};
	return true;
}

struct ctf_plan *layout_plan(const struct ctf_trace_type *t, struct event_set wanted)
{
	struct binder b = {.wanted = wanted};

	return ctf_plan_new(t, interest_of, &b);
}

struct ctf_plan *layout_plan_every(const struct ctf_trace_type *t, struct event_set wanted)
{
	struct binder b = {.wanted = wanted, .every = true};

	return ctf_plan_new(t, interest_of, &b);
}
