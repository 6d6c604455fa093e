#include "results/finding_text.h"

#include <inttypes.h>
#include <string.h>

#include "results/units.h"

enum { DIGITS = 3, NAME_WIDTH = 40, CULPRITS_SHOWN = 3 };

/* What its sentences are written with. */
struct finding_writer {
	struct finding *f;
	const struct results *r;
	const struct blame *b;
	const char *file;
	struct arena *texts;
};

static const char *finding_ns(const struct finding_writer *w, int64_t ns)
{
	return units_duration(w->texts, ns, DIGITS);
}

/* Whom it is about. */
static const char *finding_vm(const struct finding_writer *w)
{
	if (w->f->thread)
		return w->f->thread;
	return units_safe(w->texts, w->r->machines.at[w->f->vm].name, NAME_WIDTH);
}

/* "+12.345678 s" from the begin of the recording. */
static const char *finding_moment(const struct finding_writer *w, int64_t at)
{
	return arena_printf(w->texts, "+%.6f s", (double)ns_between(w->r->begin, at) / 1e9);
}

/* ---- who it was ------------------------------------------------------------------------------ */

/* "lw-cpu, pid 548", "python3 (30 processes)", "irq 24 (ahci)" */
static const char *finding_culprit(const struct finding_writer *w, const struct blame_culprit *c)
{
	const char *name = units_safe(w->texts, c->name, NAME_WIDTH);

	if (w->f->cause != CAUSE_PROCESS && w->f->cause != CAUSE_EMULATOR)
		return name;
	if (c->n > 1)
		return arena_printf(w->texts, "%s (%" PRIu64 " processes)", name, c->n);
	if (c->pid == TABLE_NULL || w->f->cause == CAUSE_EMULATOR)
		return name;
	return arena_printf(w->texts, "%s, pid %" PRId64, name, c->pid);
}

static const char *finding_part(const struct finding_writer *w, const struct blame_culprit *c)
{
	const char *name = finding_culprit(w, c);

	if (cause_info(w->f->cause)->kind != CAUSE_KIND_EXIT)
		return arena_printf(w->texts, "%s (%s)", name, finding_ns(w, c->ns));
	return arena_printf(w->texts, "%s (%s times, %s)", name,
			    units_count(w->texts, (int64_t)c->times), finding_ns(w, c->ns));
}

/* "g2 (2.87 s), g3 (12 ms) and 4 more"; alone what has all of it needs no number. */
static const char *finding_culprits(const struct finding_writer *w)
{
	size_t n = w->b->culprits.n, shown = n <= CULPRITS_SHOWN + 1 ? n : CULPRITS_SHOWN;
	const char *list = "";

	if (n == 1 && cause_info(w->f->cause)->kind == CAUSE_KIND_LOST)
		return finding_culprit(w, w->b->culprits.at);
	for (size_t i = 0; i < shown; i++)
		list = arena_printf(w->texts, "%s%s%s", list, i ? ", " : "",
				    finding_part(w, &w->b->culprits.at[i]));
	return n > shown ? arena_printf(w->texts, "%s and %zu more", list, n - shown) : list;
}

/* ---- what it cost ---------------------------------------------------------------------------- */

static const char *finding_of_wanted(const struct finding_writer *w)
{
	return arena_printf(
		w->texts, "%s, %s of the %s that it wanted to run", finding_ns(w, w->f->cost),
		units_share(w->texts, w->f->cost, w->f->whole), finding_ns(w, w->f->whole));
}

static const char *finding_itself(const struct finding_writer *w)
{
	return w->f->thread ? "its own VM" : "itself";
}

