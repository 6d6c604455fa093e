#!/usr/bin/python3
"""test_causes.py [--long [--seeds N]] VMSCOPE ROWS SIM: vCPUs' states are the true ones whatever is the cause, and what they lost is laid
at the right door; as TAP.

Each cause of the simulator once; --long: N (20) seeds of each alone, and of each pair.
"""
import argparse
import itertools
import multiprocessing
import sys
import tempfile

from causes import CAUSES, Judge, right
from lanes import Tap
from truth import Simulation, wrong_threads

RIGHT = 0.99  # of what was lost
SEEDS = 20
SECONDS = {"healthy": "0.06", "polling": "0.05", "quota": "0.3", "long-neighbour": "0.2"}
UNTRACED = ["--untraced", "3"]
NAMED = ["--format", "trace.dat", "--agent"]
SCENES = {
    **{cause: [cause, *UNTRACED] for cause in CAUSES},
    "polling": ["polling"],
    "polling, told by events": ["polling", "--poll-events", *UNTRACED],
    "quota": ["quota"],
    "quota, no timers": ["quota", "--no-timer-events", *UNTRACED],
    "quota from 6.18 on": ["quota", "--late-quota", *NAMED],
    "quota, woken meanwhile": ["quota", *NAMED],
    "quota and neighbour": ["quota,neighbour", "--late-quota", *NAMED],
}


def options_of(causes, seed, *more):
    seconds = max((SECONDS.get(c, "0.08") for c in causes.split(",")), key=float)
    return ["--cause", causes, "--duration", seconds, "--seed", str(seed), *more]


def judge(vmscope, rows, sim, options):
    """Return: (failures, a Judge)."""
    form = "trace.dat" if "trace.dat" in options else "ctf"
    with tempfile.TemporaryDirectory() as directory:
        simulation = Simulation(sim, directory, *options, form=form)
        results = simulation.results(vmscope, rows)
        judged = Judge(simulation, results)
        failures = list(results.broken()) + judged.failures
        if "--untraced" not in options:
            failures += wrong_threads(simulation, results)
    return failures, judged


def failures_of(vmscope, rows, sim, options):
    failures, judged = judge(vmscope, rows, sim, options)
    good, lost = right(judged.matrix)
    if good < RIGHT * lost:
        failures.append(f"of {lost} ns lost {good} are laid at the right door: {dict(judged.matrix)}")
    return failures


def usual():
    for n, (name, (causes, *more)) in enumerate(SCENES.items(), 1):
        yield name, options_of(causes, n, *more)


def drawn(causes, seed):
    """What the recorder and the kernel are like, drawn by number."""
    more = ["--isa", ("svm", "vmx")[seed % 2]]
    more += ["--poll-events"] if seed % 4 < 2 else []
    more += ["--late-quota"] if seed % 3 == 0 else []
    # trace.dat does not say whose a thread is that wakes nobody.
    helped = {"emulator", "vhost"} & set(causes.split(","))
    more += NAMED if seed % 5 < 3 and not helped else UNTRACED
    return options_of(causes, seed, *more)


def long(seeds):
    pairs = [",".join(pair) for pair in itertools.combinations(CAUSES[1:], 2)]
    for number, causes in enumerate([*CAUSES, *pairs]):
        for seed in range(seeds):
            yield causes, drawn(causes, 1000 * number + seed)


def run(work):
    return failures_of(*work)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    for name in ("vmscope", "rows", "sim"):
        parser.add_argument(name)
    args, tap = parser.parse_args(), Tap()
    cases = list(long(args.seeds) if args.long else usual())
    with multiprocessing.Pool() as pool:
        found = pool.imap(run, ((args.vmscope, args.rows, args.sim, options) for _, options in cases))
        for (name, options), failures in zip(cases, found):
            tap.result(failures, f"{name}: {' '.join(options)}")
    sys.exit(tap.end())


if __name__ == "__main__":
    main()
