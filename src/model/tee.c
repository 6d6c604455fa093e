#include "model/tee.h"

static void tee_begin(void *ctx, const struct identity *x)
{
	const struct tee *t = ctx;

	if (t->a.begin)
		t->a.begin(t->a.ctx, x);
	if (t->b.begin)
		t->b.begin(t->b.ctx, x);
}

static void tee_vcpu_interval(void *ctx, const struct vcpu_interval *x)
{
	const struct tee *t = ctx;

	if (t->a.vcpu_interval)
		t->a.vcpu_interval(t->a.ctx, x);
	if (t->b.vcpu_interval)
		t->b.vcpu_interval(t->b.ctx, x);
}

static void tee_vm_exit(void *ctx, const struct vm_exit *x)
{
	const struct tee *t = ctx;

	if (t->a.vm_exit)
		t->a.vm_exit(t->a.ctx, x);
	if (t->b.vm_exit)
		t->b.vm_exit(t->b.ctx, x);
}

static void tee_thread_interval(void *ctx, const struct thread_interval *x)
{
	const struct tee *t = ctx;

	if (t->a.thread_interval)
		t->a.thread_interval(t->a.ctx, x);
	if (t->b.thread_interval)
		t->b.thread_interval(t->b.ctx, x);
}

static void tee_cpu_interval(void *ctx, const struct cpu_interval *x)
{
	const struct tee *t = ctx;

	if (t->a.cpu_interval)
		t->a.cpu_interval(t->a.ctx, x);
	if (t->b.cpu_interval)
		t->b.cpu_interval(t->b.ctx, x);
}

static void tee_wakeup(void *ctx, const struct wakeup *x)
{
	const struct tee *t = ctx;

	if (t->a.wakeup)
		t->a.wakeup(t->a.ctx, x);
	if (t->b.wakeup)
		t->b.wakeup(t->b.ctx, x);
}

struct model_sink tee_sink(struct tee *t)
{
	return (struct model_sink){.ctx = t,
				   .begin = tee_begin,
				   .vcpu_interval = tee_vcpu_interval,
				   .vm_exit = tee_vm_exit,
				   .thread_interval = tee_thread_interval,
				   .cpu_interval = tee_cpu_interval,
				   .wakeup = tee_wakeup};
}
