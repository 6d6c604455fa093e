#!/usr/bin/python3
"""full.py VMSCOPE SIM [OPTION...]: the tables of docs/accuracy.md."""
import argparse
import collections
import functools
import multiprocessing
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time

import accuracy
import cases


def us(ns):
    return "" if ns is None else f"{ns / 1000:.3f}"


def say(*cells):
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def head(*cells):
    say(*cells)
    say(*("---" for _ in cells))


def recordings(vmscope, root):
    """All recordings with a known truth, shuffled, with and without vmsync."""
    bad = 0
    head("recording", "guest", "--sync", "identity", "estimate", "pieces", "width at begin, us", "in the middle",
         "at the end", "greatest error, us", "truth inside")
    for directory in sorted(d for d in root.iterdir() if (d / "host" / "kernel").exists()):
        clocks = accuracy.recorded_clocks(directory)
        readme = (directory / "README.txt").read_text(errors="replace")
        for sync in ("auto", "containment"):
            paths, names = accuracy.shuffled(directory, accuracy.traces_of(directory), random.Random(1))
            report = accuracy.analyze(vmscope, paths, "--sync", sync)
            pids = {names[m["name"]]: m["pid"] for m in report["machines"] if m["trace_path"]}
            for m in accuracy.judge(report, clocks, pids, names):
                qemu = re.search(rf"guest {m.name}: qemu pid (\d+);", readme)
                told = f"right (pid {m.pid})" if qemu and int(qemu[1]) == m.pid else f"WRONG (pid {m.pid})"
                bad += "WRONG" in told
                if not m.estimates:
                    say(directory.name, m.name, sync, told, "(truth not known)", *[""] * 6)
                for e in m.estimates:
                    bad += (e.excess or 0) > 0
                    say(directory.name, m.name, sync, told, e.method + (" *" if e.chosen else ""), e.pieces,
                        *map(us, e.widths), us(e.error), "no" if (e.excess or 0) > 0 else "yes")
    return bad


def seeds(vmscope, sim, numbers, jobs):
    """Return: number of faults."""
    verdicts = collections.defaultdict(collections.Counter)
    estimates, bad = collections.defaultdict(list), []
    with multiprocessing.Pool(jobs) as pool:
        found = pool.map(functools.partial(cases.judged, vmscope, sim), numbers, chunksize=1)
    for seed, (family, machines) in zip(numbers, found):
        for fault in accuracy.faults(machines):
            bad.append(f"seed {seed} ({family}): {fault}")
            print(bad[-1], file=sys.stderr, flush=True)
        for m in machines:
            belongs = "its own" if m.true_pid is not None else "foreign"
            verdicts[family, belongs][m.verdict] += 1
            if m.verdict == "right":
                for e in m.estimates:
                    estimates[family, e.method].append(e)
    head("family", "guests", "number", "right", "ambiguous", "not found", "wrong")
    for (family, belongs), n in verdicts.items():
        say(family, belongs, sum(n.values()), n["right"] + n["recognized"],
            *(n[v] for v in ("ambiguous", "not found", "wrong")))
    print()
    head("family", "estimate", "guests", "taken", "bound unknown", "median bound, us", "95 %", "greatest",
         "median error, us", "greatest error", "bound violated")
    for (family, method), found in estimates.items():
        estimate_row(family, method, found)
    for method in sorted({k[1] for k in estimates}):
        estimate_row("all", method, [e for k, v in estimates.items() if k[1] == method for e in v])
    return len(bad)


