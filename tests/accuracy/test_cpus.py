#!/usr/bin/python3
"""
test_cpus.py VMSCOPE SIM: guests whose CPUs do not share a clock: each CPU's, and what ran there, against the truth;
as TAP. With numbers behind SIM: these seeds, each with options of its own, instead of the tests.
"""
import bisect
import collections
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile

import accuracy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap  # noqa: E402 pylint: disable=wrong-import-position

VMSCOPE, SIM = sys.argv[1:3]
Recording = collections.namedtuple("Recording", "directory odd us ppm")


class OddClock:
    """The clock of the odd CPU: that of its machine, and what it is ahead by."""
    slack = accuracy.SIM_SLACK + 2

    def __init__(self, clock, begin, us, ppm):
        self.clock, self.begin, self.us, self.ppm = clock, begin, us, ppm

    def difference(self, t):
        ahead = round(self.us * 1000)
        for _ in range(3):
            reference = t - ahead + self.clock.difference(t - ahead)
            ahead = round(self.us * 1000 + (reference - self.begin) * self.ppm / 1e6)
        return reference - t

    def edges(self):
        return self.clock.edges()


def simulated(scratch, us, odd=1, ppm=0, **options):
    directory = pathlib.Path(scratch) / "sim"
    words = [w for k, v in {"vcpus": 2, "duration": 0.5, **options}.items() for w in ("--" + k.replace("_", "-"), v)]
    accuracy.simulate(SIM, directory, "--odd-cpu", odd, "--odd-cpu-us", us, "--odd-cpu-drift", ppm, *words)
    return Recording(directory, odd, us, ppm)


