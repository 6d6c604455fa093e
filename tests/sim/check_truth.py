#!/usr/bin/env python3
"""Checks a simulation's truth against its traces, which babeltrace2 reads, and against itself.

usage: check_truth.py SIM [OPTION...]	runs the simulator SIM with these options in a directory that is
					removed afterwards, and checks what it wrote
       check_truth.py DIR		checks what is in DIR

Every failure is said, ten of a kind; exit status 1 if there is any.
"""

import bisect
import collections
import csv
import os
import subprocess
import sys
import tempfile

import bt2

SLACK = 2  # ns: a map from one clock to another rounds
RUNS = ("user", "syscall", "irq", "softirq")
Event = collections.namedtuple("Event", "ns cpu name fields")


class Checker:
    def __init__(self, out):
        self.out = out
        self.failures = collections.Counter()
        self.sim = {r["key"]: int(r["value"]) for r in self.rows("sim")}
        self.lossy = bool(self.rows("lost"))
        self.maps = collections.defaultdict(list)
        for r in self.rows("clock"):
            self.maps[r["machine"]].append(
                (int(r["from"]), int(r["offset"]), float(r["drift_ppb"]) * 1e-9))
        self.vcpu = self.lanes("vcpu_state", "vcpu")
        self.thread = self.lanes("thread_state", "tid")
        self.cpu = self.lanes("cpu_state", "cpu")
        self.discarded = collections.Counter()
        self.discarded_unknown = set()

    def fail(self, kind, text):
        self.failures[kind] += 1
        if self.failures[kind] <= 10:
            print(f"{self.out}: {kind}: {text}", file=sys.stderr)

    def rows(self, name):
        with open(os.path.join(self.out, "truth", name + ".csv"), newline="") as f:
            return list(csv.DictReader(f))

    def lanes(self, name, key):
        lanes = collections.defaultdict(list)
        for r in self.rows(name):
            r["begin"], r["end"] = int(r["begin"]), int(r["end"])
            lanes[r["machine"], int(r[key])].append(r)
        return lanes

    def reference(self, machine, ns):
        pieces = self.maps[machine]
        start, offset, drift = pieces[max(0, bisect.bisect_right(pieces, (ns, 1 << 63, 0)) - 1)]
        return ns + offset + round((ns - start) * drift)

    # ---- the truth by itself

    def check_partition(self, name, lanes, whole):
        for key, rows in lanes.items():
            for a, b in zip(rows, rows[1:]):
                if a["end"] != b["begin"] and a["state"] != "dead":
                    self.fail(name, f"{key}: {a['end']} is followed by {b['begin']}")
            if rows[-1]["end"] != self.sim["end"] and rows[-1]["state"] != "dead":
                self.fail(name, f"{key} ends at {rows[-1]['end']}")
            if whole and rows[0]["begin"] != self.sim["begin"]:
                self.fail(name, f"{key} begins at {rows[0]['begin']}")

    def check_guest_overlap(self):
        per_cpu = collections.defaultdict(list)
        for rows in self.vcpu.values():
            for r in rows:
                if r["state"] == "guest":
                    per_cpu[r["pcpu"]].append((r["begin"], r["end"]))
        for cpu, spans in per_cpu.items():
            spans.sort()
            for a, b in zip(spans, spans[1:]):
                if a[1] > b[0]:
                    self.fail("overlap", f"pCPU {cpu}: {a} {b}")

    def check_fused(self):
        """A host CPU is in state vm exactly while a vCPU is in guest there."""
        sums = collections.Counter()
        for rows in self.cpu.values():
            for r in rows:
                if r["state"] == "vm":
                    sums[r["vm"], int(r["vcpu"])] += r["end"] - r["begin"]
        for key, rows in self.vcpu.items():
            guest = sum(r["end"] - r["begin"] for r in rows if r["state"] == "guest")
            if guest != sums[key]:
                self.fail("fused", f"{key}: {guest} ns in guest, {sums[key]} ns on CPUs")

    def check_guest_time(self):
        """Guest threads' running time and the guest's idle time in guest make up its guest time."""
        running = collections.Counter()
        for (machine, _), rows in self.thread.items():
            for r in rows:
                if machine != "host" and r["state"] in RUNS:
                    running[machine, int(r["cpu"])] += r["end"] - r["begin"]
        for key, rows in self.vcpu.items():
            guest = [(r["begin"], r["end"]) for r in rows if r["state"] == "guest"]
            idle = [(r["begin"], r["end"]) for r in self.cpu[key] if r["tid"] == "0"]
            total = sum(e - b for b, e in guest)
            if total != running[key] + overlap(guest, idle):
                self.fail("guest-time", f"{key}: {total} ns in guest, {running[key]} ns threads, "
                          f"{overlap(guest, idle)} ns idle")

    def check_exits(self):
        for r in self.rows("vm_exit"):
            parts = sum(int(r[k]) for k in ("handled", "userspace", "preempted", "blocked"))
            if parts != int(r["end"]) - int(r["begin"]):
                self.fail("exit-parts", f"{r}")

    # ---- the truth and the events

    def events(self, machine):
        for msg in bt2.TraceCollectionMessageIterator(os.path.join(self.out, machine)):
            if type(msg) is bt2._DiscardedEventsMessageConst:
                self.count_discarded(machine, "events", msg.count)
            elif type(msg) is bt2._DiscardedPacketsMessageConst:
                self.count_discarded(machine, "packet", msg.count)
            elif type(msg) is bt2._EventMessageConst:
                ev = msg.event
                yield Event(msg.default_clock_snapshot.ns_from_origin,
                            int(ev.packet.context_field["cpu_id"]), ev.name, ev.payload_field)

    def count_discarded(self, machine, kind, count):
        """The reader does not know how many events were lost in a stream's first packet."""
        if count is None:
            self.discarded_unknown.add((machine, kind))
        else:
            self.discarded[machine, kind] += count

    def check_discarded(self, machine):
        lost = collections.Counter()
        for r in self.rows("lost"):
            if r["machine"] == machine:
                lost[r["kind"]] += int(r["count"]) if r["kind"] == "events" else 1
        for kind in ("events", "packet"):
            if (machine, kind) in self.discarded_unknown:
                continue
            if lost[kind] != self.discarded[machine, kind]:
                self.fail("losses", f"{machine}: {lost[kind]} {kind}, "
                          f"the reader says {self.discarded[machine, kind]}")

    def check_switches(self, machine, ev, current):
        if ev.name != "sched_switch":
            return
        prev = int(ev.fields["prev_tid"])
        if current.get(ev.cpu, prev) != prev and not self.lossy:
            self.fail("switch", f"{machine} cpu {ev.cpu} at {ev.ns}: {prev} leaves, "
                      f"{current[ev.cpu]} is there")
        current[ev.cpu] = int(ev.fields["next_tid"])

    def check_host(self):
        """Windows from kvm_entry to the first event after it on that CPU are the guest intervals."""
        n, current, opened, windows = 0, {}, {}, collections.defaultdict(list)
        exits = collections.defaultdict(list)
        threads = {r["host_tid"]: (r["machine"], int(r["vcpu"])) for r in self.rows("identity")}
        self.vmsync = collections.defaultdict(dict)
        for ev in self.events("host"):
            n += 1
            if ev.cpu in opened:
                begin, key = opened.pop(ev.cpu)
                windows[key].append((begin, ev.ns))
            self.check_switches("host", ev, current)
            if ev.name in ("kvm_x86_entry", "kvm_entry") and ev.cpu in current:
                key = threads.get(str(current[ev.cpu]))
                if key is None and not self.lossy:
                    self.fail("entry", f"at {ev.ns} by thread {current[ev.cpu]}")
                opened[ev.cpu] = (ev.ns, key)
            elif ev.name in ("kvm_x86_exit", "kvm_exit") and ev.cpu in current:
                key = threads.get(str(current[ev.cpu]))
                exits[key].append((ev.ns, int(ev.fields["exit_reason"])))
            elif ev.name.startswith("vmsync_"):
                uid_cnt = int(ev.fields["vm_uid"]), int(ev.fields["cnt"])
                self.vmsync[uid_cnt].setdefault(ev.name, []).append(ev.ns)
        self.check_count("host", n)
        if not self.lossy:
            self.check_windows(windows)
            self.check_reasons(exits)

    def check_count(self, machine, n):
        self.check_discarded(machine)
        if n != self.sim[machine]:
            self.fail("count", f"{machine}: {self.sim[machine]} events written, {n} read")

    def check_windows(self, windows):
        for key, spans in windows.items():
            truth = {(r["begin"], r["end"]) for r in self.vcpu[key] if r["state"] == "guest"}
            for span in spans:
                if span not in truth:
                    self.fail("window", f"{key}: {span}")

    def check_reasons(self, exits):
        """Every exit is in the truth, but for one a vCPU that is not over when the trace ends."""
        truth = collections.defaultdict(set)
        for r in self.rows("vm_exit"):
            truth[r["machine"], int(r["vcpu"])].add((int(r["begin"]), int(r["reason"])))
        for key, seen in exits.items():
            for row in truth[key] - set(seen):
                if row > seen[0]:  # before, it is not yet known who runs on its CPU
                    self.fail("exit", f"{key}: {row} is not in the trace")
            for row in set(seen[:-1]) - truth[key]:
                self.fail("exit", f"{key}: {row} is not in the truth")

    def check_guest(self, machine):
        n, current = 0, {}
        lanes = {}
        for (m, vcpu), rows in self.vcpu.items():
            if m == machine:
                guest = [(r["begin"], r["end"]) for r in rows if r["state"] == "guest"]
                lanes[vcpu] = ([b for b, _ in guest], guest)
        for ev in self.events(machine):
            n += 1
            self.check_switches(machine, ev, current)
            t = self.reference(machine, ev.ns)
            begins, spans = lanes[ev.cpu]
            i = bisect.bisect_right(begins, t + SLACK) - 1
            if i < 0 or t > spans[i][1] + SLACK:
                self.fail("containment", f"{machine}/{ev.cpu}: {ev.name} at {t}")
            if ev.name.startswith("vmsync_"):
                uid_cnt = int(ev.fields["vm_uid"]), int(ev.fields["cnt"])
                self.check_vmsync(ev.name, uid_cnt, t)
        self.check_count(machine, n)

    def check_vmsync(self, name, uid_cnt, t):
        host = self.vmsync[uid_cnt]
        if name == "vmsync_gh_guest":
            times, sign = host.get("vmsync_gh_host"), 1
        else:
            times, sign = host.get("vmsync_hg_host"), -1
        if times and not any((h - t) * sign >= -SLACK for h in times):
            self.fail("vmsync", f"{name} {uid_cnt} at {t}, on the host at {times}")

    def check(self):
        self.check_partition("vcpu-lane", self.vcpu, False)
        self.check_partition("thread-lane", self.thread, False)
        self.check_partition("cpu-lane", self.cpu, True)
        self.check_guest_overlap()
        self.check_fused()
        self.check_guest_time()
        self.check_exits()
        self.check_host()
        for machine in self.sim:
            if machine not in ("host", "begin", "end"):
                self.check_guest(machine)
        return sum(self.failures.values())


