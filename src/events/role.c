#include "events/role.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"

const char *role_name(enum role role)
{
	static const char *const names[] = {"unknown", "host", "guest", "host+guest"};

	return names[role & ROLE_BOTH];
}

/* Return: which role it tells of. */
static enum role role_of_event(enum event_id id)
{
	if (!strncmp(event_name(id), "kvm_", 4))
		return ROLE_HOST;
	return id == EV_VMSYNC_GH_GUEST || id == EV_VMSYNC_HG_GUEST ? ROLE_GUEST : ROLE_UNKNOWN;
}

/* Return: how many events only a host, or only a guest, can have. */
static uint64_t count_of(enum role role, const uint64_t n[EV_N])
{
	uint64_t sum = 0;

	for (enum event_id id = 0; id < EV_N; id++)
		sum += role_of_event(id) == role ? n[id] : 0;
	return sum;
}

enum role role_of_counts(const uint64_t n[EV_N])
{
	return (enum role)((count_of(ROLE_HOST, n) ? ROLE_HOST : 0) |
			   (count_of(ROLE_GUEST, n) ? ROLE_GUEST : 0));
}

static char *why_host(const uint64_t n[EV_N])
{
	uint64_t both = n[EV_KVM_ENTRY] + n[EV_KVM_EXIT];

	if (both)
		return mem_printf("%" PRIu64 " KVM entries and exits", both);
	return mem_printf("%" PRIu64 " KVM events", count_of(ROLE_HOST, n));
}

static char *why_guest(const uint64_t n[EV_N])
{
	return mem_printf("%" PRIu64 " vmsync guest events", count_of(ROLE_GUEST, n));
}

static char *why_both(const uint64_t n[EV_N])
{
	char *host = why_host(n), *guest = why_guest(n);
	char *both = mem_printf("%s, %s", host, guest);

	free(host);
	free(guest);
	return both;
}

char *role_why(const uint64_t n[EV_N])
{
	switch (role_of_counts(n)) {
	case ROLE_HOST:
		return why_host(n);
	case ROLE_GUEST:
		return why_guest(n);
	case ROLE_BOTH:
		return why_both(n);
	case ROLE_UNKNOWN:
		break;
	}
	return mem_strdup("neither KVM events nor vmsync guest events");
}

unsigned role_to_look_for(enum role role)
{
	return role == ROLE_UNKNOWN ? ROLE_GUEST : role;
}
