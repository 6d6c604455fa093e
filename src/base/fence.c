#include "base/fence.h"

#if __has_include(<linux/landlock.h>)

#include <elf.h>
#include <fcntl.h>
#include <libgen.h>
#include <link.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

/* Of later headers than Debian 12's. */
#define FENCE_REFER    (UINT64_C(1) << 13) /* from the second version on */
#define FENCE_TRUNCATE (UINT64_C(1) << 14) /* from the third */

enum {
	FENCE_CHANGES = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
			LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
			LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
			LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
			LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM,
};

/* Return: all changes that this kernel can forbid; 0: it cannot. */
static uint64_t fence_changes(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0,
			       LANDLOCK_CREATE_RULESET_VERSION);

	if (version < 1)
		return 0;
	return (uint64_t)FENCE_CHANGES | (version >= 2 ? FENCE_REFER : 0) |
	       (version >= 3 ? FENCE_TRUNCATE : 0);
}

/* Return: a set of rules that forbids these, or a negative number. */
static int fence_new(uint64_t forbidden)
{
	struct landlock_ruleset_attr attr = {.handled_access_fs = forbidden};

	return (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
}

static void fence_allow(int rules, const char *path, uint64_t allowed)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = allowed,
						  .parent_fd = open(path, O_PATH | O_CLOEXEC)};

	if (rule.parent_fd < 0)
		return;
	syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent_fd);
}

/* Takes the rules over. Return: whether they hold from now on. */
static bool fence_close(int rules)
{
	bool done = !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
		    !syscall(SYS_landlock_restrict_self, rules, 0);

	close(rules);
	return done;
}

/* Return: 1, for the first object is the program. Allows what loads it, if anything does. */
static int fence_allow_loader(struct dl_phdr_info *info, size_t size, void *ctx)
{
	const int *rules = ctx;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];

		if (h->p_type == PT_INTERP)
			fence_allow(*rules, (const char *)(info->dlpi_addr + h->p_vaddr),
				    LANDLOCK_ACCESS_FS_EXECUTE);
	}
	return 1;
}

bool fence_start_nothing(void)
{
	int rules = fence_changes() ? fence_new(LANDLOCK_ACCESS_FS_EXECUTE) : -1;

	return rules >= 0 && fence_close(rules);
}

bool fence_write_below(const char *directory)
{
	uint64_t changes = fence_changes();
	int rules = changes ? fence_new(changes | LANDLOCK_ACCESS_FS_EXECUTE) : -1;
	char *copy = mem_strdup(directory);

	if (rules >= 0) {
		fence_allow(rules, directory, changes);
		fence_allow(rules, dirname(copy), LANDLOCK_ACCESS_FS_REMOVE_DIR);
		fence_allow(rules, "/dev/null", LANDLOCK_ACCESS_FS_WRITE_FILE);
		fence_allow(rules, "/proc/self/exe", LANDLOCK_ACCESS_FS_EXECUTE);
		dl_iterate_phdr(fence_allow_loader, &rules);
	}
	free(copy);
	return rules >= 0 && fence_close(rules);
}

#else

bool fence_start_nothing(void)
{
	return false;
}

bool fence_write_below(const char *directory)
{
	(void)directory;
	return false;
}

#endif