static const char *finding_what_lost(const struct finding_writer *w)
{
	const char *lost =
		arena_printf(w->texts, "%s lost %s", finding_vm(w), finding_of_wanted(w));
	const char *who = finding_culprits(w);

	switch (w->f->cause) {
	case CAUSE_NEIGHBOUR:
		return arena_printf(w->texts, "%s, to other VMs that had its CPU: %s.", lost, who);
	case CAUSE_PROCESS:
		return arena_printf(w->texts, "%s, to processes of the host: %s.", lost, who);
	case CAUSE_KERNEL:
		return arena_printf(w->texts, "%s, to kernel threads of the host: %s.", lost, who);
	case CAUSE_SIBLINGS:
		return arena_printf(w->texts, "%s, to %s: its vCPUs share a CPU.", lost,
				    finding_itself(w));
	case CAUSE_EMULATOR:
		return arena_printf(w->texts,
				    "%s, to %s: other threads of its process had the CPU: %s.",
				    lost, finding_itself(w), who);
	case CAUSE_QUOTA:
		return arena_printf(
			w->texts,
			"%s, to its own CPU quota: it was not allowed to run, and nobody "
			"took its CPU.",
			lost);
	case CAUSE_INTERRUPTS:
		return arena_printf(w->texts, "%s, to interrupts that its CPU handled: %s.", lost,
				    who);
	case CAUSE_LATENCY:
		return arena_printf(
			w->texts, "%s, woken and waiting for an idle CPU to wake up: %s each time.",
			lost, finding_ns(w, w->f->cost / (int64_t)(w->b->times ? w->b->times : 1)));
	default:
		return arena_printf(w->texts,
				    "%s, to something that cannot be told from what was recorded.",
				    lost);
	}
}

static const char *finding_exits_are(enum cause cause)
{
	switch (cause) {
	case CAUSE_MEMORY:
		return "for memory that the host had to provide";
	case CAUSE_TIMER:
		return "for its timers";
	case CAUSE_IPI:
		return "for interrupts between vCPUs and for the interrupt controller";
	case CAUSE_MSR:
		return "for accesses to machine registers";
	case CAUSE_DEVICE:
		return "for devices that are emulated";
	case CAUSE_LOCK_HOLDER:
		return "spinning for a vCPU of its own that had no CPU";
	case CAUSE_PAUSE:
		return "spinning";
	case CAUSE_NESTED:
		return "for the VMs that it runs itself";
	case CAUSE_HOST_INTERRUPT:
		return "for interrupts of its host";
	case CAUSE_HALT:
		return "for falling asleep and waking up";
	default:
		return "for other reasons";
	}
}

/* Of one thread: what its own guest did. */
static const char *finding_what_guest(const struct finding_writer *w)
{
	const char *wanted = finding_of_wanted(w), *name = finding_vm(w);

	switch (w->f->cause) {
	case CAUSE_GUEST_THREADS:
		return arena_printf(w->texts,
				    "%s waited for %s, while other threads of its guest had its "
				    "vCPU: %s.",
				    name, wanted, finding_culprits(w));
	case CAUSE_GUEST_INTERRUPTS:
		return arena_printf(w->texts,
				    "%s was interrupted for %s, by what its own guest handled on "
				    "its vCPU.",
				    name, wanted);
	default:
		return arena_printf(w->texts,
				    "%s waited for %s, for a vCPU that slept and had to wake up.",
				    name, wanted);
	}
}

static const char *finding_what(const struct finding_writer *w)
{
	const char *vm = finding_vm(w), *cost = finding_ns(w, w->f->cost);
	const char *share = units_share(w->texts, w->f->cost, w->f->whole);

	switch (cause_info(w->f->cause)->kind) {
	case CAUSE_KIND_LOST:
		return finding_what_lost(w);
	case CAUSE_KIND_EXIT:
		return arena_printf(w->texts, "%s spent %s, in VM exits %s: %s.", vm,
				    finding_of_wanted(w), finding_exits_are(w->f->cause),
				    finding_culprits(w));
	case CAUSE_KIND_GUEST:
		return finding_what_guest(w);
	case CAUSE_KIND_HOST:
		return arena_printf(
			w->texts,
			"KVM polled for %s, %s of the time of %s's vCPUs, while they had "
			"nothing to do: the host's time, which %s does not lack.",
			cost, share, vm, vm);
	default:
		break;
	}
	if (w->f->cause == CAUSE_STOPPED)
		return arena_printf(w->texts,
				    "%s was stopped for %s: all %d vCPUs at once, without having "
				    "halted.",
				    vm, finding_ns(w, w->f->worst.ns), w->f->n_vcpus);
	return arena_printf(w->texts,
			    "%s slept on its host for %s, %s of its vCPUs' time, without having "
			    "halted.",
			    vm, cost, share);
}

/* ---- where, by what proof, against what ------------------------------------------------------ */

