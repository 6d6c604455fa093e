#!/usr/bin/python3
"""full_causes.py VMSCOPE ROWS SIM: the tables on causes of docs/accuracy.md, of simulated recordings of each, alone and in pairs."""
import argparse
import collections
import itertools
import json
import multiprocessing
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "model"))
from causes import CAUSES, DOORS, Judge, right  # noqa: E402 pylint: disable=wrong-import-position
from test_causes import drawn  # noqa: E402 pylint: disable=wrong-import-position
from truth import Simulation  # noqa: E402 pylint: disable=wrong-import-position

# What is to be found of g1.
FINDING = {
    "polling": "halt-polling", "quota": "quota", "siblings": "own-siblings", "emulator": "own-emulator", "vhost": "own-emulator",
    "interrupts": "interrupts", "neighbour": "neighbour", "long-neighbour": "neighbour",
    "lock-holder": "lock-holder-preemption", "msr-storm": "msr-accesses", "pio-storm": "device-emulation",
    "mmio-storm": "device-emulation", "nested": "nested", "clock": "clock",
}
ALONE, PAIRS = "alone", "in pairs"

Found = collections.namedtuple("Found", "causes seed matrix stretches failures why")


def findings(vmscope, traces):
    """Return: [(machine, cause)], or None where this vmscope cannot say why."""
    done = subprocess.run([vmscope, "why", "--format", "json", *traces], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          check=False)
    if done.returncode:
        return None
    return [(f["machine"], f["cause"]) for f in json.loads(done.stdout)["findings"]]


def judged(work):
    vmscope, rows, sim, causes, seed = work
    options = drawn(causes, seed)
    if "trace.dat" not in options:
        options += ["--untraced", "0"]  # by their names findings are told apart
    form = "trace.dat" if "trace.dat" in options else "ctf"
    with tempfile.TemporaryDirectory() as directory:
        simulation = Simulation(sim, directory, *options, form=form)
        judge = Judge(simulation, simulation.results(vmscope, rows))
        return Found(causes, seed, judge.matrix, judge.stretches, judge.failures, findings(vmscope, simulation.traces))


def say(*cells):
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def head(*cells):
    say(*cells)
    say(*("---" for _ in cells))


def ms(ns):
    return f"{ns / 1e6:.1f}" if ns >= 50000 else ("" if ns == 0 else f"{ns / 1e6:.3f}")


def say_matrix(found):
    matrix = collections.Counter()
    for f in found:
        matrix.update(f.matrix)
    told = [d for d in (*DOORS, "not told") if any(matrix[t, d] for t in DOORS)]
    head("in truth, ms", *told, "right, %")
    for true in DOORS:
        row = [matrix[true, d] for d in told]
        if sum(row):
            say(true, *map(ms, row), f"{100 * matrix[true, true] / sum(row):.3f}")
    good, lost = right(matrix)
    if lost:
        print(f"\nOf {lost / 1e9:.1f} s lost {100 * good / lost:.3f} % are laid at the right door.\n")


def say_stretches(found):
    head("recordings", "throttled", "of them missed", "called throttled", "of them were not")
    for name, some in (ALONE, [f for f in found if f.causes == "quota"]), \
            ("with another cause", [f for f in found if "quota" in f.causes and "," in f.causes]), \
            ("without a quota", [f for f in found if "quota" not in f.causes]):
        n = collections.Counter()
        for f in some:
            n.update(f.stretches)
        say(name, n["missed of"], n["missed"], n["false of"], n["false"])
    print()


def say_findings(found):
    head("cause", "recordings", "found for g1", "other findings for g1", "findings for g3")
    for cause in CAUSES:
        some = [f for f in found if f.causes == cause]
        if not some:
            continue
        wanted = FINDING.get(cause)
        own = [[c for m, c in f.why if m == "g1"] for f in some]
        others = collections.Counter(c for o in own for c in set(o) if c != wanted)
        aside = collections.Counter(c for f in some for m, c in f.why if m == "g3")
        say(cause, len(some), sum(wanted in o for o in own) if wanted else "",
            *(", ".join(f"{c} ({n})" for c, n in x.most_common()) for x in (others, aside)))
    pairs = [f for f in found if "," in f.causes]
    wanted = [(f, FINDING[c]) for f in pairs for c in f.causes.split(",") if c in FINDING]
    print(f"\nIn pairs {sum(('g1', w) in f.why for f, w in wanted)} of {len(wanted)} causes are found.")


def main():
    parser = argparse.ArgumentParser()
    for name in ("vmscope", "rows", "sim"):
        parser.add_argument(name)
    parser.add_argument("--seeds", type=int, default=20, help="of each cause alone")
    parser.add_argument("--pairs", type=int, default=20, help="seeds of each pair")
    parser.add_argument("--of", default=",".join(CAUSES), metavar="CAUSE[,CAUSE]", help="pairs of these alone")
    o = parser.parse_args()
    pairs = [",".join(pair) for pair in itertools.combinations([c for c in o.of.split(",") if c != "healthy"], 2)]
    work = [(o.vmscope, o.rows, o.sim, causes, 1000 * n + seed)
            for n, causes in enumerate([*CAUSES, *pairs])
            for seed in range(o.pairs if "," in causes else o.seeds)]
    with multiprocessing.Pool() as pool:
        found = pool.map(judged, work, chunksize=1)
    for name, some in (ALONE, [f for f in found if "," not in f.causes]), (PAIRS, [f for f in found if "," in f.causes]):
        if some:
            print(f"{len(some)} recordings, causes {name}:\n")
            say_matrix(some)
    say_stretches(found)
    if all(f.why is not None for f in found):
        say_findings(found)
    bad = [f for f in found if f.failures]
    for f in bad:
        print(f"{f.causes}, seed {f.seed}: {f.failures[0]}", file=sys.stderr)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
