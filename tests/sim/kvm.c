/*
 * The hypervisor: what a vCPU's host thread does between two stretches of guest code.
 *
 *	op_look -> [inject] -> op_entry (event) -> op_enter (truly in guest) ... guest ops ...
 *	vcpu_exit (truly out) -> [early events, interrupts on SVM] -> op_exit (event) -> handler ->
 *op_look
 *
 * The kvm_entry event is some 100 ns before the true entry, the kvm_exit event some 100 ns after
 *the true exit; on SVM interrupts are open in between, so that their handlers' events come first.
 */
#include "sim.h"

#include <string.h>

#include "cause.h"
#include "truth.h"

enum {
	KVM_RUN = 44672,
	MSR_TSC_DEADLINE = 0x6e0,
	MSR_X2APIC_ICR = 0x830,
	USERSPACE_IO = 2,
	USERSPACE_MMIO = 6,
	VMSYNC_HYPERCALL = 5,
	ENTER_NS = 150,
	LEAVE_NS = 150,
};

static const struct {
	const char *svm_name, *vmx_name;
	uint16_t svm, vmx;
	int16_t handle_ns; /* until the next entry is looked at, interrupts and waits apart */
} KINDS[N_X] = {
	[X_INTR] = {"INTR", "EXTERNAL_INTERRUPT", 0x60, 1, 200},
	[X_WINDOW] = {"VINTR", "INTERRUPT_WINDOW", 0x64, 7, 250},
	[X_HLT] = {"HLT", "HLT", 0x78, 12, 400},
	[X_TIMER] = {"MSR", "MSR_WRITE", 0x7c, 32, 600},
	[X_ICR] = {"MSR", "MSR_WRITE", 0x7c, 32, 700},
	[X_MSR_READ] = {"MSR", "MSR_READ", 0x7c, 31, 500},
	[X_CPUID] = {"CPUID", "CPUID", 0x72, 10, 400},
	[X_EPT] = {"NPF", "EPT_VIOLATION", 0x400, 48, 1800},
	[X_KICK] = {"NPF", "EPT_MISCONFIG", 0x400, 49, 1200},
	[X_PIO] = {"IOIO", "IO_INSTRUCTION", 0x7b, 30, 900},
	[X_HYPERCALL] = {"VMMCALL", "VMCALL", 0x81, 18, 500},
	[X_DECOY] = {"VMMCALL", "VMCALL", 0x81, 18, 500},
	[X_CR] = {"CR4_WRITE", "CR_ACCESS", 0x14, 28, 500},
	[X_PAUSE] = {"PAUSE", "PAUSE_INSTRUCTION", 0x77, 40, 300},
	[X_MMIO] = {"NPF", "EPT_MISCONFIG", 0x400, 49, 1200},
	[X_VMLOAD] = {"VMLOAD", "VMREAD", 130, 23, 900},
};

int exit_reason(const struct world *w, enum exit_kind kind)
{
	return w->o->vmx ? KINDS[kind].vmx : KINDS[kind].svm;
}

const char *exit_name(const struct world *w, enum exit_kind kind)
{
	return w->o->vmx ? KINDS[kind].vmx_name : KINDS[kind].svm_name;
}

static struct vcpu *current_vcpu(struct cpu *c)
{
	return c->curr->vcpu;
}

static void set_state(struct vcpu *v, enum vcpu_state state)
{
	struct cpu *c = v->thread->cpu;

	truth_vcpu(v, state, state == V_GUEST ? -1 : exit_reason(c->w, v->kind), c->id, -1, -1);
	truth_cpu(c);
}

/* ---- entry ---- */

static void op_enter(struct cpu *c, struct op *op)
{
	struct vcpu *v = current_vcpu(c);

	(void)op;
	v->in_guest = true;
	v->entering = false;
	v->true_entry = c->w->now;
	if (v->inject != N_IRQ) {
		irq_take(v->cpu, v->inject);
		v->in_service = v->inject;
		v->inject = N_IRQ;
	}
	v->window = v->cpu->pending != 0;
}

/* lttng-modules 2.13 on kernels from 6.1 stores half of a pointer instead of the vCPU's number. */
static uint32_t entry_id(const struct cpu *c, const struct vcpu *v)
{
	return c->w->o->stock_probe ? 0x81400000u + (uint32_t)v->thread->tid * 0x4c40u : v->id;
}