static const char *finding_where(const struct finding_writer *w)
{
	const struct blame_worst *worst = &w->f->worst;
	const char *at = finding_moment(w, worst->at), *ns = finding_ns(w, worst->ns);
	const char *vcpu = vcpu_number(&w->r->vcpus.at[worst->vcpu], w->texts);

	if (worst->ns <= 0)
		return NULL;
	if (cause_info(w->f->cause)->kind != CAUSE_KIND_EXIT)
		return arena_printf(w->texts, "Worst: vCPU %s at %s, %s at a stretch.", vcpu, at,
				    ns);
	return arena_printf(w->texts, "Worst: vCPU %s from %s on, %s within %s.", vcpu, at, ns,
			    finding_ns(w, INT64_C(1) << TALLY_WINDOW_BITS));
}

/* "; 240 ms of it proved, 60 ms likely" */
static const char *finding_certainty(const struct finding_writer *w)
{
	int64_t proved = (int64_t)((uint64_t)w->f->cost - (uint64_t)w->b->unsure);

	if (!w->b->unsure)
		return "; all of it proved";
	return arena_printf(w->texts, "; %s of it proved, %s likely", finding_ns(w, proved),
			    finding_ns(w, w->b->unsure));
}

static const char *finding_evidence_lost(const struct finding_writer *w)
{
	const char *n = units_count(w->texts, (int64_t)w->b->times);

	switch (w->f->cause) {
	case CAUSE_QUOTA:
		return arena_printf(
			w->texts,
			"Proof: %s times it was switched out while it could run, and came "
			"back without a wake-up%s.",
			n, finding_certainty(w));
	case CAUSE_INTERRUPTS:
		return arena_printf(
			w->texts,
			"Proof: begin and end of these handlers on its CPU, %s times while it "
			"could run.",
			n);
	case CAUSE_LATENCY:
		return arena_printf(
			w->texts, "Proof: %s wake-ups after which its CPU was in the idle thread.",
			n);
	case CAUSE_UNCLEAR:
		return arena_printf(w->texts, "Proof: %s times it could run and did not.", n);
	default:
		return arena_printf(
			w->texts,
			"Proof: sched_switch has them on its CPU %s times while it could run; %s "
			"times they took it.",
			n, units_count(w->texts, (int64_t)w->b->taken));
	}
}

static const char *finding_evidence(const struct finding_writer *w)
{
	const char *n = units_count(w->texts, (int64_t)w->b->times);
	int64_t mean = w->b->times ? w->f->cost / (int64_t)w->b->times : 0;

	switch (cause_info(w->f->cause)->kind) {
	case CAUSE_KIND_LOST:
		return finding_evidence_lost(w);
	case CAUSE_KIND_HOST:
		return "Proof: halts from which it was back without having slept, or slept late.";
	case CAUSE_KIND_GUEST:
		return arena_printf(
			w->texts,
			"Proof: the guest's own recording has it so %s times, while its host had "
			"the vCPU %s.",
			n, w->f->cause == CAUSE_GUEST_WAKING ? "asleep or polling" : "running");
	case CAUSE_KIND_BLOCKED:
		return arena_printf(w->texts,
				    "Proof: switched out asleep %s times, with no halt before.", n);
	default:
		break;
	}
	if (w->f->cause == CAUSE_LOCK_HOLDER)
		return arena_printf(
			w->texts,
			"Proof: %s exits, %s each; in %s of them another of its vCPUs was "
			"without a CPU.",
			n, finding_ns(w, mean), units_count(w->texts, (int64_t)w->b->taken));
	return arena_printf(w->texts, "Proof: %s exits of %s each, without what it slept.", n,
			    finding_ns(w, mean));
}

static const char *finding_against(const struct finding_writer *w)
{
	switch (w->f->cause) {
	case CAUSE_QUOTA:
		return w->b->unsure ? "But: what is likely could be the scheduler's doing as well."
				    : NULL;
	case CAUSE_UNCLEAR:
		return "But: nobody is blamed for it; a quota and whoever ran then cannot be told "
		       "apart.";
	case CAUSE_BLOCKED:
		return "But: it may have had nothing else to do, or been stopped.";
	case CAUSE_POLLING:
		return "But: each poll that pays off saves a wake-up.";
	default:
		break;
	}
	if (cause_info(w->f->cause)->kind == CAUSE_KIND_EXIT)
		return "But: exits are slower while they are recorded.";
	return NULL;
}

