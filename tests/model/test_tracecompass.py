#!/usr/bin/python3
"""test_tracecompass.py VMSCOPE ROWS SAMPLE RESULTS: a real host's and guest's threads, system calls, CPUs and vCPU are what
Trace Compass finds in the same traces, or one of the differences of docs/differences.md; as TAP.

Every nanosecond is compared: how long which pair of states held. A pair that is not listed here fails.
"""
import collections
import decimal
import lzma
import pathlib
import sys

from lanes import Tap
from results import Results

decimal.getcontext().prec = 50

# It moves the host to the guest's clock; its arithmetic is some ns off its own line.
HOST_SLOPE = decimal.Decimal("0.9999998767576549733972509314539578")
HOST_OFFSET = decimal.Decimal("220692473853.0793444743451884755097")
SLACK_NS = 8

# Its values for threads, CPUs; "" is no value.
THREAD = {"": "none", "1": "blocked", "2": "user", "3": "syscall", "4": "interrupted",
          "5": "wait-cpu", "6": "wait-unknown"}
CPU = {"": "none", "0": "idle", "2": "user", "4": "syscall", "8": "softirq", "16": "irq"}

SAME_THREAD = {"blocked": "blocked", "user": "user", "syscall": "syscall", "wait-cpu": "wait-cpu"}
THREAD_DIFFERENCES = {
    ("interrupted", "irq"), ("interrupted", "softirq"),   # one state there
    ("interrupted", "user"), ("interrupted", "syscall"),  # a softirq is raised: not yet handled
    ("user", "softirq"), ("syscall", "softirq"),          # back in the softirq that an irq interrupted
    ("wait-cpu", "softirq"),   # woken while running
    ("wait-cpu", "syscall"),
    ("wait-cpu", "irq"),       # the same, at the recording's begin
    ("user", "syscall"),       # kernel threads, and a vCPU's thread in KVM_RUN
    ("user", "unknown"),       # first run of a thread
    ("wait-cpu", "unknown"),   # woken while its state is unknown
    ("wait-cpu", "blocked"),   # from sched_waking to sched_wakeup
    ("wait-unknown", "blocked"), ("wait-unknown", "wait-cpu"), ("wait-unknown", "dead"),
    ("none", "dead"),
    ("none", "unknown"),       # both know nothing
    ("none", "syscall"), ("none", "irq"), ("none", "softirq"),  # current when the recording begins
}

SAME_CPU = {"idle": "idle", "user": "user", "syscall": "syscall", "softirq": "softirq",
            "irq": "irq"}
CPU_DIFFERENCES = {
    ("user", "syscall"),  # kernel threads, and a vCPU's thread in KVM_RUN
    ("user", "vm"),       # a guest runs
    ("user", "unknown"),  # first run of a thread
    ("none", "syscall"),  # current when the recording begins
}


# A vCPU's flags: in the hypervisor; and not on a CPU, which is there always "preempted".
VCPU = {"0": "guest", "128": "hypervisor", "384": "preempted"}
# It knows neither polling nor quotas.
OURS = {"polling": "hypervisor", "throttled": "preempted"}
SAME_VCPU = {"guest": "guest", "hypervisor": "hypervisor", "preempted": "preempted"}
VCPU_DIFFERENCES = {
    ("none", "unknown"),
    ("guest", "unknown"),       # before its first entry
    ("guest", "hypervisor"),    # the guest stopped before the exit event: early_ns
    ("preempted", "halted"), ("preempted", "waiting"),
}
VCPU_FLAGS = 128 | 256


class Reference:
    """The lanes of one machine: path -> [(begin, end, value)], ends made exclusive."""

    def __init__(self, path):
        self.lanes = collections.defaultdict(list)
        with lzma.open(path, "rt") as f:
            for line in f:
                if not line.startswith("#"):
                    path, begin, end, kind, value = line.rstrip("\n").split("\t")
                    self.lanes[path].append((int(begin), int(end) + 1,
                                             "" if kind == "null" else value))


def overlaps(a, b):
    """a, b: (begin, end, value) in order. Yield (ns, value of a, value of b), unless rounding made it."""
    i = j = 0
    while i < len(a) and j < len(b):
        ns = min(a[i][1], b[j][1]) - max(a[i][0], b[j][0])
        if ns > SLACK_NS:
            yield ns, a[i][2], b[j][2]
        if a[i][1] < b[j][1]:
            i += 1
        else:
            j += 1


def lanes(rows, key, value, moved):
    """rows of a table -> key -> [(begin, end, value)] on its clock."""
    found = collections.defaultdict(list)
    for r in rows:
        found[key(r)].append((moved(r.ts), moved(r.ts + r.dur), value(r)))
    return found


