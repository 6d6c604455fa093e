/*
 * exit_sums: what the exits of each vCPU for each reason add up to, between any two times.
 *
 * Adding up takes reading every exit, seconds where there are a hundred million. So a table that
 * has many is read once, and the sums of stretches of it are kept: of a question later on, only the
 * exits at both of its ends are read. Exits count where they begin.
 */
#ifndef VMSCOPE_SERVER_EXIT_SUMS_H
#define VMSCOPE_SERVER_EXIT_SUMS_H

#include "base/map.h"
#include "base/mem.h"
#include "store/reader.h"
#include "tally/histogram.h"

/* More pairs of vCPU and reason than this no recording has; only they are told apart. */
enum { EXIT_SUMS_MAX = 10000 };

/* Exits of one vCPU for one reason. */
struct exit_sum {
	const char *name; /* the file's; NULL: it has none */
	int64_t vcpu, reason;
	int64_t count;		/* of all; the rest is of those whose end was seen */
	struct histogram whole; /* how long these took */
	int64_t split;		/* of these: those whose parts are known */
	int64_t handled, userspace, preempted, blocked;
	int64_t polled; /* of handled */
	int64_t max_at; /* when the longest began; TABLE_NULL: no end was seen */
};

struct exit_sums {
	VEC(struct exit_sum) at;
	struct map places;
};

struct exit_stretch;

/* Sums of stretches of every lane. */
struct exit_index {
	VEC(struct exit_stretch) stretches; /* by lane, then time */
};

/* Return: whether there are so many exits that an index is worth its while. */
bool exit_index_is_needed(const struct store *s);

/* Reads all exits. Return: 0, or ERR with err set; deinitialize in every case. */
int exit_index_init(struct exit_index *index, const struct store *s, struct error *err);
void exit_index_deinit(struct exit_index *index);

/*
 * Adds up what began in [from, to). index: NULL if there is none.
 * Return: 0, or ERR with err set; deinitialize in every case.
 */
int exit_sums_init(struct exit_sums *sums, const struct store *s, const struct exit_index *index,
		   int64_t from, int64_t to, struct error *err);
void exit_sums_deinit(struct exit_sums *sums);

/*
 * Return: ns that KVM and user space worked for them, without what the guest's halts polled;
 * TABLE_NULL: their parts are not all known.
 */
int64_t exit_sum_cost(const struct exit_sum *x);

#endif
