#include "events/layout.h"

#include <fnmatch.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "events/exit_reason.h"

enum { NAMES_MAX = 6, FIELDS_MAX = 8 };

_Static_assert(FIELDS_MAX + 3 <= LAYOUT_WANTS_MAX, "");

struct field {
	enum want_kind kind;
	uint16_t offset;
	const char *names[NAMES_MAX];
};

struct layout {
	const char *names[NAMES_MAX];
	struct field fields[FIELDS_MAX];
};

static const struct layout layouts[EV_N] = {
#define EVENT(ID, member, ...)	 [EV_##ID] = {.names = {__VA_ARGS__}, .fields = {
#define INT(member, field, ...)	 {WANT_INT, offsetof(struct event, member.field), {__VA_ARGS__}},
#define TEXT(member, field, ...) {WANT_TEXT, offsetof(struct event, member.field), {__VA_ARGS__}},
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

static bool has_field(const struct layout_class *cls, const char *name)
{
	return *name == '@' ? cls->has(cls->ctx, name + 1, true) : cls->has(cls->ctx, name, false);
}

/* The first of the names that the class has, "" when it has none. */
static const char *first_present(const char *const *names, int n, const struct layout_class *cls)
{
	for (int i = 0; i < n && names[i]; i++) {
		if (has_field(cls, names[i]))
			return names[i];
	}
	return "";
}

/*
 * ftrace and perf call a thread's id "pid" and have no thread group in fork: there child_pid is the
 * thread's id, and the group is not recorded.
 */
static bool is_other_meaning(enum event_id id, const struct field *f,
			     const struct layout_class *cls)
{
	return id == EV_SCHED_PROCESS_FORK &&
	       f->offset == offsetof(struct event, sched_process_fork.child_pid) &&
	       !has_field(cls, "child_tid");
}

/*
 * What a field is taken for that the class does not have. Only x86's exits say whose reasons they
 * have; those of the others have fields of their own.
 */
static int64_t absent_value(enum event_id id, const struct field *f, const struct layout_class *cls)
{
	static const struct {
		const char *field;
		enum isa isa;
	} own[] = {{"vcpu_pc", ISA_ARM64}, {"scause", ISA_RISCV}, {"icptcode", ISA_S390}};

	if (id != EV_KVM_EXIT || f->offset != offsetof(struct event, kvm_exit.isa))
		return NO_VALUE;
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (has_field(cls, own[i].field))
			return own[i].isa;
	}
	return NO_VALUE;
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

/* Return: NULL where the event has the call's number, from which its name will be known. */
static const char *call_name(const struct layout_class *cls)
{
	static const char *const numbered[] = {"syscall_entry_unknown", "sys_unknown",
					       "raw_syscalls:sys_enter"};

	for (size_t i = 0; i < sizeof(numbered) / sizeof(numbered[0]); i++) {
		if (!strcmp(cls->name, numbered[i]))
			return cls->is_x86_64 ? NULL : "unknown";
	}
	return variable_part(EV_SYSCALL_ENTRY, cls->name);
}

/* Return: NULL where the event has the name of who handles its line. */
static const char *vector_name(const struct layout_class *cls)
{
	const char *name = variable_part(EV_IRQ_ENTRY, cls->name);

	return name == cls->name ? NULL : name;
}

/* A field that no tracer writes, because it is the same for all events of the class. */
static struct layout_want constant(uint16_t offset, const char *value)
{
	return (struct layout_want){
		.name = "", .kind = WANT_INT, .offset = offset, .absent = (int64_t)(intptr_t)value};
}

static struct layout_want want_of(const char *name, enum want_kind kind, uint16_t offset,
				  int64_t absent)
{
	bool is_context = *name == '@';

	return (struct layout_want){.name = name + is_context,
				    .is_context = is_context,
				    .kind = kind,
				    .offset = offset,
				    .absent = absent};
}

/* What tracers (and `perf data convert`) call the thread in which an event happened, and its
 * process. */
static const struct field contexts[] = {
	{WANT_INT, offsetof(struct event, tid), {"@tid", "perf_tid", "@vtid", "common_pid"}},
	{WANT_INT, offsetof(struct event, pid), {"@pid", "perf_pid", "@vpid"}},
};

/* Without one it is what struct event was made with. */
static uint32_t context_wants(const struct layout_class *cls, struct layout_want *wants)
{
	uint32_t n = 0;

	for (size_t i = 0; i < sizeof(contexts) / sizeof(contexts[0]); i++) {
		const char *name = first_present(contexts[i].names, NAMES_MAX, cls);

		if (*name)
			wants[n++] = want_of(name, WANT_INT, contexts[i].offset, NO_VALUE);
	}
	return n;
}

bool layout_knows_thread(const struct layout_class *cls)
{
	return *first_present(contexts[0].names, NAMES_MAX, cls);
}

bool layout_knows_process(const struct layout_class *cls)
{
	return *first_present(contexts[1].names, NAMES_MAX, cls);
}

uint32_t layout_wants(enum event_id id, const struct layout_class *cls,
		      struct layout_want wants[LAYOUT_WANTS_MAX])
{
	uint32_t n = context_wants(cls, wants);

	for (const struct field *f = layouts[id].fields;
	     f < layouts[id].fields + FIELDS_MAX && f->names[0]; f++) {
		const char *name =
			is_other_meaning(id, f, cls) ? "" : first_present(f->names, NAMES_MAX, cls);

		wants[n++] = want_of(name, f->kind, f->offset, absent_value(id, f, cls));
	}
	if (id == EV_SYSCALL_ENTRY)
		wants[n++] = constant(offsetof(struct event, syscall_entry.name), call_name(cls));
	if (id == EV_IRQ_ENTRY)
		wants[n++] =
			constant(offsetof(struct event, irq_entry.of_vector), vector_name(cls));
	return n;
}

bool layout_then_any(enum event_id id)
{
	return id == EV_KVM_ENTRY || !event_ends_guest(id);
}