static void op_entry(struct cpu *c, struct op *op)
{
	struct vcpu *v = current_vcpu(c);

	(void)op;
	emit(c, EV_KVM_ENTRY, entry_id(c, v), v->rip, v->id);
	truth_exit_end(v);
	v->kind = X_INTR;
	set_state(v, V_GUEST);
}

static void add_injection(struct vcpu *v, struct block *b)
{
	v->inject = N_IRQ;
	if (!v->cpu->pending || !cpu_can_take_irq(v->cpu))
		return;
	v->inject = (enum irq)__builtin_ctz(v->cpu->pending);
	v->cpu->pending &= ~(1u << v->inject);
	unsigned vector = irq_vector(v->inject);
	if (v->inject == IRQ_TIMER)
		block_event(b, cost(v->vm->w->host, 100), EV_KVM_APIC_ACCEPT_IRQ, v->id, 0, 0,
			    vector, 0);
	block_event(b, cost(v->vm->w->host, 150), EV_KVM_INJ_VIRQ, vector);
}

/* The last look at what there is for the guest; from here to the true entry nothing comes between.
 */
static void op_look(struct cpu *c, struct op *op)
{
	struct vcpu *v = current_vcpu(c);
	struct block b = {0};

	(void)op;
	v->entering = true;
	add_injection(v, &b);
	block_op(&b, cost(c->m, 150), op_entry);
	block_op(&b, cost(c->m, ENTER_NS), op_enter);
	for (unsigned i = 0; i < b.n; i++)
		b.at[i].flags = OP_NO_PREEMPT | OP_IRQS_OFF;
	cpu_next(c, &b);
}

static void add_look(struct cpu *c, struct block *b)
{
	block_op(b, cost(c->m, 100), op_look);
}

/* ---- halt ---- */

/* Says how long it waited, as KVM does where it ends; polled: without a switch. */
static void tell_of_halt(struct vcpu *v, struct cpu *c, bool slept)
{
	uint64_t limit = (uint64_t)c->w->o->halt_poll;

	if (!c->w->o->poll_events)
		return;
	if (!v->poll_told)
		emit(c, EV_KVM_HALT_POLL_NS, 1, v->id, limit, 0);
	v->poll_told = true;
	emit(c, EV_KVM_VCPU_WAKEUP, (uint64_t)(c->w->now - v->halt_from), slept, 1);
}

static void op_halt_over(struct cpu *c, struct op *op)
{
	struct vcpu *v = current_vcpu(c);

	(void)op;
	tell_of_halt(v, c, true);
	if (v->lane.state == V_POLLING)
		set_state(v, V_HYPERVISOR);
}

/* Waits until there is an interrupt for the guest. */
static void op_halt_sleep(struct cpu *c, struct op *op)
{
	struct vcpu *v = current_vcpu(c);
	struct block b = {0};

	(void)op;
	v->polling = false;
	v->thread->tokens = 0;
	if (v->cpu->pending) {
		tell_of_halt(v, c, false);
		if (v->lane.state == V_POLLING)
			set_state(v, V_HYPERVISOR);
		return;
	}
	block_wait(&b, PREV_INTERRUPTIBLE);
	if (c->w->o->halt_poll || c->w->o->poll_events)
		block_op(&b, 0, op_halt_over);
	cpu_next(c, &b);
}

static void op_halt(struct cpu *c, struct op *op)
{
	struct vcpu *v = current_vcpu(c);
	struct block b = {0};

	(void)op;
	v->halt_from = c->w->now;
	if (v->cpu->pending) {
		tell_of_halt(v, c, false);
		return;
	}
	if (c->w->o->halt_poll && cause_may_poll(c)) {
		block_op(&b, c->w->o->halt_poll, NULL)->flags = OP_NO_PREEMPT;
		v->polling = true;
		set_state(v, V_POLLING);
	}
	block_op(&b, cost(c->m, 150), op_halt_sleep);
	cpu_next(c, &b);
}

static bool waits_in_halt(const struct vcpu *v)
{
	return v->kind == X_HLT && v->thread->state == TASK_BLOCKED;
}

static void kick_arrives(void *subject, uint64_t arg)
{
	(void)arg;
	irq_raise(subject, IRQ_RESCHEDULE);
}

