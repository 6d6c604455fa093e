"""quotas: a scheduler of some dozen lines with CPU quotas, whose recordings are small and whose truth is known.

Beside the simulator it is another opinion of what a quota looks like: made like recordings that people show, not like
the kernel's code. All times are in us.
"""
import collections
import pathlib
import random
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "analyze"))
import tiny  # noqa: E402 pylint: disable=wrong-import-position

STEP = 20
ORIGIN_NS = 1700000000 * 10**9
HLT, INTERRUPT, WFX = 12, 1, 1
PERIOD_TIMER, TICK = 0xffffffff811d0000, 0xffffffff811a0000
SLICE = 3000


class Group:
    def __init__(self, quota, period=100000, burst=0, phase=0):
        self.quota, self.period, self.burst, self.phase = quota, period, burst, phase
        self.left, self.throttled = quota, False
        self.timer = 0xffff888000000000 + id(self) % 0x10000000

    def refill(self):
        self.left = min(self.left + self.quota, self.quota + self.burst)
        self.throttled = self.left <= 0

    def charge(self, us):
        self.left -= us
        self.throttled |= self.left <= 0


class Task:
    """works, rests: us of each in turn; rests 0: it never does. slice: how long before others have their turn."""

    def __init__(self, tid, comm, cpu, pid=None, group=None, vcpu=None, works=0, rests=0, begins=0, turn=SLICE):
        self.tid, self.comm, self.cpu, self.pid, self.group, self.vcpu = tid, comm, cpu, pid or tid, group, vcpu
        self.works, self.rests, self.turn = works, rests, turn
        self.state, self.until, self.todo = ("asleep", begins, works) if begins else ("queued", 0, works)
        self.since, self.ran, self.throttled = 0, 0, []
        self.woken = False

    def is_throttled(self):
        return self.group is not None and self.group.throttled


class Host:
    """What its CPUs do, as events; events: of which kinds, beside those of KVM and the switches."""

    def __init__(self, tasks, cpus=2, events=("wakeup", "timer", "irq"), halts=(HLT, 1), seed=1):
        self.tasks, self.cpus, self.events, self.halts = tasks, cpus, events, halts
        self.current = [None] * cpus
        self.at = collections.defaultdict(list)
        self.rng = random.Random(seed)
        self.groups = list({id(t.group): t.group for t in tasks if t.group}.values())

    def say(self, cpu, us, name, /, **fields):
        self.at[cpu].append((us, name, fields))

    def dump(self):
        for t in self.tasks:
            self.say(0, 1, "lttng_statedump_process_state", tid=t.tid, pid=t.pid, ppid=1, name=t.comm, type=0,
                     mode=1, submode=0, status=5, cpu=t.cpu)

    def switch(self, cpu, us, state, new):
        old = self.current[cpu]
        if old and old.vcpu is not None:
            reason, isa = self.halts if state == 1 else (INTERRUPT if self.halts[1] else 0, self.halts[1])
            self.leave(cpu, us - 4, reason, isa)
        names = [(t.comm, t.tid) if t else (f"swapper/{cpu}", 0) for t in (old, new)]
        self.say(cpu, us, "sched_switch", prev_comm=names[0][0], prev_tid=names[0][1], prev_prio=20,
                 prev_state=state, next_comm=names[1][0], next_tid=names[1][1], next_prio=20)
        if new and new.vcpu is not None:
            self.enter(cpu, us + 3, new.vcpu)
        self.current[cpu] = new
        if old:
            old.state = "asleep" if state else "queued"
        if new:
            new.state, new.since, new.ran, new.woken = "running", us, 0, False

    def enter(self, cpu, us, vcpu):
        self.say(cpu, us, "kvm_x86_entry" if self.halts[1] else "kvm_entry", vcpu_id=vcpu, **{} if self.halts[1] else {"vcpu_pc": 0})

    def leave(self, cpu, us, reason, isa):
        if isa:
            self.say(cpu, us, "kvm_x86_exit", exit_reason=reason, guest_rip=0, isa=isa, info1=0, info2=0)
        else:
            self.say(cpu, us, "kvm_exit", ret=2 if reason == WFX else 0, esr_ec=1 if reason == WFX else 0, vcpu_pc=0)

    def refills(self, us):
        for n, g in enumerate(self.groups):
            if (us - g.phase) % g.period or us < g.phase:
                continue
            if "timer" in self.events:
                self.timer(n % self.cpus, us, g.timer, PERIOD_TIMER)
            g.refill()

    def timer(self, cpu, us, timer, function):
        self.say(cpu, us, "timer_hrtimer_expire_entry", hrtimer=timer - (1 << 64), now=us, function=function - (1 << 64))
        self.say(cpu, us + 1, "timer_hrtimer_expire_exit", hrtimer=timer - (1 << 64))

    def wake(self, us):
        for t in self.tasks:
            if t.state == "asleep" and us >= t.until:
                t.state, t.todo, t.woken = "queued", t.works, True
                if "wakeup" in self.events:
                    self.say(t.cpu, us + 2, "sched_wakeup", comm=t.comm, tid=t.tid, prio=20, target_cpu=t.cpu)

    def ticks(self, us):
        if "irq" not in self.events or us % 4000:
            return
        for cpu in range(self.cpus):
            t = self.current[cpu]
            if t is None:
                continue
            if t.vcpu is not None and us > t.since + 10:
                self.leave(cpu, us, INTERRUPT if self.halts[1] else 0, self.halts[1])
            self.say(cpu, us, "irq_handler_entry", irq=30, name="timer")
            if "timer" in self.events:
                self.timer(cpu, us, 0xffff888100000000 + cpu, TICK)
            self.say(cpu, us + 3, "irq_handler_exit", irq=30, ret=1)
            self.say(cpu, us + 3, "irq_softirq_entry", vec=7)
            self.say(cpu, us + 4, "irq_softirq_exit", vec=7)
            if t.vcpu is not None and us > t.since + 10:
                self.enter(cpu, us + 5, t.vcpu)

    def schedule(self, cpu, us):
        t = self.current[cpu]
        ready = [x for x in self.tasks if x.cpu == cpu and x.state == "queued" and not x.is_throttled()]
        ready.sort(key=lambda x: x.since)
        if t is None:
            if ready:
                self.switch(cpu, us + 8, 0, ready[0])
        elif t.rests and t.todo <= 0:
            t.until = us + t.rests
            self.switch(cpu, us + 8, 1, ready[0] if ready else None)
        elif t.is_throttled() or ready and t.ran >= t.turn:
            self.switch(cpu, us + 8, 0, ready[0] if ready else None)

    def charge(self, us):
        for t in self.current:
            if t:
                t.ran += STEP
                t.todo -= STEP
                if t.group:
                    t.group.charge(STEP)
        for t in self.tasks:
            if t.is_throttled() and t.state != "asleep":
                if t.throttled and t.throttled[-1][1] == us:
                    us_from = t.throttled.pop()[0]
                else:
                    us_from = us
                t.throttled.append((us_from, us + STEP))

    def run(self, us):
        self.dump()
        for now in range(100, us, STEP):
            self.refills(now)
            self.wake(now)
            self.ticks(now)
            for cpu in range(self.cpus):
                self.schedule(cpu, now)
            self.charge(now)
        for cpu in range(self.cpus):
            self.say(cpu, us, "sched_waking", comm="x", tid=9999, prio=20, target_cpu=cpu)
        return self

    def write(self, directory):
        tiny.write_cpus(directory, {cpu: sorted(events, key=lambda e: e[0]) for cpu, events in self.at.items()})
