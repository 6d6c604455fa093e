#!/usr/bin/python3
"""test_reference.py VMSCOPE ROWS DATA: one-qemu-kvm is understood as Trace Compass understands it; as TAP.

Times are small: both are compared nanosecond by nanosecond. Where its values are null it knows nothing (yet); where it
is wrong, docs/differences.md says why.
"""
import pathlib
import sys

from lanes import Tap
from results import Results

RUNNING, WAITS, OVERLAID = 2, 5, 256  # its states of threads; overlaid: the hypervisor runs, or another thread
VMM, PREEMPTED = 128, 256             # flags of its vCPU status; 2 is running
VCPU_FROM = 10                        # before, it does not know the vCPU yet
FUSED_FROM = 155                      # before, its fused view does not know who is who

STATES = {"user": RUNNING, "syscall": RUNNING, "stolen": OVERLAID, "hypervisor": OVERLAID,
          "wait-cpu": WAITS}


class Reference:
    """Its files; ends are inclusive there."""

    def __init__(self, directory):
        self.directory = directory

    def lines(self, name):
        for line in (self.directory / f"OneQemuKvm.{name}.txt").read_text().splitlines():
            if line and not line.startswith("#"):
                yield line.split("\t")

    def at(self, name, path):
        """Time -> value of an attribute, where it is not null."""
        return {t: int(value) if kind == "Integer" else value.removesuffix(".xml")
                for p, begin, end, kind, value in self.lines(name) if p == path and kind != "null"
                for t in range(int(begin), int(end) + 1)}

    def threads(self):
        """(tid, time) -> state of guest threads; of two that hold the later line says more."""
        return {(int(tid), t): int(value)
                for _, tid, begin, end, value in self.lines("vcpu-threads")
                for t in range(int(begin), int(end) + 1)}


def each_ns(rows, what):
    return {t: what(i) for i in rows for t in range(i.ts, i.ts + i.dur)}


class Ours:
    """The same, as vmscope finds it."""

    def __init__(self, r):
        self.r = r
        self.name = {m.id: m.name for m in r.machine}
        self.threads = {(self.name[r.threads[t].machine_id], r.threads[t].tid):
                        each_ns(rows, lambda i: i.state)
                        for (t,), rows in r.lanes("thread_state").items()}
        self.vcpu = each_ns(r.vcpu_state, lambda i: i)
        self.cpu = each_ns([c for c in r.cpu_state if self.name[c.machine_id] == "host"],
                           lambda c: c)

    def fused_thread(self, t):
        c = self.cpu[t]
        return self.r.threads[c.guest_thread_id if c.state == "vm" else c.thread_id].tid

    def fused_machine(self, t):
        c = self.cpu[t]
        return self.name[c.vm_id if c.state == "vm" else c.machine_id]


def differences(expected, found):
    """expected: key -> value; found: key -> value, as a function."""
    if not expected:
        yield "nothing to compare"
    for key, value in sorted(expected.items()):
        if found(key) != value:
            yield f"at {key}: {found(key)}, not {value}"


def status(i):
    flags = {"guest": 0, "hypervisor": VMM, "preempted": VMM | PREEMPTED}
    return RUNNING | flags.get(i.state, 1 << 16)


def wrong_vcpu(ref, ours):
    expected = ref.at("vcpu", "Virtual Machines/guest.xml/0/Status")
    yield from differences({t: v for t, v in expected.items() if t >= VCPU_FROM},
                           lambda t: status(ours.vcpu[t]))


def wrong_vcpu_threads(ref, ours):
    yield from differences(ref.threads(), lambda k: STATES.get(ours.threads["guest", k[0]][k[1]]))


def wrong_fused(ref, ours):
    yield from differences(ref.at("fused", "CPUs/0/Current_thread"), ours.fused_thread)
    since = {t: v for t, v in ref.at("fused", "CPUs/0/Machine_name").items() if t >= FUSED_FROM}
    yield from differences(since, ours.fused_machine)
    since = {t: v for t, v in ref.at("fused", "CPUs/0/Condition").items() if t >= FUSED_FROM}
    yield from differences(since, lambda t: 0 if ours.cpu[t].state == "vm" else 1)
    used = ref.at("fused", "Hosts/guest.xml/CPUs/0")
    yield from differences({t: v for t, v in used.items() if ours.cpu[t].vcpu_id is not None},
                           lambda t: ours.r.vcpus[ours.cpu[t].vcpu_id].host_tid)


def wrong_fused_threads(ref, ours):
    """Its fused view knows no overlay: a guest's thread runs whenever the guest believes so."""
    states = STATES | {"stolen": RUNNING, "hypervisor": RUNNING}
    end = ours.r.machine[1].last_ns  # of the host's recording: its threads are unknown after
    for machine, tid in (("guest", 130), ("guest", 131), ("host", 30), ("host", 31)):
        expected = ref.at("fused", f"Threads/{machine}.xml/{tid}/Status")
        yield from differences(
            {t: v for t, v in expected.items() if machine == "guest" or t <= end},
            lambda t: states.get(ours.threads[machine, tid][t]))


def wrong_overhead(ref, ours):
    """Per guest thread a stack: it runs, the hypervisor runs or has lost the CPU, for this exit."""
    for tid in (130, 131):
        path = f"Traces/guest.xml/Threads/{tid}/CallStack/"
        state = ours.threads["guest", tid]
        run = {t: "RUN" for t, s in state.items() if s not in ("unknown", "wait-cpu")}
        below = {t: "VCPU Preempted" if s == "stolen" else "VMM"
                 for t, s in state.items() if s in ("stolen", "hypervisor")}
        reason = {t: str(0 if s == "VCPU Preempted" else ours.vcpu[t].exit_reason)
                  for t, s in below.items()}
        for level, found in (("1", run), ("2", below), ("3", reason)):
            expected = ref.at("overhead", path + level)
            yield from differences(expected, found.get)
            yield from (f"{path}{level}: too much at {t}" for t in found.keys() - expected.keys())


def wrong_model(ref, ours):
    r = ours.r
    last = r.vcpu_state[-1].ts
    thread = ref.at("model", "host.xml/Guests/guest.xml/CPUs/0")[last]
    if [(v.vcpu_index, v.host_tid) for v in r.vcpu] != [(0, thread)]:
        yield f"vCPUs are {r.vcpu}"
    if {(m.name, m.role) for m in r.machine} != {("host", "host"), ("guest", "guest")}:
        yield f"machines are {r.machine}"
    if [m.vm_uid for m in r.machine if m.name == "guest"] != [123456]:
        yield "the VM has another vm_uid"


def main():
    vmscope, rows, data = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    ref = Reference(data / "reference")
    results = Results.of_analysis(vmscope, rows, [data / "one-qemu-kvm"])
    ours = Ours(results)
    tap = Tap()
    tap.result(wrong_vcpu(ref, ours), "vCPU 0 is in the same state at every time")
    tap.result(wrong_vcpu_threads(ref, ours), "guest threads run, wait and are held up at the same times")
    tap.result(wrong_fused(ref, ours), "the fused view shows the same threads and machines")
    tap.result(wrong_fused_threads(ref, ours), "threads of both machines are in the same states")
    tap.result(wrong_overhead(ref, ours), "overhead is the same, for the same exits")
    tap.result(wrong_model(ref, ours), "the same thread is vCPU 0 of the same VM")
    tap.result(results.broken(), "the laws hold")
    sys.exit(tap.end())


main()