void vcpu_raise(struct cpu *waker, struct cpu *guest_cpu, enum irq irq)
{
	struct vcpu *v = guest_cpu->vcpu;
	struct cpu *on = v->thread->cpu;
	struct world *w = waker->w;

	guest_cpu->pending |= 1u << irq;
	if (v->polling) {
		cpu_poke(on);
		v->polling = false;
		v->thread->ops.at[v->thread->ops.first].cost = 0;
	} else if (v->thread->state == TASK_CURRENT && v->kind == X_HLT && !v->in_guest &&
		   !v->entering) {
		v->thread->tokens = 1; /* it may be on its way to sleep */
	} else if (waits_in_halt(v)) {
		post(waker, v->thread);
	} else if ((v->in_guest || v->entering) && on != waker) {
		queue_push(&w->queue, w->now + cost(w->host, 600), kick_arrives, on, 0);
	}
}

/* ---- the guest's timer ---- */

static void timer_fires(struct cpu *c, struct timer *t)
{
	struct vcpu *v = t->arg;

	v->cpu->programmed = NEVER;
	vcpu_raise(c, v->cpu, IRQ_TIMER);
}

static void op_set_timer(struct cpu *c, struct op *op)
{
	struct vcpu *v = current_vcpu(c);

	timer_arm(c, &v->timer, (int64_t)op->a[0]);
}

/* ---- handlers ---- */

static void op_send_ipi(struct cpu *c, struct op *op)
{
	struct vcpu *v = current_vcpu(c);
	struct vcpu *to = &v->vm->vcpus[op->a[0]];
	enum irq irq = (enum irq)op->a[1];

	emit(c, EV_KVM_APIC_IPI, irq_vector(irq), to->id);
	emit(c, EV_KVM_APIC_ACCEPT_IRQ, to->id, 0, 0, irq_vector(irq), 0);
	vcpu_raise(c, to->cpu, irq);
}

static void add_msr(struct vcpu *v, struct cpu *c, struct block *b)
{
	if (v->kind == X_TIMER) {
		block_op(b, cost(c->m, 250), op_set_timer)->a[0] = v->x[0];
		block_event(b, cost(c->m, 200), EV_KVM_MSR, 1, MSR_TSC_DEADLINE, v->x[0] * 26 / 10,
			    0);
	} else if (v->kind == X_ICR) {
		struct op *op = block_op(b, cost(c->m, 250), op_send_ipi);
		op->a[0] = v->x[0];
		op->a[1] = v->x[1];
		uint64_t data = v->x[0] << 32 | irq_vector((enum irq)v->x[1]);
		block_event(b, cost(c->m, 200), EV_KVM_MSR, 1, MSR_X2APIC_ICR, data, 0);
	} else {
		block_event(b, cost(c->m, 250), EV_KVM_MSR, 0, 0x3a, 5, 0);
	}
}

static void op_vmsync_host(struct cpu *c, struct op *op)
{
	if (op->a[2])
		current_vcpu(c)->vm->vmsync_decoys += c->m->trace != NULL;
	else if (rng_percent(&c->m->rng, c->w->o->vmsync_lost))
		return;
	emit(c, (enum ev)op->ev, op->a[0], op->a[1]);
}

static void add_vmsync(struct cpu *c, struct block *b, enum ev ev, uint64_t cnt, uint64_t uid)
{
	struct op *op = block_op(b, cost(c->m, 150), op_vmsync_host);
	op->ev = (uint16_t)ev;
	op->a[0] = cnt;
	op->a[1] = uid;
}

static void add_hypercall(struct vcpu *v, struct cpu *c, struct block *b)
{
	add_vmsync(c, b, EV_VMSYNC_GH_HOST, v->x[0], v->x[1]);
	b->at[b->n - 1].a[2] = v->kind == X_DECOY;
	block_event(b, cost(c->m, 150), EV_KVM_HYPERCALL, VMSYNC_HYPERCALL, v->x[0], v->x[1], 0, 0);
	if (v->kind == X_HYPERCALL)
		add_vmsync(c, b, EV_VMSYNC_HG_HOST, v->x[0] + 1, v->x[1]);
}

static void op_userspace(struct cpu *c, struct op *op)
{
	emit(c, EV_KVM_USERSPACE_EXIT, op->a[0], 0);
	set_state(current_vcpu(c), V_USERSPACE);
}

static void op_leave_ioctl(struct cpu *c, struct op *op)
{
	(void)op;
	if (c->w->o->ioctl)
		emit(c, EV_SYS_IOCTL_EXIT, 0, 0);
	c->curr->syscall = -1;
	truth_cpu(c);
}

/* Without the system call's event only the next kvm_entry tells that user space is over. */
static void op_enter_ioctl(struct cpu *c, struct op *op)
{
	struct vcpu *v = current_vcpu(c);

	(void)op;
	if (c->w->o->ioctl)
		emit(c, EV_SYS_IOCTL, 13 + v->id, KVM_RUN, 0);
	c->curr->syscall = EV_SYS_IOCTL;
	if (c->w->o->ioctl)
		set_state(v, V_HYPERVISOR);
	truth_cpu(c);
}

