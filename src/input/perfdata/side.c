#include "input/perfdata/side.h"

/* Where members are, in bytes from a record's start. */
enum {
	AT_PID = 8,
	AT_TID = 12, /* COMM, NAMESPACES */
	AT_COMM = 16,
	COMM_MAX = 16, /* bytes that kernels keep of a name, with its NUL */
	AT_FORK_TID = 16,
	AT_FORK_PARENT = 20,
	AT_FORK_TIME = 24,
	FORK_END = 32,
	AT_NAMESPACES = 16, /* how many; then a device and a number of each */
	NAMESPACE_SIZE = 16,
	NAMESPACE_PID = 3, /* which of them */
	AT_PID_NAMESPACE = AT_NAMESPACES + 8 + NAMESPACE_PID * NAMESPACE_SIZE + 8,
	AT_LOST = 16,
	AT_LOST_SAMPLES = 8,
	AT_THROTTLE_TIME = 8,
	AT_THROTTLE_ID = 16,
	THROTTLE_END = 24,
};

/* In `misc` of LOST_SAMPLES. */
#define MISC_FILTERED 0x8000

static int32_t i32_at(const struct perfdata_record *r, unsigned at, bool big_endian)
{
	return (int32_t)load_u32(r->at + at, big_endian);
}

static bool read_comm(const struct perfdata_record *r, struct perfdata_thread *t)
{
	size_t room = r->size - AT_COMM;
	const char *comm = (const char *)r->at + AT_COMM;

	t->comm = (struct event_text){comm, strnlen(comm, room < COMM_MAX ? room : COMM_MAX)};
	return true;
}

static bool read_fork(const struct perfdata_record *r, bool big_endian, struct perfdata_thread *t)
{
	if (r->size < FORK_END)
		return false;
	t->tid = i32_at(r, AT_FORK_TID, big_endian);
	t->parent_tid = i32_at(r, AT_FORK_PARENT, big_endian);
	return true;
}

static bool read_namespaces(const struct perfdata_record *r, bool big_endian,
			    struct perfdata_thread *t)
{
	if (r->size < AT_PID_NAMESPACE + 8 ||
	    load_u64(r->at + AT_NAMESPACES, big_endian) <= NAMESPACE_PID)
		return false;
	t->pid_ns = (int64_t)load_u64(r->at + AT_PID_NAMESPACE, big_endian);
	return true;
}

bool perfdata_thread_read(const struct perfdata_record *r, bool big_endian,
			  struct perfdata_thread *t)
{
	if (r->size <= AT_COMM)
		return false;
	*t = (struct perfdata_thread){.pid = i32_at(r, AT_PID, big_endian),
				      .tid = i32_at(r, AT_TID, big_endian),
				      .parent_tid = -1,
				      .pid_ns = NO_VALUE};
	if (r->type == PERFDATA_COMM)
		return read_comm(r, t);
	if (r->type == PERFDATA_NAMESPACES)
		return read_namespaces(r, big_endian, t);
	return read_fork(r, big_endian, t);
}

bool perfdata_side_time(const struct perfdata_record *r, bool big_endian, uint64_t *timep)
{
	bool is_fork = r->type == PERFDATA_FORK || r->type == PERFDATA_EXIT;
	bool is_throttle = r->type == PERFDATA_THROTTLE || r->type == PERFDATA_UNTHROTTLE;
	unsigned at = is_fork ? AT_FORK_TIME : is_throttle ? AT_THROTTLE_TIME : 0;

	if (!at || r->size < at + 8)
		return false;
	*timep = load_u64(r->at + at, big_endian);
	return true;
}

uint64_t perfdata_side_lost(const struct perfdata_record *r, bool big_endian)
{
	unsigned at = r->type == PERFDATA_LOST ? AT_LOST : AT_LOST_SAMPLES;
	bool is_filtered = r->type == PERFDATA_LOST_SAMPLES && r->misc & MISC_FILTERED;

	return is_filtered || r->size < at + 8 ? 0 : load_u64(r->at + at, big_endian);
}

bool perfdata_side_throttled(const struct perfdata_record *r, bool big_endian, uint64_t *idp)
{
	if (r->size < THROTTLE_END)
		return false;
	*idp = load_u64(r->at + AT_THROTTLE_ID, big_endian);
	return true;
}
