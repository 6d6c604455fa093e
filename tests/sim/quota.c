#include "quota.h"

#include <stdlib.h>

#include "truth.h"

static void quota_used_up(void *subject, uint64_t generation);

/* Adds up what was used, and looks ahead to when all will be. */
static void quota_account(struct group *g, int change)
{
	int64_t now = g->w->now;

	g->used += (int64_t)g->running * (now - g->since);
	g->since = now;
	g->running = (unsigned)((int)g->running + change);
	g->generation++;
	if (!g->running || g->throttled)
		return;
	int64_t left = g->quota > g->used ? g->quota - g->used : 0;
	queue_push(&g->w->queue, now + left / g->running, quota_used_up, g, g->generation);
}

static void quota_used_up(void *subject, uint64_t generation)
{
	struct group *g = subject;

	if (generation != g->generation)
		return;
	g->throttled = true;
	quota_account(g, 0);
	for (size_t i = 0; i < g->tasks.n; i++) {
		struct task *t = g->tasks.at[i];
		if (t->state == TASK_CURRENT) {
			t->cpu->need_resched = true;
			irq_kick(t->cpu);
		} else if (t->state == TASK_QUEUED) {
			t->picked_once = g->w->o->late_quota;
			sched_quota_changed(t);
		}
	}
}

/* What was used too much in this period is missing in the next. */
static void quota_expires(struct cpu *c, struct timer *timer)
{
	struct group *g = timer->arg;

	timer_arm(c, timer, timer->when + g->period);
	quota_account(g, 0);
	g->used = g->used > g->quota ? g->used - g->quota : 0;
	quota_account(g, 0);
}

static void quota_refilled(struct cpu *c, struct timer *timer)
{
	struct group *g = timer->arg;

	if (!g->throttled || g->used >= g->quota)
		return;
	g->throttled = false;
	quota_account(g, 0);
	for (size_t i = 0; i < g->tasks.n; i++) {
		struct task *t = g->tasks.at[i];
		if (t->state != TASK_QUEUED)
			continue;
		sched_quota_changed(t);
		if (!sched_should_preempt(t->cpu, t))
			continue;
		t->cpu->need_resched = true;
		if (t->cpu != c)
			irq_kick(t->cpu);
	}
}

struct group *quota_new(struct cpu *c, int64_t quota, int64_t period)
{
	struct group *g = mem_zalloc(1, sizeof(*g));

	*g = (struct group){.w = c->w, .quota = quota, .period = period, .since = c->w->now};
	g->timer = (struct timer){.fire = quota_expires,
				  .done = quota_refilled,
				  .arg = g,
				  .address = c->m->kernel_base + 0x1234567db8,
				  .function = c->m->kernel_base + QUOTA_FUNCTION};
	timer_arm(c, &g->timer, c->w->now + period / 10);
	return g;
}

void quota_free(struct group *g)
{
	if (!g)
		return;
	vec_deinit(&g->tasks);
	free(g);
}

void quota_add(struct group *g, struct task *t)
{
	t->group = g;
	*(struct task **)vec_push(&g->tasks) = t;
}

void quota_switch(const struct task *prev, const struct task *next)
{
	if (prev->group)
		quota_account(prev->group, -1);
	if (next->group)
		quota_account(next->group, 1);
}
