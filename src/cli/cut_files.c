#include "cli/cut_files.h"

#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Return: 0, or -1: no page could be had. */
static int put_page(void *at, size_t size)
{
	void *page = mmap(at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
			  -1, 0);

	if (page == MAP_FAILED)
		return -1;
	memset(page, 0xff, size);
	return mprotect(page, size, PROT_READ);
}

static void on_bus_error(int signal, siginfo_t *info, void *context)
{
	uintptr_t size = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t at = (uintptr_t)info->si_addr & ~(size - 1);

	(void)context;
	if (info->si_code != BUS_ADRERR || put_page((void *)at, size))
		sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
}

void cut_files_survive(void)
{
	sigaction(SIGBUS, &(struct sigaction){.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO},
		  NULL);
}