/* QEMU's big lock is held by its main thread: it answers when it has done what it does. */
static void add_lock_wait(struct vcpu *v, struct cpu *c, struct block *b)
{
	block_syscall(b, c->m, EV_SYS_FUTEX, (uint64_t[]){0x55d0c000, 128, 2, 0, 0, 0});
	block_request(b, v->vm->qemu, v->thread, N_IRQ);
	block_wait(b, PREV_INTERRUPTIBLE);
	block_syscall_end(b, c->m, EV_SYS_FUTEX, 0);
}

/* The device is one of QEMU's: reason is for what it is asked. */
static void add_device(struct vcpu *v, struct cpu *c, struct block *b, int reason)
{
	if (reason == USERSPACE_IO)
		block_event(b, cost(c->m, 300), EV_KVM_PIO, 1, 0x510, 2, 1);
	else
		block_event(b, cost(c->m, 300), EV_KVM_MMIO, 2, 4, 0xfed00000, 0);
	block_op(b, cost(c->m, 200), op_userspace)->a[0] = (uint64_t)reason;
	block_op(b, cost(c->m, 250), op_leave_ioctl);
	int64_t mean = rng_range(&c->m->rng, 3000, 12000);
	block_op(b, cost(c->m, mean) + 1000, NULL)->flags = OP_USER;
	if (rng_percent(&c->m->rng, 15))
		add_lock_wait(v, c, b);
	block_op(b, cost(c->m, 1000), op_enter_ioctl);
}

static void op_swap_in(struct cpu *c, struct op *op)
{
	(void)op;
	disk_submit(c->w, c->curr);
}

static void add_fault(struct vcpu *v, struct cpu *c, struct block *b, uint64_t address)
{
	block_event(b, cost(c->m, 150), EV_KVM_PAGE_FAULT, address, 4, v->id, v->rip);
	if (rng_percent(&c->m->rng, 2)) { /* the host has swapped the page out */
		block_op(b, cost(c->m, 900), op_swap_in);
		block_wait(b, PREV_UNINTERRUPTIBLE);
	}
}

static void add_kick(struct vcpu *v, struct cpu *c, struct block *b)
{
	enum irq irq = (enum irq)v->x[1];
	struct task *worker = irq == IRQ_NET ? v->vm->net_worker : v->vm->disk_worker;

	block_event(b, cost(c->m, 150), EV_KVM_PAGE_FAULT, 0xfebf0000, 15, v->id, v->rip);
	block_event(b, cost(c->m, 300), EV_KVM_EMULATE_INSN, v->rip, 0, 3);
	block_event(b, cost(c->m, 150), EV_KVM_MMIO, 2, 2, 0xfebf0000, 0);
	block_request(b, worker, (struct task *)(uintptr_t)v->x[0], irq);
}

static void add_handler(struct vcpu *v, struct cpu *c, struct block *b)
{
	switch (v->kind) {
	case X_HLT:
		block_op(b, cost(c->m, 300), op_halt);
		break;
	case X_TIMER:
	case X_ICR:
	case X_MSR_READ:
		add_msr(v, c, b);
		break;
	case X_CPUID:
		block_event(b, cost(c->m, 200), EV_KVM_CPUID, 1, 0x906ea, 0x800, 0, 0);
		break;
	case X_EPT:
		add_fault(v, c, b, v->x[0]);
		break;
	case X_KICK:
		add_kick(v, c, b);
		break;
	case X_PIO:
		add_device(v, c, b, USERSPACE_IO);
		break;
	case X_MMIO:
		add_device(v, c, b, USERSPACE_MMIO);
		break;
	case X_HYPERCALL:
	case X_DECOY:
		add_hypercall(v, c, b);
		break;
	case X_CR:
		block_event(b, cost(c->m, 200), EV_KVM_CR, 1, 4, 0x370ef0);
		break;
	default:
		break;
	}
}