def query(r, sql):
    done = subprocess.run([VMSCOPE, "query", "--format", "json", r.directory / "x.vms", sql], check=True,
                          stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def analyzed(r, *options):
    """Return: the report, and the states of g1's threads by tid: (begin, end, state)."""
    report = accuracy.analyze(VMSCOPE, [r.directory / n for n in accuracy.traces_of(r.directory)], *options,
                              "-o", r.directory / "x.vms")
    sql = ("SELECT t.tid, s.ts, s.dur, s.state FROM thread_state s JOIN thread t ON t.id = s.thread_id"
           " JOIN machine m ON m.id = t.machine_id WHERE m.name = 'g1' ORDER BY s.ts")
    threads = collections.defaultdict(list)
    for row in query(r, sql):
        threads[row["tid"]].append((row["ts"], row["ts"] + row["dur"], row["state"]))
    return report, threads


def clock_faults(report, r):
    """CPUs of g1 whose true clock is not inside of what is stated."""
    clock = accuracy.simulated_clocks(r.directory)["g1"]
    begin = next(int(row["from"]) for row in accuracy.rows(r.directory / "truth" / "clock.csv")
                 if row["machine"] == "host")
    rows = collections.defaultdict(list)
    for row in report["sync"]:
        if row["machine"] == "g1" and row["chosen"] and row["cpu"] is not None:
            rows[row["cpu"]].append(row)
    for cpu, pieces in rows.items():
        true = OddClock(clock, begin, r.us, r.ppm) if cpu == r.odd else clock
        judged = accuracy.judge_estimate(pieces, true)
        if judged.excess is None or judged.excess > 0:
            yield cpu, judged


def wrong_share(r, threads):
    """Of moments at which g1's threads are known to run on a vCPU or not: how many are told wrongly."""
    true, wrong, known, draw = collections.defaultdict(list), 0, 0, random.Random(1)
    for row in accuracy.rows(r.directory / "truth" / "thread_state.csv"):
        if row["machine"] == "g1":
            true[int(row["tid"])].append((int(row["begin"]), int(row["end"]), row["state"]))
    for tid, lane in true.items():
        lane.sort()
        for _ in range(400):
            t = draw.randrange(lane[0][0], lane[-1][1])
            states = [x[max(bisect.bisect_right(x, (t, 1 << 62, "")) - 1, 0)] if x else None
                      for x in (lane, threads.get(tid))]
            if None in states or not all(s[0] <= t < s[1] for s in states) or states[1][2] in ("unknown", "syscall"):
                continue
            known += 1
            wrong += states[0][2] not in (states[1][2], "syscall")
    return wrong / max(known, 1), known


def warnings(report, name="cpu-clocks-differ"):
    return [d for d in report["diag"] if d["name"] == name]


def check(us, groups, **options):
    """groups: CPUs of g1 by their clock; the text of the warning is returned."""
    with tempfile.TemporaryDirectory() as scratch:
        r = simulated(scratch, us, **options)
        report, threads = analyzed(r)
        assert not list(clock_faults(report, r)), (us, options)
        found = collections.defaultdict(set)
        for row in report["sync"]:
            if row["machine"] == "g1" and row["chosen"]:
                found[row["offset_ns"]].add(row["cpu"])
        assert sorted(map(sorted, found.values())) == groups, (found, us, options)
        share, known = wrong_share(r, threads)
        assert share < 0.02 and known > 1000, (share, known, us, options)
        assert not warnings(report, "guest-events-outside"), report["diag"]
        return warnings(report)[0]["detail"]


def test_ahead():
    text = check(200, [[0], [1]], seed=5)
    us = re.fullmatch(r"that of CPU 1 is ([0-9.]+) us \(±([0-9.]+)\) ahead of that of CPU 0", text)
    assert us and abs(float(us[1]) - 200) <= float(us[2]) < 10, text


def test_behind_and_the_first_cpu_is_the_odd_one():
    text = check(-350, [[0], [1, 2]], odd=0, vcpus=3, seed=7, duration=1)
    assert re.match(r"that of CPU 0 is (349|350)\.\d us \(±[0-9.]+\) behind that of CPU [12]", text), text


def test_among_four():
    assert "that of CPU 2 is " in check(1500, [[0, 1, 3], [2]], odd=2, vcpus=4, seed=6)


def test_far_apart():
    assert "ahead" in check(300000, [[0], [1]], seed=5, duration=1.5)


def test_one_that_only_goes_faster():
    text = check(0, [[0, 2], [1]], ppm=50, vcpus=3, seed=8, duration=1)
    ends = [float(x) for x in re.findall(r"([0-9.]+) us", text)]
    assert 45 < ends[0] - ends[1] < 51, text


def test_one_that_fits_nowhere():
    """It has the events of another VM's CPU: of it and what runs there nothing is known, and the rest holds."""
    with tempfile.TemporaryDirectory() as scratch, tempfile.TemporaryDirectory() as other:
        r = simulated(scratch, 200, odd=2, vcpus=4, seed=6)
        stream = r.directory / "g1" / "kernel" / "k_3"
        foreign = (simulated(other, 0, vcpus=4, seed=8).directory / "g1" / "kernel" / "k_3").read_bytes()
        uuid = slice(4, 20)  # of the packets' headers
        stream.write_bytes(foreign.replace(foreign[uuid], stream.read_bytes()[uuid]))
        (stream.parent / "index" / "k_3.idx").unlink()
        report, _ = analyzed(r)
        assert not list(clock_faults(report, r))
        text = warnings(report)[0]["detail"] if warnings(report) else [report["diag"], report["sync"]]
        assert "that of CPU 3 is not known" in text, text
        states = query(r, "SELECT cpu, state, sum(dur) AS ns FROM cpu_state JOIN machine m ON m.id = machine_id"
                       " WHERE m.name = 'g1' GROUP BY cpu, state")
        assert {s["state"] for s in states if s["cpu"] == 3} == {"unknown"}, states
        known = sum(s["ns"] for s in states if s["cpu"] == 2 and s["state"] != "unknown")
        assert known > 400000000, states


def test_cpus_that_share_a_clock_are_not_told_apart():
    with tempfile.TemporaryDirectory() as scratch:
        report, _ = analyzed(simulated(scratch, 0, seed=5))
        assert not warnings(report) and all(row["cpu"] is None for row in report["sync"]), report


def test_what_the_user_gives_is_not_questioned():
    with tempfile.TemporaryDirectory() as scratch:
        r = simulated(scratch, 200, seed=5)
        pid = accuracy.rows(r.directory / "truth" / "identity.csv")[0]["pid"]
        report, _ = analyzed(r, "--clock-offset", "g1=-303085152", "--vm", "g1=" + pid)
        assert [row["method"] for row in report["sync"] if row["machine"] == "g1" and row["chosen"]] == ["given"]
        assert not warnings(report), report["diag"]


def run_seeds(seeds):
    for seed in seeds:
        d = random.Random(seed)
        vcpus = d.choice((2, 3, 4))
        options = {"seed": seed, "vcpus": vcpus, "pcpus": d.choice((1, 2, 4)), "vms": d.choice((1, 2)),
                   "duration": d.choice((0.3, 1, 3)), "isa": d.choice(("svm", "vmx")),
                   "clock_slew": d.choice((0, 0, 5)), "clock_slew_every": 0.5, "lost_events": d.choice((0, 0, 3)),
                   "packet_size": "32k"}
        us, odd = d.choice((0, 5, 20, 100, 1000, 30000, 1e6)) * d.choice((1, -1)), d.randrange(vcpus)
        ppm = d.choice((0, 0, 0, 50, -20))
        with tempfile.TemporaryDirectory() as scratch:
            r = simulated(scratch, us, odd, ppm, **options)
            report, threads = analyzed(r)
            share, known = wrong_share(r, threads)
            cpus = [(row["cpu"], row["error_ns"]) for row in report["sync"] if row["machine"] == "g1" and row["chosen"]]
            names = [(d["name"], d["count"]) for d in report["diag"]
                     if d["severity"] == "warning" and d["name"] != "events-not-recorded"]
            print(seed, us, ppm, f"cpu {odd} of {vcpus}", "vms", options["vms"], "d", options["duration"], "loss",
                  options["lost_events"], "slew", options["clock_slew"], f"wrong {100 * share:.2f}% of {known}",
                  cpus[:6], names, *clock_faults(report, r), flush=True)


if len(sys.argv) > 3:
    run_seeds(map(int, sys.argv[3:]))
else:
    tap.run(globals())