def overlap(a, b):
    total = i = j = 0
    while i < len(a) and j < len(b):
        total += max(0, min(a[i][1], b[j][1]) - max(a[i][0], b[j][0]))
        if a[i][1] < b[j][1]:
            i += 1
        else:
            j += 1
    return total


def files(out):
    for folder, _, names in os.walk(out):
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), out)


def same(a, b):
    """Two runs wrote the same bytes."""
    if set(files(a)) != set(files(b)):
        return False
    for name in files(a):
        with open(os.path.join(a, name), "rb") as x, open(os.path.join(b, name), "rb") as y:
            if x.read() != y.read():
                return False
    return True


def simulate_and_check(command, parent):
    out, again = os.path.join(parent, "1"), os.path.join(parent, "2")
    subprocess.run([*command, out], check=True)
    subprocess.run([*command, again], check=True)
    checker = Checker(out)
    if not same(out, again):
        checker.fail("seed", "a second run is different")
    failures = checker.check()
    events = sum(v for k, v in checker.sim.items() if k not in ("begin", "end"))
    print(f"{events} events, {failures} failures: {' '.join(command[1:])}")
    return failures


def main():
    if os.path.isdir(sys.argv[1]):
        return 1 if Checker(sys.argv[1]).check() else 0
    with tempfile.TemporaryDirectory(prefix="vmscope-sim-") as parent:
        return 1 if simulate_and_check(sys.argv[1:], parent) else 0


if __name__ == "__main__":
    sys.exit(main())
