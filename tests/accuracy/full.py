#!/usr/bin/python3
"""full.py VMSCOPE SIM [--seeds N] [--from SEED] [--recordings DIR]: the tables of docs/accuracy.md."""
import argparse
import collections
import pathlib
import random
import re
import statistics
import sys
import time

import accuracy
import cases


def us(ns):
    return "" if ns is None else f"{ns / 1000:.3f}"


def say(*cells):
    print("| " + " | ".join(map(str, cells)) + " |")


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
                    bad += e.excess > 0
                    say(directory.name, m.name, sync, told, e.method + (" *" if e.chosen else ""), e.pieces,
                        *map(us, e.widths), us(e.error), "no" if e.excess > 0 else "yes")
    return bad


def seeds(vmscope, sim, numbers):
    """Return: number of faults."""
    verdicts = collections.defaultdict(collections.Counter)
    estimates, bad = collections.defaultdict(list), []
    for seed in numbers:
        family, machines, _ = cases.run(vmscope, sim, seed)
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
    head("family", "estimate", "guests", "taken", "median bound, us", "95 %", "greatest", "median error, us",
         "greatest error", "bound violated")
    for (family, method), found in estimates.items():
        estimate_row(family, method, found)
    for method in sorted({k[1] for k in estimates}):
        estimate_row("all", method, [e for k, v in estimates.items() if k[1] == method for e in v])
    return len(bad)


def estimate_row(family, method, found):
    bounds = sorted(e.usual for e in found if e.usual is not None)
    errors = sorted(e.error for e in found if e.error is not None)
    say(family, method, len(found), sum(e.chosen for e in found), us(statistics.median(bounds)),
        us(bounds[len(bounds) * 95 // 100]), us(bounds[-1]), us(statistics.median(errors)), us(errors[-1]),
        sum((e.excess or 0) > 0 for e in found))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("vmscope")
    parser.add_argument("sim")
    parser.add_argument("--seeds", type=int, default=300)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--recordings", type=pathlib.Path)
    o = parser.parse_args()
    bad, began = 0, time.monotonic()
    if o.recordings:
        bad += recordings(o.vmscope, o.recordings)
        print()
    if o.seeds:
        bad += seeds(o.vmscope, o.sim, range(o.first, o.first + o.seeds))
    print(f"{time.monotonic() - began:.0f} s, {bad} faults", file=sys.stderr)
    sys.exit(1 if bad else 0)


main()
