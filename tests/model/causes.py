"""Whether results lay what a vCPU lost at the right door (tests/sim/README.md, "Causes"); the truth is the simulator's.

States are compared to the ns: polling and throttled as well, as far as the recording can tell. Beside that all ns that a
vCPU was kept waiting are counted by whose they are and whom the results name: the confusion matrix.
"""
import collections

from results import meet
from truth import merged

KEPT = ("preempted", "waiting", "throttled")
POLL_SLACK = 5000  # ns of an exit HLT's other work that are told as polling with it, interrupts apart
NO_POLL = 5000  # ns from where KVM begins to wait until the switch, if it does not poll in between
BACK_SLACK = 5000  # ns from the end of a period until the thread runs, where the timer's name is not recorded
CAUSES = ("healthy", "polling", "quota", "siblings", "emulator", "vhost", "interrupts", "neighbour", "long-neighbour",
          "lock-holder", "msr-storm", "pio-storm", "mmio-storm", "nested", "clock")
DOORS = ("quota", "neighbour", "sibling", "emulator", "vhost", "host", "kernel", "interrupt", "idle")


class Door:
    """Whose fault an interval of a vCPU's is, by the results."""

    def __init__(self, results):
        self.r = results
        self.pids = {m.pid: m.id for m in results.machine if m.pid is not None}

    def of_thread(self, vcpu, t):
        own = self.r.vcpus[vcpu].machine_id
        if not t.tid:
            return "idle"
        if t.vcpu_id is not None:
            return "sibling" if self.r.vcpus[t.vcpu_id].machine_id == own else "neighbour"
        comm = t.comm or ""
        if comm.startswith("vhost-") and comm[6:].isdigit():
            return "vhost" if self.pids.get(int(comm[6:])) == own else "neighbour"
        if t.pid in self.pids:
            return "emulator" if self.pids[t.pid] == own else "neighbour"
        return "kernel" if t.ppid in (0, 2) else "host"

    def of(self, i):
        if i.state == "throttled":
            return "quota"
        if i.occupant_kind in ("irq", "softirq", "timer"):
            return "interrupt"
        if i.occupant_kind == "idle":
            return "idle"
        thread = self.r.threads.get(i.occupant_thread_id)
        return "not told" if thread is None else self.of_thread(i.vcpu_id, thread)