/* Where the report shows more of it. */
static const char *finding_section(enum cause cause)
{
	switch (cause_info(cause)->kind) {
	case CAUSE_KIND_LOST:
		return "steal";
	case CAUSE_KIND_EXIT:
		return "exits";
	case CAUSE_KIND_GUEST:
		return "threads latency";
	case CAUSE_KIND_NOTE:
		return "sync diag";
	default:
		return "vcpus";
	}
}

static const char *finding_look(const struct finding_writer *w)
{
	const char *file = w->file ? w->file : "FILE", *section = finding_section(w->f->cause);
	int64_t at = ns_between(w->r->begin, w->f->worst.at);
	int64_t ns = cause_info(w->f->cause)->kind == CAUSE_KIND_EXIT
			     ? INT64_C(1) << TALLY_WINDOW_BITS
			     : w->f->worst.ns;

	if (w->f->worst.ns <= 0)
		return arena_printf(w->texts, "vmscope report %s %s", file, section);
	/* A window of exits may begin before the recording. */
	at = at < 0 ? 0 : at;
	const int64_t from_us = at / 1000, to_us = (at + ns) / 1000 + 1;

	return arena_printf(w->texts, "vmscope report --begin +%.6f --end +%.6f %s %s",
			    (double)from_us / 1e6, (double)to_us / 1e6, file, section);
}

void finding_write(struct finding *f, const struct results *r, const struct blame *b,
		   const char *file, struct arena *texts)
{
	struct finding_writer w = {f, r, b, file, texts};

	f->what = finding_what(&w);
	f->where = finding_where(&w);
	f->evidence = finding_evidence(&w);
	f->against = finding_against(&w);
	f->look = finding_look(&w);
	f->culprit = f->culprit ? arena_strdup(texts, f->culprit) : NULL;
}

void finding_write_clock(struct finding *f, const struct results *r, const struct res_diag *d,
			 const char *file, struct arena *texts)
{
	struct finding_writer w = {f, r, NULL, file, texts};

	f->what = arena_printf(texts, "The clock of %s is in doubt: %s.", finding_vm(&w),
			       units_safe(texts, d->help, 300));
	f->evidence = arena_printf(texts, "Proof: the warning %s.",
				   units_safe(texts, d->name, NAME_WIDTH));
	f->look = finding_look(&w);
}

/* ---- of one thread --------------------------------------------------------------------------- */

const char *finding_thread_title(const struct thread_cost *t, struct arena *texts)
{
	return arena_printf(texts, "Why %s was slow: it wanted to run for %s, and ran for %s",
			    t->name, units_duration(texts, t->wanted, DIGITS),
			    units_duration(texts, t->got, DIGITS));
}

const char *finding_thread_verdict(const struct thread_cost *t, struct arena *texts)
{
	if (t->wanted <= 0)
		return arena_printf(texts, "%s never wanted to run, as far as is known.", t->name);
	return arena_printf(texts,
			    "Nothing took time from %s that is worth telling: of the %s that it "
			    "wanted to run it ran for %s.",
			    t->name, units_duration(texts, t->wanted, DIGITS),
			    units_share(texts, t->got, t->wanted));
}

/* ---- nothing found --------------------------------------------------------------------------- */

const char *finding_verdict(const struct results *r, const struct split *splits, size_t n_vcpus,
			    struct arena *texts)
{
	struct split all = {0};

	for (size_t i = 0; i < r->machines.n; i++)
		split_add(&all, &splits[i]);
	int64_t wanted = split_wanted(&all);

	if (!n_vcpus || !all.whole)
		return "No vCPU was recorded, so nothing can be told.";
	if (all.unknown > all.whole / 2 || wanted <= 0)
		return arena_printf(
			texts,
			"Nothing can be told: what the vCPUs did is unknown for %s of the "
			"time.",
			units_share(texts, all.unknown, all.whole));
	return arena_printf(
		texts,
		"Nothing slowed the VMs down that is worth telling: of the %s that they "
		"wanted to run they had no CPU for %.1f %%, and VM exits took %.1f %%.",
		units_duration(texts, wanted, DIGITS), 100.0 * (double)all.ready / (double)wanted,
		100.0 * (double)all.exit / (double)wanted);
}
