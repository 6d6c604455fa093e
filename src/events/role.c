#include "events/role.h"

#include <inttypes.h>

#include "base/mem.h"

const char *role_name(enum role role)
{
	static const char *const names[] = {"unknown", "host", "guest", "host+guest"};

	return names[role & ROLE_BOTH];
}

/* Return: how many events only a host, or only a guest, can have. */
static uint64_t count_of(enum role role, const uint64_t n[EV_N])
{
	static const enum event_id host[] = {EV_KVM_ENTRY,
					     EV_KVM_EXIT,
					     EV_KVM_USERSPACE_EXIT,
					     EV_KVM_ACCEPT_IRQ,
					     EV_KVM_INJ_VIRQ,
					     EV_KVM_NESTED_EXIT,
					     EV_KVM_WAIT_LAPIC_EXPIRE,
					     EV_KVM_WRITE_TSC_OFFSET};
	static const enum event_id guest[] = {EV_VMSYNC_GH_GUEST, EV_VMSYNC_HG_GUEST};
	const enum event_id *ids = role == ROLE_HOST ? host : guest;
	size_t n_ids = (role == ROLE_HOST ? sizeof(host) : sizeof(guest)) / sizeof(*ids);
	uint64_t sum = 0;

	for (size_t i = 0; i < n_ids; i++)
		sum += n[ids[i]];
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
