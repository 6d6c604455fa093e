#!/usr/bin/python3
"""test_truth.py [--full] [--format FORMAT] VMSCOPE ROWS SIM: lanes of threads and CPUs and the containers of simulated
recordings are the true ones, and the laws of conservation hold; as TAP.

Options are drawn by number, so that case N is always the same in every format (ctf, trace.dat, perf.data); --full runs
a hundred of them. With events missing, or in a format that does not record all, states may be unknown, but never wrong.
"""
import argparse
import random
import sys
import tempfile

from lanes import Tap
from truth import (FORMATS, Simulation, needless_unknown, wrong_containers, wrong_cpus, wrong_threads,
                   wrong_wakeups)

CASES, ALL_CASES = 10, 100
LOSSES = (
    ["--lost-events", "5", "--packet-size", "8k"],
    ["--lost-packets", "5", "--packet-size", "8k"],
    ["--lost-events", "5", "--lost-packets", "5", "--packet-size", "16k"],
)


def drawn(n):
    """The options of case n."""
    r = random.Random(n)
    options = ["--vmsync", "--seed", str(n), "--duration", r.choice(("0.05", "0.1"))]
    options += ["--vms", str(r.randint(1, 3)), "--vcpus", r.choice(("1", "2", "4"))]
    options += ["--pcpus", r.choice(("1", "2", "4")), "--isa", r.choice(("svm", "vmx"))]
    options += ["--halt-poll", r.choice(("0", "50", "200"))]
    for flag, share in (("--contention", 0.3), ("--containers", 0.4), ("--late-tracing", 0.2),
                        ("--late-guests", 0.2), ("--no-statedump", 0.2), ("--compact", 0.3),
                        ("--old-names", 0.2), ("--stock-probe", 0.2), ("--identical", 0.2)):
        if r.random() < share:
            options.append(flag)
    if r.random() < 0.3:
        options += ["--slow", "30"]
    if r.random() < 0.3:
        options += ["--untraced", "1"]
    if r.random() < 0.4:
        options += r.choice(LOSSES)
    if r.random() < 0.3:
        options.append("--channels")
    return options


def lost(options):
    return any(o.startswith("--lost") for o in options)


def failures(sim, results, options, form):
    yield from results.broken()
    yield from wrong_threads(sim, results)
    yield from wrong_cpus(sim, results)
    little_told = lost(options) or "--no-statedump" in options or form != "ctf"
    yield from wrong_containers(sim, results, little_told)
    if not lost(options):
        yield from needless_unknown(results)
        yield from wrong_wakeups(sim, results)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--format", choices=FORMATS, default="ctf")
    for name in ("vmscope", "rows", "sim"):
        parser.add_argument(name)
    args, tap = parser.parse_args(), Tap()
    for n in range(1, 1 + (ALL_CASES if args.full else CASES)):
        options = drawn(n)
        with tempfile.TemporaryDirectory() as directory:
            sim = Simulation(args.sim, directory, *options, form=args.format)
            results = sim.results(args.vmscope, args.rows)
            tap.result(failures(sim, results, options, args.format),
                       f"case {n}: {' '.join(options)}")
    sys.exit(tap.end())


main()