class Judge:
    """
    Compares one recording's results with its truth. `failures`: states that are wrong; `matrix`: (true door, told door)
    -> ns; `stretches`: of those truly throttled how many are told so in no part, and the reverse.
    """

    def __init__(self, sim, results):
        self.sim, self.r, self.door = sim, results, Door(results)
        self.timers = "--no-timer-events" not in sim.options
        # Only trace.dat has the names of functions: elsewhere the timer of quotas is learned on the way.
        self.named = sim.form == "trace.dat" and self.timers
        self.failures, self.matrix = [], collections.Counter()
        self.stretches = collections.Counter()
        threads = {int(r["host_tid"]): (r["machine"], r["vcpu"]) for r in sim.rows("identity")}
        states = sim.lanes("vcpu_state", ("machine", "vcpu"), lambda r: (r["state"], r["pcpu"]))
        doors = sim.lanes("vcpu_cause", ("machine", "vcpu"), lambda r: (r["cause"], r["kind"], r["number"]))
        cpus = sim.lanes("cpu_state", ("machine", "cpu"), lambda r: r["state"])
        lanes = results.lanes("vcpu_state")
        for v in results.vcpu:
            if v.host_tid not in threads:
                continue
            key = threads[v.host_tid]
            self.name = f"vCPU {key[1]} of {key[0]}"
            self.told, self.true = lanes[v.id,], states[key]
            self.at = {row.ts: n for n, row in enumerate(self.true)}
            self.check_states(cpus)
            self.check_doors([d for d in doors.get(key, []) if d.what[0] != "polling"])
            self.check_polled(v.id, key)
            self.count_stretches()

    def fail(self, begin, end, told, true):
        self.failures.append(f"{self.name} at {begin}, {end - begin} ns: {told}, not {true}")

    def before(self, row):
        """The true state before this one."""
        n = self.at[row.ts]
        return self.true[n - 1].what[0] if n else None

    # ---- states

    def check_states(self, cpus):
        other = collections.Counter()  # by true interval of the hypervisor: what of it was told as polling
        rows = merged((i.ts, i.dur, i.state) for i in self.told)
        for a, b, begin, end in meet(rows, self.true):
            if a.what in ("unknown", b.what[0]):
                continue
            if (a.what, b.what[0]) == ("polling", "hypervisor"):
                irqs = (c for c in cpus["host", b.what[1]] if c.what in ("irq", "softirq"))
                other[b.ts] += end - begin - sum(e - s for _, _, s, e in meet([b], list(irqs)))
                if other[b.ts] > POLL_SLACK:
                    self.fail(b.ts, b.ts + b.dur, a.what, b.what[0])
            elif not self.throttling_agrees(a, b, end - begin):
                self.fail(begin, end, a.what, b.what[0])

    def throttling_agrees(self, told, true, ns):
        """Whether they differ in what no event tells."""
        if told.what not in KEPT or true.what[0] not in KEPT:
            return False
        before = self.before(true)
        if true.what[0] == "throttled":
            # Of a thread in a queue nobody sees that it may not run any more; nor, at the end, why it was to wait.
            in_queue = before in KEPT + ("halted", "blocked")
            return not self.named or in_queue or true is self.true[-1]
        # Without its timer nobody sees the end of a period, but the threads that come back.
        late = told.what == "throttled" and before == "throttled"
        return late and (not self.timers or not self.named and ns < BACK_SLACK)

    def check_polled(self, vcpu, key):
        """What KVM says of polling counts to the ns."""
        if "--poll-events" not in self.sim.options or "interrupts" in " ".join(self.sim.options):
            return  # interrupts between the halt and the switch are told as part of it
        origin = self.sim.origins["host"]
        true = {int(r["begin"]) - origin: int(r["poll"]) for r in self.sim.rows("vm_exit")
                if (r["machine"], r["vcpu"]) == key}
        for x in self.r.vm_exit:
            if x.vcpu_id != vcpu or x.ts not in true or x.dur is None:
                continue
            polled = x.polled_ns or 0
            if polled != true[x.ts] and not (true[x.ts] == 0 and polled < NO_POLL):
                self.fail(x.ts, x.ts + x.dur, f"polled {x.polled_ns}", true[x.ts])

    def count_stretches(self):
        told = merged((i.ts, i.dur, (i.state,)) for i in self.told)
        for kind, rows, other in ("missed", self.true, told), ("false", told, self.true):
            for s in rows:
                if s.what[0] == "throttled" and s.ts + s.dur != self.end():  # what is not over nobody can tell
                    states = {x.what[0] for _, x, _, _ in meet([s], other)}
                    self.stretches[kind + " of"] += states != {"unknown"}
                    self.stretches[kind] += not states & {"throttled", "unknown"}

    # ---- doors

    def end(self):
        return self.true[-1].ts + self.true[-1].dur

    def check_doors(self, true):
        kept, seen = [i for i in self.told if i.state in KEPT], 0
        for i, b, begin, end in meet(kept, true):
            seen += end - begin
            door, kind, number = b.what
            if b.ts + b.dur == self.end() and door == "quota":
                continue  # nobody saw it come back
            self.matrix[door, self.door.of(i)] += end - begin
            if i.occupant_kind == kind and kind in ("irq", "softirq") and str(i.occupant_irq) != number:
                self.fail(begin, end, f"{kind} {i.occupant_irq}", number)
        self.matrix["nobody", "somebody"] += sum(i.dur for i in kept) - seen


def right(matrix):
    """Return: (ns at the right door, all ns) of what was lost."""
    lost = {doors: ns for doors, ns in matrix.items() if doors[0] != "nobody"}
    return sum(ns for (true, told), ns in lost.items() if true == told), sum(lost.values())