static void op_exit(struct cpu *c, struct op *op)
{
	struct vcpu *v = current_vcpu(c);
	struct block b = {0};

	(void)op;
	emit(c, EV_KVM_EXIT, (uint64_t)exit_reason(c->w, v->kind), v->rip, c->w->o->vmx ? 1 : 2,
	     v->kind == X_TIMER || v->kind == X_ICR, 0, 0, 0, v->id);
	truth_exit_begin(v);
	v->thread->tokens = 0; /* wake-ups of a halt that did not sleep */
	if (cause_clock_changes(v)) {
		uint64_t offset = (uint64_t)-1000000000000;
		emit(c, EV_KVM_WRITE_TSC_OFFSET, v->id, offset, offset - 2600000);
	}
	add_handler(v, c, &b);
	block_op(&b, cost(c->m, KINDS[v->kind].handle_ns), NULL);
	add_look(c, &b);
	cpu_next(c, &b);
}

/* PV EOI is noticed at the first exit after the guest's handler is over, before kvm_exit. */
static void add_eoi(struct vcpu *v, struct cpu *c, struct block *b)
{
	if (v->in_service == N_IRQ || v->cpu->in_irq)
		return;
	unsigned vector = irq_vector(v->in_service);
	v->in_service = N_IRQ;
	block_event(b, cost(c->m, LEAVE_NS), EV_KVM_EOI, v->id, vector)->flags = OP_IRQS_OFF;
	block_event(b, cost(c->m, 80), EV_KVM_PV_EOI, v->id, vector)->flags = OP_IRQS_OFF;
}

void vcpu_exit(struct vcpu *v, enum exit_kind kind, uint64_t a0, uint64_t a1)
{
	struct cpu *c = v->thread->cpu;
	struct machine *host = c->m;
	struct block b = {0};
	uint16_t irqs = host->w->o->vmx ? OP_IRQS_OFF : 0;

	v->in_guest = v->window = false;
	v->kind = kind;
	v->x[0] = a0;
	v->x[1] = a1;
	v->rip = v->cpu->curr->is_idle ? v->vm->kernel_base + 0xae0eaa
				       : 0x400000 + (rng_u64(&host->rng) & 0xfffff);
	v->true_exit = v->first_event_at = host->w->now;
	add_eoi(v, c, &b);
	block_op(&b, cost(host, LEAVE_NS), op_exit);
	for (unsigned i = 0; i < b.n; i++)
		b.at[i].flags |= OP_NO_PREEMPT | irqs;
	task_ops(v->thread, &b);
}

void vcpu_first_host_event(struct vcpu *v)
{
	v->first_event_at = v->vm->w->now;
	set_state(v, V_HYPERVISOR);
}

static void op_vm_exit(struct cpu *c, struct op *op)
{
	vcpu_exit(c->vcpu, (enum exit_kind)op->a[0], op->a[1], op->a[2]);
}

void block_exit(struct block *b, struct cpu *c, enum exit_kind kind, uint64_t a0, uint64_t a1)
{
	if (!c->m->guest)
		return;
	struct op *op = block_op(b, cost(c->m, 60), op_vm_exit);
	op->a[0] = kind;
	op->a[1] = a0;
	op->a[2] = a1;
	op->flags = OP_NO_PREEMPT | OP_IRQS_OFF;
}

static void op_tsc_offset(struct cpu *c, struct op *op)
{
	struct vcpu *v = current_vcpu(c);

	(void)op;
	emit(c, EV_KVM_WRITE_TSC_OFFSET, v->id, 0, (uint64_t)v->vm->clock.tsc_offset);
}

/* Called once, when the thread runs for the first time: ever after its ops follow each other. */
void program_vcpu(struct cpu *c, struct task *t)
{
	struct block b = {0};

	if (c->w->o->tsc_clock)
		block_op(&b, cost(c->m, 20000), op_tsc_offset);
	block_op(&b, cost(c->m, 5000), op_enter_ioctl);
	block_op(&b, cost(c->m, 1000), NULL);
	add_look(c, &b);
	task_ops(t, &b);
}

void vcpu_init(struct vcpu *v, struct machine *vm, unsigned id, struct task *thread)
{
	*v = (struct vcpu){.vm = vm,
			   .cpu = &vm->cpus[id],
			   .thread = thread,
			   .id = id,
			   .inject = N_IRQ,
			   .in_service = N_IRQ,
			   .kind = X_INTR,
			   .out_of = V_HYPERVISOR,
			   .exit_at = -1,
			   .timer = {.fire = timer_fires,
				     .address = vm->w->host->kernel_base + 0xe3f510 +
						0x10000 * (uint64_t)thread->tid,
				     .function = vm->w->host->kernel_base + 0x62aef0}};
	v->timer.arg = v;
	v->lane = (struct lane){.state = V_BLOCKED, .a = -1, .b = -1, .c = -1, .d = -1};
	thread->vcpu = v;
	vm->cpus[id].vcpu = v;
}