def to_guests_clock(t):
    return int(HOST_SLOPE * t + HOST_OFFSET) - 2


def pairs(reference, ours, path):
    """(its value, ours) -> ns, over all our lanes; path: key of a lane -> its path."""
    total = collections.Counter()
    for key, rows in ours.items():
        for ns, theirs, mine in overlaps(reference.lanes[path(key)], rows):
            total[theirs, mine] += ns
    return total


def judge(total, same, differences):
    """Yield what is neither the same nor a known difference; and a state that was never the same."""
    for (theirs, mine), ns in sorted(total.items()):
        if same.get(theirs) != mine and (theirs, mine) not in differences:
            yield f"{ns} ns: {theirs} there, {mine} here"
    for theirs, mine in same.items():
        if not total[theirs, mine]:
            yield f"never {theirs} in both"


def wrong_states(ref, ours, path, names, same, differences):
    total = collections.Counter()
    for (theirs, mine), ns in pairs(ref, ours, path).items():
        total[names.get(theirs, theirs), mine] += ns
    yield from judge(total, same, differences)


def wrong_current(ref, ours):
    """Before its first switch of a CPU it does not know who runs there."""
    total = pairs(ref, ours, lambda cpu: f"CPUs/{cpu}/Current_thread")
    for (theirs, mine), ns in sorted(total.items()):
        if theirs not in ("", mine):
            yield f"{ns} ns: thread {theirs} there, {mine} here"
    if not total:
        yield "nothing to compare"


def wrong_calls(ref, ours, path):
    """It does not know the calls that had begun before the recording, nor what the tracer has but a number for,
    and takes no call from the dead."""
    total = pairs(ref, ours, path)
    for (theirs, (state, mine)), ns in sorted(total.items(), key=str):
        if theirs not in ("", mine) and not (state == "dead" or theirs == "unknown"):
            yield f"{ns} ns {state}: {theirs} there, {mine} here"
    if not sum(ns for (theirs, (_, mine)), ns in total.items() if theirs and theirs == mine):
        yield "nothing is the same"


def wrong_vcpu(ref, r):
    path = next(p for p in ref.lanes if p.endswith("/0/Status"))
    theirs = [(begin, end, value and str(int(value) & VCPU_FLAGS))
              for begin, end, value in ref.lanes[path]]
    ours = lanes(r.vcpu_state, lambda i: i.vcpu_id, lambda i: OURS.get(i.state, i.state), to_guests_clock)[0]
    total = collections.Counter()
    for ns, value, state in overlaps(theirs, ours):
        total[VCPU.get(value, value or "none"), state] += ns
    yield from judge(total, SAME_VCPU, VCPU_DIFFERENCES)
    late, early = total["guest", "hypervisor"], sum(e.early_ns for e in r.vm_exit)
    if abs(late - early) > early // 100:
        yield f"the exit events come {late} ns late in all, not {early}"


def judge_machine(tap, machine, ref, r, moved):
    """r: the results of this machine's recording alone; moved: its times -> the reference's."""
    tid = {t.id: t.tid for t in r.thread}
    work = [i for i in r.thread_state if tid[i.thread_id]]  # idle is a state of CPUs only

    def of_threads(value):
        return lanes(work, lambda i: i.thread_id, value, moved)

    def of_cpus(value):
        return lanes(r.cpu_state, lambda i: i.cpu, value, moved)

    tap.result(wrong_states(ref, of_threads(lambda i: i.state), lambda t: f"Threads/{tid[t]}",
                            THREAD, SAME_THREAD, THREAD_DIFFERENCES), f"{machine}: threads")
    tap.result(wrong_calls(ref, of_threads(lambda i: (i.state, i.syscall)),
                           lambda t: f"Threads/{tid[t]}/System_call"), f"{machine}: system calls")
    tap.result(wrong_states(ref, of_cpus(lambda i: i.state), lambda cpu: f"CPUs/{cpu}",
                            CPU, SAME_CPU, CPU_DIFFERENCES), f"{machine}: CPUs")
    tap.result(wrong_current(ref, of_cpus(lambda i: str(tid.get(i.thread_id, "")))),
               f"{machine}: who runs on the CPUs")


def main():
    vmscope, rows, sample, results = sys.argv[1:]
    tap = Tap()
    results = pathlib.Path(results)
    for machine, moved in (("host", to_guests_clock), ("g1", int)):
        r = Results.of_analysis(vmscope, rows, [f"{machine}={sample}/{machine}"])
        judge_machine(tap, machine, Reference(results / f"{machine}.kernel.xz"), r, moved)
        if r.vcpu:
            tap.result(wrong_vcpu(Reference(results / "vcpu.xz"), r), "the vCPU")
    sys.exit(tap.end())


main()
