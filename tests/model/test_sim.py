#!/usr/bin/python3
"""test_sim.py LANES SIM OPTION...: a simulated recording is analyzed as what truly happened; as TAP.

LANES analyzes what SIM with these options wrote; tests/sim/README.md says what the truth is. With events
lost (--lost-...) states may be unknown, but never wrong. --lost-stream=FILE, which is not SIM's, removes a
file of what it wrote. In every format (--format FORMAT, which is SIM's) the same seed has the same truth.
"""
import collections
import csv
import pathlib
import subprocess
import sys
import tempfile

from lanes import Lanes, Tap

True_interval = collections.namedtuple("True_interval", "begin end state reason cpu occupant")


def number(text):
    return int(text) if text else None


class Truth:
    """In the times of the host's recording."""

    def __init__(self, directory):
        self.directory = directory
        origin, = (int(r["origin"]) for r in self.rows("origin") if r["machine"] == "host")
        vcpus = {(r["machine"], r["vcpu"]): int(r["host_tid"]) for r in self.rows("identity")}
        self.machine = {int(r["host_tid"]): r["machine"] if r["traced"] == "1" else None
                        for r in self.rows("identity")}
        self.index = {int(r["host_tid"]): int(r["vcpu"]) for r in self.rows("identity")}
        self.states, self.exits = collections.defaultdict(list), collections.defaultdict(list)
        for r in self.rows("vcpu_state"):
            self.states[vcpus[r["machine"], r["vcpu"]]].append(True_interval(
                int(r["begin"]) - origin, int(r["end"]) - origin, r["state"], number(r["reason"]),
                number(r["pcpu"]), number(r["occupant"])))
        for r in self.rows("vm_exit"):
            self.exits[vcpus[r["machine"], r["vcpu"]]].append(
                tuple(int(r[k]) - origin for k in ("begin", "end")) + tuple(int(r[k]) for k in (
                    "early", "reason", "handled", "userspace", "preempted", "blocked")))

    def rows(self, name):
        with open(self.directory / "truth" / (name + ".csv"), newline="") as f:
            return list(csv.DictReader(f))


def different_identity(lanes, truth, little_told):
    """Where little is told of processes it may be unknown which VM a vCPU belongs to."""
    for v in lanes.vcpus:
        guest = lanes.vms[v.vm].guest
        name = None if guest is None else lanes.machines[guest].name
        if name is None and little_told:
            continue
        if (name, v.index) != (truth.machine.get(v.tid), truth.index.get(v.tid)):
            yield f"{v} of {name} is vCPU {truth.index.get(v.tid)} of {truth.machine.get(v.tid)}"
    missing = {t for t, states in truth.states.items() if any(s.state == "guest" for s in states)}
    missing -= {v.tid for v in lanes.vcpus}
    if missing:
        yield f"not found: threads {missing}"


def merged(intervals, told):
    """The intervals with neighbours that are told alike as one: (begin, end, what)."""
    rows = []
    for i in intervals:
        what = told(i)
        if rows and rows[-1][2] == what and rows[-1][1] == i.begin:
            rows[-1] = rows[-1][0], i.end, what
        else:
            rows.append((i.begin, i.end, what))
    return rows


def told(i):
    """
    What an interval says, without what does not apply to its state. Where no event tells, polling is told of more of
    an exit than is true (test_causes.py): here it is part of what the hypervisor does.
    """
    queued = i.state in ("preempted", "waiting")
    state = "hypervisor" if i.state == "polling" else i.state
    return (state, i.reason if state == "hypervisor" else None,
            i.cpu if queued or i.state == "guest" else None, i.occupant if queued else None)


def overlaps(found, true):
    """Pairs of what is found and what is true, for each time at which either begins."""
    k = 0
    for begin, end, what in found:
        while k < len(true) and true[k][1] <= begin:
            k += 1
        j = k
        while j < len(true) and true[j][0] < end:
            yield max(begin, true[j][0]), min(end, true[j][1]), what, true[j][2]
            j += 1


def agrees(what, truth, lossy):
    """
    A vCPU that begins in the hypervisor is there for a cause that nobody saw. With losses a CPU or an
    occupant may be unknown as well while the state is known.
    """
    state, reason, *place = what
    if state != truth[0] or reason not in (None, truth[1]):
        return False
    return all(w == t or (lossy and w is None) for w, t in zip(place, truth[2:]))


def wrong_states(lanes, truth, lossy):
    for v, vcpu in enumerate(lanes.vcpus):
        found = merged(lanes.intervals[v], told)
        for begin, end, what, true in overlaps(found, merged(truth.states[vcpu.tid], told)):
            if what[0] != "unknown" and not agrees(what, true, lossy):
                yield f"{lanes.name(v)} (thread {vcpu.tid}) at {begin}, {end - begin} ns: {what}, not {true}"


def needless_unknown(lanes):
    """Unknown is a lane until its first entry or exit, and after its last event; not between."""
    for v in range(len(lanes.vcpus)):
        known = False
        for i in lanes.intervals[v]:
            if i.state == "unknown" and known and i.end != lanes.end:
                yield f"{lanes.name(v)}: {i}"
            known |= i.state in ("guest", "hypervisor")


def little_known(lanes):
    for v, totals in enumerate(lanes.totals):
        if totals["unknown"] > 0.9 * (lanes.end - lanes.begin):
            yield f"{lanes.name(v)}: {totals}"


def different_exits(lanes, truth):
    for v, vcpu in enumerate(lanes.vcpus):
        found = [tuple(x) for x in lanes.exits[v] if x.end is not None]
        true = truth.exits[vcpu.tid]
        # When the guest had stopped is not known of an exit whose entry was not recorded.
        if found and true and found[0][2] == 0:
            found[0] = found[0][:2] + (true[0][2],) + found[0][3:]
        for x in sorted(set(found) - set(true)):
            yield f"{lanes.name(v)}: exit {x} is not in the truth"
        if len(true) - len(found) > 1:
            yield f"{lanes.name(v)}: {len(found)} exits, {len(true)} in truth"


def main():
    program, sim, *options = sys.argv[1:]
    lossy = any(o.startswith("--lost") for o in options)
    removed = [o.partition("=")[2] for o in options if o.startswith("--lost-stream=")]
    options = [o for o in options if not o.startswith("--lost-stream=")]
    tap = Tap()
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name) / "sim"
        subprocess.run([sim, *options, str(directory)], check=True, stdout=subprocess.DEVNULL)
        for path in removed:
            (directory / path).unlink()
        truth = Truth(directory)
        lanes = Lanes(program, *(d for d in sorted(directory.iterdir()) if d.name != "truth"))
    tap.result(lanes.broken(), "the laws hold")
    tap.result(wrong_states(lanes, truth, lossy), "no state is wrong")
    if lossy:
        tap.result(little_known(lanes), "and much is known")
    else:
        little_told = "--format" in options and "ctf" not in options
        tap.result(different_identity(lanes, truth, little_told),
                   "every vCPU is found and named")
        tap.result(needless_unknown(lanes), "nothing is unknown between first and last event")
        tap.result(different_exits(lanes, truth), "exits and their parts are the true ones")
        tap.result([f"{lanes.contradictions} contradictions"] if lanes.contradictions else [],
                   "nothing contradicts itself")
    sys.exit(tap.end())


main()