def estimate_row(family, method, found):
    bounds = sorted(e.usual for e in found if e.usual is not None)
    errors = sorted(e.error for e in found if e.error is not None)
    say(family, method, len(found), sum(e.chosen for e in found), len(found) - len(bounds),
        us(statistics.median(bounds)), us(bounds[len(bounds) * 95 // 100]), us(bounds[-1]), us(statistics.median(errors)),
        us(errors[-1]), sum((e.excess or 0) > 0 for e in found))


def simulated(scratch, sim, *options):
    directory = pathlib.Path(scratch) / "sim"
    accuracy.simulate(sim, directory, *options)
    return directory


def alike(vmscope, sim, numbers):
    """Many identical machines, whose traces are shuffled."""
    bad, verdicts = 0, collections.Counter()
    for seed in numbers:
        with tempfile.TemporaryDirectory() as scratch:
            directory = simulated(scratch, sim, "--vms", 16, "--identical", "--pcpus", 8, "--duration", 0.3,
                                  "--seed", seed)
            machines, _ = accuracy.judge_simulated(vmscope, directory, seed=seed)
        verdicts.update(m.verdict for m in machines)
        bad += len(list(accuracy.faults(machines)))
    head("16 identical machines", "right", "ambiguous", "not found", "wrong")
    say(f"{len(numbers)} times", *(verdicts[v] for v in ("right", "ambiguous", "not found", "wrong")))
    return bad


def decoys(vmscope, sim, numbers):
    """vmsync as it is, and with decoys and losses."""
    bad = 0
    head("vmsync", "guests", "of one piece", "median bound, us", "greatest error, us", "bound violated",
         "decoys", "of them counted")
    for name, options in ("clean", []), ("10 % decoys, 30 % lost", ["--vmsync-decoys", 10, "--vmsync-lost", 30]):
        found, counted = [], 0
        for seed in numbers:
            with tempfile.TemporaryDirectory() as scratch:
                directory = simulated(scratch, sim, "--vms", 2, "--vmsync", "--vmsync-every", 2000,
                                      "--duration", 2, "--seed", seed, *options)
                machines, _ = accuracy.judge_simulated(vmscope, directory, "--sync", "vmsync", seed=seed)
                counted += sum(int(r["vmsync_decoys"])
                               for r in accuracy.rows(directory / "truth" / "identity.csv"))
            found += [e for m in machines for e in m.estimates if e.chosen and m.verdict == "right"]
        violated = sum((e.excess or 0) > 0 for e in found)
        bad += violated
        say(name, len(found), sum(e.pieces == 1 for e in found), us(statistics.median(e.usual for e in found)),
            us(max(e.error for e in found)), violated, counted, sum(e.decoys for e in found))
    return bad


def measured(command):
    """Return: seconds of CPU time, MB at most."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def hours(vmscope, sim, numbers):
    """Long recordings with clocks that are slewed all the time and set once."""
    bad = 0
    head("an hour, seed", "guest events", "true pieces", "pieces found", "usual bound, us", "times inside, %",
         "worst excess, us", "analyze, CPU s", "memory, MB")
    for seed in numbers:
        with tempfile.TemporaryDirectory() as scratch:
            directory = simulated(scratch, sim, "--duration", 3600, "--calm", 1000000, "--clock-slew", 5,
                                  "--clock-step", 1, "--seed", seed)
            machines, report = accuracy.judge_simulated(vmscope, directory)
            seconds, memory = measured([vmscope, "analyze", str(directory)])
            true = len(accuracy.simulated_clocks(directory)["g1"].pieces)
        events = sum(m["events"] for m in report["machines"] if m["role"] == "guest" and m["events"])
        for e in (e for m in machines for e in m.estimates):
            bad += (e.excess or 0) > 0
            say(seed, events, true, e.pieces, us(e.usual), f"{100 * e.inside:.2f}", us(max(0, e.excess or 0)),
                f"{seconds:.2f}", f"{memory:.0f}")
    return bad


def sizes(vmscope, sim, numbers):
    """What synchronization costs as a trace grows: against the same without."""
    head("events of host and guest", "of the guest", "found", "--sync none, CPU s", "MB", "containment, CPU s", "MB",
         "more s per million guest events")
    for n in numbers:
        with tempfile.TemporaryDirectory() as scratch:
            directory = simulated(scratch, sim, "--no-truth", "--events", n, "--packet-size", "1M")
            report = accuracy.analyze(vmscope, [directory], sections=("machines", "sync"))
            cost = [measured([vmscope, "analyze", "--sync", sync, str(directory)]) for sync in ("none", "auto")]
        guest = next(m for m in report["machines"] if m["name"] == "g1")
        (less, low), (more, high) = cost
        say(n, guest["events"], "no" if guest["pid"] is None else "yes", f"{less:.2f}", f"{low:.0f}", f"{more:.2f}",
            f"{high:.0f}", f"{(more - less) / guest['events'] * 1e6:.2f}")
    return 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("vmscope")
    parser.add_argument("sim")
    parser.add_argument("--seeds", type=int, default=300)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="seeds simulated at a time")
    parser.add_argument("--recordings", type=pathlib.Path)
    parser.add_argument("--specials", type=int, default=0, metavar="N", help="special cases, N seeds of each")
    parser.add_argument("--sizes", nargs="*", default=[], metavar="EVENTS", help="like 1M")
    o = parser.parse_args()
    bad, began = 0, time.monotonic()
    if o.recordings:
        bad += recordings(o.vmscope, o.recordings)
        print()
    if o.seeds:
        bad += seeds(o.vmscope, o.sim, range(o.first, o.first + o.seeds), o.jobs)
    for special in (alike, decoys, hours) if o.specials else ():
        print()
        bad += special(o.vmscope, o.sim, range(1, 1 + o.specials))
    if o.sizes:
        print()
        bad += sizes(o.vmscope, o.sim, o.sizes)
    print(f"{time.monotonic() - began:.0f} s, {bad} faults", file=sys.stderr)
    sys.exit(1 if bad else 0)


main()
