#include "sync/lineup.h"

#include <stdlib.h>

#include "base/mem.h"
#include "sync/limits.h"

static const struct sync_score *score_of(const struct sync_lineup *l, size_t cpu, size_t thread)
{
	return &l->scores[cpu * l->n_threads + thread];
}

static bool is_near(int64_t a, int64_t b)
{
	return a - b <= LINEUP_SAME && b - a <= LINEUP_SAME;
}

/* A guest's CPUs assigned to a process's threads, for one difference. */
struct assignment {
	const struct sync_lineup *lineup;
	uint32_t guest;
	int64_t process;
	int64_t difference;
	int64_t *thread_of_cpu; /* of the whole line-up; only this guest's rows are touched */
};

static bool is_free(const struct assignment *y, size_t thread)
{
	for (size_t c = 0; c < y->lineup->n_cpus; c++)
		if (y->lineup->guest_of_cpu[c] == y->guest &&
		    y->thread_of_cpu[c] == (int64_t)thread)
			return false;
	return y->lineup->process_of_thread[thread] == y->process;
}

/* Gives the best free thread to the CPU that has the best. Return: their score, 0 when none is
 * left. */
static uint32_t assign_next(struct assignment *y)
{
	const struct sync_lineup *l = y->lineup;
	size_t cpu = 0, thread = 0;
	uint32_t best = 0;

	for (size_t c = 0; c < l->n_cpus; c++) {
		if (l->guest_of_cpu[c] != y->guest || y->thread_of_cpu[c] != SYNC_NOBODY)
			continue;
		for (size_t t = 0; t < l->n_threads; t++) {
			const struct sync_score *s = score_of(l, c, t);

			if (s->agreeing <= best || !is_near(s->difference, y->difference) ||
			    !is_free(y, t))
				continue;
			best = s->agreeing;
			cpu = c;
			thread = t;
		}
	}
	if (best)
		y->thread_of_cpu[cpu] = (int64_t)thread;
	return best;
}

static uint32_t assign_all(struct assignment *y)
{
	uint32_t sum = 0, next;

	for (size_t c = 0; c < y->lineup->n_cpus; c++)
		if (y->lineup->guest_of_cpu[c] == y->guest)
			y->thread_of_cpu[c] = SYNC_NOBODY;
	while ((next = assign_next(y)))
		sum += next;
	return sum;
}

/* The difference that the guest's best pair with the process claims. Return: that pair's score. */
static uint32_t best_pair(const struct sync_lineup *l, uint32_t guest, int64_t process,
			  int64_t *differencep)
{
	uint32_t best = 0;

	for (size_t c = 0; c < l->n_cpus; c++) {
		for (size_t t = 0; t < l->n_threads && l->guest_of_cpu[c] == guest; t++) {
			const struct sync_score *s = score_of(l, c, t);

			if (l->process_of_thread[t] != process || s->agreeing <= best)
				continue;
			best = s->agreeing;
			*differencep = s->difference;
		}
	}
	return best;
}

static bool is_first_of_process(const struct sync_lineup *l, size_t thread)
{
	for (size_t t = 0; t < thread; t++)
		if (l->process_of_thread[t] == l->process_of_thread[thread])
			return false;
	return true;
}

static uint32_t chance_of(const struct sync_lineup *l, uint32_t guest, int64_t process)
{
	uint32_t most = 0;

	for (size_t c = 0; c < l->n_cpus; c++) {
		for (size_t t = 0; t < l->n_threads && l->guest_of_cpu[c] == guest; t++) {
			uint32_t agreeing = score_of(l, c, t)->agreeing;

			if (l->process_of_thread[t] != process && agreeing > most)
				most = agreeing;
		}
	}
	return most;
}

static bool as_good(uint32_t a, uint32_t b)
{
	return a >= b / LINEUP_AMBIGUOUS_PART;
}

static void judge(struct sync_identity *id)
{
	if (id->score < LINEUP_MIN_SCORE)
		id->verdict = SYNC_FOREIGN;
	else if (as_good(id->runner_up, id->score) && id->runner_up >= LINEUP_MIN_SCORE)
		id->verdict = SYNC_AMBIGUOUS;
	else
		id->verdict =
			id->score < LINEUP_OVER_CHANCE * id->by_chance ? SYNC_FOREIGN : SYNC_FOUND;
	if (id->verdict == SYNC_FOREIGN)
		id->process = SYNC_NOBODY;
}

static struct sync_identity identify(const struct sync_lineup *l, uint32_t guest,
				     int64_t *thread_of_cpu)
{
	struct sync_identity id = {.process = SYNC_NOBODY};
	struct assignment y = {.lineup = l, .guest = guest, .thread_of_cpu = thread_of_cpu};

	for (size_t t = 0; t < l->n_threads; t++) {
		y.process = l->process_of_thread[t];
		if (!is_first_of_process(l, t) || !best_pair(l, guest, y.process, &y.difference))
			continue;
		uint32_t score = assign_all(&y);
		if (score > id.score) {
			id.runner_up = id.score;
			id.score = score;
			id.process = y.process;
			id.difference = y.difference;
		} else if (score > id.runner_up) {
			id.runner_up = score;
		}
	}
	y.process = id.process;
	y.difference = id.difference;
	id.by_chance = chance_of(l, guest, id.process);
	judge(&id);
	if (id.verdict != SYNC_FOREIGN)
		assign_all(&y);
	return id;
}

/* A process is one guest. Where two claim it, the better has it, if it is clearly better. */
static void settle(struct sync_identity *a, struct sync_identity *b)
{
	if (a->verdict == SYNC_FOREIGN || b->verdict == SYNC_FOREIGN || a->process != b->process)
		return;
	struct sync_identity *weak = a->score < b->score ? a : b, *strong = weak == a ? b : a;

	weak->verdict = SYNC_FOREIGN;
	if (as_good(weak->score, strong->score))
		weak->verdict = strong->verdict = SYNC_AMBIGUOUS;
	else
		weak->process = SYNC_NOBODY;
}

void sync_identify(const struct sync_lineup *l, struct sync_identity *identities,
		   int64_t *thread_of_cpu)
{
	for (size_t c = 0; c < l->n_cpus; c++)
		thread_of_cpu[c] = SYNC_NOBODY;
	for (uint32_t g = 0; g < l->n_guests; g++)
		identities[g] = identify(l, g, thread_of_cpu);
	for (size_t a = 0; a < l->n_guests; a++)
		for (size_t b = a + 1; b < l->n_guests; b++)
			settle(&identities[a], &identities[b]);
	for (size_t c = 0; c < l->n_cpus; c++)
		if (identities[l->guest_of_cpu[c]].verdict == SYNC_FOREIGN)
			thread_of_cpu[c] = SYNC_NOBODY;
}
